//! A CLAP host for one plugin instance. It owns the library, the instance and its audio processor, and calls
//! all three from the thread that made it, as CLAP lets an offline host do. It opens no window by itself.
#![expect(
    unsafe_code,
    reason = "loading a library and telling clack of a plugin without audio ports are unsafe calls"
)]

use crate::{
    block::{Block, TimedEvent},
    clap_callbacks::{Handlers, MainThread, Outbox, Shared},
    clap_events::{push_event, transport_event},
    host::{Format, HostError, Param, ParamId, PluginHost, Ports, Rendering, Setup, UNWRITTEN},
};
use clack_extensions::{
    audio_ports::{AudioPortInfoBuffer, PluginAudioPorts},
    latency::PluginLatency,
    note_ports::PluginNotePorts,
    params::{ParamInfoBuffer, ParamInfoFlags, PluginParams},
    remote_controls::{PluginRemoteControls, RemoteControlsPageBuffer},
    render::{PluginRender, PluginRenderError, RenderMode},
    state::PluginState,
};
use clack_host::{
    events::{Pckn, event_types::ParamValueEvent},
    prelude::*,
    process::audio_buffers::{InputAudioBuffers, OutputAudioBuffers},
};
use std::{ffi::CString, io::Cursor, path::Path, sync::atomic::Ordering};
#[cfg(target_os = "linux")]
use {
    crate::window::{Window, no_editor},
    clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiError, PluginGui},
    std::ffi::c_ulong,
};

/// The longest text a value may read as, in bytes.
const TEXT_BYTES: usize = 512;

/// A page of eight knobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The group of pages it is one of.
    pub section: String,
    /// Its name.
    pub name: String,
    /// The parameters of its knobs, those that have none left out.
    pub params: Vec<ParamId>,
}

/// A CLAP plugin in its host.
pub struct ClapHost {
    /// Before the instance, which must outlive it.
    processor: Option<StartedPluginAudioProcessor<Handlers>>,
    instance: PluginInstance<Handlers>,
    name: String,
    id: String,
    categories: Vec<String>,
    params: Vec<Param>,
    ports: Ports,
    /// Channels of each audio port, in and out.
    channels: [Vec<usize>; 2],
    setup: Option<Setup>,
    queued: Vec<(ParamId, f64)>,
    clock: u64,
    loudest: f32,
}

