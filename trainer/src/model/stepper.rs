//! The same network frame by frame with a key/value ring, on plain slices: rollouts, evaluation, and the
//! reference that the exported graph is held against. No gradients.

use super::{BAR_LENGTH_ROW, BAR_POSITION_ROW, MELODY_ROW, Policy, place};
use crate::{
    native::{self, matmul, row_major, transposed},
    ops::{attention::Rotary, rms_norm},
};
use music::{
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD},
};
use rayon::prelude::*;

/// Streams that one thread takes through a matrix at a time.
const ROWS_A_TASK: usize = 32;

struct Linear {
    weight: Vec<f32>,
    bias: Vec<f32>,
    input: usize,
    output: usize,
}

impl Linear {
    fn of(policy: &Policy, idx: usize) -> Self {
        let [input, output] = policy.tied[idx].shape;
        Self { weight: policy.dense(idx), bias: policy.dense(idx + 1), input, output }
    }

    /// [rows, input] to [rows, output].
    fn run(&self, x: &[f32], y: &mut [f32]) {
        y.par_chunks_mut(self.output * ROWS_A_TASK).zip(x.par_chunks(self.input * ROWS_A_TASK)).for_each(
            |(y, x)| {
                for row in y.chunks_exact_mut(self.output) {
                    row.copy_from_slice(&self.bias);
                }
                let sizes = [x.len() / self.input, self.input, self.output];
                matmul(
                    y,
                    row_major(self.output),
                    x,
                    row_major(self.input),
                    &self.weight,
                    row_major(self.output),
                    sizes,
                    true,
                );
            },
        );
    }
}

struct Layer {
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
}

/// The network's dense matrices, ready to run. Shared by all streams.
pub struct Dense {
    heads: usize,
    width: usize,
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
        let layer = |n: usize| {
            let at = place::LAYERS + n * place::PER_LAYER;
            Layer {
                qkv: Linear::of(policy, at + place::QKV),
                out: Linear::of(policy, at + place::OUT),
                up: Linear::of(policy, at + place::UP),
                down: Linear::of(policy, at + place::DOWN),
            }
        };
        Self {
            heads: policy.shape.heads,
            width: policy.shape.width(),
            table: (place::CHORD_IN..=place::BAR_LENGTH_IN).flat_map(|idx| policy.dense(idx)).collect(),
            chroma: policy.dense(place::CHROMA_IN),
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
        let (num, width, heads) = (self.num, dense.width, dense.heads);
        let size = width / heads;
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
            native::add(beside, &mut x);
        }
        let normed = |x: &[f32]| -> Vec<f32> {
            let mut y = vec![0.0; x.len()];
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                native::scaled(x, rms_norm::factor(x), y);
            }
            y
        };
        for (layer, rings) in dense.layers.iter().zip(&mut self.rings) {
            let mut qkv = vec![0.0; num * 3 * width];
            layer.qkv.run(&normed(&x), &mut qkv);
            let mut seen = vec![0.0; num * width];
            seen.par_chunks_mut(width).zip(qkv.par_chunks_mut(3 * width)).zip(rings.par_iter_mut()).for_each(
                |((seen, qkv), (keys, values))| {
                    let (q, kv) = qkv.split_at_mut(width);
                    let (k, v) = kv.split_at_mut(width);
                    for head in 0..heads {
                        dense.rotary.rotate(&mut q[head * size..(head + 1) * size], position, false);
                        dense.rotary.rotate(&mut k[head * size..(head + 1) * size], position, false);
                    }
                    keys[slot * width..(slot + 1) * width].copy_from_slice(k);
                    values[slot * width..(slot + 1) * width].copy_from_slice(v);
                    let mut scores = [0.0f32; ROWS];
                    for head in 0..heads {
                        let at = head * size;
                        let scores = &mut scores[..filled];
                        matmul(
                            scores,
                            row_major(filled),
                            &q[at..],
                            row_major(size),
                            &keys[at..],
                            transposed(width),
                            [1, size, filled],
                            false,
                        );
                        let shift = native::row_max(scores) * scale;
                        let total = native::exp_sum(scores, scale, shift);
                        native::scale_row(scores, 1.0 / total);
                        matmul(
                            &mut seen[at..],
                            row_major(size),
                            scores,
                            row_major(filled),
                            &values[at..],
                            row_major(width),
                            [1, filled, size],
                            false,
                        );
                    }
                },
            );
            let mut y = vec![0.0; num * width];
            layer.out.run(&seen, &mut y);
            native::add(&y, &mut x);
            let mut inner = vec![0.0; num * layer.up.output];
            layer.up.run(&normed(&x), &mut inner);
            let mut active = vec![0.0; inner.len()];
            native::gelu(&inner, &mut active);
            layer.down.run(&active, &mut y);
            native::add(&y, &mut x);
        }
        let hidden = normed(&x);
        dense.chord_out.run(&hidden, &mut self.chord_logits);
        dense.melody_out.run(&hidden, &mut self.melody_logits);
        self.steps += 1;
    }
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
