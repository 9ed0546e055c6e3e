//! The harmony judge: how well a chord suits the notes that are sung over it, learnt by counting.
//!
//! From the training songs it learns P(note | chord): the chance of each interval above the root while a chord of this
//! quality sounds. A chord's score over a stretch of melody is the mean, over frames in which something is sung, of
//! ln P(note | chord) / P(note): their pointwise mutual information, which is what a contrastive judge with every chord as a
//! candidate comes to (van den Oord et al., 2018, section 2.3). Tensions that people sing over a chord count for it, chord tones
//! that they avoid do not, and a chord of many tones has its chance spread among them. It is not the note-in-chord ratio,
//! which knows no degrees; but the two go together, and so the report is to be read with the pitch classes a chord, the
//! entropies and the bar lines beside it.
//!
//! What is cheap to ask can be asked of every chord at every frame, not only of the one that was drawn. Where the teacher is a prior and the
//! reward of every action is known, the policy that gains most for its divergence is in proportion to the teacher's
//! chance times exp(weight · reward): the optimum of KL-regularised control (ReaLchords, section 3.2). So the score is added to
//! the teacher's logits, and distillation does the rest without a sample's noise. The chance that anything is struck
//! stays the teacher's own, but for one thing that may be asked for: on a beat, a chord that suits worse than chance both the beat just
//! heard and what comes is held the less readily the worse it suits. A passing note costs it nothing, a melody that has left its key much.

use crate::dataset::{Songs, augment::Crop};
use music::{
    chord::{Chord, Quality},
    grid::FRAMES_PER_BEAT,
    harmony::{ChordFrame, sounding},
    melody::MelodyFrame,
    meter::BarPhase,
    pitch::{OCTAVE, PitchClass},
    vocab::ChordToken,
};
use rayon::prelude::*;

/// Pitch classes.
const CLASSES: usize = OCTAVE as usize;
/// Frames of melody that each quality is thought to have had over it, evenly spread, before any was counted.
const PRIOR: f32 = 120.0;
/// Frames that are looked at after a chord starts, at least: a beat.
const LEAST: usize = FRAMES_PER_BEAT as usize;
/// And at most: four beats.
const MOST: usize = 4 * LEAST;

/// The note that sounds in each frame.
fn sung(melody: &[MelodyFrame]) -> Vec<Option<PitchClass>> {
    let mut notes: Vec<Option<PitchClass>> = Vec::with_capacity(melody.len());
    for frame in melody {
        notes.push(match frame {
            MelodyFrame::Onset(pitch) => Some(pitch.class()),
            MelodyFrame::Hold => notes.last().copied().flatten(),
            MelodyFrame::Rest => None,
        });
    }
    notes
}

/// How much the judge's word counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// For which chord is struck.
    pub which: f32,
    /// Against holding, on beats, a chord that clashes.
    pub clash: f32,
}

/// What was learnt: nats for an interval above the root, by quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Harmony {
    worth: Vec<[f32; CLASSES]>,
}

impl Harmony {
    /// Counts over the annotated frames of songs.
    pub fn learn(songs: &Songs) -> Self {
        let mut counts = vec![[PRIOR / CLASSES as f32; CLASSES]; Quality::COUNT];
        for song in &songs.0 {
            let frames = &song.frames;
            let notes = sung(&frames.melody);
            for ((note, chord), counts_here) in
                notes.iter().zip(sounding(&frames.chords)).zip(&frames.annotated)
            {
                if let (Some(note), Some(chord), true) = (note, chord, counts_here) {
                    counts[chord.quality.index()][usize::from(note.above(chord.root))] += 1.0;
                }
            }
        }
        // Over all keys every note is equally likely: P(note) is one in twelve.
        let worth = counts.iter().map(|row| {
            let total: f32 = row.iter().sum();
            row.map(|count| (count * CLASSES as f32 / total).ln())
        });
        Self { worth: worth.collect() }
    }

