//! GELU of features in the basis of `model::spectrum`: back to pitch classes, GELU, and into the basis again, a row at
//! a time while it is in the cache.

use super::{Forward, FusedOp, to_spectrum::pitched};
use crate::{
    model::spectrum::{Sorted, basis, inverse},
    native,
};
use rayon::prelude::*;
use std::sync::Arc;

/// The operator, over the last axis.
#[derive(Debug)]
pub struct PitchGelu {
    /// The features.
    pub sorted: Arc<Sorted>,
}

/// GELU of one row in place of its spectrum; `classes` receives what GELU was given.
pub fn run(sorted: &Sorted, x: &[f32], y: &mut [f32], classes: &mut [f32], scratch: &mut [f32]) {
    let invariant = sorted.invariant;
    classes[..invariant].copy_from_slice(&x[..invariant]);
    native::mix(&x[invariant..], &mut classes[invariant..], sorted.channels, &inverse());
    native::gelu(&classes[..invariant], &mut y[..invariant]);
    native::gelu(&classes[invariant..], &mut scratch[..pitched(sorted)]);
    native::mix(&scratch[..pitched(sorted)], &mut y[invariant..], sorted.channels, &basis());
}

impl FusedOp for PitchGelu {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let width = self.sorted.width();
        let (mut output, mut kept) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        output
            .par_chunks_mut(width)
            .zip(kept.par_chunks_mut(width))
            .zip(x.par_chunks(width))
            .with_min_len(64)
            .for_each_init(
                || vec![0.0; width],
                |scratch, ((y, classes), x)| run(&self.sorted, x, y, classes, scratch),
            );
        Forward { output, shape: shape.to_vec(), kept }
    }

    fn backward(&self, x: &[f32], _: &[usize], _: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32> {
        let Sorted { invariant, channels, .. } = *self.sorted;
        let width = self.sorted.width();
        let (forth, back) = (basis(), inverse());
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(width)
            .zip(kept.par_chunks(width))
            .zip(grad.par_chunks(width))
            .with_min_len(64)
            .for_each_init(
                || (vec![0.0; width], vec![0.0; width]),
                |(by_class, inner), ((dx, classes), g)| {
                    native::gelu_back(&classes[..invariant], &g[..invariant], &mut dx[..invariant]);
                    let num = pitched(&self.sorted);
                    native::mix(&g[invariant..], &mut by_class[..num], channels, &back);
                    native::gelu_back(&classes[invariant..], &by_class[..num], &mut inner[..num]);
                    native::mix(&inner[..num], &mut dx[invariant..], channels, &forth);
                },
            );
        dx
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::space::Space,
        ops::{check::noise, gelu::Gelu, to_spectrum::ToSpectrum},
    };

    #[test]
    fn gradient() {
        let space = Space::model(2, 4, 6);
        let op = PitchGelu { sorted: Arc::new(Sorted::of(&space)) };
        crate::ops::check::gradient(&op, &[2, space.len()], 1e-3);
    }

    #[test]
    fn is_gelu_of_pitch_classes() {
        let space = Space::model(2, 4, 6);
        let sorted = Arc::new(Sorted::of(&space));
        let shape = [3, space.len()];
        let x: Vec<f32> = (0..3 * space.len()).map(noise).collect();
        let expected = Gelu.forward(&x, &shape).output;
        let x = ToSpectrum::new(sorted.clone(), false).forward(&x, &shape).output;
        let y = PitchGelu { sorted: sorted.clone() }.forward(&x, &shape).output;
        let y = ToSpectrum::new(sorted, true).forward(&y, &shape).output;
        assert!(expected.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
