//! AdamW with a global gradient clip, over named flat parameters. Plain slices, so that a checkpoint holds
//! every bit of it.

use crate::native;
use serde::{Deserialize, Serialize};

/// A model's free numbers, by name, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(pub Vec<(String, Vec<f32>)>);

impl Parameters {
    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|(_, values)| values.len()).sum()
    }

    /// Zeros of the same names and lengths.
    #[must_use]
    pub fn zeros(&self) -> Self {
        Self(self.0.iter().map(|(name, values)| (name.clone(), vec![0.0; values.len()])).collect())
    }
}

/// AdamW's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// Peak learning rate.
    pub rate: f32,
    /// Updates from 0 to the peak.
    pub warmup: u64,
    /// The last update's rate, as a share of the peak; a cosine leads there.
    pub final_share: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squares.
    pub beta2: f32,
    /// Weight decay.
    pub decay: f32,
    /// Largest global norm of the gradient.
    pub clip: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { rate: 1e-3, warmup: 100, final_share: 0.05, beta1: 0.9, beta2: 0.95, decay: 0.01, clip: 1.0 }
    }
}

/// One update's factors.
#[derive(Clone, Copy, Debug)]
pub struct AdamFactors {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squares.
    pub beta2: f32,
    /// 1 / (1 - beta1^n).
    pub bias1: f32,
    /// 1 / (1 - beta2^n).
    pub bias2: f32,
    /// Added to the root.
    pub eps: f32,
    /// Weight decay.
    pub decay: f32,
    /// What gradients are multiplied by (the clip).
    pub grad_scale: f32,
}

/// Means of gradients and squares, and the count of updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Updates made.
    pub updates: u64,
    /// Mean gradients.
    pub mean: Parameters,
    /// Mean squares.
    pub square: Parameters,
}

impl Moments {
    /// Nothing learnt yet.
    pub fn new(parameters: &Parameters) -> Self {
        Self { updates: 0, mean: parameters.zeros(), square: parameters.zeros() }
    }
}

impl AdamW {
    /// The learning rate of update `n` (from 0) of `total`.
    pub fn rate_at(&self, n: u64, total: u64) -> f32 {
        if n < self.warmup {
            return self.rate * (n + 1) as f32 / self.warmup as f32;
        }
        let progress = ((n - self.warmup) as f32 / total.saturating_sub(self.warmup).max(1) as f32).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f32::consts::PI * progress).cos());
        self.rate * (self.final_share + (1.0 - self.final_share) * cosine)
    }

    /// Updates the parameters; returns the gradient's global norm before clipping. A gradient that is not
    /// finite changes nothing.
    pub fn update(
        &self,
        parameters: &mut Parameters,
        moments: &mut Moments,
        gradients: &[Vec<f32>],
        total: u64,
    ) -> f32 {
        let norm = gradients.iter().map(|g| f64::from(native::dot(g, g))).sum::<f64>().sqrt() as f32;
        let rate = self.rate_at(moments.updates, total);
        moments.updates += 1;
        if !norm.is_finite() {
            return norm;
        }
        let n = moments.updates as i32;
        let factors = AdamFactors {
            rate,
            beta1: self.beta1,
            beta2: self.beta2,
            bias1: 1.0 / (1.0 - self.beta1.powi(n)),
            bias2: 1.0 / (1.0 - self.beta2.powi(n)),
            eps: 1e-8,
            decay: self.decay,
            grad_scale: if norm > self.clip { self.clip / norm } else { 1.0 },
        };
        for (((_, p), (_, m)), ((_, v), g)) in
            parameters.0.iter_mut().zip(&mut moments.mean.0).zip(moments.square.0.iter_mut().zip(gradients))
        {
            native::adamw(p, m, v, g, factors);
        }
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_update_moves_by_the_rate_against_the_sign() {
        let adam = AdamW { warmup: 1, decay: 0.0, clip: 1e9, ..AdamW::default() };
        let mut p = Parameters(vec![("w".into(), vec![1.0, 1.0])]);
        let mut m = Moments::new(&p);
        let norm = adam.update(&mut p, &mut m, &[vec![3.0, -4.0]], 10);
        assert!((norm - 5.0).abs() < 1e-6);
        assert!((p.0[0].1[0] - 0.999).abs() < 1e-6 && (p.0[0].1[1] - 1.001).abs() < 1e-6);
    }

    #[test]
    fn a_gradient_that_is_not_finite_changes_nothing() {
        let mut p = Parameters(vec![("w".into(), vec![1.0])]);
        let mut m = Moments::new(&p);
        assert!(AdamW::default().update(&mut p, &mut m, &[vec![f32::NAN]], 10).is_nan());
        assert_eq!(p.0[0].1, [1.0]);
    }
}
