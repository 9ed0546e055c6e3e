//! What is bounced is what was heard, with the player's options on: the same bytes at any block size, live and rendered,
//! in both formats, and again after the session was saved, closed and opened by another process. What hands do at the
//! panel is played again by a host's automation, so it must come to the same, too.

use crate::support::{
    alone::{House, alone},
    conductor::{Conductor, off, on},
    models::{self, TINY},
    stage::{self, BOTH, Face, open, playing, ready},
    this_test, tunes,
};
use hosts::{
    Block, Event, ParamChange, PluginHost, Rendering, Setup, TimedEvent,
    song::Song,
    timeline::{BlockSizes, Passage, Recording, Script},
};
use music::grid::Beats;
use std::{fmt::Write, fs, path::Path};

/// Ways to play that between them turn every option on.
const WAYS: [(&str, &[(&str, &str)]); 4] = [
    (
        "shells that walk",
        &[
            ("commit", "1 beat"),
            ("look_ahead", "3 beats"),
            ("grid", "Beat"),
            ("density", "40 %"),
            ("temperature", "1.2"),
            ("top_p", "90 %"),
            ("key_rule", "Lean to the key"),
            ("style", "Shell"),
            ("bass", "Walking"),
            ("pattern", "Charleston"),
            ("gate", "60 %"),
            ("strum_ms", "25 ms"),
            ("strum", "Alternating"),
            ("follow", "70 %"),
            ("humanise", "60 %"),
            ("nudge", "-20 ms"),
            ("pass_through", "Melody and chords"),
        ],
    ),
    (
        "a harp over a pad's bass",
        &[
            ("commit", "1 beat"),
            ("grid", "Half bar"),
            ("density", "-60 %"),
            ("key_rule", "Lock to the key"),
            ("key_tonic", "Eb"),
            ("key_mode", "Dorian"),
            ("style", "Spread"),
            ("voices", "5"),
            ("below_melody", "On"),
            ("inversion", "First inversion"),
            ("bass", "Octaves"),
            ("pattern", "Arpeggio up and down"),
            ("arp_rate", "8th triplet"),
            ("humanise", "100 %"),
            ("nudge", "15 ms"),
            ("chord_channel", "5"),
            ("bass_channel", "6"),
        ],
    ),
    (
        "a pad of common tones",
        &[
            ("commit", "1 1/2 beats"),
            ("style", "Pad (common tones held)"),
            ("leads", "Highest note"),
            ("parts", "Chords without bass"),
            ("loop_memory", "Off"),
            ("strum_ms", "120 ms"),
            ("strum", "Down"),
        ],
    ),
    (
        "eighths, dropped",
        &[
            ("commit", "1 beat"),
            ("seed", "4711"),
            ("style", "Drop 2"),
            ("bass", "Slash"),
            ("pattern", "Tresillo"),
            ("velocity", "101"),
            ("in_lowest", "C4"),
            ("in_highest", "B4"),
            ("leads", "Lowest note"),
        ],
    ),
];

/// An untrained model changes its mind on almost every frame.
fn house() -> House {
    House::with_model(models::untrained(TINY, 3))
}

fn song() -> Song {
    tunes::plain(6, 103.0)
}

/// Three bars three times over, so that the memory of loops has a part in it.
fn script(blocks: BlockSizes) -> Script {
    let passages =
        vec![Passage::Loop { from: Beats(0.0), to: Beats(12.0), times: 3 }, Passage::Stop { samples: 4800 }];
    Script::of(passages, blocks)
}

/// All that came out, byte for byte: a line an event with its sample.
fn bounce(host: &mut dyn PluginHost, song: &Song, blocks: BlockSizes) -> String {
    let recording = stage::play(host, song, &script(blocks));
    assert_eq!(stage::late(host), 0, "late with {blocks:?}");
    lines(&recording)
}

fn lines(recording: &Recording) -> String {
    recording.heard.iter().fold(String::new(), |mut lines, heard| {
        writeln!(lines, "{} {:?}", heard.sample, heard.event).expect("it is written");
        lines
    })
}

/// Fails where two bounces differ, with the first event that does.
fn same(name: &str, found: &str, reference: &str) {
    assert!(reference.lines().count() > 200, "{name}: only {} events", reference.lines().count());
    if found != reference {
        let differs = found.lines().zip(reference.lines()).find(|(a, b)| a != b);
        panic!("{name}: {differs:?} (here, and in the reference)");
    }
}

fn setup(rendering: Rendering) -> Setup {
    Setup { sample_rate: 48_000.0, max_block: 4096, rendering }
}

