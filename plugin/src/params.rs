//! The host's parameters and the saved state. Ids are frozen: once released, none changes. Host main, GUI and audio
//! threads read these; texts are made for the first two only.
//!
//! The read-only ones at the end speak through their text: hosts that ask for it are told how the instance fares.

use crate::links::{Engine, Health, MAX_COMMIT_FRAMES, MAX_LOOK_AHEAD_FRAMES, WorkerState};
use music::grid::FRAMES_PER_BEAT;
use nice_plug::prelude::*;
use nice_plug_egui::EguiEditorState;
use std::sync::Arc;

/// The editor's size in logical points.
pub const EDITOR_SIZE: (f32, f32) = (900.0, 400.0);

/// Where chords may change.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum GridChoice {
    /// On every frame.
    #[id = "free"]
    #[name = "Free (16th)"]
    Free,
    /// On eighths.
    #[id = "eighth"]
    #[name = "8th"]
    Eighth,
    /// On beats.
    #[id = "beat"]
    #[name = "Beat"]
    Beat,
    /// On half bars.
    #[id = "half-bar"]
    #[name = "Half bar"]
    HalfBar,
    /// On bars.
    #[id = "bar"]
    #[name = "Bar"]
    Bar,
    /// On every second bar.
    #[id = "two-bars"]
    #[name = "2 bars"]
    TwoBars,
}

/// What goes out.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum PassChoice {
    /// Only chords.
    #[id = "chords"]
    #[name = "Chords only"]
    Chords,
    /// The melody as it came, and chords.
    #[id = "melody-and-chords"]
    #[name = "Melody and chords"]
    MelodyAndChords,
    /// Only the melody.
    #[id = "melody"]
    #[name = "Melody only (listen)"]
    Melody,
}

/// All parameters.
#[derive(Params)]
pub struct ChordsParams {
    /// Frames from what is heard to what is committed by it.
    #[id = "commit"]
    pub commit: IntParam,
    /// Beats of listening before the first chord.
    #[id = "listen"]
    pub listen: IntParam,
    /// What the model's own temperature is multiplied by.
    #[id = "temperature"]
    pub temperature: FloatParam,
    /// Where chords may change.
    #[id = "grid"]
    pub grid: EnumParam<GridChoice>,
    /// The key around which chords are voiced.
    #[id = "register"]
    pub register: IntParam,
    /// Whether bass notes are played.
    #[id = "bass"]
    pub bass: BoolParam,
    /// How hard chords are struck.
    #[id = "velocity"]
    pub velocity: IntParam,
    /// The chords' channel, from 1.
    #[id = "chord_channel"]
    pub chord_channel: IntParam,
    /// The bass notes' channel, from 1.
    #[id = "bass_channel"]
    pub bass_channel: IntParam,
    /// What goes out.
    #[id = "pass_through"]
    pub pass_through: EnumParam<PassChoice>,
    /// Frames planned ahead.
    #[id = "look_ahead"]
    pub look_ahead: IntParam,
    /// The seed of every draw.
    #[id = "seed"]
    pub seed: IntParam,
    /// Its rising edge ends all notes.
    #[id = "panic"]
    pub panic: BoolParam,
    /// The host's bypass.
    #[id = "bypass"]
    pub bypass: BoolParam,

    /// Read-only: what the instance is about.
    #[id = "status"]
    pub status: IntParam,
    /// Read-only: frames whose chord was not there when due.
    #[id = "late"]
    pub late: IntParam,
    /// Read-only: what runs the model.
    #[id = "engine"]
    pub engine: IntParam,
    /// Read-only: the median time from a frame heard to its commit.
    #[id = "infer_p50"]
    pub infer_p50: IntParam,
    /// Read-only: the 99th percentile of it.
    #[id = "infer_p99"]
    pub infer_p99: IntParam,
    /// Read-only: the model's name.
    #[id = "model"]
    pub model: IntParam,

    /// The editor's window.
    pub editor: Arc<EguiEditorState>,
}

