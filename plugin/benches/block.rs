//! What does a block of 64 samples cost the audio thread? Idle, playing, in a flood of notes. Criterion measures the time; where
//! `REALCHORDS_BLOCKS` says `KIND NUMBER`, so many blocks of one kind are played and no more, for a program that counts
//! instructions.

use criterion::{BatchSize, Criterion, criterion_group};
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
        block::{Block, Incoming, Outgoing, Port, Settings, Transport},
        comping::{Comping, Pattern},
        controls::Control,
    },
    links::{EditorEnd, Health, Planned, Rules, Standing, ToWorker, WorkerEnd, WorkerState, connect},
};
use std::{env, process::ExitCode, sync::Arc};

const SAMPLES: u32 = 64;
const SAMPLE_RATE: f64 = 48_000.0;
const BPM: f64 = 120.0;

/// A host that takes every note and forgets it.
struct Open<'a> {
    incoming: std::slice::Iter<'a, Incoming>,
    sent: u64,
}

impl Port for Open<'_> {
    fn receive(&mut self) -> Option<Incoming> {
        self.incoming.next().copied()
    }
    fn forward(&mut self) -> bool {
        true
    }
    fn rest(&mut self, _: u32, _: u8, _: Control) -> bool {
        true
    }
    fn send(&mut self, _: Outgoing) -> bool {
        self.sent += 1;
        true
    }
}

/// An instance whose worker is this program.
struct Stand {
    audio: Audio,
    worker: WorkerEnd,
    _editor: EditorEnd,
    block: Block,
}

impl Stand {
    fn new(playing: bool) -> Self {
        let health = Arc::new(Health::default());
        health.set_worker(WorkerState::Ready);
        let (audio, worker, editor) = connect(health);
        let rules = Rules { listen: 0, ..Rules::default() };
        let comping = Comping { pattern: Pattern::Eighths, humanise: 0.3, ..Comping::default() };
        let transport = Transport {
            playing,
            position: Some(Beats(0.0)),
            tempo_bpm: Some(BPM),
            meter: Some(Meter::COMMON),
            bar_start: Some(Beats(0.0)),
            cycle: None,
        };
        let settings = Settings { rules, comping, ..Settings::default() };
        let block = Block { transport, num_samples: SAMPLES, sample_rate: SAMPLE_RATE, settings };
        Self { audio: Audio::new(audio), worker, _editor: editor, block }
    }

    /// Plays a block. Frames heard are answered with a chord on every beat, as a model would.
    fn play(&mut self, incoming: &[Incoming]) -> u64 {
        let mut port = Open { incoming: incoming.iter(), sent: 0 };
        self.audio.process(&self.block, &mut port);
        if let Some(place) = self.block.transport.position.as_mut().filter(|_| self.block.transport.playing) {
            place.0 += f64::from(SAMPLES) / SAMPLE_RATE * BPM / 60.0;
        }
        port.sent
    }

    fn answer(&mut self) {
        while let Some(message) = self.worker.next_message() {
            let ToWorker::Heard(heard) = message else { continue };
            let ordinal = heard.ordinal + 1;
            let chord = match ordinal % 4 {
                0 => ChordFrame::Onset(Chord::new(PitchClass::new((ordinal / 4 * 5) as i32), Quality::MAJOR)),
                _ => ChordFrame::Hold,
            };
            let frame = Frame(heard.frame.0 + 1);
            self.worker.plan(Planned {
                epoch: heard.epoch,
                ordinal,
                frame,
                chord,
                held: None,
                standing: Standing::Committed,
            });
        }
    }
}

fn key(offset: u32, nth: u32) -> Incoming {
    // Each key that goes down is the next to go up.
    let key = Pitch::folded(48 + (nth / 2 % 36) as i32);
    match nth % 2 {
        0 => Incoming::On { offset, channel: 0, key, velocity: 0.7 },
        _ => Incoming::Off { offset, channel: Some(0), key: Some(key) },
    }
}

/// A kind of block.
struct Kind {
    /// As `REALCHORDS_BLOCKS` calls it.
    word: &'static str,
    /// As the figure is called.
    name: &'static str,
    playing: bool,
    /// Events that come in.
    notes: u32,
}

/// A note a block is a thousand times what a player does.
const KINDS: [Kind; 3] = [
    Kind { word: "idle", name: "block of 64, transport stopped", playing: false, notes: 0 },
    Kind { word: "busy", name: "block of 64, playing, a note in every block", playing: true, notes: 1 },
    Kind { word: "flood", name: "block of 64 with a flood of 1000 notes", playing: true, notes: 1000 },
];

impl Kind {
    fn incoming(&self, nth: u32) -> Vec<Incoming> {
        match self.notes {
            1 => vec![key(nth % SAMPLES, nth)],
            notes => (0..notes).map(|nth| key(nth * SAMPLES / notes, nth)).collect(),
        }
    }
}

fn blocks(criterion: &mut Criterion) {
    for kind in KINDS {
        let mut stand = Stand::new(kind.playing);
        criterion.bench_function(kind.name, |bencher| {
            if kind.notes == 0 {
                return bencher.iter(|| stand.play(&[]));
            }
            let mut nth = 0;
            let incoming = || {
                nth += 1;
                kind.incoming(nth)
            };
            let block = |incoming: &mut Vec<Incoming>| {
                stand.answer();
                stand.play(incoming)
            };
            // The clock is read around a batch: to read it around each block would cost more than the block.
            bencher.iter_batched_ref(incoming, block, BatchSize::NumIterations(256));
        });
    }
}

/// Plays as many blocks of a kind as `asked` says.
fn play(asked: &str) -> Option<u64> {
    let (word, number) = asked.split_once(' ')?;
    let kind = KINDS.into_iter().find(|kind| kind.word == word)?;
    let mut stand = Stand::new(kind.playing);
    let flow: Vec<Vec<Incoming>> = (0..2 * SAMPLES).map(|nth| kind.incoming(nth)).collect();
    let blocks = flow.iter().cycle().take(number.parse().ok()?);
    Some(
        blocks
            .map(|incoming| {
                stand.answer();
                stand.play(incoming)
            })
            .sum(),
    )
}

criterion_group!(benches, blocks);

fn main() -> ExitCode {
    match env::var("REALCHORDS_BLOCKS").map(|asked| play(&asked)) {
        Ok(Some(sent)) => println!("{sent} events sent"),
        Ok(None) => {
            eprintln!("error: REALCHORDS_BLOCKS is a kind of block and a number, as in `busy 1000`");
            return ExitCode::FAILURE;
        }
        Err(_) => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
    }
    ExitCode::SUCCESS
}
