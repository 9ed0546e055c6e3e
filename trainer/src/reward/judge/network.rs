//! The judges' networks. Both are encoders like the policy without its blinkers (every frame sees all others),
//! averaged over frames; the heads that a policy answers with are there and unused, as in the teacher's ears.

use super::{
    hearing::{Hearing, Lanes},
    loss::{binary, info_nce},
    pairs::Pairs,
};
use crate::{
    dataset::augment::Crop,
    model::{
        Network, Policy, Shape,
        forward::{Inputs, Leaves},
        place,
        space::{Space, Tied},
    },
    ops::{apply, expand::Expand},
    optimizer::Parameters,
};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;

/// The logarithm of the inverse temperature before training, ln(1/0.07), and its highest value (CLIP's).
const SHARPNESS: (f32, f32) = (2.659_26, 4.605_17);

/// Frames that go through an encoder at a time when there is no gradient to keep.
const FRAMES_AT_ONCE: usize = 8192;

fn dense(leaves: &Leaves, idx: usize, tied: &Tied) -> Tensor<2> {
    apply(leaves.leaf(idx), Arc::new(Expand { layout: tied.layout.clone(), shape: tied.shape }))
}

/// The encoder's state of each crop, mean over its frames, [crops, width].
fn pooled(encoder: &Policy, leaves: &Leaves, inputs: &Inputs, device: &Device) -> Tensor<2> {
    let width = encoder.shape.width();
    let state = encoder.hidden(leaves, inputs, None, None, device);
    state.reshape([inputs.batch, inputs.time, width]).mean_dim(1).reshape([inputs.batch, width])
}

fn named(part: &str, policy: &Policy) -> Vec<(String, Vec<f32>)> {
    policy.parameters.0.iter().map(|(name, values)| (format!("{part}.{name}"), values.clone())).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap_or_default()
}

/// Crops as many at a time as memory likes; each batch's numbers one after another.
fn in_batches(crops: &[Crop], of: impl Fn(&[Crop]) -> Vec<f32>) -> Vec<f32> {
    let time = crops.first().map_or(1, Crop::len).max(1);
    crops.chunks((FRAMES_AT_ONCE / time).max(1)).flat_map(of).collect()
}

/// What training and scoring need of a judge's network.
pub trait Judging: Network {
    /// The loss of real pairs, all of equal length, and of fake pairs where the network asks for them.
    fn loss(&self, leaves: &Leaves, pairs: &Pairs, rhythm_only: bool, device: &Device) -> Tensor<1>;
    /// How well the lanes of each crop go together: a cosine, or a probability.
    fn scores(&self, crops: &[Crop], rhythm_only: bool) -> Vec<f32>;
    /// Measures on pairs what training took from each batch; to be called before scoring. Training itself does
    /// not hang on it.
    fn settle(&mut self, _pairs: &Pairs, _rhythm_only: bool) {}
    /// Whether it learns from fake pairs beside the real ones.
    const NEEDS_FAKE: bool;
}

/// Two towers, one a lane, and how far apart they lie.
///
/// Most of a state's mean over frames is the same for all music, so that all embeddings would point one way and
/// stay there. Therefore embeddings are centred before they are brought to length 1: in training by the mean of
/// the batch, afterwards by the bias, which is minus that mean. Where transposition ties features, their mean is
/// one number, so that centring commutes with transposition too.
#[derive(Clone, Debug)]
pub struct Contrastive {
    chords: Policy,
    melody: Policy,
    projection: Tied,
    bias: Tied,
    chord_projection: Projection,
    melody_projection: Projection,
    sharpness: f32,
}

/// The free numbers from a tower's state to its embedding.
#[derive(Clone, Debug, Default)]
struct Projection {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Network for Contrastive {
    fn build(shape: Shape, seed: u64) -> Result<Self, String> {
        let space = Space::model(shape.heads, shape.invariant, shape.pitched);
        // A projection starts like any matrix of its size: as an attention output of another seed.
        let bias = Tied::bias(&space);
        let donor = |salt: u64| {
            let policy = Policy::new(shape, seed.wrapping_add(salt))?;
            let weight = policy.parameters.0[place::LAYERS + place::OUT].1.clone();
            Ok::<_, String>(Projection { weight, bias: vec![0.0; bias.free] })
        };
        let (chord_projection, melody_projection) = (donor(0xc01)?, donor(0x3e11)?);
        Ok(Self {
            chords: Policy::new(shape, seed.wrapping_mul(0x1_0001).wrapping_add(0xc0))?,
            melody: Policy::new(shape, seed.wrapping_mul(0x1_0001).wrapping_add(0x3e1))?,
            projection: Tied::map(&space, &space),
            bias,
            chord_projection,
            melody_projection,
            sharpness: SHARPNESS.0,
        })
    }

