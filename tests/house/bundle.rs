//! The plugin as it lies on a user's disk, in bundles with the runtime beside it: whatever is wrong with that file, the
//! built-in engine plays the same and says why. Each scene has a process of its own, as a broken library may kill it.

use crate::support::{
    alone::{House, Model, Runtime, alone, pinned_runtime},
    models::{self, TINY},
    stage::{self, BOTH, Face, open_file, says, setup},
    this_test, tunes,
};
use hosts::{
    PluginHost, Rendering,
    timeline::{BlockSizes, Script},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What `cargo xtask install` puts beside the plugin.
const SHIPPED_AS: &str = "libonnxruntime.so.1.28.0";

/// Bundles of both formats in a folder, each with what `put` leaves in the place of its runtime; and where that is.
fn bundles(folder: &Path, name: &str, put: &dyn Fn(&Path)) -> Vec<(Face, PathBuf, PathBuf)> {
    let clap = folder.join("clap");
    let vst3 = folder.join("vst3/ReaLchords.vst3");
    let binaries = vst3.join(format!("Contents/{}-linux", std::env::consts::ARCH));
    let places =
        [(clap.clone(), clap.join("ReaLchords.clap")), (binaries.clone(), binaries.join("ReaLchords.so"))];
    let runtimes = places.map(|(folder, binary)| {
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(stage::library(), binary).expect("a copy of the plugin");
        let runtime = folder.join(name);
        put(&runtime);
        runtime
    });
    let files = [clap.join("ReaLchords.clap"), vst3];
    BOTH.into_iter().zip(files).zip(runtimes).map(|((face, file), runtime)| (face, file, runtime)).collect()
}

/// What a tune is answered with, a note a line.
fn chords(host: &mut dyn PluginHost) -> String {
    let song = tunes::plain(4, 120.0);
    let notes = stage::play(host, &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
    assert!(!notes.is_empty(), "no chord came");
    notes.iter().map(|n| format!("{} {} {} {}\n", n.channel, n.key, n.on_sample, n.off_sample)).collect()
}

/// Plays with both bundles; the notes that came. The engine must say all of this.
fn play(name: &str, put: &dyn Fn(&Path), engine_says: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut notes = Vec::new();
    for (face, file, runtime) in bundles(folder.path(), name, put) {
        let mut host = open_file(face, &file);
        host.set("listen", "0").expect("it is set");
        host.activate(setup(512, Rendering::Offline)).expect("it activates");
        stage::ready(host.as_mut());
        assert_eq!(says(host.as_mut(), "status"), "ready", "{face:?}");
        let engine = says(host.as_mut(), "engine");
        println!("{face:?}: {engine}");
        for part in engine_says {
            assert!(engine.contains(part), "{face:?}: no {part:?} in {engine:?}");
        }
        // VST3 has room for so much only.
        if face == Face::Clap && !engine.starts_with("ONNX") {
            let place = runtime.parent().expect("a folder").canonicalize().expect("it is there");
            assert!(engine.contains(&place.display().to_string()), "no {} in {engine:?}", place.display());
        }
        notes.push(chords(host.as_mut()));
    }
    assert_eq!(notes[0], notes[1], "the formats play differently");
    // A scene's process ends without leaving its rooms.
    fs::remove_dir_all(folder.path()).expect("the bundles are removed");
    notes.swap_remove(0)
}

/// Bytes that are nothing, the same ones always.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252u64;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(byte).collect()
}

/// A small library of the system's, which this process has loaded.
fn system_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").expect("the system tells");
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut libraries = paths.filter(|path| path.contains("libgcc_s") || path.contains("libm.so"));
    libraries.next().expect("this binary has loaded one of them").into()
}

fn copied(from: &Path, to: &Path) {
    fs::copy(from, to).expect("a copy");
}

/// The runtime with something done to its bytes.
fn spoiled(path: &Path, spoil: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(pinned_runtime()).expect("the runtime is read");
    spoil(&mut bytes);
    fs::write(path, bytes).expect("it is written");
}

/// What may lie in the runtime's place: what it is called, who puts it there and what the engine says of it.
type Case = (&'static str, fn(&Path), &'static [&'static str]);

const BROKEN: &[Case] = &[
    ("missing", |_| (), &["no libonnxruntime.so"]),
    (
        "empty",
        |path| fs::write(path, "").expect("it is written"),
        &["no whole library", "install it again", "0 bytes"],
    ),
    (
        "half",
        |path| spoiled(path, |bytes| bytes.truncate(bytes.len() / 2)),
        &["no whole library", "install it again", "ends at"],
    ),
    (
        "noise",
        |path| spoiled(path, |bytes| *bytes = noise(bytes.len())),
        &["no whole library", "install it again", "not one of this system"],
    ),
    // Its tables are whole and what they speak of is not: loading any of these kills the process.
    (
        "noise after the head",
        |path| {
            spoiled(path, |bytes| {
                let rest = noise(bytes.len() - 4096);
                bytes[4096..].copy_from_slice(&rest);
            });
        },
        &["no whole library", "install it again", "SHA-256"],
    ),
    (
        "never arrived",
        |path| {
            spoiled(path, |bytes| {
                let half = bytes.len() / 2;
                bytes[half..].fill(0);
            });
        },
        &["no whole library", "install it again", "SHA-256"],
    ),
    (
        "hole",
        |path| {
            spoiled(path, |bytes| {
                let half = bytes.len() / 2;
                bytes[half..half + (1 << 16)].fill(0);
            });
        },
        &["no whole library", "install it again", "SHA-256"],
    ),
    (
        "small library",
        |path| copied(&system_library(), path),
        &["no whole library", "install it again", "of at least"],
    ),
    ("large library", |path| copied(&stage::library(), path), &["cannot be loaded", "OrtGetApiBase"]),
    ("folder", |path| fs::create_dir(path).expect("a folder"), &["no libonnxruntime.so"]),
    (
        "link to nothing",
        |path| std::os::unix::fs::symlink("/no/such/library.so", path).expect("a link"),
        &["no libonnxruntime.so"],
    ),
];

fn house(runtime: Runtime) -> House {
    House { model: Model::Bytes(models::untrained(TINY, 3)), runtime }
}

#[test]
fn whatever_lies_in_the_runtimes_place_the_builtin_engine_plays_the_same() {
    let test = this_test!();
    let declined = || house(Runtime::File("none".into()));
    let expected = alone(&test, "declined", declined, || {
        let mut host = stage::playing(Face::Clap, setup(512, Rendering::Offline), &[("listen", "0")]);
        chords(host.as_mut())
    });
    for (label, put, says) in BROKEN {
        let says: Vec<&str> = ["built-in"].into_iter().chain(says.iter().copied()).collect();
        let notes = alone(&test, label, || house(Runtime::Nowhere), || play(SHIPPED_AS, put, &says));
        assert_eq!(notes, expected, "{label}: it plays otherwise");
    }
}

#[test]
fn a_whole_runtime_in_its_place_serves() {
    let test = this_test!();
    for name in [SHIPPED_AS, "libonnxruntime.so"] {
        let put = |path: &Path| copied(&pinned_runtime(), path);
        let engine = format!("ONNX Runtime ({name})");
        alone(&test, name, || house(Runtime::Nowhere), || play(name, &put, &[&engine]));
    }
}
