//! The network: a small pre-norm transformer over frames, exactly equivariant under transposition.
//!
//! One position a frame. Position t is given the chord and melody of frame t-1 and the bar phase of frame t,
//! and answers with the distributions of chord and melody of frame t, independent given the past
//! (ReaLchords, eq. 1). Departures from the paper and their figures: LOG.md of this crate.

pub mod forward;
pub mod space;
pub mod spectrum;
pub mod stepper;
pub mod teacher;

use crate::optimizer::Parameters;
use music::{
    sampling::{Draw, uniform},
    vocab::{BAR_LENGTHS, BAR_POSITIONS, CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD},
};
use serde::{Deserialize, Serialize};
use space::{Space, Tied};
use spectrum::Spectrum;

/// The rotary angles of a head, as periods in frames: from a beat to 64 beats, threes for triple metres.
/// All divide [`POSITION_PERIOD`].
pub const ROTARY_PERIODS: [i64; 8] = [4, 8, 12, 16, 32, 64, 192, 1024];

/// The network's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Invariant features; a multiple of `heads`, at least 16 a head (the rotary pairs).
    pub invariant: usize,
    /// Pitched channels (each is twelve features); a multiple of `heads`.
    pub pitched: usize,
    /// The inner layer's width, as a multiple of the model's.
    pub inner: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { layers: 4, heads: 4, invariant: 64, pitched: 16, inner: 4 }
    }
}

impl Shape {
    /// The model's width.
    pub fn width(&self) -> usize {
        self.invariant + 12 * self.pitched
    }

    /// Numbers a head.
    pub fn head_size(&self) -> usize {
        self.width() / self.heads
    }

    /// Whether the parts fit together.
    ///
    /// # Errors
    /// A sentence that names what does not.
    pub fn check(&self) -> Result<(), String> {
        let fits = self.layers > 0 && self.heads > 0 && self.inner > 0;
        if !fits || !self.invariant.is_multiple_of(self.heads) || !self.pitched.is_multiple_of(self.heads) {
            return Err(format!(
                "{self:?}: invariant and pitched must be multiples of heads, and nothing may be 0"
            ));
        }
        if self.invariant / self.heads < 2 * ROTARY_PERIODS.len() {
            return Err(format!(
                "{self:?}: a head needs {} invariant features for its positions",
                2 * ROTARY_PERIODS.len()
            ));
        }
        Ok(())
    }
}

/// How a matrix starts.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// Normal with this deviation.
    Normal(f32),
    /// Zero.
    Zero,
}

/// What training, checkpoints and the optimiser need of any network.
pub trait Network: Sized {
    /// A network before training.
    ///
    /// # Errors
    /// A shape whose parts do not fit.
    fn build(shape: Shape, seed: u64) -> Result<Self, String>;
    /// Its size.
    fn shape(&self) -> Shape;
    /// All free numbers, in a fixed order.
    fn parameters(&self) -> Parameters;
    /// Takes over numbers of the same names and lengths.
    fn set_parameters(&mut self, parameters: Parameters);
}

impl Network for Policy {
    fn build(shape: Shape, seed: u64) -> Result<Self, String> {
        Self::new(shape, seed)
    }

    fn shape(&self) -> Shape {
        self.shape
    }

    fn parameters(&self) -> Parameters {
        self.parameters.clone()
    }

    fn set_parameters(&mut self, parameters: Parameters) {
        self.parameters = parameters;
    }
}

/// A model's shape, its matrices' layouts and its free numbers.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its size.
    pub shape: Shape,
    /// Layout of each parameter, in the order of `parameters`.
    pub tied: Vec<Tied>,
    /// The free numbers.
    pub parameters: Parameters,
    /// The layers' maps in the basis that training runs them in.
    pub spectrum: Spectrum,
}

/// Rows of the input table: chords, melody, bar positions, bar lengths, in this order.
pub const TABLE_ROWS: usize = ChordToken::COUNT + 1 + MelodyToken::COUNT + 1 + BAR_POSITIONS + BAR_LENGTHS;
/// The first melody row of the input table.
pub const MELODY_ROW: usize = ChordToken::COUNT + 1;
/// The first bar-position row.
pub const BAR_POSITION_ROW: usize = MELODY_ROW + MelodyToken::COUNT + 1;
/// The first bar-length row.
pub const BAR_LENGTH_ROW: usize = BAR_POSITION_ROW + BAR_POSITIONS;

