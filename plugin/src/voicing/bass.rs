//! The bass note: the chord's bass in the bass octaves, near to the one before, below the hands. Pure.

use music::pitch::{OCTAVE, Pitch, PitchClass};

/// The lowest bass note, E1.
const LOWEST: u8 = 28;
/// The highest, D sharp 3: two octaves.
const HIGHEST: u8 = 51;
/// Where a first bass note likes to be, A1 to G sharp 2.
const HOME: i32 = 38;

/// The bass note of a chord whose hands begin at `above`, near to `before`.
pub fn bass(class: PitchClass, above: Pitch, before: Option<Pitch>) -> Pitch {
    let near = before.map_or(HOME, |key| i32::from(key.midi()));
    let mut best = LOWEST + (class.semitones() + OCTAVE - LOWEST % OCTAVE) % OCTAVE;
    let cost = |key: u8| {
        let key = i32::from(key);
        2 * (key - near).abs() + (key - HOME).abs()
    };
    let mut key = best;
    while key <= HIGHEST && key < above.midi() {
        if cost(key) < cost(best) {
            best = key;
        }
        key += OCTAVE;
    }
    Pitch::folded(i32::from(best))
}
