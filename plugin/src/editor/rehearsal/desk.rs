//! A desk of paper: the real parameters' words, values of its own, and a record of what was done.

use crate::{
    editor::{
        desk::{Clock, Desk, Listing, ModelFile},
        folder,
    },
    links::Health,
    params::{ChordsParams, Control},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

/// The tempo that the host has told.
const TEMPO_BPM: f64 = 120.0;

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// A gesture began.
    Begin(&'static str),
    /// A parameter was set.
    Set(&'static str, f32),
    /// A gesture ended.
    End(&'static str),
    /// A preset was chosen.
    Preset(usize),
    /// A model was chosen.
    Model(Option<String>),
    /// The capture was cleared.
    Cleared,
    /// What was captured by the other clock was laid to hand.
    Turned,
    /// The capture before was brought back.
    BroughtBack,
}

/// The desk.
pub struct PaperDesk {
    params: ChordsParams,
    values: BTreeMap<&'static str, f32>,
    /// All that was done.
    pub done: Vec<Done>,
    /// The models that are found.
    pub models: Vec<ModelFile>,
    /// The model that is chosen.
    pub chosen: Option<String>,
    /// The user's own folder; on this desk there are real ones.
    pub home: PathBuf,
    /// How often a folder was looked into, and what was seen last.
    pub looks: (usize, Option<Result<Listing, String>>),
    /// How many bars are captured.
    pub num_bars: usize,
    /// By which clock, where there is something by either.
    pub captured_by: Option<Clock>,
    /// How many bars the capture before has.
    pub former_bars: usize,
    /// What saving the capture comes to.
    pub save: Result<PathBuf, String>,
    /// The preset that stands.
    pub preset: Option<usize>,
    /// What is wrong with the model.
    pub trouble: Option<String>,
    /// The model that is opened while another plays.
    pub opening: Option<String>,
}

impl Default for PaperDesk {
    fn default() -> Self {
        Self::new()
    }
}

impl PaperDesk {
    /// Everything as it is at first, and twelve bars captured.
    pub fn new() -> Self {
        let model = |name: &str, refused: Option<&str>| ModelFile {
            name: name.into(),
            path: format!("/models/{name}.onnx"),
            refused: refused.map(str::to_owned),
        };
        let health = Arc::new(Health::default());
        health.set_tempo_bpm(TEMPO_BPM);
        Self {
            params: ChordsParams::new(&health),
            values: BTreeMap::new(),
            done: Vec::new(),
            models: vec![model("jazz", None), model("cut", Some("no whole ONNX model"))],
            chosen: None,
            home: "/home".into(),
            looks: (0, None),
            num_bars: 12,
            captured_by: None,
            former_bars: 0,
            save: Ok("/music/take.mid".into()),
            preset: Some(0),
            trouble: None,
            opening: None,
        }
    }

    fn control(&self, id: &str) -> Option<&dyn Control> {
        self.params.control(id)
    }
}

impl Desk for PaperDesk {
    fn name(&self, id: &str) -> String {
        self.control(id).map_or_else(String::new, |control| control.name().to_owned())
    }

    fn num_steps(&self, id: &str) -> Option<usize> {
        self.control(id)?.num_steps()
    }

    fn text(&self, id: &str, normalized: f32) -> String {
        self.control(id).map_or_else(String::new, |control| control.text(normalized))
    }

    fn read(&self, id: &str, text: &str) -> Option<f32> {
        self.control(id)?.read(text)
    }

    fn normalized(&self, id: &str) -> f32 {
        self.values.get(id).copied().unwrap_or_else(|| self.default_of(id))
    }

    fn default_of(&self, id: &str) -> f32 {
        self.control(id).map_or(0.0, |control| control.default_normalized())
    }

    fn snapped(&self, id: &str, normalized: f32) -> f32 {
        self.control(id).map_or(0.0, |control| control.snapped(normalized))
    }

    fn beside(&self, id: &str, from: f32, up: bool, fine: bool) -> f32 {
        self.control(id).map_or(0.0, |control| control.beside(from, up, fine))
    }

    fn begin(&mut self, id: &'static str) {
        self.done.push(Done::Begin(id));
    }

    fn set(&mut self, id: &'static str, normalized: f32) {
        self.values.insert(id, normalized);
        self.done.push(Done::Set(id, normalized));
    }

    fn end(&mut self, id: &'static str) {
        self.done.push(Done::End(id));
    }

    fn tempo_bpm(&self) -> Option<f64> {
        Some(TEMPO_BPM)
    }

    fn presets(&self) -> Vec<String> {
        crate::presets::PRESETS.iter().map(|preset| preset.name.to_owned()).collect()
    }

    fn standing_preset(&self) -> Option<usize> {
        self.preset
    }

    fn choose_preset(&mut self, idx: usize) {
        self.done.push(Done::Preset(idx));
    }

    fn look_for_models(&mut self) {}

    fn models(&mut self) -> &[ModelFile] {
        &self.models
    }

    fn models_folder(&self) -> Option<PathBuf> {
        Some("/models".into())
    }

    fn home(&self) -> Option<PathBuf> {
        Some(self.home.clone())
    }

    fn look_into(&mut self, folder: &Path) {
        self.looks = (self.looks.0 + 1, Some(folder::read(folder, &AtomicBool::new(false))));
    }

    fn seen(&mut self) -> Option<&Result<Listing, String>> {
        self.looks.1.as_ref()
    }

    fn chosen_model(&self) -> Option<String> {
        self.chosen.clone()
    }

    fn choose_model(&mut self, file: Option<String>) {
        self.chosen.clone_from(&file);
        self.done.push(Done::Model(file));
    }

    fn model_trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn model_opening(&self) -> Option<String> {
        self.opening.clone()
    }

    fn num_captured_bars(&mut self) -> usize {
        self.num_bars
    }

    fn save_capture(&mut self) -> Result<PathBuf, String> {
        self.save.clone()
    }

    fn captured_by(&self) -> Option<Clock> {
        self.captured_by
    }

    fn turn_capture(&mut self) {
        self.captured_by = self.captured_by.map(|by| match by {
            Clock::Host => Clock::Own,
            Clock::Own => Clock::Host,
        });
        self.done.push(Done::Turned);
    }

    fn clear_capture(&mut self) {
        self.former_bars = std::mem::take(&mut self.num_bars);
        self.done.push(Done::Cleared);
    }

    fn has_former_capture(&self) -> bool {
        self.former_bars > 0
    }

    fn bring_back_capture(&mut self) {
        std::mem::swap(&mut self.num_bars, &mut self.former_bars);
        self.done.push(Done::BroughtBack);
    }
}
