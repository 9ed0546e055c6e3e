//! Crops, and what is done to them so that the model learns from music that was never played:
//! other keys and octaves, dropped and misplaced notes, a jump of key in mid-song, wrong chords put right.
//!
//! Curated songs hold no mistakes, so a model of them does not know how to recover from its own (the exposure
//! bias of METHOD's section 1). Wrong chords are put into what the model is told it played, never into what it
//! is to answer; a beat or some later the right chord is struck, and that it is to answer.

use music::{
    chord::Chord,
    grid::FRAMES_PER_BEAT,
    harmony::{ChordFrame, sounding},
    lead_sheet::Frames,
    melody::MelodyFrame,
    meter::BarPhase,
};
use rand::{Rng, seq::IndexedRandom};
use serde::{Deserialize, Serialize};

/// A stretch of a song; every lane has one entry a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crop {
    /// The melody.
    pub melody: Vec<MelodyFrame>,
    /// The chords.
    pub chords: Vec<ChordFrame>,
    /// Whether the source says what the chord is.
    pub annotated: Vec<bool>,
    /// Bar phases.
    pub phases: Vec<BarPhase>,
    /// What the accompanist played, where that is not what was right.
    pub played: Option<Vec<ChordFrame>>,
}

impl Crop {
    /// Frames `from..from + len` of a song, as far as it goes. What holds at the cut starts there.
    pub fn cut(frames: &Frames, from: usize, len: usize) -> Self {
        let to = (from + len).min(frames.len());
        let mut crop = Self {
            melody: frames.melody[from..to].to_vec(),
            chords: frames.chords[from..to].to_vec(),
            annotated: frames.annotated[from..to].to_vec(),
            phases: frames.phases[from..to].to_vec(),
            played: None,
        };
        if crop.chords.first() == Some(&ChordFrame::Hold)
            && let Some(chord) = sounding(&frames.chords[..=from])[from]
        {
            crop.chords[0] = ChordFrame::Onset(chord);
        }
        if crop.melody.first() == Some(&MelodyFrame::Hold) {
            let before = frames.melody[..from].iter().rev().find(|m| !matches!(m, MelodyFrame::Hold));
            crop.melody[0] = before.copied().unwrap_or(MelodyFrame::Rest);
        }
        crop
    }

    /// Frames in the crop.
    pub fn len(&self) -> usize {
        self.melody.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.melody.is_empty()
    }

    /// Puts another crop behind this one.
    pub fn append(&mut self, other: Self) {
        self.melody.extend(other.melody);
        self.chords.extend(other.chords);
        self.annotated.extend(other.annotated);
        self.phases.extend(other.phases);
    }

    /// Moves both lanes by `semitones` from frame `from` on. What sounds across `from` starts anew there.
    pub fn transpose(&mut self, from: usize, semitones: i32) {
        let chord = sounding(&self.chords).get(from).copied().flatten();
        if self.chords.get(from) == Some(&ChordFrame::Hold)
            && let Some(chord) = chord
        {
            self.chords[from] = ChordFrame::Onset(chord);
        }
        if self.melody.get(from) == Some(&MelodyFrame::Hold)
            && let Some(before) =
                self.melody[..from].iter().rev().find(|m| !matches!(m, MelodyFrame::Hold)).copied()
        {
            self.melody[from] = before;
        }
        for frame in self.chords.iter_mut().skip(from) {
            if let ChordFrame::Onset(chord) = frame {
                *chord = chord.transposed(semitones);
            }
        }
        for frame in self.melody.iter_mut().skip(from) {
            if let MelodyFrame::Onset(pitch) = frame {
                *pitch = pitch.transposed(semitones);
            }
        }
    }
}

