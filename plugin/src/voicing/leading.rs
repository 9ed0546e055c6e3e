//! How far voices move from one voicing to the next. Pure.

use super::Voicing;
use music::pitch::Pitch;

/// Semitones that hands move: each key to the nearest of the other voicing, both ways, so that voices which come
/// and go count too.
pub(super) fn motion(from: &Voicing, to: &Voicing) -> i32 {
    reach(from.keys(), to.keys()) + reach(to.keys(), from.keys())
}

fn reach(keys: &[Pitch], others: &[Pitch]) -> i32 {
    keys.iter().map(|key| others.iter().map(|other| distance(*key, *other)).min().unwrap_or(0)).sum()
}

fn distance(a: Pitch, b: Pitch) -> i32 {
    (i32::from(a.midi()) - i32::from(b.midi())).abs()
}
