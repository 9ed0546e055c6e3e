//! Exact GELU, element by element.

use super::{Forward, FusedOp};
use crate::native;
use rayon::prelude::*;

const CHUNK: usize = 1 << 15;

/// The operator.
#[derive(Debug)]
pub struct Gelu;

impl FusedOp for Gelu {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let mut output = vec![0.0; x.len()];
        output.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| native::gelu(x, y));
        Forward { output, shape: shape.to_vec(), kept: Vec::new() }
    }

    fn backward(&self, x: &[f32], _: &[usize], _: &[f32], _: &[f32], grad: &[f32]) -> Vec<f32> {
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .zip(grad.par_chunks(CHUNK))
            .for_each(|((y, x), g)| native::gelu_back(x, g, y));
        dx
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn gradient() {
        crate::ops::check::gradient(&super::Gelu, &[3, 50], 1e-3);
    }
}
