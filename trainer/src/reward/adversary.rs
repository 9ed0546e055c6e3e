//! The adversary: it learns to tell the policy's chords from humans' while the policy learns to please
//! (GAPT, section 3.3). It hears chords alone: one that hears the melody too memorises the songs (GAPT, table 9).
//!
//! A gate keeps it from winning. In its first time it learns every few policy updates; after that only while
//! the policy fools it.

use super::judge::{
    hearing::{Hearing, Lanes},
    loss::binary,
    network::Discriminative,
};
use crate::{
    dataset::augment::Crop,
    model::{Network, Shape, forward::Leaves},
    optimizer::AdamW,
    run::checkpoint::Checkpoint,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// The adversary's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What its reward is multiplied by; 0 leaves it out.
    pub weight: f32,
    /// Policy updates during which it learns regularly.
    pub warm_updates: u64,
    /// In that time, policy updates from one of its lessons to the next.
    pub every: u64,
    /// After that it learns only while its mean reward of the last three policy updates is above this.
    pub threshold: f32,
    /// Gradient steps a lesson; each takes its own share of the rollouts and songs.
    pub steps: usize,
    /// Label smoothing: this much of the probability is spread over both answers.
    pub smoothing: f32,
    /// Gradient steps after which the learning rate has come down.
    pub total_steps: u64,
    /// The optimiser.
    pub optimizer: AdamW,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            weight: 0.0,
            warm_updates: 200,
            every: 5,
            threshold: 1.0,
            steps: 8,
            smoothing: 0.1,
            total_steps: 1000,
            optimizer: AdamW { rate: 3e-4, warmup: 20, decay: 0.0, ..AdamW::default() },
        }
    }
}

impl Settings {
    /// Whether the numbers make sense.
    ///
    /// # Errors
    /// A sentence that names what does not.
    pub fn check(&self) -> Result<(), String> {
        if self.every == 0 || self.steps == 0 {
            return Err("adversary: every and steps must be above 0".into());
        }
        if !self.weight.is_finite() || self.weight < 0.0 || !(0.0..1.0).contains(&self.smoothing) {
            return Err("adversary: weight must be 0 or above, smoothing from 0 to below 1".into());
        }
        Ok(())
    }
}

/// Mean rewards that the gate remembers.
const REMEMBERED: usize = 3;

/// When the adversary learns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate(Vec<f32>);

impl Gate {
    /// Whether the adversary learns in this policy update (counted from 0), whose rollouts earn `mean_reward`.
    pub fn opens(&mut self, settings: &Settings, policy_update: u64, mean_reward: f32) -> bool {
        self.0.push(mean_reward);
        let surplus = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..surplus);
        if policy_update < settings.warm_updates {
            return policy_update.is_multiple_of(settings.every);
        }
        let mean = self.0.iter().sum::<f32>() / REMEMBERED as f32;
        self.0.len() == REMEMBERED && mean > settings.threshold
    }
}

/// The adversary at work.
pub struct Adversary {
    settings: Settings,
    gate: Gate,
    checkpoint: Checkpoint<Discriminative>,
}

const HEARING: Hearing = Hearing { lanes: Lanes::Chords, rhythm_only: false };

impl Adversary {
    /// One that knows nothing yet.
    ///
    /// # Errors
    /// A shape whose parts do not fit.
    pub fn new(shape: Shape, seed: u64, settings: Settings) -> Result<Self, String> {
        let checkpoint = Checkpoint::start(Discriminative::build(shape, seed ^ 0xad5e)?);
        Ok(Self { settings, gate: Gate::default(), checkpoint })
    }

    /// -ln(1 - D) of every rollout, with D the probability that its chords are a human's, at its last frame,
    /// else 0; [rollout, frame]. Before any lesson D is a half.
    pub fn reward(&self, rollouts: &[Crop]) -> Vec<f32> {
        let len = rollouts.first().map_or(0, Crop::len);
        let mut out = vec![0.0; rollouts.len() * len];
        for (frames, reward) in out.chunks_mut(len.max(1)).zip(self.earned(rollouts)) {
            if let Some(last) = frames.last_mut() {
                *last = reward;
            }
        }
        out
    }

    fn earned(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |p: f32| -(1.0 - f64::from(p) + 1e-12).ln() as f32;
        self.checkpoint.network.probabilities(rollouts, HEARING).into_iter().map(of).collect()
    }

    /// Watches a policy update (counted from 0) and learns from it where the gate says so: the mean loss of the
    /// lesson's steps, in nats. `real` are crops of songs, as long as the rollouts.
    pub fn observe(&mut self, real: &[Crop], rollouts: &[Crop], policy_update: u64) -> Option<f32> {
        let earned = self.earned(rollouts);
        let mean = earned.iter().sum::<f32>() / earned.len().max(1) as f32;
        if !self.gate.opens(&self.settings, policy_update, mean) || real.is_empty() || rollouts.is_empty() {
            return None;
        }
        let steps = self.settings.steps.min(real.len()).min(rollouts.len());
        let share = |crops: &[Crop], step: usize| {
            crops[step * crops.len() / steps..(step + 1) * crops.len() / steps].to_vec()
        };
        let losses = (0..steps).map(|step| self.step(share(real, step), share(rollouts, step)));
        Some(losses.sum::<f32>() / steps as f32)
    }

