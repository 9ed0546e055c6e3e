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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn notes_snap_to_the_nearest_boundary_and_halves_go_up() {
        let check = |position: f64, frame: i64| assert_eq!(snap(Beats(position)), Frame(frame), "{position}");
        check(0.0, 0);
        check(0.1249, 0);
        check(0.125, 1);
        check(0.25, 1);
        check(1.0 / 3.0, 1);
        check(2.0 / 3.0, 3);
        check(-0.1, 0);
        check(-0.125, 0);
        check(-0.1251, -1);
        check(1e6, 4_000_000);
    }

    #[test]
    fn the_next_boundary_is_never_behind() {
        let check = |position: f64, frame: i64| {
            assert_eq!(next_boundary(Beats(position)), Frame(frame), "{position}")
        };
        check(0.0, 0);
        check(0.01, 1);
        check(0.25, 1);
        check(0.26, 2);
        check(-0.01, 0);
        check(-0.25, -1);
    }

    proptest! {
        #[test]
        fn a_note_snaps_at_most_half_a_frame_away(position in -1e4..1e4f64) {
            let away = (snap(Beats(position)).starts().0 - position) * FRAMES_PER_BEAT as f64;
            prop_assert!((-0.5..=0.5).contains(&away), "{}", away);
        }

        #[test]
        fn nothing_snaps_to_a_closed_frame_and_all_before_does(frame in -40_000..40_000i64, before in 1e-6..1.0f64) {
            let frame = Frame(frame);
            prop_assert_eq!(snap(frame.closes()), frame.plus(1));
            prop_assert!(snap(Beats(frame.closes().0 - before)) <= frame);
            prop_assert_eq!(snap(frame.starts()), frame);
            prop_assert_eq!(next_boundary(frame.starts()), frame);
        }

        #[test]
        fn the_next_boundary_is_the_first(position in -1e4..1e4f64) {
            let next = next_boundary(Beats(position));
            prop_assert!(next.starts().0 >= position && next.plus(-1).starts().0 < position);
        }

        #[test]
        fn snapping_keeps_order(a in -1e4..1e4f64, b in -1e4..1e4f64) {
            prop_assert_eq!(snap(Beats(a.min(b))).min(snap(Beats(a.max(b)))), snap(Beats(a.min(b))));
        }
    }
}
