//! A take that is captured while it is played and written as a MIDI file holds the notes that sounded.

use super::*;
use crate::{
    audio::comping::{ArpRate, Comping, Pattern, Strum},
    memory::{Recorder, SharedCapture, export::midi_file},
    voicing::{Arrangement, Bass, Style},
};
use midly::{MidiMessage, Smf, TrackEventKind};
use music::notation::parse_chords;

/// Samples a tick of the file: at 48 kHz, 120 BPM and 480 ticks a beat.
const SAMPLES_PER_TICK: f64 = 50.0;
const CHORDS: &str = "C - - - - - - - F - - - G7 - - - Am - - - - - - - . . . . F#dim - G - \
                      C - - - - - - - F - G - C - - - Dm7 - - - - - - - G7/B - - - - - - - . . . .";

/// A note: channel, key, start and end in ticks, velocity.
type Note = (u8, u8, f64, f64, u8);

/// Plays the chords live by these settings, to a melody that is early and late, loud and soft; what sounded of ours, and
/// what was captured as a MIDI file.
fn take(settings: Settings) -> (Vec<Note>, Vec<Note>) {
    let chords = parse_chords(CHORDS).unwrap();
    let mut stage = Stage::new();
    let rules = Rules { listen: 0, ..settings.rules };
    stage.block.settings = Settings { rules, pass: Pass::ChordsOnly, ..settings };
    let (mut recorder, shared) = (Recorder::default(), SharedCapture::default());
    let num_samples = i64::from(SAMPLES_A_FRAME) * chords.len() as i64;
    let mut held = 0;
    while stage.now < num_samples {
        // A note about every three frames, before and after their boundaries.
        if stage.now % 18_000 == 500 {
            let nth = (stage.now / 18_000) as i32;
            let key = Pitch::folded(60 + nth * 5 % 14);
            let velocity = (40 + nth * 7 % 80) as f32 / 127.0;
            let offset = [0, 120, 480][nth as usize % 3];
            stage.incoming.push_back(Incoming::Off {
                offset: 0,
                channel: None,
                key: Some(Pitch::folded(held)),
            });
            stage.incoming.push_back(Incoming::On { offset, channel: 4, key, velocity });
            held = i32::from(key.midi());
        }
        stage.run(500);
        while let Some(message) = stage.worker.next_message() {
            recorder.hear(&message, &shared);
            let first = match message {
                ToWorker::Begin { .. } => 0,
                ToWorker::Heard(heard) => heard.ordinal + 1,
                ToWorker::Again { .. } => continue,
            };
            for ordinal in first..first + rules.commit {
                let chord = chords.get(ordinal as usize).copied().unwrap_or(ChordFrame::Silence);
                stage.plan(ordinal, chord);
            }
        }
    }
    assert_eq!((stage.audio.num_late(), stage.num_sounding()), (0, 0));
    let sent = stage.sent.iter().map(|(at, note)| {
        let velocity = note.velocity.map(|velocity| (velocity * 127.0).round() as u8);
        (*at as f64 / SAMPLES_PER_TICK, note.channel, note.key.midi(), velocity)
    });
    let bytes = midi_file(&shared.copy(), Some(120.0), &settings).unwrap();
    let smf = Smf::parse(&bytes).unwrap();
    let mut written = Vec::new();
    for track in &smf.tracks[2..] {
        let mut tick = 0;
        for event in track {
            tick += event.delta.as_int();
            if let TrackEventKind::Midi { channel, message } = event.kind {
                let (key, velocity) = match message {
                    MidiMessage::NoteOn { key, vel } => (key, Some(vel.as_int())),
                    MidiMessage::NoteOff { key, .. } => (key, None),
                    other => panic!("{other:?}"),
                };
                written.push((f64::from(tick), channel.as_int(), key.as_int(), velocity));
            }
        }
    }
    (paired(sent), paired(written.into_iter()))
}

/// Starts and ends as notes, by channel and key.
fn paired(events: impl Iterator<Item = (f64, u8, u8, Option<u8>)>) -> Vec<Note> {
    let mut open: BTreeMap<(u8, u8), (f64, u8)> = BTreeMap::new();
    let mut notes = Vec::new();
    for (at, channel, key, velocity) in events {
        match velocity {
            Some(velocity) => assert_eq!(open.insert((channel, key), (at, velocity)), None),
            None => {
                let (from, velocity) = open.remove(&(channel, key)).unwrap();
                notes.push((channel, key, from, at, velocity));
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    notes.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    notes
}

fn check(name: &str, settings: Settings) {
    let (sounded, written) = take(settings);
    assert!(sounded.len() > 12, "{name}: {}", sounded.len());
    let tell = |notes: &[Note]| notes.iter().map(|note| format!("{note:?}")).collect::<Vec<_>>().join("\n");
    assert_eq!(sounded.len(), written.len(), "{name}\n{}\n\n{}", tell(&sounded), tell(&written));
    let mut worst: f64 = 0.0;
    for (sounded, written) in sounded.iter().zip(&written) {
        let same = (sounded.0, sounded.1, sounded.4) == (written.0, written.1, written.4);
        let off = (sounded.2 - written.2).abs().max((sounded.3 - written.3).abs());
        assert!(same && off <= 1.0, "{name}: {sounded:?} sounded, {written:?} is written");
        worst = worst.max(off);
    }
    println!("{name}: {} notes, at most {worst} ticks off", sounded.len());
}

#[test]
fn the_file_of_a_take_holds_the_notes_that_sounded() {
    let comping = |pattern| Comping { pattern, follow: 0.6, ..Comping::default() };
    let with = |comping| Settings { comping, ..Settings::default() };
    check("sustained", with(Comping::default()));
    check("an arpeggio", with(Comping { gate: 0.4, ..comping(Pattern::ArpeggioUpDown) }));
    let triplets = Comping { rate: ArpRate::Triplet, humanise: 1.0, ..comping(Pattern::ArpeggioUp) };
    check("humanised triplets", with(triplets));
    let strummed =
        Comping { strum_ms: 80.0, strum: Strum::Alternating, humanise: 0.7, ..comping(Pattern::Eighths) };
    check("strummed eighths", with(strummed));
    for (name, nudge_ms) in [("late", 25.0), ("early", -25.0)] {
        check(name, with(Comping { nudge_ms, ..comping(Pattern::Tresillo) }));
    }
    let below = Arrangement { below_melody: true, bass: Bass::Octave, ..Arrangement::default() };
    check("below the melody", Settings { arrangement: below, ..with(comping(Pattern::BoomChick)) });
    let pad = Arrangement { style: Style::Pad, voices: Some(4), ..below };
    check(
        "a pad",
        Settings { arrangement: pad, chord_channel: 5, bass_channel: 5, ..with(Comping::default()) },
    );
    for commit in [1, 4, 8] {
        let arrangement = Arrangement { bass: Bass::Walking, ..Arrangement::default() };
        let rules = Rules { commit, ..Rules::default() };
        check("walking", Settings { arrangement, rules, ..with(comping(Pattern::Beats)) });
    }
    let parts = Settings { parts: block::Parts::BassOnly, ..with(comping(Pattern::Beats)) };
    check("the bass alone", parts);
}
