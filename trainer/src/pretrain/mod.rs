//! Maximum-likelihood training, of the online policy and of the offline teacher alike.
//!
//! The loop reads downwards: batch, forward, loss, backward, clip, AdamW. A run can be killed
//! at any moment and goes on from its last checkpoint to the same numbers: a batch is a function of
//! (seed, number), and a checkpoint holds every bit of parameters and moments.

use crate::{
    dataset::{Batch, Batches, Songs, augment::Augmentation},
    model::{Network, Policy, forward::Leaves, teacher::Teacher},
    ops::{apply, cross_entropy::CrossEntropy},
    run::{
        RunFolder,
        checkpoint::Checkpoint,
        progress::Progress,
        recipe::{Pretrain, Recipe},
    },
};
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Mean losses of a batch, in nats a frame.
pub struct Losses {
    /// Of annotated chord frames.
    pub chords: Tensor<1>,
    /// Of melody frames, where the network answers for them.
    pub melody: Option<Tensor<1>>,
}

/// A network that maximum likelihood can train.
pub trait Learner: Network {
    /// The stage's name in metrics and manifests.
    const STAGE: &'static str;
    /// Its checkpoint in the run folder.
    const CHECKPOINT: &'static str;
    /// Its settings in a recipe.
    fn settings(recipe: &Recipe) -> &Pretrain;
    /// Its losses on a batch.
    fn losses(&self, leaves: &Leaves, batch: &Batch, device: &Device) -> Losses;
    /// The network before the stage's first update.
    ///
    /// # Errors
    /// A shape whose parts do not fit, or a broken checkpoint of an earlier stage.
    fn begin(recipe: &Recipe, _folder: &RunFolder) -> anyhow::Result<Self> {
        Self::build(recipe.model, recipe.seed).map_err(anyhow::Error::msg)
    }
}

fn mean(logits: Tensor<2>, targets: &[u32], weights: Vec<f32>) -> Tensor<1> {
    let total = weights.iter().sum::<f32>().max(1.0);
    let op = CrossEntropy { targets: targets.to_vec(), weights };
    apply::<2, 1>(logits, Arc::new(op)).sum() / total
}

impl Learner for Policy {
    const STAGE: &'static str = "mle";
    const CHECKPOINT: &'static str = "mle.safetensors";

    fn settings(recipe: &Recipe) -> &Pretrain {
        &recipe.pretrain
    }

    fn losses(&self, leaves: &Leaves, batch: &Batch, device: &Device) -> Losses {
        let out = self.forward(leaves, &batch.inputs, device);
        Losses {
            chords: mean(out.chords, &batch.chord_targets, batch.chord_weights.clone()),
            melody: Some(mean(out.melody, &batch.melody_targets, vec![1.0; batch.melody_targets.len()])),
        }
    }
}

impl Learner for Teacher {
    const STAGE: &'static str = "teacher";
    const CHECKPOINT: &'static str = "teacher.safetensors";

    fn settings(recipe: &Recipe) -> &Pretrain {
        &recipe.teacher
    }

    fn losses(&self, leaves: &Leaves, batch: &Batch, device: &Device) -> Losses {
        let logits = self.forward(leaves, &batch.inputs, &batch.melody_targets, device);
        Losses { chords: mean(logits, &batch.chord_targets, batch.chord_weights.clone()), melody: None }
    }

    /// Both halves start as the policy, where the run has trained one: it reads and writes the same lanes.
    fn begin(recipe: &Recipe, folder: &RunFolder) -> anyhow::Result<Self> {
        let mut teacher = Self::build(recipe.model, recipe.seed).map_err(anyhow::Error::msg)?;
        let path = folder.file(Policy::CHECKPOINT);
        if path.exists() {
            let policy = Checkpoint::<Policy>::load(&path)?.network;
            anyhow::ensure!(policy.shape == recipe.model, "{} is of another shape", path.display());
            teacher.encoder.parameters = policy.parameters.clone();
            teacher.decoder.parameters = policy.parameters;
        }
        Ok(teacher)
    }
}

/// A line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// "mle" or "teacher".
    pub stage: &'static str,
    /// Updates made.
    pub update: u64,
    /// Mean negative log-likelihood of annotated chord frames, in nats.
    pub chord_loss: f32,
    /// Mean negative log-likelihood of melody frames, in nats, where the network answers for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub melody_loss: Option<f32>,
    /// Global gradient norm before clipping; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f32>,
    /// Frames a second since this process began; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<f64>,
    /// "train" or "valid".
    pub split: &'static str,
}

