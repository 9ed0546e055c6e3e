//! `y = x W + b` where W is made of blocks (`model::spectrum`): a product for each block, on slices of the rows.

use super::FusedPair;
use crate::{
    model::spectrum::Blocks,
    native::{self, matmul, row_major, transposed},
};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that a thread takes through all blocks at a time: they stay in its cache.
const ROWS: usize = 256;

/// The operator: rows `[rows, input]` and numbers `[numbers]` to `[rows, output]`.
#[derive(Debug)]
pub struct BlockLinear {
    /// The blocks.
    pub blocks: Arc<Blocks>,
}

/// `y = x W + b` for some rows.
pub fn run(map: &Blocks, x: &[f32], numbers: &[f32], y: &mut [f32]) {
    let num = y.len() / map.output;
    for row in y.chunks_exact_mut(map.output) {
        row.copy_from_slice(&numbers[map.bias..map.bias + map.output]);
    }
    for block in map.blocks.iter().filter(|block| block.rows > 0 && block.columns > 0) {
        matmul(
            &mut y[block.column..],
            row_major(map.output),
            &x[block.row..],
            row_major(map.input),
            &numbers[block.at..],
            row_major(block.columns),
            [num, block.rows, block.columns],
            true,
        );
    }
}

impl FusedPair for BlockLinear {
    fn forward(&self, x: &[f32], shape: &[usize], numbers: &[f32]) -> (Vec<f32>, Vec<usize>) {
        let map = &*self.blocks;
        let rows = x.len() / map.input;
        let mut y = vec![0.0; rows * map.output];
        y.par_chunks_mut(ROWS * map.output)
            .zip(x.par_chunks(ROWS * map.input))
            .for_each(|(y, x)| run(map, x, numbers, y));
        let mut shape = shape.to_vec();
        if let Some(last) = shape.last_mut() {
            *last = map.output;
        }
        (y, shape)
    }

    fn backward(&self, x: &[f32], _: &[usize], numbers: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let map = &*self.blocks;
        let mut dx = vec![0.0; x.len()];
        let used = || map.blocks.iter().filter(|block| block.rows > 0 && block.columns > 0);
        // Sums are gathered over fixed stretches of rows, so that the result does not depend on the threads.
        let parts: Vec<Vec<f32>> = dx
            .par_chunks_mut(8 * ROWS * map.input)
            .zip(x.par_chunks(8 * ROWS * map.input))
            .zip(grad.par_chunks(8 * ROWS * map.output))
            .map(|((dx, x), g)| {
                let mut sums = vec![0.0; map.len];
                for ((dx, x), g) in dx
                    .chunks_mut(ROWS * map.input)
                    .zip(x.chunks(ROWS * map.input))
                    .zip(g.chunks(ROWS * map.output))
                {
                    let num = g.len() / map.output;
                    for block in used() {
                        matmul(
                            &mut dx[block.row..],
                            row_major(map.input),
                            &g[block.column..],
                            row_major(map.output),
                            &numbers[block.at..],
                            transposed(block.columns),
                            [num, block.columns, block.rows],
                            false,
                        );
                        matmul(
                            &mut sums[block.at..],
                            row_major(block.columns),
                            &x[block.row..],
                            transposed(map.input),
                            &g[block.column..],
                            row_major(map.output),
                            [block.rows, num, block.columns],
                            true,
                        );
                    }
                    for row in g.chunks_exact(map.output) {
                        native::add(row, &mut sums[map.bias..]);
                    }
                }
                sums
            })
            .collect();
        let mut sums = vec![0.0; map.len];
        for part in &parts {
            native::add(part, &mut sums);
        }
        (dx, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::space::{Space, Tied},
        ops::check,
    };

    #[test]
    fn gradient() {
        let (from, to) = (Space::model(1, 3, 2), Space::model(1, 3, 2).times(2));
        let blocks = Blocks::new(&from, &to, &Tied::map(&from, &to), &Tied::bias(&to));
        let len = blocks.len;
        check::pair_gradient(&BlockLinear { blocks: Arc::new(blocks) }, &[4, from.len()], len, 1e-3);
    }
}
