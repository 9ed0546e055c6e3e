//! Chords that never change (ReaLchords, appendix C): eight beats are enough.

use super::Reward;
use crate::dataset::augment::Crop;
use music::harmony::ChordFrame;

/// The recipe's key.
pub const NAME: &str = "long_chord";

/// Frames that a chord may last.
const LONGEST: usize = 32;

/// -1 for every frame that a chord is held beyond its 32nd. Striking it again begins anew.
#[derive(Clone, Copy, Debug)]
pub struct LongChord;

impl Reward for LongChord {
    fn name(&self) -> &'static str {
        NAME
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |rollout: &Crop| -> Vec<f32> {
            let mut age = 0usize;
            let at = |frame: &ChordFrame| {
                age = match frame {
                    ChordFrame::Silence => 0,
                    ChordFrame::Onset(_) => 1,
                    ChordFrame::Hold if age > 0 => age + 1,
                    ChordFrame::Hold => 0,
                };
                if age > LONGEST { -1.0 } else { 0.0 }
            };
            rollout.chords.iter().map(at).collect()
        };
        rollouts.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::{rollout, scored};

    #[test]
    fn counted_by_hand() {
        // 32 frames of C are fine; the 33rd and 34th are not; struck again it may last again.
        let chords = format!("C {} C {} .", "- ".repeat(33), "- ".repeat(31));
        let found = scored(&LongChord, &rollout(&". ".repeat(67), &chords));
        assert_eq!(found, [(32, -1.0), (33, -1.0)]);
    }

    #[test]
    fn silence_has_no_length() {
        let chords = format!("C {}", ". ".repeat(60));
        assert_eq!(scored(&LongChord, &rollout(&". ".repeat(61), &chords)), []);
    }
}
