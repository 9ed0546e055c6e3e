//! What does a block of 64 samples cost the audio thread? Idle, playing, in a flood of notes.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
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
use std::{cell::Cell, sync::Arc};

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
    let key = Pitch::folded(48 + (nth % 36) as i32);
    match nth % 2 {
        0 => Incoming::On { offset, channel: 0, key, velocity: 0.7 },
        _ => Incoming::Off { offset, channel: Some(0), key: Some(key) },
    }
}

fn blocks(criterion: &mut Criterion) {
    let mut stand = Stand::new(false);
    criterion.bench_function("block of 64, transport stopped", |bencher| bencher.iter(|| stand.play(&[])));

    // A note a block is a thousand times what a player does; chords on every beat, struck in eighths.
    let mut stand = Stand::new(true);
    let nth = Cell::new(0);
    criterion.bench_function("block of 64, playing, a note in every block", |bencher| {
        bencher.iter_batched(
            || {
                nth.set(nth.get() + 1);
                [key(nth.get() % SAMPLES, nth.get())]
            },
            |note| {
                stand.answer();
                stand.play(&note)
            },
            BatchSize::PerIteration,
        );
    });

    let mut stand = Stand::new(true);
    let flood: Vec<Incoming> = (0..1000).map(|nth| key(nth * SAMPLES / 1000, nth)).collect();
    criterion.bench_function("block of 64 with a flood of 1000 notes", |bencher| {
        bencher.iter(|| {
            stand.answer();
            stand.play(&flood)
        });
    });
}

criterion_group!(benches, blocks);
criterion_main!(benches);
