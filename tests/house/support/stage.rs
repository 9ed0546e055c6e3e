//! The built plugin in its hosts, and how a scene waits for the model without a clock.

use hosts::{
    ClapHost, ClassChoice, PluginHost, Rendering, Setup, Vst3Host, ledger,
    song::Song,
    timeline::{Recording, Script, play_watched},
};
use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// A format, and which of the plugin's faces in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The CLAP note effect.
    Clap,
    /// The VST3 instrument.
    Vst3,
    /// The VST3 effect without buses.
    Vst3Effect,
}

/// One face a format: every scene plays on both.
pub const BOTH: [Face; 2] = [Face::Clap, Face::Vst3];
/// All of them.
pub const ALL: [Face; 3] = [Face::Clap, Face::Vst3, Face::Vst3Effect];

/// The built plugin: what the variable names, or what cargo has built for this very test.
pub fn library() -> PathBuf {
    if let Some(named) = env::var_os("REALCHORDS_PLUGIN") {
        return named.into();
    }
    let name = format!("{}realchords{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let beside = env::current_exe().expect("this binary has a path").with_file_name(&name);
    let built = super::alone::target().join("debug").join(&name);
    let found = [beside, built].into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("no {name} was built: run `cargo xtask test`, or name the plugin in REALCHORDS_PLUGIN")
    })
}

/// Opens the plugin in a host.
pub fn open(face: Face) -> Box<dyn PluginHost> {
    open_file(face, &library())
}

/// Opens the plugin of this library file in a host.
pub fn open_file(face: Face, path: &Path) -> Box<dyn PluginHost> {
    let vst3 = |name| {
        Vst3Host::load(path, ClassChoice::Name(name)).map(|host| Box::new(host) as Box<dyn PluginHost>)
    };
    let host = match face {
        Face::Clap => ClapHost::load(path).map(|host| Box::new(host) as Box<dyn PluginHost>),
        Face::Vst3 => vst3("ReaLchords"),
        Face::Vst3Effect => vst3("ReaLchords (MIDI FX)"),
    };
    host.unwrap_or_else(|error| panic!("{face:?}: {error}"))
}

/// Opens the plugin, sets parameters by what they read, and activates it.
pub fn playing(face: Face, setup: Setup, settings: &[(&str, &str)]) -> Box<dyn PluginHost> {
    let mut host = open(face);
    for (key, text) in settings {
        host.set(key, text).unwrap_or_else(|error| panic!("{key} = {text}: {error}"));
    }
    host.activate(setup).expect("it activates");
    ready(host.as_mut());
    host
}

/// A setup of 48 kHz.
pub fn setup(max_block: u32, rendering: Rendering) -> Setup {
    Setup { sample_rate: 48_000.0, max_block, rendering }
}

/// What a read-only parameter says.
pub fn says(host: &mut dyn PluginHost, key: &str) -> String {
    host.read(key).unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// The count of late frames.
pub fn late(host: &mut dyn PluginHost) -> u32 {
    says(host, "late").parse().expect("`late` reads as a number")
}

/// Waits until the worker has opened a model or given up.
pub fn ready(host: &mut dyn PluginHost) {
    wait_while(host, &["not started", "opening the model"]);
}

/// Waits until the worker has sent every chord that is due.
pub fn answered(host: &mut dyn PluginHost) {
    wait_while(host, &["not started", "opening the model", "thinking"]);
}

/// Waits until the worker has sent its drafts too, which matter to who presses Next.
pub fn drafted(host: &mut dyn PluginHost) {
    wait_while(host, &["not started", "opening the model", "thinking", "drafting"]);
}

/// How long the worker may take for one answer before a test calls it dead. It measures nothing.
const PATIENCE: Duration = Duration::from_secs(300);

fn wait_while(host: &mut dyn PluginHost, busy: &[&str]) {
    let begun = Instant::now();
    loop {
        let status = says(host, "status");
        if !busy.contains(&status.as_str()) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "the worker does not answer; its status is {status:?}");
        std::thread::park_timeout(Duration::from_micros(100));
    }
}

/// Plays a script at the worker's own pace: after each block the host waits for its answers, so that what comes out
/// depends neither on this machine nor on the clock.
pub fn play(host: &mut dyn PluginHost, song: &Song, script: &Script) -> Recording {
    faultless(play_watched(host, song, script, &mut |host, _| answered(host)))
}

/// Plays a script as fast as the plugin takes it, as a host that bounces does: who waits is the plugin.
pub fn rush(host: &mut dyn PluginHost, song: &Song, script: &Script) -> Recording {
    faultless(play_watched(host, song, script, &mut |_, _| {}))
}

fn faultless(recording: Result<Recording, hosts::HostError>) -> Recording {
    let recording = recording.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ledger::faults(&recording), [], "notes that do not end, or end twice");
    recording
}