/// Where each matrix stands in [`Policy::parameters`].
pub mod place {
    /// Chord token to model.
    pub const CHORD_IN: usize = 0;
    /// Melody token to model.
    pub const MELODY_IN: usize = 1;
    /// Bar position to model.
    pub const BAR_POSITION_IN: usize = 2;
    /// Bar length to model.
    pub const BAR_LENGTH_IN: usize = 3;
    /// Chroma to model.
    pub const CHROMA_IN: usize = 4;
    /// Model to chord logits, and its bias.
    pub const CHORD_OUT: usize = 5;
    /// Model to melody logits, and its bias.
    pub const MELODY_OUT: usize = 7;
    /// The first layer's first matrix.
    pub const LAYERS: usize = 9;
    /// Matrices a layer: qkv, out, up, down, each with a bias.
    pub const PER_LAYER: usize = 8;
    /// Query, key and value of a layer, and their bias.
    pub const QKV: usize = 0;
    /// Attention's output.
    pub const OUT: usize = 2;
    /// To the inner layer.
    pub const UP: usize = 4;
    /// From the inner layer.
    pub const DOWN: usize = 6;
}

impl Policy {
    /// A network before training.
    ///
    /// # Errors
    /// A shape whose parts do not fit.
    pub fn new(shape: Shape, seed: u64) -> Result<Self, String> {
        shape.check()?;
        let model = Space::model(shape.heads, shape.invariant, shape.pitched);
        let inner = model.times(shape.inner);
        let fan = |n: usize| Start::Normal((n as f32).powf(-0.5));
        let width = shape.width();
        let residual = Start::Normal((width as f32 * 2.0 * shape.layers as f32).powf(-0.5));
        let mut made: Vec<(String, Tied, Start)> = vec![
            ("chord_in".into(), Tied::map(&Space::chord_tokens(true), &model), Start::Normal(0.5)),
            ("melody_in".into(), Tied::map(&Space::melody_tokens(true), &model), Start::Normal(0.5)),
            (
                "bar_position_in".into(),
                Tied::map(&Space::invariants(BAR_POSITIONS), &model),
                Start::Normal(0.5),
            ),
            ("bar_length_in".into(), Tied::map(&Space::invariants(BAR_LENGTHS), &model), Start::Normal(0.5)),
            ("chroma_in".into(), Tied::map(&Space::chroma(), &model), Start::Normal(1.0)),
            (
                "chord_out".into(),
                Tied::map(&model, &Space::chord_tokens(false)),
                Start::Normal(0.2 / (width as f32).sqrt()),
            ),
            ("chord_out.bias".into(), Tied::bias(&Space::chord_tokens(false)), Start::Zero),
            (
                "melody_out".into(),
                Tied::map(&model, &Space::melody_tokens(false)),
                Start::Normal(0.2 / (width as f32).sqrt()),
            ),
            ("melody_out.bias".into(), Tied::bias(&Space::melody_tokens(false)), Start::Zero),
        ];
        for layer in 0..shape.layers {
            for (name, from, to, start) in [
                ("qkv", &model, &model.times(3), fan(width)),
                ("out", &model, &model, residual),
                ("up", &model, &inner, fan(width)),
                (
                    "down",
                    &inner,
                    &model,
                    Start::Normal((inner.len() as f32 * 2.0 * shape.layers as f32).powf(-0.5)),
                ),
            ] {
                made.push((format!("layer{layer}.{name}"), Tied::map(from, to), start));
                made.push((format!("layer{layer}.{name}.bias"), Tied::bias(to), Start::Zero));
            }
        }
        let mut tied = Vec::new();
        let mut parameters = Parameters::default();
        for (idx, (name, layout, start)) in made.into_iter().enumerate() {
            let values = (0..layout.free)
                .map(|n| match start {
                    Start::Zero => 0.0,
                    Start::Normal(deviation) => {
                        // Box-Muller over the project's own counter-based generator.
                        let at = |k: i64| {
                            uniform(seed.wrapping_add(idx as u64), 2 * n as i64 + k, Draw::Performance)
                        };
                        let radius = (-2.0 * at(0).max(1e-12).ln()).sqrt();
                        (radius * (std::f64::consts::TAU * at(1)).cos()) as f32 * deviation
                    }
                })
                .collect();
            tied.push(layout);
            parameters.0.push((name, values));
        }
        let spectrum = Spectrum::new(shape, &tied);
        Ok(Self { shape, tied, parameters, spectrum })
    }

    /// The dense matrix of a parameter.
    pub fn dense(&self, idx: usize) -> Vec<f32> {
        crate::ops::expand::expand(&self.parameters.0[idx].1, &self.tied[idx].layout)
    }

