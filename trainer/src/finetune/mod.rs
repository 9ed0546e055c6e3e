//! Finetuning of the policy on what it plays itself (ReaLchords, section 3; GAPT, section 3).
//!
//! An update reads downwards: roll out, ask the teacher, who knows the coming melody, for its distribution over every
//! chord the policy could have played at every frame, ask the rewards, estimate advantages, step. The loss is
//!
//! β times the divergence from the teacher, over the full vocabulary, whose gradient flows through the policy's
//! distributions and not through its samples (ReaLchords, section 3.2; `ops::decoupled` says how ours differs), plus REINFORCE over the frames' advantages, minus an entropy
//! bonus, plus the critic's squared error, plus the melody head's likelihood, which keeps the imagination alive
//! that a commit of several frames needs.
//!
//! A recipe has several stages of this kind, each from an earlier one, and only their settings differ: distillation
//! alone is a stage without rewards. Melodies are augmented as in training, key jumps included; some rollouts
//! begin with given chords, which the policy takes over from.
//!
//! Departures from the paper: rewards stand at the frames that earned them and not all at the last; one pass over
//! a round's rollouts (so PPO's clip has next to nothing to clip); the critic is a head; AdamW; rollouts under the legal mask.

pub mod anchor;
pub mod returns;
pub mod student;

use crate::{
    dataset::{
        Batch, Batches, Lessons, Song, Songs,
        augment::{Augmentation, Crop},
    },
    evaluate::{
        metrics::{Measured, Metrics, measure},
        rollout::{Melody, Player, accompany},
        spread,
    },
    model::{Network, Policy, forward::Leaves, teacher::Teacher},
    native,
    ops::{apply, cross_entropy::CrossEntropy, decoupled::Decoupled, divergence::KlTo},
    pretrain::Learner,
    reward::{
        Active,
        adversary::Adversary,
        harmony::{Harmony, Weights},
        judge::Judges,
        score,
    },
    run::{
        RunFolder,
        checkpoint::Checkpoint,
        progress::Progress,
        recipe::{AnchorChoice, Distillation, Finetune, Recipe},
    },
};
use anchor::Anchor;
use anyhow::Context;
use burn::tensor::{Device, Tensor, TensorData};
use music::{sampling::Sampling, vocab::ChordToken};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use returns::{masked_moments, whiten};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use student::Student;

/// A line of the metrics file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Line {
    /// The stage's name.
    pub stage: String,
    /// Updates made.
    pub update: u64,
    /// Mean divergence from the teacher a frame of the policy's own rollouts, in nats.
    pub divergence: f32,
    /// Mean of each reward over rollouts, before its weight; a rollout's reward is the sum over its frames.
    pub rewards: BTreeMap<&'static str, f32>,
    /// Share of the returns' variance that the critic explains; absent without rewards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<f32>,
    /// Mean loss of the adversary's lesson, where the gate opened for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversary_loss: Option<f32>,
    /// Global gradient norm before clipping.
    pub gradient_norm: f32,
}

/// A line of the metrics file: rollouts of held-out songs beside the humans' chords.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct ValidLine {
    stage: String,
    update: u64,
    split: &'static str,
    /// Of the humans' own values.
    fractions: BTreeMap<&'static str, f64>,
    /// Share of sung frames with a silent chord.
    silence: f64,
}

/// A finetuning stage in hand.
pub struct Finetuning<'a> {
    settings: &'a Finetune,
    seed: u64,
    anchor: Anchor,
    rewards: Vec<Active>,
    harmony: Option<Harmony>,
    adversary: Option<Adversary>,
    batches: Batches<'a>,
    /// Songs as people wrote them, in other keys alone: what the adversary takes for human.
    humans: Batches<'a>,
    device: Device,
    /// Where it stands.
    pub checkpoint: Checkpoint<Student>,
}

/// Rollouts of equal length.
struct Rollouts {
    crops: Vec<Crop>,
    /// Frames whose chord the policy chose, [rollout, frame].
    chosen: Vec<bool>,
}

fn numbers(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap_or_default()
}

/// The mean over frames that count.
fn mean(x: Tensor<1>, counts: &Tensor<1>, num: f32) -> Tensor<1> {
    (x * counts.clone()).sum() / num
}