impl ClapHost {
    /// Loads the first plugin of a `.clap` file, a bundle folder on macOS.
    ///
    /// # Errors
    /// [`HostError::Load`] where it does not load.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, HostError> {
        let path = path.as_ref();
        let failed = |reason: String| HostError::Load { path: path.to_owned(), format: Format::Clap, reason };
        // SAFETY: loading a library runs its constructors; the caller names a plugin that it means to run.
        let entry = unsafe { PluginEntry::load(path) }.map_err(|error| failed(error.to_string()))?;
        let factory =
            entry.get_plugin_factory().ok_or_else(|| failed("it has no plugin factory".to_owned()))?;
        let descriptor =
            factory.plugin_descriptor(0).ok_or_else(|| failed("it holds no plugin".to_owned()))?;
        let id = descriptor.id().ok_or_else(|| failed("its plugin has no id".to_owned()))?.to_owned();
        let name = descriptor.name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let categories =
            descriptor.features().map(|feature| feature.to_string_lossy().into_owned()).collect();
        let host_name =
            HostInfo::new("ReaLchords hall", "ReaLchords", "https://github.com/realchords/realchords", "0.1");
        let host_name = host_name.map_err(|error| failed(error.to_string()))?;
        let instance = PluginInstance::new(|()| Shared::default(), |_| MainThread, &entry, &id, &host_name);
        let instance = instance.map_err(|error| failed(error.to_string()))?;
        let mut host = Self {
            processor: None,
            instance,
            name,
            id: id.to_string_lossy().into_owned(),
            categories,
            params: Vec::new(),
            ports: Ports::default(),
            channels: [Vec::new(), Vec::new()],
            setup: None,
            queued: Vec::new(),
            clock: 0,
            loudest: 0.0,
        };
        host.survey();
        Ok(host)
    }

    /// Asks the plugin for its ports and parameters.
    fn survey(&mut self) {
        let plugin = self.instance.plugin_handle();
        if let Some(notes) = plugin.get_extension::<PluginNotePorts>() {
            self.ports.notes_in = notes.count(&plugin, true);
            self.ports.notes_out = notes.count(&plugin, false);
        }
        if let Some(audio) = plugin.get_extension::<PluginAudioPorts>() {
            let mut buffer = AudioPortInfoBuffer::new();
            for (channels, is_input) in self.channels.iter_mut().zip([true, false]) {
                for idx in 0..audio.count(&plugin, is_input) {
                    let port = audio.get(&plugin, idx, is_input, &mut buffer);
                    channels.push(port.map_or(0, |port| port.channel_count as usize));
                }
            }
            [self.ports.audio_in, self.ports.audio_out] =
                [self.channels[0].len() as u32, self.channels[1].len() as u32];
        }
        let Some(params) = plugin.get_extension::<PluginParams>() else { return };
        let mut buffer = ParamInfoBuffer::new();
        for idx in 0..params.count(&plugin) {
            let Some(found) = params.get_info(&plugin, idx, &mut buffer) else { continue };
            let span = found.max_value - found.min_value;
            let stepped = found.flags.contains(ParamInfoFlags::IS_STEPPED);
            self.params.push(Param {
                id: ParamId(found.id.get()),
                name: String::from_utf8_lossy(found.name).into_owned(),
                unit: String::new(),
                min: found.min_value,
                max: found.max_value,
                default: if span > 0.0 { (found.default_value - found.min_value) / span } else { 0.0 },
                num_steps: stepped.then_some(span as u32),
                is_automatable: found.flags.contains(ParamInfoFlags::IS_AUTOMATABLE),
                is_hidden: found.flags.contains(ParamInfoFlags::IS_HIDDEN),
                is_read_only: found.flags.contains(ParamInfoFlags::IS_READONLY),
                is_bypass: found.flags.contains(ParamInfoFlags::IS_BYPASS),
            });
        }
    }

    /// The pages of knobs that the plugin describes.
    pub fn pages(&mut self) -> Vec<Page> {
        let plugin = self.instance.plugin_handle();
        let Some(extension) = plugin.get_extension::<PluginRemoteControls>() else { return Vec::new() };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut buffer = RemoteControlsPageBuffer::new();
        let mut pages = Vec::new();
        for idx in 0..extension.count(&plugin) {
            let Some(page) = extension.get(&plugin, idx, &mut buffer) else { continue };
            pages.push(Page {
                section: text(page.section_name),
                name: text(page.page_name),
                params: page.param_ids.iter().flatten().map(|id| ParamId(id.get())).collect(),
            });
        }
        pages
    }

    /// The plugin's parameters extension, and the parameter with its id in clack's terms.
    fn lookup(
        &mut self,
        id: ParamId,
        call: &'static str,
    ) -> Result<(PluginParams, ClapId, Param), HostError> {
        let refused = |reason: String| HostError::Refused { call, reason };
        let found = self.params.iter().find(|p| p.id == id).cloned();
        let param = found.ok_or_else(|| refused(format!("it has no parameter {}", id.0)))?;
        let extension = self.instance.plugin_handle().get_extension::<PluginParams>();
        let extension = extension.ok_or_else(|| refused("it has no parameters".to_owned()))?;
        let clap_id =
            ClapId::from_raw(id.0).ok_or_else(|| refused(format!("{} is no parameter id", id.0)))?;
        Ok((extension, clap_id, param))
    }

    /// The event that sets a parameter, in the plugin's own units.
    fn change(&self, offset: u32, id: ParamId, normalized: f64) -> Option<ParamValueEvent> {
        let param = self.params.iter().find(|p| p.id == id)?;
        let mut value = param.min + normalized.clamp(0.0, 1.0) * (param.max - param.min);
        if param.num_steps.is_some() {
            value = value.round();
        }
        Some(ParamValueEvent::new(offset, ClapId::from_raw(id.0)?, Pckn::match_all(), value))
    }

    /// What the plugin is given of a block.
    fn inbox(&mut self, block: &Block) -> EventBuffer {
        let mut inbox =
            EventBuffer::with_capacity(block.events.len() + block.params.len() + self.queued.len());
        for (id, normalized) in std::mem::take(&mut self.queued) {
            if let Some(change) = self.change(0, id, normalized) {
                inbox.push(&change);
            }
        }
        for change in &block.params {
            if let Some(change) = self.change(change.offset, change.id, change.normalized) {
                inbox.push(&change);
            }
        }
        for event in &block.events {
            push_event(&mut inbox, *event);
        }
        inbox.sort();
        inbox
    }
}

