//! Melodies: those in the repository, and plain ones made here.

use hosts::song::{Song, SongNote, TempoMap, bar_end};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music::{
    grid::Beats,
    lead_sheet::Note,
    meter::{Meter, MeterMap},
    pitch::Pitch,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The tunes that come with the project, by name.
pub fn shipped() -> Vec<(String, Song)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/tunes");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "mid"));
    paths.sort();
    assert!(!paths.is_empty(), "no tunes in {}", folder.display());
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), read(path))).collect()
}

fn read(path: &Path) -> Song {
    let bytes = std::fs::read(path).expect("the tune is read");
    let smf = Smf::parse(&bytes).expect("the tune is a MIDI file");
    let Timing::Metrical(per_beat) = smf.header.timing else { panic!("{}: no beats", path.display()) };
    let (mut notes, mut tempos, mut meters) = (Vec::new(), Vec::new(), Vec::new());
    for track in &smf.tracks {
        let mut place = 0.0;
        let mut open: BTreeMap<u8, f64> = BTreeMap::new();
        for event in track {
            place += f64::from(event.delta.as_int()) / f64::from(per_beat.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Tempo(micros)) => {
                    tempos.push((Beats(place), 60e6 / f64::from(micros.as_int())));
                }
                TrackEventKind::Meta(MetaMessage::TimeSignature(over, power, ..)) => {
                    meters.push((Beats(place), Meter::new(over, 1 << power).expect("a meter")));
                }
                TrackEventKind::Midi { message: MidiMessage::NoteOn { key, vel }, .. } if vel > 0 => {
                    open.insert(key.as_int(), place);
                }
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. },
                    ..
                } => {
                    if let Some(on) = open.remove(&key.as_int()) {
                        notes.push(note(on, place, key.as_int()));
                    }
                }
                _ => {}
            }
        }
    }
    let meters = MeterMap::new(meters);
    let length = bar_end(&meters, notes.iter().map(|n| n.note.off.0).fold(0.0, f64::max));
    Song { notes, events: Vec::new(), tempos: TempoMap::new(tempos), meters, length }
}

fn note(on: f64, off: f64, midi: u8) -> SongNote {
    let pitch = Pitch::new(midi).expect("a pitch");
    SongNote { note: Note { on: Beats(on), off: Beats(off), pitch }, velocity: 0.8, channel: 0 }
}

/// A melody that goes up and down, mostly in eighths with a few long notes, so many bars of common time.
pub fn plain(bars: u32, bpm: f64) -> Song {
    const KEYS: [u8; 16] = [60, 62, 64, 65, 67, 69, 67, 65, 64, 67, 72, 71, 69, 67, 64, 62];
    let notes = (0..bars * 8).filter(|eighth| eighth % 8 != 7).map(|eighth| {
        let on = f64::from(eighth) / 2.0;
        let length = if eighth % 8 == 6 { 0.9 } else { 0.45 };
        note(on, on + length, KEYS[(eighth as usize * 5 / 3) % KEYS.len()])
    });
    Song {
        notes: notes.collect(),
        events: Vec::new(),
        tempos: TempoMap::constant(bpm),
        meters: MeterMap::constant(Meter::COMMON),
        length: Beats(f64::from(bars) * 4.0),
    }
}
