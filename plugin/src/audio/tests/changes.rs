//! What a player changes while a chord sounds, and what of it is heard when.

use super::*;
use crate::{
    audio::comping::Pattern,
    voicing::{Bass, Style},
};
use block::Parts;

const BEAT: i64 = 4 * SAMPLES_A_FRAME as i64;

/// A chord has sounded for a frame; what is set, and a block of it. Where that block began.
fn change(stage: &mut Stage, set: impl FnOnce(&mut Settings)) -> i64 {
    stage.run(2 * SAMPLES_A_FRAME);
    let at = stage.now;
    set(&mut stage.block.settings);
    stage.run(64);
    at
}

#[test]
fn another_channel_takes_over_what_sounds_at_once() {
    for style in [Style::Close, Style::Pad] {
        let mut stage = playing(3);
        stage.block.settings.arrangement.style = style;
        stage.plan(5, chord(5));
        let at = change(&mut stage, |settings| settings.chord_channel = 6);
        assert_eq!((stage.ends(0), stage.starts(6)), (vec![at; 3], vec![at; 3]), "{style:?}");
        assert_eq!((stage.ends(1), stage.starts(1).len()), (vec![], 1), "the bass goes on");
        stage.run(4 * SAMPLES_A_FRAME);
        assert_eq!(stage.starts(0).len(), 3);
        assert_eq!(stage.num_sounding(), 4);
    }
}

#[test]
fn a_bass_that_walks_takes_one_key_at_a_time_to_its_new_channel() {
    let mut stage = playing(14);
    stage.block.settings.arrangement.bass = Bass::Walking;
    let at = change(&mut stage, |settings| settings.bass_channel = 9);
    assert_eq!((stage.ends(1), stage.starts(9)), (vec![at], vec![at]));
    stage.run(10 * SAMPLES_A_FRAME);
    assert_eq!(stage.starts(9), [at, BEAT, 2 * BEAT, 3 * BEAT]);
    assert_eq!(stage.num_sounding(), 4, "one bass key at a time");
}

#[test]
fn what_a_strum_still_holds_back_goes_to_the_new_channel() {
    let mut stage = playing(14);
    stage.block.settings.comping.strum_ms = 120.0;
    stage.run(SAMPLES_A_FRAME + 1000);
    assert_eq!(stage.starts(0), [6000]);
    stage.block.settings.chord_channel = 3;
    let at = stage.now;
    stage.run(SAMPLES_A_FRAME);
    assert_eq!((stage.starts(0), stage.starts(3)), (vec![6000], vec![at, 6000 + 2880, 6000 + 5760]));
}

#[test]
fn a_part_is_silenced_and_comes_back_at_once_and_the_other_goes_on() {
    type Set = fn(&mut Settings);
    let both: Set = |settings| settings.parts = Parts::Both;
    let cases: [(&str, u8, usize, Set, Set); 2] = [
        ("chords only", 1, 1, |settings| settings.parts = Parts::ChordsOnly, both),
        ("bass only", 0, 3, |settings| settings.parts = Parts::BassOnly, both),
    ];
    for (name, part, num, off, on) in cases {
        let mut stage = playing(20);
        let at = change(&mut stage, off);
        assert_eq!((stage.ends(part), stage.ends(1 - part)), (vec![at; num], vec![]), "{name}");
        let back = change(&mut stage, on);
        assert_eq!(stage.starts(part)[num..], vec![back; num], "{name}");
        stage.run(2 * BEAT as u32);
        assert_eq!(stage.starts(1 - part).len(), 4 - num, "{name}: the other part was not struck again");
    }
}

#[test]
fn a_bass_switched_off_ends_at_once_and_on_again_it_comes_with_a_beat() {
    for same in [false, true] {
        let mut stage = playing(20);
        if same {
            stage.block.settings.bass_channel = 0;
        }
        let at = change(&mut stage, |settings| settings.arrangement.bass = Bass::Off);
        assert_eq!(stage.notes().iter().filter(|note| !note.2).map(|note| note.0).collect::<Vec<_>>(), [at]);
        stage.run(4 * SAMPLES_A_FRAME);
        assert_eq!(stage.num_sounding(), 3);
        stage.block.settings.arrangement.bass = Bass::Root;
        stage.run(4 * SAMPLES_A_FRAME);
        let starts: Vec<i64> = stage.notes().iter().filter(|note| note.2).map(|note| note.0).collect();
        assert_eq!(starts, [6000, 6000, 6000, 6000, 2 * BEAT], "the hands are left alone");
    }
}

#[test]
fn another_voicing_sounds_from_the_next_beat_and_is_no_other_chord() {
    for (name, set) in [
        ("register", (|settings| settings.arrangement.register = Pitch::folded(76)) as fn(&mut Settings)),
        ("style", |settings| settings.arrangement.style = Style::Power),
        ("voices", |settings| settings.arrangement.voices = Some(2)),
    ] {
        let mut stage = playing(20);
        change(&mut stage, set);
        stage.run(4 * SAMPLES_A_FRAME);
        assert_eq!(stage.ends(0), [BEAT; 3], "{name}");
        assert!(stage.starts(0).len() > 3 && stage.starts(0)[3..].iter().all(|at| *at == BEAT), "{name}");
        let num = stage.starts(0).len();
        stage.run(8 * SAMPLES_A_FRAME);
        assert_eq!(stage.starts(0).len(), num, "{name}: once");
        let played: Vec<ChordFrame> = stage.heard().iter().map(|heard| heard.played).collect();
        assert!(played[2..].iter().all(|played| *played == ChordFrame::Hold), "{name}: {played:?}");
    }
}

#[test]
fn another_rhythm_leaves_no_chord_lying_and_lets_one_lie() {
    let mut stage = playing(20);
    change(&mut stage, |settings| settings.comping.pattern = Pattern::ArpeggioUp);
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!(stage.ends(0), [BEAT; 3]);
    assert!(stage.num_sounding() <= 2, "a bass and a voice");
    stage.block.settings.comping.pattern = Pattern::Sustained;
    stage.run(4 * SAMPLES_A_FRAME);
    assert_eq!(stage.num_sounding(), 4);
    assert_eq!(stage.starts(0).iter().filter(|at| **at == 2 * BEAT).count(), 3);
}

#[test]
fn what_lies_sounds_again_after_a_mute() {
    for (pattern, bass, hands) in [
        (Pattern::Sustained, Bass::Walking, 3),
        (Pattern::Sustained, Bass::Root, 3),
        (Pattern::ArpeggioUp, Bass::Root, 0),
        (Pattern::Eighths, Bass::Walking, 0),
    ] {
        let mut stage = playing(20);
        (stage.block.settings.comping.pattern, stage.block.settings.arrangement.bass) = (pattern, bass);
        stage.run(5 * SAMPLES_A_FRAME + 1000);
        stage.switch(Switches { mute: true, ..Switches::default() });
        stage.run(64);
        assert_eq!(stage.num_sounding(), 0);
        stage.switch(Switches::default());
        let back = stage.now;
        stage.run(64);
        let starts = |channel| stage.starts(channel).into_iter().filter(|at| *at >= back).collect::<Vec<_>>();
        assert_eq!((starts(0), starts(1)), (vec![back; hands], vec![back]), "{pattern:?}, {bass:?}");
    }
}