impl ChordsParams {
    /// The parameters of an instance that fares as `health` says.
    pub fn new(health: &Arc<Health>) -> Self {
        let listen_text =
            Arc::new(|beats| if beats == 1 { "1 beat".into() } else { format!("{beats} beats") });
        let number = Arc::new(|text: &str| text.split_whitespace().next()?.parse().ok());
        Self {
            commit: IntParam::new("Commit", 1, IntRange::Linear { min: 1, max: MAX_COMMIT_FRAMES as i32 })
                .with_value_to_string(Arc::new({
                    let health = health.clone();
                    move |frames| beats_and_ms(frames, health.tempo_bpm())
                }))
                .with_string_to_value(Arc::new(parse_beats)),
            listen: IntParam::new("Listen first", 4, IntRange::Linear { min: 0, max: 16 })
                .with_value_to_string(listen_text)
                .with_string_to_value(number),
            temperature: FloatParam::new("Temperature", 1.0, FloatRange::Linear { min: 0.0, max: 2.0 })
                .with_step_size(0.01),
            grid: EnumParam::new("Change every", GridChoice::Free),
            register: IntParam::new("Register", 60, IntRange::Linear { min: 48, max: 76 })
                .with_value_to_string(formatters::v2s_i32_key_formatter())
                .with_string_to_value(formatters::s2v_i32_key_formatter()),
            bass: BoolParam::new("Bass", true),
            velocity: IntParam::new("Chord velocity", 80, IntRange::Linear { min: 1, max: 127 }),
            chord_channel: IntParam::new("Chord channel", 1, IntRange::Linear { min: 1, max: 16 }),
            bass_channel: IntParam::new("Bass channel", 2, IntRange::Linear { min: 1, max: 16 }),
            pass_through: EnumParam::new("Output", PassChoice::Chords),
            look_ahead: IntParam::new(
                "Look ahead",
                16,
                IntRange::Linear { min: 0, max: MAX_LOOK_AHEAD_FRAMES as i32 },
            )
            .with_value_to_string(Arc::new(beats))
            .with_string_to_value(Arc::new(parse_beats)),
            seed: IntParam::new("Seed", 1, IntRange::Linear { min: 0, max: 9999 }),
            panic: BoolParam::new("Panic", false),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            status: said("Status", health, status),
            late: said("Late frames", health, |health| health.late().to_string()),
            engine: said("Engine", health, engine),
            infer_p50: said("Inference, median", health, |health| format!("{:.2} ms", health.infer_ms().0)),
            infer_p99: said("Inference, 99 %", health, |health| format!("{:.2} ms", health.infer_ms().1)),
            model: said("Model", health, |health| {
                let text = health.texts().model;
                if text.is_empty() { "not opened yet".into() } else { text }
            }),
            editor: EguiEditorState::from_size(
                nice_plug::editor::dpi::Size::Logical(nice_plug::editor::dpi::LogicalSize::new(
                    EDITOR_SIZE.0.into(),
                    EDITOR_SIZE.1.into(),
                )),
                1.0,
            ),
        }
    }
}

/// What the worker is about, in words.
pub fn status(health: &Health) -> String {
    match health.worker() {
        WorkerState::Asleep => "not started".into(),
        WorkerState::Loading => "opening the model".into(),
        WorkerState::Ready if health.is_thinking() => "thinking".into(),
        WorkerState::Ready => "ready".into(),
        WorkerState::NoModel => format!("no model: {}", health.texts().model),
        WorkerState::Dead => format!("failed: {}", health.texts().model),
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

/// Frames as beats: "1/4 beat", "1 beat", "2 1/2 beats".
fn beats(frames: i32) -> String {
    let (whole, quarters) = (frames / FRAMES_PER_BEAT as i32, frames % FRAMES_PER_BEAT as i32);
    let part = ["", "1/4", "1/2", "3/4"][quarters.rem_euclid(4) as usize];
    let unit = if frames > FRAMES_PER_BEAT as i32 || frames == 0 { "beats" } else { "beat" };
    match (whole, part) {
        (whole, "") => format!("{whole} {unit}"),
        (0, part) => format!("{part} {unit}"),
        (whole, part) => format!("{whole} {part} {unit}"),
    }
}

fn beats_and_ms(frames: i32, tempo_bpm: Option<f64>) -> String {
    match tempo_bpm {
        Some(bpm) => {
            let ms = f64::from(frames) / FRAMES_PER_BEAT as f64 * 60_000.0 / bpm;
            format!("{} (≈{ms:.0} ms)", beats(frames))
        }
        None => beats(frames),
    }
}

/// Beats as frames; takes what [`beats_and_ms`] prints, and decimals.
fn parse_beats(text: &str) -> Option<i32> {
    let mut total = 0.0;
    let mut any = false;
    for word in text.split('(').next()?.split_whitespace() {
        let number = match word.split_once('/') {
            Some((over, under)) => over.parse::<f64>().ok()? / under.parse::<f64>().ok()?,
            None if word.starts_with("beat") => continue,
            None => word.parse().ok()?,
        };
        total += number;
        any = true;
    }
    (any && total.is_finite()).then(|| (total * FRAMES_PER_BEAT as f64).round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_reads_back_as_it_is_written() {
        for frames in 0..=MAX_COMMIT_FRAMES as i32 {
            for tempo in [None, Some(120.0), Some(61.7)] {
                let text = beats_and_ms(frames, tempo);
                assert_eq!(parse_beats(&text), Some(frames), "{text}");
            }
        }
        assert_eq!(beats_and_ms(1, Some(120.0)), "1/4 beat (≈125 ms)");
        assert_eq!(beats(10), "2 1/2 beats");
        assert_eq!(parse_beats("1.5"), Some(6));
        assert_eq!(parse_beats("soon"), None);
    }

    #[test]
    fn ids_are_unique_and_frozen() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        let ids: Vec<String> = params.param_map().into_iter().map(|(id, ..)| id).collect();
        let frozen = "commit listen temperature grid register bass velocity chord_channel bass_channel pass_through \
                      look_ahead seed panic bypass status late engine infer_p50 infer_p99 model";
        assert_eq!(ids, frozen.split_whitespace().collect::<Vec<_>>());
    }
}
