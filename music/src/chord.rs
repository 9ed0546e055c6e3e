//! What a chord is, and the ONE table of chord qualities: names, symbols and intervals side by side.
//! Parser, printer, vocabulary, voicings and metrics all read that table; none has a list of its own.

use crate::pitch::{PitchClass, PitchClassSet};

/// One row of the table of qualities.
#[derive(Debug)]
pub struct QualityRow {
    /// Harte-style name, as in chord labels (`maj`, `min7`); a stored model speaks of qualities by these.
    pub name: &'static str,
    /// What a musician reads after the root ("m7", "sus4").
    pub symbol: &'static str,
    /// Other spellings the parser takes for the same quality.
    pub aliases: &'static [&'static str],
    /// Semitones above the root, ascending, below an octave.
    pub intervals: &'static [u8],
}

macro_rules! qualities {
    ($($name:literal $symbol:literal [$($alias:literal)*] [$($interval:literal)*])*) => {
        &[$(QualityRow { name: $name, symbol: $symbol, aliases: &[$($alias),*], intervals: &[$($interval),*] }),*]
    };
}

/// The qualities, in order of the time they sound in the corpora. They cover 99.3 % of all annotated chord
/// time exactly; every other chord maps to the nearest pitch-class set ([`Quality::nearest`]).
/// A row added or moved changes the vocabulary's fingerprint.
pub const QUALITIES: &[QualityRow] = qualities! {
    "maj"      "" ["M" "major" "Maj" "ma"]                  [0 4 7]
    "7"        "7" ["dom7" "dom"]                           [0 4 7 10]
    "min"      "m" ["-" "minor" "mi"]                       [0 3 7]
    "min7"     "m7" ["-7" "mi7"]                            [0 3 7 10]
    "maj7"     "maj7" ["M7" "Maj7" "ma7" "Δ" "Δ7" "^7" "^"] [0 4 7 11]
    "maj6"     "6" ["maj6" "M6"]                            [0 4 7 9]
    "9"        "9" ["7(9)"]                                 [0 2 4 7 10]
    "sus2"     "sus2" ["2"]                                 [0 2 7]
    "dim"      "dim" ["°" "o" "m(b5)"]                      [0 3 6]
    "hdim7"    "m7b5" ["ø" "ø7" "h7" "m7(b5)" "min7(b5)"]   [0 3 6 10]
    "sus4"     "sus4" ["sus" "4"]                           [0 5 7]
    "min6"     "m6" ["-6" "mi6"]                            [0 3 7 9]
    "7(b9)"    "7b9" ["7-9"]                                [0 1 4 7 10]
    "dim7"     "dim7" ["°7" "o7"]                           [0 3 6 9]
    "aug(b7)"  "7#5" ["aug7" "+7" "7+" "7(#5)" "7+5"]       [0 4 8 10]
    "sus4(b7)" "7sus4" ["7sus" "sus7"]                      [0 5 7 10]
    "min9"     "m9" ["-9" "mi9"]                            [0 2 3 7 10]
    "aug"      "aug" ["+" "maj(#5)"]                        [0 4 8]
    "13"       "13" ["7(13)"]                               [0 2 4 7 9 10]
    "5"        "5" ["power"]                                [0 7]
    "maj9"     "maj9" ["M9" "Maj9" "Δ9"]                    [0 2 4 7 11]
    "maj(9)"   "add9" ["add2" "(add9)"]                     [0 2 4 7]
    "7(#9)"    "7#9" ["7+9"]                                [0 3 4 7 10]
    "7(b5)"    "7b5" ["7-5"]                                [0 4 6 10]
    "minmaj7"  "mMaj7" ["mM7" "m(maj7)" "-Δ"]               [0 3 7 11]
};

/// A row of [`QUALITIES`], by index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u8);

impl Quality {
    /// How many qualities there are.
    pub const COUNT: usize = QUALITIES.len();

    /// The major triad.
    pub const MAJOR: Self = Self(0);
    /// The minor triad.
    pub const MINOR: Self = Self(2);

    /// The quality at this row, if there is one.
    pub const fn from_index(idx: usize) -> Option<Self> {
        if idx < Self::COUNT { Some(Self(idx as u8)) } else { None }
    }

    /// Its row.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// What the table says of it.
    pub const fn row(self) -> &'static QualityRow {
        &QUALITIES[self.0 as usize]
    }

    /// Pitch classes relative to the root (bit 0 is the root).
    pub const fn pitch_classes(self) -> PitchClassSet {
        PitchClassSet::from_intervals(self.row().intervals)
    }

    /// All qualities, in table order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }

    /// The quality with exactly these intervals above the root.
    pub fn exact(intervals: PitchClassSet) -> Option<Self> {
        Self::all().find(|q| q.pitch_classes() == intervals)
    }

    /// The quality nearest to these intervals above the root: fewest pitch classes that differ, then fewest
    /// that were not asked for (an omitted tone hurts less than a wrong one), then table order.
    pub fn nearest(intervals: PitchClassSet) -> Self {
        let mut best = (u32::MAX, Self::MAJOR);
        for quality in Self::all() {
            let ours = quality.pitch_classes();
            let cost = 16 * ours.symmetric_difference(intervals).len() + ours.minus(intervals).len();
            if cost < best.0 {
                best = (cost, quality);
            }
        }
        best.1
    }
}

