//! Reads a melody with its tempos and meters from a MIDI file, and says which track it took for the melody.

use anyhow::{Context, Result, anyhow, bail};
use hosts::song::{Song, SongNote, TempoMap, bar_end};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music::{
    grid::Beats,
    lead_sheet::Note,
    meter::{Meter, MeterMap},
    pitch::Pitch,
};
use std::{collections::BTreeMap, path::Path};

/// The longest tune that is played, in hours.
const LONGEST_HOURS: f64 = 3.0;
/// A part with at least this share of its sounding time in one voice is a line, which a melody is.
const LINE: f64 = 0.9;
/// The channel, 0-based, that General MIDI gives to drums.
const DRUMS: u8 = 9;

/// A tune to play.
#[derive(Clone, Debug)]
pub struct Tune {
    /// Its title: the file's own, or the file's name.
    pub title: String,
    /// Which part of the file is the melody.
    pub part: String,
    /// What is played.
    pub song: Song,
}

/// A track's notes on one channel.
#[derive(Clone, Debug)]
struct Part {
    name: String,
    track: usize,
    channel: u8,
    notes: Vec<SongNote>,
}

/// Reads a file. `bpm` takes the place of its tempos.
///
/// # Errors
/// Where it cannot be read, is no MIDI file, or holds nothing to play: with what to do.
pub fn read(file: &Path, bpm: Option<f64>) -> Result<Tune> {
    let bytes = std::fs::read(file).context("it cannot be read; see that it is there and yours to read")?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    parse(&bytes, &name, bpm)
}

/// Reads a file's bytes; `name` is its title where it states none.
///
/// # Errors
/// Where they are no MIDI file or hold nothing to play: with what to do.
pub fn parse(bytes: &[u8], name: &str, bpm: Option<f64>) -> Result<Tune> {
    let smf = Smf::parse(bytes)
        .map_err(|error| anyhow!("it is no MIDI file ({error}); export it as a standard MIDI file (.mid)"))?;
    let per_beat = match smf.header.timing {
        Timing::Metrical(per_beat) if per_beat.as_int() > 0 => f64::from(per_beat.as_int()),
        _ => {
            bail!("it counts in film frames and not in beats; export it as a standard MIDI file with a tempo")
        }
    };
    let (mut tempos, mut meters, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    let mut title = None;
    for (idx, track) in smf.tracks.iter().enumerate() {
        let read = read_track(track, idx, per_beat);
        tempos.extend(read.tempos);
        meters.extend(read.meters);
        if idx == 0 && read.parts.is_empty() {
            title = read.name;
        }
        parts.extend(read.parts);
    }
    let part = melody_of(parts)?;
    let tempos = bpm.map_or_else(|| TempoMap::new(tempos), TempoMap::constant);
    let meters = MeterMap::new(meters);
    let last = part.notes.iter().map(|n| n.note.off.0).fold(0.0, f64::max);
    let hours = tempos.seconds_at(Beats(last)) / 3600.0;
    if hours > LONGEST_HOURS {
        bail!("it lasts {hours:.1} hours, more than {LONGEST_HOURS}; cut it");
    }
    let length = bar_end(&meters, last);
    let named = if part.name.is_empty() { String::new() } else { format!(" {:?}", part.name) };
    Ok(Tune {
        title: title.filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned()),
        part: format!("track {}{named}, channel {}", part.track + 1, part.channel + 1),
        song: Song { notes: part.notes, events: Vec::new(), tempos, meters, length },
    })
}

/// What one track says.
#[derive(Default)]
struct Track {
    name: Option<String>,
    tempos: Vec<(Beats, f64)>,
    meters: Vec<(Beats, Meter)>,
    parts: Vec<Part>,
}

