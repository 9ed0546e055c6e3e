//! What the styles and the bass do, as a musician would write it down.

use super::*;
use music::symbol;

pub(super) fn chord(text: &str) -> Chord {
    symbol::parse(text).unwrap().unwrap()
}

/// The voicings of chords one after the other, as MIDI keys.
fn keys(symbols: &str, arrangement: &Arrangement) -> Vec<Vec<u8>> {
    let mut before = None;
    let voice = |text| {
        let voicing = voiced(chord(text), arrangement, None, before.as_ref());
        before = Some(voicing);
        voicing.keys().iter().map(|key| key.midi()).collect()
    };
    symbols.split(' ').map(voice).collect()
}

#[test]
fn a_cadence_in_every_style() {
    let check = |style, expected: &[&[u8]]| {
        let arrangement = Arrangement { style, ..Arrangement::default() };
        assert_eq!(keys("Dm7 G7 Cmaj7", &arrangement), expected, "{style:?}");
    };
    check(Style::Close, &[&[57, 60, 62, 65], &[55, 59, 62, 65], &[55, 59, 60, 64]]);
    check(Style::Open, &[&[50, 57, 65, 72], &[50, 55, 65, 71], &[48, 55, 64, 71]]);
    check(Style::DropTwo, &[&[53, 60, 62, 69], &[53, 59, 62, 67], &[52, 59, 60, 67]]);
    check(Style::Shell, &[&[60, 65], &[59, 65], &[59, 64]]);
    check(Style::Spread, &[&[48, 57, 65, 74], &[47, 55, 65, 74], &[47, 55, 64, 72]]);
    check(Style::Power, &[&[57, 62], &[55, 62], &[55, 60]]);
    check(Style::Pad, &[&[57, 60, 62, 65], &[55, 59, 62, 65], &[55, 59, 60, 64]]);
}

#[test]
fn a_pad_holds_every_tone_that_two_triads_or_sevenths_have() {
    let arrangement = Arrangement { style: Style::Pad, ..Arrangement::default() };
    let chords = || all_chords().filter(|chord| chord.pitch_classes().len() <= 4);
    for from in chords() {
        let before = voiced(from, &arrangement, None, None);
        for to in chords() {
            let after = voiced(to, &arrangement, None, Some(&before));
            let held = before.keys().iter().filter(|key| after.keys().contains(key));
            let held = held.fold(PitchClassSet::EMPTY, |set, key| set.with(key.class()));
            let common = asked(to, &arrangement).iter().filter(|tone| classes(&before).contains(*tone));
            let left = common.filter(|tone| !held.contains(*tone));
            assert_eq!(left.count(), 0, "{from:?} {before:?} to {to:?} {after:?}");
        }
    }
}

#[test]
fn the_octave_of_the_bass_is_left_out_where_the_hands_are() {
    let arrangement = Arrangement { bass: Bass::Octave, ..Arrangement::default() };
    let hands_at = |lowest| {
        let mut voicing = Voicing::EMPTY;
        voicing.push(Pitch::folded(lowest));
        voicing
    };
    let check = |lowest, expected: &[u8]| {
        let feet = feet(chord("A"), &arrangement, &hands_at(lowest), None);
        assert_eq!(feet.keys().map(Pitch::midi).collect::<Vec<_>>(), expected, "below {lowest}");
    };
    check(60, &[33, 45]);
    check(45, &[33]);
    check(33, &[21]);
    check(9, &[]);
}

#[test]
fn a_bass_walks_as_bass_players_do() {
    let check = |from: u8, symbol: &str, next: &str, expected: u8| {
        let step = step_towards(Pitch::new(from).unwrap(), chord(next).bass, chord(symbol));
        assert_eq!(step.midi(), expected, "{symbol} from {from} to {next}");
    };
    check(36, "C", "F", 40); // C E | F
    check(36, "C", "Am", 35); // C B | A
    check(36, "C", "Dm", 37); // C C# | D
    check(38, "Dm7", "G7", 41); // D F | G
    check(43, "G7", "C", 38); // G D | C
    check(36, "C", "C7", 31); // C G | C
    check(33, "Am", "D7/F#", 31); // A G | F#
}
