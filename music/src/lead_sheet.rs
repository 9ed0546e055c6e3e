//! Melody and chords in time, and their frames.

use crate::{
    chord::Chord,
    grid::{Beats, Frame, snap},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, MeterMap},
    pitch::Pitch,
};

/// A note of the melody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// Where it starts, in beats since beat 0.
    pub on: Beats,
    /// Where it ends; after `on`.
    pub off: Beats,
    /// Its pitch.
    pub pitch: Pitch,
}

/// A stretch of one chord, or of an explicit "no chord".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChordSpan {
    /// Where it starts, in beats since beat 0.
    pub on: Beats,
    /// Where it ends; after `on`.
    pub off: Beats,
    /// The chord; `None` where the source says that none sounds. (Where the source says nothing there is no span.)
    pub chord: Option<Chord>,
}

/// A melody with its chords. Beat 0 is a bar line.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadSheet {
    /// The song's title, where known.
    pub title: String,
    /// Its meters.
    pub meters: MeterMap,
    /// Tempo in quarter notes a minute, where known.
    pub bpm: Option<f64>,
    /// Length in beats.
    pub length: Beats,
    /// The melody in order of onset.
    pub melody: Vec<Note>,
    /// The chords in order of onset.
    pub chords: Vec<ChordSpan>,
}

/// A lead sheet on the frame grid: every lane has one entry a frame, frame 0 first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frames {
    /// The melody.
    pub melody: Vec<MelodyFrame>,
    /// The chords; silence where the source says nothing.
    pub chords: Vec<ChordFrame>,
    /// Whether the source says anything of the chord in this frame ("no chord" included).
    pub annotated: Vec<bool>,
    /// Where each frame stands in its bar.
    pub phases: Vec<BarPhase>,
}

impl Frames {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.melody.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.melody.is_empty()
    }
}

impl LeadSheet {
    /// Frames in the song: enough for its length and everything that sounds in it.
    pub fn num_frames(&self) -> usize {
        let notes = self.melody.iter().map(|n| (n.on, n.off));
        let chords = self.chords.iter().map(|c| (c.on, c.off));
        let ends = notes.chain(chords).filter_map(|(on, off)| stretch(on, off)).map(|(_, end)| end);
        ends.fold(snap(self.length).0.max(0) as usize, usize::max)
    }

    /// The song on the frame grid. Onsets and ends snap to the nearest frame; what would have no length
    /// lasts one frame; a later item cuts an earlier one off; what starts before beat 0 is left out.
    pub fn frames(&self) -> Frames {
        let num = self.num_frames();
        let mut frames = Frames {
            melody: vec![MelodyFrame::Rest; num],
            chords: vec![ChordFrame::Silence; num],
            annotated: vec![false; num],
            phases: (0..num as i64).map(|f| self.meters.phase(Frame(f))).collect(),
        };
        for note in &self.melody {
            if let Some((on, end)) = stretch(note.on, note.off) {
                let tokens = [MelodyFrame::Onset(note.pitch), MelodyFrame::Hold];
                lay(&mut frames.melody[on..], end - on, tokens, MelodyFrame::Hold, MelodyFrame::Rest);
            }
        }
        for span in &self.chords {
            let Some((on, end)) = stretch(span.on, span.off) else { continue };
            let tokens = match span.chord {
                Some(chord) => [ChordFrame::Onset(chord), ChordFrame::Hold],
                None => [ChordFrame::Silence; 2],
            };
            lay(&mut frames.chords[on..], end - on, tokens, ChordFrame::Hold, ChordFrame::Silence);
            frames.annotated[on..].fill(false);
            frames.annotated[on..end].fill(true);
        }
        frames
    }
}

/// The frames from an item's onset to its end, at least one; `None` if it starts before beat 0 or nowhere.
fn stretch(on: Beats, off: Beats) -> Option<(usize, usize)> {
    if !on.0.is_finite() {
        return None;
    }
    let on = usize::try_from(snap(on).0).ok()?;
    let end = usize::try_from(snap(off).0).unwrap_or(0);
    Some((on, end.max(on + 1)))
}

