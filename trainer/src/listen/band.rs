//! A melody and its chords as a Standard MIDI File: a flute, a piano in close position, a bass. No expression, so that
//! nothing but the chords tells systems apart.

use crate::evaluate::conditions::Take;
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};
use music::{
    chord::Chord,
    grid::FRAMES_PER_BEAT,
    harmony::{ChordFrame, sounding},
    melody::MelodyFrame,
};

/// Ticks a frame.
const TICKS: u32 = 120;
/// Channel, General MIDI program and velocity of each voice.
const MELODY: (u8, u8, u8) = (0, 73, 100);
const CHORDS: (u8, u8, u8) = (1, 0, 64);
const BASS: (u8, u8, u8) = (2, 32, 80);
/// The lowest key of a chord in close position, and of the bass.
const CHORD_FLOOR: u8 = 53;
const BASS_FLOOR: u8 = 36;

/// A note, in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    on: usize,
    off: usize,
    key: u8,
}

/// The lowest key of a pitch class at or above `floor`.
fn above(floor: u8, class: u8) -> u8 {
    floor + (class + 12 - floor % 12) % 12
}

fn melody_notes(melody: &[MelodyFrame]) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut sounds = false;
    for (t, frame) in melody.iter().enumerate() {
        match frame {
            MelodyFrame::Onset(pitch) => notes.push(Note { on: t, off: t + 1, key: pitch.midi() }),
            MelodyFrame::Hold if sounds => {
                if let Some(note) = notes.last_mut() {
                    note.off = t + 1;
                }
            }
            _ => {}
        }
        sounds = !matches!(frame, MelodyFrame::Rest) && (sounds || matches!(frame, MelodyFrame::Onset(_)));
    }
    notes
}

/// Notes of chords and of the bass.
fn chord_notes(chords: &[ChordFrame]) -> (Vec<Note>, Vec<Note>) {
    let heard = sounding(chords);
    let (mut upper, mut bass) = (Vec::new(), Vec::new());
    let mut strike = |chord: Chord, on: usize, off: usize| {
        let classes = (0..12)
            .filter(|class| chord.pitch_classes().contains(music::pitch::PitchClass::new(i32::from(*class))));
        upper.extend(classes.map(|class| Note { on, off, key: above(CHORD_FLOOR, class) }));
        bass.push(Note { on, off, key: above(BASS_FLOOR, chord.bass.semitones()) });
    };
    let mut from = 0;
    for t in 1..=chords.len() {
        let ends = t == chords.len() || !matches!(chords[t], ChordFrame::Hold);
        if ends {
            // In root position, all of them: no system here chooses inversions, and a bass of its own would tell.
            if let Some(chord) = heard[from] {
                strike(Chord::new(chord.root, chord.quality), from, t);
            }
            from = t;
        }
    }
    (upper, bass)
}

fn track(notes: &[Note], (channel, program, velocity): (u8, u8, u8)) -> Vec<TrackEvent<'static>> {
    let midi = |message| TrackEventKind::Midi { channel: u4::new(channel), message };
    // Ends before beginnings at the same moment, so that a repeated key is struck anew.
    let mut events: Vec<(usize, bool, u8)> =
        notes.iter().flat_map(|note| [(note.on, true, note.key), (note.off, false, note.key)]).collect();
    events.sort_unstable();
    let mut track = vec![TrackEvent {
        delta: u28::new(0),
        kind: midi(MidiMessage::ProgramChange { program: u7::new(program) }),
    }];
    let mut now = 0;
    for (at, is_on, key) in events {
        let (key, vel) = (u7::new(key), u7::new(velocity));
        let message = match is_on {
            true => MidiMessage::NoteOn { key, vel },
            false => MidiMessage::NoteOff { key, vel: u7::new(0) },
        };
        track.push(TrackEvent { delta: u28::new((at - now) as u32 * TICKS), kind: midi(message) });
        now = at;
    }
    track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
    track
}

/// A take's melody with `chords` as a Standard MIDI File.
///
/// # Errors
/// What the writer says.
pub fn midi(take: &Take, chords: &[ChordFrame], bpm: f64) -> anyhow::Result<Vec<u8>> {
    let tempo = u24::new((60e6 / bpm.clamp(20.0, 400.0)) as u32);
    let (upper, bass) = chord_notes(chords);
    let mut smf = Smf::new(Header::new(
        Format::Parallel,
        Timing::Metrical(u15::new(TICKS as u16 * FRAMES_PER_BEAT as u16)),
    ));
    smf.tracks.push(vec![
        TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::Tempo(tempo)) },
        TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) },
    ]);
    smf.tracks.push(track(&melody_notes(&take.melody), MELODY));
    smf.tracks.push(track(&upper, CHORDS));
    smf.tracks.push(track(&bass, BASS));
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::notation::{parse_chords, parse_melody};

    #[test]
    fn notes_by_hand() {
        let melody = parse_melody("| C4 - . E4 |").unwrap();
        assert_eq!(melody_notes(&melody), [Note { on: 0, off: 2, key: 60 }, Note { on: 3, off: 4, key: 64 }]);
        let chords = parse_chords("| C - . Am |").unwrap();
        let (upper, bass) = chord_notes(&chords);
        // C, E, G and C, E, A at or above the F below middle C; the bass at or above low C.
        let keys: Vec<_> = upper.iter().map(|n| (n.on, n.off, n.key)).collect();
        assert_eq!(keys, [(0, 2, 60), (0, 2, 64), (0, 2, 55), (3, 4, 60), (3, 4, 64), (3, 4, 57)]);
        assert_eq!(bass, [Note { on: 0, off: 2, key: 36 }, Note { on: 3, off: 4, key: 45 }]);
    }
}