    /// The rotary cycles: turns of each angle in a whole period.
    pub fn rotary_cycles() -> Vec<i64> {
        ROTARY_PERIODS.iter().map(|p| POSITION_PERIOD / p).collect()
    }

    /// Frames before the current one that attention sees.
    pub const fn window() -> usize {
        CONTEXT_FRAMES
    }
}

#[cfg(test)]
mod tests {
    use super::{
        forward::{Inputs, Leaves},
        space::Space,
        stepper::{Dense, StepInput, Streams},
        *,
    };
    use burn::tensor::Device;
    use music::melody::{Chroma, MelodyFrame};
    use music::pitch::Pitch;

    const SMALL: Shape = Shape { layers: 2, heads: 2, invariant: 32, pitched: 4, inner: 2 };

    /// Some frames of a tune and chords, all moved up by `semitones`.
    fn steps(num: usize, semitones: i32) -> Vec<StepInput> {
        let (mut chroma, mut melody, mut chord) = (Chroma::default(), MelodyToken::START, ChordToken::START);
        (0..num)
            .map(|t| {
                let input = StepInput {
                    chord,
                    melody,
                    bar_position: t % 16,
                    bar_length: 16,
                    chroma: chroma.features(),
                };
                let heard = match t % 7 {
                    0 | 3 => MelodyFrame::Onset(Pitch::folded(60 + (t as i32 * 5) % 7 + semitones)),
                    6 => MelodyFrame::Rest,
                    _ => MelodyFrame::Hold,
                };
                chroma.hear(heard);
                melody = MelodyToken::of(heard);
                let onset = ChordToken::from_id(2 + (t * 37) % 300)
                    .and_then(ChordToken::chord)
                    .map(|c| c.transposed(semitones));
                chord = if t % 8 == 0 {
                    onset.map_or(ChordToken::SILENCE, |c| ChordToken::onset(c.root, c.quality))
                } else {
                    ChordToken::HOLD
                };
                input
            })
            .collect()
    }

    fn stepped(policy: &Policy, steps: &[StepInput]) -> Vec<Vec<f32>> {
        let dense = Dense::new(policy);
        let mut streams = Streams::new(&dense, 1);
        let logits = steps.iter().map(|input| {
            streams.step(&dense, &[*input], None);
            streams.chord_logits.iter().chain(&streams.melody_logits).copied().collect()
        });
        logits.collect()
    }

    #[test]
    fn frame_by_frame_equals_the_whole_crop() {
        // Longer than the context, so that the ring has wrapped.
        let policy = Policy::new(SMALL, 9).unwrap();
        let steps = steps(CONTEXT_FRAMES + 60, 0);
        let ids = |id: fn(&StepInput) -> usize| steps.iter().map(|s| id(s) as u32).collect::<Vec<_>>();
        let inputs = Inputs {
            batch: 1,
            time: steps.len(),
            chords: ids(|s| s.chord.id()),
            melody: ids(|s| s.melody.id()),
            bar_positions: ids(|s| s.bar_position),
            bar_lengths: ids(|s| s.bar_length),
            chroma: steps.iter().flat_map(|s| s.chroma).collect(),
        };
        let device = Device::flex();
        let out = policy.forward(&Leaves::new(&policy.parameters, &device, false), &inputs, &device);
        let (chords, melody) = (
            out.chords.into_data().try_to_vec::<f32>().unwrap(),
            out.melody.into_data().try_to_vec::<f32>().unwrap(),
        );
        let mut worst = 0.0f32;
        for (t, step) in stepped(&policy, &steps).iter().enumerate() {
            let whole = chords[t * ChordToken::COUNT..(t + 1) * ChordToken::COUNT]
                .iter()
                .chain(&melody[t * MelodyToken::COUNT..(t + 1) * MelodyToken::COUNT]);
            worst = whole.zip(step).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        }
        println!("worst logit difference {worst:.2e}");
        assert!(worst < 1e-4, "{worst}");
    }

    #[test]
    fn the_model_transposes_exactly() {
        // As long as no note crosses from one octave (C to B) into another: octaves are channels of their own.
        let policy = Policy::new(SMALL, 4).unwrap();
        let here = stepped(&policy, &steps(40, 0));
        let moved = stepped(&policy, &steps(40, 5));
        let places = Space::chord_tokens(false).transposition(5);
        for (a, b) in here.iter().zip(&moved) {
            for (id, to) in places.iter().enumerate() {
                assert!((a[id] - b[*to]).abs() < 1e-4, "token {id}: {} and {}", a[id], b[*to]);
            }
        }
    }
}
