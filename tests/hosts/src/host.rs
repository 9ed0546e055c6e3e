//! The one trait both hosts stand behind, what a parameter is to a host, and what can go wrong.
//! A host and its plugin live on the thread that made them; that thread plays both the main and the audio thread.

use crate::block::{Block, TimedEvent};
#[cfg(target_os = "linux")]
use crate::window::{Window, no_editor};
use std::path::PathBuf;

/// What audio outputs hold before a block, so that a plugin that does not write them is heard.
pub(crate) const UNWRITTEN: f32 = 1.0;

/// A plugin format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CLAP.
    Clap,
    /// VST3.
    Vst3,
}

/// A parameter's number in its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParamId(pub u32);

impl ParamId {
    /// The number nice-plug gives a parameter with this name in its source, on both formats: a polynomial
    /// hash with the top bit clear.
    pub fn of(name: &str) -> Self {
        let hash = name.bytes().fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
        Self(hash & 0x7fff_ffff)
    }
}

/// A parameter as the host sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its number.
    pub id: ParamId,
    /// Its name, for people.
    pub name: String,
    /// Lowest value in the format's own units (VST3: 0).
    pub min: f64,
    /// Highest value in the format's own units (VST3: 1).
    pub max: f64,
    /// The value it starts with, as a share of its range.
    pub default: f64,
    /// What hosts write after the text of its value; empty where that says it.
    pub unit: String,
    /// How many values lie above the lowest; `None` where it is continuous.
    pub num_steps: Option<u32>,
    /// Whether hosts may record automation of it.
    pub is_automatable: bool,
    /// Whether the plugin asks hosts neither to show nor to write it.
    pub is_hidden: bool,
    /// Whether the plugin says that only it writes the value.
    pub is_read_only: bool,
    /// Whether it is the plugin's bypass.
    pub is_bypass: bool,
}

/// How many ports and buses there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Audio ports or buses in.
    pub audio_in: u32,
    /// Audio ports or buses out.
    pub audio_out: u32,
    /// Note ports or event buses in.
    pub notes_in: u32,
    /// Note ports or event buses out.
    pub notes_out: u32,
}

/// Whether the plugin plays against the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rendering {
    /// The host plays to someone.
    #[default]
    Realtime,
    /// The host renders to a file: the plugin may take its time.
    Offline,
}

/// What the plugin is told when it is activated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// Samples a second.
    pub sample_rate: f64,
    /// The most samples a block will have.
    pub max_block: u32,
    /// Against the clock or not.
    pub rendering: Rendering,
}

impl Default for Setup {
    fn default() -> Self {
        Self { sample_rate: 48_000.0, max_block: 4096, rendering: Rendering::Realtime }
    }
}

/// What went wrong between host and plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The file is no plugin of this format.
    #[error(
        "{path} does not load as a {format:?} plugin: {reason}; build it again, or point at another file"
    )]
    Load {
        /// Which file.
        path: PathBuf,
        /// As what.
        format: Format,
        /// Why not.
        reason: String,
    },
    /// There is no such plugin in the file.
    #[error("{path} holds no class {wanted}, only {found}; ask for one of those")]
    NoSuchClass {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// There is no such parameter.
    #[error("no parameter {wanted:?}; there are {found}")]
    NoSuchParam {
        /// What was asked for, by id or name.
        wanted: String,
        /// The names of those that are there.
        found: String,
    },
    /// The parameter does not take this text.
    #[error("parameter {name:?} does not take {text:?}; it now reads {current:?}, write it like that")]
    Unreadable {
        /// Which parameter.
        name: String,
        /// The text it was given.
        text: String,
        /// How its current value reads.
        current: String,
    },
    /// The plugin answered a call with a failure.
    #[error("the plugin refused {call}: {reason}")]
    Refused {
        /// Which call.
        call: &'static str,
        /// What it said.
        reason: String,
    },
    /// The host was asked for something that its state does not allow.
    #[error("{call} needs an {needs} plugin; {todo} it first")]
    WrongState {
        /// Which call.
        call: &'static str,
        /// The state it needs.
        needs: &'static str,
        /// What to call.
        todo: &'static str,
    },
}

/// A loaded plugin and the host around it.
///
/// Dropping it deactivates and destroys the plugin. Several may be loaded at once, also of one file.
pub trait PluginHost {
    /// The format it speaks.
    fn format(&self) -> Format;

    /// The plugin's name, for people.
    fn name(&self) -> &str;

    /// The plugin's id: CLAP's text, or VST3's class id as 32 hexadecimal digits.
    fn plugin_id(&self) -> String;

    /// What the plugin files itself under: CLAP's features or VST3's subcategories.
    fn categories(&self) -> &[String];

    /// Ports and buses.
    fn ports(&self) -> Ports;

    /// All parameters, in the plugin's order; those a VST3 plugin adds for MIDI controllers left out.
    fn params(&self) -> &[Param];

