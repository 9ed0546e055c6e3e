//! Maps that commute with transposition, in the basis where they are small.
//!
//! Such a map is circulant in the pitch classes, and the discrete Fourier transform over the twelve classes takes
//! it apart: frequency by frequency, nothing of one meets anything of another. In the real orthonormal basis below
//! a dense [256, 1024] map becomes one block of [80, 320], one of [16, 64] and five of [32, 128]: a fifth of the work, the
//! same function. Norms and scalar products do not change under the basis, so attention and RMS norm stay as they
//! are; only what is not linear (GELU) has to go back to pitch classes.
//!
//! Columns of a space in this basis: its invariant features by channel, then for each frequency's one or two
//! basis functions all pitched channels. Block 0 is the invariants together with frequency 0.

use super::{
    Shape, place,
    space::{Feature, Space, Tied},
};
use crate::ops::attention::{HeadColumns, Runs};
use music::pitch::OCTAVE;
use std::{collections::HashMap, sync::Arc};

/// Pitch classes, and functions of the basis.
pub const CLASSES: usize = OCTAVE as usize;

/// Where the basis functions of each frequency after 0 begin, and how many they are: 6, then 1 to 5.
const PARTS: [(usize, usize); 6] = [(1, 1), (2, 2), (4, 2), (6, 2), (8, 2), (10, 2)];

/// The basis, `[function][class]`: the constant, frequency 6, then cosine and sine of frequencies 1 to 5.
pub fn basis() -> [[f32; CLASSES]; CLASSES] {
    let norm = (CLASSES as f64).sqrt().recip();
    let value = |function: usize, class: usize| {
        let angle = |frequency: usize| {
            std::f64::consts::TAU * ((frequency * class) % CLASSES) as f64 / CLASSES as f64
        };
        let value = match function {
            0 => norm,
            1 => norm * angle(6).cos(),
            even if even % 2 == 0 => norm * std::f64::consts::SQRT_2 * angle(even / 2).cos(),
            odd => norm * std::f64::consts::SQRT_2 * angle(odd / 2).sin(),
        };
        value as f32
    };
    std::array::from_fn(|function| std::array::from_fn(|class| value(function, class)))
}

/// The basis, transposed: its inverse.
pub fn inverse() -> [[f32; CLASSES]; CLASSES] {
    let forth = basis();
    std::array::from_fn(|class| std::array::from_fn(|function| forth[function][class]))
}

/// How the features of a space are sorted before the transform: invariants by channel, then each class's channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted {
    /// Invariant features.
    pub invariant: usize,
    /// Pitched channels.
    pub channels: usize,
    /// Where each of the space's features stands among the sorted ones.
    pub places: Vec<usize>,
}

impl Sorted {
    /// Sorts a space whose channels are numbered from 0 without gaps.
    pub fn of(space: &Space) -> Self {
        let invariant = space.0.iter().filter(|f| matches!(f, Feature::Invariant(_))).count();
        let channels = (space.0.len() - invariant) / CLASSES;
        let place = |feature: &Feature| match *feature {
            Feature::Invariant(channel) => channel,
            Feature::Pitched { class, channel } => invariant + class * channels + channel,
        };
        Self { invariant, channels, places: space.0.iter().map(place).collect() }
    }

    /// Features.
    pub fn width(&self) -> usize {
        self.invariant + CLASSES * self.channels
    }
}

/// A dense block inside a map: `rows` inputs from `row` on, `columns` outputs from `column` on, row-major from `at` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First input.
    pub row: usize,
    /// Inputs.
    pub rows: usize,
    /// First output.
    pub column: usize,
    /// Outputs.
    pub columns: usize,
    /// Where its numbers begin.
    pub at: usize,
}

/// A map and its bias in blocks, and how their numbers follow from the free ones.
#[derive(Debug)]
pub struct Blocks {
    /// The blocks; they cover every input and every output once.
    pub blocks: Vec<Block>,
    /// Inputs.
    pub input: usize,
    /// Outputs.
    pub output: usize,
    /// Where the bias begins among the numbers; it is as long as the outputs.
    pub bias: usize,
    /// Numbers, the bias included.
    pub len: usize,
    /// (number, free number of the map, factor), in the order of numbers.
    pub of_map: Vec<(u32, u32, f32)>,
    /// (number, free number of the bias, factor).
    pub of_bias: Vec<(u32, u32, f32)>,
}