    fn shape(&self) -> Shape {
        self.chords.shape
    }

    fn parameters(&self) -> Parameters {
        let mut all = named("chords", &self.chords);
        all.extend(named("melody", &self.melody));
        let lanes =
            [("chord_projection", &self.chord_projection), ("melody_projection", &self.melody_projection)];
        for (name, Projection { weight, bias }) in lanes {
            all.push((name.into(), weight.clone()));
            all.push((format!("{name}.bias"), bias.clone()));
        }
        all.push(("sharpness".into(), vec![self.sharpness]));
        Parameters(all)
    }

    fn set_parameters(&mut self, parameters: Parameters) {
        let mut values = parameters.0.into_iter().map(|(_, v)| v);
        for (_, target) in self.chords.parameters.0.iter_mut().chain(&mut self.melody.parameters.0) {
            *target = values.next().unwrap_or_default();
        }
        for projection in [&mut self.chord_projection, &mut self.melody_projection] {
            projection.weight = values.next().unwrap_or_default();
            projection.bias = values.next().unwrap_or_default();
        }
        self.sharpness =
            values.next().and_then(|v| v.first().copied()).unwrap_or(SHARPNESS.0).min(SHARPNESS.1);
    }
}

impl Contrastive {
    /// The embeddings of one lane, [crops, width], neither centred nor of length 1. `lanes` is chords or melody.
    fn project(&self, leaves: &Leaves, inputs: &Inputs, lanes: Lanes, device: &Device) -> Tensor<2> {
        let num = self.chords.parameters.0.len();
        let (tower, from) = match lanes {
            Lanes::Chords => (&self.chords, 0),
            Lanes::Melody | Lanes::Both => (&self.melody, num),
        };
        let state = pooled(tower, &leaves.part(from..from + num), inputs, device);
        state.matmul(dense(leaves, self.weight(lanes), &self.projection))
    }

    /// Where a lane's projection stands among the parameters; its bias follows.
    fn weight(&self, lanes: Lanes) -> usize {
        2 * self.chords.parameters.0.len() + if lanes == Lanes::Chords { 0 } else { 2 }
    }

    /// The mean of embeddings [crops, width] over crops and over the features that transposition ties, [1, width].
    fn mean(&self, z: Tensor<2>, device: &Device) -> Tensor<2> {
        let width = self.bias.layout.len();
        let mut tied = vec![0.0f32; width * width];
        for (i, a) in self.bias.layout.iter().enumerate() {
            let num = self.bias.layout.iter().filter(|b| *b == a).count();
            for (j, _) in self.bias.layout.iter().enumerate().filter(|(_, b)| *b == a) {
                tied[i * width + j] = 1.0 / num as f32;
            }
        }
        z.mean_dim(0).matmul(Tensor::from_data(TensorData::new(tied, [width, width]), device))
    }

    /// Centred embeddings at length 1.
    fn unit(z: Tensor<2>) -> Tensor<2> {
        z.clone() / (z.square().sum_dim(1) + 1e-12).sqrt()
    }

    /// The embeddings of one lane of crops of equal length, [crops, width], without gradients.
    pub fn embeddings(&self, crops: &[Crop], lanes: Lanes, rhythm_only: bool) -> Vec<f32> {
        let device = Device::flex();
        let leaves = Leaves::new(&self.parameters(), &device, false);
        let hearing = Hearing { lanes, rhythm_only };
        in_batches(crops, |crops| {
            let z = self.project(&leaves, &hearing.inputs(crops), lanes, &device);
            values(Self::unit(z + dense(&leaves, self.weight(lanes) + 1, &self.bias)))
        })
    }
}

impl Judging for Contrastive {
    const NEEDS_FAKE: bool = false;

    fn settle(&mut self, pairs: &Pairs, rhythm_only: bool) {
        let device = Device::flex();
        let leaves = Leaves::new(&self.parameters(), &device, false);
        for lanes in [Lanes::Chords, Lanes::Melody] {
            let inputs = Hearing { lanes, rhythm_only }.inputs(&pairs.real);
            let mean = values(self.mean(self.project(&leaves, &inputs, lanes, &device), &device));
            let target = match lanes {
                Lanes::Chords => &mut self.chord_projection.bias,
                Lanes::Melody | Lanes::Both => &mut self.melody_projection.bias,
            };
            for (x, place) in mean.iter().zip(self.bias.layout.iter()) {
                target[*place as usize] = -x;
            }
        }
    }

