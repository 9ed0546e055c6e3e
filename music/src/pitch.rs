//! Pitches and pitch classes. Pure values: no I/O, no clock.

use serde::{Deserialize, Serialize};

/// Pitch classes in an octave.
pub const OCTAVE: u8 = 12;

/// A MIDI key number, 0..=127; 60 is middle C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Pitch(u8);

/// A number that is no pitch or no pitch class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is out of range: expected 0 to {most}")]
pub struct OutOfRange {
    /// The number.
    pub found: u8,
    /// The largest there is.
    pub most: u8,
}

impl TryFrom<u8> for Pitch {
    type Error = OutOfRange;

    fn try_from(midi: u8) -> Result<Self, OutOfRange> {
        Self::new(midi).ok_or(OutOfRange { found: midi, most: 127 })
    }
}

impl Pitch {
    /// The pitch with this MIDI key number, if it is one.
    pub const fn new(midi: u8) -> Option<Self> {
        if midi < 128 { Some(Self(midi)) } else { None }
    }

    /// The nearest pitch to any integer, by moving whole octaves into 0..=127.
    pub const fn folded(midi: i32) -> Self {
        const HIGHEST_OCTAVE: i32 = 128 - OCTAVE as i32;
        let class = midi.rem_euclid(OCTAVE as i32);
        if midi < 0 {
            Self(class as u8)
        } else if midi > 127 {
            Self((HIGHEST_OCTAVE + (class - HIGHEST_OCTAVE).rem_euclid(OCTAVE as i32)) as u8)
        } else {
            Self(midi as u8)
        }
    }

    /// The MIDI key number.
    pub const fn midi(self) -> u8 {
        self.0
    }

    /// Its pitch class.
    pub const fn class(self) -> PitchClass {
        PitchClass(self.0 % OCTAVE)
    }

    /// This pitch moved by `semitones`, folded into range by octaves.
    pub const fn transposed(self, semitones: i32) -> Self {
        Self::folded(self.0 as i32 + semitones % (16 * OCTAVE as i32))
    }
}

/// One of the twelve pitch classes; 0 is C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct PitchClass(u8);

impl TryFrom<u8> for PitchClass {
    type Error = OutOfRange;

    fn try_from(semitones: u8) -> Result<Self, OutOfRange> {
        if semitones < OCTAVE {
            Ok(Self(semitones))
        } else {
            Err(OutOfRange { found: semitones, most: OCTAVE - 1 })
        }
    }
}

impl PitchClass {
    /// The pitch class of any integer, modulo the octave.
    pub const fn new(semitones: i32) -> Self {
        Self(semitones.rem_euclid(OCTAVE as i32) as u8)
    }

    /// Semitones above C, 0..12.
    pub const fn semitones(self) -> u8 {
        self.0
    }

    /// This pitch class moved by `semitones`.
    pub const fn transposed(self, semitones: i32) -> Self {
        Self::new(self.0 as i32 + semitones % OCTAVE as i32)
    }

    /// Semitones from `root` up to this pitch class, 0..12.
    pub const fn above(self, root: Self) -> u8 {
        (self.0 + OCTAVE - root.0) % OCTAVE
    }

    /// All twelve, from C upwards.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..OCTAVE).map(Self)
    }
}

/// A set of pitch classes; bit n is the class n semitones above C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PitchClassSet(u16);