    /// A parameter's value as a share of its range, 0..=1. A change shows after the next block.
    ///
    /// # Errors
    /// [`HostError::Refused`] where the plugin knows no such parameter.
    fn normalized(&mut self, id: ParamId) -> Result<f64, HostError>;

    /// How a value reads.
    ///
    /// # Errors
    /// [`HostError::Refused`] where the plugin knows no such parameter.
    fn text_of(&mut self, id: ParamId, normalized: f64) -> Result<String, HostError>;

    /// The value a text stands for; `None` where the plugin cannot read it.
    fn value_of(&mut self, id: ParamId, text: &str) -> Option<f64>;

    /// Sets a parameter as someone at the host's own panel would: at once where the plugin is inactive, else
    /// at the start of the next block. `normalized` is a share of its range, 0..=1.
    ///
    /// # Errors
    /// [`HostError::Refused`] where the plugin does.
    fn set_normalized(&mut self, id: ParamId, normalized: f64) -> Result<(), HostError>;

    /// The plugin's state.
    ///
    /// # Errors
    /// [`HostError::Refused`] where it gives none.
    fn save(&mut self) -> Result<Vec<u8>, HostError>;

    /// Gives the plugin a state.
    ///
    /// # Errors
    /// [`HostError::Refused`] where it does not take it.
    fn load_state(&mut self, state: &[u8]) -> Result<(), HostError>;

    /// The plugin's latency in samples.
    fn latency_samples(&mut self) -> u32;

    /// Makes the plugin ready to play. An active plugin is deactivated first.
    ///
    /// # Errors
    /// [`HostError::Refused`] where it does not.
    fn activate(&mut self, setup: Setup) -> Result<(), HostError>;

    /// Ends playing. Nothing where the plugin is inactive.
    fn deactivate(&mut self);

    /// What the plugin was activated with; `None` where it is inactive.
    fn active(&self) -> Option<Setup>;

    /// Clears what sounds and is heard, as hosts do between two stretches of playing.
    ///
    /// # Errors
    /// [`HostError::WrongState`] where the plugin is inactive.
    fn reset(&mut self) -> Result<(), HostError>;

    /// Plays one block. What comes out is in the order in which the plugin sent it.
    ///
    /// # Errors
    /// [`HostError::WrongState`] where the plugin is inactive, [`HostError::Refused`] where it fails.
    fn process(&mut self, block: &Block) -> Result<Vec<TimedEvent>, HostError>;

    /// The loudest sample in the plugin's audio output since activation; 0 where it has no audio output, and at
    /// least 1 where it leaves its output unwritten.
    fn loudest(&self) -> f32;

    /// Runs what the plugin asked to be run on the main thread. Hosts do so between blocks.
    fn idle(&mut self);

    /// Shows the plugin's editor in a window of the host, in physical pixels: its size. The window stays open until
    /// [`Self::close_editor`].
    ///
    /// # Errors
    /// [`HostError::Refused`] where it has none, or does not open.
    #[cfg(target_os = "linux")]
    fn open_editor(&mut self, window: &Window) -> Result<(u32, u32), HostError> {
        let _ = window;
        Err(no_editor(self.format()))
    }

    /// Closes the editor, where one is open.
    #[cfg(target_os = "linux")]
    fn close_editor(&mut self) {}

    /// The parameter with this key: its id in the plugin's source, or its name, letter case aside.
    ///
    /// # Errors
    /// [`HostError::NoSuchParam`] with the names of all there are.
    fn param(&self, key: &str) -> Result<Param, HostError> {
        let by_name = |p: &&Param| p.name.eq_ignore_ascii_case(key);
        let found = self.params().iter().find(|p| p.id == ParamId::of(key));
        found.or_else(|| self.params().iter().find(by_name)).cloned().ok_or_else(|| {
            let names: Vec<&str> = self.params().iter().map(|p| p.name.as_str()).collect();
            HostError::NoSuchParam { wanted: key.to_owned(), found: names.join(", ") }
        })
    }

    /// Sets a parameter by id or name to what a text stands for ("4 beats", "Free (16th)", "0.7").
    ///
    /// # Errors
    /// [`HostError::NoSuchParam`], or [`HostError::Unreadable`] where the plugin does not take the text.
    fn set(&mut self, key: &str, text: &str) -> Result<(), HostError> {
        let param = self.param(key)?;
        match self.value_of(param.id, text) {
            Some(normalized) => self.set_normalized(param.id, normalized),
            None => Err(HostError::Unreadable {
                name: param.name,
                text: text.to_owned(),
                current: self.read(key)?,
            }),
        }
    }

    /// How a parameter's value reads now, by id or name. This is how read-only parameters are read.
    ///
    /// # Errors
    /// [`HostError::NoSuchParam`].
    fn read(&mut self, key: &str) -> Result<String, HostError> {
        let id = self.param(key)?.id;
        let normalized = self.normalized(id)?;
        self.text_of(id, normalized)
    }
}
