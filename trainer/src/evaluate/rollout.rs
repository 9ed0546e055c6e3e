//! Lets a player accompany whole melodies it has not seen, as it would live: one frame at a time.

use crate::model::{
    Policy,
    stepper::{Dense, StepInput, Streams},
    teacher::Teacher,
};
use music::{
    harmony::ChordFrame,
    melody::{Chroma, MelodyFrame},
    meter::BarPhase,
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{ChordToken, MelodyToken, bar_ids},
};
use rayon::prelude::*;

/// A melody to accompany.
#[derive(Clone, Copy, Debug)]
pub struct Melody<'a> {
    /// Its frames.
    pub frames: &'a [MelodyFrame],
    /// Their bar phases.
    pub phases: &'a [BarPhase],
    /// Chords of the first frames that are given and not chosen; empty for a cold start.
    pub given: &'a [ChordFrame],
}

/// What answers with chords: the policy, or the teacher, who has heard the whole melody before.
pub struct Player {
    dense: Dense,
    teacher: Option<Teacher>,
}

impl From<&Policy> for Player {
    fn from(policy: &Policy) -> Self {
        Self { dense: Dense::new(policy), teacher: None }
    }
}

impl From<&Teacher> for Player {
    fn from(teacher: &Teacher) -> Self {
        Self { dense: Dense::new(&teacher.decoder), teacher: Some(teacher.clone()) }
    }
}

/// Accompanies all melodies together; a policy's chord of frame t is drawn from frames before t alone.
/// `seed` and a melody's place in the list give its random numbers.
pub fn accompany(
    player: &Player,
    melodies: &[Melody],
    sampling: Sampling,
    seed: u64,
) -> Vec<Vec<ChordFrame>> {
    let longest = melodies.iter().map(|m| m.frames.len()).max().unwrap_or(0);
    let dense = &player.dense;
    let mut streams = Streams::new(dense, melodies.len());
    let mut chroma = vec![Chroma::default(); melodies.len()];
    let mut tokens = vec![ChordToken::START; melodies.len()];
    let mut chords = vec![Vec::new(); melodies.len()];
    let heard: Option<Vec<Vec<f32>>> = player
        .teacher
        .as_ref()
        .map(|teacher| melodies.par_iter().map(|m| teacher.hear(m.frames, m.phases)).collect());
    for t in 0..longest {
        let inputs: Vec<StepInput> = (0..melodies.len())
            .map(|n| {
                let melody = &melodies[n];
                let (bar_position, bar_length) =
                    bar_ids(melody.phases.get(t).copied().unwrap_or(BarPhase::Unknown));
                let known = if heard.is_some() { Some(t) } else { t.checked_sub(1) };
                let frame = known.map(|t| melody.frames.get(t).copied().unwrap_or_default());
                StepInput {
                    chord: tokens[n],
                    melody: frame.map_or(MelodyToken::START, MelodyToken::of),
                    bar_position,
                    bar_length,
                    chroma: chroma[n].features(),
                }
            })
            .collect();
        let beside = heard.as_ref().map(|heard| {
            let row = |n: usize| heard[n].get(t * dense.width()..(t + 1) * dense.width());
            let silent = vec![0.0; dense.width()];
            (0..melodies.len()).flat_map(|n| row(n).unwrap_or(&silent).to_vec()).collect::<Vec<f32>>()
        });
        streams.step(dense, &inputs, beside.as_deref());
        for (n, melody) in melodies.iter().enumerate() {
            let Some(frame) = melody.frames.get(t) else { continue };
            let chosen = || {
                let logits = &streams.chord_logits[n * ChordToken::COUNT..(n + 1) * ChordToken::COUNT];
                let legal =
                    |id: usize| ChordToken::from_id(id).is_some_and(|next| tokens[n].may_precede(next));
                let at = uniform(seed.wrapping_mul(0x1_0000).wrapping_add(n as u64), t as i64, Draw::Chord);
                draw(logits, legal, sampling, at).and_then(ChordToken::from_id).unwrap_or(ChordToken::SILENCE)
            };
            tokens[n] = melody.given.get(t).map_or_else(chosen, |chord| ChordToken::of(*chord));
            chords[n].push(tokens[n].frame());
            chroma[n].hear(*frame);
        }
    }
    chords
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{Batch, augment::Crop},
        model::{Network, Shape, forward::Leaves},
    };
    use burn::tensor::Device;
    use music::notation::{parse_chords, parse_melody};

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };
    const TUNE: &str = "| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |";

    #[test]
    fn the_teacher_frame_by_frame_is_the_teacher_of_whole_crops() {
        let teacher = Teacher::build(SMALL, 5).unwrap();
        let melody = parse_melody(TUNE).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let tune = Melody { frames: &melody, phases: &phases, given: &[] };
        // At temperature 0 the chords are the likeliest legal ones: the whole-crop logits must agree at each frame.
        let greedy = Sampling { temperature: 0.0, top_p: 1.0 };
        let chords = accompany(&Player::from(&teacher), &[tune], greedy, 1).remove(0);
        let crop = Crop {
            melody: melody.clone(),
            chords: chords.clone(),
            annotated: vec![true; melody.len()],
            phases,
            played: None,
        };
        let batch = Batch::of(&[crop]);
        let device = Device::flex();
        let leaves = Leaves::new(&teacher.parameters(), &device, false);
        let logits = teacher.forward(&leaves, &batch.inputs, &batch.melody_targets, &device);
        let logits = logits.into_data().try_to_vec::<f32>().unwrap();
        let mut before = ChordToken::START;
        for (t, row) in logits.chunks(ChordToken::COUNT).enumerate() {
            let legal = |id: &usize| ChordToken::from_id(*id).is_some_and(|next| before.may_precede(next));
            let best = (0..row.len()).filter(legal).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
            assert_eq!(best as u32, batch.chord_targets[t], "frame {t}");
            before = ChordToken::from_id(best).unwrap();
        }
    }

    #[test]
    fn given_chords_are_kept() {
        let policy = Policy::new(SMALL, 5).unwrap();
        let melody = parse_melody(TUNE).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let given = parse_chords("| F - - - |").unwrap();
        let tune = Melody { frames: &melody, phases: &phases, given: &given };
        let chords = accompany(&Player::from(&policy), &[tune], Sampling::default(), 1).remove(0);
        assert_eq!((chords.len(), &chords[..4]), (16, &given[..]));
    }
}
