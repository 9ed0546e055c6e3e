//! A host gone wild before the audio side: whatever its transport, its notes, its settings and its queue do, and whatever
//! a worker plans, every note-on has its note-off, in order, and nothing sounds after a stop; no pedal is left down.

use arbitrary::{Result, Unstructured};
use hosts::{Event, ledger::Ledger};
use music::{
    chord::{Chord, Quality},
    grid::{Beats, Frame},
    harmony::ChordFrame,
    meter::Meter,
    pitch::{Pitch, PitchClass},
};
use realchords::{
    audio::{
        Audio,
        block::{
            Block, Cycle, Incoming, Outgoing, Parts, Pass, Port, Presses, Settings, Switches, Transport,
        },
        comping::{ArpRate, Comping, Pattern, Strum},
        controls::Control,
        listener::{Hearing, Leads},
    },
    links::{EditorEnd, Health, Planned, Rules, Standing, ToWorker, WorkerEnd, WorkerState, connect},
    voicing::{Arrangement, Bass, Inversion, Style},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

/// The longest stream, in blocks.
const MOST_BLOCKS: u32 = 400;
/// Numbers of which hosts should say none.
const ODD_NUMBERS: [f64; 9] =
    [0.0, -1.0, 1e-9, 1e9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE];

/// The host's side: what comes in, and a queue with so much room.
struct Wild<'a> {
    incoming: &'a mut VecDeque<Incoming>,
    last: Option<Incoming>,
    away: &'a mut BTreeSet<(u8, Control)>,
    ledger: &'a mut Ledger,
    start: u64,
    samples: u32,
    room: usize,
}

impl Wild<'_> {
    fn take_room(&mut self) -> bool {
        let has_room = self.room > 0;
        self.room -= usize::from(has_room);
        has_room
    }
}

impl Port for Wild<'_> {
    fn receive(&mut self) -> Option<Incoming> {
        self.last = self.incoming.pop_front();
        self.last
    }

    fn forward(&mut self) -> bool {
        let taken = self.take_room();
        match self.last.filter(|_| taken) {
            Some(Incoming::Control { channel, control, value, .. }) if control.rests(value) => {
                self.away.remove(&(channel, control));
            }
            Some(Incoming::Control { channel, control, .. }) => {
                self.away.insert((channel, control));
            }
            Some(Incoming::ControlsOff { channel, .. }) => self.away.retain(|(of, _)| *of != channel),
            _ => {}
        }
        taken
    }

    fn rest(&mut self, _: u32, channel: u8, control: Control) -> bool {
        let taken = self.take_room();
        assert!(!taken || self.away.remove(&(channel, control)), "{control:?} of {channel} rested already");
        taken
    }

    fn send(&mut self, note: Outgoing) -> bool {
        assert!(note.offset < self.samples.max(1), "{note:?} in a block of {}", self.samples);
        if !self.take_room() {
            return false;
        }
        let (channel, key) = (note.channel, note.key.midi());
        assert!(channel < 16, "{note:?}");
        let event = match note.velocity {
            Some(velocity) => {
                assert!((0.0..=1.0).contains(&velocity), "{note:?}");
                Event::NoteOn { channel, key, velocity }
            }
            None => Event::NoteOff { channel, key, velocity: 0.0 },
        };
        self.ledger.hear(self.start + u64::from(note.offset), &event);
        true
    }
}

struct Stand {
    audio: Audio,
    worker: WorkerEnd,
    _editor: EditorEnd,
    block: Block,
    incoming: VecDeque<Incoming>,
    /// Pedals that stand away from their rest behind us.
    away: BTreeSet<(u8, Control)>,
    ledger: Ledger,
    clock: u64,
    room: usize,
}

