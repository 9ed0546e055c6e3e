//! In-process hosts for the built plugin: CLAP and VST3 behind one trait, and the means to play a song through it.
//!
//! A scenario written against [`PluginHost`] runs on both formats. [`timeline::play`] drives a host through a
//! [`song::Song`] block by block and records what comes out; [`ledger`] checks that every note ends.
//! Nothing here knows our plugin: it is a host like any other, so it may be pointed at any other plugin too.

pub mod block;
mod clap_callbacks;
mod clap_events;
mod clap_host;
#[cfg(test)]
mod echo;
pub mod host;
#[cfg(target_os = "linux")]
pub mod jack;
mod layout;
pub mod ledger;
pub mod song;
pub mod timeline;
mod vst3_com;
mod vst3_events;
mod vst3_host;
mod vst3_module;
mod vst3_survey;
#[cfg(target_os = "linux")]
pub mod window;

pub use block::{Block, Event, ParamChange, TimedEvent, Transport};
pub use clap_host::{ClapHost, Page};
pub use host::{Format, HostError, Param, ParamId, PluginHost, Ports, Rendering, Setup};
pub use vst3_host::{ClassChoice, Vst3Host};
