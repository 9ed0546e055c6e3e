//! Pitches and pitch classes. Pure values: no I/O, no clock.

use serde::{Deserialize, Serialize};

/// Pitch classes in an octave.
pub const OCTAVE: u8 = 12;

/// A MIDI key number, 0..=127; 60 is middle C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pitch(u8);

impl Pitch {
    /// The pitch with this MIDI key number, if it is one.
    pub const fn new(midi: u8) -> Option<Self> {
        if midi < 128 { Some(Self(midi)) } else { None }
    }

    /// The nearest pitch to any integer, by moving whole octaves into 0..=127.
    pub const fn folded(midi: i32) -> Self {
        let mut m = midi;
        while m < 0 {
            m += OCTAVE as i32;
        }
        while m > 127 {
            m -= OCTAVE as i32;
        }
        Self(m as u8)
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
        Self::folded(self.0 as i32 + semitones)
    }
}

/// One of the twelve pitch classes; 0 is C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PitchClass(u8);

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
        Self::new(self.0 as i32 + semitones)
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
