//! How soon after a frame has closed is its chord in the plan, and is any chord late? The built plugin, live, by the clock
//! on the wall. The time is from the end of the block in which the frame closed until its chord is committed.

use anyhow::{Result, ensure};
use hosts::{Block, ClapHost, Event, PluginHost, Rendering, Setup, TimedEvent, Transport, ledger::Ledger};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const RATE: f64 = 48_000.0;
const SAMPLES: u32 = 64;
/// Tempos at which it is measured, in quarter notes a minute.
const TEMPOS: [f64; 2] = [120.0, 140.0];
/// Keys of the melody, an eighth each.
const KEYS: [u8; 8] = [60, 64, 67, 65, 69, 67, 62, 71];
/// How long a model may take to open before it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

#[expect(clippy::disallowed_methods, reason = "the question is about the clock on the wall")]
pub(super) fn pause(time: Duration) {
    thread::sleep(time);
}

/// Activates it and waits until the model is open.
pub(super) fn ready(host: &mut ClapHost, max_block: u32) -> Result<()> {
    host.activate(Setup { sample_rate: RATE, max_block, rendering: Rendering::Realtime })?;
    let begun = Instant::now();
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        ensure!(begun.elapsed() < PATIENCE, "the model does not open");
        pause(Duration::from_millis(1));
    }
    Ok(())
}

/// Threads that work as hard as they can; they end when this goes.
struct Load(Arc<AtomicBool>);

impl Load {
    fn of(threads: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        for _ in 0..threads {
            let over = over.clone();
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Measures at each tempo for so many seconds; `tell` takes a figure's name, value and unit.
///
/// # Errors
/// What the host says, or a note that does not end or leaves the grid.
pub fn run(plugin: &Path, seconds: u64, beside: usize, tell: &dyn Fn(&str, f64, &str)) -> Result<()> {
    let _load = Load::of(beside);
    for bpm in TEMPOS {
        let mut host = ClapHost::load(plugin)?;
        host.set("listen", "0")?;
        ready(&mut host, SAMPLES)?;
        let mut jam = Jam::new(bpm);
        let begun = Instant::now();
        for block in 0..(seconds as f64 * RATE / f64::from(SAMPLES)) as u64 {
            let due = begun + Duration::from_secs_f64((block * u64::from(SAMPLES)) as f64 / RATE);
            jam.watch(&mut host, due)?;
            jam.block(&mut host, block * u64::from(SAMPLES), true)?;
        }
        jam.block(&mut host, (seconds as f64 * RATE) as u64, false)?;
        let faults = std::mem::take(&mut jam.ledger).close();
        ensure!(faults.is_empty(), "{} faults; the first: {}", faults.len(), faults[0]);
        let with = if beside == 0 { String::new() } else { format!(", {beside} threads at work beside") };
        let name = |what: &str| format!("reaction at {bpm} BPM{with}: {what}");
        jam.reactions.sort_unstable();
        let at = |share: f64| {
            let idx = ((jam.reactions.len().max(1) - 1) as f64 * share).round() as usize;
            jam.reactions.get(idx).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        ensure!(!jam.reactions.is_empty(), "no frame was answered");
        tell(&name("median"), at(0.5), "ms");
        tell(&name("99 %"), at(0.99), "ms");
        tell(&name("longest"), at(1.0), "ms");
        tell(&name("frames"), jam.reactions.len() as f64, "");
        tell(&name("late"), host.read("late")?.parse()?, "frames");
        tell(&name("notes off the grid"), jam.astray as f64, "notes");
    }
    Ok(())
}

/// What was played, and what came of it.
struct Jam {
    bpm: f64,
    nth: u64,
    down: Option<u8>,
    /// When a frame closed that is not answered yet.
    asked: Option<Instant>,
    reactions: Vec<Duration>,
    astray: u64,
    ledger: Ledger,
}

impl Jam {
    fn new(bpm: f64) -> Self {
        Self { bpm, nth: 0, down: None, asked: None, reactions: Vec::new(), astray: 0, ledger: Ledger::new() }
    }

    fn block(&mut self, host: &mut ClapHost, start: u64, playing: bool) -> Result<()> {
        let beats = start as f64 / RATE * self.bpm / 60.0;
        let transport = Transport::common_time(playing, self.bpm, beats);
        let eighth = (beats * 2.0) as u64;
        let mut events = Vec::new();
        if eighth != self.nth || start == 0 || !playing {
            self.nth = eighth;
            if let Some(key) = self.down.take() {
                let event = Event::NoteOff { channel: 0, key, velocity: 0.0 };
                events.push(TimedEvent { offset: 0, event });
            }
            if playing {
                let key = KEYS[(eighth * 3 / 2) as usize % KEYS.len()];
                events
                    .push(TimedEvent { offset: 0, event: Event::NoteOn { channel: 0, key, velocity: 0.7 } });
                self.down = Some(key);
            }
        }
        let block = Block { samples: SAMPLES, transport: Some(transport), events, ..Block::default() };
        let out = host.process(&block)?;
        let closed = Instant::now();
        for TimedEvent { offset, event } in out {
            let sample = start + u64::from(offset);
            if let Event::NoteOn { .. } = event {
                // The first sample at or after a frame's line, by exact arithmetic.
                let frame = RATE * 15.0 / self.bpm;
                let nth = ((sample as f64 + 0.5) / frame).floor();
                self.astray += u64::from((nth * frame - 1e-6).ceil() as u64 != sample);
            }
            self.ledger.hear(sample, &event);
        }
        host.idle();
        if playing && self.asked.is_none() && host.read("status")? == "thinking" {
            self.asked = Some(closed);
        }
        Ok(())
    }

    /// Waits for the next block, and looks whether the plugin has answered meanwhile: it is never waited for.
    fn watch(&mut self, host: &mut ClapHost, due: Instant) -> Result<()> {
        while let Some(asked) = self.asked {
            if host.read("status")? != "thinking" {
                self.reactions.push(asked.elapsed());
                self.asked = None;
            } else if Instant::now() >= due {
                return Ok(());
            } else {
                pause(Duration::from_micros(50));
            }
        }
        pause(due.saturating_duration_since(Instant::now()));
        Ok(())
    }
}
