//! The standalone program before a JACK server without a sound card and on a display without a screen: a melody goes in by
//! MIDI, chords come out in the server's time.

use super::{
    KEYS, PATIENCE, RATE,
    checks::{self, Scene},
    stage::{self, House},
};
use crate::place;
use anyhow::{Context, Result, bail, ensure};
use hosts::jack::{Ear, Player, Timed};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// The tempo it is started with, and the samples of a frame and of a beat at it.
const BPM: u32 = 120;
const FRAME: u32 = 6000;
const BEAT: u32 = 4 * FRAME;
/// How long it plays, in beats.
const TAKE: u32 = 24;

/// Builds it, starts it with all that it needs, plays, and looks at its window.
///
/// # Errors
/// Where it does not build or start, or what it answers is wrong.
pub fn run(server: &str) -> Result<()> {
    let program = build()?;
    let house = House::new(place::target().join("e2e-standalone"))?;
    let (_xvfb, display) = stage::display(&house, PATIENCE)?;
    let _jack = stage::jack(&house, server)?;
    let (player, ear) = (Player::open()?, Ear::open()?);
    let mut command = Command::new(&program);
    command.env("DISPLAY", &display).args(["--backend", "jack", "--tempo", &BPM.to_string()]);
    command.args(["--connect-jack-midi-input", "player:out", "--connect-jack-midi-output", "ear:in"]);
    let mut running = house.start("standalone", command)?;
    let window = window(&display, &mut running)?;
    let heard = take(&player, &ear)?;
    ensure!(running.is_running(), "it has ended; see target/e2e-standalone/standalone.log");
    let picture = house.folder.join("standalone.png");
    let shot =
        Command::new("import").args(["-window", "root"]).arg(&picture).env("DISPLAY", &display).status();
    ensure!(shot.is_ok_and(|status| status.success()), "no picture is taken of the display");
    drop(running);
    let scenes = BTreeMap::from([("standalone".to_owned(), Scene { events: heard, ..Scene::default() })]);
    let events = checks::ends(&scenes, "standalone")?;
    let onsets: Vec<u32> =
        events.iter().filter(|(_, m)| m[0] & 0xf0 == 0x90 && m[2] > 0).map(|e| e.0).collect();
    let first = *onsets.first().context("no chord is heard")?;
    let off = onsets.iter().map(|at| (at - first) % FRAME).max().unwrap_or(0);
    ensure!(off == 0, "a chord begins {off} samples after a frame's line");
    println!(
        "standalone: window {window}; {} notes heard in {TAKE} beats, each on a frame's line, none stuck; {}",
        onsets.len(),
        place::shown(&picture)
    );
    Ok(())
}

fn build() -> Result<PathBuf> {
    let mut cargo = place::cargo();
    cargo.args(["build", "--package", "realchords", "--features", "standalone", "--bin", "standalone"]);
    ensure!(cargo.status().context("cargo does not run")?.success(), "the standalone program does not build");
    Ok(place::target().join("debug").join("standalone"))
}

/// Waits for its window; how large it is.
fn window(display: &str, running: &mut stage::Running) -> Result<String> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        ensure!(running.is_running(), "the program ends at once; see target/e2e-standalone/standalone.log");
        let found = Command::new("xdotool")
            .args(["search", "--onlyvisible", "--name", "ReaLchords", "getwindowgeometry"])
            .env("DISPLAY", display)
            .output()
            .context("xdotool does not run")?;
        let said = String::from_utf8_lossy(&found.stdout).into_owned();
        if let Some(size) = said.lines().find_map(|line| line.trim().strip_prefix("Geometry:")) {
            return Ok(size.trim().to_owned());
        }
        thread::park_timeout(Duration::from_millis(200));
    }
    bail!("it shows no window")
}

/// Rolls the server's transport, plays, stops it; what was heard.
fn take(player: &Player, ear: &Ear) -> Result<Vec<Timed>> {
    // The model opens, and the ports are connected.
    pass(player, 2 * RATE as u32);
    ear.take();
    player.roll_from(0)?;
    let start = player.now() + BEAT;
    let notes = (0..TAKE).flat_map(|beat| {
        let (key, at) = (KEYS[beat as usize % KEYS.len()], start + beat * BEAT);
        [(at, [0x90, key, 90]), (at + BEAT * 9 / 10, [0x80, key, 0])]
    });
    player.play(notes.collect())?;
    pass(player, (TAKE + 2) * BEAT);
    player.halt();
    pass(player, RATE as u32);
    Ok(ear.take())
}

/// Waits until so many samples have passed.
fn pass(player: &Player, samples: u32) {
    let until = player.now() + samples;
    let begun = Instant::now();
    while player.now() < until && begun.elapsed() < PATIENCE {
        thread::park_timeout(Duration::from_millis(10));
    }
}
