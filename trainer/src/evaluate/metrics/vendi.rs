//! The Vendi score: the effective number of different songs among N (GAPT, section 4.4).
//!
//! Songs are embedded as unit vectors; the score is the exponential of the entropy of the eigenvalues of
//! their matrix of cosines over N. It runs from 1 (all the same) to N (all at right angles) and depends on N,
//! so that it is only comparable at the same N. The paper embeds with a judge's chord tower; [`Embedding`] is
//! where one goes.

use super::heard;
use music::{chord::Chord, harmony::ChordFrame};
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// What makes vectors of songs' chords.
pub trait Embedding {
    /// What it is, for reports.
    fn name(&self) -> String;
    /// A vector for each song, all of one length, in the order of `songs`.
    fn embed(&self, songs: &[&[ChordFrame]]) -> Vec<Vec<f32>>;
}

/// Which chords sound and which follows which, without any learning: the share of time of each chord, and the
/// share of each pair among changes, each half of unit length. Chords are told apart by root and pitch
/// classes; keys are not moved together, so that the same tune in another key is another song.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChordUse;

fn counted(chords: &[ChordFrame]) -> [BTreeMap<(usize, usize), f32>; 2] {
    let id = |chord: Chord| usize::from(chord.root.semitones()) * 64 + chord.quality.index();
    let (mut time, mut changes) = (BTreeMap::new(), BTreeMap::new());
    let mut last: Option<Chord> = None;
    for chord in heard(chords).into_iter().flatten() {
        *time.entry((id(chord), 0)).or_default() += 1.0;
        if let Some(before) = last.filter(|last| *last != chord) {
            *changes.entry((id(before), 1 + id(chord))).or_default() += 1.0;
        }
        last = Some(chord);
    }
    [time, changes].map(|mut half: BTreeMap<_, f32>| {
        let length = half.values().map(|x| x * x).sum::<f32>().sqrt();
        half.values_mut().for_each(|x| *x /= length);
        half
    })
}

impl Embedding for ChordUse {
    fn name(&self) -> String {
        "time of each chord and count of each change, no learning".into()
    }

    fn embed(&self, songs: &[&[ChordFrame]]) -> Vec<Vec<f32>> {
        let counted: Vec<_> = songs.iter().map(|song| counted(song)).collect();
        let mut places = BTreeMap::new();
        for feature in counted.iter().flatten().flat_map(BTreeMap::keys) {
            let next = places.len();
            places.entry(*feature).or_insert(next);
        }
        let vector = |halves: &[BTreeMap<(usize, usize), f32>; 2]| {
            let mut vector = vec![0.0; places.len()];
            for (feature, value) in halves.iter().flatten() {
                vector[places[feature]] = *value;
            }
            vector
        };
        counted.iter().map(vector).collect()
    }
}

/// The score of some songs' vectors; vectors are brought to unit length here, one of zeros stays as it is and
/// counts as unlike all others. `None` without songs.
pub fn score(vectors: &[Vec<f32>]) -> Option<f64> {
    let num = vectors.len();
    if num == 0 {
        return None;
    }
    let length = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let lengths: Vec<f64> = vectors.iter().map(|v| length(v)).collect();
    let cosine = |a: usize, b: usize| {
        if a == b {
            return 1.0;
        }
        let dot: f64 = vectors[a].iter().zip(&vectors[b]).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        if lengths[a] * lengths[b] > 0.0 { dot / (lengths[a] * lengths[b]) } else { 0.0 }
    };
    let gram = DMatrix::from_fn(num, num, |a, b| cosine(a, b) / num as f64);
    let entropy: f64 = gram.symmetric_eigenvalues().iter().filter(|e| **e > 1e-12).map(|e| -e * e.ln()).sum();
    Some(entropy.exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::notation::parse_chords;

    #[test]
    fn by_hand() {
        let check = |vectors: &[[f32; 3]], expected: f64| {
            let vectors: Vec<Vec<f32>> = vectors.iter().map(|v| v.to_vec()).collect();
            let found = score(&vectors).unwrap();
            assert!((found - expected).abs() < 1e-6, "{vectors:?}: {found}");
        };
        check(&[[1.0, 0.0, 0.0]; 5], 1.0);
        check(&[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]], 3.0);
        // Two pairs of equals: two.
        check(&[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]], 2.0);
        // A cosine of .6: eigenvalues .8 and .2.
        check(&[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]], (-0.8 * 0.8f64.ln() - 0.2 * 0.2f64.ln()).exp());
        assert_eq!(score(&[]), None);
    }

    #[test]
    fn chord_use_tells_chords_and_changes_apart() {
        let songs = ["| C - F - |", "| F - C - |", "| C - F - C - F - |", "| D - - - |", "| . . |"];
        let songs: Vec<_> = songs.iter().map(|s| parse_chords(s).unwrap()).collect();
        let lanes: Vec<&[ChordFrame]> = songs.iter().map(Vec::as_slice).collect();
        let v = ChordUse.embed(&lanes);
        let dot = |a: usize, b: usize| v[a].iter().zip(&v[b]).map(|(x, y)| x * y).sum::<f32>();
        // The same chords, another change: the first halves are equal, the second at right angles.
        assert!((dot(0, 0) - 2.0).abs() < 1e-6 && (dot(0, 1) - 1.0).abs() < 1e-6, "{v:?}");
        // C to F twice, F to C once: 2 / sqrt 5 of the second half.
        assert!((dot(0, 2) - 1.0 - 2.0 / 5f32.sqrt()).abs() < 1e-6, "{v:?}");
        assert_eq!((dot(0, 3), dot(3, 3), dot(4, 4)), (0.0, 1.0, 0.0));
    }
}
