//! Holding nothing. Rollouts are drawn under the legal mask, so that this is 0: a guard, not a lesson.

use super::Reward;
use crate::dataset::augment::Crop;
use music::vocab::ChordToken;

/// The recipe's key.
pub const NAME: &str = "invalid";

/// GAPT's price.
const PRICE: f32 = -10.0;

/// -10 for every hold after silence or at the start.
#[derive(Clone, Copy, Debug)]
pub struct Invalid;

impl Reward for Invalid {
    fn name(&self) -> &'static str {
        NAME
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |rollout: &Crop| -> Vec<f32> {
            let mut before = ChordToken::START;
            let at = |next: ChordToken| {
                let price = if before.may_precede(next) { 0.0 } else { PRICE };
                before = next;
                price
            };
            rollout.chords.iter().map(|frame| ChordToken::of(*frame)).map(at).collect()
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
        // At the start, and after a silence; a hold of a hold is a hold like any other.
        let found = scored(&Invalid, &rollout(". . . . . . .", "- C - . - - C"));
        assert_eq!(found, [(0, -10.0), (4, -10.0)]);
    }
}
