//! What the plugin promises a session: a late chord is held and counted and never comes out of place; what is committed
//! stands whatever is played next; settings survive a save.

use crate::support::{
    alone::{House, alone},
    conductor::{Conductor, on},
    models::{self, TINY},
    stage::{self, BOTH, Face, open, playing, says, setup},
    this_test, tunes,
};
use hosts::{
    Block, Event, Rendering, TimedEvent,
    timeline::{BlockSizes, HeardNote, Passage, Script, play_watched},
};
use music::{grid::Beats, pitch::Pitch};

fn house() -> House {
    House::with_model(models::untrained(TINY, 3))
}

/// A frame at 240 BPM and 48 kHz, in samples.
const FRAME: u64 = 3000;

/// VST3 is left out: a host this far ahead of the wall's clock counts as rendering there, and is waited for.
#[test]
fn a_late_chord_is_held_and_counted_and_what_comes_after_is_on_time() {
    alone(&this_test!(), "untrained", house, || {
        let mut host = playing(Face::Clap, setup(4096, Rendering::Realtime), &[("listen", "0")]);
        let mut stand = Conductor::new(host.as_mut(), 240.0);
        stand.transport.playing = true;
        stand.block(300, &[(0, on(60))]);
        while stand.clock < 20 * FRAME + 900 {
            stand.block(300, &[]);
        }
        assert_eq!(stage::late(stand.host), 0);
        assert!(stand.num_ons_since(0) > 20 && stand.ledger.num_sounding() > 0);

        // A frame closes and the next one starts within each of these blocks: nobody could answer in between.
        let from = stand.clock;
        let held: Vec<(u8, u8)> = stand.ledger.sounding().collect();
        for _ in 0..10 {
            stand.block(FRAME as u32, &[]);
        }
        let late = stage::late(stand.host);
        assert_eq!(late, 10, "frames without a chord");
        assert_eq!(stand.ledger.sounding().collect::<Vec<_>>(), held, "what sounded is not what sounds");
        assert!(stand.heard.iter().all(|(at, _)| *at < from), "a chord came out of place");

        // It recovers by itself, and every chord is on a frame.
        let again = stand.clock;
        while stand.clock < again + 20 * FRAME {
            stand.block(300, &[]);
        }
        assert_eq!(stage::late(stand.host), late, "late again without a reason");
        assert!(stand.num_ons_since(again) > 20, "it does not recover");
        for (at, event) in stand.heard.iter().filter(|(_, event)| matches!(event, Event::NoteOn { .. })) {
            assert_eq!(at % FRAME, 0, "{event:?} at sample {at}");
        }
        stand.stop();
        stand.close();
        String::new()
    });
}

#[test]
fn what_is_committed_stands_whatever_is_played_next() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            // Two melodies that are one until this frame.
            let parts = 40;
            let song = tunes::plain(6, 120.0);
            let mut other = song.clone();
            for played in other.notes.iter_mut().filter(|n| n.note.on.0 >= f64::from(parts) / 4.0) {
                played.note.pitch = Pitch::new(played.note.pitch.midi() + 6).expect("a pitch");
            }
            for face in BOTH {
                for (commit, frames) in [("1/4 beat", 1), ("1 beat", 4), ("2 beats", 8)] {
                    let take = |song| -> Vec<HeardNote> {
                        let settings = [("commit", commit), ("listen", "2"), ("temperature", "1.5")];
                        let mut host = playing(face, setup(512, Rendering::Offline), &settings);
                        stage::play(host.as_mut(), song, &Script::whole(song, BlockSizes::Fixed(512))).notes()
                    };
                    let stands_until = Beats(f64::from(parts - 1 + frames) / 4.0);
                    let stands = |note: &HeardNote| note.on.0 < stands_until.0 + 1e-3;
                    let starts = |notes: &[HeardNote]| -> Vec<(u64, u8, u8)> {
                        notes
                            .iter()
                            .filter(|note| stands(note))
                            .map(|n| (n.on_sample, n.channel, n.key))
                            .collect()
                    };
                    let (one, two) = (take(&song), take(&other));
                    assert_eq!(starts(&one), starts(&two), "{face:?} commit {commit}");
                    assert_ne!(
                        one, two,
                        "{face:?} commit {commit}: what is played later is not heard at all"
                    );
                }
            }
            String::new()
        },
    );
}

/// Settings none of which is the default.
const SETTINGS: [(&str, &str); 13] = [
    ("commit", "2 1/2 beats"),
    ("listen", "7 beats"),
    ("temperature", "0.35"),
    ("grid", "Half bar"),
    ("register", "E4"),
    ("bass", "Off"),
    ("velocity", "101"),
    ("chord_channel", "5"),
    ("bass_channel", "9"),
    ("pass_through", "Melody and chords"),
    ("look_ahead", "1 3/4 beats"),
    ("seed", "4711"),
    ("bypass", "On"),
];

