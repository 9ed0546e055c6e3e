//! `cargo xtask endure`: a jam of many hours, rendered as fast as the answers come. Says how memory goes, and whether
//! chords drift off the grid, come late or stay.

use crate::{
    bundle,
    held::{Held, held},
    place,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use hosts::{Block, ClapHost, Event, PluginHost, Rendering, Setup, TimedEvent, Transport, ledger::Ledger};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

const RATE: f64 = 48_000.0;
const BPM: f64 = 120.0;
/// Samples of a frame at this tempo and rate.
const FRAME: u64 = 6000;
/// Samples of a block: no multiple of a frame's.
const BLOCK: u32 = 2048;
/// Blocks of an hour, to the block.
const HOUR: u64 = (3600.0 * RATE) as u64 / BLOCK as u64;
/// Degrees of the melody, in semitones; the key goes up a fifth every hour.
const STEPS: [u8; 16] = [0, 4, 7, 5, 9, 7, 2, 11, 12, 9, 5, 4, 2, 7, 11, 0];

/// Options of `endure`.
#[derive(Args)]
pub struct EndureArgs {
    /// How long the jam is
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    hours: f64,
    /// The longest that the rendering may take; what was played until then is told, and that it was too little
    #[arg(long, value_name = "MINUTES", default_value_t = 600)]
    at_most: u64,
    /// Play this built .clap and do not build
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// Plays and tells.
///
/// # Errors
/// Where a note stays, comes late, leaves the grid, or the host fails.
pub fn run(args: &EndureArgs) -> Result<()> {
    let plugin = match &args.plugin {
        Some(plugin) => plugin.clone(),
        None => {
            let library = bundle::build()?;
            bundle::wrap_clap(&library, bundle::runtime_or_word().as_ref(), &place::target().join("bundled"))?
        }
    };
    let mut host = ClapHost::load(&plugin)?;
    host.set("listen", "0")?;
    host.activate(Setup { sample_rate: RATE, max_block: BLOCK, rendering: Rendering::Offline })?;
    let begun = Instant::now();
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        ensure!(begun.elapsed() < Duration::from_secs(120), "the model does not open");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    println!("engine {}; model {}", host.read("engine")?, host.read("model")?);
    let mut jam = Jam::default();
    let blocks = (args.hours * HOUR as f64) as u64;
    let begun = Instant::now();
    println!("hours   notes  late  memory, threads, files");
    // In the first two hours all is used for the first time.
    let mut settled = None;
    for block in 0..blocks {
        if block % HOUR == 0 {
            jam.tell(&mut host, block)?;
            if block == 2 * HOUR {
                settled = Some(held());
            }
            if begun.elapsed() > Duration::from_secs(60 * args.at_most) {
                break;
            }
        }
        jam.play(&mut host, true)?;
    }
    let at_end = held();
    jam.play(&mut host, false)?;
    jam.tell(&mut host, jam.samples / u64::from(BLOCK))?;
    let hours = jam.samples as f64 / RATE / 3600.0;
    let sounding = jam.ledger.num_sounding();
    let faults = std::mem::take(&mut jam.ledger).close();
    println!(
        "{hours:.2} hours in {:.1} minutes, {:.0} times as fast; {} notes, {} stuck, farthest from a frame's line {} samples",
        begun.elapsed().as_secs_f64() / 60.0,
        hours * 3600.0 / begun.elapsed().as_secs_f64(),
        jam.notes,
        sounding,
        jam.drift
    );
    ensure!(faults.is_empty(), "{} faults; the first: {}", faults.len(), faults[0]);
    ensure!(jam.drift == 0, "chords drift off the grid");
    ensure!(jam.notes > 0, "no chord came");
    let late = host.read("late")?;
    ensure!(late == "0", "{late} frames were late in a rendering");
    ensure!(jam.samples / u64::from(BLOCK) >= blocks, "{} hours were to be played", args.hours);
    match settled.filter(|_| at_end != Held::default()) {
        Some(settled) => ensure!(
            !grows(settled, at_end),
            "what is held grows: {settled} after two hours, {at_end} at the end"
        ),
        None => {
            println!("what is held was not judged: that takes more than two hours, and a system that tells")
        }
    }
    Ok(())
}

/// Whether more is held than before, but for what memory strays by itself.
fn grows(before: Held, after: Held) -> bool {
    after.mib > before.mib * 1.1 + 4.0 || after.threads > before.threads || after.files > before.files
}

/// What was played so far.
#[derive(Default)]
struct Jam {
    samples: u64,
    notes: u64,
    drift: u64,
    down: Option<u8>,
    ledger: Ledger,
}

impl Jam {
    fn play(&mut self, host: &mut ClapHost, playing: bool) -> Result<()> {
        let beats = self.samples as f64 / RATE * BPM / 60.0;
        let transport = Transport::common_time(playing, BPM, beats);
        let mut events = Vec::new();
        // An eighth note begins with each second frame that begins in this block; some are rests.
        let end = self.samples + u64::from(BLOCK);
        let line = self.samples.next_multiple_of(2 * FRAME);
        if line < end || !playing {
            let offset = if playing { (line - self.samples) as u32 } else { 0 };
            if let Some(key) = self.down.take() {
                events.push(TimedEvent { offset, event: Event::NoteOff { channel: 0, key, velocity: 0.0 } });
            }
            let nth = line / (2 * FRAME);
            if playing && nth % 8 != 7 {
                let hour = line / (3600 * RATE as u64);
                let key = 55 + (hour * 7 % 12) as u8 + STEPS[(nth * 5 / 3 % 16) as usize];
                events.push(TimedEvent { offset, event: Event::NoteOn { channel: 0, key, velocity: 0.7 } });
                self.down = Some(key);
            }
        }
        let block = Block { samples: BLOCK, transport: Some(transport), events, ..Block::default() };
        for TimedEvent { offset, event } in host.process(&block).context("a block fails")? {
            let sample = self.samples + u64::from(offset);
            if let Event::NoteOn { .. } = event {
                self.notes += 1;
                self.drift = self.drift.max(sample % FRAME);
            }
            self.ledger.hear(sample, &event);
        }
        host.idle();
        self.samples = end;
        Ok(())
    }

    fn tell(&self, host: &mut ClapHost, blocks: u64) -> Result<()> {
        let hours = blocks as f64 / HOUR as f64;
        println!("{hours:>5.1} {:>7} {:>5}  {}", self.notes, host.read("late")?, held());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_may_stray_and_threads_and_files_may_not() {
        let before = Held { mib: 80.0, threads: 3, files: 6, ..Held::default() };
        assert!(!grows(before, before) && !grows(before, Held { mib: 90.0, files: 5, ..before }));
        for after in
            [Held { mib: 95.0, ..before }, Held { threads: 4, ..before }, Held { files: 7, ..before }]
        {
            assert!(grows(before, after), "{after}");
        }
    }
}
