//! Whatever hosts and hands do, no note is left behind: random sequences of transport, events and settings, drawn from a
//! seed. `REALCHORDS_SEQUENCES` says how many, from `REALCHORDS_FROM` on, `REALCHORDS_AT_ONCE` how many instances at a
//! time; `REALCHORDS_SEED` plays a single one again.
//! What needs no host, at a hundred times the pace: `plugin/src/audio/tests/storm.rs`.

use crate::support::{
    alone::{House, Model, Runtime, alone},
    conductor::{Conductor, off},
    models::{self, TINY},
    stage::{BOTH, Face, open},
    this_test,
};
use hosts::{Block, Event, ParamChange, ParamId, PluginHost, Rendering, Setup, TimedEvent};
use music::sampling::{Draw, uniform};
use std::{
    collections::BTreeSet,
    env,
    ops::Range,
    panic,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use trainer::model::Shape;

/// Sequences a format.
const SEQUENCES: u64 = 1000;
/// Blocks a sequence.
const BLOCKS: u32 = 80;
/// Sequences that one instance goes through.
const INSTANCE: u64 = 25;
/// Instances of a format that live at a time.
const AT_ONCE: u64 = 4;

/// Random numbers of one sequence.
struct Dice {
    seed: u64,
    thrown: i64,
}

impl Dice {
    /// A number below `n`.
    fn below(&mut self, n: u32) -> u32 {
        self.thrown += 1;
        (uniform(self.seed, self.thrown, Draw::Performance) * f64::from(n)) as u32
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    fn unit(&mut self) -> f64 {
        f64::from(self.below(1 << 20)) / f64::from(1 << 20)
    }
}

/// Channels that the hands play on; chords and bass go there only where a parameter says so.
const HANDS: Range<u8> = 9..12;

/// Channels that notes may come out on, by all that parameters have said in a sequence.
struct Channels {
    chords: BTreeSet<u8>,
    melody_passes: bool,
}

impl Channels {
    fn at_first() -> Self {
        Self { chords: BTreeSet::from([0, 1]), melody_passes: false }
    }

    /// A parameter is set.
    fn take(&mut self, id: ParamId, normalized: f64) {
        if [ParamId::of("chord_channel"), ParamId::of("bass_channel")].contains(&id) {
            self.chords.insert((normalized * 15.0).round() as u8);
        }
        // Whatever it is set to but "Chords only", and the bypass.
        self.melody_passes |= id == ParamId::of("pass_through") && normalized > 0.2;
        self.melody_passes |= id == ParamId::of("bypass") && normalized > 0.4;
    }

    fn may_sound(&self, channel: u8) -> bool {
        self.chords.contains(&channel) || (self.melody_passes && HANDS.contains(&channel))
    }
}

/// What changes before a block.
fn unrest(stand: &mut Conductor<'_>, dice: &mut Dice, setup: &mut Setup) {
    match dice.below(150) {
        0..=5 => stand.transport.playing = !stand.transport.playing,
        6 | 7 => stand.transport.beats = Some(f64::from(dice.below(400)) / 7.0 - 4.0),
        8 | 9 => {
            let start = stand.transport.beats.unwrap_or(0.0) - f64::from(dice.below(8)) / 4.0;
            let length = dice.pick(&[0.0, 0.25, 0.3, 1.0, 2.0, 4.0]);
            stand.transport.looped = Some((start, start + length));
        }
        10 => stand.transport.looped = None,
        11 | 12 => stand.transport.tempo = Some(f64::from(dice.below(900) + 20)),
        13 => stand.transport.tempo = dice.pick(&[None, Some(0.0), Some(f64::NAN), Some(990.0)]),
        14 => {
            stand.transport.meter = dice.pick(&[None, Some((3, 4)), Some((7, 8)), Some((4, 4)), Some((0, 0))])
        }
        15 => stand.transport.beats = dice.pick(&[None, Some(0.0), Some(f64::NAN), Some(-3.1)]),
        16 => stand.host.reset().expect("it resets"),
        17 => {
            stand.host.deactivate();
            setup.rendering = dice.pick(&[Rendering::Realtime, Rendering::Realtime, Rendering::Offline]);
            setup.sample_rate = dice.pick(&[44_100.0, 48_000.0, 96_000.0]);
            stand.rate = setup.sample_rate;
            stand.host.activate(*setup).expect("it activates");
        }
        18 => {
            let state = stand.host.save().expect("it saves");
            stand.host.load_state(&state).expect("it loads");
        }
        _ => {}
    }
    // The loop wraps where it ends, whole blocks late at times, as sloppy hosts do.
    if let (Some((start, end)), Some(beats)) = (stand.transport.looped, stand.transport.beats)
        && stand.transport.playing
        && beats >= end
        && end > start
        && dice.below(4) > 0
    {
        stand.transport.beats = Some(start + (beats - end) % (end - start));
    }
}

/// A block with notes and automation.
fn block(stand: &Conductor<'_>, dice: &mut Dice) -> Block {
    let samples = dice.pick(&[1, 64, 441, 512, 1024, 1024, 2048, 2048]);
    let count = match dice.below(1000) {
        0 => 10_000,
        1..=20 => 300,
        _ => dice.below(4),
    };
    let mut offsets: Vec<u32> = (0..count).map(|_| dice.below(samples)).collect();
    offsets.sort_unstable();
    let mut event = || {
        let (key, channel) = (40 + dice.below(24) as u8, HANDS.start + dice.below(3) as u8);
        let value = dice.unit() as f32;
        match dice.below(30) {
            0..=11 => Event::NoteOn { channel, key, velocity: 0.1 + 0.8 * value },
            12..=20 => Event::NoteOff { channel, key, velocity: 0.0 },
            21 => Event::Controller { channel, number: 64, value },
            22 => Event::Choke { channel, key },
            23 => Event::ChokeAll,
            24 => Event::Bend { channel, value },
            25 => Event::ChannelPressure { channel, pressure: value },
            26 => Event::KeyPressure { channel, key, pressure: value },
            27 => Event::Program { channel, number: key },
            28 => Event::Controller { channel, number: dice.pick(&[1, 11, 74]), value },
            _ => Event::Controller { channel, number: dice.pick(&[120, 121, 123]), value: 0.0 },
        }
    };
    let events = offsets.into_iter().map(|offset| TimedEvent { offset, event: event() }).collect();
    let mut params = Vec::new();
    for _ in 0..dice.below(20).saturating_sub(17) {
        let known = stand.host.params();
        let param = &known[dice.below(known.len() as u32) as usize];
        params.push(ParamChange { offset: 0, id: param.id, normalized: dice.unit() });
    }
    let out_capacity = dice.pick(&[None, None, None, None, None, None, Some(0), Some(1), Some(5)]);
    let transport = (dice.below(100) > 0).then_some(stand.transport);
    Block { samples, transport, events, params, out_capacity }
}

/// Plays one sequence; at its end all keys are up and the host has stopped. Whether any chord came: notes that the hands
/// do not play.
fn sequence(host: &mut dyn PluginHost, seed: u64) -> bool {
    let mut dice = Dice { seed, thrown: 0 };
    let mut setup = Setup { sample_rate: 48_000.0, max_block: 2048, rendering: Rendering::Realtime };
    host.activate(setup).expect("it activates");
    // As the settings were at first, and chords within reach.
    for param in host.params().to_vec() {
        host.set_normalized(param.id, param.default).expect("it is set");
    }
    let mut channels = Channels::at_first();
    // And then by chance, all of them in some sequences.
    let share = dice.pick(&[0, 0, 0, 4, 16]);
    for param in host.params().to_vec() {
        if dice.below(16) < share {
            let normalized = dice.unit();
            host.set_normalized(param.id, normalized).expect("it is set");
            channels.take(param.id, normalized);
        }
    }
    let reaction = [
        ("listen", 0.0),
        ("commit", dice.pick(&[0.0, 0.0, 1.0, 3.0]) / 31.0),
        // Drafts cost most of the time, and little can go wrong with them.
        ("look_ahead", dice.pick(&[0.0, 1.0, 3.0, 16.0]) / 32.0),
        ("density", dice.pick(&[0.5, 1.0, 1.0])),
    ];
    for (key, share) in reaction {
        let id = host.param(key).expect("it is there").id;
        host.set_normalized(id, share).expect("it is set");
    }
    let mut stand = Conductor::new(host, dice.pick(&[240.0, 480.0, 900.0]));
    stand.transport.playing = true;
    // Some sequences leave the worker behind, as a host in a hurry does; most wait for it.
    stand.paced = dice.below(4) > 0;
    stand.block(64, &[(0, Event::NoteOn { channel: HANDS.start, key: 50, velocity: 0.8 })]);
    for _ in 0..BLOCKS {
        unrest(&mut stand, &mut dice, &mut setup);
        let block = block(&stand, &mut dice);
        block.params.iter().for_each(|change| channels.take(change.id, change.normalized));
        let before = stand.heard.len();
        stand.send(block);
        for (at, event) in &stand.heard[before..] {
            if let Event::NoteOn { channel, .. } = event {
                let place = format!("sample {at} in the sequence with REALCHORDS_SEED={seed}");
                assert!(channels.may_sound(*channel), "{event:?} is on nobody's channel, {place}");
            }
        }
    }
    let ends: Vec<(u32, Event)> = HANDS
        .flat_map(|channel| (40..64).map(move |key| (0, Event::NoteOff { channel, key, velocity: 0.0 })))
        .collect();
    stand.block(64, &ends);
    // The host stands still, and no clock of our own runs on.
    let free_run = stand.host.param("free_run").expect("it is there").id;
    stand.host.set_normalized(free_run, 0.0).expect("it is set");
    stand.transport.playing = false;
    stand.block(64, &[]);
    stand.block(64, &[]);
    let faults = std::mem::take(&mut stand.ledger).close();
    assert_eq!(faults, [], "in the sequence with REALCHORDS_SEED={seed}");
    let is_ours = |event: &Event| match event {
        Event::NoteOn { channel, key, .. } => *key < 40 || !HANDS.contains(channel),
        _ => false,
    };
    stand.heard.iter().any(|(_, event)| is_ours(event))
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn all(face: Face) -> String {
    if let Some(seed) = number("REALCHORDS_SEED") {
        sequence(open(face).as_mut(), seed);
        return String::new();
    }
    let from = number("REALCHORDS_FROM").unwrap_or(0);
    let count = number("REALCHORDS_SEQUENCES").map_or(SEQUENCES, |both| both.div_ceil(BOTH.len() as u64));
    // Whoever waits for a worker leaves the processor to others: several instances go on at a time.
    let next = AtomicU64::new(from);
    let lives = || {
        let mut with_chords = 0;
        loop {
            let first = next.fetch_add(INSTANCE, Ordering::Relaxed);
            if first >= from + count {
                return with_chords;
            }
            with_chords += life(face, first..(first + INSTANCE).min(from + count));
        }
    };
    let at_once = number("REALCHORDS_AT_ONCE").unwrap_or(AT_ONCE);
    let with_chords: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(lives)).collect();
        threads.into_iter().map(|thread| thread.join().expect("its sequences pass")).sum()
    });
    println!("{face:?}: {count} sequences from {from}, {with_chords} of them with chords");
    assert!(with_chords * 8 >= count, "{face:?}: chords in {with_chords} of {count} sequences alone");
    String::new()
}