/// Positions of a space's features.
struct Positions {
    invariant: Vec<usize>,
    /// Of class 0, by channel; and of each class of channel 0.. as [channel][class].
    pitched: Vec<[usize; CLASSES]>,
}

impl Positions {
    fn of(space: &Space, sorted: &Sorted) -> Self {
        let places: HashMap<usize, usize> = sorted.places.iter().enumerate().map(|(i, p)| (*p, i)).collect();
        let pitched = (0..sorted.channels).map(|channel| {
            std::array::from_fn(|class| places[&(sorted.invariant + class * sorted.channels + channel)])
        });
        debug_assert_eq!(space.len(), sorted.width());
        Self { invariant: (0..sorted.invariant).map(|i| places[&i]).collect(), pitched: pitched.collect() }
    }
}

impl Blocks {
    /// The blocks of a tied map between two spaces and of a bias of the second.
    pub fn new(from: &Space, to: &Space, map: &Tied, bias: &Tied) -> Self {
        let (input, output) = (Sorted::of(from), Sorted::of(to));
        let (ins, outs) = (Positions::of(from, &input), Positions::of(to, &output));
        let free = |i: usize, o: usize| map.layout[i * output.width() + o];
        let mut blocks = vec![Block {
            row: 0,
            rows: input.invariant + input.channels,
            column: 0,
            columns: output.invariant + output.channels,
            at: 0,
        }];
        for (first, num) in PARTS {
            let last = blocks[blocks.len() - 1];
            blocks.push(Block {
                row: input.invariant + first * input.channels,
                rows: num * input.channels,
                column: output.invariant + first * output.channels,
                columns: num * output.channels,
                at: last.at + last.rows * last.columns,
            });
        }
        let last = blocks[blocks.len() - 1];
        let bias_at = last.at + last.rows * last.columns;
        let mut of_map = Vec::new();
        let root = (CLASSES as f32).sqrt();
        let mut put = |block: usize, row: usize, column: usize, free: u32, factor: f32| {
            let Block { at, columns, .. } = blocks[block];
            of_map.push(((at + row * columns + column) as u32, free, factor));
        };
        for (row, i) in ins.invariant.iter().enumerate() {
            for (column, o) in outs.invariant.iter().enumerate() {
                put(0, row, column, free(*i, *o), 1.0);
            }
            for (column, o) in outs.pitched.iter().enumerate() {
                put(0, row, output.invariant + column, free(*i, o[0]), root);
            }
        }
        for (row, i) in ins.pitched.iter().enumerate() {
            for (column, o) in outs.invariant.iter().enumerate() {
                put(0, input.invariant + row, column, free(i[0], *o), root);
            }
            for (column, o) in outs.pitched.iter().enumerate() {
                for (distance, o) in o.iter().enumerate() {
                    let free = free(i[0], *o);
                    put(0, input.invariant + row, output.invariant + column, free, 1.0);
                    put(1, row, column, free, if distance % 2 == 0 { 1.0 } else { -1.0 });
                    for frequency in 1..=5 {
                        let angle = std::f64::consts::TAU * ((frequency * distance) % CLASSES) as f64;
                        let (sin, cos) = (angle / CLASSES as f64).sin_cos();
                        let (sin, cos) = (sin as f32, cos as f32);
                        let block = 1 + frequency;
                        let (below, beside) = (input.channels + row, output.channels + column);
                        put(block, row, column, free, cos);
                        put(block, row, beside, free, sin);
                        put(block, below, column, free, -sin);
                        put(block, below, beside, free, cos);
                    }
                }
            }
        }
        of_map.sort_by_key(|(number, ..)| *number);
        let mut of_bias = Vec::new();
        for (column, o) in outs.invariant.iter().enumerate() {
            of_bias.push(((bias_at + column) as u32, bias.layout[*o], 1.0));
        }
        for (column, o) in outs.pitched.iter().enumerate() {
            of_bias.push(((bias_at + output.invariant + column) as u32, bias.layout[o[0]], root));
        }
        Self {
            blocks,
            input: input.width(),
            output: output.width(),
            bias: bias_at,
            len: bias_at + output.width(),
            of_map,
            of_bias,
        }
    }

    /// The numbers of a map and its bias.
    pub fn numbers(&self, map: &[f32], bias: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.len];
        add_up(&self.of_map, map, &mut out);
        add_up(&self.of_bias, bias, &mut out);
        out
    }
}

