//! The worker: one named thread an instance. It opens the model, hears frames and plans chords. A panic here is
//! caught at the root and said in the editor; the host's session is never lost to us.
//!
//! Live, the thread looks for messages every millisecond while the host plays and every 20 ms else, because the
//! audio thread may not wake it. Offline it is woken.

pub mod builtin;
pub mod history;
pub mod library;
pub mod metadata;
pub mod model;
pub mod onnx_runtime;
pub mod planner;
pub mod rules;
mod stopwatch;

use crate::links::{Bell, Engine, Health, Planned, WorkerEnd, WorkerState};
use history::History;
use model::ChordModel;
use music::{manifest::Manifest, sampling::Sampling};
use planner::{Planner, Sink};
use std::{
    borrow::Cow,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use stopwatch::Stopwatch;

/// The variable that names a model file to use instead of the one built in.
pub const MODEL_VARIABLE: &str = "REALCHORDS_MODEL";

/// The model that is built in.
static EMBEDDED: &[u8] = include_bytes!("../../../assets/model/chords.onnx");

/// How long the thread waits for a message while the host plays.
const PLAYING_WAIT: Duration = Duration::from_millis(1);
/// How long while it does not.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// How long after the last message the host counts as not playing.
const IDLE_AFTER: Duration = Duration::from_secs(3);

/// The worker of one instance; dropping it ends the thread.
pub struct Worker {
    stop: Arc<AtomicBool>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, which opens the model by itself.
    pub fn start(links: WorkerEnd) -> Self {
        Self::start_with(links, open)
    }

    /// Starts the thread with another way to come by a model, for tests.
    pub fn start_with(
        links: WorkerEnd,
        open: impl FnOnce(&Health) -> Option<Opened> + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let bell = links.bell();
        let health = links.health.clone();
        health.set_worker(WorkerState::Loading);
        let thread = std::thread::Builder::new().name("realchords worker".into()).spawn({
            let stop = stop.clone();
            move || run(links, &stop, open)
        });
        let thread =
            thread.map_err(|e| die(&health, &format!("the worker thread cannot be started: {e}"))).ok();
        Self { stop, bell, thread }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.bell.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A model that is ready, and how it wants to be sampled.
pub struct Opened {
    /// The model.
    pub model: Box<dyn ChordModel>,
    /// Its own sampling.
    pub sampling: Sampling,
    /// What runs it.
    pub engine: Engine,
}

fn die(health: &Health, why: &str) {
    health.write_texts(|texts| texts.model = why.to_string());
    health.set_worker(WorkerState::Dead);
}

fn run(mut links: WorkerEnd, stop: &AtomicBool, open: impl FnOnce(&Health) -> Option<Opened>) {
    let health = links.health.clone();
    let ended = catch_unwind(AssertUnwindSafe(|| match open(&health) {
        Some(opened) => {
            health.set_engine(opened.engine);
            health.set_worker(WorkerState::Ready);
            links.ring_audio();
            serve(&mut links, stop, opened)
        }
        None => {
            health.set_worker(WorkerState::NoModel);
            links.ring_audio();
            Ok(())
        }
    }));
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => die(&health, &error.to_string()),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            die(&health, &format!("the worker has failed: {}", said.unwrap_or("for no stated reason")));
        }
    }
    links.ring_audio();
}

/// Sends plans, and takes the time from a message to its commit.
struct Post<'a> {
    links: &'a mut WorkerEnd,
    watch: &'a mut Stopwatch,
    since: Instant,
}

impl Sink for Post<'_> {
    fn plan(&mut self, planned: Planned) {
        self.links.plan(planned);
    }

    fn num_waiting(&self) -> usize {
        self.links.num_waiting()
    }

    fn committed(&mut self) {
        let us = u32::try_from(self.since.elapsed().as_micros()).unwrap_or(u32::MAX);
        let (p50, p99) = self.watch.lap(us);
        self.links.health.set_infer_us(p50, p99);
        self.links.ring_audio();
    }
}

fn serve(links: &mut WorkerEnd, stop: &AtomicBool, opened: Opened) -> Result<(), model::ModelError> {
    let Opened { mut model, sampling, .. } = opened;
    let mut planner = Planner::new(History::new(model.dims()), sampling);
    let mut watch = Stopwatch::default();
    let mut last = Instant::now();
    while !stop.load(Ordering::Acquire) {
        let Some(message) = links.next_message() else {
            links.wait(if last.elapsed() < IDLE_AFTER { PLAYING_WAIT } else { IDLE_WAIT });
            continue;
        };
        last = Instant::now();
        let mut post = Post { since: last, watch: &mut watch, links };
        planner.take(model.as_mut(), &message, &mut post)?;
        links.answered();
    }
    Ok(())
}

/// Opens the model named in [`MODEL_VARIABLE`], or the one built in, in the best engine there is.
fn open(health: &Health) -> Option<Opened> {
    match read().and_then(|file| {
        metadata::manifest(&file).map(|manifest| (file, manifest)).map_err(|e| e.to_string())
    }) {
        Ok((file, manifest)) => open_in_engine(&file, &manifest, health),
        Err(why) => {
            health.write_texts(|texts| texts.model = why);
            None
        }
    }
}

fn read() -> Result<Cow<'static, [u8]>, String> {
    match env::var_os(MODEL_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        Some(path) => std::fs::read(&path)
            .map(Cow::Owned)
            .map_err(|e| format!("{} cannot be read: {e}; {MODEL_VARIABLE} names it", path.display())),
        None => Ok(Cow::Borrowed(EMBEDDED)),
    }
}

fn open_in_engine(file: &[u8], manifest: &Manifest, health: &Health) -> Option<Opened> {
    let sampling = Sampling { temperature: manifest.temperature, top_p: manifest.top_p };
    let name = format!(
        "{} ({}, {}, vocabulary {})",
        manifest.name, manifest.stage, manifest.revision, manifest.vocabulary
    );
    let why = match onnx_runtime::OnnxRuntime::open(file, manifest) {
        Ok(model) => {
            health.write_texts(|texts| {
                texts.model = name;
                texts.engine = format!("ONNX Runtime ({})", model.library());
            });
            return Some(Opened { model: Box::new(model), sampling, engine: Engine::OnnxRuntime });
        }
        Err(error) => error.to_string(),
    };
    match builtin::BuiltIn::open(file, manifest) {
        Ok(model) => {
            health.write_texts(|texts| {
                texts.model = name;
                texts.engine = format!("built-in ({why})");
            });
            Some(Opened { model: Box::new(model), sampling, engine: Engine::BuiltIn })
        }
        Err(error) => {
            health.write_texts(|texts| {
                texts.model = format!("no engine opens {name}: {why}; {error}");
                texts.engine = "none".into();
            });
            None
        }
    }
}

#[cfg(test)]
mod tests;
