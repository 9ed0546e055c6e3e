//! Recipes: every stage's settings in one TOML file. Unknown keys are errors; the recipe is kept with the run.

use crate::{
    dataset::augment::Augmentation,
    model::Shape,
    optimizer::AdamW,
    reward::{Rewards, adversary::Settings as Adversary, judge::Judges},
};
use serde::{Deserialize, Serialize};

/// A recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its name, as it appears in manifests.
    pub name: String,
    /// The run's seed: initial weights, batches, sampling.
    pub seed: u64,
    /// Corpora to train on, by source name.
    pub sources: Vec<String>,
    /// The temperature the model is meant to be sampled at, as its manifest says.
    #[serde(default = "one")]
    pub temperature: f32,
    /// The network's size.
    #[serde(default)]
    pub model: Shape,
    /// Maximum-likelihood training of the policy.
    #[serde(default)]
    pub pretrain: Pretrain,
    /// Maximum-likelihood training of the teacher.
    #[serde(default)]
    pub teacher: Pretrain,
    /// The learned rewards and their training.
    #[serde(default)]
    pub judges: Judges,
    /// Finetuning of the policy.
    #[serde(default)]
    pub finetune: Finetune,
}

fn one() -> f32 {
    1.0
}

/// Settings of maximum-likelihood training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretrain {
    /// Updates.
    pub updates: u64,
    /// Crops a batch.
    pub batch: usize,
    /// Frames a crop; above the context, so that a full ring is in distribution.
    pub time: usize,
    /// Weight of the melody's loss beside the chords'.
    pub melody_weight: f32,
    /// Updates between measurements on the validation split.
    pub validate_every: u64,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: u64,
    /// How crops are changed.
    pub augmentation: Augmentation,
    /// The optimiser.
    pub optimizer: AdamW,
}

impl Default for Pretrain {
    fn default() -> Self {
        Self {
            updates: 3000,
            batch: 16,
            time: 512,
            melody_weight: 0.5,
            validate_every: 250,
            checkpoint_seconds: 180,
            augmentation: Augmentation::default(),
            optimizer: AdamW::default(),
        }
    }
}

/// Settings of finetuning on the policy's own rollouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Finetune {
    /// Updates.
    pub updates: u64,
    /// Melodies a rollout.
    pub batch: usize,
    /// Frames of each.
    pub time: usize,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: u64,
    /// How melodies are changed; keys jump, as players do.
    pub augmentation: Augmentation,
    /// The optimiser.
    pub optimizer: AdamW,
    /// Weights of rewards, by name.
    pub rewards: Rewards,
    /// The judge that learns while the policy does.
    pub adversary: Adversary,
}

impl Default for Finetune {
    fn default() -> Self {
        Self {
            updates: 400,
            batch: 32,
            time: 384,
            checkpoint_seconds: 180,
            augmentation: Augmentation::default(),
            optimizer: AdamW { rate: 3e-4, warmup: 20, ..AdamW::default() },
            rewards: Rewards::default(),
            adversary: Adversary::default(),
        }
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let recipe: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        recipe.model.check()?;
        recipe.judges.check()?;
        recipe.finetune.adversary.check()?;
        if !recipe.temperature.is_finite() || recipe.temperature < 0.0 {
            return Err(format!("temperature is {}, must be 0 or above", recipe.temperature));
        }
        let sizes = [
            recipe.pretrain.batch,
            recipe.pretrain.time,
            recipe.teacher.batch,
            recipe.teacher.time,
            recipe.finetune.batch,
            recipe.finetune.time,
        ];
        if sizes.contains(&0) {
            return Err("batch and time must be above 0 in every stage".into());
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors() {
        let text = "name = \"x\"\nseed = 1\nsources = []\n";
        assert!(Recipe::parse(text).is_ok());
        let error = Recipe::parse(&format!("{text}[pretrain]\nbatches = 3\n")).unwrap_err();
        assert!(error.contains("batches"), "{error}");
    }
}
