//! Which key the melody and the chords are in, and how sure that is: a hidden Markov model of 24 keys, its forward
//! filter one step a frame. Worker thread; pure.
//!
//! What a pitch class tells of a key are the profiles of Albrecht & Shanahan, "The use of large corpora to train a
//! new type of key-finding algorithm" (Music Perception 31, 2013), for each frame that it sounds. What was heard
//! fades because the key may change with every frame, if rarely: so confidence falls in long rests, and a modulation
//! is followed the sooner the farther it goes.

use music::{
    chord::Chord,
    key::{Key, Mode},
    melody::MelodyFrame,
    pitch::{OCTAVE, Pitch, PitchClass},
    vocab::ChordToken,
};

const CLASSES: usize = OCTAVE as usize;
/// The modes told apart; the others are near one of them.
const MODES: [Mode; 2] = [Mode::Major, Mode::Minor];
const KEYS: usize = MODES.len() * CLASSES;

/// How often each pitch class is heard in a key of [`MODES`], by semitones above the tonic.
const PROFILES: [[f32; CLASSES]; MODES.len()] = [
    [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081],
    [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052],
];
/// The share of the profiles that is the same for all classes, so that one chromatic note rules no key out.
const BLUR: f32 = 0.15;
/// What a frame of melody counts: neighbouring frames tell much the same.
const MELODY_WEIGHT: f32 = 0.2;
/// An onset counts more than a hold.
const ONSET_FACTOR: f32 = 2.0;
/// What all tones of a frame's chord count together: they are the model's guess.
const CHORD_WEIGHT: f32 = 0.1;
/// How likely the key changes with a frame: once in 32 bars.
const CHANGE: f32 = 1.0 / 512.0;
/// Notes heard until there is a key to speak of.
const MIN_NOTES: u32 = 4;

/// Follows the key.
#[derive(Clone, Debug)]
pub struct KeyFinder {
    /// How likely each key is; they add up to 1. Mode by mode, from C upwards.
    belief: [f32; KEYS],
    /// What each class tells of each key: the logarithm of its profile.
    tells: [[f32; CLASSES]; KEYS],
    notes: u32,
    sounding: Option<Pitch>,
}

impl Default for KeyFinder {
    fn default() -> Self {
        let mut tells = [[0.0; CLASSES]; KEYS];
        for (idx, tells) in tells.iter_mut().enumerate() {
            for (class, tell) in tells.iter_mut().enumerate() {
                let above = (class + CLASSES - idx % CLASSES) % CLASSES;
                *tell = ((1.0 - BLUR) * PROFILES[idx / CLASSES][above] + BLUR / CLASSES as f32).ln();
            }
        }
        Self { belief: [1.0 / KEYS as f32; KEYS], tells, notes: 0, sounding: None }
    }
}

impl KeyFinder {
    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = Self { tells: self.tells, ..Self::default() };
    }

    /// Takes in a frame: what the melody does, and the chord that sounds.
    pub fn hear(&mut self, melody: MelodyFrame, sounding: ChordToken) {
        let mut counts = [0.0; CLASSES];
        match melody {
            MelodyFrame::Onset(pitch) => {
                self.notes += 1;
                self.sounding = Some(pitch);
                counts[usize::from(pitch.class().semitones())] += MELODY_WEIGHT * ONSET_FACTOR;
            }
            MelodyFrame::Hold => {
                if let Some(pitch) = self.sounding {
                    counts[usize::from(pitch.class().semitones())] += MELODY_WEIGHT;
                }
            }
            MelodyFrame::Rest => self.sounding = None,
        }
        if let Some(chord) = sounding.chord() {
            let tones = chord.pitch_classes();
            for class in PitchClass::all().filter(|class| tones.contains(*class)) {
                counts[usize::from(class.semitones())] += share(chord);
            }
        }
        self.weigh(&counts);
    }

    /// The likeliest key and how likely it is, 0..=1; none before some notes were heard.
    pub fn key(&self) -> Option<(Key, f32)> {
        let likeliest = (0..KEYS).max_by(|a, b| self.belief[*a].total_cmp(&self.belief[*b]))?;
        let key = Key::new(PitchClass::new((likeliest % CLASSES) as i32), MODES[likeliest / CLASSES]);
        (self.notes >= MIN_NOTES).then_some((key, self.belief[likeliest]))
    }

    /// One step of the forward filter.
    fn weigh(&mut self, counts: &[f32; CLASSES]) {
        let told = |tells: &[f32; CLASSES]| -> f32 { tells.iter().zip(counts).map(|(t, n)| t * n).sum() };
        for (belief, tells) in self.belief.iter_mut().zip(&self.tells) {
            *belief = ((1.0 - CHANGE) * *belief + CHANGE / KEYS as f32) * told(tells).exp();
        }
        let total: f32 = self.belief.iter().sum();
        self.belief.iter_mut().for_each(|belief| *belief /= total);
    }
}

