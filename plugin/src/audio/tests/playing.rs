//! What the player's switches, rhythms, nudges and clocks do to the notes that go out.

use super::*;
use crate::{
    audio::comping::{ArpRate, Comping, Pattern, Strum},
    voicing::{Arrangement, Bass, Inversion, Style},
};
use block::{Parts, Presses};

impl Stage {
    fn tap(&mut self, tap: impl FnOnce(&mut Presses)) {
        tap(&mut self.block.settings.switches.presses);
    }
}

#[test]
fn hold_keeps_the_chord_and_says_so() {
    let mut stage = playing(1);
    stage.run(SAMPLES_A_FRAME);
    stage.switch(Switches { hold: true, ..Switches::default() });
    stage.plan(3, chord(7));
    stage.plan(4, ChordFrame::Silence);
    stage.run(4 * SAMPLES_A_FRAME);
    assert_eq!(stage.num_sounding(), 4);
    assert!(stage.heard()[2..4].iter().all(|heard| heard.played == ChordFrame::Hold));
    stage.switch(Switches::default());
    stage.plan(6, chord(5));
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!(stage.audio.performer.current(), Some(Chord::new(PitchClass::new(5), Quality::MAJOR)));
}

#[test]
fn mute_silences_within_the_block_and_comes_back_within_one() {
    let mut stage = playing(20);
    stage.run(2 * SAMPLES_A_FRAME);
    stage.switch(Switches { mute: true, ..Switches::default() });
    let muted = stage.now;
    stage.run(64);
    assert_eq!(stage.num_sounding(), 0);
    assert!(stage.sent.iter().rev().take(4).all(|(at, _)| *at == muted));
    stage.switch(Switches::default());
    let back = stage.now;
    stage.run(64);
    assert_eq!(stage.num_sounding(), 4);
    assert_eq!(stage.starts(0).last(), Some(&back));
}

#[test]
fn next_brings_the_next_chord_now_and_it_is_not_struck_again() {
    let mut stage = playing(3);
    stage.plan(5, chord(7));
    stage.plan(6, ChordFrame::Hold);
    stage.run(2 * SAMPLES_A_FRAME + 100);
    stage.tap(|presses| presses.next += 1);
    let pressed = stage.now;
    stage.run(64);
    assert_eq!(stage.starts(0).last(), Some(&pressed));
    let struck = stage.starts(0).len();
    stage.run(5 * SAMPLES_A_FRAME);
    assert_eq!(stage.starts(0).len(), struck, "its own frame does not strike it again");
    let played: Vec<ChordFrame> = stage.heard().iter().map(|heard| heard.played).collect();
    assert_eq!(played[1..6], [chord(0), chord(7), ChordFrame::Hold, ChordFrame::Hold, ChordFrame::Hold]);
}

#[test]
fn next_between_frames_is_told_with_the_next_frame() {
    let mut stage = playing(3);
    stage.plan(5, chord(7));
    // Frame 2 has closed, frame 3 has not begun.
    stage.run(2 * SAMPLES_A_FRAME + SAMPLES_A_FRAME * 3 / 4);
    stage.tap(|presses| presses.next += 1);
    stage.run(64);
    stage.run(3 * SAMPLES_A_FRAME);
    let played: Vec<ChordFrame> = stage.heard().iter().map(|heard| heard.played).collect();
    assert_eq!(played[1..5], [chord(0), ChordFrame::Hold, chord(7), ChordFrame::Hold]);
}

