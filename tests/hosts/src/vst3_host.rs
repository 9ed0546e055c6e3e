//! A VST3 host for one plugin instance: component, processor and controller of one class, called from the thread
//! that made them.
#![expect(unsafe_code, reason = "COM methods are unsafe functions over raw pointers")]

use crate::{
    block::{Block, Event, TimedEvent},
    host::{Format, HostError, Param, ParamId, PluginHost, Ports, Rendering, Setup, UNWRITTEN},
    vst3_com::{Application, EventList, ParameterChanges, Stream},
    vst3_events::{note_event, process_context, read_event},
    vst3_module::{Module, PluginClass},
    vst3_survey::{midi_param, survey_buses, survey_params, wide_text},
};
use std::{path::Path, rc::Rc};
use vst3::{
    ComPtr, ComWrapper,
    Steinberg::{
        FUnknown, IBStream, IPlugView, IPluginBaseTrait, Vst,
        Vst::{
            AudioBusBuffers, BusDirections_, ControllerNumbers_, IAudioProcessor, IAudioProcessorTrait,
            IComponent, IComponentHandler, IComponentTrait, IEditController, IEditControllerTrait,
            IEventList, IHostApplication, IMidiMapping, IParameterChanges, MediaTypes_, ProcessData,
            ProcessModes_, ProcessSetup, SymbolicSampleSizes_,
        },
        kNotImplemented, kResultOk, tresult,
    },
};
#[cfg(target_os = "linux")]
use {
    crate::window::{Window, no_editor},
    vst3::Steinberg::{IPlugViewTrait, ViewRect, kPlatformTypeX11EmbedWindowID},
};

/// Which class of a VST3 module to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassChoice<'a> {
    /// By its place among the module's audio plugins.
    Index(usize),
    /// By its name.
    Name(&'a str),
}

/// A VST3 plugin in its host.
pub struct Vst3Host {
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
    /// Whether the controller is an object of its own, to be ended as well.
    has_own_controller: bool,
    midi: Option<ComPtr<IMidiMapping>>,
    component: ComPtr<IComponent>,
    application: ComWrapper<Application>,
    inbox: (ComWrapper<EventList>, ComPtr<IEventList>),
    outbox: (ComWrapper<EventList>, ComPtr<IEventList>),
    changes: (ComWrapper<ParameterChanges>, ComPtr<IParameterChanges>),
    class: PluginClass,
    params: Vec<Param>,
    ports: Ports,
    /// Channels of each audio bus, in and out.
    channels: [Vec<usize>; 2],
    setup: Option<Setup>,
    queued: Vec<(ParamId, f64)>,
    clock: i64,
    loudest: f32,
    /// The editor that is shown.
    view: Option<ComPtr<IPlugView>>,
    /// Last, so that the library outlives all that came from it.
    _module: Rc<Module>,
}

