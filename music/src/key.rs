//! Keys: a tonic and the mode above it.

use crate::{
    chord::Chord,
    pitch::{PitchClass, PitchClassSet},
};

/// Which scale stands on the tonic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Major (Ionian).
    #[default]
    Major,
    /// Natural minor (Aeolian).
    Minor,
    /// Minor with a raised seventh.
    HarmonicMinor,
    /// Dorian.
    Dorian,
    /// Phrygian.
    Phrygian,
    /// Lydian.
    Lydian,
    /// Mixolydian.
    Mixolydian,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 7] = [
        Self::Major,
        Self::Minor,
        Self::HarmonicMinor,
        Self::Dorian,
        Self::Phrygian,
        Self::Lydian,
        Self::Mixolydian,
    ];

    /// The scale's tones in semitones above the tonic.
    pub const fn intervals(self) -> &'static [u8] {
        match self {
            Self::Major => &[0, 2, 4, 5, 7, 9, 11],
            Self::Minor => &[0, 2, 3, 5, 7, 8, 10],
            Self::HarmonicMinor => &[0, 2, 3, 5, 7, 8, 11],
            Self::Dorian => &[0, 2, 3, 5, 7, 9, 10],
            Self::Phrygian => &[0, 1, 3, 5, 7, 8, 10],
            Self::Lydian => &[0, 2, 4, 6, 7, 9, 11],
            Self::Mixolydian => &[0, 2, 4, 5, 7, 9, 10],
        }
    }

    /// Whether the third above the tonic is a minor one.
    pub const fn is_minor(self) -> bool {
        matches!(self, Self::Minor | Self::HarmonicMinor | Self::Dorian | Self::Phrygian)
    }
}

/// A tonic and its mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key {
    /// The first tone of the scale.
    pub tonic: PitchClass,
    /// The scale.
    pub mode: Mode,
}

impl Key {
    /// A key.
    pub const fn new(tonic: PitchClass, mode: Mode) -> Self {
        Self { tonic, mode }
    }

    /// The scale's tones.
    pub const fn scale(self) -> PitchClassSet {
        PitchClassSet::from_intervals(self.mode.intervals()).transposed(self.tonic.semitones())
    }

    /// Whether all of a chord's tones are of the scale, the bass too.
    pub fn contains(self, chord: Chord) -> bool {
        chord.pitch_classes().with(chord.bass).minus(self.scale()).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::parse;

    #[test]
    fn chords_of_the_key_are_in_it() {
        let check = |tonic: i32, mode: Mode, chords: &str, expected: bool| {
            let key = Key::new(PitchClass::new(tonic), mode);
            for name in chords.split_whitespace() {
                let chord = parse(name).unwrap().unwrap();
                assert_eq!(key.contains(chord), expected, "{name} in {key:?}");
            }
        };
        check(0, Mode::Major, "C Dm Em F G7 Am Am7 Fmaj7 C/E", true);
        check(0, Mode::Major, "D E7 Fm Bb C7 G/Bb", false);
        check(9, Mode::Minor, "Am C Dm Em F G", true);
        check(9, Mode::Minor, "E E7", false);
        check(9, Mode::HarmonicMinor, "Am E E7 Dm", true);
        check(7, Mode::Mixolydian, "G F Dm", true);
    }
}
