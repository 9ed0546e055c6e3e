//! From rewards to advantages: generalised advantage estimation over chord frames, and statistics under a mask.

use serde::{Deserialize, Serialize};

/// Generalised advantage estimation (Schulman et al., 2016).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gae {
    /// γ.
    pub discount: f32,
    /// λ.
    pub trace: f32,
}

impl Gae {
    /// Advantages and returns of each frame, [rollout, frame] like `rewards` and `values`; `values` stand before
    /// the frame's chord is chosen. A rollout ends with its last frame: nothing is worth anything after it.
    pub fn advantages(&self, rewards: &[f32], values: &[f32], time: usize) -> (Vec<f32>, Vec<f32>) {
        let mut advantages = vec![0.0; rewards.len()];
        for ((out, rewards), values) in
            advantages.chunks_mut(time).zip(rewards.chunks(time)).zip(values.chunks(time))
        {
            let mut after = 0.0;
            for t in (0..out.len()).rev() {
                let next = values.get(t + 1).copied().unwrap_or(0.0);
                let surprise = rewards[t] + self.discount * next - values[t];
                after = surprise + self.discount * self.trace * after;
                out[t] = after;
            }
        }
        let returns = advantages.iter().zip(values).map(|(a, v)| a + v).collect();
        (advantages, returns)
    }
}

/// Mean and standard deviation of the entries that count.
pub fn masked_moments(x: &[f32], counts: &[bool]) -> (f32, f32) {
    let kept = || x.iter().zip(counts).filter(|(_, counts)| **counts).map(|(x, _)| f64::from(*x));
    let num = kept().count().max(1) as f64;
    let mean = kept().sum::<f64>() / num;
    let variance = kept().map(|x| (x - mean).powi(2)).sum::<f64>() / num;
    (mean as f32, variance.sqrt() as f32)
}

/// Brings the entries that count to mean 0 and deviation 1, and the others to 0.
pub fn whiten(x: &mut [f32], counts: &[bool]) {
    let (mean, deviation) = masked_moments(x, counts);
    for (x, counts) in x.iter_mut().zip(counts) {
        *x = if *counts { (*x - mean) / (deviation + 1e-6) } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advantages_by_hand() {
        // One rollout of three frames, reward 1 at the last, γ = .5, λ = .5:
        // δ2 = 1 - 3 = -2, δ1 = .5·3 - 2 = -.5, δ0 = .5·2 - 1 = 0; A2 = -2, A1 = -.5 + .25·-2 = -1, A0 = -.25.
        let gae = Gae { discount: 0.5, trace: 0.5 };
        let (advantages, returns) = gae.advantages(&[0.0, 0.0, 1.0], &[1.0, 2.0, 3.0], 3);
        assert_eq!(advantages, [-0.25, -1.0, -2.0]);
        assert_eq!(returns, [0.75, 1.0, 1.0]);
    }

    #[test]
    fn with_full_traces_a_return_is_the_sum_of_what_follows() {
        let gae = Gae { discount: 1.0, trace: 1.0 };
        let (_, returns) = gae.advantages(&[1.0, 2.0, 4.0, 10.0, 20.0, 40.0], &[0.3; 6], 3);
        for (got, by_hand) in returns.iter().zip([7.0, 6.0, 4.0, 70.0, 60.0, 40.0]) {
            assert!((got - by_hand).abs() < 1e-5, "{got} {by_hand}");
        }
    }

    #[test]
    fn statistics_under_a_mask_by_hand() {
        let counts = [true, false, true, true];
        let mut x = [1.0, 100.0, 2.0, 6.0];
        let (mean, deviation) = masked_moments(&x, &counts);
        assert!((mean - 3.0).abs() < 1e-6 && (deviation - (14.0f32 / 3.0).sqrt()).abs() < 1e-6);
        whiten(&mut x, &counts);
        assert_eq!(x[1], 0.0);
        assert!((x[0] + x[2] + x[3]).abs() < 1e-5);
        assert_eq!(masked_moments(&[5.0], &[false]), (0.0, 0.0));
    }
}
