//! KL(policy ‖ teacher) of each row over the full vocabulary, differentiable in the policy's logits.

use super::{Forward, FusedOp};
use crate::native;
use rayon::prelude::*;

/// The operator: policy logits `[rows, classes]` to `[rows]`.
#[derive(Debug)]
pub struct KlTo {
    /// The teacher's logits, [rows, classes].
    pub teacher: Vec<f32>,
}

/// Log-probabilities of a row of logits, in place.
pub(super) fn log_softmax(row: &mut [f32], scratch: &mut [f32]) {
    scratch.copy_from_slice(row);
    let shift = native::row_max(scratch);
    let lse = shift + native::exp_sum(scratch, 1.0, shift).ln();
    for x in row {
        *x -= lse;
    }
}

/// Each row of `classes` numbers times the gradient by its result.
pub(super) fn scaled_rows(rows: &[f32], classes: usize, grad: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; rows.len()];
    out.par_chunks_mut(classes)
        .zip(rows.par_chunks(classes))
        .zip(grad)
        .with_min_len(64)
        .for_each(|((out, row), g)| native::scaled(row, *g, out));
    out
}

impl FusedOp for KlTo {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let [rows, classes] = [shape[0], shape[1]];
        let mut output = vec![0.0; rows];
        // Kept: p (log p - log q) - p KL, which is the gradient.
        let mut kept = x.to_vec();
        output.par_iter_mut().zip(kept.par_chunks_mut(classes)).enumerate().with_min_len(64).for_each_init(
            || (vec![0.0; classes], vec![0.0; classes]),
            |(q, scratch), (r, (kl, row))| {
                q.copy_from_slice(&self.teacher[r * classes..(r + 1) * classes]);
                log_softmax(q, scratch);
                log_softmax(row, scratch);
                *kl = row.iter().zip(q.iter()).map(|(p, q)| p.exp() * (p - q)).sum();
                for (p, q) in row.iter_mut().zip(q.iter()) {
                    *p = p.exp() * (*p - q - *kl);
                }
            },
        );
        Forward { output, shape: vec![rows], kept }
    }

    fn backward(&self, _: &[f32], shape: &[usize], _: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32> {
        scaled_rows(kept, shape[1], grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::{gradient, noise};

    #[test]
    fn is_nothing_between_equals_and_more_between_others() {
        let x: Vec<f32> = (0..12).map(noise).collect();
        let kl = |teacher: &[f32]| KlTo { teacher: teacher.to_vec() }.forward(&x, &[2, 6]).output;
        assert!(kl(&x).iter().all(|k| k.abs() < 1e-6));
        // A teacher who is certain of class 0 where the policy is even: ln of the odds by hand.
        let even = KlTo { teacher: vec![2f32.ln(), 0.0] }.forward(&[0.0, 0.0], &[1, 2]).output[0];
        let by_hand = 0.5 * (0.5f32 / (2.0 / 3.0)).ln() + 0.5 * (0.5f32 / (1.0 / 3.0)).ln();
        assert!((even - by_hand).abs() < 1e-6);
    }

    #[test]
    fn its_gradient() {
        gradient(&KlTo { teacher: (0..28).map(|i| 2.0 * noise(i + 99)).collect() }, &[4, 7], 1e-3);
    }
}
