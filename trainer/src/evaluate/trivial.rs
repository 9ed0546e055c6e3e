//! The trivial accompanist that every model has to beat (METHOD 11.2): it follows the key by half bars.
//!
//! On every half bar it finds the key of the last 16 beats of melody, by correlation with Krumhansl and
//! Kessler's probe-tone profiles (1982), and plays the diatonic triad of that key that holds most of the last
//! half bar's melody. Like a policy it hears the frames before the one it answers for, and no more.

use super::rollout::Melody;
use music::{
    chord::{Chord, Quality},
    grid::FRAMES_PER_BEAT,
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::BarPhase,
    pitch::{PitchClass, PitchClassSet},
};

/// Frames of melody that the key is found in: 16 beats.
const KEY_FRAMES: usize = 16 * FRAMES_PER_BEAT as usize;

/// Half a bar where nobody says what a bar is: that of common time.
const PRESUMED_HALF_BAR: usize = 2 * FRAMES_PER_BEAT as usize;

/// How well each semitone above the tonic fits a key: major, then minor.
const PROFILES: [[f64; 12]; 2] = [
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
];

/// The major scale and the natural minor scale.
const SCALES: [[u8; 7]; 2] = [[0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]];

/// Degrees in the order in which they are taken where several hold equally much: the tonic first, then the
/// other main functions. (METHOD 11.2 says no more than that ties go to I.)
const PREFERRED: [usize; 7] = [0, 3, 4, 5, 1, 2, 6];

/// A key: its tonic, and whether it is minor.
type Key = (i32, usize);

fn correlation(a: &[f64; 12], b: impl Fn(usize) -> f64) -> f64 {
    let mean_a = a.iter().sum::<f64>() / 12.0;
    let mean_b = (0..12).map(&b).sum::<f64>() / 12.0;
    let (mut both, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (n, a) in a.iter().enumerate() {
        let (a, b) = (a - mean_a, b(n) - mean_b);
        both += a * b;
        square_a += a * a;
        square_b += b * b;
    }
    if square_a * square_b > 0.0 { both / (square_a * square_b).sqrt() } else { 0.0 }
}

/// The key whose profile fits these times of pitch classes best; of equals major, then the lowest tonic.
/// `None` if nothing sounds.
fn key_of(times: &[f64; 12]) -> Option<Key> {
    if times.iter().sum::<f64>() <= 0.0 {
        return None;
    }
    let mut best = ((0, 0), f64::NEG_INFINITY);
    for (mode, profile) in PROFILES.iter().enumerate() {
        for tonic in 0..12 {
            let fit = correlation(profile, |n| times[(n + tonic) % 12]);
            if fit > best.1 {
                best = ((tonic as i32, mode), fit);
            }
        }
    }
    Some(best.0)
}

/// The triads of a key, from the first degree to the seventh.
fn triads((tonic, mode): Key) -> [Chord; 7] {
    let scale = SCALES[mode];
    std::array::from_fn(|degree| {
        let above = |steps: usize| (scale[(degree + steps) % 7] + 12 - scale[degree]) % 12;
        let quality = Quality::nearest(PitchClassSet::from_intervals(&[0, above(2), above(4)]));
        Chord::new(PitchClass::new(tonic + i32::from(scale[degree])), quality)
    })
}

fn is_decision(t: usize, phase: BarPhase) -> bool {
    match phase {
        BarPhase::Unknown => t.is_multiple_of(PRESUMED_HALF_BAR),
        at => at.is_half_bar(),
    }
}

/// Accompanies a melody. Silent until the first half bar that begins after a note. Of triads that hold
/// equally much the first of `PREFERRED` is played.
pub fn accompany(melody: &Melody) -> Vec<ChordFrame> {
    let mut sounding = None;
    let heard: Vec<Option<PitchClass>> = melody
        .frames
        .iter()
        .map(|frame| {
            match frame {
                MelodyFrame::Rest => sounding = None,
                MelodyFrame::Onset(pitch) => sounding = Some(pitch.class()),
                MelodyFrame::Hold => {}
            }
            sounding
        })
        .collect();
    let mut chords = Vec::with_capacity(heard.len());
    let (mut key, mut playing, mut last) = (None, None, 0);
    for t in 0..heard.len() {
        let mut frame = if playing.is_some() { ChordFrame::Hold } else { ChordFrame::Silence };
        if is_decision(t, melody.phases.get(t).copied().unwrap_or(BarPhase::Unknown)) {
            let mut times = [0.0; 12];
            for class in heard[t.saturating_sub(KEY_FRAMES)..t].iter().flatten() {
                times[usize::from(class.semitones())] += 1.0;
            }
            key = key_of(&times).or(key);
            if let Some(key) = key {
                let held = |chord: &Chord| {
                    let fits = |class: &&PitchClass| chord.pitch_classes().contains(**class);
                    heard[last..t].iter().flatten().filter(fits).count()
                };
                let triads = triads(key);
                let best = PREFERRED.into_iter().rev().map(|degree| triads[degree]).max_by_key(held);
                if best != playing {
                    frame = best.map_or(ChordFrame::Silence, ChordFrame::Onset);
                    playing = best;
                }
            }
            last = t;
        }
        chords.push(frame);
    }
    chords
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::{
        grid::{Beats, Frame},
        meter::Meter,
        notation::{parse_melody, print_chords},
    };

    #[test]
    fn keys_are_those_of_their_scales() {
        let check = |midi: &[usize], expected: Option<Key>| {
            let mut times = [0.0; 12];
            midi.iter().for_each(|n| times[n % 12] += 1.0);
            assert_eq!(key_of(&times), expected, "{midi:?}");
        };
        check(&[], None);
        check(&[0, 2, 4, 5, 7, 9, 11, 0, 4, 7], Some((0, 0)));
        check(&[7, 9, 11, 0, 2, 4, 6, 7, 11, 2], Some((7, 0)));
        check(&[9, 11, 0, 2, 4, 5, 7, 9, 0, 4], Some((9, 1)));
    }

    #[test]
    fn triads_are_diatonic() {
        let names = |key| triads(key).map(|c| c.to_string()).join(" ");
        assert_eq!(names((0, 0)), "C Dm Em F G Am Bdim");
        assert_eq!(names((9, 1)), "Am Bdim C Dm Em F G");
    }

    #[test]
    fn it_answers_for_the_half_bar_before() {
        let melody = parse_melody(
            "| C4 - E4 - G4 - C4 - F4 - A4 - C5 - F4 - | G4 - - - B4 - D5 - . . . . . . . . \
             | C4 - - - - - - - |",
        )
        .unwrap();
        let phases: Vec<_> =
            (0..melody.len() as i64).map(|f| BarPhase::of(Frame(f), Meter::COMMON, Beats(0.0))).collect();
        let check = |phases: &[BarPhase]| {
            let chords = accompany(&Melody { frames: &melody, phases, given: &[] });
            // Nothing was heard before the first half bar; then C, F, G; a half bar of rests holds nothing
            // for all alike: the first degree.
            print_chords(&chords, &[]).to_string()
        };
        let found = check(&phases);
        let words: Vec<&str> = found.split_whitespace().filter(|word| *word != "|").collect();
        let at = |t: usize| words[t];
        assert_eq!([0, 7, 8, 16, 24, 32].map(at), [".", ".", "C", "F", "G", "C"], "{found}");
        assert_eq!(found, check(&vec![BarPhase::Unknown; melody.len()]));
    }
}
