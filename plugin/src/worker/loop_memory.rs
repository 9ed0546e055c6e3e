//! What the player played in the host's loop, frame by frame: from the second pass on it stands in for the melody
//! that the model would have to imagine, and says which chords the coming notes will fit. Worker thread; pure.
//!
//! It is trusted until the player departs from it, then no more until a bar was played as before. A note let go
//! a little sooner or later is no departure: only what starts, or does not start, is.

use super::rules::after;
use crate::links::{Coming, Turn};
use music::{grid::Frame, meter::BarPhase, pitch::PitchClass, vocab::MelodyToken};

/// Frames of a loop that are remembered: 256 bars of common time. Longer loops are not.
const MAX_FRAMES: i64 = 4096;
/// Frames that must agree again where the host tells of no bars: a bar of common time.
const PRESUMED_BAR_FRAMES: i64 = 16;

/// The last pass through a loop.
#[derive(Clone, Debug, Default)]
pub struct LoopMemory {
    /// The loop's first and last frame.
    bounds: Option<(Frame, Frame)>,
    /// What was heard last in each of its frames.
    heard: Vec<Option<MelodyToken>>,
    departed: bool,
    /// Frames since the player departed that were as before.
    agreed: i64,
}

impl LoopMemory {
    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// A frame was heard; what comes after it tells of the loop. Another loop than before, or none, is a new start.
    pub fn hear(&mut self, frame: Frame, melody: MelodyToken, coming: &Coming) {
        let bounds = coming.turn.and_then(bounds);
        if bounds != self.bounds {
            self.forget();
            if let Some((first, last)) = bounds {
                self.heard.resize((last.0 - first.0 + 1) as usize, None);
            }
            self.bounds = bounds;
        }
        let Some(place) = self.place(frame) else { return };
        if let Some(before) = self.heard[place].replace(melody) {
            if departs(before, melody) {
                (self.departed, self.agreed) = (true, 0);
            } else if self.departed {
                self.agreed += 1;
                self.departed = self.agreed < bar_frames(coming.phase);
            }
        }
    }

    /// What the player will do in a frame if it is as in the last pass, where that is known and trusted.
    pub fn recall(&self, coming: &Coming) -> Option<MelodyToken> {
        let known = !self.departed && coming.turn.and_then(bounds) == self.bounds;
        self.heard[self.place(coming.frame).filter(|_| known)?]
    }

    /// The notes that will sound in a frame and the ones after it, `horizon` frames in all or as far as is known.
    pub fn ahead(&self, coming: Coming, horizon: usize) -> impl Iterator<Item = PitchClass> + '_ {
        let frames = std::iter::successors(Some(coming), |coming| Some(after(*coming))).take(horizon);
        frames
            .map_while(|coming| self.recall(&coming).map(|_| coming.frame))
            .filter_map(|frame| self.note(frame))
    }

    /// The note that sounds in a frame, its onset looked for as far back as a loop goes.
    fn note(&self, frame: Frame) -> Option<PitchClass> {
        let place = self.place(frame)?;
        let back = self.heard[..=place].iter().rev().chain(self.heard[place + 1..].iter().rev());
        let onset = back.copied().map_while(|token| token).find(|token| *token != MelodyToken::HOLD)?;
        onset.pitch().map(|pitch| pitch.class())
    }

    fn place(&self, frame: Frame) -> Option<usize> {
        let (first, last) = self.bounds?;
        (first..=last).contains(&frame).then(|| (frame.0 - first.0) as usize)
    }
}

fn bounds(turn: Turn) -> Option<(Frame, Frame)> {
    let len = turn.last.0.checked_sub(turn.first.0)?.checked_add(1)?;
    (1..=MAX_FRAMES).contains(&len).then_some((turn.first, turn.last))
}

fn departs(before: MelodyToken, now: MelodyToken) -> bool {
    before != now && (before.pitch().is_some() || now.pitch().is_some())
}

