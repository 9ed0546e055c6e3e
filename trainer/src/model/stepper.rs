//! The same network frame by frame with a key/value ring, on plain slices: rollouts, evaluation, and the
//! reference that the exported graph is held against. No gradients, one thread: who has many streams gives each
//! thread some of them.

use super::{
    BAR_LENGTH_ROW, BAR_POSITION_ROW, MELODY_ROW, Policy, place,
    spectrum::{Blocks, Sorted, Spectrum},
};
use crate::{
    native::{self, matmul, row_major},
    ops::{
        FusedOp,
        attention::{Rotary, gather, scatter},
        block_linear, pitch_gelu, rms_norm,
        to_spectrum::ToSpectrum,
    },
};
use music::{
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD},
};
use std::sync::Arc;

/// A layer's map in blocks.
struct Mapped {
    blocks: Arc<Blocks>,
    numbers: Vec<f32>,
}

impl Mapped {
    fn of(policy: &Policy, idx: usize, blocks: &Arc<Blocks>) -> Self {
        let values = |idx: usize| &policy.parameters.0[idx].1;
        Self { blocks: blocks.clone(), numbers: blocks.numbers(values(idx), values(idx + 1)) }
    }

    /// [rows, input] to [rows, output].
    fn run(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.blocks.input * self.blocks.output];
        block_linear::run(&self.blocks, x, &self.numbers, &mut y);
        y
    }
}

/// A head of the network, dense.
struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// The map `idx` of the policy, to be applied to rows in the basis of `model::spectrum`.
    fn of(policy: &Policy, idx: usize) -> Self {
        let [input, output] = policy.tied[idx].shape;
        let transpose = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            (0..columns).flat_map(|c| (0..rows).map(move |r| x[r * columns + c])).collect()
        };
        let columns = into_spectrum(policy, &transpose(&policy.dense(idx), input, output));
        Self { weight: transpose(&columns, output, input), bias: policy.dense(idx + 1) }
    }

    fn run(&self, x: &[f32], y: &mut [f32]) {
        let output = self.bias.len();
        for row in y.chunks_exact_mut(output) {
            row.copy_from_slice(&self.bias);
        }
        let input = self.weight.len() / output;
        let sizes = [y.len() / output, input, output];
        matmul(y, row_major(output), x, row_major(input), &self.weight, row_major(output), sizes, true);
    }
}

struct Layer {
    qkv: Mapped,
    out: Mapped,
    up: Mapped,
    down: Mapped,
}

fn into_spectrum(policy: &Policy, rows: &[f32]) -> Vec<f32> {
    let op = ToSpectrum::new(policy.spectrum.model.clone(), false);
    op.forward(rows, &[rows.len() / policy.shape.width(), policy.shape.width()]).output
}

/// The network's maps, ready to run. Shared by all streams.
pub struct Dense {
    width: usize,
    spectrum: Spectrum,
    table: Vec<f32>,
    chroma: Vec<f32>,
    layers: Vec<Layer>,
    chord_out: Linear,
    melody_out: Linear,
    rotary: Rotary,
}

impl Dense {
    /// The model's width.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Expands a policy.
    pub fn new(policy: &Policy) -> Self {
        let spectrum = &policy.spectrum;
        let layer = |n: usize| {
            let at = place::LAYERS + n * place::PER_LAYER;
            Layer {
                qkv: Mapped::of(policy, at + place::QKV, &spectrum.qkv),
                out: Mapped::of(policy, at + place::OUT, &spectrum.out),
                up: Mapped::of(policy, at + place::UP, &spectrum.up),
                down: Mapped::of(policy, at + place::DOWN, &spectrum.down),
            }
        };
        let table: Vec<f32> =
            (place::CHORD_IN..=place::BAR_LENGTH_IN).flat_map(|idx| policy.dense(idx)).collect();
        Self {
            width: policy.shape.width(),
            spectrum: spectrum.clone(),
            table: into_spectrum(policy, &table),
            chroma: into_spectrum(policy, &policy.dense(place::CHROMA_IN)),
            layers: (0..policy.shape.layers).map(layer).collect(),
            chord_out: Linear::of(policy, place::CHORD_OUT),
            melody_out: Linear::of(policy, place::MELODY_OUT),
            rotary: Rotary::new(&Policy::rotary_cycles(), POSITION_PERIOD, POSITION_PERIOD as usize),
        }
    }
}