/// Adds to each number its free numbers times their factors.
pub fn add_up(entries: &[(u32, u32, f32)], free: &[f32], out: &mut [f32]) {
    for (number, idx, factor) in entries {
        out[*number as usize] += factor * free[*idx as usize];
    }
}

/// The layers' spaces and blocks, shared by all layers of a shape.
#[derive(Clone, Debug)]
pub struct Spectrum {
    /// The model's features, sorted.
    pub model: Arc<Sorted>,
    /// The inner layer's.
    pub inner: Arc<Sorted>,
    /// Where attention heads stand.
    pub heads: Arc<Vec<HeadColumns>>,
    /// Query, key and value.
    pub qkv: Arc<Blocks>,
    /// Attention's output.
    pub out: Arc<Blocks>,
    /// To the inner layer.
    pub up: Arc<Blocks>,
    /// From the inner layer.
    pub down: Arc<Blocks>,
}

impl Spectrum {
    /// For a shape whose maps are `tied`, in the order of [`place`].
    pub fn new(shape: Shape, tied: &[Tied]) -> Self {
        let model = Space::model(shape.heads, shape.invariant, shape.pitched);
        let inner = model.times(shape.inner);
        let blocks = |from: &Space, to: &Space, at: usize| {
            let at = place::LAYERS + at;
            Arc::new(Blocks::new(from, to, &tied[at], &tied[at + 1]))
        };
        let (invariant, channels) = (shape.invariant / shape.heads, shape.pitched / shape.heads);
        // The part of head `head` in copy `copy` of `copies` spaces side by side.
        let runs = |head: usize, copy: usize, copies: usize| -> Runs {
            let pitched = (0..CLASSES).map(|function| {
                let first = copies * (shape.invariant + function * shape.pitched);
                (first + copy * shape.pitched + head * channels, channels)
            });
            std::iter::once((copy * shape.invariant + head * invariant, invariant)).chain(pitched).collect()
        };
        let heads = (0..shape.heads).map(|head| HeadColumns {
            qkv: [0, 1, 2].map(|copy| runs(head, copy, 3)),
            out: runs(head, 0, 1),
        });
        Self {
            qkv: blocks(&model, &model.times(3), place::QKV),
            out: blocks(&model, &model, place::OUT),
            up: blocks(&model, &inner, place::UP),
            down: blocks(&inner, &model, place::DOWN),
            heads: Arc::new(heads.collect()),
            model: Arc::new(Sorted::of(&model)),
            inner: Arc::new(Sorted::of(&inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{block_linear::BlockLinear, check::noise, expand::expand, to_spectrum::ToSpectrum, *};

    #[test]
    fn the_basis_is_orthonormal() {
        let basis = basis();
        for (a, x) in basis.iter().enumerate() {
            for (b, y) in basis.iter().enumerate() {
                let product: f32 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                assert!((product - f32::from(u8::from(a == b))).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn in_blocks_a_map_is_the_same_map() {
        let from = Space::model(2, 6, 4);
        for to in [from.clone(), from.times(3)] {
            let (map, bias) = (Tied::map(&from, &to), Tied::bias(&to));
            let blocks = Arc::new(Blocks::new(&from, &to, &map, &bias));
            let free: Vec<f32> = (0..map.free).map(noise).collect();
            let free_bias: Vec<f32> = (0..bias.free).map(|i| noise(i + 900)).collect();
            let x: Vec<f32> = (0..3 * from.len()).map(|i| noise(i + 77)).collect();
            let dense = expand(&free, &map.layout);
            let offsets = expand(&free_bias, &bias.layout);
            let spectrum = |space: &Space, back: bool| ToSpectrum::new(Arc::new(Sorted::of(space)), back);
            let forth = spectrum(&from, false).forward(&x, &[3, from.len()]).output;
            let op = BlockLinear { blocks: blocks.clone() };
            let y = op.forward(&forth, &[3, from.len()], &blocks.numbers(&free, &free_bias)).0;
            let y = spectrum(&to, true).forward(&y, &[3, to.len()]).output;
            for row in 0..3 {
                for o in 0..to.len() {
                    let by_hand: f32 = offsets[o]
                        + (0..from.len())
                            .map(|i| x[row * from.len() + i] * dense[i * to.len() + o])
                            .sum::<f32>();
                    assert!((by_hand - y[row * to.len() + o]).abs() < 1e-4);
                }
            }
        }
    }
}
