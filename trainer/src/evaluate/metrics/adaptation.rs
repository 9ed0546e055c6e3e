//! Note in chord over time: beat by beat, and how long a player needs to find back after the melody's key
//! jumped.

use super::{Measured, fits, share_that_fits};
use music::grid::FRAMES_PER_BEAT;
use serde::Serialize;

const BEAT: usize = FRAMES_PER_BEAT as usize;

/// Frames over which a recovery is judged: two beats.
const WINDOW: usize = 2 * BEAT;

/// The share of a song's own note in chord before the jump at which it counts as found back.
const RECOVERED: f64 = 0.95;

/// Note in chord of each beat from frame `start` on, `num` beats: the mean over the songs of which both lanes
/// sound in that beat (paper, appendix K); `None` where none does.
pub fn by_beat<'a>(songs: impl Iterator<Item = (Measured<'a>, usize)>, num: usize) -> Vec<Option<f64>> {
    let mut beats = vec![(0.0, 0.0); num];
    for (song, start) in songs {
        let fits = fits(&song);
        let rest = fits.get(start..).unwrap_or_default();
        for ((sum, count), beat) in beats.iter_mut().zip(rest.chunks(BEAT)) {
            if let Some(share) = share_that_fits(beat) {
                *sum += share;
                *count += 1.0;
            }
        }
    }
    beats.into_iter().map(|(sum, count)| (count > 0.0).then(|| sum / count)).collect()
}

/// How many beats after the jump a song is found back: the first beat at which the mean of note in chord over
/// eight frames reaches 95 % of the song's own mean before the jump. Beat 0 begins with the jump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recovered {
    /// After so many beats.
    After(usize),
    /// Not before the song's end.
    Never,
}

/// When a song is found back; `None` if it never fitted before the jump, so that there is nothing to find
/// back to.
pub fn recovery(song: &Measured, jump: usize) -> Option<Recovered> {
    let fits = fits(song);
    let before = share_that_fits(fits.get(..jump)?).filter(|share| *share > 0.0)?;
    let after = &fits[jump..];
    let found = (0..).map(|beat| beat * BEAT).take_while(|at| at + WINDOW <= after.len()).find(|at| {
        share_that_fits(&after[*at..at + WINDOW]).is_some_and(|share| share >= RECOVERED * before)
    });
    Some(found.map_or(Recovered::Never, |at| Recovered::After(at / BEAT)))
}

/// Recoveries of many songs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recovery {
    /// Songs (each seed counts).
    pub songs: usize,
    /// Beats within which half of them are found back; `None` if fewer ever are.
    pub median: Option<f64>,
    /// Beats within which three quarters are.
    pub p75: Option<f64>,
    /// The share that never is before the song's end.
    pub never: f64,
}

impl Recovery {
    /// Sums up; `None` without songs. Quantiles are nearest ranks, a song never found back counting as
    /// infinite.
    pub fn of(all: &[Recovered]) -> Option<Self> {
        let mut beats: Vec<f64> = all
            .iter()
            .map(|recovered| match recovered {
                Recovered::After(beats) => *beats as f64,
                Recovered::Never => f64::INFINITY,
            })
            .collect();
        beats.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let at = (share * beats.len() as f64).ceil() as usize;
            beats.get(at.saturating_sub(1)).copied().filter(|beats| beats.is_finite())
        };
        let never = beats.iter().filter(|beats| beats.is_infinite()).count();
        (!beats.is_empty()).then(|| Self {
            songs: beats.len(),
            median: rank(0.5),
            p75: rank(0.75),
            never: never as f64 / beats.len() as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::{
        meter::BarPhase,
        notation::{parse_chords, parse_melody},
    };

    fn with<T>(melody: &str, chords: &str, check: impl Fn(Measured) -> T) -> T {
        let (melody, chords) = (parse_melody(melody).unwrap(), parse_chords(chords).unwrap());
        let phases = vec![BarPhase::Unknown; melody.len()];
        let counts = vec![true; melody.len()];
        check(Measured { melody: &melody, chords: &chords, phases: &phases, counts: &counts })
    }

    const TUNE: &str = "| C4 - - - - - - - - - - - - - - - | F#4 - - - - - - - - - - - . . . . |";

    #[test]
    fn beats_without_both_lanes_are_left_out() {
        let chords =
            "| C - - - F#- - - . . . . C - - - | C - - - F# - - - - - C - - - - - |".replace("F#-", "F# -");
        let beats = with(TUNE, &chords, |song| by_beat([(song, 0)].into_iter(), 9));
        let expected = [Some(1.0), Some(0.0), None, Some(1.0), Some(0.0), Some(1.0), Some(0.5), None, None];
        assert_eq!(beats, expected);
        let late = with(TUNE, &chords, |song| by_beat([(song, 16), (song, 0)].into_iter(), 2));
        assert_eq!(late, [Some(0.5), Some(0.5)]);
    }

    #[test]
    fn recovery_by_hand() {
        let check = |chords: &str, expected| {
            assert_eq!(with(TUNE, chords, |song| recovery(&song, 16)), expected, "{chords}");
        };
        let before = "| C - - - - - - - - - - - - - - - |";
        check(&format!("{before} F# - - - - - - - - - - - - - - - |"), Some(Recovered::After(0)));
        // Wrong for a beat: the window from beat 1 on is the first that fits throughout.
        check(&format!("{before} C - - - F# - - - - - - - - - - - |"), Some(Recovered::After(1)));
        // Found two frames later, beat 1's window holds 6 of 8; beat 2's has only four frames of melody left,
        // all in.
        check(&format!("{before} C - - - - - F# - - - - - - - - - |"), Some(Recovered::After(2)));
        check(&format!("{before} C - - - - - - - - - - - - - - - |"), Some(Recovered::Never));
        check("| F# - - - - - - - - - - - - - - - | F# - - - - - - - - - - - - - - - |", None);
        // Half in before: half is enough after.
        check(
            "| C - - - - - - - F# - - - - - - - | C - - - F# - - - - - - - - - - - |",
            Some(Recovered::After(0)),
        );
    }

    #[test]
    fn those_never_found_back_are_infinite() {
        use Recovered::{After, Never};
        let check = |all: &[Recovered], median, p75, never| {
            let found = Recovery::of(all).unwrap();
            assert_eq!((found.median, found.p75, found.never), (median, p75, never), "{all:?}");
        };
        check(&[After(4), After(0), After(1), After(2)], Some(1.0), Some(2.0), 0.0);
        check(&[After(4), Never, After(1), Never], Some(4.0), None, 0.5);
        check(&[Never, Never, After(1)], None, None, 2.0 / 3.0);
        assert_eq!(Recovery::of(&[]), None);
    }
}
