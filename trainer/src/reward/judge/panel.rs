//! Trained judges as rewards: each looks at a rollout through windows of its own length that overlap by half,
//! and its score of a window stands at the window's last frame.

use super::{
    Judge, Kind,
    hearing::stretch,
    network::{Contrastive, Discriminative, Judging},
};
use crate::{
    dataset::augment::Crop,
    reward::Reward,
    run::{RunFolder, checkpoint::Checkpoint},
};
use anyhow::bail;
use std::collections::HashMap;

/// A judge's network of either kind.
#[derive(Clone, Debug)]
pub enum Trained {
    /// Two towers.
    Contrastive(Box<Contrastive>),
    /// One encoder.
    Discriminative(Box<Discriminative>),
}

impl From<Contrastive> for Trained {
    fn from(network: Contrastive) -> Self {
        Self::Contrastive(Box::new(network))
    }
}

impl From<Discriminative> for Trained {
    fn from(network: Discriminative) -> Self {
        Self::Discriminative(Box::new(network))
    }
}

impl Trained {
    /// Loads the judge's checkpoint from a run folder.
    ///
    /// # Errors
    /// A judge that was not trained yet, or a broken checkpoint.
    pub fn load(judge: &Judge, folder: &RunFolder) -> anyhow::Result<Self> {
        let path = folder.file(&judge.checkpoint());
        if !path.exists() {
            bail!("{} is not there: train the judges first", path.display());
        }
        Ok(match judge.kind {
            Kind::Contrastive => Self::Contrastive(Box::new(Checkpoint::load(&path)?.network)),
            Kind::Discriminative => Self::Discriminative(Box::new(Checkpoint::load(&path)?.network)),
        })
    }

    /// How well the lanes of each crop go together; crops are of equal length.
    pub fn scores(&self, crops: &[Crop], rhythm_only: bool) -> Vec<f32> {
        match self {
            Self::Contrastive(network) => network.scores(crops, rhythm_only),
            Self::Discriminative(network) => network.scores(crops, rhythm_only),
        }
    }
}

/// Judges who answer under one name: the mean over scales, in each of its seeds. A rollout's frames add up to
/// the mean of all windows' scores, whatever their length and number.
pub struct Panel {
    name: &'static str,
    judges: Vec<(Judge, Trained)>,
}

/// Where windows of `frames` start in a rollout of `len` frames: each half a window on, the last at the end.
pub fn window_starts(len: usize, frames: usize) -> Vec<usize> {
    let last = len.saturating_sub(frames);
    let mut starts: Vec<usize> = (0..=last).step_by((frames / 2).max(1)).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts
}

impl Panel {
    /// A panel of trained judges.
    pub fn new(name: &'static str, judges: Vec<(Judge, Trained)>) -> Self {
        Self { name, judges }
    }

    /// Loads judges from a run folder.
    ///
    /// # Errors
    /// No judge at all, one that was not trained yet, or a broken checkpoint.
    pub fn load<'a>(
        name: &'static str,
        judges: impl Iterator<Item = &'a Judge>,
        folder: &RunFolder,
    ) -> anyhow::Result<Self> {
        let judges = judges
            .map(|judge| Ok((*judge, Trained::load(judge, folder)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        if judges.is_empty() {
            bail!("the recipe has no such judge: add one under [[judges.judge]] and train it");
        }
        Ok(Self::new(name, judges))
    }
}

impl Reward for Panel {
    fn name(&self) -> &'static str {
        self.name
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let len = rollouts.first().map_or(0, Crop::len);
        let mut out = vec![0.0; rollouts.len() * len];
        let mut seeds: HashMap<usize, usize> = HashMap::new();
        for (judge, _) in &self.judges {
            *seeds.entry(judge.frames).or_default() += 1;
        }
        for (judge, trained) in &self.judges {
            let frames = judge.frames.min(len);
            let starts = window_starts(len, frames);
            let share = 1.0 / (seeds.len() * seeds[&judge.frames] * starts.len()) as f32;
            let windows: Vec<Crop> = rollouts
                .iter()
                .flat_map(|rollout| starts.iter().map(|from| stretch(rollout, *from, *from, frames)))
                .collect();
            let scores = trained.scores(&windows, judge.rhythm_only);
            for (frames_of, scores) in out.chunks_mut(len.max(1)).zip(scores.chunks(starts.len())) {
                for (from, score) in starts.iter().zip(scores) {
                    frames_of[from + frames - 1] += share * score;
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Network, Shape},
        reward::check::rollout,
    };

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    #[test]
    fn windows_overlap_by_half_and_reach_the_end() {
        assert_eq!(window_starts(384, 256), [0, 128]);
        assert_eq!(window_starts(384, 128), [0, 64, 128, 192, 256]);
        assert_eq!(window_starts(20, 16), [0, 4]);
        assert_eq!(window_starts(16, 16), [0]);
        assert_eq!(window_starts(10, 16), [0]);
    }

    fn a_rollout() -> Crop {
        rollout(&"C4 - E4 - G4 - . - ".repeat(5), &"C - - - F - - - Am - ".repeat(4))
    }

    fn judge(frames: usize, seed: u64) -> (Judge, Trained) {
        let judge = Judge { kind: Kind::Contrastive, frames, rhythm_only: false, seed };
        (judge, Trained::Contrastive(Box::new(Contrastive::build(SMALL, seed).unwrap())))
    }

    #[test]
    fn a_score_stands_at_the_end_of_its_window() {
        // 40 frames, windows of 32: at 0 and at 8, ending at 31 and 39, each counting a half.
        let (spec, trained) = judge(32, 7);
        let alone =
            trained.scores(&[stretch(&a_rollout(), 0, 0, 32), stretch(&a_rollout(), 8, 8, 32)], false);
        let panel = Panel::new("judge_contrastive_windows", vec![(spec, trained)]);
        let frames = panel.score(&[a_rollout(), a_rollout()]);
        assert_eq!(frames.len(), 80);
        for rollout in frames.chunks(40) {
            for (t, x) in rollout.iter().enumerate() {
                let expected = match t {
                    31 => alone[0] / 2.0,
                    39 => alone[1] / 2.0,
                    _ => 0.0,
                };
                assert!((x - expected).abs() < 1e-6, "frame {t}: {x}, expected {expected}");
            }
        }
    }

    #[test]
    fn scales_count_equally_and_seeds_within_them() {
        let sum =
            |judges: Vec<(Judge, Trained)>| Panel::new("x", judges).score(&[a_rollout()]).iter().sum::<f32>();
        let each = [judge(32, 1), judge(16, 1), judge(16, 2)].map(|j| sum(vec![j]));
        let all = sum(vec![judge(32, 1), judge(16, 1), judge(16, 2)]);
        assert!((all - (each[0] / 2.0 + each[1] / 4.0 + each[2] / 4.0)).abs() < 1e-5);
    }

    #[test]
    fn a_rollout_shorter_than_the_judge_is_one_window() {
        let frames = Panel::new("x", vec![judge(256, 1)]).score(&[a_rollout()]);
        assert!(frames[..39].iter().all(|x| *x == 0.0) && frames[39] != 0.0);
        assert!(Panel::new("x", vec![judge(256, 1)]).score(&[]).is_empty());
    }
}
