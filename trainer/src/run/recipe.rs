//! Recipes: every stage's settings in one TOML file. Unknown keys are errors; the recipe is kept with the run.

use crate::{
    dataset::augment::Augmentation,
    finetune::returns::Gae,
    model::{Policy, Shape, teacher::Teacher},
    optimizer::AdamW,
    pretrain::Learner,
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
    /// Stages of finetuning, in order.
    #[serde(default)]
    pub finetune: Vec<Finetune>,
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

/// How the divergence from the teacher is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distillation {
    /// Whether to strike apart from what to strike (`ops::decoupled`).
    #[default]
    Decoupled,
    /// KL(policy ‖ teacher) over the whole vocabulary, as ReaLchords has it.
    Whole,
}

/// Whose chords a stage keeps near to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorChoice {
    /// The teacher's, who hears the whole melody: distillation.
    #[default]
    Teacher,
    /// Those of the policy that the stage starts from: the paper's rows without distillation.
    Start,
}

/// Settings of a stage of finetuning on the policy's own rollouts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Finetune {
    /// The stage's name; its checkpoint is `NAME.safetensors`.
    pub name: String,
    /// The stage whose policy it starts from.
    pub from: String,
    /// Updates.
    pub updates: u64,
    /// Melodies played together; a multiple of `batch`.
    pub rollouts: usize,
    /// Rollouts an update.
    pub batch: usize,
    /// Frames of each.
    pub time: usize,
    /// Share of rollouts that begin with given chords.
    pub given: f64,
    /// At most so many frames of them.
    pub given_frames: usize,
    /// Whose chords it keeps near to.
    pub anchor: AnchorChoice,
    /// β: weight of the divergence from the anchor as a loss.
    pub divergence: f32,
    /// How it is taken.
    pub distillation: Distillation,
    /// Weight of the harmony judge, by which the anchor's chords are tilted (`reward::harmony`).
    pub harmony: f32,
    /// How much the harmony judge speaks, on beats, against holding a chord that clashes.
    pub clash: f32,
    /// Weight of the divergence, negative, as a reward of its frame: what a chord leads to counts then, too.
    pub divergence_reward: f32,
    /// Weight of the policy gradient; advantages are whitened.
    pub reinforce: f32,
    /// Weight of the entropy bonus.
    pub entropy: f32,
    /// Weight of the critic's squared error.
    pub critic: f32,
    /// Weight of the melody head's loss.
    pub melody_weight: f32,
    /// Advantage estimation.
    pub gae: Gae,
    /// Weights of rewards, by name.
    pub rewards: Rewards,
    /// The judge that learns while the policy does.
    pub adversary: Adversary,
    /// Updates between measurements on the validation split.
    pub validate_every: u64,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: u64,
    /// How melodies are changed; keys jump, as players do.
    pub augmentation: Augmentation,
    /// The optimiser.
    pub optimizer: AdamW,
}

impl Default for Finetune {
    fn default() -> Self {
        Self {
            name: "kd".into(),
            from: "mle".into(),
            updates: 400,
            rollouts: 32,
            batch: 16,
            time: 384,
            given: 0.25,
            given_frames: 64,
            anchor: AnchorChoice::default(),
            divergence: 1.0,
            distillation: Distillation::Decoupled,
            harmony: 0.0,
            clash: 0.0,
            divergence_reward: 0.0,
            reinforce: 1.0,
            entropy: 0.0,
            critic: 0.5,
            melody_weight: 0.1,
            gae: Gae { discount: 1.0, trace: 0.95 },
            rewards: Rewards::default(),
            adversary: Adversary::default(),
            validate_every: 50,
            checkpoint_seconds: 180,
            augmentation: Augmentation::default(),
            optimizer: AdamW { rate: 3e-4, warmup: 20, ..AdamW::default() },
        }
    }
}

impl Finetune {
    /// The stage's checkpoint in the run folder.
    pub fn checkpoint(&self) -> String {
        format!("{}.safetensors", self.name)
    }
}

impl Recipe {
    /// Names of the checkpoints that can play: the policy's, stage by stage, and the teacher's.
    pub fn players(&self) -> impl Iterator<Item = String> {
        let stages = self.finetune.iter().map(Finetune::checkpoint);
        std::iter::once(Policy::CHECKPOINT.to_string())
            .chain(stages)
            .chain(std::iter::once(Teacher::CHECKPOINT.to_string()))
    }

