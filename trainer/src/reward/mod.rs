//! Rewards of rollouts.

use crate::dataset::augment::Crop;

/// What a reward is told: rollouts of equal length, the policy's chords in `chords`.
pub trait Reward: Send + Sync {
    /// The recipe's key.
    fn name(&self) -> &'static str;
    /// Reward of every frame, [rollout, frame]; a score of a whole stretch stands at the stretch's last frame.
    fn score(&self, rollouts: &[Crop]) -> Vec<f32>;
}
