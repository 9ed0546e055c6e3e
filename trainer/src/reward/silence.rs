//! Silence under a sounding melody (ReaLchords, appendix C): tolerated where it is rare, and at the start, where
//! the policy waits and listens.

use super::{Reward, bare};
use crate::dataset::augment::Crop;

/// The recipe's key.
pub const NAME: &str = "silence";

/// Share of frames that may be bare.
const TOLERATED: f32 = 0.04;

/// First frames that are exempt.
const EXEMPT: usize = 8;

/// -1 for every bare frame of a rollout of which more than 4 % are; the first 8 frames never count.
#[derive(Clone, Copy, Debug)]
pub struct Silence;

impl Reward for Silence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |rollout: &Crop| -> Vec<f32> {
            let counts: Vec<bool> =
                bare(rollout).iter().enumerate().map(|(t, b)| *b && t >= EXEMPT).collect();
            let num = counts.iter().filter(|b| **b).count();
            let is_much = num as f32 > TOLERATED * rollout.len() as f32;
            counts.iter().map(|b| if *b && is_much { -1.0 } else { 0.0 }).collect()
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
        // 50 frames, 4 % of which are 2. Silent at 0..10 (8 exempt, 8 and 9 count) and at 20, where the melody rests.
        let melody = format!("C4 {} . {}", "- ".repeat(19), "- ".repeat(29));
        let two = format!("{} C {} . C {}", ". ".repeat(10), "- ".repeat(9), "- ".repeat(28));
        assert_eq!(scored(&Silence, &rollout(&melody, &two)), []);
        let three = format!("{} C {} . C {}", ". ".repeat(11), "- ".repeat(8), "- ".repeat(28));
        assert_eq!(scored(&Silence, &rollout(&melody, &three)), [(8, -1.0), (9, -1.0), (10, -1.0)]);
    }
}