/// What one stream is given for one frame.
#[derive(Clone, Copy, Debug)]
pub struct StepInput {
    /// Chord token of the frame before, or START.
    pub chord: ChordToken,
    /// Melody token of the frame before, or START.
    pub melody: MelodyToken,
    /// Bar position id of the frame to answer for.
    pub bar_position: usize,
    /// Bar length id of the frame to answer for.
    pub bar_length: usize,
    /// Chroma through the frame before.
    pub chroma: [f32; CHROMA_FEATURES],
}

/// Rows a ring holds: the context and the current frame.
const ROWS: usize = CONTEXT_FRAMES + 1;

/// What stood before the first imagined step.
struct Real {
    steps: usize,
    chord_logits: Vec<f32>,
    melody_logits: Vec<f32>,
    /// For each imagined step, the keys and values that gave way to it, of each layer and stream.
    gave_way: Vec<Vec<f32>>,
}

/// The memory of some streams that step together.
pub struct Streams {
    num: usize,
    steps: usize,
    /// [layer][stream]: keys then values, each [ROWS, width].
    rings: Vec<Vec<(Vec<f32>, Vec<f32>)>>,
    /// Chord logits of the last step, [stream, ChordToken::COUNT].
    pub chord_logits: Vec<f32>,
    /// Melody logits of the last step, [stream, MelodyToken::COUNT].
    pub melody_logits: Vec<f32>,
    real: Option<Real>,
}

impl Streams {
    /// Streams with an empty history.
    pub fn new(dense: &Dense, num: usize) -> Self {
        let ring = || (vec![0.0; ROWS * dense.width], vec![0.0; ROWS * dense.width]);
        Self {
            num,
            steps: 0,
            rings: dense.layers.iter().map(|_| (0..num).map(|_| ring()).collect()).collect(),
            chord_logits: vec![0.0; num * ChordToken::COUNT],
            melody_logits: vec![0.0; num * MelodyToken::COUNT],
            real: None,
        }
    }

    /// Streams that step together.
    pub fn num(&self) -> usize {
        self.num
    }

    /// Steps from here on are imagined, until [`Self::undo`] takes them all back.
    pub fn imagine(&mut self) {
        if self.real.is_none() {
            self.real = Some(Real {
                steps: self.steps,
                chord_logits: self.chord_logits.clone(),
                melody_logits: self.melody_logits.clone(),
                gave_way: Vec::new(),
            });
        }
    }

    /// Takes back all imagined steps: memory and logits are as they were before them.
    pub fn undo(&mut self) {
        let Some(real) = self.real.take() else { return };
        for (step, saved) in real.gave_way.iter().enumerate().rev() {
            let slot = (real.steps + step) % ROWS;
            let width = saved.len() / (2 * self.rings.len() * self.num).max(1);
            let rings = self.rings.iter_mut().flatten();
            for ((keys, values), saved) in rings.zip(saved.chunks_exact((2 * width).max(1))) {
                keys[slot * width..(slot + 1) * width].copy_from_slice(&saved[..width]);
                values[slot * width..(slot + 1) * width].copy_from_slice(&saved[width..]);
            }
        }
        self.steps = real.steps;
        self.chord_logits = real.chord_logits;
        self.melody_logits = real.melody_logits;
    }

    /// Copies the rows that the next step overwrites, if it is an imagined one.
    fn save(&mut self, slot: usize, width: usize) {
        let Some(real) = &mut self.real else { return };
        let row = slot * width..(slot + 1) * width;
        let rings = self.rings.iter().flatten();
        real.gave_way
            .push(rings.flat_map(|(k, v)| k[row.clone()].iter().chain(&v[row.clone()])).copied().collect());
    }