/// What is added to a logit that may not be drawn.
const ILLEGAL: f32 = -1e4;

/// Added to chord logits, [batch · time, tokens]: a rollout cannot hold what does not sound, so neither side's
/// distribution has anything there.
fn illegal(batch: &Batch) -> Vec<f32> {
    let mut out = vec![0.0; batch.chord_targets.len() * ChordToken::COUNT];
    for (row, before) in out.chunks_exact_mut(ChordToken::COUNT).zip(&batch.inputs.chords) {
        let before = ChordToken::from_id(*before as usize).unwrap_or(ChordToken::START);
        if !before.may_precede(ChordToken::HOLD) {
            row[ChordToken::HOLD.id()] = ILLEGAL;
        }
    }
    out
}

/// The critic's largest gradient norm, as a share of the whole's.
const CRITIC_SHARE: f32 = 0.3;

/// Scales gradients down to a global norm of at most `most`.
fn clip(gradients: &mut [Vec<f32>], most: f32) {
    let norm = gradients.iter().map(|g| native::dot(g, g)).sum::<f32>().sqrt();
    if norm > most {
        for gradient in gradients {
            native::scale_row(gradient, most / norm);
        }
    }
}

impl<'a> Finetuning<'a> {
    /// Begins with a student, or goes on from a checkpoint of this stage.
    pub fn new(
        settings: &'a Finetune,
        seed: u64,
        songs: &'a Songs,
        anchor: Anchor,
        rewards: Vec<Active>,
        adversary: Option<Adversary>,
        checkpoint: Checkpoint<Student>,
    ) -> Self {
        // Other crops than pretraining saw under the same number. One finetuning stage sees the same as the
        // next: rows of ablations must.
        let batches =
            Batches::new(songs, settings.rollouts, settings.time, settings.augmentation, seed ^ 0xf17e);
        let as_written = Augmentation { transposition: 1.0, ..Augmentation::NONE };
        let humans = Batches::new(songs, settings.rollouts, settings.time, as_written, seed ^ 0x40a5);
        let device = Device::flex().autodiff();
        let harmony = (settings.harmony != 0.0 || settings.clash != 0.0).then(|| Harmony::learn(songs));
        Self { settings, seed, anchor, rewards, harmony, adversary, batches, humans, device, checkpoint }
    }

