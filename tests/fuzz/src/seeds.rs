//! What targets are fed with before anything is broken: the project's own fixtures and tunes, and files made here.

use music::manifest::{METADATA_KEY, Manifest};
use prost::Message;
use std::{fs, path::PathBuf};
use trainer::{
    export::{
        self, Weights,
        messages::{Model, Property},
    },
    model::{Policy, Shape},
};

/// The smallest network that has all parts.
const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 1, inner: 1 };

fn of_project(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read(&path).unwrap_or_default()
}

/// Whole small models, and last the head of a file that has only its manifest.
///
/// # Panics
/// The trainer makes no network of this size: then there is nothing whole to break.
pub fn model_files() -> Vec<Vec<u8>> {
    let manifest = Manifest {
        name: "seed".into(),
        stage: "none".into(),
        recipe: "none".into(),
        revision: "none".into(),
        ..Manifest::sized(SMALL.layers, SMALL.heads, SMALL.head_size())
    };
    let policy = Policy::new(SMALL, 1).unwrap_or_else(|error| panic!("no small network: {error}"));
    let mut files =
        [Weights::Floats, Weights::Bytes].map(|weights| export::onnx(&policy, &manifest, weights)).to_vec();
    let property = Property { key: METADATA_KEY.into(), value: manifest.to_json() };
    let head = Model { ir_version: 8, metadata_props: vec![property], ..Model::default() };
    files.push(head.encode_to_vec());
    files
}

/// The jam's tunes.
pub fn midi() -> Vec<Vec<u8>> {
    ["ode-to-joy", "amazing-grace", "greensleeves"]
        .iter()
        .map(|name| of_project(&format!("assets/tunes/{name}.mid")))
        .collect()
}

/// The fixture's three files in one.
pub fn pop909() -> Vec<Vec<u8>> {
    let part = |name: &str| of_project(&format!("trainer/fixtures/pop909/001/{name}"));
    vec![[part("001.mid"), part("beat_midi.txt"), part("chord_midi.txt")].join(&b"@@"[..])]
}

/// The fixture.
pub fn musicxml() -> Vec<Vec<u8>> {
    vec![of_project("trainer/fixtures/lead.musicxml")]
}

/// The fixture.
pub fn abc() -> Vec<Vec<u8>> {
    vec![of_project("trainer/fixtures/tunes.abc")]
}

/// The fixture.
pub fn json_lines() -> Vec<Vec<u8>> {
    vec![of_project("trainer/fixtures/songs.jsonl")]
}

/// The fixture.
pub fn hooktheory() -> Vec<Vec<u8>> {
    vec![of_project("trainer/fixtures/hooktheory.json")]
}

/// A few symbols.
pub fn symbols() -> Vec<Vec<u8>> {
    ["Cmaj7", "F#m7b5/E", "Bbsus4", "N.C.", "Ab13#11", "Dm(maj7)"]
        .iter()
        .map(|s| s.as_bytes().to_vec())
        .collect()
}

/// Bytes in which all words of a stream come up: see `stream`.
pub fn streams() -> Vec<Vec<u8>> {
    (1..5u64)
        .map(|seed| (0..1500).map(|n: u64| (n.wrapping_mul(seed * 2_654_435_761 + 97) >> 11) as u8).collect())
        .collect()
}
