//! How good judges are, on songs they have not heard: the paper's tables 4 and 5, and what each makes of pairs
//! that were spoilt on purpose.

use super::{
    Judge, Kind,
    hearing::{Lanes, stretch},
    network::{Contrastive, Discriminative, Judging},
    pairs::{SLACK, fake, is_usable, repaired, replaced, transposed},
    panel::Trained,
};
use crate::{
    dataset::{Songs, augment::Crop},
    model::Network,
    native,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt::Write};

/// Melodies that search for their own chords among those of all crops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Retrieval {
    /// Crops.
    pub crops: usize,
    /// Share of melodies whose own chords come first.
    pub r1: f64,
    /// Share whose own chords are among the first 5.
    pub r5: f64,
    /// Share whose own chords are among the first 10.
    pub r10: f64,
    /// Mean of 1/rank, of ranks up to 10: mean average precision where one answer is right.
    pub map10: f64,
}

impl Retrieval {
    /// Of embeddings of unit length, [crops, width]. Others that are as near as the own chords come before them.
    pub fn of(melody: &[f32], chords: &[f32], width: usize) -> Self {
        let crops = melody.len() / width.max(1);
        let share = 1.0 / crops.max(1) as f64;
        let mut out = Self { crops, ..Self::default() };
        for (n, melody) in melody.chunks(width).enumerate() {
            let likeness: Vec<f32> = chords.chunks(width).map(|chords| native::dot(melody, chords)).collect();
            // What is not a number comes first, too: a broken judge finds nothing.
            let before =
                |(m, x): &(usize, &f32)| *m != n && x.partial_cmp(&&likeness[n]) != Some(Ordering::Less);
            let rank = 1 + likeness.iter().enumerate().filter(before).count();
            out.r1 += if rank <= 1 { share } else { 0.0 };
            out.r5 += if rank <= 5 { share } else { 0.0 };
            out.r10 += if rank <= 10 { share } else { 0.0 };
            out.map10 += if rank <= 10 { share / rank as f64 } else { 0.0 };
        }
        out
    }
}

/// Real pairs among as many fake ones; a pair is called real above a probability of a half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Real pairs.
    pub crops: usize,
    /// Share of pairs called real that are.
    pub precision: f64,
    /// Share of real pairs that are called real.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

impl Detection {
    /// Of probabilities.
    pub fn of(real: &[f32], fake: &[f32]) -> Self {
        let called = |pairs: &[f32]| pairs.iter().filter(|p| **p > 0.5).count() as f64;
        let (right, wrong) = (called(real), called(fake));
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let (precision, recall) = (ratio(right, right + wrong), ratio(right, real.len() as f64));
        let f1 = ratio(2.0 * precision * recall, precision + recall);
        Self { crops: real.len(), precision, recall, f1 }
    }
}

/// A judge's quality on held-out crops.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Of a contrastive judge (table 4).
    Retrieval(Retrieval),
    /// Of a discriminative judge (table 5).
    Detection(Detection),
}

/// A network that can be examined.
pub trait Examined: Judging {
    /// Its quality on crops that are longer than the judge by [`SLACK`].
    fn quality(&self, judge: &Judge, held_out: &[Crop]) -> Quality;
}

fn real(judge: &Judge, held_out: &[Crop]) -> Vec<Crop> {
    held_out.iter().map(|crop| stretch(crop, 0, 0, judge.frames)).collect()
}

impl Examined for Contrastive {
    fn quality(&self, judge: &Judge, held_out: &[Crop]) -> Quality {
        let crops = real(judge, held_out);
        let of = |lanes| self.embeddings(&crops, lanes, judge.rhythm_only);
        Quality::Retrieval(Retrieval::of(&of(Lanes::Melody), &of(Lanes::Chords), self.shape().width()))
    }
}

impl Examined for Discriminative {
    fn quality(&self, judge: &Judge, held_out: &[Crop]) -> Quality {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let fakes: Vec<Crop> = (0..held_out.len())
            .map(|n| fake(held_out, n, judge.frames, judge.rhythm_only, &mut rng))
            .collect();
        let of = |crops: &[Crop]| self.scores(crops, judge.rhythm_only);
        Quality::Detection(Detection::of(&of(&real(judge, held_out)), &of(&fakes)))
    }
}

/// Mean scores of real pairs and of pairs spoilt in one way each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sanity {
    /// As they are.
    pub real: f32,
    /// One chord, in the middle, a tritone off.
    pub replaced: f32,
    /// The chords of another crop.
    pub repaired: f32,
    /// All chords a tritone off.
    pub transposed: f32,
    /// The chords two frames early.
    pub shifted: f32,
}

/// Crops that the sanity table is made of, at most.
const SANE_CROPS: usize = 64;

impl Sanity {
    /// Of a judge on crops that are longer than it by [`SLACK`].
    pub fn of(judge: &Judge, trained: &Trained, held_out: &[Crop]) -> Self {
        let every = held_out.len().div_ceil(SANE_CROPS).max(1);
        let held_out: Vec<&Crop> = held_out.iter().step_by(every).collect();
        let crops: Vec<Crop> = held_out.iter().map(|crop| stretch(crop, 0, 0, judge.frames)).collect();
        let mean = |crops: Vec<Crop>| {
            let scores = trained.scores(&crops, judge.rhythm_only);
            scores.iter().sum::<f32>() / scores.len().max(1) as f32
        };
        let other = |n: usize| &crops[(n + crops.len() / 2) % crops.len()];
        Self {
            real: mean(crops.clone()),
            replaced: mean(crops.iter().map(replaced).collect()),
            repaired: mean(crops.iter().enumerate().map(|(n, crop)| repaired(crop, other(n))).collect()),
            transposed: mean(crops.iter().map(|crop| transposed(crop, 6)).collect()),
            shifted: mean(held_out.iter().map(|crop| stretch(crop, 0, 2, judge.frames)).collect()),
        }
    }
}