    /// The policy's own chords to a batch of melodies.
    fn roll_out(&self, number: u64) -> Rollouts {
        let mut crops = self.batches.crops(number);
        let mut rng =
            ChaCha8Rng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x61);
        let given: Vec<usize> = crops
            .iter()
            .map(|crop| match rng.random_bool(self.settings.given) {
                true => rng.random_range(1..=self.settings.given_frames.min(crop.len()).max(1)),
                false => 0,
            })
            .collect();
        let melodies: Vec<Melody> = crops
            .iter()
            .zip(&given)
            .map(|(c, given)| {
                let given = &c.played.as_ref().unwrap_or(&c.chords)[..*given];
                Melody { frames: &c.melody, phases: &c.phases, given }
            })
            .collect();
        let player = Player::from(&self.checkpoint.network.policy);
        let chords = accompany(&player, &melodies, Sampling::default(), self.seed ^ (number << 20));
        for (crop, chords) in crops.iter_mut().zip(chords) {
            crop.chords = chords;
            crop.played = None;
        }
        let time = self.settings.time;
        let chosen = given.iter().flat_map(|given| (0..time).map(move |t| t >= *given)).collect();
        Rollouts { crops, chosen }
    }

    /// One round: rollouts, and an update for each batch of them.
    pub fn round(&mut self) -> Vec<Line> {
        let per_round = (self.settings.rollouts / self.settings.batch) as u64;
        let number = self.checkpoint.moments.updates / per_round;
        let Rollouts { crops, chosen } = self.roll_out(number);
        let humans = if self.adversary.is_some() { self.humans.crops(number) } else { crops.clone() };
        let frames = self.settings.batch * self.settings.time;
        crops
            .chunks(self.settings.batch)
            .zip(humans.chunks(self.settings.batch))
            .zip(chosen.chunks(frames))
            .map(|((crops, humans), chosen)| self.update(humans, crops, chosen))
            .collect()
    }

    fn update(&mut self, humans: &[Crop], crops: &[Crop], chosen: &[bool]) -> Line {
        let batch = Batch::of(crops);
        let rows = chosen.len();
        let plain = Device::flex();
        let illegal = TensorData::new(illegal(&batch), [rows, ChordToken::COUNT]);

        let teacher = self.anchor.logits(&batch, &plain) + Tensor::from_data(illegal.clone(), &plain);
        let mut teacher = teacher.into_data().try_to_vec::<f32>().unwrap_or_default();
        if let Some(harmony) = &self.harmony {
            let weights = Weights { which: self.settings.harmony, clash: self.settings.clash };
            harmony.tilt(&mut teacher, crops, weights);
        }

        let Checkpoint { network: student, moments } = &mut self.checkpoint;
        let settings = self.settings;
        let mut parameters = student.parameters();
        let leaves = Leaves::new(&parameters, &self.device, true);
        let window = Some(Policy::window());
        let hidden = student.policy.hidden(&leaves, &batch.inputs, None, window, &self.device);
        let logits = student.policy.chord_logits(&leaves, hidden.clone());
        let logits = logits + Tensor::from_data(illegal, &self.device);
        let values = student.values(&leaves, hidden.clone());
        let divergence: Tensor<1> = match settings.distillation {
            Distillation::Whole => apply(logits.clone(), Arc::new(KlTo { teacher })),
            Distillation::Decoupled => {
                apply(logits.clone(), Arc::new(Decoupled { teacher, first: ChordToken::FIRST_ONSET }))
            }
        };

        let num = chosen.iter().filter(|chosen| **chosen).count().max(1) as f32;
        let counts: Vec<f32> = chosen.iter().map(|chosen| f32::from(u8::from(*chosen))).collect();
        let mask = Tensor::<1>::from_data(TensorData::new(counts.clone(), [rows]), &self.device);
        let divergences = numbers(divergence.clone());
        let mut line = Line {
            stage: settings.name.clone(),
            divergence: masked_moments(&divergences, chosen).0,
            ..Line::default()
        };
        let mut rewards: Vec<f32> = divergences.iter().map(|d| -settings.divergence_reward * d).collect();
        let scores = score(&self.rewards, crops);
        line.rewards.extend(scores.means);
        rewards.iter_mut().zip(&scores.total).for_each(|(sum, score)| *sum += score);
        if let Some(adversary) = &mut self.adversary {
            let earned = adversary.reward(crops);
            line.rewards.insert("adversary", earned.iter().sum::<f32>() / crops.len() as f32);
            let weight = settings.adversary.weight;
            rewards.iter_mut().zip(&earned).for_each(|(sum, score)| *sum += weight * score);
            line.adversary_loss = adversary.observe(humans, crops, moments.updates);
        }

        let melody = CrossEntropy {
            targets: batch.melody_targets.clone(),
            weights: vec![settings.melody_weight / rows as f32; rows],
        };
        let mut loss = mean(divergence, &mask, num) * settings.divergence
            + apply::<2, 1>(student.policy.melody_logits(&leaves, hidden), Arc::new(melody)).sum();
        if settings.entropy != 0.0 {
            // Entropy is what is left of ln(tokens) after the divergence from the even distribution.
            let even = KlTo { teacher: vec![0.0; rows * ChordToken::COUNT] };
            loss = loss + mean(apply::<2, 1>(logits.clone(), Arc::new(even)), &mask, num) * settings.entropy;
        }
        if !self.rewards.is_empty() || self.adversary.is_some() || settings.divergence_reward != 0.0 {
            let (mut advantages, returns) =
                settings.gae.advantages(&rewards, &numbers(values.clone()), settings.time);
            line.explained = Some({
                let (_, spread) = masked_moments(&returns, chosen);
                let (_, left) = masked_moments(&advantages, chosen);
                1.0 - (left / spread.max(1e-6)).powi(2)
            });
            whiten(&mut advantages, chosen);
            let scale = settings.reinforce / num;
            let gain = CrossEntropy {
                targets: batch.chord_targets.clone(),
                weights: advantages.iter().map(|a| a * scale).collect(),
            };
            let returns = Tensor::<1>::from_data(TensorData::new(returns, [rows]), &self.device);
            let error = (values - returns).powf_scalar(2.0);
            loss = loss
                + apply::<2, 1>(logits, Arc::new(gain)).sum()
                + mean(error, &mask, num) * settings.critic;
        }
        let mut gradients = leaves.gradients(&loss.backward());
        // The critic's errors are large while it is new: they must not use up the clip that all share.
        clip(&mut gradients[student.policy.parameters.0.len()..], CRITIC_SHARE * settings.optimizer.clip);
        line.gradient_norm =
            settings.optimizer.update(&mut parameters, moments, &gradients, settings.updates);
        student.set_parameters(parameters);
        line.update = moments.updates;
        line
    }
}

