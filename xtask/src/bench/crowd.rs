//! Do sixteen instances in one process keep time at 140 BPM, and what does each cost in memory? How soon is a scan
//! over, an instance ready, and the first chord there? The built plugin, live, by the clock on the wall, in a process of its own.

use super::reaction::{pause, ready};
use crate::held::held;
use anyhow::{Result, bail};
use hosts::{Block, ClapHost, Event, PluginHost, TimedEvent, Transport};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const INSTANCES: usize = 16;
const BPM: f64 = 140.0;
const SAMPLE_RATE: f64 = 48_000.0;
const SAMPLES: u32 = 256;
/// A host that is so far behind its clock is itself kept waiting by the machine; what is late then is told apart.
const KEPT_WAITING: Duration = Duration::from_millis(10);
/// Half a frame: the worker has so long for its answer.
const HALF_FRAME: Duration = Duration::from_millis((30_000.0 / BPM / 4.0) as u64);
/// Blocks from one count of late frames to the next: half a frame.
const COUNT_EVERY: u64 = 10;
/// Loads of which the median is told.
const LOADS: usize = 9;

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Measures; `tell` takes a figure's name, value and unit.
///
/// # Errors
/// What the host says.
pub fn run(plugin: &Path, seconds: u64, tell: &dyn Fn(&str, f64, &str)) -> Result<()> {
    let mut scans = Vec::new();
    for _ in 0..LOADS {
        let begun = Instant::now();
        drop(ClapHost::load(plugin)?);
        scans.push(begun.elapsed());
    }
    tell("scan: load, read what it is, unload", median(scans), "ms");

    // The first of all: with it come the engine and the weights, which the others share.
    let (mut hosts, mut memory, mut readies) = (Vec::new(), Vec::new(), Vec::new());
    let before = held().mib;
    for _ in 0..INSTANCES {
        let (host, time) = opened(plugin)?;
        readies.push(time);
        hosts.push(host);
        memory.push(held().mib);
    }
    tell("from load to a model that is open, the first", readies[0].as_secs_f64() * 1e3, "ms");
    tell("memory of the first instance", memory[0] - before, "MiB");
    tell("memory of a further instance", (memory[INSTANCES - 1] - memory[0]) / (INSTANCES - 1) as f64, "MiB");
    let late = crowd(&mut hosts, seconds, tell)?;
    tell(&format!("late frames of {INSTANCES} instances at {BPM} BPM"), late.all, "frames");
    tell("of those, where the machine kept the host itself waiting", late.machines, "frames");
    drop(hosts);
    let (mut readies, mut chords) = (Vec::new(), Vec::new());
    for _ in 0..LOADS {
        let (mut host, time) = opened(plugin)?;
        readies.push(time);
        chords.push(first_chord(&mut host)?);
    }
    tell("from load to a model that is open, later ones", median(readies), "ms");
    tell(&format!("from play and a note to the first chord at {BPM} BPM"), median(chords), "ms");
    Ok(())
}

/// An instance that does not listen first and whose model is open, and how long that took.
fn opened(plugin: &Path) -> Result<(ClapHost, Duration)> {
    let begun = Instant::now();
    let mut host = ClapHost::load(plugin)?;
    host.set("listen", "0")?;
    ready(&mut host, SAMPLES)?;
    Ok((host, begun.elapsed()))
}

/// From the transport's start, with a note on its first sample, to the first chord: by the song's clock, kept to by the
/// clock on the wall.
fn first_chord(host: &mut ClapHost) -> Result<Duration> {
    let begun = Instant::now();
    for block in 0..(SAMPLE_RATE as u64 / u64::from(SAMPLES)) {
        let at = |samples: u64| Duration::from_secs_f64(samples as f64 / SAMPLE_RATE);
        let start = block * u64::from(SAMPLES);
        pause((begun + at(start)).saturating_duration_since(Instant::now()));
        let note = TimedEvent { offset: 0, event: Event::NoteOn { channel: 0, key: 60, velocity: 0.7 } };
        let out = host.process(&Block {
            samples: SAMPLES,
            transport: Some(Transport::common_time(true, BPM, start as f64 / SAMPLE_RATE * BPM / 60.0)),
            events: if block == 0 { vec![note] } else { Vec::new() },
            ..Block::default()
        })?;
        if let Some(on) = out.iter().find(|out| matches!(out.event, Event::NoteOn { .. })) {
            return Ok(at(start + u64::from(on.offset)));
        }
    }
    bail!("no chord came within a second")
}

/// Late frames.
#[derive(Default)]
struct Late {
    /// All of them.
    all: f64,
    /// Soon after a block that the host itself began late.
    machines: f64,
}

fn num_late(hosts: &mut [ClapHost]) -> Result<f64> {
    hosts.iter_mut().map(|host| Ok(host.read("late")?.parse::<f64>().unwrap_or(f64::NAN))).sum()
}

/// All play at once, each its own melody, by the clock.
fn crowd(hosts: &mut [ClapHost], seconds: u64, tell: &dyn Fn(&str, f64, &str)) -> Result<Late> {
    const STEPS: [u8; 8] = [0, 4, 7, 5, 9, 7, 2, 11];
    let blocks = (seconds as f64 * SAMPLE_RATE / f64::from(SAMPLES)) as u64;
    let begun = Instant::now();
    let (mut nth_note, mut chords, mut worst) = (None, 0u64, Duration::ZERO);
    let (mut late, before, mut kept_waiting) = (Late::default(), num_late(hosts)?, None::<Instant>);
    for block in 0..blocks {
        let due = begun + Duration::from_secs_f64((block * u64::from(SAMPLES)) as f64 / SAMPLE_RATE);
        pause(due.saturating_duration_since(Instant::now()));
        if Instant::now().saturating_duration_since(due) > KEPT_WAITING {
            kept_waiting = Some(Instant::now());
        }
        let beats = (block * u64::from(SAMPLES)) as f64 / SAMPLE_RATE * BPM / 60.0;
        let transport = Transport::common_time(true, BPM, beats);
        // A new eighth note in each melody.
        let eighth = (beats * 2.0) as usize;
        let changes = nth_note != Some(eighth);
        for (idx, host) in hosts.iter_mut().enumerate() {
            let key = |eighth: usize| 60 + STEPS[(eighth + idx) % STEPS.len()];
            let mut events = Vec::new();
            if changes {
                if let Some(last) = nth_note {
                    let event = Event::NoteOff { channel: 0, key: key(last), velocity: 0.0 };
                    events.push(TimedEvent { offset: 0, event });
                }
                let event = Event::NoteOn { channel: 0, key: key(eighth), velocity: 0.7 };
                events.push(TimedEvent { offset: 0, event });
            }
            let out = host.process(&Block {
                samples: SAMPLES,
                transport: Some(transport),
                events,
                ..Block::default()
            })?;
            chords += out.iter().filter(|out| matches!(out.event, Event::NoteOn { .. })).count() as u64;
        }
        if changes {
            nth_note = Some(eighth);
        }
        worst = worst.max(Instant::now().saturating_duration_since(due));
        if block % COUNT_EVERY == 0 || block + 1 == blocks {
            let now = num_late(hosts)? - before;
            if kept_waiting.is_some_and(|since| since.elapsed() < 2 * HALF_FRAME) {
                late.machines += now - late.all;
            }
            late.all = now;
        }
    }
    tell(&format!("notes of {INSTANCES} instances in {seconds} s"), chords as f64, "notes");
    tell("farthest that the host itself fell behind", worst.as_secs_f64() * 1e3, "ms");
    Ok(late)
}
