//! The audio side alone, with a host and a worker played by the test.

#[cfg(test)]
mod captured;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod loops;
#[cfg(test)]
mod playing;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod storm;

use super::*;
use crate::{
    links::{EditorEnd, Health, Planned, Rules, WorkerEnd, connect},
    voicing::MAX_VOICES,
};
use block::{Outgoing, Pass, Switches, Transport};
use music::{
    chord::{Chord, Quality},
    grid::Beats,
    meter::Meter,
    pitch::{Pitch, PitchClass},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

const SAMPLES_A_FRAME: u32 = 6000;

/// A host at 120 BPM and 48 kHz, whose worker says what the test says.
struct Stage {
    audio: Audio,
    worker: WorkerEnd,
    editor: EditorEnd,
    now: i64,
    incoming: VecDeque<Incoming>,
    sent: Vec<(i64, Outgoing)>,
    /// Where the controls stand behind us that were ever moved there.
    controls: BTreeMap<(u8, Control), f32>,
    room: usize,
    block: Block,
}

struct StagePort<'a> {
    incoming: &'a mut VecDeque<Incoming>,
    sent: &'a mut Vec<(i64, Outgoing)>,
    last: Option<Incoming>,
    controls: &'a mut BTreeMap<(u8, Control), f32>,
    room: &'a mut usize,
    now: i64,
}

impl Port for StagePort<'_> {
    fn receive(&mut self) -> Option<Incoming> {
        self.last = self.incoming.pop_front();
        self.last
    }
    fn forward(&mut self) -> bool {
        match self.last {
            Some(Incoming::Control { channel, control, value, .. }) => self.put(channel, control, value),
            Some(Incoming::ControlsOff { channel, .. }) => {
                let taken = self.take_room();
                if taken {
                    self.controls.retain(|(of, _), _| *of != channel);
                }
                taken
            }
            _ => self.take_room(),
        }
    }
    fn rest(&mut self, _: u32, channel: u8, control: Control) -> bool {
        self.put(channel, control, control.rest())
    }
    fn send(&mut self, note: Outgoing) -> bool {
        if !self.take_room() {
            return false;
        }
        let at = self.now + i64::from(note.offset);
        assert!(
            self.sent.last().is_none_or(|(last, _)| *last <= at),
            "{note:?} after {:?}",
            self.sent.last()
        );
        self.sent.push((at, note));
        true
    }
}

impl StagePort<'_> {
    fn take_room(&mut self) -> bool {
        let has_room = *self.room > 0;
        *self.room -= usize::from(has_room);
        has_room
    }

    fn put(&mut self, channel: u8, control: Control, value: f32) -> bool {
        let taken = self.take_room();
        if taken {
            self.controls.insert((channel, control), value);
        }
        taken
    }
}

impl Stage {
    fn new() -> Self {
        let health = Arc::new(Health::default());
        health.set_worker(WorkerState::Ready);
        let (audio, worker, editor) = connect(health);
        let transport = Transport {
            playing: true,
            position: Some(Beats(0.0)),
            tempo_bpm: Some(120.0),
            meter: Some(Meter::COMMON),
            bar_start: Some(Beats(0.0)),
            cycle: None,
        };
        let settings = Settings { rules: Rules { listen: 0, ..Rules::default() }, ..Settings::default() };
        Self {
            audio: Audio::new(audio),
            worker,
            editor,
            now: 0,
            incoming: VecDeque::new(),
            sent: Vec::new(),
            controls: BTreeMap::new(),
            room: usize::MAX,
            block: Block { transport, num_samples: 0, sample_rate: 48_000.0, settings },
        }
    }

