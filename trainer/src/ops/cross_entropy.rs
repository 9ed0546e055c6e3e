//! Negative log-likelihood of targets under logits, log-softmax included.

use super::{Forward, FusedOp};
use crate::native;
use rayon::prelude::*;

/// The operator: `[rows, classes]` to `[rows]`; rows of weight 0 cost nothing.
#[derive(Debug)]
pub struct CrossEntropy {
    /// The right class of each row.
    pub targets: Vec<u32>,
    /// What each row's loss is multiplied by.
    pub weights: Vec<f32>,
}

impl FusedOp for CrossEntropy {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let [rows, classes] = [shape[0], shape[1]];
        let mut output = vec![0.0; rows];
        let mut kept = vec![0.0; rows];
        output.par_iter_mut().zip(kept.par_iter_mut()).enumerate().with_min_len(64).for_each_init(
            || vec![0.0; classes],
            |line, (r, (loss, lse))| {
                if self.weights[r] != 0.0 {
                    line.copy_from_slice(&x[r * classes..(r + 1) * classes]);
                    let shift = native::row_max(line);
                    *lse = shift + native::exp_sum(line, 1.0, shift).ln();
                    *loss = self.weights[r] * (*lse - x[r * classes + self.targets[r] as usize]);
                }
            },
        );
        Forward { output, shape: vec![rows], kept }
    }

    fn backward(&self, x: &[f32], shape: &[usize], _: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32> {
        let classes = shape[1];
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(classes).enumerate().with_min_len(64).for_each(|(r, dx)| {
            let weight = self.weights[r] * grad[r];
            if weight != 0.0 {
                dx.copy_from_slice(&x[r * classes..(r + 1) * classes]);
                native::exp_sum(dx, 1.0, kept[r]);
                dx[self.targets[r] as usize] -= 1.0;
                native::scale_row(dx, weight);
            }
        });
        dx
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient() {
        let op = CrossEntropy { targets: vec![0, 3, 9, 2], weights: vec![1.0, 0.0, 2.0, 0.5] };
        crate::ops::check::gradient(&op, &[4, 10], 1e-3);
    }

    #[test]
    fn of_even_logits_is_the_logarithm_of_their_number() {
        let op = CrossEntropy { targets: vec![1], weights: vec![1.0] };
        assert!((op.forward(&[3.0; 8], &[1, 8]).output[0] - 8f32.ln()).abs() < 1e-6);
    }
}