impl Stand {
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
        let rules = Rules { listen: 0, ..Rules::default() };
        let settings = Settings { rules, ..Settings::default() };
        Self {
            audio: Audio::new(audio),
            worker,
            _editor: editor,
            block: Block { transport, num_samples: 512, sample_rate: 48_000.0, settings },
            incoming: VecDeque::new(),
            away: BTreeSet::new(),
            ledger: Ledger::new(),
            clock: 0,
            room: usize::MAX,
        }
    }

    fn play(&mut self, samples: u32) {
        self.block.num_samples = samples;
        let (start, room) = (self.clock, self.room);
        let Self { incoming, away, ledger, .. } = self;
        let mut port = Wild { incoming, last: None, away, ledger, start, samples, room };
        self.audio.process(&self.block, &mut port);
        self.clock += u64::from(samples);
        let transport = &mut self.block.transport;
        if let (true, Some(place), Some(bpm)) =
            (transport.playing, transport.position.as_mut(), transport.tempo_bpm)
        {
            place.0 += f64::from(samples) / self.block.sample_rate * bpm / 60.0;
            if let Some(cycle) = transport.cycle.filter(|c| place.0 >= c.end.0 && c.end.0 > c.start.0) {
                place.0 = cycle.start.0 + (place.0 - cycle.end.0) % (cycle.end.0 - cycle.start.0);
            }
        }
    }

    /// Plans as the bytes say: mostly what was asked for, at times something else.
    fn answer(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while let Some(message) = self.worker.next_message() {
            let (epoch, ordinal, coming, commit) = match message {
                ToWorker::Begin { epoch, coming, rules, .. } => (epoch, 0, coming, rules.commit),
                ToWorker::Heard(heard) => (heard.epoch, heard.ordinal + 1, heard.coming, heard.rules.commit),
                ToWorker::Again { .. } => continue,
            };
            let what: u8 = u.arbitrary()?;
            let chord = match what % 4 {
                0 => ChordFrame::Silence,
                1 => ChordFrame::Onset(chord(u)?),
                _ => ChordFrame::Hold,
            };
            let standing = [Standing::Committed, Standing::Committed, Standing::Listening, Standing::Draft];
            let ahead = if what & 0x80 == 0 { commit.clamp(1, 32) - 1 } else { u.int_in_range(-3..=40)? };
            self.worker.plan(Planned {
                epoch,
                ordinal: ordinal + ahead,
                frame: Frame(coming.frame.0.saturating_add(ahead)),
                chord,
                held: None,
                standing: standing[usize::from(what >> 4 & 3)],
            });
            self.worker.answered();
        }
        Ok(())
    }
}

fn chord(u: &mut Unstructured<'_>) -> Result<Chord> {
    let qualities: Vec<Quality> = Quality::all().collect();
    let root = PitchClass::new(u.int_in_range(0..=11)?);
    Ok(Chord { bass: PitchClass::new(u.int_in_range(0..=11)?), ..Chord::new(root, *u.choose(&qualities)?) })
}

fn number(u: &mut Unstructured<'_>, from: f64, to: f64) -> Result<f64> {
    if u.ratio(1, 12)? {
        return Ok(*u.choose(&ODD_NUMBERS)?);
    }
    Ok(from + f64::from(u.arbitrary::<u16>()?) / 65_535.0 * (to - from))
}

fn pitch(u: &mut Unstructured<'_>) -> Result<Pitch> {
    Ok(Pitch::folded(u.int_in_range(0..=127)?))
}

fn settings(u: &mut Unstructured<'_>) -> Result<Settings> {
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
    let styles =
        [Style::Close, Style::Open, Style::DropTwo, Style::Shell, Style::Spread, Style::Power, Style::Pad];
    let flags: [bool; 12] = u.arbitrary()?;
    let share = |u: &mut Unstructured<'_>| Ok(f32::from(u.arbitrary::<u8>()?) / 255.0);
    Ok(Settings {
        rules: Rules {
            commit: u.int_in_range(1..=32)?,
            listen: u.int_in_range(0..=16)?,
            listen_again: flags[0],
            loop_memory: flags[1],
            ..Rules::default()
        },
        hearing: Hearing {
            channel: u.ratio(1, 4)?.then_some(u.int_in_range(0..=15)?),
            lowest: pitch(u)?,
            highest: pitch(u)?,
            leads: *u.choose(&[Leads::Last, Leads::Highest, Leads::Lowest])?,
            sustain: flags[2],
        },
        arrangement: Arrangement {
            style: *u.choose(&styles)?,
            voices: u.ratio(1, 2)?.then_some(u.int_in_range(2..=5)?),
            register: pitch(u)?,
            lowest: pitch(u)?,
            highest: pitch(u)?,
            inversion: *u.choose(&[
                Inversion::Nearest,
                Inversion::Root,
                Inversion::First,
                Inversion::Second,
            ])?,
            below_melody: flags[3],
            bass: *u.choose(&[Bass::Off, Bass::Root, Bass::Octave, Bass::Slash, Bass::Walking])?,
        },
        comping: Comping {
            pattern: *u.choose(&patterns)?,
            rate: *u.choose(&[ArpRate::Quarter, ArpRate::Eighth, ArpRate::Triplet, ArpRate::Sixteenth])?,
            gate: share(u)?.max(0.05),
            strum: *u.choose(&[Strum::Up, Strum::Down, Strum::Alternating])?,
            strum_ms: share(u)? * 120.0,
            velocity: share(u)?,
            follow: share(u)?,
            humanise: share(u)?,
            nudge_ms: share(u)? * 130.0 - 30.0,
        },
        switches: Switches {
            hold: flags[4],
            mute: flags[5],
            latching: flags[9],
            presses: Presses {
                hold: u.arbitrary()?,
                mute: u32::from(flags[5]),
                next: u32::from(flags[6]),
                reroll: u32::from(flags[7]),
                undo: u32::from(flags[8]),
                panic: u32::from(flags[10]),
            },
        },
        chord_channel: u.int_in_range(0..=15)?,
        bass_channel: u.int_in_range(0..=15)?,
        parts: *u.choose(&[Parts::Both, Parts::ChordsOnly, Parts::BassOnly])?,
        pass: *u.choose(&[Pass::ChordsOnly, Pass::MelodyAndChords, Pass::MelodyOnly])?,
        free_run_bpm: if u.ratio(1, 5)? { Some(number(u, 20.0, 400.0)?) } else { None },
        muted: false,
        bypass: flags[11],
    })
}