    /// Plays on for some samples; the transport runs along.
    fn run(&mut self, num_samples: u32) {
        self.block.num_samples = num_samples;
        self.incoming.make_contiguous().sort_by_key(Incoming::offset);
        let mut port = StagePort {
            incoming: &mut self.incoming,
            sent: &mut self.sent,
            last: None,
            controls: &mut self.controls,
            room: &mut self.room,
            now: self.now,
        };
        self.audio.process(&self.block, &mut port);
        self.now += i64::from(num_samples);
        if let Some(place) = self.block.transport.position.as_mut().filter(|_| self.block.transport.playing) {
            place.0 += f64::from(num_samples) / 24_000.0;
        }
    }

    fn press(&mut self, offset: u32, key: i32) {
        self.incoming.push_back(Incoming::On { offset, channel: 4, key: Pitch::folded(key), velocity: 0.5 });
    }

    fn put(&mut self, channel: u8, control: Control, value: f32) {
        self.incoming.push_back(Incoming::Control { offset: 0, channel, control, value });
    }

    /// Controls that stand away from their rest behind us.
    fn away(&self) -> Vec<(u8, Control)> {
        let away = self.controls.iter().filter(|((_, control), value)| !control.rests(**value));
        away.map(|(place, _)| *place).collect()
    }

    fn heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.worker.next_message())
            .filter_map(|message| match message {
                ToWorker::Heard(heard) => Some(heard),
                ToWorker::Begin { .. } | ToWorker::Again { .. } => None,
            })
            .collect()
    }

    fn plan(&mut self, ordinal: i64, chord: ChordFrame) {
        let epoch = self.audio.epoch;
        self.worker.plan(Planned {
            epoch,
            ordinal,
            frame: Frame(ordinal),
            chord,
            held: None,
            standing: Standing::Committed,
        });
    }

    /// Samples at which keys of a channel went down.
    fn starts(&self, channel: u8) -> Vec<i64> {
        let on = self.sent.iter().filter(|(_, note)| note.channel == channel && note.velocity.is_some());
        on.map(|(at, _)| *at).collect()
    }

    /// Samples at which they went up.
    fn ends(&self, channel: u8) -> Vec<i64> {
        let off = self.sent.iter().filter(|(_, note)| note.channel == channel && note.velocity.is_none());
        off.map(|(at, _)| *at).collect()
    }

    fn switch(&mut self, switches: Switches) {
        self.block.settings.switches = switches;
    }

    /// What was sent: sample, key, whether it went down.
    fn notes(&self) -> Vec<(i64, u8, bool)> {
        self.sent.iter().map(|(at, note)| (*at, note.key.midi(), note.velocity.is_some())).collect()
    }

    fn num_sounding(&self) -> i32 {
        self.sent.iter().map(|(_, note)| if note.velocity.is_some() { 1 } else { -1 }).sum()
    }
}

fn chord(root: i32) -> ChordFrame {
    ChordFrame::Onset(Chord::new(PitchClass::new(root), Quality::MAJOR))
}

/// A stage that has played chord 0 from frame 1 and is told to hold it for `frames` more.
fn playing(frames: i64) -> Stage {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(1, chord(0));
    (2..2 + frames).for_each(|ordinal| stage.plan(ordinal, ChordFrame::Hold));
    stage
}

#[test]
fn a_committed_chord_sounds_at_the_sample_of_its_frame() {
    for size in [1, 17, 512, 6000, 20_000] {
        let mut stage = Stage::new();
        stage.run(1);
        stage.plan(2, chord(0));
        stage.plan(3, ChordFrame::Hold);
        stage.plan(4, ChordFrame::Silence);
        while stage.now < 40_000 {
            stage.run(size);
        }
        let on: Vec<i64> = stage.notes().iter().filter(|note| note.2).map(|note| note.0).collect();
        let off: Vec<i64> = stage.notes().iter().filter(|note| !note.2).map(|note| note.0).collect();
        assert_eq!((on, off), (vec![12_000; 4], vec![24_000; 4]), "blocks of {size}");
    }
}

