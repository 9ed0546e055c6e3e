//! Do sixteen instances in one process keep time at 140 BPM, and what does each cost in memory? How soon is a scan
//! over, and an instance ready? The real plugin (`REALCHORDS_PLUGIN`), live, by the clock on the wall. Prints a JSON
//! line a figure.

use hosts::{Block, ClapHost, Event, HostError, PluginHost, Rendering, Setup, TimedEvent, Transport};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const INSTANCES: usize = 16;
const BPM: f64 = 140.0;
const SAMPLE_RATE: f64 = 48_000.0;
const SAMPLES: u32 = 256;
/// How long they play; `REALCHORDS_CROWD_SECONDS` says otherwise.
const SECONDS: u64 = 60;
/// Loads of which the median is told.
const LOADS: usize = 9;

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value},\"unit\":\"{unit}\"}}");
}

/// Memory of this process in use, in MiB, where the system tells.
fn resident_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "the question is about the clock on the wall")]
fn pause(time: Duration) {
    thread::sleep(time);
}

/// Activates it and waits until the model is open.
fn ready(host: &mut ClapHost) -> Result<(), HostError> {
    host.activate(Setup { sample_rate: SAMPLE_RATE, max_block: SAMPLES, rendering: Rendering::Realtime })?;
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        pause(Duration::from_millis(1));
    }
    Ok(())
}

fn run(plugin: &Path) -> Result<(), HostError> {
    let mut scans = Vec::new();
    for _ in 0..LOADS {
        let begun = Instant::now();
        drop(ClapHost::load(plugin)?);
        scans.push(begun.elapsed());
    }
    tell("scan: load, read what it is, unload", median(scans), "ms");
    let mut readies = Vec::new();
    for _ in 0..LOADS {
        let begun = Instant::now();
        ready(&mut ClapHost::load(plugin)?)?;
        readies.push(begun.elapsed());
    }
    tell("from load to a model that is open", median(readies), "ms");

    let (mut hosts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..INSTANCES {
        let mut host = ClapHost::load(plugin)?;
        host.set("listen", "0")?;
        ready(&mut host)?;
        hosts.push(host);
        memory.push(resident_mib());
    }
    crowd(&mut hosts)?;
    if let (Some(Some(first)), Some(Some(last))) = (memory.first(), memory.last()) {
        tell("memory of a further instance", (last - first) / (INSTANCES - 1) as f64, "MiB");
    }
    let mut late = 0.0;
    for host in &mut hosts {
        late += host.read("late")?.parse::<f64>().unwrap_or(f64::NAN);
    }
    tell(&format!("late frames of {INSTANCES} instances at {BPM} BPM"), late, "frames");
    Ok(())
}

/// All play at once, each its own melody, by the clock.
fn crowd(hosts: &mut [ClapHost]) -> Result<(), HostError> {
    const STEPS: [u8; 8] = [0, 4, 7, 5, 9, 7, 2, 11];
    let seconds =
        env::var("REALCHORDS_CROWD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let blocks = (seconds as f64 * SAMPLE_RATE / f64::from(SAMPLES)) as u64;
    let begun = Instant::now();
    let (mut nth_note, mut chords, mut worst) = (None, 0u64, Duration::ZERO);
    for block in 0..blocks {
        let due = begun + Duration::from_secs_f64((block * u64::from(SAMPLES)) as f64 / SAMPLE_RATE);
        pause(due.saturating_duration_since(Instant::now()));
        let beats = (block * u64::from(SAMPLES)) as f64 / SAMPLE_RATE * BPM / 60.0;
        let transport = Transport {
            playing: true,
            recording: false,
            tempo: Some(BPM),
            beats: Some(beats),
            bar_start: Some((beats / 4.0).floor() * 4.0),
            meter: Some((4, 4)),
            looped: None,
        };
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
    }
    tell(&format!("notes of {INSTANCES} instances in {seconds} s"), chords as f64, "notes");
    tell("farthest that the host itself fell behind", worst.as_secs_f64() * 1e3, "ms");
    Ok(())
}

fn main() -> ExitCode {
    let Some(plugin) = env::var_os("REALCHORDS_PLUGIN").map(PathBuf::from) else {
        eprintln!("error: REALCHORDS_PLUGIN names no plugin; `cargo xtask bench` does");
        return ExitCode::FAILURE;
    };
    match run(&plugin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
