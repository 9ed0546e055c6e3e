//! The worker: one named thread an instance. It opens the model, hears frames and plans chords. An engine that fails or
//! panics is tried again, and so is a turn of our own that panics; what else panics is caught at the root and said in the
//! editor; the host's session is never lost to us.
//!
//! Live, the thread looks for messages every millisecond while the host plays and every 20 ms else, because the
//! audio thread may not wake it. Offline it is woken.

pub mod builtin;
pub mod catalogue;
pub mod history;
pub mod key_finder;
pub mod library;
pub mod loop_memory;
pub mod metadata;
pub mod model;
pub mod onnx_runtime;
pub mod opening;
pub mod planner;
pub mod replay;
pub mod rules;
mod serving;
pub mod shelf;
mod stopwatch;
pub mod wire;

use crate::links::{Bell, Health, ModelWish, SharedCapture, WorkerEnd, WorkerState};
use opening::Open;
pub use opening::Opened;
use serving::Server;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

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

/// What the worker shares with main and GUI threads, and never with the audio thread.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Which model is to play.
    pub wish: Arc<ModelWish>,
    /// What was played.
    pub capture: Arc<SharedCapture>,
}

/// The worker of one instance; dropping it ends the thread.
pub struct Worker {
    stop: Arc<AtomicBool>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread, which opens the model by itself.
    pub fn start(links: WorkerEnd, shared: Shared) -> Self {
        Self::start_with(links, shared, opening::open)
    }

    /// Starts the thread with another way to come by a model, for tests.
    pub fn start_with(links: WorkerEnd, shared: Shared, open: impl Open) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let bell = links.bell();
        let health = links.health.clone();
        health.set_worker(WorkerState::Loading);
        let thread = std::thread::Builder::new().name("realchords worker".into()).spawn({
            let stop = stop.clone();
            move || run(links, shared, &stop, open)
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

fn die(health: &Health, why: &str) {
    health.write_texts(|texts| texts.model = why.to_string());
    health.set_worker(WorkerState::Dead);
}

fn run(links: WorkerEnd, shared: Shared, stop: &AtomicBool, open: impl Open) {
    let health = links.health.clone();
    let mut server = Server::new(links, shared, open);
    let ended = replay::guarded(|| {
        server.run(stop);
        Ok(())
    });
    if let Err(why) = ended {
        die(&health, &why);
    }
    server.ring_audio();
}

#[cfg(test)]
mod tests;