#[test]
fn each_frame_is_heard_once_with_what_was_really_played() {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(1, chord(5));
    stage.press(2_998, 64);
    stage.press(2_999, 65);
    stage.run(4 * SAMPLES_A_FRAME);
    let heard = stage.heard();
    let hold = MelodyFrame::Hold;
    let expected = [
        (MelodyFrame::Onset(Pitch::folded(64)), ChordFrame::Silence),
        (MelodyFrame::Onset(Pitch::folded(65)), chord(5)),
        (hold, ChordFrame::Hold),
        (hold, ChordFrame::Hold),
    ];
    assert_eq!(heard.iter().map(|h| (h.melody, h.played)).collect::<Vec<_>>(), expected);
    assert!(heard.iter().enumerate().all(|(idx, h)| h.ordinal == idx as i64 && h.frame.0 == h.ordinal));
}

#[test]
fn a_frame_that_a_stop_cuts_is_heard() {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(2, chord(5));
    stage.press(10, 64);
    stage.run(2 * SAMPLES_A_FRAME + 1000);
    assert_eq!(stage.heard().len(), 2);
    stage.block.transport.playing = false;
    stage.run(64);
    stage.run(64);
    let heard = stage.heard();
    assert_eq!(heard.iter().map(|h| (h.ordinal, h.played)).collect::<Vec<_>>(), [(2, chord(5))]);
    assert!(stage.audio.is_silent());
}

#[test]
fn a_frame_that_a_seek_cuts_is_heard_in_its_own_epoch() {
    let mut stage = Stage::new();
    stage.run(1);
    let epoch = stage.audio.epoch;
    stage.press(10, 64);
    stage.run(2 * SAMPLES_A_FRAME + 936);
    stage.run(64);
    assert_eq!(stage.heard().len(), 2);
    stage.block.transport.position = Some(Beats(40.0));
    stage.run(64);
    let heard = stage.heard();
    assert_eq!(heard.iter().map(|h| (h.epoch, h.ordinal)).collect::<Vec<_>>(), [(epoch, 2)]);
    // Where the host jumped in the midst of the block it was never there.
    stage.run(2 * SAMPLES_A_FRAME);
    stage.heard();
    stage.block.transport.position = Some(Beats(0.01));
    stage.run(64);
    assert!(stage.heard().is_empty());
}

#[test]
fn what_is_played_on_a_line_is_known_to_how_its_chord_is_played() {
    for sizes in [vec![SAMPLES_A_FRAME + 100], vec![SAMPLES_A_FRAME - 1, 101]] {
        let mut stage = Stage::new();
        stage.run(1);
        stage.plan(1, chord(0));
        // On the second frame's first sample one note gives way to another.
        stage.press(0, 60);
        let mut at = SAMPLES_A_FRAME - 1;
        for size in sizes {
            if at < size {
                stage.incoming.push_back(Incoming::Off {
                    offset: at,
                    channel: Some(4),
                    key: Some(Pitch::folded(60)),
                });
                stage.press(at, 72);
                at = u32::MAX;
            } else {
                at -= size;
            }
            stage.run(size);
        }
        stage.run(SAMPLES_A_FRAME);
        let heard = stage.heard();
        assert_eq!(heard[1].leading.key, Some(Pitch::folded(72)));
        assert_eq!(stage.starts(0)[0], i64::from(SAMPLES_A_FRAME), "and the chord is on its line");
    }
}

#[test]
fn another_plan_is_asked_for_only_while_something_plays() {
    let mut stage = Stage::new();
    stage.block.transport.playing = false;
    stage.run(64);
    stage.block.settings.switches.presses.reroll += 1;
    stage.run(64);
    stage.block.transport.playing = true;
    stage.run(64);
    assert_eq!(stage.audio.roll, 0, "the take that comes is the project's own");
    stage.block.settings.switches.presses.reroll += 1;
    stage.run(64);
    assert_eq!(stage.audio.roll, 1);
}

