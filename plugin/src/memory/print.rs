//! Plays what was captured instead of asking the model, so that a song sounds the same for ever. Worker thread; pure.

use super::Capture;
use crate::{
    links::{Planned, Standing, ToWorker},
    worker::rules,
};
use music::{
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
};

/// Frames that may be missing in a capture without the chord ending: fewer than a beat, as where the worker was behind.
pub(super) const GAP_FRAMES: i64 = FRAMES_PER_BEAT;

impl Capture {
    /// The chord to play in a frame. A chord that was held there is struck if nothing sounds, because the song may be
    /// started anywhere. Where nothing was captured there is silence, but for small gaps.
    pub fn printed(&self, frame: Frame, is_silent: bool) -> ChordFrame {
        match self.at(frame).map(|captured| captured.chord) {
            Some(ChordFrame::Hold) if is_silent => {
                self.sounding(frame).map_or(ChordFrame::Silence, ChordFrame::Onset)
            }
            Some(chord) => chord,
            None if !is_silent && self.is_gap(frame) => ChordFrame::Hold,
            None => ChordFrame::Silence,
        }
    }

    fn is_gap(&self, frame: Frame) -> bool {
        let before = self.frames.range(..frame).next_back().map(|(before, _)| before.0);
        let next = self.frames.range(frame..).next().map(|(next, _)| next.0);
        before.zip(next).is_some_and(|(before, next)| next.abs_diff(before) <= GAP_FRAMES.unsigned_abs())
    }
}

/// Answers a message with captured chords: as many committed, and as many drafted, as the rules ask for. What was
/// committed before is committed again, and the same.
pub fn print(capture: &Capture, message: &ToWorker, mut plan: impl FnMut(Planned)) {
    let (epoch, first, mut coming, rules, mut is_silent) = match *message {
        ToWorker::Begin { epoch, coming, rules, .. } => (epoch, 0, coming, rules, true),
        ToWorker::Heard(heard) => {
            let is_silent = heard.played == ChordFrame::Silence;
            (heard.epoch, heard.ordinal + 1, heard.coming, heard.rules, is_silent)
        }
        // What is printed does not change by being asked again.
        ToWorker::Again { .. } => return,
    };
    let num_committed = rules.commit.max(1);
    let num_drafted = if rules.offline { 0 } else { rules.look_ahead };
    for ahead in 0..num_committed.max(num_drafted) {
        let chord = capture.printed(coming.frame, is_silent || coming.cut);
        let standing = if ahead < num_committed { Standing::Committed } else { Standing::Draft };
        let held = if chord == ChordFrame::Hold { capture.sounding(coming.frame) } else { None };
        plan(Planned { epoch, ordinal: first + ahead, frame: coming.frame, chord, held, standing });
        is_silent = chord == ChordFrame::Silence;
        coming = rules::after(coming);
    }
}
