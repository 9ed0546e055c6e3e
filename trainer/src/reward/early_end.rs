//! Giving up before the melody does. The paper's policies may write an end; ours cannot, but it can fall silent
//! for good, which is the same to a listener.

use super::{Reward, bare};
use crate::dataset::augment::Crop;
use music::harmony::sounding;

/// The recipe's key.
pub const NAME: &str = "early_end";

/// -1 for every frame of sounding melody after the last frame with a chord.
#[derive(Clone, Copy, Debug)]
pub struct EarlyEnd;

impl Reward for EarlyEnd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |rollout: &Crop| -> Vec<f32> {
            let end = sounding(&rollout.chords).iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            bare(rollout).iter().enumerate().map(|(t, b)| if *b && t >= end { -1.0 } else { 0.0 }).collect()
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
        // A gap in the middle is no end; of the four frames after the last chord the melody rests in one.
        let found = scored(&EarlyEnd, &rollout("C4 - - - D4 - - . E4 -", "C - . . G - . . . ."));
        assert_eq!(found, [(6, -1.0), (8, -1.0), (9, -1.0)]);
    }

    #[test]
    fn who_never_begins_has_ended_at_once() {
        assert_eq!(scored(&EarlyEnd, &rollout(". C4 -", ". . .")), [(1, -1.0), (2, -1.0)]);
        assert_eq!(scored(&EarlyEnd, &rollout("C4 - -", ". . C")), []);
    }
}