#[test]
fn an_off_for_all_that_would_end_our_chords_too_is_not_sent_on() {
    for (channel, sound, forwarded) in [(0, false, false), (4, false, true), (0, true, true)] {
        let mut stage = Stage::new();
        stage.block.settings.pass = Pass::MelodyAndChords;
        stage.run(1);
        stage.plan(1, chord(0));
        stage.run(SAMPLES_A_FRAME);
        let room = stage.room;
        stage.incoming.push_back(Incoming::AllOff { offset: 0, channel, sound });
        stage.run(64);
        assert_eq!(room - stage.room, usize::from(forwarded), "on channel {channel}");
    }
}

#[test]
fn late_chords_hold_what_sounds_and_are_never_played_out_of_place() {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(1, chord(0));
    stage.run(2 * SAMPLES_A_FRAME);
    assert_eq!(stage.audio.num_late(), 1, "frame 2 had no plan");
    stage.plan(2, chord(7));
    stage.plan(3, ChordFrame::Hold);
    stage.run(SAMPLES_A_FRAME);
    assert_eq!(stage.audio.num_late(), 1);
    assert_eq!(stage.num_sounding(), 4);
    assert!(stage.notes().iter().all(|note| note.2 && note.0 == 6000), "{:?}", stage.notes());
}

#[test]
fn nothing_is_late_before_anything_was_heard() {
    let mut stage = Stage::new();
    stage.run(20 * SAMPLES_A_FRAME);
    assert_eq!(stage.audio.num_late(), 0);
    stage.press(0, 60);
    stage.run(5 * SAMPLES_A_FRAME);
    assert_eq!(stage.audio.num_late(), 4);
}

#[test]
fn stop_seek_reset_panic_and_bypass_end_all_notes() {
    type End = fn(&mut Stage);
    let ends: [(&str, End); 7] = [
        ("stop", |stage| stage.block.transport.playing = false),
        ("seek", |stage| stage.block.transport.position = Some(Beats(100.0))),
        ("no tempo", |stage| stage.block.transport.tempo_bpm = None),
        ("reset", |stage| stage.audio.reset()),
        ("panic", |stage| stage.block.settings.switches.presses.panic += 1),
        ("panic button", |stage| stage.audio.links.health.press_panic()),
        ("bypass", |stage| stage.block.settings.bypass = true),
    ];
    for (name, end) in ends {
        let mut stage = Stage::new();
        stage.run(1);
        stage.plan(1, chord(0));
        stage.run(SAMPLES_A_FRAME + 100);
        assert_eq!(stage.num_sounding(), 4, "{name}");
        end(&mut stage);
        stage.run(64);
        assert_eq!(stage.num_sounding(), 0, "{name}");
        assert!(stage.audio.is_silent(), "{name}");
    }
}

#[test]
fn a_full_queue_is_settled_at_the_next_block() {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(1, chord(0));
    stage.run(SAMPLES_A_FRAME + 100);
    stage.room = 1;
    stage.block.transport.playing = false;
    stage.run(64);
    assert_eq!(stage.num_sounding(), 3);
    stage.room = usize::MAX;
    stage.run(64);
    assert_eq!(stage.num_sounding(), 0);
}

#[test]
fn a_loop_goes_on_counting_and_its_first_chord_is_on_time() {
    let mut stage = Stage::new();
    stage.block.transport.cycle = Some(block::Cycle { start: Beats(0.0), end: Beats(1.0) });
    stage.run(1);
    let epoch = stage.audio.epoch;
    stage.plan(2, chord(0));
    stage.run(4 * SAMPLES_A_FRAME - 2);
    let last = *stage.heard().last().unwrap();
    assert_eq!((last.frame, last.coming.frame, last.coming.cut), (Frame(3), Frame(0), true));
    stage.worker.plan(Planned {
        epoch,
        ordinal: 4,
        frame: Frame(0),
        chord: chord(5),
        held: None,
        standing: Standing::Committed,
    });
    stage.block.transport.position = Some(Beats(0.9999999));
    stage.run(101);
    stage.block.transport.position = Some(Beats(100.0 / 24_000.0));
    stage.run(100);
    assert_eq!(stage.audio.epoch, epoch, "a loop is no new epoch");
    assert_eq!(stage.audio.num_late(), 1, "only frame 3, which the test left unplanned");
    let on: Vec<i64> = stage.notes().iter().filter(|note| note.2).map(|note| note.0).collect();
    assert_eq!(on, [vec![12_000; 4], vec![24_000; 4]].concat());
    assert_eq!(stage.num_sounding(), 4);
}

