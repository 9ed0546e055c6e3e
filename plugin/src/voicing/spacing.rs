//! How clearly keys sound together. Pure.

use music::{
    chord::Chord,
    pitch::{OCTAVE, Pitch},
};

/// The lowest key on which an interval still sounds clear, by semitones from the unison to the octave: the low
/// interval limits that arrangers go by.
const LIMITS: [u8; OCTAVE as usize + 1] = [0, 52, 51, 48, 46, 46, 46, 34, 43, 41, 41, 41, 0];

/// By how many semitones neighbouring keys lie too low for the interval between them, all together.
pub(super) fn mud(keys: &[Pitch]) -> i32 {
    keys.iter().zip(keys.iter().skip(1)).map(|(low, high)| mud_between(*low, *high)).sum()
}

/// The same of two keys.
pub(super) fn mud_between(low: Pitch, high: Pitch) -> i32 {
    let interval = high.midi().saturating_sub(low.midi());
    let limit = LIMITS.get(usize::from(interval)).copied().unwrap_or(0);
    i32::from(limit.saturating_sub(low.midi()))
}

/// How many pairs stand a minor ninth apart, the harshest of intervals but where it is the chord's own flat ninth.
pub(super) fn num_minor_ninths(chord: Chord, keys: &[Pitch]) -> i32 {
    let above = |low: &Pitch| keys.iter().filter(|high| high.midi() == low.midi() + OCTAVE + 1).count();
    let harsh = keys.iter().filter(|low| low.class() != chord.root).map(above);
    harsh.sum::<usize>() as i32
}
