//! Read-only parameters: their value means nothing, their text is asked for anew each time, so that generic editors and
//! screen readers are told how the instance fares.

use super::choices::ModeChoice;
use crate::links::{Engine, Health, Texts, WorkerState};
use music::{
    chord::Chord,
    symbol::{self, Spelling},
};
use nice_plug::prelude::*;
use std::sync::Arc;

/// How the instance fares.
#[derive(Params)]
pub struct StatusParams {
    /// What the instance is about.
    #[id = "status"]
    pub status: IntParam,
    /// The chord that sounds.
    #[id = "now"]
    pub now: IntParam,
    /// The next chord that stands.
    #[id = "coming"]
    pub coming: IntParam,
    /// The key as it is heard, with how sure that is.
    #[id = "key"]
    pub key: IntParam,
    /// Frames whose chord was not there when due.
    #[id = "late"]
    pub late: IntParam,
    /// What runs the model.
    #[id = "engine"]
    pub engine: IntParam,
    /// The median time from a frame heard to its commit.
    #[id = "infer_p50"]
    pub infer_p50: IntParam,
    /// The 99th percentile of it.
    #[id = "infer_p99"]
    pub infer_p99: IntParam,
    /// The model's name.
    #[id = "model"]
    pub model: IntParam,
}

impl StatusParams {
    pub(super) fn new(health: &Arc<Health>) -> Self {
        Self {
            status: said("Status", health, status),
            now: said("Chord now", health, |health| chord_name(health, health.now())),
            coming: said("Next chord", health, |health| chord_name(health, health.coming())),
            key: said("Key heard", health, key_name),
            late: said("Late frames", health, |health| health.late().to_string()),
            engine: said("Engine", health, engine),
            infer_p50: said("Inference, median", health, |health| format!("{:.2} ms", health.infer_ms().0)),
            infer_p99: said("Inference, 99 %", health, |health| format!("{:.2} ms", health.infer_ms().1)),
            model: said("Model", health, |health| {
                let text = health.texts().model;
                if text.is_empty() { "not opened yet".into() } else { text }
            }),
        }
    }
}

/// A chord's symbol, spelled for the key that is heard.
fn chord_name(health: &Health, chord: Option<Chord>) -> String {
    let spelling =
        health.key().map_or(Spelling::Common, |(key, _)| Spelling::in_key(key.tonic, key.mode.is_minor()));
    chord.map_or("none".into(), |chord| symbol::print(chord, spelling))
}

/// The key that is heard, in words.
fn key_name(health: &Health) -> String {
    match health.key() {
        Some((key, sure)) => {
            let spelling = Spelling::in_key(key.tonic, key.mode.is_minor());
            let mode = ModeChoice(key.mode).name().to_lowercase();
            format!("{} {mode} ({:.0} %)", symbol::note_name(key.tonic, spelling), sure * 100.0)
        }
        None => "not known yet".into(),
    }
}

/// What the worker is about, in words.
pub fn status(health: &Health) -> String {
    let Texts { model, trouble, beside, .. } = health.texts();
    let plays = |word: &str| if beside.is_empty() { word.into() } else { format!("{word}; {beside}") };
    match health.worker() {
        WorkerState::Ready if !trouble.is_empty() => format!("recovering: {trouble}"),
        WorkerState::Asleep => "not started".into(),
        WorkerState::Loading => "opening the model".into(),
        WorkerState::Ready if health.is_thinking() => plays("thinking"),
        WorkerState::Ready if health.is_drafting() => plays("drafting"),
        WorkerState::Ready => plays("ready"),
        WorkerState::NoModel => format!("no model: {model}"),
        WorkerState::Dead => format!("failed: {model}"),
    }
}

/// What runs the model, in words.
fn engine(health: &Health) -> String {
    let text = health.texts().engine;
    match health.engine() {
        Engine::None => "none".into(),
        Engine::OnnxRuntime | Engine::BuiltIn => text,
    }
}

/// A read-only parameter: its value means nothing, its text is asked for anew each time.
fn said(
    name: &str,
    health: &Arc<Health>,
    say: impl Fn(&Health) -> String + Send + Sync + 'static,
) -> IntParam {
    let health = health.clone();
    IntParam::new(name, 0, IntRange::Linear { min: 0, max: 1 })
        .with_value_to_string(Arc::new(move |_| say(&health)))
        .with_string_to_value(Arc::new(|_| Some(0)))
        .non_automatable()
        .hide_in_generic_ui()
}