    fn loss(&self, leaves: &Leaves, pairs: &Pairs, rhythm_only: bool, device: &Device) -> Tensor<1> {
        let of = |lanes| {
            let inputs = Hearing { lanes, rhythm_only }.inputs(&pairs.real);
            let z = self.project(leaves, &inputs, lanes, device);
            Self::unit(z.clone() - self.mean(z, device))
        };
        let sharpness = leaves.leaf(2 * self.chords.parameters.0.len() + 4).exp();
        let likeness = of(Lanes::Melody).matmul(of(Lanes::Chords).transpose());
        info_nce(likeness * sharpness.reshape([1, 1]), device)
    }

    fn scores(&self, crops: &[Crop], rhythm_only: bool) -> Vec<f32> {
        let width = self.chords.shape.width();
        let chords = self.embeddings(crops, Lanes::Chords, rhythm_only);
        let melody = self.embeddings(crops, Lanes::Melody, rhythm_only);
        chords.chunks(width).zip(melody.chunks(width)).map(|(a, b)| crate::native::dot(a, b)).collect()
    }
}

/// One encoder and one logit.
#[derive(Clone, Debug)]
pub struct Discriminative {
    encoder: Policy,
    readout: Tied,
    readout_values: Vec<f32>,
    bias: f32,
}

impl Network for Discriminative {
    fn build(shape: Shape, seed: u64) -> Result<Self, String> {
        let space = Space::model(shape.heads, shape.invariant, shape.pitched);
        let readout = Tied::map(&space, &Space::invariants(1));
        // From 0, so that every pair is as likely real as not before training.
        let readout_values = vec![0.0; readout.free];
        let encoder = Policy::new(shape, seed.wrapping_mul(0x1_0001).wrapping_add(0xd15))?;
        Ok(Self { encoder, readout, readout_values, bias: 0.0 })
    }

    fn shape(&self) -> Shape {
        self.encoder.shape
    }

    fn parameters(&self) -> Parameters {
        let mut all = named("encoder", &self.encoder);
        all.push(("readout".into(), self.readout_values.clone()));
        all.push(("readout.bias".into(), vec![self.bias]));
        Parameters(all)
    }

    fn set_parameters(&mut self, parameters: Parameters) {
        let mut values = parameters.0.into_iter().map(|(_, v)| v);
        for (_, target) in &mut self.encoder.parameters.0 {
            *target = values.next().unwrap_or_default();
        }
        self.readout_values = values.next().unwrap_or_default();
        self.bias = values.next().and_then(|v| v.first().copied()).unwrap_or_default();
    }
}

impl Discriminative {
    /// The logit of each crop, `[crops]`: above 0 where it is rather real.
    pub fn logits(&self, leaves: &Leaves, inputs: &Inputs, device: &Device) -> Tensor<1> {
        let num = self.encoder.parameters.0.len();
        let state = pooled(&self.encoder, &leaves.part(0..num), inputs, device);
        let logits = state.matmul(dense(leaves, num, &self.readout));
        logits.reshape([inputs.batch]) + leaves.leaf(num + 1)
    }

    /// The probability that each crop is real, without gradients.
    pub fn probabilities(&self, crops: &[Crop], hearing: Hearing) -> Vec<f32> {
        let device = Device::flex();
        let leaves = Leaves::new(&self.parameters(), &device, false);
        let of = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        in_batches(crops, |crops| {
            values(self.logits(&leaves, &hearing.inputs(crops), &device)).into_iter().map(of).collect()
        })
    }
}

impl Judging for Discriminative {
    const NEEDS_FAKE: bool = true;

    fn loss(&self, leaves: &Leaves, pairs: &Pairs, rhythm_only: bool, device: &Device) -> Tensor<1> {
        let crops = [&pairs.real[..], &pairs.fake[..]].concat();
        let real: Vec<f32> = (0..crops.len()).map(|n| if n < pairs.real.len() { 1.0 } else { 0.0 }).collect();
        let inputs = Hearing { lanes: Lanes::Both, rhythm_only }.inputs(&crops);
        binary(self.logits(leaves, &inputs, device), &real, device)
    }