fn scalar(tensor: Tensor<1>) -> f32 {
    tensor.into_data().try_to_vec::<f32>().ok().and_then(|v| v.first().copied()).unwrap_or(f32::NAN)
}

/// A training run in hand.
pub struct Training<'a, N> {
    settings: &'a Pretrain,
    batches: Batches<'a>,
    device: Device,
    /// Where it stands.
    pub checkpoint: Checkpoint<N>,
}

impl<'a, N: Learner> Training<'a, N> {
    /// Begins, or goes on from a checkpoint.
    ///
    /// # Errors
    /// A shape whose parts do not fit, or a checkpoint of another shape.
    pub fn new(
        recipe: &'a Recipe,
        songs: &'a Songs,
        checkpoint: Option<Checkpoint<N>>,
    ) -> Result<Self, String> {
        let checkpoint = match checkpoint {
            Some(found) if found.network.shape() == recipe.model => found,
            Some(found) => {
                return Err(format!(
                    "the checkpoint is of {:?}, the recipe of {:?}",
                    found.network.shape(),
                    recipe.model
                ));
            }
            None => Checkpoint::start(N::build(recipe.model, recipe.seed)?),
        };
        let settings = N::settings(recipe);
        let batches = Batches::new(songs, settings.batch, settings.time, settings.augmentation, recipe.seed);
        Ok(Self { settings, batches, device: Device::flex().autodiff(), checkpoint })
    }

    /// One update.
    pub fn update(&mut self) -> Line {
        let Checkpoint { network, moments } = &mut self.checkpoint;
        let batch = self.batches.get(moments.updates);
        let mut parameters = network.parameters();
        let leaves = Leaves::new(&parameters, &self.device, true);
        let losses = network.losses(&leaves, &batch, &self.device);
        let loss = match &losses.melody {
            Some(melody) => losses.chords.clone() + melody.clone() * self.settings.melody_weight,
            None => losses.chords.clone(),
        };
        let gradients = leaves.gradients(&loss.backward());
        let norm =
            self.settings.optimizer.update(&mut parameters, moments, &gradients, self.settings.updates);
        network.set_parameters(parameters);
        Line {
            stage: N::STAGE,
            update: moments.updates,
            chord_loss: scalar(losses.chords),
            melody_loss: losses.melody.map(scalar),
            gradient_norm: Some(norm),
            frames_per_second: None,
            split: "train",
        }
    }

    /// The losses on some batches of held-out songs, without augmentation.
    pub fn validate(&self, batches: &Batches, num: u64) -> Line {
        let device = Device::flex();
        let network = &self.checkpoint.network;
        let leaves = Leaves::new(&network.parameters(), &device, false);
        let (mut chords, mut melody) = (0.0, None);
        for n in 0..num {
            let losses = network.losses(&leaves, &batches.get(n), &device);
            chords += scalar(losses.chords) / num as f32;
            melody = losses.melody.map(|loss| melody.unwrap_or(0.0) + scalar(loss) / num as f32);
        }
        Line {
            stage: N::STAGE,
            update: self.checkpoint.moments.updates,
            chord_loss: chords,
            melody_loss: melody,
            gradient_norm: None,
            frames_per_second: None,
            split: "valid",
        }
    }
}

/// Batches of validation crops that each measurement takes.
const VALIDATION_BATCHES: u64 = 8;

/// Runs the stage to its end, from where the folder's checkpoint stands.
///
/// # Errors
/// A broken checkpoint, a shape that does not fit, or what the file system says.
pub fn run<N: Learner>(
    recipe: &Recipe,
    train: &Songs,
    valid: &Songs,
    folder: &RunFolder,
    progress: &Progress,
) -> anyhow::Result<N> {
    let path = folder.file(N::CHECKPOINT);
    let found =
        if path.exists() { Checkpoint::load(&path)? } else { Checkpoint::start(N::begin(recipe, folder)?) };
    let mut training = Training::<N>::new(recipe, train, Some(found)).map_err(anyhow::Error::msg)?;
    let settings = N::settings(recipe);
    let held_out = Batches::new(valid, settings.batch, settings.time, Augmentation::NONE, 1);
    let shown = progress.stage(N::STAGE, settings.updates, training.checkpoint.moments.updates);
    let (started, first) = (Instant::now(), training.checkpoint.moments.updates);
    let mut saved = Instant::now();
    let save = |training: &Training<N>| -> anyhow::Result<()> {
        let bytes = training.checkpoint.to_bytes().map_err(anyhow::Error::msg)?;
        Ok(folder.write(N::CHECKPOINT, &bytes)?)
    };
    while training.checkpoint.moments.updates < settings.updates {
        let mut line = training.update();
        let frames = (line.update - first) as f64 * (settings.batch * settings.time) as f64;
        let speed = frames / started.elapsed().as_secs_f64();
        line.frames_per_second = Some(speed);
        shown.at(line.update, &format!("chords {:.4} nats, {speed:.0} frames/s", line.chord_loss));
        if line.update % LOGGED_EVERY == 0 {
            folder.log(&line)?;
        }
        if line.update % settings.validate_every == 0 && !valid.0.is_empty() {
            let line = training.validate(&held_out, VALIDATION_BATCHES);
            folder.log(&line)?;
            shown.say(&format!(
                "update {}: {:.4} nats a chord frame on held-out songs",
                line.update, line.chord_loss
            ));
        }
        if saved.elapsed() > Duration::from_secs(settings.checkpoint_seconds) {
            save(&training)?;
            saved = Instant::now();
        }
    }
    save(&training)?;
    Ok(training.checkpoint.network)
}