    /// Adds to logits of every chord, [batch · time, tokens], `weights.which` times its score over the melody that comes until the
    /// rollout's next change of chord (a beat at least, four at most), and takes from all chords alike what keeps the sum of their chances.
    /// Then takes from holding, on beats, `weights.clash` times what the sounding chord's better score, over the beat just heard or
    /// what comes, falls short of 0.
    pub fn tilt(&self, logits: &mut [f32], crops: &[Crop], weights: Weights) {
        let coming: Vec<[f32; CLASSES]> = crops.iter().flat_map(coming).collect();
        let held: Vec<Option<(Chord, [f32; CLASSES])>> = crops.iter().flat_map(held_on_beats).collect();
        let first = ChordToken::FIRST_ONSET;
        let chords: Vec<(usize, &[f32; CLASSES])> = (first..ChordToken::COUNT)
            .map(|id| match ChordToken::from_id(id).and_then(ChordToken::chord) {
                Some(chord) => (usize::from(chord.root.semitones()), &self.worth[chord.quality.index()]),
                None => (0, &self.worth[0]),
            })
            .collect();
        logits.par_chunks_mut(ChordToken::COUNT).zip(&coming).zip(&held).for_each(
            |((logits, shares), held)| {
                if let Some((chord, heard)) = held {
                    let root = usize::from(chord.root.semitones());
                    let worth = &self.worth[chord.quality.index()];
                    let better = score(shares, root, worth).max(score(heard, root, worth));
                    logits[ChordToken::HOLD.id()] += weights.clash * better.min(0.0);
                }
                let onsets = &mut logits[first..];
                let before = log_sum(onsets);
                for (logit, (root, worth)) in onsets.iter_mut().zip(&chords) {
                    *logit += weights.which * score(shares, *root, worth);
                }
                let gained = log_sum(onsets) - before;
                onsets.iter_mut().for_each(|logit| *logit -= gained);
            },
        );
    }
}

/// For each frame the shares of the pitch classes in the melody from there to the rollout's next change of chord, rests
/// left out; all zero where nothing is sung.
fn coming(crop: &Crop) -> Vec<[f32; CLASSES]> {
    let len = crop.len();
    let notes = sung(&crop.melody);
    let mut change = len;
    let mut coming = vec![[0.0; CLASSES]; len];
    for (t, share) in coming.iter_mut().enumerate().rev() {
        let end = change.clamp(t + LEAST, t + MOST).min(len);
        *share = shares(&notes[t..end]);
        if matches!(crop.chords[t], ChordFrame::Onset(_)) {
            change = t;
        }
    }
    coming
}

/// For each frame on a beat the chord that sounded just before, which holding would carry on, and the shares of the pitch classes
/// that were sung in the beat just heard.
fn held_on_beats(crop: &Crop) -> Vec<Option<(Chord, [f32; CLASSES])>> {
    let notes = sung(&crop.melody);
    let sounding = sounding(&crop.chords);
    let on_beat = |t: usize| match crop.phases[t] {
        BarPhase::At { position, .. } => usize::from(position).is_multiple_of(LEAST),
        BarPhase::Unknown => t.is_multiple_of(LEAST),
    };
    let held = |t: usize| {
        let chord = sounding[t.checked_sub(1)?].filter(|_| on_beat(t))?;
        Some((chord, shares(&notes[t.saturating_sub(LEAST)..t])))
    };
    (0..crop.len()).map(held).collect()
}

/// Shares of the pitch classes in a stretch of melody, rests left out; all zero where nothing is sung.
fn shares(notes: &[Option<PitchClass>]) -> [f32; CLASSES] {
    let mut shares = [0.0; CLASSES];
    let there = || notes.iter().flatten();
    let each = 1.0 / there().count().max(1) as f32;
    there().for_each(|note| shares[usize::from(note.semitones())] += each);
    shares
}

/// Nats of a chord, by its root and what is learnt of its quality, for such shares of pitch classes.
fn score(shares: &[f32; CLASSES], root: usize, worth: &[f32; CLASSES]) -> f32 {
    (0..CLASSES).map(|n| shares[(root + n) % CLASSES] * worth[n]).sum()
}

