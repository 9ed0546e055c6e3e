//! What does a frame of the shipped model cost, in each engine, with its matrices of bytes and as floats? Time that this
//! process had of processors, not of the clock on the wall, so that a busy machine does not count; of the process, because
//! an engine may have a thread of its own. Prints a JSON line a figure.

use cpu_time::ProcessTime;
use music::{
    meter::BarPhase,
    vocab::{ChordToken, MelodyToken},
};
use realchords::worker::{
    builtin::BuiltIn, history::History, metadata, model::ChordModel, onnx_runtime::OnnxRuntime,
};
use std::{fs, path::Path, process::ExitCode, time::Duration};
use trainer::{
    export::{self, Weights},
    run::recipe::Recipe,
};

/// Frames after the cache is full.
const FRAMES: usize = 4000;
/// Frames that a seek's refill takes in.
const REFILL: usize = 256;

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value},\"unit\":\"{unit}\"}}");
}

/// Hears one frame of a melody that goes up and down; the model's own first choice is what was played.
fn step(model: &mut dyn ChordModel, history: &mut History, nth: usize) -> Result<(), String> {
    let logits = &history.answer().chord_logits;
    let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap_or(0);
    let chord = ChordToken::from_id(best).unwrap_or(ChordToken::START);
    let melody = MelodyToken::from_id(nth * 7 % 50).unwrap_or(MelodyToken::START);
    let phase = BarPhase::At { position: (nth % 16) as u8, length: 16 };
    history.hear(model, chord, melody, phase).map_err(|e| e.to_string())
}

fn measure(name: &str, model: &mut dyn ChordModel) -> Result<(), String> {
    let mut history = History::new(model.dims());
    let phase = BarPhase::At { position: 0, length: 16 };
    history.begin(model, phase).map_err(|e| e.to_string())?;
    let begun = ProcessTime::now();
    for nth in 0..REFILL {
        step(model, &mut history, nth)?;
    }
    tell(&format!("{name}: {REFILL} frames after a seek, CPU"), ms(begun.elapsed()), "ms");
    let mut spent: Vec<Duration> = Vec::with_capacity(FRAMES);
    for nth in 0..FRAMES {
        let begun = ProcessTime::now();
        step(model, &mut history, nth)?;
        spent.push(begun.elapsed());
    }
    spent.sort_unstable();
    tell(&format!("{name}: a frame, mean, CPU"), ms(spent.iter().sum::<Duration>()) / FRAMES as f64, "ms");
    for (share, label) in [(0.5, "median"), (0.99, "99 %"), (0.999, "99.9 %")] {
        tell(&format!("{name}: a frame, {label}, CPU"), ms(spent[(share * FRAMES as f64) as usize]), "ms");
    }
    Ok(())
}

/// In both engines.
fn engines(weights: &str, file: &[u8]) -> Result<(), String> {
    let manifest = metadata::manifest(file).map_err(|e| e.to_string())?;
    let name = |engine: &str| format!("{engine}, {weights}");
    let mut runtime = OnnxRuntime::open(file, &manifest).map_err(|e| e.to_string())?;
    measure(&name("ONNX Runtime"), &mut runtime)?;
    drop(runtime);
    measure(&name("built-in engine"), &mut BuiltIn::open(file, &manifest).map_err(|e| e.to_string())?)
}

fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = fs::read(root.join("assets/model/chords.onnx")).map_err(|e| e.to_string())?;
    engines("bytes", &file)?;
    let recipe = fs::read_to_string(root.join("trainer/recipes/open.toml")).map_err(|e| e.to_string())?;
    let policy = export::read::policy(&file, Recipe::parse(&recipe)?.model)?;
    let manifest = metadata::manifest(&file).map_err(|e| e.to_string())?;
    engines("floats", &export::onnx(&policy, &manifest, Weights::Floats))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