/// How crops are changed; the first numbers are the probability that a crop is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Moved by -6 to +6 semitones.
    pub transposition: f64,
    /// The melody alone moved by an octave.
    pub octave: f64,
    /// A tenth of the notes dropped.
    pub dropped_notes: f64,
    /// A tenth of the onsets moved by a frame.
    pub jitter: f64,
    /// Both lanes jump to another key at a random beat; as likely again after each jump, up to [`MOST_JUMPS`].
    pub key_jump: f64,
    /// The bar phase hidden throughout.
    pub hidden_phase: f64,
    /// Wrong chords played, and put right.
    pub wrong_chords: f64,
    /// Chance that a wrong chord is put right on a beat,
    pub righted_on_beat: f64,
    /// in the middle of a bar,
    pub righted_on_half_bar: f64,
    /// and on a bar line.
    pub righted_on_bar: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            transposition: 1.0,
            octave: 0.2,
            dropped_notes: 0.1,
            jitter: 0.1,
            key_jump: 0.2,
            hidden_phase: 0.15,
            wrong_chords: 0.75,
            righted_on_beat: 0.2,
            righted_on_half_bar: 0.5,
            righted_on_bar: 0.95,
        }
    }
}

/// Jumps of key in one crop, at most.
pub const MOST_JUMPS: usize = 8;

/// Share of notes that drop-out and jitter touch.
const TOUCHED: f64 = 0.1;

impl Augmentation {
    /// Whether all probabilities are some.
    ///
    /// # Errors
    /// A sentence that names one that is not.
    pub fn check(&self) -> Result<(), String> {
        let all = [
            ("transposition", self.transposition),
            ("octave", self.octave),
            ("dropped_notes", self.dropped_notes),
            ("jitter", self.jitter),
            ("key_jump", self.key_jump),
            ("hidden_phase", self.hidden_phase),
            ("wrong_chords", self.wrong_chords),
            ("righted_on_beat", self.righted_on_beat),
            ("righted_on_half_bar", self.righted_on_half_bar),
            ("righted_on_bar", self.righted_on_bar),
        ];
        match all.into_iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
            Some((name, p)) => Err(format!("augmentation.{name} is {p}, must be from 0 to 1")),
            None => Ok(()),
        }
    }

    /// No change at all.
    pub const NONE: Self = Self {
        transposition: 0.0,
        octave: 0.0,
        dropped_notes: 0.0,
        jitter: 0.0,
        key_jump: 0.0,
        hidden_phase: 0.0,
        wrong_chords: 0.0,
        righted_on_beat: 0.0,
        righted_on_half_bar: 0.0,
        righted_on_bar: 0.0,
    };

    /// Changes a crop of one song.
    pub fn apply(&self, mut crop: Crop, rng: &mut impl Rng) -> Crop {
        if rng.random_bool(self.transposition) {
            crop.transpose(0, rng.random_range(-6..=6));
        }
        if rng.random_bool(self.octave) {
            let octave = if rng.random_bool(0.5) { 12 } else { -12 };
            for frame in &mut crop.melody {
                if let MelodyFrame::Onset(pitch) = frame {
                    *pitch = pitch.transposed(octave);
                }
            }
        }
        if rng.random_bool(self.dropped_notes) {
            drop_notes(&mut crop.melody, rng);
        }
        if rng.random_bool(self.jitter) {
            jitter(&mut crop.melody, rng);
        }
        let beats = crop.len() / FRAMES_PER_BEAT as usize;
        for _ in 0..MOST_JUMPS {
            if beats <= 16 || !rng.random_bool(self.key_jump) {
                break;
            }
            let at = rng.random_range(8..beats) * FRAMES_PER_BEAT as usize;
            crop.transpose(at, *[-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6].choose(rng).unwrap_or(&1));
        }
        crop
    }

    /// Hides the bar phase of a whole crop, sometimes.
    pub fn hide_phase(&self, crop: &mut Crop, rng: &mut impl Rng) {
        if rng.random_bool(self.hidden_phase) {
            crop.phases.fill(BarPhase::Unknown);
        }
    }

    /// Lets the accompanist of a whole crop err and recover, sometimes.
    pub fn mislead(&self, crop: &mut Crop, rng: &mut impl Rng) {
        if rng.random_bool(self.wrong_chords) {
            self.play_wrong(crop, rng);
        }
    }
}

