//! Lets a policy accompany whole melodies it has not seen, as it would live: cold start, one frame at a time.

use crate::model::stepper::{Dense, StepInput, Streams};
use music::{
    harmony::ChordFrame,
    melody::{Chroma, MelodyFrame},
    meter::BarPhase,
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{ChordToken, MelodyToken, bar_ids},
};

/// A melody to accompany.
#[derive(Clone, Debug)]
pub struct Melody<'a> {
    /// Its frames.
    pub frames: &'a [MelodyFrame],
    /// Their bar phases.
    pub phases: &'a [BarPhase],
}

/// Accompanies all melodies together; the chord of frame t is drawn from frames before t alone.
/// `seed` and a melody's place in the list give its random numbers.
pub fn accompany(dense: &Dense, melodies: &[Melody], sampling: Sampling, seed: u64) -> Vec<Vec<ChordFrame>> {
    let longest = melodies.iter().map(|m| m.frames.len()).max().unwrap_or(0);
    let mut streams = Streams::new(dense, melodies.len());
    let mut chroma = vec![Chroma::default(); melodies.len()];
    let mut tokens = vec![ChordToken::START; melodies.len()];
    let mut chords = vec![Vec::new(); melodies.len()];
    for t in 0..longest {
        let inputs: Vec<StepInput> = (0..melodies.len())
            .map(|n| {
                let melody = &melodies[n];
                let (bar_position, bar_length) =
                    bar_ids(melody.phases.get(t).copied().unwrap_or(BarPhase::Unknown));
                let before = t.checked_sub(1).map(|t| melody.frames.get(t).copied().unwrap_or_default());
                StepInput {
                    chord: tokens[n],
                    melody: before.map_or(MelodyToken::START, MelodyToken::of),
                    bar_position,
                    bar_length,
                    chroma: chroma[n].features(),
                }
            })
            .collect();
        streams.step(dense, &inputs);
        for (n, melody) in melodies.iter().enumerate() {
            let Some(heard) = melody.frames.get(t) else { continue };
            let logits = &streams.chord_logits[n * ChordToken::COUNT..(n + 1) * ChordToken::COUNT];
            let legal = |id: usize| ChordToken::from_id(id).is_some_and(|next| tokens[n].may_precede(next));
            let at = uniform(seed.wrapping_mul(0x1_0000).wrapping_add(n as u64), t as i64, Draw::Chord);
            tokens[n] = draw(logits, legal, sampling, at)
                .and_then(ChordToken::from_id)
                .unwrap_or(ChordToken::SILENCE);
            chords[n].push(tokens[n].frame());
            chroma[n].hear(*heard);
        }
    }
    chords
}
