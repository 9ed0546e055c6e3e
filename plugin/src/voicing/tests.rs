//! Laws of every voicing, over all chords.

use super::*;
use music::{
    chord::{Chord, Quality},
    pitch::{PitchClass, PitchClassSet},
};
use proptest::prelude::*;

fn all_chords() -> impl Iterator<Item = Chord> {
    PitchClass::all().flat_map(|root| Quality::all().map(move |quality| Chord::new(root, quality)))
}

fn classes(voicing: &Voicing) -> PitchClassSet {
    voicing.keys().iter().fold(PitchClassSet::EMPTY, |set, key| set.with(key.class()))
}

fn keep_the_laws(chord: Chord, centre: Pitch, hands: Option<&Voicing>) -> Voicing {
    let voicing = close(chord, centre, hands);
    let keys = voicing.keys();
    assert!((3..=MAX_VOICES).contains(&keys.len()), "{chord}: {keys:?}");
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{chord}: voices cross in {keys:?}");
    let missing = chord.pitch_classes().minus(classes(&voicing));
    let fifth = PitchClassSet::EMPTY.with(chord.root.transposed(7));
    assert!(
        classes(&voicing).minus(chord.pitch_classes()).is_empty(),
        "{chord}: {keys:?} holds a strange tone"
    );
    let may_miss = if chord.pitch_classes().len() > MAX_VOICES as u32 { fifth } else { PitchClassSet::EMPTY };
    assert!(missing.minus(may_miss).is_empty(), "{chord}: {keys:?} lacks a tone");
    let mean = keys.iter().map(|key| f64::from(key.midi())).sum::<f64>() / keys.len() as f64;
    assert!(
        (mean - f64::from(centre.midi())).abs() < 10.0,
        "{chord}: {keys:?} lies around {mean}, not {centre:?}"
    );
    voicing
}

#[test]
fn the_first_voicing_of_every_chord_keeps_the_laws() {
    for centre in 48..=76 {
        for chord in all_chords() {
            keep_the_laws(chord, Pitch::folded(centre), None);
        }
    }
}

#[test]
fn a_chord_that_comes_again_stays_where_it_is() {
    for chord in all_chords() {
        let once = close(chord, Pitch::folded(60), None);
        assert_eq!(close(chord, Pitch::folded(60), Some(&once)), once, "{chord}");
    }
}

#[test]
fn the_bass_has_the_chords_bass_below_the_hands() {
    for class in PitchClass::all() {
        for before in [None, Some(28), Some(40), Some(51)] {
            let key = bass(class, Pitch::folded(45), before.map(Pitch::folded));
            assert_eq!(key.class(), class);
            assert!((28..45).contains(&key.midi()), "{key:?} after {before:?}");
        }
    }
}

#[test]
fn voices_move_little_on_the_mean() {
    // Around the circle of fifths, the test of all accompanists: root position would move each voice by five.
    let (mut hands, mut moved, mut voices) = (None, 0, 0);
    for fifths in 0..48 {
        let chord = Chord::new(
            PitchClass::new(7 * fifths),
            if fifths % 2 == 0 { Quality::MINOR } else { Quality::MAJOR },
        );
        let voicing = keep_the_laws(chord, Pitch::folded(60), hands.as_ref());
        if let Some(hands) = &hands {
            moved += leading::motion(hands, &voicing) / 2;
            voices += voicing.keys().len() as i32;
        }
        hands = Some(voicing);
    }
    let mean = f64::from(moved) / f64::from(voices);
    assert!(mean < 2.0, "a voice moves {mean} semitones on the mean");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_walk_keeps_the_laws(walk in proptest::collection::vec((0..12i32, 0..Quality::COUNT), 1..40), centre in 48..=76i32) {
        let (mut hands, mut foot) = (None, None);
        for (root, quality) in walk {
            let quality = Quality::from_index(quality).unwrap();
            let chord = Chord::new(PitchClass::new(root), quality);
            let voicing = keep_the_laws(chord, Pitch::folded(centre), hands.as_ref());
            let key = bass(chord.bass, voicing.lowest(), foot);
            assert!(key < voicing.lowest(), "{key:?} is not below {voicing:?}");
            if let Some(foot) = foot.filter(|_| voicing.lowest().midi() > 51) {
                assert!((i32::from(Pitch::midi(foot)) - i32::from(key.midi())).abs() <= 12, "the bass leaps");
            }
            (hands, foot) = (Some(voicing), Some(key));
        }
    }
}
