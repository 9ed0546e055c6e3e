//! The walking bass: the note of a chord's last beat that leads to the next chord's bass. Pure.

use super::{Voicing, bass, leading::distance};
use music::{
    chord::Chord,
    pitch::{OCTAVE, Pitch, PitchClass, PitchClassSet},
};

/// Where an approach note may lie from the note it leads to: its neighbours, and its fifth, from below or above.
const APPROACHES: [i32; 6] = [-1, 1, -2, 2, -5, 7];

/// The note between `from`, the bass of the `chord` that sounds, and the bass `next`: a diatonic neighbour of it rather
/// than a chromatic one, on the way rather than around; the fifth where the bass stays the same. It differs from both
/// and lies in the bass octaves, where hands that stand as low may meet it: the caller looks.
pub fn step_towards(from: Pitch, next: PitchClass, chord: Chord) -> Pitch {
    let Some(target) = bass::nearest(next, from) else { return from };
    let scale = scale(chord);
    let cost = |away: i32, key: Pitch| {
        let own = scale.contains(key.class());
        let kind = match (away.abs(), own) {
            (1, true) => 0,
            (2, true) => 1,
            (1, false) => 2,
            (5 | 7, true) => 3,
            _ => 6,
        };
        if from == target {
            return kind + if away.abs() <= 2 { 6 } else { 0 };
        }
        kind + distance(from, key) + distance(key, target) - distance(from, target)
    };
    APPROACHES
        .into_iter()
        .filter_map(|away| {
            let key = u8::try_from(i32::from(target.midi()) + away).ok().and_then(Pitch::new)?;
            let in_range = (bass::LOWEST..=bass::HIGHEST).contains(&key.midi());
            (in_range && key != from).then(|| (cost(away, key), key))
        })
        .min_by_key(|(cost, _)| *cost)
        .map_or(from, |(_, key)| key)
}

/// The bass of the chord's `nth` beat, counted from 0, where nothing is known of the next chord: root and fifth in turn, or
/// root and third where the chord has no fifth; near to `from`, below the hands where it can.
pub fn step_within(chord: Chord, hands: &Voicing, from: Pitch, nth: i64) -> Pitch {
    let own = chord.pitch_classes();
    let other = [7, 6, 8, 4, 3]
        .into_iter()
        .map(|semitones| chord.root.transposed(semitones))
        .find(|tone| own.contains(*tone))
        .unwrap_or(chord.root);
    let tone = if nth.rem_euclid(2) == 0 { chord.root } else { other };
    let near = bass::nearest(tone, from).unwrap_or(from);
    let below = near.midi().checked_sub(OCTAVE).filter(|key| *key >= bass::LOWEST).and_then(Pitch::new);
    if near >= hands.lowest() { below.unwrap_or(near) } else { near }
}

/// The tones of the scale a chord is heard in where nothing else is known: its own, and between them those of the
/// major, the mixolydian or the dorian scale, as far as its third and seventh tell.
fn scale(chord: Chord) -> PitchClassSet {
    let own = chord.quality.pitch_classes();
    let has = |interval| own.contains(PitchClass::new(interval));
    let others: &[i32] = match (has(4), has(3), has(10)) {
        (true, _, false) => &[2, 5, 7, 9, 11],
        (true, _, true) => &[2, 5, 7, 9],
        (false, true, _) => &[2, 5, 7, 10],
        _ => &[2, 5, 7],
    };
    others
        .iter()
        .fold(own, |scale, interval| scale.with(PitchClass::new(*interval)))
        .transposed(chord.root.semitones())
}
