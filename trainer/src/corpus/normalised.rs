//! The project's own format: one JSON object a line, plain or gzipped (`*.jsonl`, `*.jsonl.gz`).
//! Reads bytes, nothing else. Root, intervals and bass decide what a chord is, never its label.
//!
//! A song is `{id, source, tier, license, split, group, title?, meter: [n, d], bpm?, beats_total,
//! meter_changes?: [[beat, n, d]..], melody: [[on, off, midi]..],
//! chords: [[on, off, label, root, [intervals], bass]..]}`, in beats; a chord without a root is "no chord", a
//! gap between chords says nothing. Melodies without chords are taken too: the format is made for both.

use super::{ImportError, Imported, Importer, Song, Split, ends_in, score, ungzipped, with_melody};
use music::{
    chord::{Chord, Quality},
    grid::Beats,
    lead_sheet::{ChordSpan, LeadSheet},
    meter::{Meter, MeterMap},
    pitch::{PitchClass, PitchClassSet},
};
use serde::Deserialize;
use std::path::Path;

/// The importer's name.
pub const NORMALISED: &str = "normalised";

/// Reads song objects, one a line.
pub struct Normalised;

const FORMAT: &str = "song-a-line JSON";

/// A chord's entry: on, off, label, root, intervals above the root, bass.
type ChordEntry = (f64, f64, String, Option<i32>, Vec<u8>, Option<i32>);

/// The keys we read; others are left alone.
#[derive(Deserialize)]
struct SongObject {
    id: String,
    source: String,
    tier: Option<String>,
    license: Option<String>,
    split: Option<String>,
    group: Option<String>,
    #[serde(default)]
    title: String,
    meter: (u8, u8),
    bpm: Option<f64>,
    beats_total: f64,
    #[serde(default)]
    meter_changes: Vec<(f64, u8, u8)>,
    melody: Vec<(f64, f64, u8)>,
    chords: Vec<ChordEntry>,
}

impl Importer for Normalised {
    fn name(&self) -> &'static str {
        NORMALISED
    }

    fn recognises(&self, path: &Path) -> bool {
        ends_in(path, &[".jsonl", ".jsonl.gz"])
    }

    fn import(&self, _path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError> {
        let bytes = ungzipped(bytes)?;
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let songs = lines
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .map(|(idx, line)| song(line).map_err(|reason| ((idx + 1).to_string(), reason)))
            .collect::<Vec<_>>();
        if songs.is_empty() { Err(ImportError::format(FORMAT, "there is no line in it")) } else { Ok(songs) }
    }
}

/// Chord time in beats, and the part of it whose intervals stand in the table of qualities as they are; the rest
/// is told by its nearest row. Broken lines are passed over: the import names them.
///
/// # Errors
/// Where the file as a whole cannot be read.
pub fn coverage(bytes: &[u8]) -> Result<(f64, f64), ImportError> {
    let bytes = ungzipped(bytes)?;
    let objects =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<SongObject>(line).ok());
    let (mut all, mut exact) = (0.0, 0.0);
    for (on, off, _, root, intervals, _) in objects.flat_map(|object| object.chords) {
        if root.is_some() {
            all += off - on;
            exact += if Quality::exact(PitchClassSet::from_intervals(&intervals)).is_some() {
                off - on
            } else {
                0.0
            };
        }
    }
    Ok((all, exact))
}

fn song(line: &[u8]) -> Result<Imported, ImportError> {
    let object: SongObject =
        serde_json::from_slice(line).map_err(|error| ImportError::format(FORMAT, error))?;
    let meter = |numerator, denominator| {
        Meter::new(numerator, denominator)
            .ok_or_else(|| ImportError::format(FORMAT, format!("{numerator}/{denominator} is no meter")))
    };
    let meters = match object.meter_changes.as_slice() {
        [] => MeterMap::constant(meter(object.meter.0, object.meter.1)?),
        changes => MeterMap::new(
            changes
                .iter()
                .map(|(at, n, d)| Ok((Beats(*at), meter(*n, *d)?)))
                .collect::<Result<_, ImportError>>()?,
        ),
    };
    let split = match object.split.as_deref() {
        None => None,
        Some(name) => {
            let split = Split::parse(name);
            Some(split.ok_or_else(|| ImportError::format(FORMAT, format!("{name:?} is no split")))?)
        }
    };
    let melody = object.melody.iter().map(|(on, off, midi)| score::Sounding {
        on: *on,
        off: *off,
        midi: i32::from(*midi),
    });
    let sheet = LeadSheet {
        title: object.title,
        meters,
        bpm: object.bpm,
        length: Beats(object.beats_total),
        melody: score::monophonic(melody.collect()),
        chords: object.chords.iter().map(span).collect(),
    };
    Ok(Imported {
        sheet: with_melody(sheet)?,
        id: object.id,
        source: object.source,
        license: object.license,
        tier: object.tier,
        split,
        group: object.group,
    })
}

fn span((on, off, _, root, intervals, bass): &ChordEntry) -> ChordSpan {
    let chord = root.map(|root| {
        let quality = Quality::nearest(PitchClassSet::from_intervals(intervals));
        let root = PitchClass::new(root);
        Chord::new(root, quality).over(bass.map_or(root, PitchClass::new))
    });
    ChordSpan { on: Beats(*on), off: Beats(*off), chord }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let found = song(line.as_bytes())
            .map_or_else(|error| error.to_string(), |song| format!("{:?}", song.sheet.chords));
        assert!(found.contains(expected), "{line}: {found}");
    }

    #[test]
    fn root_and_intervals_decide_the_chord() {
        let with = |chord: &str| {
            format!(
                r#"{{"id":"a","source":"s","meter":[4,4],"beats_total":4,"melody":[[0,4,60]],"chords":[{chord}]}}"#
            )
        };
        check(
            &with(r#"[0,4,"C:maj",9,[0,3,7],0]"#),
            "root: PitchClass(9), quality: Quality(2), bass: PitchClass(0)",
        );
        check(&with(r#"[0,4,"N",null,[],null]"#), "chord: None");
        check(&with(r#"[0,4,"G:maj(13)",7,[0,4,7,9],7]"#), "quality: Quality(5)");
        check(&with(r#"[0,4,"G:7",7,[0,4],"x"]"#), "is no song-a-line JSON file");
        check(&with(r#"[0,1e9,"N",null,[],null]"#), "must be a number from 0 to 20000");
        check(&with(r#"[3,1,"N",null,[],null]"#), "a place in it is -2 beats");
    }
}
