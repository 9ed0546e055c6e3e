//! Instances that are made, shown and unmade again, one after the other: what the process holds at the start and at the
//! end. They live in a process of their own, on a display without a screen.

use super::{
    PATIENCE,
    stage::{House, display},
};
use crate::held::{Held, held};
use anyhow::{Context, Result, ensure};
use hosts::{
    Block, ClapHost, ClassChoice, Event, Format, PluginHost, Setup, TimedEvent, Transport, Vst3Host,
    window::Window,
};
use std::{
    env,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Lives before the first count: what is made once stays.
const FIRST: u32 = 10;
/// How long the editor is looked at: a few of its pictures.
const LOOK: Duration = Duration::from_millis(120);
/// What may be asked of the allocator and kept at the end, in KiB: what drivers keep for themselves; and for each window
/// the keyboard's map, which the window library (baseview 0.4.2) never gives back: 82 KiB here, by Valgrind all that is
/// lost.
const SLACK_KIB: f64 = 256.0;
const SLACK_KIB_A_LIFE: f64 = 96.0;

/// Starts a display, and the process in which they live.
///
/// # Errors
/// Where one fails, or something is left behind.
pub fn under_a_display(house: &House, clap: &Path, vst3: &Path, lives: u32) -> Result<()> {
    let (_xvfb, name) = display(house, PATIENCE)?;
    let mut command = Command::new(env::current_exe().context("this program has no path")?);
    command.args(["e2e", "--lives", &lives.to_string(), "--live"]).arg(clap).arg(vst3).env("DISPLAY", name);
    // Each life has threads of its own, and each thread an arena of the allocator's, which keeps what was freed: by dozens
    // of MiB more or less, as chance deals the arenas out. With one arena what is held is what is used.
    command.env("MALLOC_ARENA_MAX", "1");
    let said =
        house.start("lives", command)?.finish(PATIENCE + Duration::from_secs(10 * u64::from(lives)))?;
    for line in said.lines().filter(|line| line.starts_with("lives:")) {
        println!("{line}");
    }
    Ok(())
}

/// Lives so many lives in each format on the display there is.
///
/// # Errors
/// Where one fails, or something is left behind.
pub fn run(clap: &Path, vst3: &Path, lives: u32) -> Result<()> {
    let threads = held().threads;
    for format in [Format::Clap, Format::Vst3] {
        let live = || match format {
            Format::Clap => live(&mut ClapHost::load(clap)?),
            Format::Vst3 => live(&mut Vst3Host::load(vst3, ClassChoice::Index(0))?),
        };
        for _ in 0..FIRST {
            live()?;
            settled(threads);
        }
        let before = settled(threads);
        for _ in 0..lives {
            live()?;
            settled(threads);
        }
        let after = settled(before.threads);
        println!("lives: {lives} in {format:?} with an editor; at first {before}; at the end {after}");
        let most = before.asked_kib + SLACK_KIB + SLACK_KIB_A_LIFE * f64::from(lives);
        ensure!(after.asked_kib <= most, "memory grows");
        ensure!(
            after.threads <= before.threads && after.files <= before.files,
            "threads or files are left behind"
        );
    }
    Ok(())
}

/// What is held once the threads of windows, which end by themselves, are down to so many; or after a while.
fn settled(threads: u64) -> Held {
    let begun = Instant::now();
    while held().threads > threads && begun.elapsed() < PATIENCE {
        thread::park_timeout(Duration::from_millis(50));
    }
    held()
}

/// Made, activated, shown, played, closed and unmade.
fn live(host: &mut dyn PluginHost) -> Result<()> {
    host.set("listen", "0")?;
    host.activate(Setup { max_block: 512, ..Setup::default() })?;
    let begun = Instant::now();
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        ensure!(begun.elapsed() < PATIENCE, "the model does not open");
        thread::park_timeout(Duration::from_millis(1));
    }
    let window = Window::open(1000, 640)?;
    host.open_editor(&window)?;
    let shown = Instant::now();
    let mut samples = 0u32;
    while shown.elapsed() < LOOK {
        let beats = f64::from(samples) / 48_000.0 * 2.0;
        let transport = Transport::common_time(true, 120.0, beats);
        let mut events = Vec::new();
        if samples == 0 {
            events
                .push(TimedEvent { offset: 0, event: Event::NoteOn { channel: 0, key: 60, velocity: 0.7 } });
        }
        host.process(&Block { samples: 512, transport: Some(transport), events, ..Block::default() })?;
        host.idle();
        samples += 512;
        thread::park_timeout(Duration::from_millis(5));
    }
    host.close_editor();
    host.idle();
    Ok(())
}