/// Updates from one line of the metrics file to the next.
const LOGGED_EVERY: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Song;
    use music::{
        lead_sheet::Frames,
        meter::BarPhase,
        notation::{parse_chords, parse_melody},
    };

    fn recipe() -> Recipe {
        let text = "name = \"t\"\nseed = 3\nsources = []\n[model]\nlayers = 2\nheads = 1\ninvariant = 16\npitched = 2\ninner = 2\n\
                    [pretrain]\nupdates = 40\nbatch = 2\ntime = 48\n[pretrain.optimizer]\nrate = 0.01\nwarmup = 4\nfinal_share = 0.1\nbeta1 = 0.9\nbeta2 = 0.95\ndecay = 0.0\nclip = 1.0\n";
        let text =
            format!("{text}{}", text[text.find("[pretrain]").unwrap()..].replace("pretrain", "teacher"));
        Recipe::parse(&text).unwrap()
    }

    fn songs() -> Songs {
        let melody = parse_melody("| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |").unwrap();
        let chords = parse_chords("| C - - - - - - - | F - - - G7 - - - |").unwrap();
        let len = melody.len();
        let frames =
            Frames { melody, chords, annotated: vec![true; len], phases: vec![BarPhase::Unknown; len] };
        Songs(vec![Song { id: "own".into(), source: "own".into(), frames }])
    }

    #[test]
    fn a_small_tune_is_learnt() {
        let (recipe, songs) = (recipe(), songs());
        let mut training = Training::<Policy>::new(&recipe, &songs, None).unwrap();
        let first = training.update().chord_loss;
        let last = (0..39).map(|_| training.update()).last().unwrap().chord_loss;
        assert!(last < 0.6 * first, "{first} -> {last}");
    }

    #[test]
    fn a_resumed_run_is_bit_equal() {
        let (recipe, songs) = (recipe(), songs());
        let mut whole = Training::<Policy>::new(&recipe, &songs, None).unwrap();
        for _ in 0..3 {
            whole.update();
        }
        let saved = Checkpoint::from_bytes(&whole.checkpoint.to_bytes().unwrap()).unwrap();
        let mut resumed = Training::<Policy>::new(&recipe, &songs, Some(saved)).unwrap();
        for _ in 0..3 {
            let (a, b) = (whole.update(), resumed.update());
            assert_eq!(a.chord_loss.to_bits(), b.chord_loss.to_bits());
            assert_eq!(a, b);
        }
        assert_eq!(whole.checkpoint.network.parameters, resumed.checkpoint.network.parameters);
    }

    #[test]
    fn the_teacher_learns_and_resumes_too() {
        let (recipe, songs) = (recipe(), songs());
        let mut training = Training::<Teacher>::new(&recipe, &songs, None).unwrap();
        let first = training.update().chord_loss;
        for _ in 0..30 {
            training.update();
        }
        let saved = Checkpoint::from_bytes(&training.checkpoint.to_bytes().unwrap()).unwrap();
        let mut resumed = Training::<Teacher>::new(&recipe, &songs, Some(saved)).unwrap();
        let (a, b) = (training.update(), resumed.update());
        assert_eq!(a, b);
        assert!(a.chord_loss < 0.6 * first, "{first} -> {}", a.chord_loss);
    }

    #[test]
    fn a_truncated_checkpoint_is_refused() {
        let (recipe, songs) = (recipe(), songs());
        let bytes = Training::<Policy>::new(&recipe, &songs, None).unwrap().checkpoint.to_bytes().unwrap();
        for len in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            assert!(Checkpoint::<Policy>::from_bytes(&bytes[..len]).is_err());
        }
    }
}
