//! A jam of 10,000 frames: does a player tire? Songs follow on one another without a break, in several jams
//! side by side, and note in chord is taken every 500 frames beside the humans' own chords on the same
//! frames.

use super::Take;
use crate::{
    dataset::Song,
    evaluate::metrics::{Measured, fits, share_that_fits},
};
use music::harmony::ChordFrame;
use serde::Serialize;

/// Frames of a jam.
pub const FRAMES: usize = 10_000;
/// Frames of a point of the curve.
pub const POINT: usize = 500;

/// Jams of songs one after another, each beginning with another song, all songs coming round again where they
/// do not suffice. None without songs.
pub fn jams(songs: &[&Song], num: usize) -> Vec<Take> {
    let jam = |n: usize| {
        let first = n * songs.len() / num;
        let mut take: Option<Take> = None;
        for song in songs.iter().cycle().skip(first) {
            let next = Take::of(song, usize::MAX);
            let jam = match &mut take {
                None => take.insert(next),
                Some(jam) => {
                    jam.melody.extend(next.melody);
                    jam.chords.extend(next.chords);
                    jam.annotated.extend(next.annotated);
                    jam.phases.extend(next.phases);
                    jam
                }
            };
            if jam.len() >= FRAMES {
                break;
            }
        }
        take.map(|mut jam| {
            jam.source = "jam".into();
            jam.melody.truncate(FRAMES);
            jam.chords.truncate(FRAMES);
            jam.annotated.truncate(FRAMES);
            jam.phases.truncate(FRAMES);
            jam
        })
    };
    if songs.iter().all(|song| song.frames.is_empty()) {
        return Vec::new();
    }
    (0..num).filter_map(jam).collect()
}

/// What became of a system in the jams.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Its name.
    pub system: String,
    /// Note in chord of every 500 frames, over all jams, on frames that the source annotates.
    pub note_in_chord: Vec<Option<f64>>,
    /// The same as a fraction of the humans'.
    pub fraction: Vec<Option<f64>>,
    /// The fraction over the first quarter of the frames.
    pub first_quarter: Option<f64>,
    /// The fraction over the last quarter.
    pub last_quarter: Option<f64>,
    /// Change of the fraction a thousand frames, by least squares over the points.
    pub slope: Option<f64>,
}

/// Measures chords under jams beside the humans'.
pub fn drift(system: &str, takes: &[Take], chords: &[Vec<ChordFrame>]) -> Drift {
    let measured = |chords: &dyn Fn(usize) -> Vec<ChordFrame>| -> Vec<Vec<Option<bool>>> {
        let one = |(n, take): (usize, &Take)| {
            let chords = chords(n);
            let counts = &take.annotated;
            fits(&Measured { melody: &take.melody, chords: &chords, phases: &take.phases, counts })
        };
        takes.iter().enumerate().map(one).collect()
    };
    let ours = measured(&|n| chords[n].clone());
    let humans = measured(&|n| takes[n].chords.clone());
    let pooled = |fits: &[Vec<Option<bool>>], from: usize, to: usize| {
        let frames: Vec<Option<bool>> =
            fits.iter().filter_map(|jam| jam.get(from..to.min(jam.len()))).flatten().copied().collect();
        share_that_fits(&frames)
    };
    let fraction = |from: usize, to: usize| {
        let human = pooled(&humans, from, to).filter(|share| *share > 0.0)?;
        Some(pooled(&ours, from, to)? / human)
    };
    let len = takes.iter().map(Take::len).max().unwrap_or(0);
    let starts: Vec<usize> = (0..len).step_by(POINT).collect();
    let points: Vec<Option<f64>> = starts.iter().map(|from| fraction(*from, from + POINT)).collect();
    Drift {
        system: system.to_owned(),
        note_in_chord: starts.iter().map(|from| pooled(&ours, *from, from + POINT)).collect(),
        slope: slope(&points).map(|a_point| a_point * 1000.0 / POINT as f64),
        fraction: points,
        first_quarter: fraction(0, len / 4),
        last_quarter: fraction(len - len / 4, len),
    }
}

/// The least-squares slope of points one apart; `None` with fewer than two.
fn slope(points: &[Option<f64>]) -> Option<f64> {
    let known: Vec<(f64, f64)> =
        points.iter().enumerate().filter_map(|(n, y)| Some((n as f64, (*y)?))).collect();
    let num = known.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| known.iter().map(of).sum::<f64>() / num;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let both: f64 = known.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let square: f64 = known.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (square > 0.0).then(|| both / square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::conditions::tests::song;
    use music::notation::parse_chords;

    #[test]
    fn jams_begin_with_different_songs_and_last_their_time() {
        let songs = [
            song("a", &"| C4 - - - |".repeat(40), &"| C - - - |".repeat(40)),
            song("b", &"| D4 - - - |".repeat(30), &"| D - - - |".repeat(30)),
        ];
        let songs: Vec<&Song> = songs.iter().collect();
        let jams = jams(&songs, 2);
        assert!(jams.iter().all(|jam| jam.len() == FRAMES && jam.phases.len() == FRAMES));
        assert_eq!(jams[0].melody[160], songs[1].frames.melody[0]);
        assert_eq!(jams[1].melody[120], songs[0].frames.melody[0]);
        assert!(super::jams(&[], 2).is_empty());
    }

    #[test]
    fn decay_is_seen() {
        // Right in the first half of the jam, wrong in the second.
        let mut take = Take::of(&song("a", &"| C4 - - - |".repeat(500), &"| C - - - |".repeat(500)), 2000);
        let mut chords = parse_chords(&"| C - - - |".repeat(250)).unwrap();
        chords.extend(parse_chords(&"| D - - - |".repeat(250)).unwrap());
        let found = drift("x", std::slice::from_ref(&take), std::slice::from_ref(&chords));
        assert_eq!(found.fraction, [Some(1.0), Some(1.0), Some(0.0), Some(0.0)]);
        assert_eq!((found.first_quarter, found.last_quarter), (Some(1.0), Some(0.0)));
        // Points 0 1 2 3 at 1 1 0 0: slope -.4 a point of 500 frames.
        assert!((found.slope.unwrap() + 0.8).abs() < 1e-9);
        // Where the humans are only half right, half is all there is.
        take.chords = chords;
        let same = take.chords.clone();
        let found = drift("x", std::slice::from_ref(&take), &[same]);
        assert_eq!((found.first_quarter, found.last_quarter, found.slope), (Some(1.0), None, Some(0.0)));
    }
}