fn bar_frames(phase: BarPhase) -> i64 {
    match phase {
        BarPhase::At { length, .. } => i64::from(length),
        BarPhase::Unknown => PRESUMED_BAR_FRAMES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::notation::parse_melody;

    fn turn(first: i64, last: i64) -> Option<Turn> {
        Some(Turn { first: Frame(first), last: Frame(last), first_phase: BarPhase::Unknown })
    }

    fn coming(frame: i64, turn: Option<Turn>) -> Coming {
        Coming { frame: Frame(frame), phase: BarPhase::At { position: 0, length: 4 }, cut: false, turn }
    }

    /// Plays a line from `from` on in the loop.
    fn play(memory: &mut LoopMemory, from: i64, line: &str, turn: Option<Turn>) {
        for (idx, frame) in parse_melody(line).unwrap().into_iter().enumerate() {
            let frame_idx = from + idx as i64;
            memory.hear(Frame(frame_idx), MelodyToken::of(frame), &coming(frame_idx + 1, turn));
        }
    }

    /// What is recalled of these frames, in notation; `?` is nothing.
    fn recalled(memory: &LoopMemory, frames: std::ops::Range<i64>, turn: Option<Turn>) -> String {
        let word = |frame| match memory.recall(&coming(frame, turn)).map(MelodyToken::frame) {
            None => "?".to_string(),
            Some(frame) => {
                music::notation::print_melody(&[frame], &[BarPhase::Unknown]).replace('|', "").trim().into()
            }
        };
        frames.map(word).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn the_last_pass_is_recalled_from_the_second_on() {
        let (mut memory, turn) = (LoopMemory::default(), turn(8, 15));
        play(&mut memory, 6, "G3 - C4 - . .", turn);
        assert_eq!(recalled(&memory, 6..18, turn), "? ? C4 - . . ? ? ? ? ? ?");
        play(&mut memory, 12, "E4 - - F4", turn);
        assert_eq!(recalled(&memory, 8..16, turn), "C4 - . . E4 - - F4");
    }

    #[test]
    fn a_departure_is_believed_at_once_and_forgiven_after_a_bar() {
        let (mut memory, turn) = (LoopMemory::default(), turn(0, 7));
        play(&mut memory, 0, "C4 - . . E4 - - F4", turn);
        play(&mut memory, 0, "C4 - D4", turn);
        assert_eq!(recalled(&memory, 3..5, turn), "? ?");
        play(&mut memory, 3, ". E4 -", turn);
        assert_eq!(recalled(&memory, 6..8, turn), "? ?");
        play(&mut memory, 6, "-", turn);
        assert_eq!(recalled(&memory, 0..8, turn), "C4 - D4 . E4 - - F4");
        // A note that does not come is a departure, and so is another one.
        play(&mut memory, 7, ".", turn);
        assert_eq!(recalled(&memory, 0..1, turn), "?");
        play(&mut memory, 0, "C4 - D4 . F4", turn);
        assert_eq!(recalled(&memory, 5..6, turn), "?");
    }

    #[test]
    fn the_notes_ahead_are_told_as_far_as_they_are_known() {
        let (mut memory, turn) = (LoopMemory::default(), turn(0, 7));
        let ahead = |memory: &LoopMemory, from, horizon| -> Vec<i32> {
            let notes = memory.ahead(coming(from, turn), horizon);
            notes.map(|class| i32::from(class.semitones())).collect()
        };
        play(&mut memory, 0, "C4 - . . E4", turn);
        assert_eq!(ahead(&memory, 0, 8), [0, 0, 4], "and nothing of what was not heard yet");
        play(&mut memory, 5, "- - F4", turn);
        assert_eq!(ahead(&memory, 0, 8), [0, 0, 4, 4, 4, 5]);
        assert_eq!(ahead(&memory, 6, 4), [4, 5, 0, 0], "around the loop's end");
        // A note that is held over the loop's end sounds from its onset.
        play(&mut memory, 0, "- - . .", turn);
        assert_eq!(ahead(&memory, 0, 2), [] as [i32; 0], "who departs is not foreseen");
        play(&mut memory, 4, "E4 - - F4", turn);
        assert_eq!(ahead(&memory, 0, 3), [5, 5]);
    }

    #[test]
    fn articulation_is_no_departure() {
        let (mut memory, turn) = (LoopMemory::default(), turn(0, 7));
        play(&mut memory, 0, "C4 - . . E4 - - F4", turn);
        play(&mut memory, 0, "C4 - - - E4 . .", turn);
        assert_eq!(recalled(&memory, 7..8, turn), "F4");
    }

    #[test]
    fn another_loop_or_none_is_a_new_start_and_too_long_a_loop_is_none() {
        let (mut memory, here) = (LoopMemory::default(), turn(0, 7));
        play(&mut memory, 0, "C4 - . . E4 - - F4", here);
        assert_eq!(recalled(&memory, 0..2, turn(0, 15)), "? ?");
        play(&mut memory, 0, "C4", turn(0, 15));
        assert_eq!(recalled(&memory, 0..2, turn(0, 15)), "C4 ?");
        play(&mut memory, 1, "-", None);
        assert_eq!(recalled(&memory, 0..2, here), "? ?");
        play(&mut memory, 0, "C4 -", turn(0, MAX_FRAMES));
        assert_eq!(recalled(&memory, 0..2, turn(0, MAX_FRAMES)), "? ?");
        let odd = turn(i64::MIN, i64::MAX);
        play(&mut memory, 0, "C4 -", odd);
        assert_eq!(recalled(&memory, 0..2, odd), "? ?");
    }
}