/// Lays `first` and then `rest` over `len` frames of a lane; what held on behind them is cut off.
fn lay<T: Copy + PartialEq>(lane: &mut [T], len: usize, [first, rest]: [T; 2], hold: T, nothing: T) {
    lane[0] = first;
    lane[1..len].fill(rest);
    for orphan in lane[len..].iter_mut().take_while(|frame| **frame == hold) {
        *orphan = nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meter::Meter,
        notation::{print_chords, print_melody},
        symbol,
    };
    use proptest::prelude::*;

    /// A song of notes (on, off, midi) and chords (on, off, symbol).
    fn song(length: f64, melody: &[(f64, f64, u8)], chords: &[(f64, f64, &str)]) -> LeadSheet {
        LeadSheet {
            title: String::new(),
            meters: MeterMap::constant(Meter::COMMON),
            bpm: None,
            length: Beats(length),
            melody: melody
                .iter()
                .map(|(on, off, midi)| Note {
                    on: Beats(*on),
                    off: Beats(*off),
                    pitch: Pitch::new(*midi).unwrap(),
                })
                .collect(),
            chords: chords
                .iter()
                .map(|(on, off, text)| ChordSpan {
                    on: Beats(*on),
                    off: Beats(*off),
                    chord: symbol::parse(text).unwrap(),
                })
                .collect(),
        }
    }

    fn check_melody(length: f64, notes: &[(f64, f64, u8)], expected: &str) {
        assert_eq!(print_melody(&song(length, notes, &[]).frames().melody, &[]), expected);
    }

    fn check_chords(length: f64, chords: &[(f64, f64, &str)], expected: &str, annotated: &str) {
        let frames = song(length, &[], chords).frames();
        assert_eq!(print_chords(&frames.chords, &[]), expected);
        let marks: String = frames.annotated.iter().map(|a| if *a { 'x' } else { ' ' }).collect();
        assert_eq!(marks, annotated);
    }

    #[test]
    fn notes_land_on_their_frames() {
        check_melody(1.5, &[(0.0, 0.5, 60), (0.75, 1.0, 64)], "| C4 - . E4 . . |");
        check_melody(1.0, &[(0.12, 0.3, 60), (0.63, 0.88, 62)], "| C4 . . D4 |");
    }

    #[test]
    fn what_has_no_length_lasts_a_frame_even_at_the_end() {
        check_melody(0.5, &[(0.0, 0.05, 60), (0.5, 0.5, 62)], "| C4 . D4 |");
        let song = song(0.5, &[(0.5, 0.5, 62)], &[]);
        assert_eq!(song.num_frames(), song.frames().len());
    }

    #[test]
    fn a_later_note_cuts_an_earlier_one_off() {
        check_melody(2.0, &[(0.0, 2.0, 60), (0.5, 1.0, 64)], "| C4 - E4 - . . . . |");
        check_melody(1.0, &[(0.0, 1.0, 60), (0.5, 1.0, 64)], "| C4 - E4 - |");
        check_melody(1.0, &[(0.0, 1.0, 60), (0.05, 0.5, 64)], "| E4 - . . |");
    }

    #[test]
    fn what_starts_before_the_first_bar_is_left_out() {
        check_melody(1.0, &[(-1.0, 0.5, 60), (0.5, 1.0, 62)], "| . . D4 - |");
        check_melody(0.5, &[(-0.1, 0.5, 60)], "| C4 - |");
        // It does not make the song longer either.
        check_melody(0.5, &[(-1.0, 3.0, 60)], "| . . |");
        check_chords(0.5, &[(-1.0, 3.0, "C")], "| . . |", "  ");
        check_melody(0.5, &[(f64::NAN, 3.0, 60)], "| . . |");
    }

    #[test]
    fn what_sounds_beyond_the_length_makes_the_song_longer() {
        check_melody(0.0, &[(0.0, 1.0, 60)], "| C4 - - - |");
        assert!(song(-1.0, &[], &[]).frames().is_empty());
        assert_eq!(song(0.5, &[], &[(0.0, 1.0, "C")]).frames().melody.len(), 4);
    }

    #[test]
    fn chords_are_annotated_where_the_source_speaks() {
        check_chords(1.5, &[(0.0, 0.5, "C"), (1.0, 1.5, "Am7/G")], "| C - . . Am7/G - |", "xx  xx");
        check_chords(1.0, &[(0.0, 0.5, "C"), (0.5, 1.0, "N")], "| C - . . |", "xxxx");
    }

    #[test]
    fn no_chord_cuts_a_held_chord() {
        check_chords(2.0, &[(0.0, 2.0, "C"), (0.5, 1.0, "N")], "| C - . . . . . . |", "xxxx    ");
        check_chords(2.0, &[(0.0, 2.0, "C"), (0.5, 1.0, "F")], "| C - F - . . . . |", "xxxx    ");
        check_chords(1.0, &[(0.0, 1.0, "N"), (0.25, 0.5, "F")], "| . F . . |", "xx  ");
    }

    #[test]
    fn each_frame_knows_its_phase() {
        let mut song = song(5.0, &[], &[]);
        song.meters = MeterMap::constant(Meter::new(3, 4).unwrap());
        let bar_lines: Vec<usize> = song
            .frames()
            .phases
            .iter()
            .enumerate()
            .filter(|(_, p)| p.is_bar_line())
            .map(|(idx, _)| idx)
            .collect();
        assert_eq!(bar_lines, [0, 12]);
    }

    proptest! {
        #[test]
        fn the_lanes_agree_and_no_hold_is_an_orphan(
            notes in prop::collection::vec((-2.0..30.0f64, -0.5..4.0f64, 0u8..128), 0..40),
            chords in prop::collection::vec((-2.0..30.0f64, -0.5..8.0f64, prop::bool::ANY), 0..20),
            length in 0.0..20.0f64,
        ) {
            let mut song = song(length, &[], &[]);
            song.melody = notes.iter().map(|(on, len, midi)| {
                Note { on: Beats(*on), off: Beats(on + len), pitch: Pitch::new(*midi).unwrap() }
            }).collect();
            song.melody.sort_by(|a, b| a.on.0.total_cmp(&b.on.0));
            song.chords = chords.iter().map(|(on, len, sounds)| {
                let chord = sounds.then(|| symbol::parse("C").unwrap()).flatten();
                ChordSpan { on: Beats(*on), off: Beats(on + len), chord }
            }).collect();
            song.chords.sort_by(|a, b| a.on.0.total_cmp(&b.on.0));
            let frames = song.frames();
            prop_assert_eq!(frames.len(), song.num_frames());
            prop_assert_eq!(frames.chords.len(), frames.len());
            prop_assert_eq!(frames.annotated.len(), frames.len());
            prop_assert_eq!(frames.phases.len(), frames.len());
            for idx in 0..frames.len() {
                if frames.melody[idx] == MelodyFrame::Hold {
                    prop_assert!(idx > 0 && frames.melody[idx - 1] != MelodyFrame::Rest);
                }
                if frames.chords[idx] == ChordFrame::Hold {
                    prop_assert!(idx > 0 && frames.chords[idx - 1] != ChordFrame::Silence);
                }
                prop_assert!(frames.annotated[idx] || frames.chords[idx] == ChordFrame::Silence);
            }
        }
    }
}