    /// How many updates a stage that leaves a policy makes.
    pub fn updates(&self, stage: &str) -> Option<u64> {
        let finetuned = || self.finetune.iter().find(|settings| settings.name == stage);
        if stage == Policy::STAGE { Some(self.pretrain.updates) } else { Some(finetuned()?.updates) }
    }

    /// Reads a recipe.
    ///
    /// # Errors
    /// What is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let recipe: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        recipe.model.check()?;
        recipe.judges.check()?;
        for stage in &recipe.finetune {
            stage.adversary.check().map_err(|reason| format!("stage {}: {reason}", stage.name))?;
        }
        if !recipe.temperature.is_finite() || recipe.temperature < 0.0 {
            return Err(format!("temperature is {}, must be 0 or above", recipe.temperature));
        }
        let pretrain =
            [&recipe.pretrain, &recipe.teacher].map(|s| [s.batch, s.time, s.validate_every as usize]);
        let finetune = recipe.finetune.iter().map(|s| [s.batch, s.time, s.validate_every as usize]);
        if pretrain.into_iter().chain(finetune).flatten().any(|size| size == 0) {
            return Err("batch, time and validate_every must be above 0 in every stage".into());
        }
        let augmentations = [
            ("pretrain", &recipe.pretrain.augmentation),
            ("teacher", &recipe.teacher.augmentation),
            ("judges", &recipe.judges.augmentation),
        ];
        let finetunes = recipe.finetune.iter().map(|s| (s.name.as_str(), &s.augmentation));
        for (stage, augmentation) in augmentations.into_iter().chain(finetunes) {
            augmentation.check().map_err(|reason| format!("stage {stage}: {reason}"))?;
        }
        if let Some(stage) = recipe.finetune.iter().find(|s| !(0.0..=1.0).contains(&s.given)) {
            return Err(format!("stage {}: given is {}, must be from 0 to 1", stage.name, stage.given));
        }
        let mut known = vec!["mle"];
        for stage in &recipe.finetune {
            if stage.rollouts == 0 || !stage.rollouts.is_multiple_of(stage.batch) {
                return Err(format!(
                    "stage {}: {} rollouts are no whole number of batches of {}",
                    stage.name, stage.rollouts, stage.batch
                ));
            }
            if !known.contains(&stage.from.as_str()) {
                return Err(format!(
                    "stage {} starts from {}, which no stage before it is",
                    stage.name, stage.from
                ));
            }
            if known.contains(&stage.name.as_str()) || ["teacher", ""].contains(&stage.name.as_str()) {
                return Err(format!(
                    "a stage of finetuning may not be called \"{}\": the name is taken",
                    stage.name
                ));
            }
            known.push(&stage.name);
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipes_that_come_with_the_trainer_are_recipes() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let mut num = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let recipe = Recipe::parse(&std::fs::read_to_string(&path).unwrap());
            assert!(recipe.is_ok(), "{}: {recipe:?}", path.display());
            num += 1;
        }
        assert!(num >= 3);
    }

    #[test]
    fn a_stage_of_finetuning_needs_a_stage_before_it() {
        let text = "name = \"x\"\nseed = 1\nsources = []\n[[finetune]]\nname = \"a\"\nfrom = \"b\"\n";
        assert!(Recipe::parse(text).unwrap_err().contains("starts from b"));
        let twice = text.replace("\"b\"", "\"mle\"") + "[[finetune]]\nname = \"a\"\n";
        assert!(Recipe::parse(&twice).unwrap_err().contains("taken"));
        let teacher = text.replace("\"b\"", "\"mle\"").replace("\"a\"", "\"teacher\"");
        assert!(Recipe::parse(&teacher).unwrap_err().contains("taken"));
        let given = text.replace("\"b\"", "\"mle\"") + "given = 1.5\n";
        assert!(Recipe::parse(&given).unwrap_err().contains("given is 1.5"));
        let augmented = text.replace("\"b\"", "\"mle\"") + "augmentation = { jitter = -1.0 }\n";
        assert!(Recipe::parse(&augmented).unwrap_err().contains("jitter"));
        let odd = text.replace("\"b\"", "\"mle\"") + "rollouts = 20\nbatch = 16\n";
        assert!(Recipe::parse(&odd).unwrap_err().contains("no whole number"));
    }

    #[test]
    fn unknown_keys_are_errors() {
        let text = "name = \"x\"\nseed = 1\nsources = []\n";
        assert!(Recipe::parse(text).is_ok());
        let error = Recipe::parse(&format!("{text}[pretrain]\nbatches = 3\n")).unwrap_err();
        assert!(error.contains("batches"), "{error}");
    }
}