#[test]
fn settings_survive_a_save() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut first = open(face);
            for (key, text) in SETTINGS {
                assert_ne!(says(first.as_mut(), key), text, "{key} is the default");
                first.set(key, text).unwrap_or_else(|error| panic!("{face:?}: {error}"));
            }
            let state = first.save().expect("it saves");
            let mut second = open(face);
            second.load_state(&state).expect("it loads");
            for (key, text) in SETTINGS {
                assert_eq!(says(second.as_mut(), key), text, "{face:?} {key}");
            }
            assert_eq!(
                second.save().expect("it saves"),
                state,
                "{face:?}: what was loaded is saved otherwise"
            );
        }
        String::new()
    });
}

#[test]
fn a_loaded_state_plays_as_the_saved_one() {
    alone(&this_test!(), "untrained", house, || {
        let settings = [
            ("seed", "77"),
            ("grid", "8th"),
            ("listen", "1 beat"),
            ("register", "G4"),
            ("bass_channel", "4"),
        ];
        let song = tunes::plain(4, 120.0);
        let script = Script::whole(&song, BlockSizes::Fixed(256));
        for face in BOTH {
            let mut first = playing(face, setup(512, Rendering::Offline), &settings);
            let reference = stage::play(first.as_mut(), &song, &script).notes();
            let state = first.save().expect("it saves");
            assert!(!reference.is_empty());
            // Before activation, and while it is active.
            for is_active in [false, true] {
                let mut second = open(face);
                if is_active {
                    second.activate(setup(512, Rendering::Offline)).expect("it activates");
                }
                second.load_state(&state).expect("it loads");
                if !is_active {
                    second.activate(setup(512, Rendering::Offline)).expect("it activates");
                }
                stage::ready(second.as_mut());
                let found = stage::play(second.as_mut(), &song, &script).notes();
                let differs = found.iter().zip(&reference).find(|(a, b)| a != b);
                assert!(
                    differs.is_none() && found.len() == reference.len(),
                    "{face:?} {is_active}: {differs:?}"
                );
            }
        }
        String::new()
    });
}

#[test]
fn a_broken_state_changes_nothing() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut host = open(face);
            host.set("seed", "12").expect("a seed");
            let state = host.save().expect("it saves");
            for broken in [&b""[..], b"{", b"not a state", &state[..state.len() / 2], &[0xff; 300]] {
                // Refused or ignored, but alive.
                let _ = host.load_state(broken);
                assert_eq!(says(host.as_mut(), "seed"), "12", "{face:?}");
            }
            host.load_state(&state).expect("it loads");
        }
        String::new()
    });
}

#[test]
fn the_melody_goes_out_where_it_should() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let cases = [
                ("Chords only", false, true),
                ("Melody and chords", true, true),
                ("Melody only (listen)", true, false),
            ];
            for (pass, melody, chords) in cases {
                let settings =
                    [("pass_through", pass), ("chord_channel", "5"), ("bass_channel", "6"), ("listen", "0")];
                let song = tunes::plain(4, 120.0);
                let mut host = playing(face, setup(512, Rendering::Offline), &settings);
                let notes =
                    stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
                let on_channel = |channel: u8| notes.iter().filter(|note| note.channel == channel).count();
                let passed = if melody { song.notes.len() } else { 0 };
                assert_eq!(on_channel(0), passed, "{face:?} {pass}: the melody");
                assert_eq!(
                    (on_channel(4) > 0, on_channel(5) > 0),
                    (chords, chords),
                    "{face:?} {pass}: chords and bass"
                );
                assert_eq!(notes.len(), on_channel(0) + on_channel(4) + on_channel(5));
            }
        }
        String::new()
    });
}

/// Wheel, pressure and pedals of a hand on channel 11, where no chord is.
const GESTURES: [Event; 8] = [
    Event::Controller { channel: 10, number: 1, value: 64.0 / 127.0 },
    Event::Controller { channel: 10, number: 64, value: 1.0 },
    Event::Controller { channel: 10, number: 74, value: 0.25 },
    Event::Bend { channel: 10, value: 0.75 },
    Event::ChannelPressure { channel: 10, pressure: 64.0 / 127.0 },
    Event::KeyPressure { channel: 10, key: 60, pressure: 0.75 },
    Event::Controller { channel: 10, number: 64, value: 0.0 },
    Event::Bend { channel: 10, value: 0.5 },
];

