//! From a chord to keys. Pure and allocation-free: the audio thread calls this when a chord starts.
//!
//! [`hands`] tries every way in which the style stacks the tones asked for within the range, some hundred of them, and
//! takes the best: what the player wished, then clear spacing, then little motion.

mod arrangement;
mod bass;
mod leading;
mod spacing;
mod stack;
mod style;
mod tones;
mod walking;

pub use arrangement::{Arrangement, Bass, Inversion, Style};
pub use bass::{Feet, feet};
pub use leading::motion;
pub use tones::{asked, num_voices};
pub use walking::{step_towards, step_within};

use leading::distance;
use music::{
    chord::Chord,
    pitch::{Pitch, PitchClassSet},
};
use tones::Role;

/// The most voices a voicing has, the bass not counted.
pub const MAX_VOICES: usize = 5;

/// What a semitone of motion costs; all other costs are measured by this.
const SEMITONE: i32 = 8;
/// More steps than any chord takes to settle.
const MOST_STEPS: usize = 4;
/// What a minor ninth between two voices costs.
const MINOR_NINTH: i32 = 2 * SEMITONE;

/// The keys of a chord, from low to high, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voicing {
    keys: [Pitch; MAX_VOICES],
    num: usize,
}

impl Voicing {
    const EMPTY: Self = Self { keys: [Pitch::folded(60); MAX_VOICES], num: 0 };

    /// Its keys, from low to high.
    pub fn keys(&self) -> &[Pitch] {
        self.keys.get(..self.num).unwrap_or(&self.keys)
    }

    /// Its lowest key, or middle C where there is none.
    pub fn lowest(&self) -> Pitch {
        self.keys[0]
    }

    fn push(&mut self, key: Pitch) {
        if let Some(place) = self.keys.get_mut(self.num) {
            *place = key;
            self.num += 1;
        }
    }
}

/// What is wrong with a voicing, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    above_melody: bool,
    other_inversion: bool,
    /// How far down the style's list of stacks this one stands.
    narrower: usize,
    mud: i32,
    effort: i32,
}

/// The keys of the hands for `chord`, near to those `before`, while the melody sounds `melody`. Always in the range if
/// any chord tone is; with fewer voices than asked for only where the range is too narrow for them. Struck again, the
/// same chord stays where it is.
pub fn hands(
    chord: Chord,
    arrangement: &Arrangement,
    melody: Option<Pitch>,
    before: Option<&Voicing>,
) -> Voicing {
    let best = |before: Option<&Voicing>| {
        (1..=num_voices(chord, arrangement))
            .rev()
            .find_map(|num| best_of(num, chord, arrangement, melody, before))
            .unwrap_or_else(|| one_key(chord, arrangement))
    };
    let mut voicing = best(before);
    // Coming from more or fewer voices it may stop short of where it would go when struck again: it goes there at once. Each
    // step is nearer to the register, so the steps end; one is rare.
    for _ in 0..MOST_STEPS {
        let again = best(Some(&voicing));
        if again == voicing {
            break;
        }
        voicing = again;
    }
    voicing
}

/// The best voicing of so many voices, if the range has room for one.
fn best_of(
    num: usize,
    chord: Chord,
    arrangement: &Arrangement,
    melody: Option<Pitch>,
    before: Option<&Voicing>,
) -> Option<Voicing> {
    let tones = tones::most_needed(chord, arrangement, num);
    let (lowest, highest) = arrangement.range();
    let ceiling = melody.filter(|_| arrangement.below_melody);
    let wished_lowest = tones::wished_lowest(chord, arrangement.inversion, tones);
    let mut best: Option<(Cost, Voicing)> = None;
    for (narrower, stack) in arrangement.style.rule().stacks.iter().enumerate() {
        for foot in (lowest.midi()..=highest.midi()).filter_map(Pitch::new) {
            let Some(voicing) = stack.keys(tones, num, foot) else { continue };
            let Some(top) = voicing.keys().last().filter(|top| **top <= highest) else { continue };
            let cost = Cost {
                above_melody: ceiling.is_some_and(|melody| *top >= melody),
                other_inversion: wished_lowest.is_some_and(|tone| foot.class() != tone),
                narrower,
                mud: spacing::mud(voicing.keys()),
                effort: effort(&voicing, tones, chord, arrangement, before),
            };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, voicing));
            }
        }
    }
    best.map(|(_, voicing)| voicing)
}

/// How much it takes to play this voicing after the one before, and how ill it sounds.
fn effort(
    voicing: &Voicing,
    tones: PitchClassSet,
    chord: Chord,
    arrangement: &Arrangement,
    before: Option<&Voicing>,
) -> i32 {
    let keys = voicing.keys();
    let num = voicing.num.max(1) as i32;
    // Squared, so that hands lie freely around the register but never far from it: a voice is drawn back by as much as
    // a semitone of motion costs when the middle lies four semitones off.
    let off = keys.iter().map(|key| i32::from(key.midi())).sum::<i32>()
        - num * i32::from(arrangement.register.midi());
    let moved = before.map_or(0, |before| motion(before.keys(), keys));
    let left = before.map_or(0, |before| {
        before.keys().iter().filter(|key| tones.contains(key.class()) && !keys.contains(key)).count() as i32
    });
    SEMITONE * (moved + arrangement.style.rule().hold * left)
        + off * off / num
        + MINOR_NINTH * spacing::num_minor_ninths(chord, keys)
        + doubling(chord, keys)
}

/// What doubled tones cost: the root nothing, the fifth little, the third more, what has to resolve most.
fn doubling(chord: Chord, keys: &[Pitch]) -> i32 {
    let doubled = |key: &&Pitch| keys.iter().any(|lower| lower < *key && lower.class() == key.class());
    let cost = |key: &Pitch| match tones::role(chord, key.class()) {
        Role::Root => 0,
        Role::Fifth => SEMITONE / 2,
        Role::Third => SEMITONE,
        Role::Seventh | Role::Colour => 3 * SEMITONE,
    };
    keys.iter().filter(doubled).map(cost).sum()
}

/// The chord tone nearest to a range that has none.
fn one_key(chord: Chord, arrangement: &Arrangement) -> Voicing {
    let (lowest, highest) = arrangement.range();
    let outside = |key: &Pitch| distance(*key, (*key).clamp(lowest, highest));
    let tones = chord.pitch_classes();
    let key = (0..=127).filter_map(Pitch::new).filter(|key| tones.contains(key.class())).min_by_key(outside);
    let mut voicing = Voicing::EMPTY;
    if let Some(key) = key {
        voicing.push(key);
    }
    voicing
}

#[cfg(test)]
mod tests;