/// Songs of a validation in mid-stage, and frames of each.
const VALIDATION: (usize, usize) = (64, 256);

/// Cold starts on some held-out songs, once, beside the humans' chords.
fn validate(stage: &str, update: u64, policy: &Policy, valid: &Songs) -> ValidLine {
    let (songs, frames) = VALIDATION;
    let chosen: Vec<&Song> = spread(&valid.0, songs).collect();
    let len = |song: &Song| song.frames.len().min(frames);
    let human: Vec<Measured> = chosen
        .iter()
        .map(|song| Measured {
            melody: &song.frames.melody[..len(song)],
            chords: &song.frames.chords[..len(song)],
            phases: &song.frames.phases[..len(song)],
            counts: &song.frames.annotated[..len(song)],
        })
        .collect();
    let melodies: Vec<Melody> =
        human.iter().map(|m| Melody { frames: m.melody, phases: m.phases, given: &[] }).collect();
    let answers = accompany(&Player::from(policy), &melodies, Sampling::default(), 1);
    let system: Vec<Measured> =
        human.iter().zip(&answers).map(|(human, chords)| Measured { chords, ..*human }).collect();
    let (human, system) = (measure(&human), measure(&system));
    let of = |value: fn(&Metrics) -> f64| value(&system) / value(&human);
    let fractions = BTreeMap::from([
        ("note_in_chord", of(|m| m.note_in_chord)),
        ("changes_per_bar", of(|m| m.changes_per_bar)),
        ("on_bar", of(|m| m.on_bar)),
        ("bar_lock", of(|m| m.bar_lock)),
        ("length_entropy", of(|m| m.length_entropy)),
        ("chord_entropy", of(|m| m.chord_entropy)),
        ("pitch_classes", of(|m| m.pitch_classes)),
    ]);
    ValidLine { stage: stage.into(), update, split: "valid", fractions, silence: system.silence }
}

fn adversary_file(settings: &Finetune, updates: u64) -> String {
    format!("{}.adversary-{updates}", settings.name)
}

/// The adversary as it stood after so many updates.
fn adversary(
    settings: &Finetune,
    seed: u64,
    judges: &Judges,
    folder: &RunFolder,
    updates: u64,
) -> anyhow::Result<Adversary> {
    if updates == 0 {
        return Adversary::new(judges.model, seed, settings.adversary).map_err(anyhow::Error::msg);
    }
    let path = folder.file(&adversary_file(settings, updates));
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    Adversary::from_bytes(&bytes, settings.adversary)
        .map_err(|reason| anyhow::anyhow!("{}: {reason}", path.display()))
}