#[test]
fn only_a_seek_after_a_note_was_heard_spares_the_listening() {
    // (listen again, heard before, what happens, is it a seek, frames to listen)
    let cases = [
        (false, true, "seek", true, 0),
        (true, true, "seek", true, 16),
        (false, false, "seek", false, 16),
        (false, true, "stop", false, 16),
        (false, true, "reset", false, 16),
        (false, true, "two seeks", true, 0),
    ];
    for (listen_again, heard, event, expected, frames) in cases {
        let mut stage = Stage::new();
        let rules = Rules { listen: 16, listen_again, ..Rules::default() };
        stage.block.settings.rules = rules;
        if heard {
            stage.press(10, 60);
        }
        stage.run(4 * SAMPLES_A_FRAME);
        match event {
            "stop" => {
                stage.block.transport.playing = false;
                stage.run(64);
                stage.block.transport.playing = true;
            }
            "reset" => stage.audio.reset(),
            "two seeks" => {
                stage.block.transport.position = Some(Beats(50.0));
                stage.run(64);
            }
            _ => {}
        }
        stage.block.transport.position = Some(Beats(100.0));
        stage.run(2 * SAMPLES_A_FRAME);
        let messages: Vec<ToWorker> = std::iter::from_fn(|| stage.worker.next_message()).collect();
        let begin = messages.iter().rposition(|m| matches!(m, ToWorker::Begin { .. })).unwrap();
        let what = format!("{event}, heard {heard}, listen again {listen_again}");
        let ToWorker::Begin { seek, rules: sent, .. } = messages[begin] else { unreachable!() };
        assert_eq!(
            (seek, sent),
            (expected, Rules { listen: frames, meter: Some(Meter::COMMON), ..rules }),
            "{what}"
        );
        let later = messages[begin + 1..].iter().filter_map(|message| match message {
            ToWorker::Heard(heard) => Some(heard.rules.listen),
            _ => None,
        });
        assert_eq!(later.collect::<Vec<_>>(), [frames; 2], "{what}");
        let listens = matches!(stage.audio.snapshot.glance.stage, super::Stage::Listening { .. });
        assert_eq!(listens, frames > 0, "{what}");
    }
}

#[test]
fn the_melody_passes_as_set() {
    for (pass, melody) in [(Pass::ChordsOnly, 0), (Pass::MelodyAndChords, 2), (Pass::MelodyOnly, 2)] {
        let mut stage = Stage::new();
        stage.block.settings.pass = pass;
        stage.press(3, 60);
        stage.incoming.push_back(Incoming::Off { offset: 5, channel: Some(4), key: Some(Pitch::folded(60)) });
        stage.run(64);
        assert_eq!(stage.sent.iter().filter(|(_, note)| note.channel == 4).count(), melody, "{pass:?}");
        stage.plan(1, chord(0));
        stage.run(SAMPLES_A_FRAME);
        let chords = stage.sent.iter().filter(|(_, note)| note.channel < 2).count();
        assert_eq!(chords, if pass == Pass::MelodyOnly { 0 } else { 4 }, "{pass:?}");
        let heard = stage.heard();
        stage.run(SAMPLES_A_FRAME);
        assert_eq!(stage.heard()[0].played, chord(0), "{pass:?} {heard:?}");
    }
}