#[test]
fn next_without_a_plan_asks_the_worker() {
    let mut stage = playing(3);
    stage.run(SAMPLES_A_FRAME);
    stage.heard();
    stage.tap(|presses| (presses.next, presses.reroll) = (1, 1));
    stage.run(64);
    let asked: Vec<Rules> = std::iter::from_fn(|| stage.worker.next_message())
        .filter_map(|message| match message {
            ToWorker::Again { rules, .. } => Some(rules),
            _ => None,
        })
        .collect();
    assert_eq!(asked.iter().map(|rules| (rules.roll, rules.force)).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
    stage.tap(|presses| presses.undo += 1);
    stage.run(64);
    assert!(matches!(stage.worker.next_message(), Some(ToWorker::Again { rules, .. }) if rules.roll == 0));
}

#[test]
fn thirty_rolls_are_undone_one_by_one_and_a_new_take_begins_with_the_first() {
    let mut stage = playing(3);
    stage.run(SAMPLES_A_FRAME);
    stage.heard();
    let press = |stage: &mut Stage, tap: fn(&mut Presses)| -> Option<u32> {
        stage.tap(tap);
        stage.run(8);
        stage.run(8);
        std::iter::from_fn(|| stage.worker.next_message()).find_map(|message| match message {
            ToWorker::Again { rules, .. } => Some(rules.roll),
            _ => None,
        })
    };
    let reroll: fn(&mut Presses) = |taps| taps.reroll += 1;
    let undo: fn(&mut Presses) = |taps| taps.undo += 1;
    let rolls: Vec<Option<u32>> = (0..30).map(|_| press(&mut stage, reroll)).collect();
    assert_eq!(rolls, (1..=30).map(Some).collect::<Vec<_>>());
    let undone: Vec<Option<u32>> = (0..30).map(|_| press(&mut stage, undo)).collect();
    assert_eq!(undone, (0..30).rev().map(Some).collect::<Vec<_>>());
    assert_eq!(press(&mut stage, undo), None, "there is nothing before the first");
    press(&mut stage, reroll);
    for stop in [true, false] {
        if stop {
            stage.block.transport.playing = false;
            stage.run(8);
            stage.block.transport.playing = true;
        } else {
            press(&mut stage, reroll);
            stage.audio.reset();
        }
        stage.run(8);
        let begin = std::iter::from_fn(|| stage.worker.next_message()).find_map(|message| match message {
            ToWorker::Begin { rules, .. } => Some(rules.roll),
            _ => None,
        });
        assert_eq!(begin, Some(0));
    }
}

#[test]
fn what_is_down_after_a_reset_is_no_press_and_what_is_latched_stays() {
    let mut stage = playing(3);
    stage.switch(Switches { latching: true, ..Switches::default() });
    stage.run(64);
    stage.tap(|presses| presses.hold += 1);
    stage.run(64);
    assert!(stage.audio.wishes.hold);
    stage.audio.reset();
    // While nothing was processed a project was loaded, or a box was ticked.
    stage.tap(|presses| (presses.reroll, presses.next, presses.panic) = (9, 9, 9));
    stage.run(64);
    assert_eq!(stage.audio.wishes, Wishes { hold: true, ..Wishes::default() });
    assert_eq!((stage.audio.roll, stage.audio.force), (0, 0));
    stage.tap(|presses| presses.reroll += 2);
    stage.run(64);
    assert_eq!(stage.audio.roll, 2);
}

#[test]
fn only_a_key_of_the_melody_starts_our_own_clock() {
    let mut stage = Stage::new();
    stage.block.transport = Transport::default();
    stage.block.settings.free_run_bpm = Some(120.0);
    stage.block.settings.hearing.lowest = Pitch::folded(60);
    stage.press(3, 48);
    stage.run(64);
    stage.run(64);
    assert!(!stage.audio.free_run.is_running());
    stage.press(0, 60);
    stage.run(64);
    assert!(stage.audio.free_run.is_running());
}

#[test]
fn a_key_whose_end_was_lost_is_no_melody_after_panic() {
    let mut stage = playing(1);
    stage.press(0, 72);
    stage.run(64);
    assert_eq!(stage.audio.listener.leading(), Some(Pitch::folded(72)));
    stage.tap(|presses| presses.panic += 1);
    stage.run(64);
    assert_eq!(stage.audio.listener.leading(), None);
}

#[test]
fn what_is_printed_and_already_sounds_in_the_song_is_struck_where_nothing_does() {
    let mut stage = Stage::new();
    stage.run(1);
    let ChordFrame::Onset(held) = chord(5) else { panic!() };
    let epoch = stage.audio.epoch;
    // The plan of frame 0 came too late; those after it hold its chord.
    for ordinal in 1..4 {
        let (frame, chord, standing) = (Frame(ordinal), ChordFrame::Hold, Standing::Committed);
        stage.worker.plan(Planned { epoch, ordinal, frame, chord, held: Some(held), standing });
    }
    stage.run(4 * SAMPLES_A_FRAME);
    let starts = stage.starts(0);
    assert!(starts.len() >= 3 && starts.iter().all(|at| *at == starts[0]), "{starts:?}");
    assert_eq!(stage.audio.performer.current(), Some(held));
    let played: Vec<ChordFrame> = stage.heard().iter().map(|heard| heard.played).collect();
    assert!(played.contains(&ChordFrame::Onset(held)) && played.contains(&ChordFrame::Hold), "{played:?}");
}

#[test]
fn nothing_is_brought_before_the_first_chord_was_to_come() {
    let mut stage = Stage::new();
    stage.block.settings.rules.listen = 8;
    stage.run(1);
    let epoch = stage.audio.epoch;
    for ordinal in 1..9 {
        let standing = if ordinal < 3 { Standing::Listening } else { Standing::Draft };
        let chord = if ordinal == 6 { chord(5) } else { ChordFrame::Silence };
        stage.worker.plan(Planned { epoch, ordinal, frame: Frame(ordinal), chord, held: None, standing });
    }
    stage.run(64);
    stage.tap(|presses| presses.next += 1);
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!((stage.starts(0).len(), stage.audio.force), (0, 0));
}

#[test]
fn all_controls_off_lifts_the_pedal_and_is_passed_on() {
    let mut stage = playing(1);
    stage.block.settings.pass = Pass::MelodyAndChords;
    stage.put(4, Control::Sustain, 1.0);
    stage.press(0, 72);
    stage.run(64);
    stage.incoming.push_back(Incoming::Off { offset: 0, channel: Some(4), key: Some(Pitch::folded(72)) });
    stage.run(64);
    assert_eq!(
        (stage.audio.listener.leading(), stage.away()),
        (Some(Pitch::folded(72)), vec![(4, Control::Sustain)])
    );
    stage.incoming.push_back(Incoming::ControlsOff { offset: 0, channel: 4 });
    stage.run(64);
    assert_eq!((stage.audio.listener.leading(), stage.away()), (None, vec![]));
    // Nothing is put to rest twice.
    stage.block.settings.pass = Pass::ChordsOnly;
    let room = stage.room;
    stage.run(64);
    assert_eq!(stage.room, room);
}

#[test]
fn the_pedal_of_an_instruments_first_channel_holds_the_keys_of_all() {
    let mut stage = playing(1);
    let up = |key| Incoming::Off { offset: 0, channel: Some(4), key: Some(Pitch::folded(key)) };
    stage.put(0, Control::Sustain, 1.0);
    stage.press(0, 72);
    stage.run(64);
    stage.incoming.push_back(up(72));
    stage.run(64);
    assert_eq!(stage.audio.listener.leading(), Some(Pitch::folded(72)));
    stage.put(0, Control::Sustain, 0.0);
    stage.run(64);
    assert_eq!(stage.audio.listener.leading(), None);
    // Where one channel alone is listened to, its own pedal counts alone.
    stage.block.settings.hearing.channel = Some(4);
    stage.put(0, Control::Sustain, 1.0);
    stage.press(0, 72);
    stage.run(64);
    stage.incoming.push_back(up(72));
    stage.run(64);
    assert_eq!(stage.audio.listener.leading(), None);
}

#[test]
fn a_key_too_short_for_a_block_starts_our_own_clock_and_is_heard_whatever_came_before_it() {
    for (bends, up_at) in [(true, 50), (true, 600), (false, 50)] {
        let mut stage = Stage::new();
        stage.block.transport = Transport::default();
        stage.block.settings.free_run_bpm = Some(120.0);
        // A key from before is no melody of this take.
        stage.press(0, 48);
        stage.block.settings.hearing.lowest = Pitch::folded(50);
        stage.run(512);
        stage.block.settings.hearing.lowest = Pitch::folded(0);
        stage.run(512);
        if bends {
            stage.incoming.push_back(Incoming::Other { offset: 3 });
        }
        stage.press(3, 60);
        let up = |offset| Incoming::Off { offset, channel: None, key: None };
        stage.incoming.extend((up_at < 512).then(|| up(up_at)));
        stage.run(512);
        stage.incoming.extend((up_at >= 512).then(|| up(up_at - 512)));
        stage.run(2 * SAMPLES_A_FRAME);
        let heard: Vec<MelodyFrame> = stage.heard().iter().map(|heard| heard.melody).collect();
        assert_eq!(heard, [MelodyFrame::Onset(Pitch::folded(60)), MelodyFrame::Rest]);
    }
}

#[test]
fn a_key_from_before_a_reset_starts_no_clock_of_our_own() {
    let mut stage = Stage::new();
    stage.block.transport = Transport::default();
    stage.block.settings.free_run_bpm = Some(120.0);
    stage.incoming.push_back(Incoming::Other { offset: 0 });
    stage.press(3, 60);
    stage.run(64);
    stage.audio.reset();
    stage.run(64);
    assert!(!stage.audio.free_run.is_running());
}

#[test]
fn a_sample_rate_that_changes_without_a_word_is_followed() {
    let mut stage = Stage::new();
    stage.block.transport.position = None;
    stage.run(SAMPLES_A_FRAME);
    stage.block.sample_rate = 96_000.0;
    stage.run(8);
    assert_eq!(stage.audio.playhead.frame_length(), Some(12_000.0));
    // What no host could mean is no transport, also where a chord is to sound again in that very block.
    for rate in [1e300, f64::NAN, 0.0] {
        let mut stage = playing(20);
        stage.block.settings.comping.strum_ms = 50.0;
        stage.run(2 * SAMPLES_A_FRAME);
        stage.switch(Switches { mute: true, ..Switches::default() });
        stage.run(64);
        stage.switch(Switches::default());
        stage.block.sample_rate = rate;
        stage.run(64);
        assert_eq!(stage.audio.playhead.tempo_bpm(), None);
        assert!(stage.audio.is_silent());
    }
}

#[test]
fn chords_are_nudged_both_ways_to_the_sample() {
    for (nudge_ms, at) in [(10.0, 12_480), (-10.0, 11_520), (0.0, 12_000)] {
        for size in [1, 64, 700, 20_000] {
            let mut stage = Stage::new();
            stage.block.settings.comping.nudge_ms = nudge_ms;
            stage.run(1);
            stage.plan(1, ChordFrame::Silence);
            stage.plan(2, chord(0));
            while stage.now < 20_000 {
                stage.run(size);
            }
            assert_eq!(stage.starts(0), [at; 3], "{nudge_ms} ms, blocks of {size}");
        }
    }
}

#[test]
fn a_frame_nears_no_sooner_than_the_last_has_closed() {
    // A frame of 1800 samples, of which the nudge asks for 1440 and half is there.
    for size in [1, 64, 700, 20_000] {
        let mut stage = Stage::new();
        (stage.block.transport.tempo_bpm, stage.block.transport.position) = (Some(400.0), None);
        stage.block.settings.comping = Comping { nudge_ms: -30.0, humanise: 0.0, ..Comping::default() };
        stage.run(1);
        [ChordFrame::Silence, chord(0), chord(5), chord(7)]
            .into_iter()
            .enumerate()
            .for_each(|(nth, planned)| stage.plan(1 + nth as i64, planned));
        while stage.now < 9_000 {
            stage.run(size);
        }
        assert_eq!(stage.starts(0), [[2_700; 3], [4_500; 3], [6_300; 3]].concat(), "blocks of {size}");
    }
}

#[test]
fn a_chord_that_is_planned_too_late_to_come_early_comes_in_time() {
    let mut stage = Stage::new();
    stage.block.settings.comping.nudge_ms = -30.0;
    stage.run(11_500);
    stage.plan(2, chord(0));
    stage.run(6_000);
    assert_eq!(stage.starts(0), [12_000; 3]);
}

#[test]
fn rhythms_strike_on_their_places_whatever_the_block() {
    let cases = [
        (Pattern::Beats, vec![1, 4, 8, 12]),
        (Pattern::Charleston, vec![1, 6]),
        (Pattern::Eighths, vec![1, 2, 4, 6, 8, 10, 12, 14]),
    ];
    for (pattern, frames) in cases {
        for size in [64, 6000, 50_000] {
            let mut stage = playing(14);
            stage.block.settings.comping.pattern = pattern;
            while stage.now < 95_000 {
                stage.run(size);
            }
            let mut starts = stage.starts(0);
            starts.dedup();
            starts.retain(|at| *at < 95_000);
            let expected: Vec<i64> = frames.iter().map(|frame| frame * i64::from(SAMPLES_A_FRAME)).collect();
            assert_eq!(starts, expected, "{pattern:?}, blocks of {size}");
        }
    }
}

#[test]
fn an_arpeggio_is_one_voice_at_a_time_and_triplets_fall_between_frames() {
    let mut stage = playing(14);
    stage.block.settings.comping =
        Comping { pattern: Pattern::ArpeggioUp, rate: ArpRate::Triplet, gate: 0.5, ..Comping::default() };
    stage.run(9 * SAMPLES_A_FRAME);
    let starts = stage.starts(0);
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");
    assert!(starts.contains(&24_000) && starts.contains(&32_000) && starts.contains(&40_000), "{starts:?}");
    assert!(stage.num_sounding() <= 2, "the bass lies, voices end by their gate");
}

#[test]
fn a_strum_goes_up_the_chord() {
    let mut stage = playing(3);
    stage.block.settings.comping = Comping { strum_ms: 20.0, strum: Strum::Up, ..Comping::default() };
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!(stage.starts(0), [6_000, 6_480, 6_960]);
    let keys: Vec<Pitch> = stage.sent.iter().filter(|(_, n)| n.channel == 0).map(|(_, n)| n.key).collect();
    assert!(keys.is_sorted());
}

#[test]
fn a_pad_holds_common_tones_over() {
    let mut stage = playing(1);
    stage.block.settings.arrangement.style = Style::Pad;
    stage.plan(3, ChordFrame::Onset(Chord::new(PitchClass::new(9), Quality::MINOR)));
    stage.run(4 * SAMPLES_A_FRAME);
    let at_change = stage.sent.iter().filter(|(at, note)| *at == 18_000 && note.channel == 0).count();
    assert_eq!(at_change, 2, "C and E go on, G gives way to A: {:?}", stage.sent);
    assert_eq!(stage.num_sounding(), 4);
}

#[test]
fn parts_go_out_alone() {
    for (parts, hands, bass) in [(Parts::Both, 3, 1), (Parts::ChordsOnly, 3, 0), (Parts::BassOnly, 0, 1)] {
        let mut stage = playing(3);
        stage.block.settings.parts = parts;
        stage.run(2 * SAMPLES_A_FRAME);
        assert_eq!((stage.starts(0).len(), stage.starts(1).len()), (hands, bass), "{parts:?}");
    }
}

#[test]
fn a_walking_bass_steps_on_every_beat() {
    let mut stage = playing(14);
    stage.block.settings.arrangement.bass = Bass::Walking;
    stage.run(13 * SAMPLES_A_FRAME);
    assert_eq!(stage.starts(1), [6_000, 24_000, 48_000, 72_000]);
    assert_eq!(stage.num_sounding(), 4, "one bass key at a time");
}

#[test]
fn our_own_clock_runs_from_the_first_note_while_the_host_stands_still() {
    let mut stage = Stage::new();
    stage.block.transport = Transport::default();
    stage.block.settings.free_run_bpm = Some(120.0);
    stage.run(1000);
    assert!(stage.heard().is_empty());
    stage.press(0, 60);
    stage.run(64);
    stage.plan(1, chord(0));
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!(stage.starts(0), [1000 + i64::from(SAMPLES_A_FRAME); 3]);
    stage.incoming.push_back(Incoming::Off { offset: 0, channel: None, key: None });
    for _ in 0..80 {
        stage.run(SAMPLES_A_FRAME);
    }
    assert_eq!(stage.num_sounding(), 0, "it stops after four bars of rest, and takes its notes with it");
}

#[test]
fn our_own_clock_counts_from_the_note_at_any_block_size() {
    // The note stands at sample 1234, alone or with what an expressive keyboard says before it.
    for (size, bends) in
        [(1, false), (64, false), (64, true), (500, true), (2048, false), (2048, true), (9000, true)]
    {
        let mut stage = Stage::new();
        stage.block.transport = Transport::default();
        stage.block.settings.free_run_bpm = Some(120.0);
        stage.block.settings.rules.listen = 4;
        let mut heard = Vec::new();
        while stage.now < 60_000 {
            if (stage.now..stage.now + i64::from(size)).contains(&1234) {
                let offset = (1234 - stage.now) as u32;
                if bends {
                    stage.incoming.push_back(Incoming::Other { offset });
                }
                stage.press(offset, 60);
            }
            stage.run(size);
            stage.plan(4, chord(0));
            stage.plan(5, ChordFrame::Hold);
            heard.extend(stage.heard().into_iter().map(|heard| (heard.ordinal, heard.frame, heard.melody)));
        }
        let start = 1234 + 4 * i64::from(SAMPLES_A_FRAME);
        assert_eq!(stage.starts(0), [start; 3], "blocks of {size}, {bends}");
        let melody = |ordinal: i64| match ordinal {
            0 => MelodyFrame::Onset(Pitch::folded(60)),
            _ => MelodyFrame::Hold,
        };
        assert!(heard.len() > 8);
        for (idx, heard) in (0..).zip(&heard) {
            assert_eq!(*heard, (idx, Frame(idx), melody(idx)), "blocks of {size}, {bends}");
        }
    }
}

#[test]
fn our_own_clock_is_told_apart_from_the_song_and_prints_nothing_of_it() {
    let mut stage = Stage::new();
    stage.block.transport.playing = false;
    stage.block.settings.free_run_bpm = Some(120.0);
    stage.block.settings.rules.print = true;
    stage.press(0, 60);
    stage.run(2 * SAMPLES_A_FRAME);
    let told = |stage: &mut Stage| -> Vec<(Epoch, bool, bool)> {
        std::iter::from_fn(|| stage.worker.next_message())
            .map(|message| match message {
                ToWorker::Begin { epoch, rules, .. } | ToWorker::Again { epoch, rules } => (epoch, rules),
                ToWorker::Heard(heard) => (heard.epoch, heard.rules),
            })
            .map(|(epoch, rules)| (epoch, rules.own_clock, rules.print))
            .collect()
    };
    assert_eq!(told(&mut stage), [(Epoch(1), true, false); 3], "an epoch begins, and two frames are heard");
    // The host begins just where our own clock is, and stops in the middle of a frame.
    stage.block.transport.playing = true;
    stage.block.transport.position = Some(Beats(0.5));
    stage.run(SAMPLES_A_FRAME + 1000);
    let song = told(&mut stage);
    assert_eq!(song[0], (Epoch(3), false, true));
    assert!(song.iter().all(|told| *told == song[0]));
    assert_eq!((stage.audio.roll, stage.audio.sought), (0, false), "a take that begins as the first does");
    stage.block.transport.playing = false;
    stage.press(0, 62);
    stage.run(SAMPLES_A_FRAME);
    let after = told(&mut stage);
    assert!(after.iter().any(|(_, own_clock, _)| *own_clock) && after[0] == song[0], "{after:?}");
}

#[test]
fn the_bass_of_off_beats_lies_wherever_its_chord_begins() {
    for from in [2, 3, 4] {
        let mut stage = Stage::new();
        stage.block.settings.comping.pattern = Pattern::OffBeats;
        stage.run(1);
        stage.plan(from, chord(0));
        (from + 1..from + 9).for_each(|ordinal| stage.plan(ordinal, ChordFrame::Hold));
        stage.run(12 * SAMPLES_A_FRAME);
        assert_eq!((stage.starts(1).len(), stage.ends(1).len()), (1, 0), "from frame {from}");
    }
}

#[test]
fn a_key_that_is_held_as_the_host_stops_does_not_start_our_own_clock() {
    let mut stage = Stage::new();
    stage.block.settings.free_run_bpm = Some(120.0);
    stage.press(10, 60);
    stage.run(2 * SAMPLES_A_FRAME);
    stage.block.transport.playing = false;
    stage.run(SAMPLES_A_FRAME);
    assert!(stage.audio.playhead.tempo_bpm().is_none());
    stage.press(0, 64);
    stage.run(64);
    assert!(stage.audio.own_clock && stage.audio.playhead.tempo_bpm().is_some());
    stage.audio.reset();
    stage.run(64);
    assert!(stage.audio.playhead.tempo_bpm().is_none(), "nor does an old clock go on after a reset");
}

fn wild() -> impl Strategy<Value = Settings> {
    let comping =
        (0..11usize, 0..4usize, 0.05..=1.0f32, 0..3usize, 0.0..120.0f32, 0.0..=1.0f32, -30.0..100.0f32);
    let arrangement = (0..7usize, 0..4usize, 0..5usize, proptest::option::of(2..6u8), 36..72i32, 60..108i32);
    let flags = proptest::array::uniform8(any::<bool>());
    (comping, arrangement, flags, (0..3usize, 0..3usize, 0..4u8)).prop_map(
        |(comping, arrangement, flags, out)| {
            let (pattern, rate, gate, strum, strum_ms, humanise, nudge_ms) = comping;
            let (style, inversion, bass, voices, lowest, highest) = arrangement;
            let [hold, mute, next, reroll, undo, latching, panic, below_melody] = flags;
            let patterns = [
                Pattern::Sustained,
                Pattern::Beats,
                Pattern::Eighths,
                Pattern::OffBeats,
                Pattern::BoomChick,
                Pattern::Charleston,
                Pattern::Tresillo,
                Pattern::ArpeggioUp,
                Pattern::ArpeggioDown,
                Pattern::ArpeggioUpDown,
                Pattern::Alberti,
            ];
            let styles = [
                Style::Close,
                Style::Open,
                Style::DropTwo,
                Style::Shell,
                Style::Spread,
                Style::Power,
                Style::Pad,
            ];
            Settings {
                comping: Comping {
                    pattern: patterns[pattern],
                    rate: [ArpRate::Quarter, ArpRate::Eighth, ArpRate::Triplet, ArpRate::Sixteenth][rate],
                    gate,
                    strum: [Strum::Up, Strum::Down, Strum::Alternating][strum],
                    strum_ms,
                    humanise,
                    nudge_ms,
                    ..Comping::default()
                },
                arrangement: Arrangement {
                    style: styles[style],
                    inversion: [Inversion::Nearest, Inversion::Root, Inversion::First, Inversion::Second]
                        [inversion],
                    bass: [Bass::Off, Bass::Root, Bass::Octave, Bass::Slash, Bass::Walking][bass],
                    voices,
                    lowest: Pitch::folded(lowest),
                    highest: Pitch::folded(highest),
                    below_melody,
                    ..Arrangement::default()
                },
                switches: Switches {
                    hold,
                    mute,
                    latching,
                    presses: Presses {
                        hold: u32::from(hold),
                        mute: u32::from(mute),
                        next: u32::from(next),
                        reroll: u32::from(reroll),
                        undo: u32::from(undo),
                        panic: u32::from(panic),
                    },
                },
                pass: [Pass::ChordsOnly, Pass::MelodyAndChords, Pass::MelodyOnly][out.0],
                parts: [Parts::Both, Parts::ChordsOnly, Parts::BassOnly][out.1],
                chord_channel: out.2,
                bass_channel: out.2 / 2,
                rules: Rules { listen: 0, ..Rules::default() },
                ..Settings::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_it_is_played_every_note_ends(
        turns in proptest::collection::vec((wild(), 1..30_000u32, twists()), 1..24),
    ) {
        let mut stage = Stage::new();
        for (settings, num_samples, twist) in turns {
            stage.block.settings = settings;
            match twist {
                Twist::Play(playing) => stage.block.transport.playing = playing,
                Twist::Seek(place) => stage.block.transport.position = Some(Beats(place)),
                Twist::Tempo(tempo) => stage.block.transport.tempo_bpm = tempo,
                Twist::Press(offset, key) => stage.press(offset.min(num_samples - 1), key),
                Twist::Room(room) => stage.room = if room == 5 { usize::MAX } else { room },
                Twist::Loop(range) => {
                    stage.block.transport.cycle =
                        range.map(|(start, end)| block::Cycle { start: Beats(start), end: Beats(end) });
                }
                Twist::Run(_) | Twist::Release(_) | Twist::Reset | Twist::Settings(..) => {}
            }
            stage.run(num_samples);
            answer(&mut stage);
            keep_the_ledger(&stage)?;
        }
        stage.room = usize::MAX;
        stage.block.transport.playing = false;
        stage.incoming.push_back(Incoming::Off { offset: 500, channel: None, key: None });
        stage.run(501);
        stage.run(501);
        prop_assert_eq!(keep_the_ledger(&stage)?, 0);
        prop_assert!(stage.audio.is_silent());
    }

    #[test]
    fn the_size_of_blocks_changes_nothing(
        settings in wild(), sizes in proptest::collection::vec(1..9000u32, 1..12),
    ) {
        let mut takes = Vec::new();
        for sizes in [&[4096][..], &sizes] {
            let mut stage = Stage::new();
            stage.block.settings = Settings { switches: Switches::default(), ..settings };
            stage.run(1);
            for ordinal in 1..24 {
                let planned = match ordinal % 7 {
                    1 => chord((ordinal * 5 % 12) as i32),
                    6 => ChordFrame::Silence,
                    _ => ChordFrame::Hold,
                };
                stage.plan(ordinal, planned);
            }
            let mut turn = sizes.iter().cycle();
            while stage.now < 140_000 {
                let size = (*turn.next().unwrap_or(&64)).min(u32::try_from(140_000 - stage.now).unwrap_or(1));
                stage.run(size);
            }
            // Where in its block a note lies is the block's business.
            takes.push(stage.sent.iter().map(|(at, note)| (*at, Outgoing { offset: 0, ..*note })).collect::<Vec<_>>());
        }
        prop_assert_eq!(&takes[0], &takes[1]);
    }
}