/// One instance goes through these sequences; how many had chords.
fn life(face: Face, seeds: Range<u64>) -> u64 {
    let mut host = open(face);
    let first = seeds.start;
    let play = |seed| {
        let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| sequence(host.as_mut(), seed)));
        u64::from(outcome.unwrap_or_else(|fault| {
            eprintln!("in the sequence with REALCHORDS_SEED={seed}, of an instance that began with {first}");
            panic::resume_unwind(fault)
        }))
    };
    seeds.map(play).sum()
}

fn tiny() -> House {
    House { model: Model::Bytes(models::untrained(TINY, 3)), runtime: Runtime::Pinned }
}

/// What a model says is of no matter to the storm: the smaller the model, the more sequences.
fn least() -> House {
    let shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 1, inner: 1 };
    House { model: Model::Bytes(models::untrained(shape, 3)), runtime: Runtime::Pinned }
}

#[test]
fn no_clap_sequence_leaves_a_note_behind() {
    alone(&this_test!(), "least", least, || all(Face::Clap));
}

#[test]
fn no_vst3_sequence_leaves_a_note_behind() {
    alone(&this_test!(), "least", least, || all(Face::Vst3));
}

/// What must have happened to what sounded when a setting has changed.
#[derive(Clone, Copy)]
enum Then {
    /// All of it ends in the block of the change.
    Ends,
    /// What is on this channel ends in that block, the rest goes on.
    Leaves(u8),
    /// What is on this channel goes to that one in that block.
    Moves(u8, u8),
    /// What is on this channel gives way to others within a beat.
    Changes(u8),
}

