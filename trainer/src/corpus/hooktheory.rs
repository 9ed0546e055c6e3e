//! Hooktheory's public annotations (`*.json`, `*.json.gz`): one JSON object of sections by their ids, as
//! released with Sheet Sage (Donahue, Thickstun and Liang, 2022). Reads bytes, nothing else.
//!
//! No copy of the file was at hand when this was written: it follows the published description and the
//! authors' notebook, and is tested on bars made up here. A section is `{tags, split, hooktheory: {id, artist,
//! song}, alignment, annotations: {num_beats, meters: [{beat, beats_per_bar, beat_unit}],
//! melody: [{onset, offset, octave, pitch_class}], harmony: [{onset, offset, root_pitch_class,
//! root_position_intervals, inversion}]}}`. Its beats are of the meter's `beat_unit` (8 in 6/8), ours are
//! quarters; octave 0 starts at middle C; the intervals are steps from one chord tone to the next; the
//! inversion counts chord tones from the root. Sections of a song share a group. A section's first beat is a
//! bar line.

use super::{
    ImportError, Imported, Importer, Song, Split, ends_in,
    score::{self, Sounding, place},
    ungzipped, with_chords,
};
use music::{
    chord::{Chord, Quality},
    grid::Beats,
    lead_sheet::{ChordSpan, LeadSheet},
    meter::{Meter, MeterMap},
    pitch::{OCTAVE, PitchClass, PitchClassSet},
};
use serde::{Deserialize, de::IgnoredAny};
use std::{collections::BTreeMap, path::Path};

/// Reads Hooktheory's annotations.
pub struct Hooktheory;

