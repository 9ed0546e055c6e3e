//! Where a chord may change, and which tokens may come in a frame. Worker thread; pure.

use crate::links::{ChangeGrid, Coming, Turn};
use music::{
    grid::{FRAMES_PER_BEAT, Frame},
    meter::BarPhase,
    vocab::ChordToken,
};

/// The bar where the host tells of none: common time from frame 0.
const PRESUMED_BAR_FRAMES: i64 = 4 * FRAMES_PER_BEAT;

/// The frame after this one, its phase and the loop it stands in.
pub fn after(coming: Coming) -> Coming {
    match coming.turn {
        Some(Turn { last, first, first_phase }) if coming.frame == last => {
            Coming { frame: first, phase: first_phase, cut: true, ..coming }
        }
        _ => Coming { frame: coming.frame.plus(1), phase: later(coming.phase), cut: false, ..coming },
    }
}

fn later(phase: BarPhase) -> BarPhase {
    match phase {
        BarPhase::Unknown => BarPhase::Unknown,
        BarPhase::At { position, length } => {
            BarPhase::At { position: (position + 1) % length.max(1), length }
        }
    }
}

/// Frames since the bar line and frames in the bar.
fn in_bar(frame: Frame, phase: BarPhase) -> (i64, i64) {
    match phase {
        BarPhase::At { position, length } => (i64::from(position), i64::from(length.max(1))),
        BarPhase::Unknown => (frame.0.rem_euclid(PRESUMED_BAR_FRAMES), PRESUMED_BAR_FRAMES),
    }
}

/// Whether the frame stands on a beat.
pub fn is_on_beat(frame: Frame, phase: BarPhase) -> bool {
    in_bar(frame, phase).0 % FRAMES_PER_BEAT == 0
}

impl ChangeGrid {
    /// Whether a chord may change on this frame. Bars are counted from frame 0 for every second one.
    pub fn allows(self, frame: Frame, phase: BarPhase) -> bool {
        let (position, length) = in_bar(frame, phase);
        match self {
            Self::Free => true,
            Self::Eighth => position % (FRAMES_PER_BEAT / 2) == 0,
            Self::Beat => position % FRAMES_PER_BEAT == 0,
            Self::HalfBar => position == 0 || position * 2 == length,
            Self::Bar => position == 0,
            Self::TwoBars => position == 0 && (frame.0.div_euclid(length)) % 2 == 0,
        }
    }
}

/// What may come in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legal {
    /// Whatever the vocabulary lets follow.
    Anything,
    /// Nothing changes here: a chord goes on, silence stays.
    NoChange,
    /// A chord starts here.
    OnsetOnly,
}

impl Legal {
    /// Whether `next` may follow `last` in such a frame.
    pub fn allows(self, last: ChordToken, next: ChordToken) -> bool {
        let silent = last == ChordToken::SILENCE || last == ChordToken::START;
        match self {
            Self::Anything => last.may_precede(next),
            Self::NoChange => next == if silent { ChordToken::SILENCE } else { ChordToken::HOLD },
            Self::OnsetOnly => next.chord().is_some(),
        }
    }
}