#[test]
fn every_option_bounces_alike() {
    alone(&this_test!(), "untrained", house, || {
        let song = song();
        let offline = [
            BlockSizes::Fixed(64),
            BlockSizes::Fixed(441),
            BlockSizes::Fixed(4096),
            BlockSizes::Random { least: 1, most: 3000, seed: 5 },
        ];
        let takes = offline
            .into_iter()
            .map(|blocks| (Rendering::Offline, blocks))
            .chain([(Rendering::Realtime, BlockSizes::Fixed(128))]);
        for (way, settings) in WAYS {
            let mut reference: Option<String> = None;
            for face in BOTH {
                for (rendering, blocks) in takes.clone() {
                    let found = bounce(playing(face, setup(rendering), settings).as_mut(), &song, blocks);
                    let reference = reference.get_or_insert_with(|| found.clone());
                    same(&format!("{way}: {face:?} {rendering:?} {blocks:?}"), &found, reference);
                }
            }
        }
        String::new()
    });
}

#[test]
fn a_bounce_that_waits_for_nobody_is_what_was_heard() {
    alone(&this_test!(), "rushed", house, || {
        let song = song();
        // The bass steps towards chords that are known a beat before, and no sooner for a worker that is ahead.
        for (way, settings) in WAYS {
            let settings =
                [settings, &[("commit", "2 beats"), ("bass", "Walking"), ("density", "-60 %")]].concat();
            let live = playing(Face::Clap, setup(Rendering::Realtime), &settings);
            let heard = bounce({ live }.as_mut(), &song, BlockSizes::Fixed(128));
            for samples in [64, 4096] {
                let mut host = playing(Face::Clap, setup(Rendering::Offline), &settings);
                let rushed = stage::rush(host.as_mut(), &song, &script(BlockSizes::Fixed(samples)));
                same(&format!("{way}, {samples}"), &lines(&rushed), &heard);
            }
        }
        String::new()
    });
}

#[test]
fn a_saved_session_bounces_alike_in_another_process() {
    let kept = |face: Face, way: usize, what: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bounce-{face:?}-{way}.{what}"))
    };
    let said = |host: &mut dyn PluginHost, settings: &[(&str, &str)]| -> String {
        settings.iter().map(|(key, _)| format!("{key}: {}\n", stage::says(host, key))).collect()
    };
    alone(&this_test!(), "saved", house, || {
        for face in BOTH {
            for (idx, (_, settings)) in WAYS.into_iter().enumerate() {
                let mut host = playing(face, setup(Rendering::Offline), settings);
                let bounced = bounce(host.as_mut(), &song(), BlockSizes::Fixed(512));
                fs::write(kept(face, idx, "session"), host.save().expect("it saves")).expect("it is written");
                fs::write(kept(face, idx, "events"), bounced).expect("it is written");
                fs::write(kept(face, idx, "panel"), said(host.as_mut(), settings)).expect("it is written");
            }
        }
        String::new()
    });
    alone(&this_test!(), "opened", house, || {
        for face in BOTH {
            for (idx, (way, settings)) in WAYS.into_iter().enumerate() {
                let mut host = open(face);
                let session = fs::read(kept(face, idx, "session")).expect("it was saved");
                host.load_state(&session).expect("it loads");
                host.activate(setup(Rendering::Offline)).expect("it activates");
                ready(host.as_mut());
                let found = bounce(host.as_mut(), &song(), BlockSizes::Fixed(300));
                let reference = fs::read_to_string(kept(face, idx, "events")).expect("it was written");
                same(&format!("{way}: {face:?}"), &found, &reference);
                // Both halves of a plugin that has two know of it.
                let panel = fs::read_to_string(kept(face, idx, "panel")).expect("it was written");
                assert_eq!(said(host.as_mut(), settings), panel, "{way}: {face:?}");
            }
        }
        String::new()
    });
}

/// What automation does to the player's switches, by blocks of 480 samples; a frame has twelve and a half.
const PRESSES: [(u64, &str, bool); 24] = [
    (200, "next", true),
    (201, "next", false),
    (260, "reroll", true),
    (262, "reroll", false),
    (300, "reroll", true),
    (301, "next", true),
    (302, "reroll", false),
    (303, "next", false),
    (340, "undo_reroll", true),
    (341, "undo_reroll", false),
    (400, "hold", true),
    (470, "hold", false),
    (500, "mute", true),
    (530, "mute", false),
    (560, "latching", true),
    (570, "hold", true),
    (571, "hold", false),
    (630, "hold", true),
    (631, "hold", false),
    (640, "reroll", true),
    (640, "next", true),
    (641, "reroll", false),
    (641, "next", false),
    (760, "latching", false),
];

