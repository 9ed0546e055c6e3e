//! The divergence of a policy from a teacher who knows more, taken apart: whether to strike a chord, and which.
//!
//! KL(policy ‖ teacher) over the whole vocabulary asks both at once, and a policy that cannot know which chord comes
//! learns not to strike any: a wrong chord costs it far more than holding on, since the teacher, who knows the melody,
//! leaves wrong chords next to nothing. (Measured: changes per bar fell to a third within 50 updates; LOG.md.) Apart, it
//! cannot buy its way out: by the chain rule the divergence is that of {hold, silence, onset} plus, weighted by the
//! chance of an onset, that of the chords given an onset. Here the first part is KL(teacher ‖ policy), which keeps
//! the rate of changes, and the weight of the second is the teacher's chance, not the policy's; the second part stays
//! KL(policy ‖ teacher), which looks for the chord that is right in most of the futures.
//! (Zhao et al., Decoupled Knowledge Distillation, 2022, split a classifier's divergence in this way.)

use super::{
    Forward, FusedOp,
    divergence::{log_softmax, scaled_rows},
};
use rayon::prelude::*;

/// The operator: policy logits `[rows, classes]` to `[rows]`. Classes `0..first` stand alone, all others are onsets.
#[derive(Debug)]
pub struct Decoupled {
    /// The teacher's logits, [rows, classes].
    pub teacher: Vec<f32>,
    /// The first onset.
    pub first: usize,
}

impl FusedOp for Decoupled {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let [rows, classes] = [shape[0], shape[1]];
        let mut output = vec![0.0; rows];
        let mut kept = x.to_vec();
        output.par_iter_mut().zip(kept.par_chunks_mut(classes)).enumerate().with_min_len(64).for_each_init(
            || (vec![0.0; classes], vec![0.0; classes]),
            |(q, scratch), (r, (loss, p))| {
                q.copy_from_slice(&self.teacher[r * classes..(r + 1) * classes]);
                log_softmax(q, scratch);
                log_softmax(p, scratch);
                let total = |x: &[f32]| x.iter().map(|x| x.exp()).sum::<f32>().max(f32::MIN_POSITIVE);
                let (onset, teacher_onset) = (total(&p[self.first..]), total(&q[self.first..]));
                let (log_onset, log_teacher) = (onset.ln(), teacher_onset.ln());
                let chords: f32 = p[self.first..]
                    .iter()
                    .zip(&q[self.first..])
                    .map(|(p, q)| (p - log_onset).exp() * (p - log_onset - q + log_teacher))
                    .sum();
                *loss = teacher_onset * (log_teacher - log_onset + chords);
                for (p, q) in p[..self.first].iter_mut().zip(&q[..self.first]) {
                    let share = q.exp();
                    *loss += share * (*q - *p);
                    *p = p.exp() - share;
                }
                for (p, q) in p[self.first..].iter_mut().zip(&q[self.first..]) {
                    let given = (*p - log_onset).exp();
                    let chord = *p - log_onset - q + log_teacher - chords;
                    *p = given * (onset - teacher_onset + teacher_onset * chord);
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
    fn by_hand() {
        // Policy: hold 1/2, two chords 1/4 each. Teacher: hold 1/4, chords 3/8 and 3/8.
        let policy = [2f32.ln(), 0.0, 0.0];
        let teacher = vec![2f32.ln(), 3f32.ln(), 3f32.ln()];
        let op = Decoupled { teacher, first: 1 };
        let expected = 0.25 * (0.25f32 / 0.5).ln() + 0.75 * (0.75f32 / 0.5).ln();
        assert!((op.forward(&policy, &[1, 3]).output[0] - expected).abs() < 1e-6);
        // The same chance of an onset; the policy is even between the chords, the teacher 3 : 1.
        let op = Decoupled { teacher: vec![2f32.ln(), 1.5f32.ln(), 0.5f32.ln()], first: 1 };
        let expected = 0.5 * (0.5 * (0.5f32 / 0.75).ln() + 0.5 * (0.5f32 / 0.25).ln());
        assert!((op.forward(&policy, &[1, 3]).output[0] - expected).abs() < 1e-6);
    }

    #[test]
    fn its_gradient() {
        gradient(
            &Decoupled { teacher: (0..28).map(|i| 2.0 * noise(i + 99)).collect(), first: 2 },
            &[4, 7],
            1e-3,
        );
    }
}
