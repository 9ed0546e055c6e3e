//! The bass: its tone in the bass octaves, near to the one before, below the hands. Pure.

use super::{Arrangement, Bass, Voicing, leading::distance, spacing::mud_between};
use music::{
    chord::Chord,
    pitch::{OCTAVE, Pitch, PitchClass},
};

/// The lowest bass note, E1.
pub(super) const LOWEST: u8 = 28;
/// The highest, D sharp 3: two octaves.
pub(super) const HIGHEST: u8 = 51;
/// Where bass notes like to be, around D2.
const HOME: Pitch = Pitch::folded(38);

/// The keys of the bass: none, one, or one and its octave above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feet {
    keys: [Option<Pitch>; 2],
}

impl Feet {
    /// The keys, from low to high.
    pub fn keys(&self) -> impl Iterator<Item = Pitch> + '_ {
        self.keys.iter().copied().flatten()
    }

    /// The lowest key, if the bass plays at all.
    pub fn lowest(&self) -> Option<Pitch> {
        self.keys[0]
    }
}

/// The bass of a chord below its `hands`, near to the bass `before`. There is none where the arrangement wants none
/// or no key of its tone is left below the hands.
pub fn feet(chord: Chord, arrangement: &Arrangement, hands: &Voicing, before: Option<Pitch>) -> Feet {
    let tone = match arrangement.bass {
        Bass::Off => return Feet::default(),
        Bass::Root | Bass::Octave => chord.root,
        Bass::Slash | Bass::Walking => chord.bass,
    };
    let above = hands.keys().first().copied();
    let fits = |key: &Pitch| above.is_none_or(|above| *key < above);
    let octave = |key: Pitch| {
        let octave = Pitch::new(key.midi() + OCTAVE).filter(fits);
        octave.filter(|octave| arrangement.bass == Bass::Octave && octave.midi() <= HIGHEST)
    };
    let cost = |key: &Pitch| {
        let lacks_octave = arrangement.bass == Bass::Octave && octave(*key).is_none();
        let mud = above.map_or(0, |above| mud_between(*key, above));
        (lacks_octave, nearness(*key, before) + 4 * mud)
    };
    let lowest = octaves(tone, LOWEST, HIGHEST)
        .filter(fits)
        .min_by_key(cost)
        .or_else(|| octaves(tone, 0, LOWEST).filter(fits).last());
    Feet { keys: [lowest, lowest.and_then(octave)] }
}

/// The bass note of a tone that lies best after `before`.
pub(super) fn nearest(tone: PitchClass, before: Pitch) -> Option<Pitch> {
    octaves(tone, LOWEST, HIGHEST).min_by_key(|key| nearness(*key, Some(before)))
}

/// The keys of a tone from `lowest` to `highest`.
fn octaves(tone: PitchClass, lowest: u8, highest: u8) -> impl Iterator<Item = Pitch> + Clone {
    (lowest..=highest).filter_map(Pitch::new).filter(move |key| key.class() == tone)
}

/// Near to the note before above all, but home in the end, so that the bass does not wander off.
fn nearness(key: Pitch, before: Option<Pitch>) -> i32 {
    2 * before.map_or(0, |before| distance(key, before)) + distance(key, HOME)
}
