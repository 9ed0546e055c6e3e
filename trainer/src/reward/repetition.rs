//! One chord struck over and over. In human songs a run of more than four onsets of one chord is among the
//! longest 2 % (GAPT's count); beyond it each onset costs the more the longer the run is.

use super::Reward;
use crate::dataset::augment::Crop;
use music::harmony::ChordFrame;

/// The recipe's key.
pub const NAME: &str = "repetition";

/// Onsets of one chord in a row that cost nothing.
const FREE: usize = 4;

/// -n/10 for the n-th onset of the same chord in a row, from the fifth on. Silence between them ends no run.
#[derive(Clone, Copy, Debug)]
pub struct Repetition;

impl Reward for Repetition {
    fn name(&self) -> &'static str {
        NAME
    }

    fn score(&self, rollouts: &[Crop]) -> Vec<f32> {
        let of = |rollout: &Crop| -> Vec<f32> {
            let (mut last, mut run) = (None, 0usize);
            let at = |frame: &ChordFrame| {
                let ChordFrame::Onset(chord) = frame else { return 0.0 };
                run = if last == Some(*chord) { run + 1 } else { 1 };
                last = Some(*chord);
                if run > FREE { -(run as f32) / 10.0 } else { 0.0 }
            };
            rollout.chords.iter().map(at).collect()
        };
        rollouts.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::{rollout, scored};

    #[test]
    fn counted_by_hand() {
        // C at 0, 2, 4, 6, 9 (after a silence: the fifth), 10 (the sixth); G; C again is the first of a run.
        let chords = "C - C - C - C - . C C G C -";
        let found = scored(&Repetition, &rollout(&". ".repeat(14), chords));
        assert_eq!(found, [(9, -0.5), (10, -0.6)]);
    }

    #[test]
    fn runs_do_not_reach_from_one_rollout_into_the_next() {
        let one = rollout(". . . .", "C C C C");
        assert!(Repetition.score(&[one.clone(), one]).iter().all(|x| *x == 0.0));
    }
}
