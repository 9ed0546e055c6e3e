//! What an accompaniment is measured by. Every metric is defined in this folder, in words and in code, and
//! tested on lead sheets small enough to count by hand. Those of one song's lanes alone stand here; those
//! that compare, or run over time, have files of their own. `super::report::columns` names them all for
//! reports.

pub mod adaptation;
pub mod bootstrap;
pub mod distance;
pub mod vendi;

use music::{
    chord::Chord,
    harmony::{ChordFrame, sounding},
    melody::MelodyFrame,
    meter::BarPhase,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The longest chord length with a bin of its own, in frames; longer ones share one more bin.
const LONGEST: usize = 32;

/// Bins of chord lengths: bounded by 0, 1, ... 32, 33, infinity frames (paper, appendix K).
pub const LENGTH_BINS: usize = LONGEST + 2;

/// Bins of chord-to-note onset intervals: bounded by 0, 1, ... 16, 17, infinity frames (paper, appendix K).
pub const INTERVAL_BINS: usize = 18;

/// One song's lanes, as they are measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The melody.
    pub melody: &'a [MelodyFrame],
    /// The chords under it.
    pub chords: &'a [ChordFrame],
    /// Bar phases.
    pub phases: &'a [BarPhase],
    /// Frames that count: those whose chord the source annotates.
    pub counts: &'a [bool],
}

/// Means over songs, or shares over all songs pooled, as each says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Songs measured.
    pub songs: usize,
    /// Frames whose melody pitch class is in the chord, of those where both sound; mean over songs.
    pub note_in_chord: f64,
    /// Frames with a silent chord, of those with a sounding melody; pooled.
    pub silence: f64,
    /// Changes of chord on a bar line, of all in known metre; pooled. (A song's first chord is no change.)
    pub on_bar: f64,
    /// Changes on a bar line or in the middle of a bar; pooled.
    pub on_half_bar: f64,
    /// Changes a bar; pooled.
    pub changes_per_bar: f64,
    /// Entropy of chord lengths in frames (1..=32, longer), in nats; pooled.
    pub length_entropy: f64,
    /// Entropy of which chord sounds, over a song's frames, in nats; mean over songs.
    pub chord_entropy: f64,
    /// Pitch classes in the sounding chord; mean over frames, pooled.
    pub pitch_classes: f64,
    /// Chords exactly one bar long, of all; pooled.
    pub bar_lock: f64,
    /// Chords longer than 32 frames, of all; pooled.
    pub long_chords: f64,
    /// Different chords in a song; mean over songs.
    pub distinct_chords: f64,
    /// Shares of chords by length in frames, [`LENGTH_BINS`]; pooled.
    pub lengths: Vec<f64>,
    /// Shares of struck chords by frames since the nearest melody onset at or before them, [`INTERVAL_BINS`];
    /// those before the first note are left out; pooled.
    pub intervals: Vec<f64>,
}

fn entropy(counts: impl Iterator<Item = f64> + Clone) -> f64 {
    let total: f64 = counts.clone().sum();
    -counts.filter(|c| *c > 0.0).map(|c| c / total * (c / total).ln()).sum::<f64>()
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { f64::NAN }
}

/// Which chord sounds in each frame, inversions not told apart: no system here chooses them.
fn heard(chords: &[ChordFrame]) -> Vec<Option<Chord>> {
    sounding(chords).into_iter().map(|chord| chord.map(|c| Chord::new(c.root, c.quality))).collect()
}

/// A stretch of one sounding chord.
struct Span {
    chord: Chord,
    start: usize,
    len: usize,
}

/// Stretches of equal chords: a chord struck again is the same chord going on.
fn spans(song: &Measured) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (t, chord) in heard(song.chords).into_iter().enumerate() {
        let Some(chord) = chord.filter(|_| song.counts[t]) else { continue };
        match spans.last_mut() {
            Some(span) if span.chord == chord && span.start + span.len == t => span.len += 1,
            _ => spans.push(Span { chord, start: t, len: 1 }),
        }
    }
    spans
}

/// For each frame that counts and in which melody and chord both sound, whether the melody's pitch class is
/// in the chord; `None` in all others.
pub fn fits(song: &Measured) -> Vec<Option<bool>> {
    let mut pitch = None;
    let both = |(t, (chord, frame)): (usize, (Option<Chord>, &MelodyFrame))| {
        match *frame {
            MelodyFrame::Rest => pitch = None,
            MelodyFrame::Onset(p) => pitch = Some(p),
            MelodyFrame::Hold => {}
        }
        let (pitch, chord) = pitch.zip(chord).filter(|_| song.counts[t])?;
        Some(chord.pitch_classes().contains(pitch.class()))
    };
    heard(song.chords).into_iter().zip(song.melody).enumerate().map(both).collect()
}

