//! A host without a plugin, for testing what drives hosts: it remembers its blocks and gives back what it was given.

use crate::{
    block::{Block, TimedEvent, Transport},
    host::{Format, HostError, Param, ParamId, PluginHost, Ports, Setup},
};

/// The host.
#[derive(Default)]
pub struct EchoHost {
    /// Each block with its first sample.
    pub blocks: Vec<(u64, Block)>,
    setup: Option<Setup>,
    clock: u64,
}

impl EchoHost {
    /// The first sample of each block.
    pub fn starts(&self) -> Vec<u64> {
        self.blocks.iter().map(|(start, _)| *start).collect()
    }

    /// The transport of each block.
    pub fn transports(&self) -> impl Iterator<Item = Transport> + '_ {
        self.blocks.iter().filter_map(|(_, block)| block.transport)
    }
}

impl PluginHost for EchoHost {
    fn format(&self) -> Format {
        Format::Clap
    }

    fn name(&self) -> &str {
        "Echo"
    }

    fn plugin_id(&self) -> String {
        "echo".to_owned()
    }

    fn categories(&self) -> &[String] {
        &[]
    }

    fn ports(&self) -> Ports {
        Ports::default()
    }

    fn params(&self) -> &[Param] {
        &[]
    }

    fn normalized(&mut self, _id: ParamId) -> Result<f64, HostError> {
        Ok(0.0)
    }

    fn text_of(&mut self, _id: ParamId, _normalized: f64) -> Result<String, HostError> {
        Ok(String::new())
    }

    fn value_of(&mut self, _id: ParamId, _text: &str) -> Option<f64> {
        None
    }

    fn set_normalized(&mut self, _id: ParamId, _normalized: f64) -> Result<(), HostError> {
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn load_state(&mut self, _state: &[u8]) -> Result<(), HostError> {
        Ok(())
    }

    fn latency_samples(&mut self) -> u32 {
        0
    }

    fn activate(&mut self, setup: Setup) -> Result<(), HostError> {
        self.setup = Some(setup);
        Ok(())
    }

    fn deactivate(&mut self) {
        self.setup = None;
    }

    fn active(&self) -> Option<Setup> {
        self.setup
    }

    fn reset(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    fn process(&mut self, block: &Block) -> Result<Vec<TimedEvent>, HostError> {
        self.blocks.push((self.clock, block.clone()));
        self.clock += u64::from(block.samples);
        Ok(block.events.clone())
    }

    fn loudest(&self) -> f32 {
        0.0
    }

    fn idle(&mut self) {}
}
