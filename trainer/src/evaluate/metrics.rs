//! What an accompaniment is measured by. Every metric is defined here, in words and in code, and tested on
//! lead sheets small enough to count by hand.

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

/// One song's lanes, as they are measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The melody.
    pub melody: &'a [MelodyFrame],
    /// The chords under it.
    pub chords: &'a [ChordFrame],
    /// Bar phases.
    pub phases: &'a [BarPhase],
    /// Frames that count: for the humans' chords, those that the source annotates; for a system's, all.
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

/// Measures songs.
pub fn measure(songs: &[Measured]) -> Metrics {
    let mut out = Metrics { songs: songs.len(), ..Metrics::default() };
    let (mut nic, mut entropies, mut distinct) = (Vec::new(), Vec::new(), Vec::new());
    let (mut silent, mut sung) = (0.0, 0.0);
    let (mut changes, mut in_metre, mut on_bar, mut on_half, mut bars) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut lengths = [0.0; LONGEST + 2];
    let (mut classes, mut chord_frames, mut locked, mut chords) = (0.0, 0.0, 0.0, 0.0);
    for song in songs {
        let under = heard(song.chords);
        let mut pitch = None;
        let (mut fits, mut both) = (0.0, 0.0);
        let mut time_of: HashMap<Chord, f64> = HashMap::new();
        for (t, frame) in song.melody.iter().enumerate() {
            match *frame {
                MelodyFrame::Rest => pitch = None,
                MelodyFrame::Onset(p) => pitch = Some(p),
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
            if let Some(pitch) = pitch {
                sung += 1.0;
                match under[t] {
                    None => silent += 1.0,
                    Some(chord) => {
                        both += 1.0;
                        fits += f64::from(u8::from(chord.pitch_classes().contains(pitch.class())));
                    }
                }
            }
        }
        if both > 0.0 {
            nic.push(fits / both);
        }
        if !time_of.is_empty() {
            entropies.push(entropy(time_of.values().copied()));
            distinct.push(time_of.len() as f64);
        }
        for (n, span) in spans(song).iter().enumerate() {
            chords += 1.0;
            lengths[span.len.min(LONGEST + 1)] += 1.0;
            let phase = song.phases[span.start];
            if matches!(phase, BarPhase::At { length, .. } if usize::from(length) == span.len) {
                locked += 1.0;
            }
            if n > 0 {
                changes += 1.0;
                if phase != BarPhase::Unknown {
                    in_metre += 1.0;
                    on_bar += f64::from(u8::from(phase.is_bar_line()));
                    on_half += f64::from(u8::from(phase.is_half_bar()));
                }
            }
        }
    }
    let mean = |values: &[f64]| ratio(values.iter().sum(), values.len() as f64);
    out.note_in_chord = mean(&nic);
    out.silence = ratio(silent, sung);
    out.on_bar = ratio(on_bar, in_metre);
    out.on_half_bar = ratio(on_half, in_metre);
    out.changes_per_bar = ratio(changes, bars);
    out.length_entropy = entropy(lengths.iter().copied());
    out.chord_entropy = mean(&entropies);
    out.pitch_classes = ratio(classes, chord_frames);
    out.bar_lock = ratio(locked, chords);
    out.long_chords = ratio(lengths[LONGEST + 1], chords);
    out.distinct_chords = mean(&distinct);
    out
}

impl Metrics {
    /// Names and values, in the order of reports.
    pub fn rows(&self) -> [(&'static str, f64); 11] {
        [
            ("note in chord", self.note_in_chord),
            ("silence", self.silence),
            ("changes on bar", self.on_bar),
            ("on bar or half bar", self.on_half_bar),
            ("changes per bar", self.changes_per_bar),
            ("length entropy", self.length_entropy),
            ("chord entropy", self.chord_entropy),
            ("pitch classes", self.pitch_classes),
            ("bar lock", self.bar_lock),
            ("long chords", self.long_chords),
            ("distinct chords", self.distinct_chords),
        ]
    }
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
        // C major under C E (in) and D (out); two frames of rest; a change on the half bar, one on the bar line.
        let m = check(
            "| C4 - - - E4 - - - D4 - - - . . G4 - | A4 - - - - - - - - - - - - - - - |",
            "| C  - - - -  - - - F  - - - - - -  - | .  - - - Am - - - - - - - - - - - |"
                .replace(". - - -", ". . . .")
                .as_str(),
        );
        // In: C, E over C (8 frames); D over F: out (4); G over F: out (2); A over Am (12 frames) in: 20 of 26.
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
}