/// A host that opens a VST3 session tells every controller of every channel to stand where the framework says it does.
#[test]
fn controllers_told_as_the_framework_has_them_press_no_pedal_and_are_not_passed_on() {
    alone(&this_test!(), "untrained", house, || {
        for face in [Face::Vst3, Face::Vst3Effect] {
            let mut host = playing(
                face,
                setup(512, Rendering::Realtime),
                &[("pass_through", "Melody and chords"), ("listen", "0")],
            );
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            let events = (0..16)
                .flat_map(|channel| [1, 7, 64, 123].map(|number| (channel, number)))
                .map(|(channel, number)| Event::Controller { channel, number, value: 0.5 })
                .map(|event| TimedEvent { offset: 0, event })
                .collect();
            let transport = Some(stand.transport);
            stand.send(Block { samples: 512, transport, events, ..Block::default() });
            stand.block(512, &[]);
            assert!(stand.heard.is_empty(), "{face:?}: {:?}", stand.heard);
        }
        String::new()
    });
}

#[test]
fn wheel_pressure_and_pedals_pass_once_with_the_melody_and_else_never() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            for (pass, times) in [("Chords only", 0), ("Melody and chords", 1), ("Melody only (listen)", 1)] {
                let mut host = playing(
                    face,
                    setup(512, Rendering::Realtime),
                    &[("pass_through", pass), ("listen", "0")],
                );
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                stand.transport.playing = true;
                for (nth, gesture) in GESTURES.iter().enumerate() {
                    let events = vec![TimedEvent { offset: 7 * nth as u32, event: *gesture }];
                    let transport = Some(stand.transport);
                    stand.send(Block { samples: 512, transport, events, ..Block::default() });
                }
                for _ in 0..40 {
                    stand.block(512, &[]);
                }
                let rounded =
                    |event: &Event| event.to_midi().map(|[status, first, second]| (status, first, second));
                let passed: Vec<_> = stand.heard.iter().filter_map(|(_, event)| rounded(event)).collect();
                let passed: Vec<_> = passed.into_iter().filter(|event| event.0 & 15 == 10).collect();
                let expected: Vec<_> = GESTURES.iter().filter_map(rounded).collect();
                assert_eq!(passed.len(), times * expected.len(), "{face:?} {pass}: {passed:?}");
                for (passed, expected) in passed.iter().zip(&expected) {
                    let off = passed.2.abs_diff(expected.2).max(if expected.0 >> 4 == 0xd {
                        passed.1.abs_diff(expected.1)
                    } else {
                        0
                    });
                    assert!(
                        passed.0 == expected.0 && off <= 1,
                        "{face:?} {pass}: {passed:?} for {expected:?}"
                    );
                }
                stand.stop();
                stand.close();
            }
        }
        String::new()
    });
}

#[test]
fn a_channel_for_each_note_is_one_melody() {
    alone(&this_test!(), "untrained", house, || {
        let song = tunes::plain(6, 120.0);
        let mut spread = song.clone();
        // As MPE controllers do: one channel a note, round and round, with a bend of its own before each.
        for (nth, note) in spread.notes.iter_mut().enumerate() {
            note.channel = 1 + (nth % 15) as u8;
            spread.events.push((note.note.on, Event::Bend { channel: note.channel, value: 0.4 }));
        }
        for face in BOTH {
            let take = |song| {
                let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "1 beat")]);
                stage::play(host.as_mut(), song, &Script::whole(song, BlockSizes::Fixed(512))).notes()
            };
            let (one, many) = (take(&song), take(&spread));
            assert!(one.len() > 50 && one == many, "{face:?}: {} notes and {}", one.len(), many.len());
        }
        String::new()
    });
}

#[test]
fn a_session_of_a_later_version_loads_as_far_as_it_is_understood() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut first = open(face);
            for (key, text) in [("seed", "4711"), ("style", "Drop 2"), ("gate", "40 %")] {
                first.set(key, text).expect("it is set");
            }
            let state = first.save().expect("it saves");
            let begins = state.iter().position(|byte| *byte == b'{').expect("it is JSON");
            let text = String::from_utf8(state[begins..].to_vec()).expect("it is text");
            let later = text
                .replacen(
                    "\"params\":{",
                    "\"params\":{\"warp\":{\"f32\":0.5},\"tint\":{\"string\":\"mauve\"},",
                    1,
                )
                .replacen("\"fields\":{", "\"fields\":{\"mood\":\"7\",", 1)
                .replacen("\"drop-2\"", "\"drop-seventeen\"", 1)
                .replacen("\\\"version\\\":1", "\\\"version\\\":99", 1);
            assert!(later.len() > text.len() + 40 && later.contains("drop-seventeen"), "{text}");
            // CLAP's state says first how long it is.
            let mut bytes =
                if begins == 8 { (later.len() as u64).to_le_bytes().to_vec() } else { Vec::new() };
            bytes.extend(later.as_bytes());
            let mut second = open(face);
            second.load_state(&bytes).unwrap_or_else(|error| panic!("{face:?}: {error}"));
            let again = String::from_utf8_lossy(&second.save().expect("it saves")).into_owned();
            assert!(
                again.contains("\\\"version\\\":99"),
                "{face:?}: what it cannot read is not saved: {again}"
            );
            assert_eq!(says(second.as_mut(), "seed"), "4711", "{face:?}");
            assert!(says(second.as_mut(), "gate").starts_with("40"), "{face:?}");
            assert_eq!(says(second.as_mut(), "style"), "Close", "{face:?}: a style that is not known");
            second.activate(setup(512, Rendering::Offline)).expect("it activates");
            stage::ready(second.as_mut());
            let song = tunes::plain(4, 120.0);
            let script = Script::whole(&song, BlockSizes::Fixed(512));
            assert!(!stage::play(second.as_mut(), &song, &script).notes().is_empty(), "{face:?}");
        }
        String::new()
    });
}