/// Runs the stage to its end, from where the folder's checkpoint stands.
///
/// # Errors
/// A broken checkpoint, or what the file system says.
pub fn run(
    recipe: &Recipe,
    settings: &Finetune,
    lessons: &Lessons,
    folder: &RunFolder,
    progress: &Progress,
) -> anyhow::Result<()> {
    let Lessons { train: songs, valid, .. } = lessons;
    let (seed, judges) = (recipe.seed, &recipe.judges);
    let policy = Checkpoint::<Policy>::load(&folder.file(&format!("{}.safetensors", settings.from)))?.network;
    let anchor = match settings.anchor {
        AnchorChoice::Teacher => {
            Anchor::Teacher(Checkpoint::load(&folder.file(Teacher::CHECKPOINT))?.network)
        }
        AnchorChoice::Start => Anchor::Start(policy.clone()),
    };
    let rewards = settings.rewards.build(judges, folder)?;
    let name = settings.checkpoint();
    let path = folder.file(&name);
    let checkpoint = if path.exists() {
        Checkpoint::load(&path)?
    } else {
        Checkpoint::start(Student::of(policy).map_err(anyhow::Error::msg)?)
    };
    let adversary = match settings.adversary.weight > 0.0 {
        true => Some(adversary(settings, seed, judges, folder, checkpoint.moments.updates)?),
        false => None,
    };
    let mut finetuning = Finetuning::new(settings, seed, songs, anchor, rewards, adversary, checkpoint);
    let shown = progress.stage(&settings.name, settings.updates, finetuning.checkpoint.moments.updates);
    let save = |finetuning: &Finetuning| -> anyhow::Result<()> {
        // The adversary's file bears the count of updates, so that both always belong together.
        let updates = finetuning.checkpoint.moments.updates;
        if let Some(adversary) = &finetuning.adversary {
            let bytes = adversary.to_bytes().map_err(anyhow::Error::msg)?;
            folder.write(&adversary_file(settings, updates), &bytes)?;
        }
        folder.write(&name, &finetuning.checkpoint.to_bytes().map_err(anyhow::Error::msg)?)?;
        folder.remove_others(&format!("{}.adversary-", settings.name), &adversary_file(settings, updates))?;
        Ok(())
    };
    let mut saved = Instant::now();
    let mut measured = finetuning.checkpoint.moments.updates / settings.validate_every;
    while finetuning.checkpoint.moments.updates < settings.updates {
        for line in finetuning.round() {
            shown.at(line.update, &format!("{:.4} nats from the teacher", line.divergence));
            folder.log(&line)?;
        }
        let update = finetuning.checkpoint.moments.updates;
        if update / settings.validate_every > measured && !valid.0.is_empty() {
            measured = update / settings.validate_every;
            let line = validate(&settings.name, update, &finetuning.checkpoint.network.policy, valid);
            shown.say(&format!(
                "update {update}: note in chord {:.3} of the humans' on held-out songs, changes a bar {:.2}",
                line.fractions["note_in_chord"], line.fractions["changes_per_bar"]
            ));
            folder.log(&line)?;
        }
        if saved.elapsed() > Duration::from_secs(settings.checkpoint_seconds) {
            save(&finetuning)?;
            saved = Instant::now();
        }
    }
    save(&finetuning)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Shape, reward::Reward};
    use music::{
        harmony::ChordFrame,
        lead_sheet::Frames,
        meter::BarPhase,
        notation::{parse_chords, parse_melody},
    };

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    fn songs() -> Songs {
        let melody = parse_melody("| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |").unwrap();
        let chords = parse_chords("| C - - - - - - - | F - - - G7 - - - |").unwrap();
        let frames = Frames {
            annotated: vec![true; melody.len()],
            phases: vec![BarPhase::Unknown; melody.len()],
            melody,
            chords,
        };
        Songs(vec![Song { id: "own".into(), source: "own".into(), frames }])
    }

    fn settings() -> Finetune {
        let mut settings =
            Finetune { batch: 4, rollouts: 4, time: 32, updates: 30, given_frames: 8, ..Finetune::default() };
        settings.optimizer.rate = 1e-2;
        settings.optimizer.warmup = 2;
        settings
    }

    fn begun<'a>(settings: &'a Finetune, songs: &'a Songs, rewards: Vec<Active>) -> Finetuning<'a> {
        let mut teacher = Teacher::build(SMALL, 1).unwrap();
        // A teacher with an opinion.
        teacher.decoder.parameters.0[crate::model::place::CHORD_OUT + 1].1[0] = 3.0;
        let student = Student::of(Policy::new(SMALL, 2).unwrap()).unwrap();
        Finetuning::new(
            settings,
            3,
            songs,
            Anchor::Teacher(teacher),
            rewards,
            None,
            Checkpoint::start(student),
        )
    }

    /// A point for each major triad that is struck.
    struct Major;

    impl Reward for Major {
        fn name(&self) -> &'static str {
            "major"
        }

        fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
            let is_major =
                |frame: &ChordFrame| matches!(frame, ChordFrame::Onset(c) if c.quality.index() == 0);
            rollouts
                .iter()
                .flat_map(|c| c.chords.iter().map(is_major))
                .map(|is| f32::from(u8::from(is)))
                .collect()
        }
    }

    #[test]
    fn the_policy_comes_nearer_to_its_teacher() {
        let (settings, songs) = (settings(), songs());
        let mut stage = begun(&settings, &songs, Vec::new());
        let first = stage.round().remove(0).divergence;
        let last = (0..29).map(|_| stage.round().remove(0)).last().unwrap().divergence;
        assert!(last < 0.5 * first, "{first} -> {last}");
    }

    #[test]
    fn a_stage_that_keeps_near_to_its_start_begins_there() {
        let (settings, songs) = (settings(), songs());
        let mut stage = begun(&settings, &songs, Vec::new());
        stage.anchor = Anchor::Start(stage.checkpoint.network.policy.clone());
        assert!(stage.round().remove(0).divergence.abs() < 1e-5);
        stage.harmony = Some(Harmony::learn(&songs));
        let clashing = Finetune { clash: 50.0, ..settings.clone() };
        stage.settings = &clashing;
        assert!(stage.round().remove(0).divergence > 1e-3);
    }

    #[test]
    fn the_policy_learns_what_is_rewarded() {
        let songs = songs();
        let augmentation = Augmentation::NONE;
        let settings =
            Finetune { divergence: 0.0, melody_weight: 0.0, given: 0.0, augmentation, ..settings() };
        let mut stage = begun(&settings, &songs, vec![Active { weight: 1.0, reward: Box::new(Major) }]);
        let lines: Vec<Line> = (0..30).map(|_| stage.round().remove(0)).collect();
        let mean =
            |lines: &[Line]| lines.iter().map(|l| l.rewards["major"]).sum::<f32>() / lines.len() as f32;
        let (first, last) = (mean(&lines[..3]), mean(&lines[27..]));
        assert!(last > 20.0 && last > 4.0 * first, "{first} -> {last}");
    }

    #[test]
    fn a_resumed_stage_is_bit_equal_and_its_checkpoint_is_a_policys() {
        let (settings, songs) = (Finetune { rollouts: 8, ..settings() }, songs());
        let mut whole = begun(&settings, &songs, vec![Active { weight: 0.1, reward: Box::new(Major) }]);
        for _ in 0..2 {
            whole.round();
        }
        let bytes = whole.checkpoint.to_bytes().unwrap();
        let mut resumed = begun(&settings, &songs, vec![Active { weight: 0.1, reward: Box::new(Major) }]);
        resumed.checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        for _ in 0..2 {
            assert_eq!(whole.round(), resumed.round());
        }
        let (a, b) = (whole.checkpoint.network.parameters(), resumed.checkpoint.network.parameters());
        assert_eq!(a, b);
        let policy = Checkpoint::<Policy>::from_bytes(&whole.checkpoint.to_bytes().unwrap()).unwrap();
        assert_eq!(policy.network.parameters, whole.checkpoint.network.policy.parameters);
    }

    #[test]
    fn gradients_are_clipped_together() {
        let mut gradients = vec![vec![3.0], vec![0.0, 4.0]];
        clip(&mut gradients, 10.0);
        assert_eq!(gradients, [vec![3.0], vec![0.0, 4.0]]);
        clip(&mut gradients, 1.0);
        assert!((gradients[0][0] - 0.6).abs() < 1e-6 && (gradients[1][1] - 0.8).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_held_has_no_probability() {
        let crop = Crop {
            melody: vec![Default::default(); 3],
            chords: vec![ChordFrame::Silence, ChordFrame::Silence, ChordFrame::Silence],
            annotated: vec![true; 3],
            phases: vec![BarPhase::Unknown; 3],
            played: None,
        };
        let mask = illegal(&Batch::of(&[crop]));
        for row in mask.chunks(ChordToken::COUNT) {
            assert_eq!(row.iter().filter(|x| **x != 0.0).count(), 1);
            assert_eq!(row[ChordToken::HOLD.id()], ILLEGAL);
        }
    }
}
