//! Maximum-likelihood training of the online policy.
//!
//! The loop reads downwards: batch, forward, loss of both lanes, backward, clip, AdamW. A run can be killed
//! at any moment and goes on from its last checkpoint to the same numbers: a batch is a function of
//! (seed, number), and a checkpoint holds every bit of parameters and moments.

use crate::{
    dataset::{Batch, Batches, Songs},
    model::{Policy, forward::Leaves},
    ops::{apply, cross_entropy::CrossEntropy},
    optimizer::Moments,
    run::{RunFolder, checkpoint::Checkpoint, recipe::Recipe},
};
use burn::tensor::{Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The checkpoint's name in the run folder.
pub const CHECKPOINT: &str = "mle.safetensors";

/// A line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Always "mle".
    pub stage: &'static str,
    /// Updates made.
    pub update: u64,
    /// Mean negative log-likelihood of annotated chord frames, in nats.
    pub chord_loss: f32,
    /// Mean negative log-likelihood of melody frames, in nats.
    pub melody_loss: f32,
    /// Global gradient norm before clipping; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f32>,
    /// Frames a second since this process began; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<f64>,
    /// "train" or "valid".
    pub split: &'static str,
}

/// Both lanes' mean losses and their weighted sum.
struct Losses {
    chords: Tensor<1>,
    melody: Tensor<1>,
}

fn losses(policy: &Policy, leaves: &Leaves, batch: &Batch, device: &Device) -> Losses {
    let out = policy.forward(leaves, &batch.inputs, device);
    let mean = |logits: Tensor<2>, targets: &[u32], weights: Vec<f32>| {
        let total = weights.iter().sum::<f32>().max(1.0);
        let op = CrossEntropy { targets: targets.to_vec(), weights };
        apply::<2, 1>(logits, Arc::new(op)).sum() / total
    };
    Losses {
        chords: mean(out.chords, &batch.chord_targets, batch.chord_weights.clone()),
        melody: mean(out.melody, &batch.melody_targets, vec![1.0; batch.melody_targets.len()]),
    }
}

fn scalar(tensor: Tensor<1>) -> f32 {
    tensor.into_data().try_to_vec::<f32>().ok().and_then(|v| v.first().copied()).unwrap_or(f32::NAN)
}

/// A training run in hand.
pub struct Training<'a> {
    recipe: &'a Recipe,
    batches: Batches<'a>,
    device: Device,
    /// Where it stands.
    pub checkpoint: Checkpoint,
}

impl<'a> Training<'a> {
    /// Begins, or goes on from a checkpoint.
    ///
    /// # Errors
    /// A shape whose parts do not fit, or a checkpoint of another shape.
    pub fn new(recipe: &'a Recipe, songs: &'a Songs, checkpoint: Option<Checkpoint>) -> Result<Self, String> {
        let checkpoint = match checkpoint {
            Some(found) if found.policy.shape == recipe.model => found,
            Some(found) => return Err(format!("the checkpoint is of {:?}, the recipe of {:?}", found.policy.shape, recipe.model)),
            None => {
                let policy = Policy::new(recipe.model, recipe.seed)?;
                let moments = Moments::new(&policy.parameters);
                Checkpoint { policy, moments }
            }
        };
        let settings = &recipe.pretrain;
        let batches = Batches::new(songs, settings.batch, settings.time, settings.augmentation, recipe.seed);
        Ok(Self { recipe, batches, device: Device::flex().autodiff(), checkpoint })
    }

    /// One update.
    pub fn update(&mut self) -> Line {
        let settings = &self.recipe.pretrain;
        let Checkpoint { policy, moments } = &mut self.checkpoint;
        let batch = self.batches.get(moments.updates);
        let leaves = Leaves::new(&policy.parameters, &self.device, true);
        let losses = losses(policy, &leaves, &batch, &self.device);
        let loss = losses.chords.clone() + losses.melody.clone() * settings.melody_weight;
        let gradients = leaves.gradients(&loss.backward());
        let norm = settings.optimizer.update(&mut policy.parameters, moments, &gradients, settings.updates);
        Line {
            stage: "mle",
            update: moments.updates,
            chord_loss: scalar(losses.chords),
            melody_loss: scalar(losses.melody),
            gradient_norm: Some(norm),
            frames_per_second: None,
            split: "train",
        }
    }

    /// The losses on some batches of held-out songs, without augmentation.
    pub fn validate(&self, batches: &Batches, num: u64) -> Line {
        let device = Device::flex();
        let policy = &self.checkpoint.policy;
        let leaves = Leaves::new(&policy.parameters, &device, false);
        let (mut chords, mut melody) = (0.0, 0.0);
        for n in 0..num {
            let losses = losses(policy, &leaves, &batches.get(n), &device);
            chords += scalar(losses.chords) / num as f32;
            melody += scalar(losses.melody) / num as f32;
        }
        let update = self.checkpoint.moments.updates;
        Line { stage: "mle", update, chord_loss: chords, melody_loss: melody, gradient_norm: None, frames_per_second: None, split: "valid" }
    }
}