/// Of a crop's chords, the share that goes wrong in a crop where some do.
const WRONG_SHARE: f64 = 0.3;
/// Chance that a wrong chord is followed by a right one when the right one changes.
const RIGHTED_AT_CHANGE: f64 = 0.6;

impl Augmentation {
    /// Plays wrong chords in place of some right ones, and puts them right: see the head of this file.
    fn play_wrong(&self, crop: &mut Crop, rng: &mut impl Rng) {
        let right = sounding(&crop.chords);
        let known: Vec<Chord> = crop
            .chords
            .iter()
            .filter_map(|c| if let ChordFrame::Onset(chord) = c { Some(*chord) } else { None })
            .collect();
        let mut played = crop.chords.clone();
        let mut is_wrong = false;
        for t in 0..played.len() {
            let goes_on = matches!(crop.chords[t], ChordFrame::Hold);
            match crop.chords[t] {
                ChordFrame::Onset(chord) => {
                    is_wrong = rng.random_bool(if is_wrong { 1.0 - RIGHTED_AT_CHANGE } else { WRONG_SHARE });
                    if is_wrong {
                        played[t] = ChordFrame::Onset(wrong_for(chord, &known, rng));
                    }
                }
                ChordFrame::Silence => is_wrong = false,
                ChordFrame::Hold => {}
            }
            let on_beat = match crop.phases[t] {
                BarPhase::At { position, .. } => i64::from(position) % FRAMES_PER_BEAT == 0,
                BarPhase::Unknown => t as i64 % FRAMES_PER_BEAT == 0,
            };
            let chance = match crop.phases[t] {
                phase if phase.is_bar_line() => self.righted_on_bar,
                phase if phase.is_half_bar() => self.righted_on_half_bar,
                _ => self.righted_on_beat,
            };
            if is_wrong
                && goes_on
                && on_beat
                && rng.random_bool(chance)
                && let Some(chord) = right[t]
            {
                played[t] = ChordFrame::Onset(chord);
                crop.chords[t] = ChordFrame::Onset(chord);
                is_wrong = false;
            }
        }
        crop.played = Some(played);
    }
}

/// A chord that is not the right one: mostly one of the same song, else the right one elsewhere.
fn wrong_for(right: Chord, known: &[Chord], rng: &mut impl Rng) -> Chord {
    let is_other = |chord: &Chord| (chord.root, chord.quality) != (right.root, right.quality);
    let other = known.choose(rng).copied().filter(|chord| is_other(chord) && rng.random_bool(0.6));
    other.unwrap_or_else(|| right.transposed(rng.random_range(1..12)))
}

fn drop_notes(melody: &mut [MelodyFrame], rng: &mut impl Rng) {
    let mut dropping = false;
    for frame in melody {
        match frame {
            MelodyFrame::Onset(_) => dropping = rng.random_bool(TOUCHED),
            MelodyFrame::Rest => dropping = false,
            MelodyFrame::Hold => {}
        }
        if dropping {
            *frame = MelodyFrame::Rest;
        }
    }
}