/// Plays a melody from the beginning of the song while hands, or automation, press switches; then stops. What came
/// out, from the take's first sample on.
fn pressed(stand: &mut Conductor<'_>, presses: &[(u64, &str, bool)]) -> Vec<(u64, Event)> {
    let (begun, before) = (stand.clock, stand.heard.len());
    stand.transport.playing = true;
    stand.transport.beats = Some(0.0);
    for block in 0..800u64 {
        let presses = presses.iter().filter(|(at, ..)| *at == block);
        let params = presses.map(|(_, key, is_down)| ParamChange {
            offset: 0,
            id: stand.host.param(key).expect("it is there").id,
            normalized: f64::from(u8::from(*is_down)),
        });
        let key = 60 + ((block / 25) * 7 % 12) as u8;
        let event = match block % 25 {
            0 => Some(on(key)),
            22 => Some(off(key)),
            _ => None,
        };
        let events = event.into_iter().map(|event| TimedEvent { offset: 11, event }).collect();
        let params = params.collect();
        let transport = Some(stand.transport);
        stand.send(Block { samples: 480, transport, events, params, ..Block::default() });
    }
    stand.stop();
    stand.heard[before..].iter().map(|(at, event)| (at - begun, *event)).collect()
}

#[test]
fn pressed_switches_come_to_the_same_in_every_take_and_when_rendered() {
    alone(&this_test!(), "untrained", house, || {
        let settings = [("listen", "1 beat"), ("humanise", "50 %"), ("look_ahead", "4 beats")];
        let mut reference: Option<Vec<(u64, Event)>> = None;
        for face in BOTH {
            for rendering in [Rendering::Realtime, Rendering::Offline] {
                let mut host = playing(face, setup(rendering), &settings);
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                for take in 0..5 {
                    if take == 3 {
                        stand.host.reset().expect("it resets");
                    }
                    let found = pressed(&mut stand, &PRESSES);
                    let reference = reference.get_or_insert_with(|| found.clone());
                    assert!(reference.len() > 200, "only {} events", reference.len());
                    let differs = found.iter().zip(&*reference).find(|(a, b)| a != b);
                    assert!(
                        found == *reference,
                        "{face:?} {rendering:?}, take {take}: {differs:?} (here, and in the reference)"
                    );
                }
                stand.close();
            }
        }
        String::new()
    });
}

/// Automation of the player's switches by samples, of a loop of 335,533.98 samples: presses of one sample and of none,
/// of 20 ms, and right behind the loop's end.
const TAPS: [(u64, &str, bool); 29] = [
    (60_001, "reroll", true),
    (60_001, "reroll", false),
    (90_013, "reroll", true),
    (90_014, "reroll", false),
    (120_007, "next", true),
    (120_967, "next", false),
    (150_101, "hold", true),
    (180_203, "hold", false),
    (200_001, "mute", true),
    (230_777, "mute", false),
    (240_003, "undo_reroll", true),
    (240_004, "undo_reroll", false),
    (260_001, "latching", true),
    (270_005, "hold", true),
    (270_005, "hold", false),
    (300_007, "hold", true),
    (300_977, "hold", false),
    (335_600, "next", true),
    (335_601, "next", false),
    (335_701, "mute", true),
    (335_865, "mute", false),
    (350_001, "mute", true),
    (350_002, "mute", false),
    (400_001, "latching", false),
    (500_003, "next", true),
    (500_003, "reroll", true),
    (500_004, "next", false),
    (500_005, "reroll", false),
    (671_444, "panic", true),
];