/// What each tone of a chord counts.
fn share(chord: Chord) -> f32 {
    CHORD_WEIGHT / chord.pitch_classes().len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::{notation::parse_melody, symbol::parse};

    /// The key heard after each bar of a melody in eighths.
    fn keys(eighths: &str) -> Vec<Option<(String, f32)>> {
        let mut finder = KeyFinder::default();
        let mut keys = Vec::new();
        for (idx, frame) in parse_melody(eighths).unwrap().into_iter().enumerate() {
            finder.hear(frame, ChordToken::SILENCE);
            finder.hear(
                if frame == MelodyFrame::Rest { frame } else { MelodyFrame::Hold },
                ChordToken::SILENCE,
            );
            if idx % 8 == 7 {
                keys.push(finder.key().map(|(key, sure)| (name(key), sure)));
            }
        }
        keys
    }

    fn name(key: Key) -> String {
        let chord = if key.mode.is_minor() { "m" } else { "" };
        format!("{}{chord}", Chord::new(key.tonic, music::chord::Quality::MAJOR))
    }

    const C_MAJOR: &str =
        "C4 - E4 G4 C5 - B4 A4 | G4 - E4 C4 D4 E4 D4 - | F4 - A4 G4 F4 E4 D4 B3 | C4 - - - . . . . |";
    const A_MINOR: &str =
        "A4 - B4 C5 D5 C5 B4 A4 | G#4 - E4 - A4 - . . | F4 - E4 D4 C4 B3 C4 D4 | E4 G#4 B4 G#4 A4 - . . |";
    const F_SHARP_MAJOR: &str = "F#4 - A#4 C#5 F#5 - F5 D#5 | C#5 - A#4 F#4 G#4 A#4 G#4 - | B4 - D#5 C#5 B4 A#4 G#4 F4 | F#4 - - - . . . . |";

    fn check(melody: &str, expected: &str) {
        let heard = keys(melody);
        let (key, sure) = heard.last().unwrap().clone().unwrap();
        assert_eq!(key, expected, "{heard:?}");
        assert!(sure > 0.5, "{heard:?}");
    }

    #[test]
    fn plain_tunes_are_in_their_keys() {
        check(C_MAJOR, "C");
        check(A_MINOR, "Am");
        check(F_SHARP_MAJOR, "F#");
    }

    #[test]
    fn there_is_no_key_before_some_notes() {
        assert_eq!(keys("C4 - - - - - - - | E4 - - - G4 - - - |"), [None, None]);
        let mut finder = KeyFinder::default();
        for _ in 0..1000 {
            finder.hear(MelodyFrame::Hold, ChordToken::SILENCE);
            finder.hear(MelodyFrame::Rest, ChordToken::SILENCE);
        }
        assert_eq!(finder.key(), None);
    }

    #[test]
    fn a_modulation_is_followed_within_some_bars() {
        let heard = keys(&[C_MAJOR, C_MAJOR, C_MAJOR, C_MAJOR, F_SHARP_MAJOR, A_MINOR, A_MINOR].join(" "));
        let names: Vec<&str> =
            heard.iter().map(|key| key.as_ref().map_or("", |key| key.0.as_str())).collect();
        assert!(names[2..16].iter().all(|name| *name == "C"), "{heard:?}");
        let followed =
            |from: usize, key: &str| names[from..].iter().position(|name| *name == key).unwrap() + 1;
        assert!(followed(16, "F#") <= 3, "{heard:?}");
        assert!(followed(20, "Am") <= 4 && names[27] == "Am", "{heard:?}");
    }

    #[test]
    fn chords_tell_of_the_key_too_and_rests_fade_it() {
        let mut finder = KeyFinder::default();
        let chords = ["Am", "Dm", "E7", "Am"].map(|name| parse(name).unwrap().unwrap());
        let token = |chord: Chord| ChordToken::onset(chord.root, chord.quality);
        for chord in chords {
            for frame in 0..16 {
                // The fifth alone is in many keys.
                let melody =
                    if frame % 8 == 0 { MelodyFrame::Onset(Pitch::folded(64)) } else { MelodyFrame::Hold };
                finder.hear(melody, token(chord));
            }
        }
        let (with_chords, sure) = finder.key().unwrap();
        let mut alone = KeyFinder::default();
        for frame in 0..64 {
            let melody =
                if frame % 8 == 0 { MelodyFrame::Onset(Pitch::folded(64)) } else { MelodyFrame::Hold };
            alone.hear(melody, ChordToken::SILENCE);
        }
        assert_ne!(alone.key().unwrap().0, with_chords);
        assert_eq!(name(with_chords), "Am");
        for _ in 0..1024 {
            finder.hear(MelodyFrame::Rest, ChordToken::SILENCE);
        }
        let (key, faded) = finder.key().unwrap();
        assert!(key == with_chords && faded < sure * 0.5, "{sure} {faded}");
        finder.forget();
        assert_eq!(finder.key(), None);
    }
}