    /// Steps all streams by one frame; the logits are for the frame whose bar ids `inputs` name. `beside`, of
    /// [stream, width], is added to the embeddings (the teacher's ears).
    pub fn step(&mut self, dense: &Dense, inputs: &[StepInput], beside: Option<&[f32]>) {
        let (num, width) = (self.num, dense.width);
        let heads = &*dense.spectrum.heads;
        let size = width / heads.len();
        let scale = (size as f32).powf(-0.5);
        let position = self.steps % POSITION_PERIOD as usize;
        let slot = self.steps % ROWS;
        let filled = (self.steps + 1).min(ROWS);
        self.save(slot, width);
        let mut x = vec![0.0; num * width];
        for (row, input) in x.chunks_exact_mut(width).zip(inputs) {
            for id in [
                input.chord.id(),
                MELODY_ROW + input.melody.id(),
                BAR_POSITION_ROW + input.bar_position,
                BAR_LENGTH_ROW + input.bar_length,
            ] {
                native::add(&dense.table[id * width..(id + 1) * width], row);
            }
            matmul(
                row,
                row_major(width),
                &input.chroma,
                row_major(CHROMA_FEATURES),
                &dense.chroma,
                row_major(width),
                [1, CHROMA_FEATURES, width],
                true,
            );
        }
        if let Some(beside) = beside {
            let op = ToSpectrum::new(dense.spectrum.model.clone(), false);
            native::add(&op.forward(beside, &[num, width]).output, &mut x);
        }
        let normed = |x: &[f32]| -> Vec<f32> {
            let mut y = vec![0.0; x.len()];
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                native::scaled(x, rms_norm::factor(x), y);
            }
            y
        };
        let (mut query, mut scores) = (vec![0.0; size], [0.0f32; ROWS]);
        let mut answer = vec![0.0; size];
        for (layer, rings) in dense.layers.iter().zip(&mut self.rings) {
            let qkv = layer.qkv.run(&normed(&x));
            let mut seen = vec![0.0; num * width];
            for ((seen, qkv), (keys, values)) in
                seen.chunks_exact_mut(width).zip(qkv.chunks_exact(3 * width)).zip(rings)
            {
                for (head, columns) in heads.iter().enumerate() {
                    let at = head * size;
                    let row = slot * width + at;
                    gather(qkv, &columns.qkv[0], &mut query);
                    gather(qkv, &columns.qkv[1], &mut keys[row..row + size]);
                    gather(qkv, &columns.qkv[2], &mut values[row..row + size]);
                    dense.rotary.rotate(&mut query, position, false);
                    dense.rotary.rotate(&mut keys[row..row + size], position, false);
                    let scores = &mut scores[..filled];
                    native::products(&query, &keys[at..], width, scores);
                    let shift = native::row_max(scores) * scale;
                    let total = native::exp_sum(scores, scale, shift);
                    native::scale_row(scores, 1.0 / total);
                    native::weighted(scores, &values[at..], width, &mut answer);
                    scatter(&answer, &columns.out, seen);
                }
            }
            native::add(&layer.out.run(&seen), &mut x);
            let inner = layer.up.run(&normed(&x));
            let active = gelu(&dense.spectrum.inner, &inner);
            native::add(&layer.down.run(&active), &mut x);
        }
        let hidden = normed(&x);
        dense.chord_out.run(&hidden, &mut self.chord_logits);
        dense.melody_out.run(&hidden, &mut self.melody_logits);
        self.steps += 1;
    }
}

fn gelu(sorted: &Sorted, inner: &[f32]) -> Vec<f32> {
    let width = sorted.width();
    let mut active = vec![0.0; inner.len()];
    let (mut classes, mut scratch) = (vec![0.0; width], vec![0.0; width]);
    for (y, x) in active.chunks_exact_mut(width).zip(inner.chunks_exact(width)) {
        pitch_gelu::run(sorted, x, y, &mut classes, &mut scratch);
    }
    active
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Shape;
    use music::{melody::Chroma, pitch::Pitch};

    const SMALL: Shape = Shape { layers: 2, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    fn input(n: usize) -> StepInput {
        let pitch = Pitch::folded(60 + n as i32 % 7);
        StepInput {
            chord: ChordToken::from_id(n * 7 % ChordToken::COUNT).unwrap(),
            melody: MelodyToken::of(music::melody::MelodyFrame::Onset(pitch)),
            bar_position: n % 16,
            bar_length: 16,
            chroma: Chroma::default().features(),
        }
    }

    #[test]
    fn what_was_imagined_leaves_no_trace() {
        // Past the ring's end, where imagined steps take the place of rows that still count.
        let dense = Dense::new(&Policy::new(SMALL, 3).unwrap());
        let (mut plain, mut dreaming) = (Streams::new(&dense, 2), Streams::new(&dense, 2));
        let mut differed = false;
        for n in 0..ROWS + 20 {
            for streams in [&mut plain, &mut dreaming] {
                streams.step(&dense, &[input(n), input(n + 3)], None);
            }
            assert_eq!(plain.chord_logits, dreaming.chord_logits, "step {n}");
            if n + 30 > ROWS {
                dreaming.imagine();
                for m in 0..5 {
                    dreaming.step(&dense, &[input(n * m), input(n + m)], None);
                }
                differed |= plain.chord_logits != dreaming.chord_logits;
                dreaming.undo();
                assert_eq!(plain.melody_logits, dreaming.melody_logits, "step {n}");
            }
        }
        assert!(differed);
    }
}
