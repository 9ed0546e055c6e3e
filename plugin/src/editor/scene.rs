//! What is drawn: one instant, how the house fares, and the look. A view is a function of these. GUI thread.

use super::{face::Face, theme::Theme, words};
use crate::{
    audio::Snapshot,
    links::{Engine, WorkerState},
};
use egui::{Response, Role, WidgetInfo};
use music::{key::Key, symbol::Spelling};

/// How worker and engine fare.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What the worker is about.
    pub worker: WorkerState,
    /// The same in words.
    pub status: String,
    /// What runs the model.
    pub engine: Engine,
    /// The same in words, and why nothing better does.
    pub engine_text: String,
    /// The model's name, and what there is to say beside it.
    pub model: String,
    /// Median and 99th percentile of the time to a commit, in milliseconds.
    pub infer_ms: (f64, f64),
    /// The key that is heard, and how sure that is, 0..=1.
    pub key: Option<(Key, f32)>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The instant.
    pub snapshot: &'a Snapshot,
    /// How the house fares.
    pub report: &'a Report,
    /// The look.
    pub face: Face,
}

impl Scene<'_> {
    /// The colours.
    pub fn theme(&self) -> &'static Theme {
        Theme::of(self.face.shade)
    }

    /// How black keys are named.
    pub fn spelling(&self) -> Spelling {
        words::spelling(self.report.key.map(|(key, _)| key))
    }
}

/// Gives what was painted a name for assistive technology and for tests.
pub fn name(response: &Response, role: Role, name: &str) {
    response.widget_info(|| WidgetInfo::labeled(role, true, name));
}
