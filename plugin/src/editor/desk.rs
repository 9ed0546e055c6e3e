//! What the editor may ask of the parameters and of the house, and do to them. It knows no plugin framework, so that
//! tests stand in for the host. GUI thread.
//!
//! Values are normalised, 0..=1. Every change stands between [`Desk::begin`] and [`Desk::end`]: a host records and
//! undoes what lies between as one.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A model file that a player may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// What it is called.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Why it cannot be used, if it cannot.
    pub refused: Option<String>,
}

/// What lies in a folder, for who seeks a model file; in alphabetical order, without what is hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The folders' names.
    pub folders: Vec<OsString>,
    /// The model files' names.
    pub files: Vec<OsString>,
    /// How many of either there are beyond those that are listed.
    pub num_left_out: usize,
}

/// By which clock something was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The host's: it has its place in the song.
    Host,
    /// Our own, while the host stood still.
    Own,
}

/// Parameters, presets, models and the capture of one instance. A parameter that is not known has no name, no steps
/// and stands at 0.
pub trait Desk {
    /// A parameter's name.
    fn name(&self, id: &str) -> String;
    /// How many steps lie between its least and its greatest value; none where it is continuous.
    fn num_steps(&self, id: &str) -> Option<usize>;
    /// A value of it in words, with the unit.
    fn text(&self, id: &str, normalized: f32) -> String;
    /// The value that words mean.
    fn read(&self, id: &str, text: &str) -> Option<f32>;
    /// What it stands at.
    fn normalized(&self, id: &str) -> f32;
    /// What it is at first.
    fn default_of(&self, id: &str) -> f32;
    /// The nearest value that it can stand at.
    fn snapped(&self, id: &str, normalized: f32) -> f32;
    /// The value one step above or below.
    fn beside(&self, id: &str, from: f32, up: bool, fine: bool) -> f32;

    /// A gesture begins.
    fn begin(&mut self, id: &'static str);
    /// Within a gesture.
    fn set(&mut self, id: &'static str, normalized: f32);
    /// The gesture ends. Without one it does nothing.
    fn end(&mut self, id: &'static str);

    /// All values of a parameter that has steps, in words.
    fn choices(&self, id: &str) -> Vec<String> {
        let num_steps = self.num_steps(id).unwrap_or(0);
        (0..=num_steps).map(|step| self.text(id, step as f32 / num_steps.max(1) as f32)).collect()
    }

    /// The tempo that is played in, if it is known.
    fn tempo_bpm(&self) -> Option<f64>;

    /// The presets' names.
    fn presets(&self) -> Vec<String>;
    /// The preset that all parameters stand as, if there is one.
    fn standing_preset(&self) -> Option<usize>;
    /// Sets the parameters as a preset says, each by a gesture.
    fn choose_preset(&mut self, idx: usize);

    /// Looks into the models folder again; [`Desk::models`] tells when it is through.
    fn look_for_models(&mut self);
    /// The model files found.
    fn models(&mut self) -> &[ModelFile];
    /// The folder that models are dropped into.
    fn models_folder(&self) -> Option<PathBuf>;
    /// The user's own folder.
    fn home(&self) -> Option<PathBuf>;
    /// Looks into a folder; [`Desk::seen`] tells when it is through.
    fn look_into(&mut self, folder: &Path);
    /// What lies in the folder looked into last, or why that cannot be told, in words; none as long as it is not known.
    fn seen(&mut self) -> Option<&Result<Listing, String>>;
    /// The file that is asked for; none is the model that is built in.
    fn chosen_model(&self) -> Option<String>;
    /// Asks for a model file, or for the one that is built in.
    fn choose_model(&mut self, file: Option<String>);
    /// What is wrong with the model just now, or why the one that is chosen does not play, if anything is.
    fn model_trouble(&self) -> Option<String>;
    /// The model that is opened while another plays, if one is.
    fn model_opening(&self) -> Option<String>;

    /// How many bars lie to hand of the capture, the last one counted whole.
    fn num_captured_bars(&mut self) -> usize;
    /// By which clock those were captured, where there is something by either.
    fn captured_by(&self) -> Option<Clock>;
    /// Lays to hand what was captured by the other clock.
    fn turn_capture(&mut self);
    /// Saves what lies to hand of the capture as a MIDI file; says where.
    ///
    /// # Errors
    /// Why no file was written, in words.
    fn save_capture(&mut self) -> Result<PathBuf, String>;
    /// Forgets what lies to hand of the capture.
    fn clear_capture(&mut self);
    /// Whether a capture that was cleared, or that a project's took the place of, can be brought back.
    fn has_former_capture(&self) -> bool;
    /// Brings it back; the one that is there now can be brought back in its turn.
    fn bring_back_capture(&mut self);
}