/// Batches of validation crops that each measurement takes.
const VALIDATION_BATCHES: u64 = 8;

/// Runs the stage to its end, from where the folder's checkpoint stands.
///
/// # Errors
/// A broken checkpoint, a shape that does not fit, or what the file system says.
pub fn run(recipe: &Recipe, train: &Songs, valid: &Songs, folder: &RunFolder) -> anyhow::Result<Policy> {
    let path = folder.file(CHECKPOINT);
    let found = if path.exists() { Some(Checkpoint::load(&path)?) } else { None };
    let mut training = Training::new(recipe, train, found).map_err(anyhow::Error::msg)?;
    let settings = &recipe.pretrain;
    let held_out = Batches::new(valid, settings.batch, settings.time, crate::dataset::augment::Augmentation::NONE, 1);
    let bar = ProgressBar::new(settings.updates).with_position(training.checkpoint.moments.updates);
    if let Ok(style) = ProgressStyle::with_template("mle {wide_bar} {pos}/{len} updates, {eta} left, {msg}") {
        bar.set_style(style);
    }
    let (started, first) = (Instant::now(), training.checkpoint.moments.updates);
    let mut saved = Instant::now();
    while training.checkpoint.moments.updates < settings.updates {
        let mut line = training.update();
        let frames = (line.update - first) as f64 * (settings.batch * settings.time) as f64;
        let speed = frames / started.elapsed().as_secs_f64();
        line.frames_per_second = Some(speed);
        bar.set_position(line.update);
        bar.set_message(format!("chords {:.4}, melody {:.4} nats, {speed:.0} frames/s", line.chord_loss, line.melody_loss));
        if line.update % 10 == 0 {
            folder.log(&line)?;
        }
        if line.update % settings.validate_every == 0 {
            let line = training.validate(&held_out, VALIDATION_BATCHES);
            folder.log(&line)?;
            bar.println(format!("update {}: held-out chords {:.4}, melody {:.4} nats", line.update, line.chord_loss, line.melody_loss));
        }
        if saved.elapsed() > Duration::from_secs(settings.checkpoint_seconds) {
            folder.write(CHECKPOINT, &training.checkpoint.to_bytes().map_err(anyhow::Error::msg)?)?;
            saved = Instant::now();
        }
    }
    folder.write(CHECKPOINT, &training.checkpoint.to_bytes().map_err(anyhow::Error::msg)?)?;
    bar.finish();
    Ok(training.checkpoint.policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Song;
    use music::{lead_sheet::Frames, meter::BarPhase, notation::{parse_chords, parse_melody}};

    fn recipe() -> Recipe {
        let text = "name = \"t\"\nseed = 3\nsources = []\n[model]\nlayers = 2\nheads = 1\ninvariant = 16\npitched = 2\ninner = 2\n\
                    [pretrain]\nupdates = 40\nbatch = 2\ntime = 48\n[pretrain.optimizer]\nrate = 0.01\nwarmup = 4\nfinal_share = 0.1\nbeta1 = 0.9\nbeta2 = 0.95\ndecay = 0.0\nclip = 1.0\n";
        Recipe::parse(text).unwrap()
    }

    fn songs() -> Songs {
        let melody = parse_melody("| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |").unwrap();
        let chords = parse_chords("| C - - - - - - - | F - - - G7 - - - |").unwrap();
        let len = melody.len();
        let frames = Frames { melody, chords, annotated: vec![true; len], phases: vec![BarPhase::Unknown; len] };
        Songs(vec![Song { id: "own".into(), source: "own".into(), frames }])
    }

    #[test]
    fn a_small_tune_is_learnt() {
        let (recipe, songs) = (recipe(), songs());
        let mut training = Training::new(&recipe, &songs, None).unwrap();
        let first = training.update().chord_loss;
        let last = (0..39).map(|_| training.update()).last().unwrap().chord_loss;
        assert!(last < 0.6 * first, "{first} -> {last}");
    }

    #[test]
    fn a_resumed_run_is_bit_equal() {
        let (recipe, songs) = (recipe(), songs());
        let mut whole = Training::new(&recipe, &songs, None).unwrap();
        for _ in 0..3 {
            whole.update();
        }
        let saved = Checkpoint::from_bytes(&whole.checkpoint.to_bytes().unwrap()).unwrap();
        let mut resumed = Training::new(&recipe, &songs, Some(saved)).unwrap();
        for _ in 0..3 {
            let (a, b) = (whole.update(), resumed.update());
            assert_eq!(a.chord_loss.to_bits(), b.chord_loss.to_bits());
            assert_eq!(a, b);
        }
        assert_eq!(whole.checkpoint.policy.parameters, resumed.checkpoint.policy.parameters);
    }

    #[test]
    fn a_truncated_checkpoint_is_refused() {
        let (recipe, songs) = (recipe(), songs());
        let bytes = Training::new(&recipe, &songs, None).unwrap().checkpoint.to_bytes().unwrap();
        for len in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            assert!(Checkpoint::from_bytes(&bytes[..len]).is_err());
        }
    }
}