/// Plays until chords sound, sets a parameter and sees what becomes of them while the host goes on playing.
fn change(face: Face, key: &str, text: &str, then: Then) {
    let what = format!("{face:?}, {key} {text}");
    let mut host = open(face);
    // The model is asked rarely, so that what ends does not end by its chord.
    for (key, text) in [("listen", "0"), ("grid", "2 bars")] {
        host.set(key, text).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    host.activate(Setup::default()).expect("it activates");
    let mut stand = Conductor::new(host.as_mut(), 60.0);
    stand.until_chords_sound();
    let before: BTreeSet<(u8, u8)> = stand.ledger.sounding().collect();
    let of = |channel: u8| before.iter().filter(move |note| note.0 == channel).copied();
    assert!(of(0).count() > 0 && of(1).count() > 0, "{what}: {before:?} sounded");
    stand.host.set(key, text).unwrap_or_else(|error| panic!("{what}: {error}"));
    stand.block(512, &[]);
    if let Then::Changes(_) = then {
        (0..100).for_each(|_| stand.block(512, &[]));
    }
    let after: BTreeSet<(u8, u8)> = stand.ledger.sounding().collect();
    match then {
        Then::Ends => assert_eq!(after, BTreeSet::new(), "{what}"),
        Then::Leaves(channel) => {
            assert_eq!(after, before.iter().copied().filter(|note| note.0 != channel).collect(), "{what}");
        }
        Then::Moves(from, to) => {
            let moved =
                before.iter().map(|(channel, key)| (if *channel == from { to } else { *channel }, *key));
            assert_eq!(after, moved.collect(), "{what}");
        }
        Then::Changes(channel) => {
            let stays = of(channel).filter(|note| after.contains(note)).count();
            assert!(
                stays == 0 && after.iter().any(|note| note.0 == channel),
                "{what}: {before:?}, {after:?}"
            );
        }
    }
    stand.block(64, &[(0, off(60))]);
    stand.stop();
    stand.close();
}

#[test]
fn panic_bypass_and_channel_changes_end_what_sounds() {
    alone(&this_test!(), "tiny", tiny, || {
        let changes = [
            ("panic", "On", Then::Ends),
            ("bypass", "On", Then::Ends),
            ("pass_through", "Melody only (listen)", Then::Ends),
            ("mute", "On", Then::Ends),
            ("chord_channel", "7", Then::Moves(0, 6)),
            ("bass_channel", "7", Then::Moves(1, 6)),
            ("bass", "Off", Then::Leaves(1)),
            ("register", "C6", Then::Changes(0)),
        ];
        for face in BOTH {
            for (key, text, then) in changes {
                change(face, key, text, then);
            }
        }
        String::new()
    });
}

#[test]
fn no_pedal_or_wheel_stays_behind_where_the_melody_passes_no_more() {
    alone(&this_test!(), "tiny", tiny, || {
        for face in BOTH {
            for end in ["chords only", "panic"] {
                let mut host = open(face);
                host.set("pass_through", "Melody and chords").expect("it is set");
                host.activate(Setup::default()).expect("it activates");
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                let moved = [
                    Event::Controller { channel: 2, number: 64, value: 1.0 },
                    Event::Bend { channel: 2, value: 1.0 },
                    Event::ChannelPressure { channel: 3, pressure: 1.0 },
                ];
                stand.block(512, &moved.map(|event| (0, event)));
                assert_eq!(stand.heard.len(), moved.len(), "{face:?}: {:?}", stand.heard);
                stand.heard.clear();
                match end {
                    "panic" => stand.host.set("panic", "On").expect("it is set"),
                    _ => stand.host.set("pass_through", "Chords only").expect("it is set"),
                }
                stand.block(512, &[]);
                let at_rest = |event: &Event| match *event {
                    Event::Controller { channel: 2, number: 64, value } => value == 0.0,
                    Event::Bend { channel: 2, value } => (value - 0.5).abs() < 1e-3,
                    Event::ChannelPressure { channel: 3, pressure } => pressure == 0.0,
                    _ => false,
                };
                let rests = stand.heard.iter().filter(|(_, event)| at_rest(event)).count();
                assert_eq!((rests, stand.heard.len()), (3, 3), "{face:?}, {end}: {:?}", stand.heard);
            }
        }
        String::new()
    });
}