/// What is reported of a judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The judge.
    pub judge: Judge,
    /// Updates it was trained for.
    pub updates: u64,
    /// Its quality on test songs.
    pub quality: Quality,
    /// What it makes of spoilt pairs of test songs.
    pub sanity: Sanity,
}

/// Usable crops of `len` frames, none overlapping another, at most `num`, spread evenly over all songs.
/// Songs shorter than that are left out.
pub fn held_out(songs: &Songs, len: usize, num: usize) -> Vec<Crop> {
    let whole = songs.0.iter().flat_map(|song| {
        let starts = (0..song.frames.len() / len.max(1)).map(move |n| n * len);
        starts.map(|from| Crop::cut(&song.frames, from, len)).filter(is_usable)
    });
    let all: Vec<Crop> = whole.collect();
    let num = num.min(all.len());
    (0..num).map(|n| all[n * all.len() / num].clone()).collect()
}

/// Frames of held-out crops for a judge.
pub fn held_out_frames(judge: &Judge) -> usize {
    judge.frames + SLACK
}

/// The tables of some judges: retrieval, detection, sanity.
pub fn tables(reports: &[Report]) -> String {
    let mut out = String::new();
    let of = |kind| reports.iter().filter(move |report| report.judge.kind == kind);
    if of(Kind::Contrastive).next().is_some() {
        let _ = writeln!(
            out,
            "{:<32} {:>8} {:>6} {:>7} {:>7} {:>7} {:>7}",
            "note to chord", "updates", "crops", "R@1", "R@5", "R@10", "mAP@10"
        );
    }
    for report in of(Kind::Contrastive) {
        if let Quality::Retrieval(q) = report.quality {
            let _ = writeln!(
                out,
                "{:<32} {:>8} {:>6} {:>7.3} {:>7.3} {:>7.3} {:>7.3}",
                report.judge.name(),
                report.updates,
                q.crops,
                q.r1,
                q.r5,
                q.r10,
                q.map10
            );
        }
    }
    if of(Kind::Discriminative).next().is_some() {
        let _ = writeln!(
            out,
            "{:<32} {:>8} {:>6} {:>9} {:>7} {:>7}",
            "real or not", "updates", "crops", "precision", "recall", "F1"
        );
    }
    for report in of(Kind::Discriminative) {
        if let Quality::Detection(q) = report.quality {
            let _ = writeln!(
                out,
                "{:<32} {:>8} {:>6} {:>9.3} {:>7.3} {:>7.3}",
                report.judge.name(),
                report.updates,
                q.crops,
                q.precision,
                q.recall,
                q.f1
            );
        }
    }
    let _ = writeln!(
        out,
        "{:<32} {:>8} {:>9} {:>10} {:>11} {:>8}",
        "mean score of", "real", "one moved", "re-paired", "transposed", "shifted"
    );
    for report in reports {
        let s = report.sanity;
        let _ = writeln!(
            out,
            "{:<32} {:>8.3} {:>9.3} {:>10.3} {:>11.3} {:>8.3}",
            report.judge.name(),
            s.real,
            s.replaced,
            s.repaired,
            s.transposed,
            s.shifted
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::Song, reward::check::rollout};
    use music::lead_sheet::Frames;

    #[test]
    fn retrieval_by_hand() {
        // Three melodies on the axes. The first finds its chords first, the second behind one other, the third's
        // own chords are as near as another's, which counts as behind it.
        let melody = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let chords = [0.9, 0.8, 0.3, 0.1, 0.5, 0.0, 0.0, 0.1, 0.3];
        let q = Retrieval::of(&melody, &chords, 3);
        assert_eq!((q.crops, q.r5, q.r10), (3, 1.0, 1.0));
        assert!((q.r1 - 1.0 / 3.0).abs() < 1e-9);
        assert!((q.map10 - (1.0 + 0.5 + 0.5) / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_collapsed_judge_finds_nothing() {
        let q = Retrieval::of(&[1.0; 20], &[1.0; 20], 1);
        assert_eq!((q.r1, q.r10, q.map10), (0.0, 0.0, 0.0));
        let q = Retrieval::of(&[f32::NAN; 20], &[1.0; 20], 1);
        assert_eq!((q.r1, q.r10), (0.0, 0.0));
    }

    #[test]
    fn detection_by_hand() {
        // Three of four real ones and one of four fakes are called real.
        let d = Detection::of(&[0.9, 0.8, 0.7, 0.2], &[0.6, 0.5, 0.1, 0.0]);
        assert_eq!((d.crops, d.precision, d.recall, d.f1), (4, 0.75, 0.75, 0.75));
        let none = Detection::of(&[0.1], &[0.1]);
        assert_eq!((none.precision, none.recall, none.f1), (0.0, 0.0, 0.0));
    }

    #[test]
    fn held_out_crops_do_not_overlap() {
        let crop = rollout(&"C4 - E4 - ".repeat(25), &"C - - - ".repeat(25));
        let (annotated, phases) = (crop.annotated, crop.phases);
        let frames = Frames { melody: crop.melody, chords: crop.chords, annotated, phases };
        let song = Song { id: "a".into(), source: "own".into(), frames };
        let songs = Songs(vec![song.clone(), song]);
        // 100 frames hold three crops of 32, two songs six.
        assert_eq!(held_out(&songs, 32, 100).len(), 6);
        assert_eq!(held_out(&songs, 32, 4).len(), 4);
        assert_eq!(held_out(&songs, 101, 4).len(), 0);
        assert!(held_out(&songs, 32, 100).iter().all(|crop| crop.len() == 32));
    }
}