    fn step(&mut self, real: Vec<Crop>, rollouts: Vec<Crop>) -> f32 {
        let half = self.settings.smoothing / 2.0;
        let mut labels = vec![1.0 - half; real.len()];
        labels.resize(real.len() + rollouts.len(), half);
        let crops = [real, rollouts].concat();
        let device = Device::flex().autodiff();
        let Checkpoint { network, moments } = &mut self.checkpoint;
        let mut parameters = network.parameters();
        let leaves = Leaves::new(&parameters, &device, true);
        let loss = binary(network.logits(&leaves, &HEARING.inputs(&crops), &device), &labels, &device);
        let gradients = leaves.gradients(&loss.backward());
        self.settings.optimizer.update(&mut parameters, moments, &gradients, self.settings.total_steps);
        network.set_parameters(parameters);
        loss.into_data().try_to_vec::<f32>().ok().and_then(|v| v.first().copied()).unwrap_or(f32::NAN)
    }

    /// Every bit of it as a file's bytes: how many rewards the gate remembers (a byte), these as little-endian
    /// numbers of four bytes, then the network's checkpoint.
    ///
    /// # Errors
    /// What the checkpoint's writer says.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = vec![self.gate.0.len() as u8];
        bytes.extend(self.gate.0.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend(self.checkpoint.to_bytes()?);
        Ok(bytes)
    }

    /// Reads it from a file's bytes.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn from_bytes(bytes: &[u8], settings: Settings) -> Result<Self, String> {
        let broken = || "the adversary's file ends too early".to_string();
        let (num, rest) = bytes.split_first().ok_or_else(broken)?;
        if usize::from(*num) > REMEMBERED {
            return Err("the file is no adversary's".into());
        }
        let (gate, rest) = rest.split_at_checked(4 * usize::from(*num)).ok_or_else(broken)?;
        let gate = gate.as_chunks::<4>().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
        Ok(Self { settings, gate: Gate(gate), checkpoint: Checkpoint::from_bytes(rest)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::rollout;

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    fn settings() -> Settings {
        let optimizer = AdamW { rate: 2e-2, warmup: 1, ..AdamW::default() };
        Settings { warm_updates: 4, every: 2, threshold: 1.0, steps: 2, optimizer, ..Settings::default() }
    }

    #[test]
    fn the_gate_by_hand() {
        let mut gate = Gate::default();
        // Warm: every second update, whatever the reward.
        let rewards = [0.0, 9.0, 0.0, 0.25, 2.75, 0.3, 0.0, 3.1, 0.0];
        // Then means of (0, .25, 2.75) = 1, not above; (.25, 2.75, .3) = 1.1; (2.75, .3, 0) = 1.02; (.3, 0, 3.1) = 1.13;
        // (0, 3.1, 0) = 1.03.
        let expected = [true, false, true, false, false, true, true, true, true];
        for (n, (reward, open)) in rewards.iter().zip(expected).enumerate() {
            assert_eq!(gate.opens(&settings(), n as u64, *reward), open, "update {n}");
        }
        assert!(!gate.opens(&settings(), 9, -0.2));
        // Without a warm time it waits until it remembers three.
        let mut cold = Gate::default();
        let settings = Settings { warm_updates: 0, ..settings() };
        assert_eq!([5.0; 3].map(|x| cold.opens(&settings, 0, x)), [false, false, true]);
    }

    fn humans() -> Vec<Crop> {
        vec![rollout(&"C4 - - - ".repeat(8), &"C - - - F - - - ".repeat(4)); 4]
    }

    fn machines() -> Vec<Crop> {
        vec![rollout(&"C4 - - - ".repeat(8), &"C C C C C C C C ".repeat(4)); 4]
    }

    #[test]
    fn who_knows_nothing_pays_ln_2_at_the_end() {
        let adversary = Adversary::new(SMALL, 1, settings()).unwrap();
        let reward = adversary.reward(&machines());
        for frames in reward.chunks(32) {
            assert!(frames[..31].iter().all(|x| *x == 0.0) && (frames[31] - 2f32.ln()).abs() < 1e-6);
        }
        assert!(adversary.reward(&[]).is_empty());
    }

    #[test]
    fn it_learns_to_tell_and_goes_on_bit_equal() {
        let mut adversary = Adversary::new(SMALL, 1, settings()).unwrap();
        assert!((adversary.observe(&humans(), &machines(), 0).unwrap() - 2f32.ln()).abs() < 0.05);
        assert_eq!(adversary.observe(&humans(), &machines(), 1), None);
        for _ in 0..20 {
            adversary.observe(&humans(), &machines(), 2);
        }
        let last = |reward: Vec<f32>| reward[31];
        let (human, machine) = (last(adversary.reward(&humans())), last(adversary.reward(&machines())));
        assert!(human > 1.2 && machine < 0.4, "{human} {machine}");
        let bytes = adversary.to_bytes().unwrap();
        let mut resumed = Adversary::from_bytes(&bytes, settings()).unwrap();
        assert_eq!(resumed.gate, adversary.gate);
        let lesson = |a: &mut Adversary| a.observe(&humans(), &machines(), 2).map(f32::to_bits);
        assert_eq!(lesson(&mut resumed), lesson(&mut adversary));
        assert!(resumed.gate == adversary.gate && resumed.checkpoint.moments == adversary.checkpoint.moments);
        let numbers = |a: &Adversary| a.checkpoint.network.parameters();
        assert!(numbers(&resumed) == numbers(&adversary));
        for len in [0, 1, 5, 20, bytes.len() - 1] {
            assert!(Adversary::from_bytes(&bytes[..len], settings()).is_err(), "{len}");
        }
    }

    #[test]
    fn it_is_deaf_to_the_melody() {
        let mut adversary = Adversary::new(SMALL, 1, settings()).unwrap();
        adversary.observe(&humans(), &machines(), 0);
        let other = rollout(&"D4 . E4 F4 ".repeat(8), &"C - - - F - - - ".repeat(4));
        assert_eq!(adversary.reward(&humans()[..1]), adversary.reward(&[other]));
    }
}