/// The share of frames that fit, of those in which both sound; `None` if there is none.
pub fn share_that_fits(fits: &[Option<bool>]) -> Option<f64> {
    let both = fits.iter().flatten().count();
    (both > 0).then(|| fits.iter().flatten().filter(|fits| **fits).count() as f64 / both as f64)
}

/// Note in chord of the first chord that counts, from where it counts to where it changes.
pub fn first_chord(song: &Measured) -> Option<f64> {
    let first = spans(song).into_iter().next()?;
    share_that_fits(&fits(song)[first.start..first.start + first.len])
}

/// Counts of struck chords by frames since the nearest melody onset at or before them.
fn onset_intervals(song: &Measured) -> [f64; INTERVAL_BINS] {
    let mut counts = [0.0; INTERVAL_BINS];
    let mut note = None;
    for (t, (frame, chord)) in song.melody.iter().zip(song.chords).enumerate() {
        if matches!(frame, MelodyFrame::Onset(_)) {
            note = Some(t);
        }
        if let (ChordFrame::Onset(_), true, Some(note)) = (chord, song.counts[t], note) {
            counts[(t - note).min(INTERVAL_BINS - 1)] += 1.0;
        }
    }
    counts
}

fn shares(counts: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| if total > 0.0 { count / total } else { 0.0 }).collect()
}

