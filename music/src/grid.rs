//! The frame grid and the ONE snap rule. A frame is a quarter of a beat; a beat is always a quarter note.

use serde::{Deserialize, Serialize};

/// Frames in a beat (a quarter note): a frame is a sixteenth note.
pub const FRAMES_PER_BEAT: i64 = 4;

/// A length of, or position in, musical time, in quarter notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Beats(pub f64);

/// A frame's number: frame n starts n/4 beats after beat 0. Negative in a host's pre-roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Frame(pub i64);

impl Frame {
    /// Where the frame starts: its boundary, on which its chord sounds.
    pub fn starts(self) -> Beats {
        Beats(self.0 as f64 / FRAMES_PER_BEAT as f64)
    }

    /// Where the frame closes: no later note can snap to it any more. Half a frame after its boundary.
    pub fn closes(self) -> Beats {
        Beats((self.0 as f64 + 0.5) / FRAMES_PER_BEAT as f64)
    }

    /// The frame `n` later.
    #[must_use]
    pub const fn plus(self, n: i64) -> Self {
        Self(self.0 + n)
    }
}

/// The frame a note at this position belongs to: the one whose boundary is nearest (the later one of two).
pub fn snap(position: Beats) -> Frame {
    Frame((position.0 * FRAMES_PER_BEAT as f64 + 0.5).floor() as i64)
}

/// The first frame whose boundary is at or after this position.
pub fn next_boundary(position: Beats) -> Frame {
    Frame((position.0 * FRAMES_PER_BEAT as f64).ceil() as i64)
}