fn jitter(melody: &mut [MelodyFrame], rng: &mut impl Rng) {
    for t in 1..melody.len() {
        let MelodyFrame::Onset(pitch) = melody[t] else { continue };
        if !rng.random_bool(TOUCHED) {
            continue;
        }
        if rng.random_bool(0.5) {
            // Early: it takes the end of what sounded before.
            if !matches!(melody[t - 1], MelodyFrame::Onset(_)) {
                melody[t - 1] = MelodyFrame::Onset(pitch);
                melody[t] = MelodyFrame::Hold;
            }
        } else if melody.get(t + 1) == Some(&MelodyFrame::Hold) {
            // Late: what sounded before goes on for a frame.
            melody[t] =
                if melody[t - 1] == MelodyFrame::Rest { MelodyFrame::Rest } else { MelodyFrame::Hold };
            melody[t + 1] = MelodyFrame::Onset(pitch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::notation::{parse_chords, parse_melody, print_chords, print_melody};
    use rand::SeedableRng;

    fn crop(melody: &str, chords: &str) -> Crop {
        let (melody, chords) = (parse_melody(melody).unwrap(), parse_chords(chords).unwrap());
        let len = melody.len();
        Crop {
            melody,
            chords,
            annotated: vec![true; len],
            phases: vec![BarPhase::Unknown; len],
            played: None,
        }
    }

    #[test]
    fn a_jump_in_mid_note_strikes_both_lanes_anew() {
        let mut jumped = crop("| C4 - - - E4 - - - |", "| C - - - - - - - |");
        jumped.transpose(2, 2);
        let expected = crop("| C4 - D4 - F#4 - - - |", "| C - D - - - - - |");
        assert_eq!(jumped, expected);
    }

    #[test]
    fn a_cut_in_mid_chord_starts_it() {
        let whole = crop("| C4 - - - E4 - - - |", "| Am - - - - - - - |");
        let frames = Frames {
            melody: whole.melody,
            chords: whole.chords,
            annotated: whole.annotated,
            phases: whole.phases,
        };
        assert_eq!(Crop::cut(&frames, 2, 4).chords, parse_chords("| Am - - - |").unwrap());
        assert_eq!(Crop::cut(&frames, 2, 4).melody, parse_melody("| C4 - E4 - |").unwrap());
    }

    #[test]
    fn wrong_chords_are_played_but_never_asked_for() {
        let (mut wrong, mut righted) = (0, 0);
        for seed in 0..50 {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let mut misled = crop(
                &"| C4 - - - - - - - - - - - - - - - |".repeat(4).replace("||", "|"),
                &"| C - - - - - - - G - - - - - - - |".repeat(4).replace("||", "|"),
            );
            let right = sounding(&misled.chords);
            Augmentation::default().play_wrong(&mut misled, &mut rng);
            let played = misled.played.clone().unwrap();
            // What is asked for is always the right chord: struck where it was, or where a wrong one is put right.
            assert_eq!(sounding(&misled.chords), right);
            let heard = sounding(&played);
            wrong += heard.iter().zip(&right).filter(|(a, b)| a != b).count();
            for t in 1..played.len() {
                if matches!(misled.chords[t], ChordFrame::Onset(_)) && t % 8 != 0 {
                    righted += 1;
                    assert!(heard[t - 1] != right[t - 1] && heard[t] == right[t] && t % 4 == 0);
                }
            }
        }
        assert!(wrong > 200 && righted > 20, "{wrong} {righted}");
    }

    #[test]
    fn no_augmentation_breaks_a_lane() {
        let all = Augmentation {
            transposition: 1.0,
            octave: 1.0,
            dropped_notes: 1.0,
            jitter: 1.0,
            key_jump: 1.0,
            hidden_phase: 1.0,
            wrong_chords: 1.0,
            ..Augmentation::default()
        };
        let line = "| C4 - E4 . G4 - - - |".repeat(20).replace("||", "|");
        let chords = "| C - - - - - - - |".repeat(20).replace("||", "|");
        for seed in 0..200 {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let out = all.apply(crop(&line, &chords), &mut rng);
            assert_eq!(out.len(), 160);
            for pair in out.melody.windows(2) {
                assert!(
                    pair != [MelodyFrame::Rest, MelodyFrame::Hold],
                    "{}",
                    print_melody(&out.melody, &out.phases)
                );
            }
            assert!(
                sounding(&out.chords).iter().all(Option::is_some),
                "{}",
                print_chords(&out.chords, &out.phases)
            );
        }
    }
}