/// A chord: root, quality and the pitch class in the bass (the root unless inverted or slashed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The root.
    pub root: PitchClass,
    /// The quality.
    pub quality: Quality,
    /// The pitch class in the bass.
    pub bass: PitchClass,
}

impl Chord {
    /// A chord in root position.
    pub const fn new(root: PitchClass, quality: Quality) -> Self {
        Self { root, quality, bass: root }
    }

    /// The same chord over another bass.
    #[must_use]
    pub const fn over(self, bass: PitchClass) -> Self {
        Self { bass, ..self }
    }

    /// Pitch classes of the chord's tones, the bass not counted unless it is one.
    pub const fn pitch_classes(self) -> PitchClassSet {
        self.quality.pitch_classes().transposed(self.root.semitones())
    }

    /// Everything moved by `semitones`.
    #[must_use]
    pub const fn transposed(self, semitones: i32) -> Self {
        Self {
            root: self.root.transposed(semitones),
            quality: self.quality,
            bass: self.bass.transposed(semitones),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_in_order_and_a_set_of_its_own() {
        let mut sets = HashSet::new();
        for row in QUALITIES {
            assert_eq!(row.intervals.first(), Some(&0), "{}", row.name);
            assert!(row.intervals.is_sorted_by(|a, b| a < b), "{}", row.name);
            assert!(row.intervals.iter().all(|i| *i < 12), "{}", row.name);
            assert!(sets.insert(PitchClassSet::from_intervals(row.intervals)), "{}", row.name);
        }
    }

    #[test]
    fn no_two_rows_share_a_spelling() {
        let mut owners = std::collections::HashMap::new();
        for row in QUALITIES {
            for spelling in row.aliases.iter().chain([&row.name, &row.symbol]) {
                let owner = *owners.entry(*spelling).or_insert(row.name);
                assert_eq!(owner, row.name, "both spell `{spelling}`");
            }
        }
    }

    #[test]
    fn the_named_qualities_are_what_they_say() {
        assert_eq!(Quality::MAJOR.row().name, "maj");
        assert_eq!(Quality::MINOR.row().name, "min");
        assert_eq!(Quality::from_index(Quality::COUNT), None);
        assert!(
            Quality::all()
                .enumerate()
                .all(|(idx, q)| q.index() == idx && Quality::from_index(idx) == Some(q))
        );
    }

    #[test]
    fn the_nearest_of_some_chords() {
        let check = |intervals: &[u8], expected: &str| {
            let found = Quality::nearest(PitchClassSet::from_intervals(intervals));
            assert_eq!(found.row().name, expected, "{intervals:?}");
        };
        check(&[0, 4, 7, 9, 10], "7"); // 7(13): leaving the thirteenth out beats adding a ninth
        check(&[0, 2, 4, 6, 7, 10], "9"); // 9(#11)
        check(&[0, 3, 5, 7, 10], "min7"); // min7(11)
        check(&[0, 2, 3, 5, 7, 10], "min9"); // min11
        check(&[0, 2, 5, 7, 10], "sus4(b7)");
        check(&[0, 7, 10], "5");
        check(&[0], "5");
    }

    proptest! {
        #[test]
        fn what_is_in_the_table_is_nearest_to_itself(idx in 0..Quality::COUNT) {
            let quality = Quality::from_index(idx).unwrap();
            prop_assert_eq!(Quality::exact(quality.pitch_classes()), Some(quality));
            prop_assert_eq!(Quality::nearest(quality.pitch_classes()), quality);
        }

        #[test]
        fn no_row_is_nearer_than_the_nearest(intervals in prop::collection::vec(0u8..12, 0..12)) {
            let set = PitchClassSet::from_intervals(&intervals);
            let differs = |q: Quality| q.pitch_classes().symmetric_difference(set).len();
            let nearest = Quality::nearest(set);
            prop_assert!(Quality::all().all(|q| differs(q) >= differs(nearest)));
        }

        #[test]
        fn transposing_moves_root_bass_and_tones_together(
            root in 0..12, idx in 0..Quality::COUNT, bass in 0..12, semitones: i32,
        ) {
            let quality = Quality::from_index(idx).unwrap();
            let chord = Chord::new(PitchClass::new(root), quality).over(PitchClass::new(bass));
            let moved = chord.transposed(semitones);
            prop_assert_eq!(moved.quality, quality);
            prop_assert_eq!(moved.bass.above(moved.root), chord.bass.above(chord.root));
            let by = PitchClass::new(semitones).semitones();
            prop_assert_eq!(moved.pitch_classes(), chord.pitch_classes().transposed(by));
            prop_assert!(moved.pitch_classes().contains(moved.root));
        }
    }
}
