//! Rewards: what a rollout is worth to finetuning. Rules that can be counted, and judges that were trained.
//!
//! A reward is one file and one line in the registry; a recipe's `[finetune.rewards]` gives weights by name.
//! The note-in-chord ratio is no reward: it is the headline metric. The adversary, which learns while the
//! policy does, stands beside the registry with settings of its own.

pub mod adversary;
pub mod early_end;
pub mod harmony;
pub mod invalid;
pub mod judge;
pub mod long_chord;
pub mod repetition;
pub mod silence;

use crate::{dataset::augment::Crop, run::RunFolder};
use anyhow::Context;
use judge::{
    Judge, Judges,
    Kind::{self, Contrastive, Discriminative},
    panel::Panel,
};
use music::{harmony::sounding, melody::MelodyFrame};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a reward is told: rollouts of equal length, the policy's chords in `chords`.
pub trait Reward: Send + Sync {
    /// The recipe's key.
    fn name(&self) -> &'static str;
    /// Reward of every frame, [rollout, frame]; a score of a whole stretch stands at the stretch's last frame.
    fn score(&self, rollouts: &[Crop]) -> Vec<f32>;
}

/// Where trained judges are found.
struct Bench<'a> {
    judges: &'a Judges,
    folder: &'a RunFolder,
}

/// Judges of a kind that answer together. Each sits in one row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    /// Of the full length.
    Full,
    /// Of shorter lengths.
    Windows,
    /// Deaf to pitch, of any length.
    Rhythm,
}

impl Row {
    fn of(judge: &Judge) -> Self {
        match judge {
            Judge { rhythm_only: true, .. } => Self::Rhythm,
            judge if judge.is_windowed() => Self::Windows,
            _ => Self::Full,
        }
    }
}

/// How a reward is made.
enum Make {
    /// A rule, as it stands.
    Rule(fn() -> Box<dyn Reward>),
    /// All judges of the recipe of a kind that sit in one row.
    Panel(Kind, Row),
}

/// Every reward that a recipe may name.
const REGISTRY: [(&str, Make); 11] = [
    (silence::NAME, Make::Rule(|| Box::new(silence::Silence))),
    (repetition::NAME, Make::Rule(|| Box::new(repetition::Repetition))),
    (long_chord::NAME, Make::Rule(|| Box::new(long_chord::LongChord))),
    (early_end::NAME, Make::Rule(|| Box::new(early_end::EarlyEnd))),
    (invalid::NAME, Make::Rule(|| Box::new(invalid::Invalid))),
    ("judge_contrastive", Make::Panel(Contrastive, Row::Full)),
    ("judge_discriminative", Make::Panel(Discriminative, Row::Full)),
    ("judge_contrastive_windows", Make::Panel(Contrastive, Row::Windows)),
    ("judge_discriminative_windows", Make::Panel(Discriminative, Row::Windows)),
    ("judge_contrastive_rhythm", Make::Panel(Contrastive, Row::Rhythm)),
    ("judge_discriminative_rhythm", Make::Panel(Discriminative, Row::Rhythm)),
];

impl Make {
    /// Whether the reward hears this judge.
    fn needs(&self, judge: &Judge) -> bool {
        match self {
            Self::Rule(_) => false,
            Self::Panel(kind, row) => judge.kind == *kind && Row::of(judge) == *row,
        }
    }

    fn make(&self, name: &'static str, bench: &Bench) -> anyhow::Result<Box<dyn Reward>> {
        match self {
            Self::Rule(make) => Ok(make()),
            Self::Panel(..) => {
                let chosen = bench.judges.judge.iter().filter(|judge| self.needs(judge));
                let panel =
                    Panel::load(name, chosen, bench.folder).with_context(|| format!("reward `{name}`"))?;
                Ok(Box::new(panel))
            }
        }
    }
}

/// A reward with its weight.
pub struct Active {
    /// What its scores are multiplied by; above 0.
    pub weight: f32,
    /// The reward.
    pub reward: Box<dyn Reward>,
}

/// Weights of rewards by name; what is not named is off, as is 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, f32>")]
pub struct Rewards(BTreeMap<String, f32>);

impl TryFrom<BTreeMap<String, f32>> for Rewards {
    type Error = String;

    fn try_from(weights: BTreeMap<String, f32>) -> Result<Self, String> {
        for (name, weight) in &weights {
            if !REGISTRY.iter().any(|(known, _)| known == name) {
                let known = REGISTRY.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                return Err(format!("there is no reward `{name}`; there are {known}"));
            }
            if !weight.is_finite() || *weight < 0.0 {
                return Err(format!("the weight of `{name}` is {weight}, must be 0 or above"));
            }
        }
        Ok(Self(weights))
    }
}

impl Rewards {
    /// Makes the rewards whose weight is above 0, in the registry's order; judges come from the run folder.
    ///
    /// # Errors
    /// A judge that is not in the recipe, was not trained yet, or has a broken checkpoint.
    pub fn build(&self, judges: &Judges, folder: &RunFolder) -> anyhow::Result<Vec<Active>> {
        let bench = Bench { judges, folder };
        REGISTRY
            .iter()
            .map(|(name, make)| (self.0.get(*name).copied().unwrap_or(0.0), *name, make))
            .filter(|(weight, ..)| *weight > 0.0)
            .map(|(weight, name, make)| Ok(Active { weight, reward: make.make(name, &bench)? }))
            .collect()
    }

