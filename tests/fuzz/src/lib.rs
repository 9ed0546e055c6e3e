//! Whatever is read from outside, and whatever a host does, fed with broken and wild input. A target takes any bytes and
//! must neither panic nor break a promise; one list names them all. A short pass over mutated seeds is part of the tests;
//! `cargo xtask fuzz` runs long ones, guided by coverage.

mod mutate;
mod project;
mod readers;
mod seeds;
mod stream;
#[path = "../../../xtask/src/jam/tune.rs"]
pub mod tune;

pub use mutate::mutated;
pub use readers::answers;

/// Something that must bear any bytes.
pub struct Target {
    /// Its name, on the command line and in reports.
    pub name: &'static str,
    /// What it is fed with before anything is broken.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Takes the bytes; a panic is a fault.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "manifest", seeds: seeds::model_files, run: readers::manifest },
    Target { name: "model", seeds: seeds::model_files, run: readers::model },
    Target { name: "midi", seeds: seeds::midi, run: readers::midi },
    Target { name: "pop909", seeds: seeds::pop909, run: readers::pop909 },
    Target { name: "musicxml", seeds: seeds::musicxml, run: readers::musicxml },
    Target { name: "abc", seeds: seeds::abc, run: readers::abc },
    Target { name: "json-lines", seeds: seeds::json_lines, run: readers::json_lines },
    Target { name: "hooktheory", seeds: seeds::hooktheory, run: readers::hooktheory },
    Target { name: "symbol", seeds: seeds::symbols, run: readers::symbol },
    Target { name: "state", seeds: project::seeds, run: project::state },
    Target { name: "stream", seeds: seeds::streams, run: stream::stream },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