/// Measures songs.
pub fn measure(songs: &[Measured]) -> Metrics {
    let mut out = Metrics { songs: songs.len(), ..Metrics::default() };
    let (mut nic, mut entropies, mut distinct) = (Vec::new(), Vec::new(), Vec::new());
    let (mut silent, mut sung) = (0.0, 0.0);
    let (mut in_metre, mut on_bar, mut on_half, mut bars) = (0.0, 0.0, 0.0, 0.0);
    let (mut lengths, mut intervals) = ([0.0; LENGTH_BINS], [0.0; INTERVAL_BINS]);
    let (mut classes, mut chord_frames, mut locked, mut chords) = (0.0, 0.0, 0.0, 0.0);
    for song in songs {
        let under = heard(song.chords);
        let mut sings = false;
        let mut time_of: HashMap<Chord, f64> = HashMap::new();
        for (t, frame) in song.melody.iter().enumerate() {
            match *frame {
                MelodyFrame::Rest => sings = false,
                MelodyFrame::Onset(_) => sings = true,
                MelodyFrame::Hold => {}
            }
            if !song.counts[t] {
                continue;
            }
            if let BarPhase::At { length, .. } = song.phases[t] {
                bars += 1.0 / f64::from(length);
            }
            if let Some(chord) = under[t] {
                classes += f64::from(chord.pitch_classes().len());
                chord_frames += 1.0;
                *time_of.entry(chord).or_default() += 1.0;
            }
            if sings {
                sung += 1.0;
                silent += f64::from(u8::from(under[t].is_none()));
            }
        }
        nic.extend(share_that_fits(&fits(song)));
        if !time_of.is_empty() {
            // In a fixed order, so that the same songs give the same sum to the last bit.
            let mut times: Vec<f64> = time_of.values().copied().collect();
            times.sort_by(f64::total_cmp);
            entropies.push(entropy(times.iter().copied()));
            distinct.push(times.len() as f64);
        }
        for (total, count) in intervals.iter_mut().zip(onset_intervals(song)) {
            *total += count;
        }
        for (n, span) in spans(song).iter().enumerate() {
            chords += 1.0;
            lengths[span.len.min(LONGEST + 1)] += 1.0;
            let phase = song.phases[span.start];
            if matches!(phase, BarPhase::At { length, .. } if usize::from(length) == span.len) {
                locked += 1.0;
            }
            if n > 0 && phase != BarPhase::Unknown {
                in_metre += 1.0;
                on_bar += f64::from(u8::from(phase.is_bar_line()));
                on_half += f64::from(u8::from(phase.is_half_bar()));
            }
        }
    }
    let mean = |values: &[f64]| ratio(values.iter().sum(), values.len() as f64);
    out.note_in_chord = mean(&nic);
    out.silence = ratio(silent, sung);
    out.on_bar = ratio(on_bar, in_metre);
    out.on_half_bar = ratio(on_half, in_metre);
    out.changes_per_bar = ratio(in_metre, bars);
    out.length_entropy = entropy(lengths.iter().copied());
    out.chord_entropy = mean(&entropies);
    out.pitch_classes = ratio(classes, chord_frames);
    out.bar_lock = ratio(locked, chords);
    out.long_chords = ratio(lengths[LONGEST + 1], chords);
    out.distinct_chords = mean(&distinct);
    out.lengths = shares(&lengths);
    out.intervals = shares(&intervals);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::{
        grid::{Beats, Frame},
        meter::Meter,
        notation::{parse_chords, parse_melody},
    };

    fn check(melody: &str, chords: &str) -> Metrics {
        let (melody, chords) = (parse_melody(melody).unwrap(), parse_chords(chords).unwrap());
        let phases: Vec<_> =
            (0..melody.len() as i64).map(|f| BarPhase::of(Frame(f), Meter::COMMON, Beats(0.0))).collect();
        let counts = vec![true; melody.len()];
        measure(&[Measured { melody: &melody, chords: &chords, phases: &phases, counts: &counts }])
    }

    #[test]
    fn counted_by_hand() {
        // C major under C E (in) and D (out); two frames of rest; a change on the half bar, one on the bar
        // line.
        let m = check(
            "| C4 - - - E4 - - - D4 - - - . . G4 - | A4 - - - - - - - - - - - - - - - |",
            "| C  - - - -  - - - F  - - - - - -  - | .  - - - Am - - - - - - - - - - - |"
                .replace(". - - -", ". . . .")
                .as_str(),
        );
        // In: C, E over C (8 frames); D over F: out (4); G over F: out (2); A over Am (12 frames) in: 20 of
        // 26.
        assert!((m.note_in_chord - 20.0 / 26.0).abs() < 1e-9, "{m:?}");
        assert!((m.silence - 4.0 / 30.0).abs() < 1e-9);
        // Changes: F at the half bar, Am on beat 2 of bar 2.
        assert!(
            (m.on_bar - 0.0).abs() < 1e-9
                && (m.on_half_bar - 0.5).abs() < 1e-9
                && (m.changes_per_bar - 1.0).abs() < 1e-9
        );
        // Lengths 8, 8, 12.
        let expected = -(2.0 / 3.0 * (2.0f64 / 3.0).ln() + 1.0 / 3.0 * (1.0f64 / 3.0).ln());
        assert!((m.length_entropy - expected).abs() < 1e-9);
        assert!((m.pitch_classes - 3.0).abs() < 1e-9 && m.bar_lock == 0.0 && m.distinct_chords == 3.0);
    }

    #[test]
    fn a_chord_struck_again_is_no_change() {
        let m = check("| C4 - - - - - - - - - - - - - - - |", "| C - - - C - - - - - - - - - - - |");
        assert_eq!((m.changes_per_bar, m.bar_lock), (0.0, 1.0));
    }

    #[test]
    fn onset_intervals_by_hand() {
        // Notes on 2 and 6. Chords struck on 0 (before any note: left out), 2, 5, 6 and 24 (18 frames on:
        // last bin).
        let m = check(
            "| . . C4 - - - E4 - - - - - - - - - | - - - - - - - - - - - - |",
            "| C - F - - F G - - - - - - - - - | - - - - - - - - C - - - |",
        );
        let mut expected = vec![0.0; INTERVAL_BINS];
        (expected[0], expected[3], expected[17]) = (0.5, 0.25, 0.25);
        assert_eq!(m.intervals, expected);
        assert_eq!(m.lengths.iter().sum::<f64>(), 1.0);
        // C 2, F 4 (struck twice), G 18, C 4 frames.
        assert_eq!((m.lengths[2], m.lengths[4], m.lengths[18]), (0.25, 0.5, 0.25));
    }

    #[test]
    fn the_first_chord_is_that_of_the_first_frame_that_counts() {
        let melody = parse_melody("| C4 - - - E4 - - - D4 - - - C4 - - - |").unwrap();
        let chords = parse_chords("| F - - - C - - - - - - - Am - - - |").unwrap();
        let phases = vec![BarPhase::Unknown; 16];
        let counts: Vec<bool> = (0..16).map(|t| t >= 6).collect();
        let song = Measured { melody: &melody, chords: &chords, phases: &phases, counts: &counts };
        // C from frame 6 to 12: E for two frames in it, D for four not.
        assert_eq!(first_chord(&song), Some(2.0 / 6.0));
        let nothing = vec![false; 16];
        assert_eq!(first_chord(&Measured { counts: &nothing, ..song }), None);
    }
}