impl PitchClassSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set of intervals above C.
    pub const fn from_intervals(intervals: &[u8]) -> Self {
        let mut bits = 0u16;
        let mut i = 0;
        while i < intervals.len() {
            bits |= 1 << (intervals[i] % OCTAVE);
            i += 1;
        }
        Self(bits)
    }

    /// Whether the set holds `class`.
    pub const fn contains(self, class: PitchClass) -> bool {
        self.0 >> class.0 & 1 == 1
    }

    /// The set with `class` added.
    #[must_use]
    pub const fn with(self, class: PitchClass) -> Self {
        Self(self.0 | 1 << class.0)
    }

    /// How many classes the set holds.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Every class moved up by `semitones`.
    #[must_use]
    pub const fn transposed(self, semitones: u8) -> Self {
        let s = semitones % OCTAVE;
        Self((self.0 << s | self.0 >> (OCTAVE - s)) & 0x0fff)
    }

    /// Classes in exactly one of the two sets.
    #[must_use]
    pub const fn symmetric_difference(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// Classes of `self` that are not in `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The classes from C upwards.
    pub fn iter(self) -> impl Iterator<Item = PitchClass> {
        PitchClass::all().filter(move |c| self.contains(*c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn a_set() -> impl Strategy<Value = PitchClassSet> {
        (0u16..1 << OCTAVE).prop_map(PitchClassSet)
    }

    fn a_class() -> impl Strategy<Value = PitchClass> {
        (0..OCTAVE).prop_map(PitchClass)
    }

    #[test]
    fn pitches_end_at_the_midi_range() {
        assert_eq!(Pitch::new(127).map(Pitch::midi), Some(127));
        assert_eq!(Pitch::new(128), None);
        let folded = |midi| Pitch::folded(midi).midi();
        assert_eq!([-13, -12, -1, 0, 127, 128, 139, 140].map(folded), [11, 0, 11, 0, 127, 116, 127, 116]);
        assert_eq!(
            [i32::MIN, i32::MAX].map(|m| Pitch::folded(m).class()),
            [i32::MIN, i32::MAX].map(PitchClass::new)
        );
    }

    #[test]
    fn numbers_out_of_range_are_not_deserialised() {
        assert!(serde_json::from_str::<Pitch>("127").is_ok());
        let error = serde_json::from_str::<Pitch>("128").unwrap_err().to_string();
        assert!(error.contains("128 is out of range: expected 0 to 127"), "{error}");
        assert!(serde_json::from_str::<PitchClass>("11").is_ok());
        assert!(serde_json::from_str::<PitchClass>("12").is_err());
    }

    proptest! {
        #[test]
        fn folding_keeps_the_class_and_moves_as_little_as_it_can(midi in -10_000..10_000i32) {
            let pitch = Pitch::folded(midi);
            prop_assert_eq!(pitch.class(), PitchClass::new(midi));
            let nearest = (0..128).filter(|m| (m - midi) % 12 == 0).map(|m: i32| (m - midi).abs()).min();
            prop_assert_eq!(Some((i32::from(pitch.midi()) - midi).abs()), nearest);
        }

        #[test]
        fn transposing_never_panics_and_moves_the_class(midi in 0u8..128, semitones: i32) {
            let pitch = Pitch::new(midi).unwrap();
            prop_assert_eq!(pitch.transposed(semitones).class(), pitch.class().transposed(semitones));
        }

        #[test]
        fn classes_form_a_circle(a in a_class(), b in a_class(), semitones in -1000..1000i32) {
            prop_assert_eq!(b.transposed(i32::from(a.above(b))), a);
            prop_assert_eq!(a.transposed(semitones).transposed(-semitones), a);
            prop_assert_eq!(a.transposed(semitones).above(b.transposed(semitones)), a.above(b));
        }

        #[test]
        fn sets_are_sets(a in a_set(), b in a_set(), c in a_class()) {
            let members = |set: PitchClassSet| set.iter().collect::<Vec<_>>();
            prop_assert_eq!(a.len() as usize, members(a).len());
            prop_assert_eq!(a.is_empty(), members(a).is_empty());
            prop_assert_eq!(a == PitchClassSet::EMPTY, a.is_empty());
            prop_assert_eq!(PitchClass::all().filter(|c| a.contains(*c)).collect::<Vec<_>>(), members(a));
            prop_assert!(a.with(c).contains(c));
            for class in PitchClass::all() {
                let (in_a, in_b) = (a.contains(class), b.contains(class));
                prop_assert_eq!(a.with(c).contains(class), in_a || class == c);
                prop_assert_eq!(a.minus(b).contains(class), in_a && !in_b);
                prop_assert_eq!(a.symmetric_difference(b).contains(class), in_a != in_b);
            }
        }

        #[test]
        fn a_transposed_set_holds_the_transposed_classes(a in a_set(), class in a_class(), by in 0u8..=255) {
            prop_assert_eq!(a.transposed(by).contains(class.transposed(i32::from(by))), a.contains(class));
            prop_assert_eq!(a.transposed(by).len(), a.len());
        }

        #[test]
        fn a_set_of_intervals_holds_them_modulo_the_octave(intervals in prop::collection::vec(0u8..36, 0..8)) {
            let set = PitchClassSet::from_intervals(&intervals);
            let expected = |class: &PitchClass| intervals.iter().any(|i| i % OCTAVE == class.0);
            prop_assert!(PitchClass::all().all(|class| set.contains(class) == expected(&class)));
        }
    }
}