#[test]
fn automated_switches_come_to_the_same_at_any_block_size() {
    alone(&this_test!(), "untrained", house, || {
        let sizes = [
            BlockSizes::Fixed(1024),
            BlockSizes::Fixed(32),
            BlockSizes::Fixed(441),
            BlockSizes::Fixed(4096),
            BlockSizes::Random { least: 1, most: 4096, seed: 5 },
        ];
        // The VST3 wrapper does not say that a host renders, so there no draft is asked for that may not have come.
        for (look_ahead, faces) in [("0 beats", &BOTH[..]), ("4 beats", &[Face::Clap])] {
            let settings = [("commit", "1 beat"), ("listen", "1 beat"), ("look_ahead", look_ahead)];
            let take = |face, blocks, taps: &[(u64, &str, bool)]| {
                let mut host = playing(face, setup(Rendering::Offline), &settings);
                let mut script = script(blocks);
                script.split_at_wraps = false;
                let tap = |(at, key, is_down): &(u64, &str, bool)| {
                    (*at, host.param(key).expect("it is there").id, f64::from(u8::from(*is_down)))
                };
                script.automation = taps.iter().map(tap).collect();
                let recording = stage::play(host.as_mut(), &song(), &script);
                assert_eq!(stage::late(host.as_mut()), 0, "late with {blocks:?}");
                recording.heard.iter().fold(String::new(), |mut lines, heard| {
                    writeln!(lines, "{} {:?}", heard.sample, heard.event).expect("it is written");
                    lines
                })
            };
            let reference = take(Face::Clap, sizes[0], &TAPS);
            for face in faces {
                for blocks in sizes {
                    same(&format!("{face:?} {blocks:?}"), &take(*face, blocks, &TAPS), &reference);
                }
            }
            // Each tap is obeyed, those too that are over within a block.
            let downs =
                TAPS.iter().enumerate().filter(|(_, (.., is_down))| *is_down && look_ahead != "0 beats");
            for (nth, (at, key, _)) in downs {
                let mut without = TAPS.to_vec();
                without.remove(nth);
                if let Some(up) = without.iter().skip(nth).position(|(_, name, _)| name == key) {
                    without.remove(nth + up);
                }
                assert!(take(Face::Clap, sizes[0], &without) != reference, "{key} at {at} changes nothing");
            }
        }
        String::new()
    });
}

#[test]
fn a_switch_that_stands_on_is_no_press() {
    alone(&this_test!(), "untrained", house, || {
        let settings =
            [("listen", "1 beat"), ("reroll", "On"), ("next", "On"), ("undo_reroll", "On"), ("panic", "On")];
        for face in BOTH {
            let mut host = playing(face, setup(Rendering::Offline), &settings[..1]);
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            let reference = pressed(&mut stand, &[]);
            stand.close();
            let mut host = playing(face, setup(Rendering::Offline), &settings);
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            for take in ["the first", "after a stop", "after a reset"] {
                if take == "after a reset" {
                    stand.host.reset().expect("it resets");
                }
                assert!(pressed(&mut stand, &[]) == reference, "{face:?}, {take}");
            }
            stand.close();
            // A session does not save a press, and keeps what is held.
            host.set("hold", "On").expect("it is set");
            host.process(&Block { samples: 64, ..Block::default() }).expect("it plays");
            let state = host.save().expect("it saves");
            let mut host = open(face);
            host.load_state(&state).expect("it loads");
            for key in ["reroll", "next", "undo_reroll", "panic"] {
                assert_eq!(stage::says(host.as_mut(), key), "Off", "{face:?} {key}");
            }
            assert_eq!(stage::says(host.as_mut(), "hold"), "On", "{face:?}");
        }
        String::new()
    });
}

#[test]
fn a_printed_session_bounces_as_it_was_played_in_another_process_and_with_another_model() {
    let kept = |face: Face, what: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("print-{face:?}.{what}"))
    };
    let render = |host: &mut dyn PluginHost| -> String {
        let script = Script::whole(&song(), BlockSizes::Fixed(512));
        let recording = stage::play(host, &song(), &script);
        recording.heard.iter().map(|heard| format!("{} {:?}\n", heard.sample, heard.event)).collect()
    };
    alone(&this_test!(), "played", house, || {
        for face in BOTH {
            // Nudged forwards a chord may sound of a frame that the song's end cuts off, which nobody has heard.
            let settings: Vec<_> = WAYS[0].1.iter().copied().filter(|(key, _)| *key != "nudge").collect();
            let mut host = playing(face, setup(Rendering::Offline), &settings);
            fs::write(kept(face, "events"), render(host.as_mut())).expect("it is written");
            fs::write(kept(face, "session"), host.save().expect("it saves")).expect("it is written");
        }
        String::new()
    });
    // It would play something else.
    let other = || House::with_model(models::untrained(TINY, 4));
    alone(&this_test!(), "printed", other, || {
        for face in BOTH {
            let mut host = open(face);
            host.load_state(&fs::read(kept(face, "session")).expect("it was saved")).expect("it loads");
            for (key, text) in [("print", "On"), ("temperature", "0.3"), ("density", "80 %")] {
                host.set(key, text).expect("it is set");
            }
            host.activate(setup(Rendering::Offline)).expect("it activates");
            ready(host.as_mut());
            let reference = fs::read_to_string(kept(face, "events")).expect("it was written");
            assert!(reference.lines().count() > 100, "{face:?}");
            let found = render(host.as_mut());
            let differs = found.lines().zip(reference.lines()).find(|(a, b)| a != b);
            assert!(found == reference, "{face:?}: {differs:?} (here, and as it was played)");
        }
        String::new()
    });
}