#[test]
fn no_pedal_or_wheel_stays_behind_where_passing_ends() {
    type End = fn(&mut Stage);
    let melody: End = |stage| stage.block.settings.pass = Pass::MelodyAndChords;
    let bypass: End = |stage| stage.block.settings.bypass = true;
    let ends: [(&str, End, End); 5] = [
        ("chords only", melody, |stage| stage.block.settings.pass = Pass::ChordsOnly),
        ("bypass off", bypass, |stage| stage.block.settings.bypass = false),
        ("panic", melody, |stage| stage.block.settings.switches.presses.panic += 1),
        ("panic button", melody, |stage| stage.audio.links.health.press_panic()),
        ("reset", melody, |stage| stage.audio.reset()),
    ];
    for (name, begin, end) in ends {
        for room in [usize::MAX, 0, 3] {
            let mut stage = Stage::new();
            begin(&mut stage);
            Control::ALL.into_iter().for_each(|control| stage.put(3, control, 0.9));
            stage.put(5, Control::Bend, 0.2);
            stage.put(5, Control::Sustain, 0.3);
            stage.put(6, Control::Sustain, 1.0);
            stage.put(6, Control::Sustain, 0.0);
            stage.run(64);
            assert_eq!(stage.away().len(), 9, "{name}");
            end(&mut stage);
            stage.room = room;
            stage.run(64);
            let left = if room == usize::MAX { 0 } else { 9 - room };
            assert_eq!(stage.away().len(), left, "{name}, room for {room}");
            stage.room = usize::MAX;
            stage.run(64);
            assert_eq!(stage.away(), [], "{name}, room for {room}");
            assert!(!stage.controls.contains_key(&(4, Control::Sustain)), "what was not moved is left alone");
        }
    }
}

#[test]
fn a_pedal_whose_rise_a_full_queue_refuses_rises_at_the_next_block() {
    let mut stage = Stage::new();
    stage.block.settings.pass = Pass::MelodyAndChords;
    stage.put(2, Control::Sustain, 1.0);
    stage.run(64);
    stage.room = 0;
    stage.put(2, Control::Sustain, 0.0);
    stage.run(64);
    assert_eq!(stage.away(), [(2, Control::Sustain)]);
    stage.room = usize::MAX;
    stage.run(64);
    assert_eq!(stage.away(), []);
}

#[test]
fn what_does_not_pass_is_not_put_to_rest() {
    let mut stage = Stage::new();
    stage.put(2, Control::Sustain, 1.0);
    stage.run(64);
    stage.block.settings.pass = Pass::MelodyAndChords;
    stage.run(64);
    stage.block.settings.pass = Pass::ChordsOnly;
    stage.run(64);
    assert!(stage.controls.is_empty());
}