/// ln Σ exp.
fn log_sum(x: &[f32]) -> f32 {
    let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + x.iter().map(|x| (x - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Song;
    use music::{
        lead_sheet::Frames,
        notation::{parse_chords, parse_melody},
        symbol::parse,
    };

    fn frames(melody: &str, chords: &str) -> Frames {
        let melody = parse_melody(melody).unwrap();
        let (annotated, phases) = (vec![true; melody.len()], vec![BarPhase::Unknown; melody.len()]);
        Frames { chords: parse_chords(chords).unwrap(), melody, annotated, phases }
    }

    fn crop(melody: &str, chords: &str) -> Crop {
        let Frames { melody, chords, annotated, phases } = frames(melody, chords);
        Crop { chords, melody, annotated, phases, played: None }
    }

    fn learnt() -> Harmony {
        let frames = frames("C4 - - E4 G4 - . D4", "C - - - - - - -");
        Harmony::learn(&Songs(vec![Song { id: "own".into(), source: "own".into(), frames }]))
    }

    #[test]
    fn counted_by_hand() {
        // Over C: three frames of the root, one of the third, two of the fifth, one of the second; ten of each before.
        let worth = learnt().worth;
        let expected = |count: f32| (12.0 * (10.0 + count) / 127.0_f32).ln();
        let major = worth[Quality::MAJOR.index()];
        for (interval, count) in [(0, 3.0), (4, 1.0), (7, 2.0), (2, 1.0), (1, 0.0)] {
            assert!((major[interval] - expected(count)).abs() < 1e-6, "{interval}");
        }
        assert!(worth[Quality::MINOR.index()].iter().all(|worth| worth.abs() < 1e-6));
    }

    #[test]
    fn the_melody_that_comes_by_hand() {
        let crop = crop("| C4 - E4 . G4 - A4 - | B4 - - - |", "| C - - - - - G - | - - - - |");
        let shares = coming(&crop);
        let at = |t: usize, note: usize| shares[t][note];
        // To the change at frame 6: C C E G G.
        assert_eq!((at(0, 0), at(0, 4), at(0, 7), at(0, 9)), (0.4, 0.2, 0.4, 0.0));
        // A beat at least, though the chord changes sooner: G G A A from frame 4.
        assert_eq!((at(4, 7), at(4, 9)), (0.5, 0.5));
        // To the end.
        assert_eq!(at(8, 11), 1.0);
    }

    #[test]
    fn chords_that_suit_gain_and_striking_does_not() {
        let harmony = learnt();
        let id = |name: &str| {
            let chord = parse(name).unwrap().unwrap();
            ChordToken::onset(chord.root, chord.quality).id()
        };
        let mut logits = vec![0.0; 8 * ChordToken::COUNT];
        logits[ChordToken::HOLD.id()] = 3.0;
        let before = logits.clone();
        let weights = Weights { which: 2.0, clash: 0.0 };
        harmony.tilt(&mut logits, &[crop("C4 - - - - - - -", "C - - - - - - -")], weights);
        // C is C's root and D's seventh.
        let major = harmony.worth[Quality::MAJOR.index()];
        assert!((logits[id("C")] - logits[id("D")] - 2.0 * (major[0] - major[10])).abs() < 1e-5);
        let first = ChordToken::FIRST_ONSET;
        let (old, new) =
            (log_sum(&before[first..ChordToken::COUNT]), log_sum(&logits[first..ChordToken::COUNT]));
        assert!((old - new).abs() < 1e-4);
        assert_eq!(logits[..first], before[..first]);
    }

    #[test]
    fn what_clashes_is_held_less_readily_on_beats_alone() {
        let harmony = learnt();
        let (hold, weights) = (ChordToken::HOLD.id(), Weights { which: 0.0, clash: 3.0 });
        let holds = |melody: &str| {
            let mut logits = vec![0.0; 8 * ChordToken::COUNT];
            harmony.tilt(&mut logits, &[crop(melody, "C - - - - - - -")], weights);
            logits.chunks(ChordToken::COUNT).map(|logits| logits[hold]).collect::<Vec<_>>()
        };
        assert_eq!(holds("C4 - - - - - - -"), [0.0; 8]);
        // C sharp was never sung over C: on the second beat it counts, on the first nothing is held yet.
        let worth = harmony.worth[Quality::MAJOR.index()][1];
        let clashing = holds("Db4 - - - - - - -");
        assert!(worth < 0.0 && (clashing[4] - 3.0 * worth).abs() < 1e-6, "{clashing:?}");
        assert!(clashing.iter().enumerate().all(|(t, x)| t == 4 || *x == 0.0), "{clashing:?}");
        // What passes, and what only comes, costs nothing.
        assert_eq!(holds("Db4 - - - C4 - - -"), [0.0; 8]);
        assert_eq!(holds("C4 - - - Db4 - - -"), [0.0; 8]);
    }
}
