//! A scene in a process of its own. The plugin reads variables, and an abort of its allocation guard, a signal or a
//! hang must not take other tests along: so a test starts its own binary again, for itself alone, with variables set.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, exit},
    time::Duration,
};

/// Names the scene that this process was started for.
const SCENE: &str = "REALCHORDS_HALL_SCENE";
/// Names the file in which the scene leaves its report.
const REPORT: &str = "REALCHORDS_HALL_REPORT";
/// Variables of the plugin.
const MODEL: &str = "REALCHORDS_MODEL";
const RUNTIME: &str = "REALCHORDS_ONNXRUNTIME";
/// Names the pinned runtime to scenes, where someone has named one to the test.
const PINNED: &str = "REALCHORDS_HALL_RUNTIME";
/// How long a scene may hang before it is given up. Far above what any takes: it ends hangs, it measures nothing.
/// `REALCHORDS_PATIENCE` says otherwise, in seconds, for those who ask for much.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Which ONNX Runtime the plugin finds.
pub enum Runtime {
    /// The pinned one.
    Pinned,
    /// None, in all the places it looks.
    Nowhere,
    /// The file that is named.
    File(PathBuf),
}

/// Which model the plugin plays.
pub enum Model {
    /// The one built in, or a candidate for it that `REALCHORDS_MODEL` names.
    Shipped,
    /// A file of these bytes.
    Bytes(Vec<u8>),
    /// Whatever is at this path.
    At(PathBuf),
}

/// What a process is started with.
pub struct House {
    /// The model.
    pub model: Model,
    /// The runtime.
    pub runtime: Runtime,
}

impl House {
    /// The house as it is delivered.
    pub const SHIPPED: Self = Self { model: Model::Shipped, runtime: Runtime::Pinned };

    /// The delivered house with another model.
    pub fn with_model(bytes: Vec<u8>) -> Self {
        Self { model: Model::Bytes(bytes), ..Self::SHIPPED }
    }
}

/// The path of a test from the type name of an item in it.
pub fn test_of(item: &str) -> String {
    let path = item.strip_suffix("::here").unwrap_or(item);
    path.split_once("::").map_or(path, |(_, path)| path).to_owned()
}

/// Plays `scene` in a process of its own and returns what it reports. `test` is [`this_test`]; `label` tells the
/// scenes of one test apart. In that process this never returns.
///
/// [`this_test`]: super::this_test
pub fn alone(
    test: &str,
    label: &str,
    house: impl FnOnce() -> House,
    scene: impl FnOnce() -> String,
) -> String {
    let name = format!("{test}/{label}");
    match env::var(SCENE) {
        Ok(wanted) if wanted == name => play(scene),
        Ok(_) => String::new(),
        Err(_) => send_out(test, &name, &house()),
    }
}

/// In the scene's own process.
fn play(scene: impl FnOnce() -> String) -> ! {
    let asked = env::var("REALCHORDS_PATIENCE").ok().and_then(|seconds| seconds.parse().ok());
    let patience = asked.map_or(PATIENCE, Duration::from_secs);
    std::thread::spawn(move || {
        std::thread::park_timeout(patience);
        eprintln!("the scene hangs: given up after {} s", patience.as_secs());
        std::process::abort();
    });
    let report = scene();
    let path = env::var_os(REPORT).expect("the process that sent us out names a file");
    std::fs::write(path, report).expect("the report is written");
    exit(0)
}

/// In the test's process.
fn send_out(test: &str, name: &str, house: &House) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.txt");
    let mut command = Command::new(env::current_exe().expect("this binary has a path"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(SCENE, name).env(REPORT, &report).env_remove(MODEL).env_remove(RUNTIME);
    command.envs(env::var_os(RUNTIME).map(|named| (PINNED, named)));
    // Nothing of this machine's user is found there.
    command.env("HOME", folder.path()).env("XDG_DATA_HOME", folder.path());
    match &house.runtime {
        Runtime::Pinned => command.env(RUNTIME, pinned_runtime()),
        Runtime::Nowhere => &mut command,
        Runtime::File(path) => command.env(RUNTIME, path),
    };
    match &house.model {
        Model::Shipped => {
            command.envs(env::var_os(MODEL).map(|candidate| (MODEL, candidate)));
        }
        Model::Bytes(bytes) => {
            let path = folder.path().join("model.onnx");
            std::fs::write(&path, bytes).expect("the model is written");
            command.env(MODEL, path);
        }
        Model::At(path) => {
            command.env(MODEL, path);
        }
    }
    let output = command.output().expect("this binary starts again");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    println!("-- {name}\n{said}");
    assert!(output.status.success(), "{name}: its process ended with {}; see above", output.status);
    std::fs::read_to_string(&report)
        .unwrap_or_else(|_| panic!("{name}: no such test, or it never got to its scene"))
}

/// Where cargo puts what it builds.
pub fn target() -> &'static Path {
    // Cargo's folder for this test lies in it.
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder lies in target")
}

/// The pinned ONNX Runtime library.
pub fn pinned_runtime() -> PathBuf {
    if let Some(named) = env::var_os(PINNED).or_else(|| env::var_os(RUNTIME)) {
        return named.into();
    }
    let folder = target().join("onnxruntime");
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.contains("onnxruntime") && [".so", ".dylib", ".dll"].iter().any(|suffix| name.contains(suffix))
    };
    let found =
        std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).find(is_library);
    found.unwrap_or_else(|| {
        panic!(
            "no ONNX Runtime in {}: run `cargo xtask test`, or `cargo xtask runtime` before this",
            folder.display()
        )
    })
}