const FORMAT: &str = "Hooktheory";
/// The key of pitch class 0 in octave 0.
const OCTAVE_0: i32 = 60;
/// The licence under which the annotations are published.
const LICENSE: &str = "CC BY-NC-SA 3.0";

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Section(Box<Section>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Section {
    split: Option<String>,
    hooktheory: Option<Names>,
    alignment: Option<Alignment>,
    annotations: Annotations,
}

#[derive(Deserialize)]
struct Names {
    artist: Option<String>,
    song: Option<String>,
}

#[derive(Deserialize)]
struct Alignment {
    user: Option<Anchors>,
    refined: Option<Anchors>,
}

#[derive(Deserialize)]
struct Anchors {
    beats: Vec<f64>,
    times: Vec<f64>,
}

#[derive(Deserialize)]
struct Annotations {
    num_beats: f64,
    #[serde(default)]
    meters: Vec<MeterAt>,
    melody: Option<Vec<NoteAt>>,
    harmony: Option<Vec<ChordAt>>,
}

#[derive(Deserialize)]
struct MeterAt {
    beat: f64,
    beats_per_bar: u8,
    beat_unit: u8,
}

#[derive(Deserialize)]
struct NoteAt {
    onset: f64,
    offset: f64,
    octave: i32,
    pitch_class: i32,
}

#[derive(Deserialize)]
struct ChordAt {
    onset: f64,
    offset: f64,
    root_pitch_class: i32,
    root_position_intervals: Vec<u8>,
    #[serde(default)]
    inversion: usize,
}

impl Importer for Hooktheory {
    fn name(&self) -> &'static str {
        "hooktheory"
    }

    fn recognises(&self, path: &Path) -> bool {
        ends_in(path, &[".json", ".json.gz"])
    }

    fn import(&self, _path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError> {
        let fault = |reason| ImportError::format(FORMAT, reason);
        let entries: BTreeMap<String, Entry> =
            serde_json::from_slice(&ungzipped(bytes)?).map_err(|error| fault(error.to_string()))?;
        if entries.is_empty() {
            return Err(fault("there is no section in it".to_owned()));
        }
        let songs = entries.into_iter().map(|(id, entry)| match entry {
            Entry::Section(section) => import(&id, *section).map_err(|reason| (id, reason)),
            Entry::Other(_) => Err((id, fault("it has no annotations of the kind described".to_owned()))),
        });
        Ok(songs.collect())
    }
}

fn import(id: &str, section: Section) -> Result<Imported, ImportError> {
    let annotations = section.annotations;
    let grid = Grid::new(&annotations.meters)?;
    let melody = annotations.melody.unwrap_or_default().into_iter().map(|note| Sounding {
        on: grid.quarters(note.onset),
        off: grid.quarters(note.offset),
        midi: OCTAVE_0
            .saturating_add(note.octave.clamp(-9, 9) * i32::from(OCTAVE))
            .saturating_add(note.pitch_class),
    });
    let melody = score::monophonic(melody.collect());
    let mut chords: Vec<ChordSpan> = Vec::new();
    let mut harmony = annotations.harmony.unwrap_or_default();
    harmony.sort_by(|a, b| a.onset.total_cmp(&b.onset));
    for chord in &harmony {
        let (on, off) = (place(grid.quarters(chord.onset)), place(grid.quarters(chord.offset)));
        if off.0 > on.0 {
            score::push_span(&mut chords, ChordSpan { on, off, chord: Some(chord.chord()) });
        }
    }
    let names = section.hooktheory;
    let name = |part: fn(&Names) -> &Option<String>| names.as_ref().and_then(|names| part(names).clone());
    let (artist, title) = (name(|names| &names.artist), name(|names| &names.song));
    let sheet = LeadSheet {
        title: title.clone().unwrap_or_default(),
        meters: grid.meters(),
        bpm: section.alignment.as_ref().and_then(|alignment| grid.bpm(alignment)),
        length: place(grid.quarters(annotations.num_beats)),
        melody,
        chords,
    };
    Ok(Imported {
        sheet: with_chords(sheet)?,
        id: id.to_owned(),
        source: "hooktheory".to_owned(),
        license: Some(LICENSE.to_owned()),
        tier: Some("C".to_owned()),
        split: section.split.as_deref().and_then(Split::parse),
        group: artist.zip(title).map(|(artist, title)| format!("{artist}/{title}")),
    })
}

impl ChordAt {
    /// The chord that the steps between its tones make.
    fn chord(&self) -> Chord {
        let mut above = 0u32;
        let mut tones = vec![0u8];
        for step in &self.root_position_intervals {
            above += u32::from(*step);
            tones.push((above % u32::from(OCTAVE)) as u8);
        }
        let root = PitchClass::new(self.root_pitch_class);
        let bass = tones.get(self.inversion).map_or(root, |tone| root.transposed(i32::from(*tone)));
        Chord::new(root, Quality::nearest(PitchClassSet::from_intervals(&tones))).over(bass)
    }
}

/// The section's meters, each with the beat (theirs) and the quarter (ours) that it starts on.
struct Grid(Vec<(f64, f64, Meter)>);

impl Grid {
    fn new(meters: &[MeterAt]) -> Result<Self, ImportError> {
        let mut grid: Vec<(f64, f64, Meter)> = Vec::new();
        for at in meters {
            let meter = Meter::new(at.beats_per_bar, at.beat_unit).ok_or_else(|| {
                ImportError::format(FORMAT, format!("{}/{} is no meter", at.beats_per_bar, at.beat_unit))
            })?;
            let quarter = if grid.is_empty() { 0.0 } else { Self(grid.clone()).quarters(at.beat) };
            grid.push((at.beat, quarter, meter));
        }
        if grid.is_empty() {
            grid.push((0.0, 0.0, Meter::COMMON));
        }
        Ok(Self(grid))
    }

    /// Our beats since the start at a beat of theirs.
    fn quarters(&self, beat: f64) -> f64 {
        let idx = self.0.partition_point(|(since, ..)| *since <= beat).saturating_sub(1);
        let (since, quarter, meter) = self.0[idx];
        quarter + (beat - since) * 4.0 / f64::from(meter.denominator)
    }

    fn meters(&self) -> MeterMap {
        MeterMap::new(self.0.iter().map(|(_, quarter, meter)| (Beats(*quarter), *meter)).collect())
    }

    /// Quarters a minute over the whole section, where it is aligned with a recording.
    fn bpm(&self, alignment: &Alignment) -> Option<f64> {
        let anchors = alignment.refined.as_ref().or(alignment.user.as_ref())?;
        let quarters = self.quarters(*anchors.beats.last()?) - self.quarters(*anchors.beats.first()?);
        let seconds = anchors.times.last()? - anchors.times.first()?;
        let bpm = quarters / seconds * 60.0;
        (20.0..=999.0).contains(&bpm).then(|| (bpm * 100.0).round() / 100.0)
    }
}
