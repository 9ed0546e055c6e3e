//! Laws of every voicing, over all chords and all that a player may wish.

#[cfg(test)]
mod examples;
#[cfg(test)]
mod progressions;

use super::*;
use music::{chord::Quality, pitch::PitchClass};
use proptest::prelude::*;

const STYLES: [Style; 7] =
    [Style::Close, Style::Open, Style::DropTwo, Style::Shell, Style::Spread, Style::Power, Style::Pad];
const INVERSIONS: [Inversion; 4] = [Inversion::Nearest, Inversion::Root, Inversion::First, Inversion::Second];
const BASSES: [Bass; 5] = [Bass::Off, Bass::Root, Bass::Octave, Bass::Slash, Bass::Walking];
const VOICES: [Option<u8>; 5] = [None, Some(2), Some(3), Some(4), Some(5)];

fn all_chords() -> impl Iterator<Item = Chord> {
    PitchClass::all().flat_map(|root| Quality::all().map(move |quality| Chord::new(root, quality)))
}

fn classes(voicing: &Voicing) -> PitchClassSet {
    voicing.keys().iter().fold(PitchClassSet::EMPTY, |set, key| set.with(key.class()))
}

/// The tone that an inversion names, from the table of qualities alone.
fn named(chord: Chord, inversion: Inversion) -> Option<PitchClass> {
    let first_of = |intervals: &[u8]| {
        let interval = intervals.iter().find(|interval| chord.quality.row().intervals.contains(interval));
        interval.map(|interval| chord.root.transposed(i32::from(*interval)))
    };
    match inversion {
        Inversion::Nearest => None,
        Inversion::Root => Some(chord.root),
        Inversion::First => first_of(&[4, 3, 5, 2]),
        Inversion::Second => first_of(&[7, 6, 8]),
    }
}

/// Voices a chord and checks all that holds of every voicing.
fn voiced(
    chord: Chord,
    arrangement: &Arrangement,
    melody: Option<Pitch>,
    before: Option<&Voicing>,
) -> Voicing {
    let voicing = hands(chord, arrangement, melody, before);
    let (keys, place) = (voicing.keys(), || format!("{chord:?}, {arrangement:?}, {melody:?}, {before:?}"));
    let (lowest, highest) = arrangement.range();
    let (num, wanted) = (num_voices(chord, arrangement), asked(chord, arrangement));
    let octaves = i32::from((highest.midi() + 1 - lowest.midi()) / 12);
    let doubled = num > wanted.len() as usize;

    assert!((1..=num).contains(&keys.len()), "{keys:?} for {num} voices: {}", place());
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?} crosses or doubles: {}", place());
    assert!(
        classes(&voicing).minus(chord.pitch_classes()).is_empty(),
        "a strange tone in {keys:?}: {}",
        place()
    );
    if octaves >= 1 {
        assert!(
            keys.iter().all(|key| (lowest..=highest).contains(key)),
            "{keys:?} out of range: {}",
            place()
        );
    }
    if octaves >= 2 {
        assert!(wanted.minus(classes(&voicing)).is_empty(), "{keys:?} lacks a tone: {}", place());
    }
    if octaves >= 3 || octaves >= 1 && !doubled {
        assert_eq!(keys.len(), num, "{keys:?}: {}", place());
        assert_eq!(classes(&voicing), wanted, "{keys:?}: {}", place());
    }
    let melody = melody.filter(|_| arrangement.below_melody);
    let room = |below: Pitch| i32::from(below.midi()) - i32::from(lowest.midi());
    if let Some(melody) =
        melody.filter(|melody| room((*melody).min(highest)) >= if doubled { 36 } else { 12 })
    {
        assert!(keys.iter().all(|key| *key < melody), "{keys:?} above the melody: {}", place());
    }
    let tone = named(chord, arrangement.inversion).filter(|tone| wanted.contains(*tone));
    if let Some(tone) = tone.filter(|_| melody.is_none() && octaves >= if doubled { 3 } else { 2 }) {
        assert_eq!(voicing.lowest().class(), tone, "{keys:?} is no {:?}: {}", arrangement.inversion, place());
    }
    voicing
}

/// Places the bass of a chord and checks all that holds of every bass.
fn footed(chord: Chord, arrangement: &Arrangement, hands: &Voicing, before: Option<Pitch>) -> Feet {
    let feet = feet(chord, arrangement, hands, before);
    let keys: Vec<_> = feet.keys().collect();
    let tone = match arrangement.bass {
        Bass::Off => None,
        Bass::Root | Bass::Octave => Some(chord.root),
        Bass::Slash | Bass::Walking => Some(chord.bass),
    };
    assert_eq!(feet.lowest(), keys.first().copied());
    assert!(keys.iter().all(|key| *key < hands.lowest() && Some(key.class()) == tone), "{keys:?}, {hands:?}");
    assert!(keys.len() <= 1 || arrangement.bass == Bass::Octave && keys[1].midi() - keys[0].midi() == 12);
    if hands.lowest().midi() >= 12 {
        assert_eq!(keys.is_empty(), tone.is_none(), "{keys:?} below {hands:?}");
    }
    if hands.lowest().midi() >= 40 {
        assert!(keys.iter().all(|key| (bass::LOWEST..=bass::HIGHEST).contains(&key.midi())), "{keys:?}");
    }
    if hands.lowest().midi() > bass::HIGHEST {
        assert_eq!(keys.len() == 2, arrangement.bass == Bass::Octave, "{keys:?} below {hands:?}");
    }
    feet
}