fn read_track(events: &[midly::TrackEvent<'_>], idx: usize, per_beat: f64) -> Track {
    let mut track = Track::default();
    let mut parts: BTreeMap<u8, Vec<SongNote>> = BTreeMap::new();
    let mut open: BTreeMap<(u8, u8), (f64, f32)> = BTreeMap::new();
    let mut at = 0u64;
    for event in events {
        at += u64::from(event.delta.as_int());
        let place = at as f64 / per_beat;
        match event.kind {
            TrackEventKind::Meta(MetaMessage::TrackName(name)) => {
                track.name.get_or_insert_with(|| String::from_utf8_lossy(name).trim().to_owned());
            }
            TrackEventKind::Meta(MetaMessage::Tempo(micros)) if micros.as_int() > 0 => {
                track.tempos.push((Beats(place), 60e6 / f64::from(micros.as_int())));
            }
            TrackEventKind::Meta(MetaMessage::TimeSignature(numerator, power, ..)) => {
                let denominator = 1u8.checked_shl(u32::from(power)).unwrap_or(0);
                track.meters.extend(Meter::new(numerator, denominator).map(|meter| (Beats(place), meter)));
            }
            TrackEventKind::Midi { channel, message } => {
                let channel = channel.as_int();
                let (key, velocity) = match message {
                    MidiMessage::NoteOn { key, vel } => (key.as_int(), vel.as_int()),
                    MidiMessage::NoteOff { key, .. } => (key.as_int(), 0),
                    _ => continue,
                };
                if let Some((on, velocity)) = open.remove(&(channel, key)) {
                    parts.entry(channel).or_default().extend(note(channel, key, on, place, velocity));
                }
                if velocity > 0 {
                    open.insert((channel, key), (place, f32::from(velocity) / 127.0));
                }
            }
            _ => {}
        }
    }
    let end = at as f64 / per_beat;
    for ((channel, key), (on, velocity)) in open {
        parts.entry(channel).or_default().extend(note(channel, key, on, end, velocity));
    }
    let name = track.name.clone().unwrap_or_default();
    track.parts = parts
        .into_iter()
        .map(|(channel, mut notes)| {
            notes.sort_by(|a, b| a.note.on.0.total_cmp(&b.note.on.0));
            Part { name: name.clone(), track: idx, channel, notes }
        })
        .collect();
    track
}

/// A note, if it has any length. It goes to the plugin on the channel it came on.
fn note(channel: u8, key: u8, on: f64, off: f64, velocity: f32) -> Option<SongNote> {
    let pitch = Pitch::new(key)?;
    (off > on).then_some(SongNote { note: Note { on: Beats(on), off: Beats(off), pitch }, velocity, channel })
}

/// The melody: a part named so, else of those that are a line the highest, else the one nearest to being a line.
fn melody_of(parts: Vec<Part>) -> Result<Part> {
    let nothing =
        || anyhow!("it holds no notes to play; record a melody into it, or export the track that has one");
    let mut parts: Vec<Part> =
        parts.into_iter().filter(|part| part.channel != DRUMS && !part.notes.is_empty()).collect();
    if let Some(idx) = parts.iter().position(|part| part.name.to_lowercase().contains("melody")) {
        return Ok(parts.swap_remove(idx));
    }
    let is_line = |part: &Part| monophony(&part.notes) >= LINE;
    let better = |a: &Part, b: &Part| {
        let lines = is_line(a).cmp(&is_line(b));
        let by_height = mean_pitch(&a.notes).total_cmp(&mean_pitch(&b.notes));
        let by_line = monophony(&a.notes).total_cmp(&monophony(&b.notes));
        lines.then(if is_line(a) { by_height } else { by_line.then(by_height) })
    };
    parts.into_iter().max_by(better).ok_or_else(nothing)
}

fn mean_pitch(notes: &[SongNote]) -> f64 {
    notes.iter().map(|n| f64::from(n.note.pitch.midi())).sum::<f64>() / notes.len().max(1) as f64
}

/// The share of the notes' time that they would keep if each ended where the next starts.
pub(super) fn monophony(notes: &[SongNote]) -> f64 {
    let length = |n: &SongNote| n.note.off.0 - n.note.on.0;
    let whole: f64 = notes.iter().map(length).sum();
    let alone: f64 =
        notes.windows(2).map(|pair| length(&pair[0]).min(pair[1].note.on.0 - pair[0].note.on.0)).sum();
    let last = notes.last().map_or(0.0, length);
    if whole > 0.0 { (alone + last) / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use midly::{Format, Header, TrackEvent};

    /// A track's name and its (on, off, key) notes at 480 to the beat.
    type Written<'a> = (&'static str, &'a [(u32, u32, u8)]);

    fn file(tracks: &[Written<'_>]) -> Vec<u8> {
        let mut smf = Smf::new(Header::new(Format::Parallel, Timing::Metrical(480.into())));
        for (name, notes) in tracks {
            let mut events: Vec<(u32, MidiMessage)> = Vec::new();
            for (on, off, key) in *notes {
                events.push((*on, MidiMessage::NoteOn { key: (*key).into(), vel: 100.into() }));
                events.push((*off, MidiMessage::NoteOff { key: (*key).into(), vel: 0.into() }));
            }
            events.sort_by_key(|(at, message)| (*at, matches!(message, MidiMessage::NoteOn { .. })));
            let mut track = vec![TrackEvent {
                delta: 0.into(),
                kind: TrackEventKind::Meta(MetaMessage::TrackName(name.as_bytes())),
            }];
            let mut last = 0;
            for (at, message) in events {
                let kind = TrackEventKind::Midi { channel: 0.into(), message };
                track.push(TrackEvent { delta: (at - last).into(), kind });
                last = at;
            }
            smf.tracks.push(track);
        }
        let mut bytes = Vec::new();
        smf.write_std(&mut bytes).expect("a file");
        bytes
    }

    #[test]
    fn the_melody_is_found() {
        let line: &[_] = &[(0, 480, 72), (480, 960, 74)];
        let low: &[_] = &[(0, 480, 40), (480, 960, 43)];
        let chords: &[_] = &[(0, 960, 76), (0, 960, 79), (0, 960, 83)];
        let rows: &[(&[Written<'_>], &str)] = &[
            (&[("bass", low), ("The Melody", line)], "track 2 \"The Melody\", channel 1"),
            (&[("a", low), ("b", line), ("c", chords)], "track 2 \"b\", channel 1"),
            (&[("", chords)], "track 1, channel 1"),
        ];
        for (tracks, expected) in rows {
            assert_eq!(parse(&file(tracks), "tune", None).expect("a tune").part, *expected);
        }
    }

    #[test]
    fn beat_zero_and_lengths_are_kept() {
        let tune = parse(&file(&[("melody", &[(960, 1440, 60), (1440, 2160, 62)])]), "tune", Some(90.0))
            .expect("a tune");
        let notes: Vec<_> =
            tune.song.notes.iter().map(|n| (n.note.on.0, n.note.off.0, n.note.pitch.midi())).collect();
        assert_eq!(notes, [(2.0, 3.0, 60), (3.0, 4.5, 62)]);
        assert_eq!((tune.song.length, tune.song.tempos), (Beats(8.0), TempoMap::constant(90.0)));
        assert_eq!(tune.title, "tune");
    }

    #[test]
    fn a_key_struck_again_ends_first() {
        let tune =
            parse(&file(&[("melody", &[(0, 960, 60), (480, 960, 60)])]), "tune", None).expect("a tune");
        let notes: Vec<_> = tune.song.notes.iter().map(|n| (n.note.on.0, n.note.off.0)).collect();
        assert_eq!(notes, [(0.0, 1.0), (1.0, 2.0)]);
    }

    #[test]
    fn what_cannot_be_played_says_what_to_do() {
        let mut film = file(&[("melody", &[(0, 480, 60)])]);
        film[12] = 0xe7;
        let mut no_rate = film.clone();
        no_rate[12] = 0x80;
        let long = file(&[("melody", &[(0, 200_000_000, 60)])]);
        let rows: [(&[u8], &str); 6] = [
            (b"", "standard MIDI file"),
            (b"MThd nonsense", "standard MIDI file"),
            (&film, "film frames"),
            (&no_rate, "standard MIDI file"),
            (&file(&[("melody", &[])]), "record a melody"),
            (&long, "cut it"),
        ];
        for (bytes, expected) in rows {
            let error = parse(bytes, "tune", None).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error:?} should tell of {expected:?}");
        }
    }

    #[test]
    fn no_truncation_panics() {
        let bytes = file(&[("melody", &[(0, 480, 60), (480, 960, 62)])]);
        for len in 0..bytes.len() {
            let _ = parse(&bytes[..len], "tune", None);
        }
    }
}