/// One word of the stream.
fn word(stand: &mut Stand, u: &mut Unstructured<'_>) -> Result<()> {
    let transport = &mut stand.block.transport;
    let place = |u: &mut Unstructured<'_>| Ok(Some(Beats(number(u, -8.0, 260.0)?)));
    match u.int_in_range(0..=31)? {
        0 | 1 => transport.playing = !transport.playing,
        2 => transport.position = if u.ratio(1, 8)? { None } else { place(u)? },
        3 => {
            let start = transport.position.unwrap_or(Beats(0.0)).0 - number(u, 0.0, 4.0)?;
            let end = start + number(u, -0.5, 6.0)?;
            transport.cycle = Some(Cycle { start: Beats(start), end: Beats(end) });
        }
        4 => transport.cycle = None,
        5 => transport.tempo_bpm = if u.ratio(1, 8)? { None } else { Some(number(u, 20.0, 400.0)?) },
        6 => transport.meter = Meter::new(u.int_in_range(0..=20)?, 1 << u.int_in_range(0..=6)?),
        7 => transport.bar_start = place(u)?,
        8 => stand.audio.reset(),
        9 | 10 => stand.block.settings = settings(u)?,
        11 => stand.block.sample_rate = *u.choose(&[8_000.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0])?,
        12 => stand.room = *u.choose(&[usize::MAX, usize::MAX, 0, 1, 5])?,
        13 | 14 => stand.answer(u)?,
        15 => {
            let states = [WorkerState::Ready, WorkerState::Loading, WorkerState::NoModel, WorkerState::Dead];
            stand.worker.health.set_worker(*u.choose(&states)?);
        }
        _ => block(stand, u)?,
    }
    Ok(())
}

/// A block with notes in order of time.
fn block(stand: &mut Stand, u: &mut Unstructured<'_>) -> Result<()> {
    let samples = *u.choose(&[0, 1, 16, 64, 441, 512, 1024, 4096, 16_384])?;
    let mut offset = 0;
    for _ in 0..u.int_in_range(0..=6)? {
        offset = u.int_in_range(offset..=samples.max(1) - 1)?;
        let channel = u.int_in_range(0..=15)?;
        let key = Pitch::folded(u.int_in_range(30..=90)?);
        let event = match u.int_in_range(0..=10)? {
            0..=4 => Incoming::On { offset, channel, key, velocity: f32::from(u.arbitrary::<u8>()?) / 255.0 },
            5..=6 => Incoming::Off { offset, channel: Some(channel), key: Some(key) },
            7 => Incoming::Off { offset, channel: None, key: None },
            8 => {
                let value = if u.arbitrary()? { 1.0 } else { 0.0 };
                Incoming::Control { offset, channel, control: Control::Sustain, value }
            }
            9 => Incoming::ControlsOff { offset, channel },
            _ => Incoming::AllOff { offset, channel, sound: u.arbitrary()? },
        };
        if samples > 0 {
            stand.incoming.push_back(event);
        }
    }
    stand.play(samples);
    Ok(())
}

/// Plays the bytes as words until they end, then lifts all keys and stops.
pub fn stream(bytes: &[u8]) {
    let mut stand = Stand::new();
    let mut u = Unstructured::new(bytes);
    for _ in 0..MOST_BLOCKS {
        if u.is_empty() || word(&mut stand, &mut u).is_err() {
            break;
        }
    }
    stand.room = usize::MAX;
    stand.block.transport.playing = false;
    stand.block.settings.free_run_bpm = None;
    stand.block.sample_rate = 48_000.0;
    (stand.block.settings.pass, stand.block.settings.bypass) = (Pass::ChordsOnly, false);
    stand.incoming.push_back(Incoming::Off { offset: 0, channel: None, key: None });
    // What a full queue kept back comes in the first, what the keys held ends in it too.
    stand.play(64);
    stand.play(64);
    let faults = stand.ledger.close();
    assert!(faults.is_empty(), "{faults:?}");
    assert!(stand.audio.is_silent(), "something still counts as sounding");
    assert!(stand.away.is_empty(), "left away from their rest: {:?}", stand.away);
}
