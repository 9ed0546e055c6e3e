//! Features into the basis of `model::spectrum`, and back. The transform is orthonormal, so backward is the other way.

use super::{Forward, FusedOp};
use crate::{
    model::spectrum::{CLASSES, Sorted, basis, inverse},
    native,
};
use rayon::prelude::*;
use std::sync::Arc;

/// The operator, over the last axis.
#[derive(Debug)]
pub struct ToSpectrum {
    sorted: Arc<Sorted>,
    back: bool,
}

impl ToSpectrum {
    /// Into the basis, or `back`.
    pub fn new(sorted: Arc<Sorted>, back: bool) -> Self {
        Self { sorted, back }
    }

    fn run(&self, x: &[f32], back: bool) -> Vec<f32> {
        let Sorted { invariant, channels, places } = &*self.sorted;
        let width = self.sorted.width();
        let matrix = if back { inverse() } else { basis() };
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(width).zip(x.par_chunks(width)).with_min_len(64).for_each_init(
            || vec![0.0; width],
            |sorted, (y, x)| {
                if back {
                    native::mix(&x[*invariant..], &mut sorted[*invariant..], *channels, &matrix);
                    sorted[..*invariant].copy_from_slice(&x[..*invariant]);
                    for (y, place) in y.iter_mut().zip(places) {
                        *y = sorted[*place];
                    }
                } else {
                    for (x, place) in x.iter().zip(places) {
                        sorted[*place] = *x;
                    }
                    y[..*invariant].copy_from_slice(&sorted[..*invariant]);
                    native::mix(&sorted[*invariant..], &mut y[*invariant..], *channels, &matrix);
                }
            },
        );
        out
    }
}

impl FusedOp for ToSpectrum {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        Forward { output: self.run(x, self.back), shape: shape.to_vec(), kept: Vec::new() }
    }

    fn backward(&self, _: &[f32], _: &[usize], _: &[f32], _: &[f32], grad: &[f32]) -> Vec<f32> {
        self.run(grad, !self.back)
    }
}

/// Numbers of one row's pitched part: `CLASSES` times its channels.
pub(super) fn pitched(sorted: &Sorted) -> usize {
    CLASSES * sorted.channels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::space::Space;

    #[test]
    fn gradient_both_ways() {
        let space = Space::model(2, 4, 6);
        for back in [false, true] {
            let op = ToSpectrum::new(Arc::new(Sorted::of(&space)), back);
            crate::ops::check::gradient(&op, &[2, space.len()], 1e-3);
        }
    }
}
