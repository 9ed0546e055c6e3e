//! Root-mean-square norm of each row, without gain: the linear map that follows carries it.

use super::{Forward, FusedOp};
use crate::native;
use rayon::prelude::*;

/// Added to the mean square.
pub const EPSILON: f32 = 1e-6;

/// The operator, over the last axis.
#[derive(Debug)]
pub struct RmsNorm;

/// What a row is multiplied by.
pub fn factor(row: &[f32]) -> f32 {
    (native::dot(row, row) / row.len() as f32 + EPSILON).sqrt().recip()
}

impl FusedOp for RmsNorm {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let width = shape[shape.len() - 1];
        let mut output = vec![0.0; x.len()];
        let mut kept = vec![0.0; x.len() / width];
        output
            .par_chunks_mut(width)
            .zip(x.par_chunks(width))
            .zip(kept.par_iter_mut())
            .with_min_len(64)
            .for_each(|((y, x), kept)| {
                *kept = factor(x);
                native::scaled(x, *kept, y);
            });
        Forward { output, shape: shape.to_vec(), kept }
    }

    fn backward(&self, x: &[f32], shape: &[usize], _: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32> {
        let width = shape[shape.len() - 1];
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(width)
            .zip(x.par_chunks(width))
            .zip(grad.par_chunks(width))
            .zip(kept)
            .with_min_len(64)
            .for_each(|(((dx, x), g), f)| {
                let along = native::dot(x, g) * f * f * f / width as f32;
                native::combine(*f, g, -along, x, dx);
            });
        dx
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn gradient() {
        crate::ops::check::gradient(&super::RmsNorm, &[7, 40], 1e-3);
    }
}
