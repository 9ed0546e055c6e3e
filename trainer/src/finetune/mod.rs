//! Finetuning of the policy on what it plays itself.
//!
//! The stage so far is distillation alone (ReaLchords' "KD"): roll out, ask the teacher, who knows the coming
//! melody, for its distribution over every chord the policy could have played at every frame, and step down
//! the gradient of KL(policy ‖ teacher). The gradient flows through the policy's distributions, not through its
//! samples (paper, section 3.2). Melodies are augmented as in training, key jumps included: the policy must
//! find its way back from its own wrong turns, with the teacher's hand on its shoulder.
//!
//! Departures from the paper: no data term, AdamW, rollouts under the legal mask.

use crate::{
    dataset::{Batch, Batches, Songs, augment::Crop},
    evaluate::rollout::{Melody, Player, accompany},
    model::{Network, Policy, forward::Leaves, teacher::Teacher},
    ops::{apply, divergence::KlTo},
    run::{RunFolder, checkpoint::Checkpoint, recipe::Recipe},
};
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressStyle};
use music::sampling::Sampling;
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The stage's checkpoint in the run folder.
pub const CHECKPOINT: &str = "kd.safetensors";

/// A line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Always "kd".
    pub stage: &'static str,
    /// Updates made.
    pub update: u64,
    /// Mean KL(policy ‖ teacher) a frame of the policy's own rollouts, in nats.
    pub divergence: f32,
    /// Global gradient norm before clipping.
    pub gradient_norm: f32,
}

/// Finetuning in hand.
pub struct Finetuning<'a> {
    recipe: &'a Recipe,
    teacher: Teacher,
    batches: Batches<'a>,
    device: Device,
    /// Where it stands.
    pub checkpoint: Checkpoint,
}

impl<'a> Finetuning<'a> {
    /// Begins with a policy, or goes on from a checkpoint of this stage.
    pub fn new(recipe: &'a Recipe, songs: &'a Songs, teacher: Teacher, checkpoint: Checkpoint) -> Self {
        let settings = &recipe.finetune;
        // Other crops than pretraining saw under the same number.
        let batches =
            Batches::new(songs, settings.batch, settings.time, settings.augmentation, recipe.seed ^ 0xf17e);
        Self { recipe, teacher, batches, device: Device::flex().autodiff(), checkpoint }
    }

    /// The policy's own accompaniment of a batch of melodies.
    fn roll_out(&self, number: u64) -> Vec<Crop> {
        let mut crops = self.batches.crops(number);
        let melodies: Vec<Melody> =
            crops.iter().map(|c| Melody { frames: &c.melody, phases: &c.phases, given: &[] }).collect();
        let chords = accompany(
            &Player::from(&self.checkpoint.network),
            &melodies,
            Sampling::default(),
            self.recipe.seed ^ (number << 20),
        );
        for (crop, chords) in crops.iter_mut().zip(chords) {
            crop.chords = chords;
            crop.played = None;
        }
        crops
    }

    /// One update.
    pub fn update(&mut self) -> Line {
        let batch = Batch::of(&self.roll_out(self.checkpoint.moments.updates));
        let plain = Device::flex();
        let ears = Leaves::new(&self.teacher.parameters(), &plain, false);
        let teacher = self.teacher.forward(&ears, &batch.inputs, &batch.melody_targets, &plain);
        let teacher = teacher.into_data().try_to_vec::<f32>().unwrap_or_default();
        let Checkpoint { network, moments } = &mut self.checkpoint;
        let leaves = Leaves::new(&network.parameters, &self.device, true);
        let logits = network.forward(&leaves, &batch.inputs, &self.device).chords;
        let loss = apply::<2, 1>(logits, Arc::new(KlTo { teacher })).mean();
        let gradients = leaves.gradients(&loss.backward());
        let settings = &self.recipe.finetune;
        let gradient_norm =
            settings.optimizer.update(&mut network.parameters, moments, &gradients, settings.updates);
        let divergence =
            loss.into_data().try_to_vec::<f32>().ok().and_then(|v| v.first().copied()).unwrap_or(f32::NAN);
        Line { stage: "kd", update: moments.updates, divergence, gradient_norm }
    }
}

/// Runs the stage to its end, from where the folder's checkpoint stands; `policy` is what it begins with.
///
/// # Errors
/// A broken checkpoint, or what the file system says.
pub fn run(
    recipe: &Recipe,
    songs: &Songs,
    policy: Policy,
    teacher: Teacher,
    folder: &RunFolder,
) -> anyhow::Result<Policy> {
    let path = folder.file(CHECKPOINT);
    let checkpoint = if path.exists() { Checkpoint::load(&path)? } else { Checkpoint::start(policy) };
    let mut finetuning = Finetuning::new(recipe, songs, teacher, checkpoint);
    let settings = &recipe.finetune;
    let bar = ProgressBar::new(settings.updates).with_position(finetuning.checkpoint.moments.updates);
    if let Ok(style) = ProgressStyle::with_template("kd {wide_bar} {pos}/{len} updates, {eta} left, {msg}") {
        bar.set_style(style);
    }
    let save = |finetuning: &Finetuning| -> anyhow::Result<()> {
        Ok(folder.write(CHECKPOINT, &finetuning.checkpoint.to_bytes().map_err(anyhow::Error::msg)?)?)
    };
    let mut saved = Instant::now();
    while finetuning.checkpoint.moments.updates < settings.updates {
        let line = finetuning.update();
        bar.set_position(line.update);
        bar.set_message(format!("{:.4} nats from the teacher", line.divergence));
        folder.log(&line)?;
        if saved.elapsed() > Duration::from_secs(settings.checkpoint_seconds) {
            save(&finetuning)?;
            saved = Instant::now();
        }
    }
    save(&finetuning)?;
    bar.finish();
    Ok(finetuning.checkpoint.network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Song;
    use music::{
        lead_sheet::Frames,
        meter::BarPhase,
        notation::{parse_chords, parse_melody},
    };

    #[test]
    fn the_policy_comes_nearer_to_its_teacher() {
        let text = "name = \"t\"\nseed = 3\nsources = []\n[model]\nlayers = 1\nheads = 1\ninvariant = 16\npitched = 2\ninner = 2\n[finetune]\nbatch = 4\ntime = 32\nupdates = 30\n";
        let mut recipe = Recipe::parse(text).unwrap();
        recipe.finetune.optimizer.rate = 1e-2;
        recipe.finetune.optimizer.warmup = 2;
        let melody = parse_melody("| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |").unwrap();
        let chords = parse_chords("| C - - - - - - - | F - - - G7 - - - |").unwrap();
        let frames = Frames {
            annotated: vec![true; melody.len()],
            phases: vec![BarPhase::Unknown; melody.len()],
            melody,
            chords,
        };
        let songs = Songs(vec![Song { id: "own".into(), source: "own".into(), frames }]);
        let mut teacher = Teacher::build(recipe.model, 1).unwrap();
        // A teacher with an opinion.
        let bias = &mut teacher.decoder.parameters.0[crate::model::place::CHORD_OUT + 1].1;
        bias[0] = 3.0;
        let policy = Policy::new(recipe.model, 2).unwrap();
        let mut stage = Finetuning::new(&recipe, &songs, teacher, Checkpoint::start(policy));
        let first = stage.update().divergence;
        let last = (0..29).map(|_| stage.update()).last().unwrap().divergence;
        assert!(last < 0.5 * first, "{first} -> {last}");
    }
}