impl Vst3Host {
    /// Loads a class of a `.vst3` bundle, or of a bare library.
    ///
    /// # Errors
    /// [`HostError::Load`] where it does not load, [`HostError::NoSuchClass`] with the names of those there are.
    pub fn load(path: impl AsRef<Path>, class: ClassChoice<'_>) -> Result<Self, HostError> {
        let path = path.as_ref();
        let failed = |reason: &str| HostError::Load {
            path: path.to_owned(),
            format: Format::Vst3,
            reason: reason.to_owned(),
        };
        let module = Module::open(path)?;
        let classes = module.classes();
        let chosen = match class {
            ClassChoice::Index(idx) => classes.get(idx),
            ClassChoice::Name(name) => classes.iter().find(|class| class.name == name),
        };
        let class = chosen.cloned().ok_or_else(|| HostError::NoSuchClass {
            path: path.to_owned(),
            wanted: format!("{class:?}"),
            found: classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        let application = ComWrapper::new(Application::default());
        let context =
            application.to_com_ptr::<IHostApplication>().ok_or_else(|| failed("no host application"))?;
        let component: ComPtr<IComponent> =
            module.create(&class.id).ok_or_else(|| failed("it creates no component"))?;
        // SAFETY: the component is alive, and so is the context while the host is.
        if unsafe { component.initialize(context.as_ptr().cast::<FUnknown>()) } != kResultOk {
            return Err(failed("its component does not initialise"));
        }
        let processor =
            component.cast::<IAudioProcessor>().ok_or_else(|| failed("it has no audio processor"))?;
        let (controller, has_own_controller) =
            module.controller_of(&component, &context).ok_or_else(|| failed("it has no controller"))?;
        if let Some(handler) = application.to_com_ptr::<IComponentHandler>() {
            // SAFETY: both are alive; the controller takes a reference of its own.
            unsafe { controller.setComponentHandler(handler.as_ptr()) };
        }
        let midi = controller.cast::<IMidiMapping>();
        let lists =
            [ComWrapper::new(EventList::default()), ComWrapper::new(EventList::default())].map(|list| {
                let pointer = list.to_com_ptr::<IEventList>();
                pointer.map(|pointer| (list, pointer))
            });
        let [Some(inbox), Some(outbox)] = lists else { return Err(failed("no event lists")) };
        let changes = ComWrapper::new(ParameterChanges::default());
        let pointer =
            changes.to_com_ptr::<IParameterChanges>().ok_or_else(|| failed("no parameter changes"))?;
        let (ports, channels) = survey_buses(&component);
        let params = survey_params(&controller, midi.as_ref());
        Ok(Self {
            processor,
            controller,
            has_own_controller,
            midi,
            component,
            application,
            inbox,
            outbox,
            changes: (changes, pointer),
            class,
            params,
            ports,
            channels,
            setup: None,
            queued: Vec::new(),
            clock: 0,
            loudest: 0.0,
            view: None,
            _module: module,
        })
    }

    /// The names of a module's audio plugins, in its order.
    ///
    /// # Errors
    /// [`HostError::Load`] where it does not load.
    pub fn class_names(path: impl AsRef<Path>) -> Result<Vec<String>, HostError> {
        Ok(Module::open(path.as_ref())?.classes().into_iter().map(|class| class.name).collect())
    }

    fn param_known(&self, id: ParamId, call: &'static str) -> Result<(), HostError> {
        let known = self.params.iter().any(|p| p.id == id);
        known
            .then_some(())
            .ok_or_else(|| HostError::Refused { call, reason: format!("it has no parameter {}", id.0) })
    }

    /// Turns buses on, with their default arrangements.
    fn activate_buses(&self, state: u8) {
        let buses = [
            (MediaTypes_::kAudio as i32, BusDirections_::kInput as i32, self.ports.audio_in),
            (MediaTypes_::kAudio as i32, BusDirections_::kOutput as i32, self.ports.audio_out),
            (MediaTypes_::kEvent as i32, BusDirections_::kInput as i32, self.ports.notes_in),
            (MediaTypes_::kEvent as i32, BusDirections_::kOutput as i32, self.ports.notes_out),
        ];
        for (media, direction, count) in buses {
            for idx in 0..count as i32 {
                // SAFETY: the component is alive and the index is below its count.
                unsafe { self.component.activateBus(media, direction, idx, state) };
            }
        }
    }

    /// Puts a block's events and changes where the plugin reads them.
    fn fill_inbox(&mut self, block: &Block) {
        self.changes.0.clear();
        let mut inbox = self.inbox.0.events.borrow_mut();
        inbox.clear();
        let queued = std::mem::take(&mut self.queued);
        for (id, normalized) in queued {
            self.changes.0.change(id.0, 0, normalized);
        }
        for change in &block.params {
            self.changes.0.change(change.id.0, change.offset, change.normalized);
        }
        for TimedEvent { offset, event } in &block.events {
            let controller = match *event {
                Event::Controller { channel, number, value } => Some((channel, i16::from(number), value)),
                Event::ChannelPressure { channel, pressure } => {
                    Some((channel, ControllerNumbers_::kAfterTouch as i16, pressure))
                }
                Event::Bend { channel, value } => {
                    Some((channel, ControllerNumbers_::kPitchBend as i16, value))
                }
                _ => None,
            };
            if let Some((channel, number, value)) = controller {
                if let Some(id) = midi_param(self.midi.as_ref(), channel, number) {
                    self.changes.0.change(id, *offset, f64::from(value));
                }
            } else if let Some(event) = note_event(*offset, *event) {
                inbox.push(event);
            }
        }
    }
}

impl PluginHost for Vst3Host {
    fn format(&self) -> Format {
        Format::Vst3
    }

    fn name(&self) -> &str {
        &self.class.name
    }

    fn plugin_id(&self) -> String {
        self.class.hex()
    }

    fn categories(&self) -> &[String] {
        &self.class.categories
    }

    fn ports(&self) -> Ports {
        self.ports
    }

    fn params(&self) -> &[Param] {
        &self.params
    }

    fn normalized(&mut self, id: ParamId) -> Result<f64, HostError> {
        self.param_known(id, "getParamNormalized")?;
        // SAFETY: the controller is alive.
        Ok(unsafe { self.controller.getParamNormalized(id.0) })
    }

    fn text_of(&mut self, id: ParamId, normalized: f64) -> Result<String, HostError> {
        self.param_known(id, "getParamStringByValue")?;
        let mut text: Vst::String128 = [0; 128];
        // SAFETY: the controller is alive and the place takes one string.
        let outcome = unsafe { self.controller.getParamStringByValue(id.0, normalized, &mut text) };
        check("getParamStringByValue", outcome)?;
        Ok(wide_text(&text))
    }

    fn value_of(&mut self, id: ParamId, text: &str) -> Option<f64> {
        self.param_known(id, "getParamValueByString").ok()?;
        let mut wide: Vec<Vst::TChar> = text.encode_utf16().collect();
        wide.push(0);
        let mut normalized = 0.0;
        // SAFETY: the controller is alive and the text ends with a zero.
        let outcome =
            unsafe { self.controller.getParamValueByString(id.0, wide.as_mut_ptr(), &mut normalized) };
        (outcome == kResultOk && normalized.is_finite()).then(|| normalized.clamp(0.0, 1.0))
    }

    fn set_normalized(&mut self, id: ParamId, normalized: f64) -> Result<(), HostError> {
        self.param_known(id, "setParamNormalized")?;
        // SAFETY: the controller is alive.
        check("setParamNormalized", unsafe { self.controller.setParamNormalized(id.0, normalized) })?;
        if self.setup.is_some() {
            self.queued.push((id, normalized));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, HostError> {
        let stream = ComWrapper::new(Stream::default());
        let pointer = stream.to_com_ptr::<IBStream>().ok_or_else(no_stream)?;
        // SAFETY: the component and the stream are alive.
        check("getState", unsafe { self.component.getState(pointer.as_ptr()) })?;
        let bytes = stream.bytes.borrow().clone();
        Ok(bytes)
    }

    fn load_state(&mut self, state: &[u8]) -> Result<(), HostError> {
        let pointer = ComWrapper::new(Stream::of(state)).to_com_ptr::<IBStream>().ok_or_else(no_stream)?;
        // SAFETY: the component and the stream are alive.
        check("setState", unsafe { self.component.setState(pointer.as_ptr()) })?;
        let pointer = ComWrapper::new(Stream::of(state)).to_com_ptr::<IBStream>().ok_or_else(no_stream)?;
        // SAFETY: the controller and the stream are alive.
        match unsafe { self.controller.setComponentState(pointer.as_ptr()) } {
            outcome if outcome == kNotImplemented => Ok(()),
            outcome => check("setComponentState", outcome),
        }
    }

    fn latency_samples(&mut self) -> u32 {
        // SAFETY: the processor is alive.
        unsafe { self.processor.getLatencySamples() }
    }

    fn activate(&mut self, setup: Setup) -> Result<(), HostError> {
        self.deactivate();
        let mut told = ProcessSetup {
            processMode: process_mode(setup.rendering),
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: setup.max_block.max(1) as i32,
            sampleRate: setup.sample_rate,
        };
        // SAFETY: processor and component are alive, and the calls are in VST3's order.
        unsafe {
            check("setupProcessing", self.processor.setupProcessing(&mut told))?;
            self.activate_buses(1);
            check("setActive", self.component.setActive(1))?;
            // Many a plugin has nothing to do here and says so; VST3 lets it.
            self.processor.setProcessing(1);
        }
        (self.setup, self.clock, self.loudest) = (Some(setup), 0, 0.0);
        Ok(())
    }

    fn deactivate(&mut self) {
        if self.setup.take().is_some() {
            // SAFETY: processor and component are alive, and the calls are in VST3's order.
            unsafe {
                self.processor.setProcessing(0);
                self.component.setActive(0);
            }
            self.activate_buses(0);
        }
    }

    fn active(&self) -> Option<Setup> {
        self.setup
    }

    fn reset(&mut self) -> Result<(), HostError> {
        self.setup.ok_or(HostError::WrongState { call: "reset", needs: "active", todo: "activate" })?;
        // SAFETY: the processor is alive and active. VST3 has no call of its own: hosts pause processing.
        unsafe {
            self.processor.setProcessing(0);
            self.processor.setProcessing(1);
        }
        Ok(())
    }

    fn process(&mut self, block: &Block) -> Result<Vec<TimedEvent>, HostError> {
        let setup =
            self.setup.ok_or(HostError::WrongState { call: "process", needs: "active", todo: "activate" })?;
        self.fill_inbox(block);
        self.outbox.0.events.borrow_mut().clear();
        self.outbox.0.capacity.set(block.out_capacity.unwrap_or(usize::MAX));
        let mut context = block.transport.as_ref().map(|t| process_context(t, setup.sample_rate, self.clock));
        let filled = |channels: &[usize], sample: f32| -> Vec<Vec<Vec<f32>>> {
            channels.iter().map(|count| vec![vec![sample; block.samples as usize]; *count]).collect()
        };
        // The output starts as something that is not silence, as it may in a host: the plugin is to write it.
        let mut audio = [filled(&self.channels[0], 0.0), filled(&self.channels[1], UNWRITTEN)];
        let mut pointers = audio.each_mut().map(|buses| -> Vec<Vec<*mut f32>> {
            buses.iter_mut().map(|bus| bus.iter_mut().map(|channel| channel.as_mut_ptr()).collect()).collect()
        });
        let mut buses = pointers
            .each_mut()
            .map(|buses| -> Vec<AudioBusBuffers> { buses.iter_mut().map(|bus| bus_buffers(bus)).collect() });
        let [inputs, outputs] = &mut buses;
        let pointer_or_null = |buses: &mut Vec<AudioBusBuffers>| {
            if buses.is_empty() { std::ptr::null_mut() } else { buses.as_mut_ptr() }
        };
        let mut call = ProcessData {
            processMode: process_mode(setup.rendering),
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: block.samples as i32,
            numInputs: inputs.len() as i32,
            numOutputs: outputs.len() as i32,
            inputs: pointer_or_null(inputs),
            outputs: pointer_or_null(outputs),
            inputParameterChanges: self.changes.1.as_ptr(),
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: self.inbox.1.as_ptr(),
            outputEvents: self.outbox.1.as_ptr(),
            processContext: context.as_mut().map_or(std::ptr::null_mut(), |context| context),
        };
        // SAFETY: the processor is alive and active, and all that the call points at outlives it.
        check("process", unsafe { self.processor.process(&mut call) })?;
        self.clock += i64::from(block.samples);
        self.loudest = audio[1]
            .iter()
            .flatten()
            .flatten()
            .fold(self.loudest, |loudest, sample| loudest.max(sample.abs()));
        let heard = self.outbox.0.events.borrow();
        Ok(heard
            .iter()
            .map(|event| TimedEvent { offset: event.sampleOffset.max(0) as u32, event: read_event(event) })
            .collect())
    }

    fn loudest(&self) -> f32 {
        self.loudest
    }

    fn idle(&mut self) {
        let edits = self.application.edits.take();
        self.queued.extend(edits.into_iter().map(|(id, normalized)| (ParamId(id), normalized)));
    }

    #[cfg(target_os = "linux")]
    fn open_editor(&mut self, window: &Window) -> Result<(u32, u32), HostError> {
        self.close_editor();
        // SAFETY: the controller is alive, the name ends in a zero, and the view that comes back is ours.
        let view = unsafe { ComPtr::from_raw(self.controller.createView(Vst::ViewType::kEditor)) };
        let view: ComPtr<IPlugView> = view.ok_or_else(|| no_editor(Format::Vst3))?;
        let mut size = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
        // SAFETY: the view is alive; the window is open, and stays so until `close_editor`, as this host's callers see to.
        unsafe {
            check("IPlugView::getSize", view.getSize(&mut size))?;
            let parent = std::ptr::with_exposed_provenance_mut(window.id() as usize);
            check("IPlugView::attached", view.attached(parent, kPlatformTypeX11EmbedWindowID))?;
        }
        self.view = Some(view);
        Ok(((size.right - size.left) as u32, (size.bottom - size.top) as u32))
    }

    #[cfg(target_os = "linux")]
    fn close_editor(&mut self) {
        if let Some(view) = self.view.take() {
            // SAFETY: the view is alive and attached; after this only its reference is released.
            unsafe { view.removed() };
        }
    }
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        self.close_editor();
        self.deactivate();
        // SAFETY: all are alive; nothing is called on them after this but the release of their references.
        unsafe {
            self.controller.setComponentHandler(std::ptr::null_mut());
            if self.has_own_controller {
                self.controller.terminate();
            }
            self.component.terminate();
        }
    }
}

fn check(call: &'static str, outcome: tresult) -> Result<(), HostError> {
    if outcome == kResultOk {
        Ok(())
    } else {
        Err(HostError::Refused { call, reason: format!("result {outcome}") })
    }
}

fn no_stream() -> HostError {
    HostError::Refused { call: "IBStream", reason: "the stream has no interface".to_owned() }
}

fn process_mode(rendering: Rendering) -> i32 {
    match rendering {
        Rendering::Realtime => ProcessModes_::kRealtime as i32,
        Rendering::Offline => ProcessModes_::kOffline as i32,
    }
}

fn bus_buffers(channels: &mut [*mut f32]) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: channels.len() as i32,
        silenceFlags: 0,
        __field0: Vst::AudioBusBuffers__type0 { channelBuffers32: channels.as_mut_ptr() },
    }
}