    fn scores(&self, crops: &[Crop], rhythm_only: bool) -> Vec<f32> {
        self.probabilities(crops, Hearing { lanes: Lanes::Both, rhythm_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::rollout;

    const SMALL: Shape = Shape { layers: 2, heads: 2, invariant: 32, pitched: 4, inner: 2 };

    /// A tune with chords, its lanes moved up each by its own semitones. No note leaves the octave from C4.
    fn moved(melody: i32, chords: i32) -> Crop {
        let mut crop = rollout("C4 - E4 . G4 - - - E4 - F4 - E4 - D4 -", "C - - - - - - - F - - - G7 - - -");
        let lanes = crop.clone();
        crop.transpose(0, melody);
        let mut other = lanes;
        other.transpose(0, chords);
        crop.chords = other.chords;
        crop
    }

    /// A judge whose readout is not 0.
    fn opinionated() -> Discriminative {
        let mut judge = Discriminative::build(SMALL, 3).unwrap();
        judge.readout_values.iter_mut().enumerate().for_each(|(n, x)| *x = crate::ops::check::noise(n));
        judge
    }

    #[test]
    fn judges_hear_keys_only_between_the_lanes() {
        // Exactly the same together; apart, already untrained, more than rounding could explain.
        let (contrastive, discriminative) = (Contrastive::build(SMALL, 3).unwrap(), opinionated());
        for judge in [&contrastive as &dyn Scores, &discriminative] {
            let scores = judge.of(&[moved(0, 0), moved(4, 4), moved(0, 6), moved(4, 0)]);
            assert!((scores[0] - scores[1]).abs() < 1e-6, "{scores:?}");
            assert!((scores[0] - scores[2]).abs() > 1e-5, "{scores:?}");
            assert!((scores[0] - scores[3]).abs() > 1e-5, "{scores:?}");
        }
    }

    trait Scores {
        fn of(&self, crops: &[Crop]) -> Vec<f32>;
    }

    impl<N: Judging> Scores for N {
        fn of(&self, crops: &[Crop]) -> Vec<f32> {
            self.scores(crops, false)
        }
    }

    #[test]
    fn a_cosine_is_one_at_most_and_does_not_hang_on_the_batch() {
        let judge = Contrastive::build(SMALL, 5).unwrap();
        let crops = [moved(0, 0), moved(2, 0), moved(0, 6)];
        let together = judge.of(&crops);
        for (n, crop) in crops.iter().enumerate() {
            assert!(together[n].abs() <= 1.0 + 1e-5);
            assert!((judge.of(std::slice::from_ref(crop))[0] - together[n]).abs() < 1e-5);
        }
        let one = judge.embeddings(&crops[..1], Lanes::Chords, false);
        assert!((crate::native::dot(&one, &one) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn what_all_crops_share_is_taken_out() {
        let mut judge = Contrastive::build(SMALL, 5).unwrap();
        let real = vec![
            moved(0, 0),
            moved(2, 2),
            moved(4, 4),
            rollout(&". C4 - F4 ".repeat(4), &". Am - - ".repeat(4)),
        ];
        let mean_length = |judge: &Contrastive| {
            let z = judge.embeddings(&real, Lanes::Chords, false);
            let width = judge.shape().width();
            let mean = (0..width).map(|i| z.iter().skip(i).step_by(width).sum::<f32>() / real.len() as f32);
            mean.map(|x| x * x).sum::<f32>().sqrt()
        };
        assert!(mean_length(&judge) > 0.95, "{}", mean_length(&judge));
        judge.settle(&Pairs { real: real.clone(), fake: Vec::new() }, false);
        assert!(mean_length(&judge) < 0.6, "{}", mean_length(&judge));
        // And the key is still heard between the lanes alone, much better now.
        let scores = judge.of(&[moved(0, 0), moved(4, 4), moved(0, 6)]);
        assert!((scores[0] - scores[1]).abs() < 1e-4 && (scores[0] - scores[2]).abs() > 1e-2, "{scores:?}");
    }

    #[test]
    fn the_end_is_heard_at_the_start() {
        // Bidirectional, and the mean over frames: another last chord changes the embedding.
        let judge = Contrastive::build(SMALL, 5).unwrap();
        let mut other = moved(0, 0);
        other.chords[12] = moved(0, 1).chords[12];
        let of = |crop: Crop| judge.embeddings(&[crop], Lanes::Chords, false);
        assert_ne!(of(moved(0, 0)), of(other));
    }

    #[test]
    fn numbers_go_out_and_in() {
        let (mut a, b) = (Contrastive::build(SMALL, 1).unwrap(), Contrastive::build(SMALL, 2).unwrap());
        assert_ne!(a.parameters(), b.parameters());
        a.set_parameters(b.parameters());
        assert_eq!(a.parameters(), b.parameters());
        let mut c = Discriminative::build(SMALL, 1).unwrap();
        c.set_parameters(opinionated().parameters());
        assert_eq!(c.parameters(), opinionated().parameters());
    }
}