impl PluginHost for ClapHost {
    fn format(&self) -> Format {
        Format::Clap
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn plugin_id(&self) -> String {
        self.id.clone()
    }

    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn ports(&self) -> Ports {
        self.ports
    }

    fn params(&self) -> &[Param] {
        &self.params
    }

    fn normalized(&mut self, id: ParamId) -> Result<f64, HostError> {
        let (extension, clap_id, param) = self.lookup(id, "params.get_value")?;
        let value = extension.get_value(&self.instance.plugin_handle(), clap_id);
        let value = value.ok_or(HostError::Refused { call: "params.get_value", reason: param.name })?;
        let span = param.max - param.min;
        Ok(if span > 0.0 { (value - param.min) / span } else { 0.0 })
    }

    fn text_of(&mut self, id: ParamId, normalized: f64) -> Result<String, HostError> {
        let (extension, clap_id, param) = self.lookup(id, "params.value_to_text")?;
        let value = param.min + normalized * (param.max - param.min);
        let mut buffer = [0; TEXT_BYTES];
        let text = extension.value_to_text(&self.instance.plugin_handle(), clap_id, value, &mut buffer);
        let text =
            text.map_err(|_| HostError::Refused { call: "params.value_to_text", reason: param.name })?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn value_of(&mut self, id: ParamId, text: &str) -> Option<f64> {
        let (extension, clap_id, param) = self.lookup(id, "params.text_to_value").ok()?;
        let text = CString::new(text).ok()?;
        let value = extension.text_to_value(&self.instance.plugin_handle(), clap_id, &text)?;
        let span = param.max - param.min;
        (span > 0.0 && value.is_finite()).then(|| ((value - param.min) / span).clamp(0.0, 1.0))
    }

    fn set_normalized(&mut self, id: ParamId, normalized: f64) -> Result<(), HostError> {
        let (extension, ..) = self.lookup(id, "params.flush")?;
        if self.processor.is_some() {
            self.queued.push((id, normalized));
            return Ok(());
        }
        let mut inbox = EventBuffer::with_capacity(1);
        if let Some(change) = self.change(0, id, normalized) {
            inbox.push(&change);
        }
        let refused =
            || HostError::Refused { call: "params.flush", reason: "it says that it is active".to_owned() };
        let mut plugin = self.instance.inactive_plugin_handle().ok_or_else(refused)?;
        extension.flush(&mut plugin, &inbox.as_input(), &mut OutputEvents::void());
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, HostError> {
        let plugin = self.instance.plugin_handle();
        let refused = |reason: &str| HostError::Refused { call: "state.save", reason: reason.to_owned() };
        let extension = plugin.get_extension::<PluginState>().ok_or_else(|| refused("it has no state"))?;
        let mut state = Vec::new();
        extension.save(&plugin, &mut state).map_err(|error| refused(&error.to_string()))?;
        Ok(state)
    }

    fn load_state(&mut self, state: &[u8]) -> Result<(), HostError> {
        let plugin = self.instance.plugin_handle();
        let refused = |reason: &str| HostError::Refused { call: "state.load", reason: reason.to_owned() };
        let extension = plugin.get_extension::<PluginState>().ok_or_else(|| refused("it has no state"))?;
        extension.load(&plugin, &mut Cursor::new(state)).map_err(|error| refused(&error.to_string()))
    }

    fn latency_samples(&mut self) -> u32 {
        let plugin = self.instance.plugin_handle();
        plugin.get_extension::<PluginLatency>().map_or(0, |latency| latency.get(&plugin))
    }

    fn activate(&mut self, setup: Setup) -> Result<(), HostError> {
        self.deactivate();
        let plugin = self.instance.plugin_handle();
        if let Some(render) = plugin.get_extension::<PluginRender>() {
            let mode = match setup.rendering {
                Rendering::Realtime => RenderMode::Realtime,
                Rendering::Offline => RenderMode::Offline,
            };
            let refused = |error: PluginRenderError| HostError::Refused {
                call: "render.set",
                reason: error.to_string(),
            };
            render.set(&plugin, mode).map_err(refused)?;
        }
        let configuration = PluginAudioConfiguration {
            sample_rate: setup.sample_rate,
            min_frames_count: 1,
            max_frames_count: setup.max_block.max(1),
        };
        let refused = |call: &'static str, reason: String| HostError::Refused { call, reason };
        let stopped = self.instance.activate(|_, _| (), configuration);
        let stopped = stopped.map_err(|error| refused("activate", error.to_string()))?;
        match stopped.start_processing() {
            Ok(started) => self.processor = Some(started),
            Err(error) => {
                let reason = error.to_string();
                self.instance.deactivate(error.into_stopped_processor());
                return Err(refused("start_processing", reason));
            }
        }
        (self.setup, self.clock, self.loudest) = (Some(setup), 0, 0.0);
        Ok(())
    }

    fn deactivate(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
        self.setup = None;
    }

    fn active(&self) -> Option<Setup> {
        self.setup
    }

    fn reset(&mut self) -> Result<(), HostError> {
        let inactive = HostError::WrongState { call: "reset", needs: "active", todo: "activate" };
        self.processor.as_mut().ok_or(inactive)?.reset();
        self.clock = 0;
        Ok(())
    }

    fn process(&mut self, block: &Block) -> Result<Vec<TimedEvent>, HostError> {
        let inbox = self.inbox(block);
        let inactive = HostError::WrongState { call: "process", needs: "active", todo: "activate" };
        let processor = self.processor.as_mut().ok_or(inactive)?;
        let mut outbox = Outbox { events: Vec::new(), capacity: block.out_capacity.unwrap_or(usize::MAX) };
        let transport = block.transport.as_ref().map(transport_event);
        let filled = |channels: &[usize], sample: f32| -> Vec<Vec<Vec<f32>>> {
            channels.iter().map(|count| vec![vec![sample; block.samples as usize]; *count]).collect()
        };
        // The output starts as something that is not silence, as it may in a host: the plugin is to write it.
        let [mut audio_in, mut audio_out] =
            [filled(&self.channels[0], 0.0), filled(&self.channels[1], UNWRITTEN)];
        let [num_in, num_out] =
            [&self.channels[0], &self.channels[1]].map(|ports| ports.iter().sum::<usize>());
        let mut ports_in = AudioPorts::with_capacity(num_in, audio_in.len());
        let mut ports_out = AudioPorts::with_capacity(num_out, audio_out.len());
        let inputs = if num_in == 0 {
            // SAFETY: there are no buffers to be valid.
            unsafe { InputAudioBuffers::from_raw_buffers(&[], block.samples) }
        } else {
            ports_in.with_input_buffers(audio_in.iter_mut().map(|port| AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(port.iter_mut().map(InputChannel::constant)),
            }))
        };
        let mut outputs = if num_out == 0 {
            // SAFETY: there are no buffers to be valid.
            unsafe { OutputAudioBuffers::from_raw_buffers(&mut [], block.samples) }
        } else {
            ports_out.with_output_buffers(audio_out.iter_mut().map(|port| AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(port.iter_mut().map(Vec::as_mut_slice)),
            }))
        };
        let outcome = processor.process(
            &inputs,
            &mut outputs,
            &inbox.as_input(),
            &mut OutputEvents::from_buffer(&mut outbox),
            Some(self.clock),
            transport.as_ref(),
        );
        outcome.map_err(|error| HostError::Refused { call: "process", reason: error.to_string() })?;
        self.clock += u64::from(block.samples);
        self.loudest = audio_out
            .iter()
            .flatten()
            .flatten()
            .fold(self.loudest, |loudest, sample| loudest.max(sample.abs()));
        Ok(outbox.events)
    }

    fn loudest(&self) -> f32 {
        self.loudest
    }

    fn idle(&mut self) {
        let wanted = self
            .instance
            .access_shared_handler(|shared| shared.wants_callback.swap(false, Ordering::Relaxed));
        if wanted {
            self.instance.call_on_main_thread_callback();
        }
    }

    #[cfg(target_os = "linux")]
    fn open_editor(&mut self, window: &Window) -> Result<(u32, u32), HostError> {
        let plugin = self.instance.plugin_handle();
        let gui = plugin.get_extension::<PluginGui>().ok_or_else(|| no_editor(Format::Clap))?;
        let refused = |error: GuiError| HostError::Refused { call: "gui", reason: error.to_string() };
        gui.create(&plugin, GuiConfiguration { api_type: GuiApiType::X11, is_floating: false })
            .map_err(refused)?;
        let size = gui.get_size(&plugin).map_or((0, 0), |size| (size.width, size.height));
        let parent = clack_extensions::gui::Window::from_x11_handle(c_ulong::from(window.id()));
        // SAFETY: the window is open, and stays so until `close_editor`, as this host's callers see to.
        unsafe { gui.set_parent(&plugin, parent) }.map_err(refused)?;
        gui.show(&plugin).map_err(refused)?;
        Ok(size)
    }

    #[cfg(target_os = "linux")]
    fn close_editor(&mut self) {
        let plugin = self.instance.plugin_handle();
        if let Some(gui) = plugin.get_extension::<PluginGui>() {
            gui.destroy(&plugin);
        }
    }
}

impl Drop for ClapHost {
    fn drop(&mut self) {
        self.deactivate();
    }
}