#[test]
fn a_session_from_before_a_setting_was_there_has_it_as_it_is_at_first() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut host = open(face);
            host.set("seed", "12").expect("it is set");
            let state = host.save().expect("it saves");
            let begins = state.iter().position(|byte| *byte == b'{').expect("it is JSON");
            let text = String::from_utf8(state[begins..].to_vec()).expect("it is text");
            let (params, rest) = text.split_once("\"params\":{").expect("parameters");
            let (_, fields) = rest.split_once("},\"fields\"").expect("fields");
            let earlier = format!("{params}\"params\":{{\"seed\":{{\"i32\":12}}}},\"fields\"{fields}");
            let mut bytes =
                if begins == 8 { (earlier.len() as u64).to_le_bytes().to_vec() } else { Vec::new() };
            bytes.extend(earlier.as_bytes());
            for (key, text) in [
                ("seed", "13"),
                ("style", "Shell"),
                ("humanise", "70 %"),
                ("hold", "On"),
                ("commit", "2 beats"),
            ] {
                host.set(key, text).expect("it is set");
            }
            host.load_state(&bytes).unwrap_or_else(|error| panic!("{face:?}: {error}"));
            let found = ["seed", "style", "humanise", "hold", "commit"].map(|key| says(host.as_mut(), key));
            assert!(found[2].starts_with('0'), "{face:?}: {found:?}");
            assert_eq!(
                [&found[0], &found[1], &found[3], &found[4]],
                ["12", "Close", "Off", "1/4 beat"],
                "{face:?}"
            );
        }
        String::new()
    });
}

#[test]
fn the_countdown_of_listening_goes_on_over_the_ends_of_loops() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            // Eight beats of listening in a loop of three.
            let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "8")]);
            let song = tunes::plain(8, 120.0);
            let passages = vec![
                Passage::Loop { from: Beats(0.0), to: Beats(3.0), times: 6 },
                Passage::Stop { samples: 480 },
            ];
            let recording = stage::play(host.as_mut(), &song, &Script::of(passages, BlockSizes::Fixed(512)));
            let first = recording.notes().iter().map(|note| note.on_sample).min().expect("chords came");
            assert_eq!(first / 24_000, 8, "{face:?}: the first chord at beat {}", first as f64 / 24_000.0);
        }
        String::new()
    });
}

#[test]
fn instances_side_by_side_do_not_know_of_each_other() {
    alone(&this_test!(), "untrained", house, || {
        let song = tunes::plain(4, 120.0);
        let script = Script::whole(&song, BlockSizes::Fixed(256));
        let settings = [("listen", "1 beat")];
        let take = |face| {
            let mut host = playing(face, setup(512, Rendering::Offline), &settings);
            stage::play(host.as_mut(), &song, &script).notes()
        };
        let reference = take(Face::Clap);
        for (one, other) in
            [(Face::Clap, Face::Vst3), (Face::Vst3, Face::Vst3Effect), (Face::Clap, Face::Clap)]
        {
            let mut first = playing(one, setup(512, Rendering::Offline), &settings);
            let mut neighbour = Some(playing(other, setup(512, Rendering::Offline), &[("seed", "99")]));
            let mut blocks = 0;
            let found = play_watched(first.as_mut(), &song, &script, &mut |host, _| {
                // The neighbour plays along, and goes in mid-song.
                blocks += 1;
                if blocks == 500 {
                    neighbour = None;
                }
                if let Some(neighbour) = &mut neighbour {
                    let mut stand = Conductor::new(neighbour.as_mut(), 300.0);
                    stand.transport.playing = true;
                    stand.transport.beats = Some(f64::from(blocks));
                    stand.block(512, &[(3, on(70))]);
                }
                stage::answered(host);
            });
            let found = found.unwrap_or_else(|error| panic!("{error}")).notes();
            assert!(found == reference, "{one:?} beside {other:?} plays otherwise than alone");
        }
        String::new()
    });
}