#[test]
fn every_chord_style_number_and_inversion_keeps_the_laws() {
    let (mut before, mut foot, mut turn) = (None, None, 0u8);
    for style in STYLES {
        for voices in VOICES {
            for inversion in INVERSIONS {
                for chord in all_chords() {
                    turn = turn.wrapping_add(1);
                    let arrangement = Arrangement {
                        style,
                        voices,
                        inversion,
                        register: Pitch::folded([60, 48, 55, 67, 76][usize::from(turn % 5)]),
                        below_melody: turn % 2 == 0,
                        bass: BASSES[usize::from(turn / 2 % 5)],
                        ..Arrangement::default()
                    };
                    let melody = (turn % 3 > 0).then(|| Pitch::folded(40 + i32::from(turn % 50)));
                    let voicing = voiced(chord, &arrangement, melody, before.as_ref());
                    foot = footed(chord, &arrangement, &voicing, foot).lowest();
                    before = (turn % 7 > 0).then_some(voicing);
                }
            }
        }
    }
}

#[test]
fn no_chord_of_the_middle_octaves_is_muddy_or_far_from_its_register() {
    for style in STYLES {
        for voices in VOICES {
            for register in [55, 60, 65, 70] {
                let arrangement = Arrangement {
                    style,
                    voices,
                    register: Pitch::folded(register),
                    ..Arrangement::default()
                };
                for chord in all_chords() {
                    let voicing = hands(chord, &arrangement, None, None);
                    let keys = voicing.keys();
                    assert_eq!(spacing::mud(keys), 0, "{chord:?}, {arrangement:?}: {keys:?}");
                    let mean = keys.iter().map(|key| f64::from(key.midi())).sum::<f64>() / keys.len() as f64;
                    let off = (mean - f64::from(register)).abs();
                    assert!(off <= 10.0, "{chord:?}, {arrangement:?}: {keys:?} lies {off} off");
                }
            }
        }
    }
}

#[test]
fn a_range_without_a_chord_tone_still_sounds() {
    let only = |key| Arrangement {
        lowest: Pitch::folded(key),
        highest: Pitch::folded(key),
        ..Arrangement::default()
    };
    for chord in all_chords() {
        for key in [0, 61, 127] {
            assert_eq!(voiced(chord, &only(key), None, None).keys().len(), 1, "{chord:?} at {key}");
        }
    }
}

#[test]
fn from_five_voices_to_three_a_chord_settles_at_once() {
    let arrangement = Arrangement {
        style: Style::Spread,
        register: Pitch::folded(30),
        lowest: Pitch::folded(0),
        highest: Pitch::folded(71),
        inversion: Inversion::Second,
        bass: Bass::Off,
        ..Arrangement::default()
    };
    let chord = |root, quality| {
        let quality = Quality::from_index(quality).unwrap();
        Chord::new(PitchClass::new(root), quality).over(PitchClass::new(0))
    };
    let first = voiced(chord(0, 18), &arrangement, None, None);
    let second = voiced(chord(5, 2), &arrangement, None, Some(&first));
    assert_eq!((first.keys().len(), second.keys().len()), (5, 3));
    assert_eq!(voiced(chord(5, 2), &arrangement, None, Some(&second)), second);
}

/// Any wish at all.
fn an_arrangement() -> impl Strategy<Value = Arrangement> {
    let key = |lowest, highest| (lowest..=highest).prop_map(Pitch::folded);
    let wishes = (
        proptest::sample::select(&STYLES[..]),
        proptest::sample::select(&VOICES[..]),
        proptest::sample::select(&INVERSIONS[..]),
        proptest::sample::select(&BASSES[..]),
        any::<bool>(),
    );
    (wishes, key(0, 127), key(0, 127), key(0, 127)).prop_map(
        |((style, voices, inversion, bass, below_melody), register, lowest, highest)| Arrangement {
            style,
            voices,
            register,
            lowest,
            highest,
            inversion,
            below_melody,
            bass,
        },
    )
}

fn a_chord() -> impl Strategy<Value = Chord> {
    (0..12i32, 0..12i32, 0..Quality::COUNT).prop_map(|(root, bass, quality)| {
        Chord::new(PitchClass::new(root), Quality::from_index(quality).unwrap()).over(PitchClass::new(bass))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_walk_keeps_the_laws_and_a_chord_that_comes_again_stays(
        arrangement in an_arrangement(),
        walk in prop::collection::vec((a_chord(), prop::option::of(0..128i32)), 1..12),
    ) {
        let (mut before, mut foot) = (None, None);
        for (chord, melody) in walk {
            let melody = melody.map(Pitch::folded);
            let voicing = voiced(chord, &arrangement, melody, before.as_ref());
            prop_assert_eq!(voiced(chord, &arrangement, melody, Some(&voicing)), voicing);
            foot = footed(chord, &arrangement, &voicing, foot).lowest();
            before = Some(voicing);
        }
    }

    #[test]
    fn a_step_is_another_note_in_the_bass_octaves_near_to_the_next(
        from in 28..=51i32, next in 0..12i32, chord in a_chord(),
    ) {
        let (from, next) = (Pitch::folded(from), PitchClass::new(next));
        let step = step_towards(from, next, chord);
        prop_assert!(step != from && step.class() != next, "{step:?}");
        prop_assert!((bass::LOWEST..=bass::HIGHEST).contains(&step.midi()), "{step:?}");
        let away = step.class().above(next);
        prop_assert!([1, 2, 7, 10, 11].contains(&away), "{step:?} is {away} above {next:?}");
        prop_assert!(distance(step, from) <= 12, "{step:?}");
    }
}