#[test]
fn ten_thousand_notes_in_a_block_are_no_harm() {
    let mut stage = Stage::new();
    stage.block.settings.pass = Pass::MelodyAndChords;
    for note in 0..10_000 {
        stage.press(note / 10, (note % 128) as i32);
    }
    stage.run(1024);
    stage.block.settings.switches.presses.panic += 1;
    stage.run(64);
    assert_eq!(stage.num_sounding(), 0);
    assert!(stage.sent.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn chord_and_bass_go_to_their_channels() {
    let mut stage = Stage::new();
    stage.run(1);
    stage.plan(1, chord(0));
    stage.run(SAMPLES_A_FRAME + 1);
    let on = |channel| stage.sent.iter().filter(|(_, note)| note.channel == channel).count();
    assert!((3..=MAX_VOICES).contains(&on(0)) && on(1) == 1);
}

/// Something that happens between two blocks.
#[derive(Clone, Debug)]
enum Twist {
    Run(u32),
    Play(bool),
    Seek(f64),
    Tempo(Option<f64>),
    Loop(Option<(f64, f64)>),
    Press(u32, i32),
    Release(Option<i32>),
    Room(usize),
    Reset,
    Settings(u8, u8, bool),
}

fn twists() -> impl Strategy<Value = Twist> {
    prop_oneof![
        6 => (0..20_000u32).prop_map(Twist::Run),
        1 => any::<bool>().prop_map(Twist::Play),
        1 => (-4.0..16.0f64).prop_map(Twist::Seek),
        1 => proptest::option::of(20.0..400.0f64).prop_map(Twist::Tempo),
        1 => proptest::option::of((0.0..4.0f64, 4.0..8.0f64)).prop_map(Twist::Loop),
        3 => (0..500u32, 55..65i32).prop_map(|(offset, key)| Twist::Press(offset, key)),
        1 => proptest::option::of(55..65i32).prop_map(Twist::Release),
        1 => (0..6usize).prop_map(Twist::Room),
        1 => Just(Twist::Reset),
        1 => (0..3u8, 0..3u8, any::<bool>()).prop_map(|(pass, channel, bypass)| Twist::Settings(pass, channel, bypass)),
    ]
}

/// Answers like a worker that commits a chord on every second frame and sometimes nothing.
fn answer(stage: &mut Stage) {
    while let Some(message) = stage.worker.next_message() {
        if let ToWorker::Heard(heard) = message {
            let chord = match heard.ordinal % 5 {
                0 | 2 => chord((heard.ordinal % 12) as i32),
                1 => ChordFrame::Hold,
                3 => ChordFrame::Silence,
                _ => continue,
            };
            stage.worker.plan(Planned {
                epoch: heard.epoch,
                ordinal: heard.ordinal + 1,
                frame: heard.coming.frame,
                chord,
                held: None,
                standing: Standing::Committed,
            });
        }
    }
}

/// Every note-on and note-off in the order sent: a key never starts twice, never ends twice.
fn keep_the_ledger(stage: &Stage) -> Result<usize, TestCaseError> {
    let mut sounding = std::collections::BTreeSet::new();
    let mut last = i64::MIN;
    for (at, note) in &stage.sent {
        let key = (note.channel, note.key);
        let fits = if note.velocity.is_some() { sounding.insert(key) } else { sounding.remove(&key) };
        prop_assert!(fits, "{note:?} at {at}");
        prop_assert!(*at >= last, "{note:?} goes back from {last} to {at}");
        last = *at;
    }
    Ok(sounding.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_host_does_every_note_ends(twists in proptest::collection::vec(twists(), 1..80)) {
        let mut stage = Stage::new();
        for twist in twists {
            match twist {
                Twist::Run(num_samples) => {
                    stage.run(num_samples.max(501));
                    answer(&mut stage);
                }
                Twist::Play(playing) => stage.block.transport.playing = playing,
                Twist::Seek(place) => stage.block.transport.position = Some(Beats(place)),
                Twist::Tempo(tempo) => stage.block.transport.tempo_bpm = tempo,
                Twist::Loop(range) => {
                    stage.block.transport.cycle =
                        range.map(|(start, end)| block::Cycle { start: Beats(start), end: Beats(end) });
                }
                Twist::Press(offset, key) => stage.press(offset, key),
                Twist::Release(key) => {
                    let key = key.map(Pitch::folded);
                    stage.incoming.push_back(Incoming::Off { offset: 500, channel: key.map(|_| 4), key });
                }
                Twist::Room(room) => stage.room = if room == 5 { usize::MAX } else { room },
                Twist::Reset => stage.audio.reset(),
                Twist::Settings(pass, channel, bypass) => {
                    let settings = &mut stage.block.settings;
                    settings.pass = [Pass::ChordsOnly, Pass::MelodyAndChords, Pass::MelodyOnly][usize::from(pass)];
                    (settings.chord_channel, settings.bypass) = (channel * 2, bypass);
                }
            }
        }
        stage.room = usize::MAX;
        stage.block.transport.playing = false;
        stage.incoming.push_back(Incoming::Off { offset: 500, channel: None, key: None });
        stage.run(501);
        stage.run(501);
        prop_assert_eq!(keep_the_ledger(&stage)?, 0);
        prop_assert!(stage.audio.is_silent());
    }
}