    /// Whether some reward with a weight hears this judge.
    pub fn need(&self, judge: &Judge) -> bool {
        let weight = |name: &str| self.0.get(name).copied().unwrap_or(0.0);
        REGISTRY.iter().any(|(name, make)| weight(name) > 0.0 && make.needs(judge))
    }
}

/// All rewards of some rollouts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The weighted sum, [rollout, frame].
    pub total: Vec<f32>,
    /// Each reward's sum over a rollout before its weight, mean over rollouts, by name.
    pub means: Vec<(&'static str, f32)>,
}

/// Scores rollouts of equal length by all active rewards.
pub fn score(active: &[Active], rollouts: &[Crop]) -> Scores {
    let mut scores = Scores { total: vec![0.0; rollouts.iter().map(Crop::len).sum()], means: Vec::new() };
    for Active { weight, reward } in active {
        let frames = reward.score(rollouts);
        for (total, x) in scores.total.iter_mut().zip(&frames) {
            *total += weight * x;
        }
        scores.means.push((reward.name(), frames.iter().sum::<f32>() / rollouts.len().max(1) as f32));
    }
    scores
}

/// Whether a note sounds in each frame. A hold after a rest, or at the start, holds nothing.
fn melody_sounds(melody: &[MelodyFrame]) -> Vec<bool> {
    let mut sounds = false;
    let hear = |frame: &MelodyFrame| {
        match frame {
            MelodyFrame::Rest => sounds = false,
            MelodyFrame::Onset(_) => sounds = true,
            MelodyFrame::Hold => {}
        }
        sounds
    };
    melody.iter().map(hear).collect()
}

/// Frames of a rollout with a silent chord under a sounding melody.
fn bare(rollout: &Crop) -> Vec<bool> {
    let chords = sounding(&rollout.chords);
    melody_sounds(&rollout.melody).iter().zip(chords).map(|(note, chord)| *note && chord.is_none()).collect()
}

#[cfg(test)]
pub(crate) mod check {
    //! Rollouts written by hand.
    use super::{Crop, Reward};
    use music::{
        meter::BarPhase,
        notation::{parse_chords, parse_melody},
    };

    /// A rollout of two lanes in the notation of the project's tests.
    pub fn rollout(melody: &str, chords: &str) -> Crop {
        let (melody, chords) = (parse_melody(melody).unwrap(), parse_chords(chords).unwrap());
        assert_eq!(melody.len(), chords.len());
        let len = melody.len();
        let phases = vec![BarPhase::Unknown; len];
        Crop { melody, chords, annotated: vec![true; len], phases, played: None }
    }

    /// The frames that a reward scores, with their scores.
    pub fn scored(reward: &dyn Reward, rollout: &Crop) -> Vec<(usize, f32)> {
        let scores = reward.score(std::slice::from_ref(rollout));
        assert_eq!(scores.len(), rollout.len());
        scores.into_iter().enumerate().filter(|(_, x)| *x != 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(text: &str) -> Result<Rewards, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_that_is_no_reward_is_an_error() {
        let error = weights("silenc = 1.0").unwrap_err();
        assert!(error.contains("silenc") && error.contains("repetition"), "{error}");
        assert!(weights("silence = -1.0").is_err());
        assert!(weights("silence = nan").is_err());
    }

    #[test]
    fn weights_are_by_name_and_zero_is_off() {
        let folder = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(folder.path()).unwrap();
        let rewards =
            weights("silence = 0.0\nlong_chord = 2.0\nearly_end = 1.0\njudge_contrastive = 0").unwrap();
        let active = rewards.build(&Judges::default(), &folder).unwrap();
        let names: Vec<_> = active.iter().map(|a| (a.reward.name(), a.weight)).collect();
        assert_eq!(names, [("long_chord", 2.0), ("early_end", 1.0)]);
        // 36 frames of one chord, then two bare frames to the end: -1 each of 4 and of 2.
        let rollout =
            check::rollout(&format!("C4 {}", "- ".repeat(37)), &format!("C {} . .", "- ".repeat(35)));
        let scores = score(&active, &[rollout.clone(), rollout]);
        assert_eq!(scores.means, [("long_chord", -4.0), ("early_end", -2.0)]);
        assert_eq!(scores.total.iter().sum::<f32>(), 2.0 * (2.0 * -4.0 - 2.0));
        assert_eq!((scores.total[31], scores.total[32], scores.total[37]), (0.0, -2.0, -1.0));
    }

    #[test]
    fn a_judge_that_was_not_trained_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(folder.path()).unwrap();
        let rewards = weights("judge_contrastive = 1.0").unwrap();
        let error = format!("{:#}", rewards.build(&Judges::default(), &folder).err().unwrap());
        assert!(error.contains("judge_contrastive") && error.contains("train"), "{error}");
    }

    #[test]
    fn the_registry_knows_its_rewards_by_their_own_names() {
        let folder = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(folder.path()).unwrap();
        let judges = Judges::default();
        let bench = Bench { judges: &judges, folder: &folder };
        for (name, make) in REGISTRY {
            if let Ok(reward) = make.make(name, &bench) {
                assert_eq!(reward.name(), name);
            } else {
                assert!(name.starts_with("judge_"), "{name}");
            }
        }
    }
}
