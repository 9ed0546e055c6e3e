//! A VST3 host for one plugin instance: component, processor and controller of one class, called from the thread
//! that made them. It opens no window.
#![expect(unsafe_code, reason = "COM methods are unsafe functions over raw pointers")]

use crate::{
    block::{Block, Event, TimedEvent, Transport},
    host::{Format, HostError, Param, ParamId, PluginHost, Ports, Rendering, Setup},
    vst3_com::{Application, EventList, ParameterChanges, Stream},
    vst3_module::{Module, PluginClass},
};
use std::{ffi::c_void, path::Path, rc::Rc};
use vst3::{
    ComPtr, ComWrapper, Interface,
    Steinberg::{
        FUnknown, IBStream, IPluginBaseTrait, IPluginFactoryTrait, Vst,
        Vst::{
            AudioBusBuffers, BusDirections_, ControllerNumbers_,
            Event_::EventTypes_,
            IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentHandler, IComponentTrait,
            IConnectionPoint, IConnectionPointTrait, IEditController, IEditControllerTrait, IEventList,
            IHostApplication, IMidiMapping, IMidiMappingTrait, IParameterChanges, MediaTypes_,
            ParameterInfo_::{ParameterFlags, ParameterFlags_},
            ProcessContext,
            ProcessContext_::StatesAndFlags_,
            ProcessData, ProcessModes_, ProcessSetup, SymbolicSampleSizes_,
        },
        kNotImplemented, kResultOk, kResultTrue, tresult,
    },
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
            create(&module, &class.id).ok_or_else(|| failed("it creates no component"))?;
        // SAFETY: the component is alive, and so is the context while the host is.
        if unsafe { component.initialize(context.as_ptr().cast::<FUnknown>()) } != kResultOk {
            return Err(failed("its component does not initialise"));
        }
        let processor =
            component.cast::<IAudioProcessor>().ok_or_else(|| failed("it has no audio processor"))?;
        let (controller, has_own_controller) =
            controller_of(&module, &component, &context).ok_or_else(|| failed("it has no controller"))?;
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
        let mut host = Self {
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
            params: Vec::new(),
            ports: Ports::default(),
            channels: [Vec::new(), Vec::new()],
            setup: None,
            queued: Vec::new(),
            clock: 0,
            loudest: 0.0,
            _module: module,
        };
        host.survey_buses();
        host.survey_params();
        Ok(host)
    }

    /// The names of a module's audio plugins, in its order.
    ///
    /// # Errors
    /// [`HostError::Load`] where it does not load.
    pub fn class_names(path: impl AsRef<Path>) -> Result<Vec<String>, HostError> {
        Ok(Module::open(path.as_ref())?.classes().into_iter().map(|class| class.name).collect())
    }

    fn survey_buses(&mut self) {
        let count = |media: i32, direction: i32| {
            // SAFETY: the component is alive.
            unsafe { self.component.getBusCount(media, direction) }.max(0) as u32
        };
        let (audio, event) = (MediaTypes_::kAudio as i32, MediaTypes_::kEvent as i32);
        let (input, output) = (BusDirections_::kInput as i32, BusDirections_::kOutput as i32);
        self.ports = Ports {
            audio_in: count(audio, input),
            audio_out: count(audio, output),
            notes_in: count(event, input),
            notes_out: count(event, output),
        };
        for (channels, (direction, buses)) in
            self.channels.iter_mut().zip([(input, self.ports.audio_in), (output, self.ports.audio_out)])
        {
            for idx in 0..buses as i32 {
                // SAFETY: a struct of numbers and characters, for which zeros are a value; the plugin fills it in.
                let mut bus: Vst::BusInfo = unsafe { std::mem::zeroed() };
                // SAFETY: the component is alive and the index is below its count.
                let known =
                    unsafe { self.component.getBusInfo(audio, direction, idx, &mut bus) } == kResultOk;
                channels.push(if known { bus.channelCount.max(0) as usize } else { 0 });
            }
        }
    }

    fn survey_params(&mut self) {
        // Parameters that stand for MIDI controllers are the host's business and not a person's.
        let for_midi: std::collections::HashSet<u32> = (0..16)
            .flat_map(|channel| {
                (0..ControllerNumbers_::kCountCtrlNumber as u8).map(move |number| (channel, number))
            })
            .filter_map(|(channel, number)| self.midi_param(channel, i16::from(number)))
            .collect();
        // SAFETY: the controller is alive.
        let count = unsafe { self.controller.getParameterCount() };
        for idx in 0..count {
            // SAFETY: a struct of numbers and characters, for which zeros are a value; the plugin fills it in.
            let mut found: Vst::ParameterInfo = unsafe { std::mem::zeroed() };
            // SAFETY: the controller is alive and the index is below its count.
            if unsafe { self.controller.getParameterInfo(idx, &mut found) } != kResultOk
                || for_midi.contains(&found.id)
            {
                continue;
            }
            let has = |flag: ParameterFlags| i64::from(found.flags) & i64::from(flag) != 0;
            self.params.push(Param {
                id: ParamId(found.id),
                name: wide_text(&found.title),
                min: 0.0,
                max: 1.0,
                default: found.defaultNormalizedValue,
                num_steps: (found.stepCount > 0).then_some(found.stepCount as u32),
                is_automatable: has(ParameterFlags_::kCanAutomate),
                is_hidden: has(ParameterFlags_::kIsHidden),
                is_read_only: has(ParameterFlags_::kIsReadOnly),
                is_bypass: has(ParameterFlags_::kIsBypass),
            });
        }
    }

    /// The parameter that stands for a MIDI controller of a channel.
    fn midi_param(&self, channel: u8, number: i16) -> Option<u32> {
        let mut id = 0;
        // SAFETY: the controller is alive.
        let known = unsafe {
            self.midi.as_ref()?.getMidiControllerAssignment(0, i16::from(channel), number, &mut id)
        };
        (known == kResultTrue).then_some(id)
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
                if let Some(id) = self.midi_param(channel, number) {
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
        let silence = |channels: &Vec<usize>| -> Vec<Vec<Vec<f32>>> {
            channels.iter().map(|count| vec![vec![0.0; block.samples as usize]; *count]).collect()
        };
        let mut audio = [silence(&self.channels[0]), silence(&self.channels[1])];
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
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
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

/// An object of a class, as one of its interfaces.
fn create<I: Interface>(module: &Module, class: &vst3::Steinberg::TUID) -> Option<ComPtr<I>> {
    let mut object: *mut c_void = std::ptr::null_mut();
    // SAFETY: the factory is alive; both ids are 16 bytes.
    let outcome =
        unsafe { module.factory().createInstance(class.as_ptr(), I::IID.as_ptr().cast(), &mut object) };
    if outcome != kResultOk {
        return None;
    }
    // SAFETY: the factory handed over a reference to an object with the interface that it was asked for, or null.
    unsafe { ComPtr::from_raw(object.cast::<I>()) }
}

/// The component's controller, and whether it is an object of its own.
fn controller_of(
    module: &Module,
    component: &ComPtr<IComponent>,
    context: &ComPtr<IHostApplication>,
) -> Option<(ComPtr<IEditController>, bool)> {
    if let Some(controller) = component.cast::<IEditController>() {
        return Some((controller, false));
    }
    let mut class: vst3::Steinberg::TUID = [0; 16];
    // SAFETY: the component is alive and the place takes one id.
    if unsafe { component.getControllerClassId(&mut class) } != kResultOk {
        return None;
    }
    let controller: ComPtr<IEditController> = create(module, &class)?;
    // SAFETY: the controller is alive, and so is the context while the host is.
    if unsafe { controller.initialize(context.as_ptr().cast::<FUnknown>()) } != kResultOk {
        return None;
    }
    if let (Some(ours), Some(theirs)) =
        (component.cast::<IConnectionPoint>(), controller.cast::<IConnectionPoint>())
    {
        // SAFETY: both are alive.
        unsafe {
            ours.connect(theirs.as_ptr());
            theirs.connect(ours.as_ptr());
        }
    }
    Some((controller, true))
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

fn wide_text(text: &Vst::String128) -> String {
    let units: Vec<u16> = text.iter().take_while(|unit| **unit != 0).copied().collect();
    String::from_utf16_lossy(&units)
}

/// The transport in VST3's terms.
fn process_context(transport: &Transport, sample_rate: f64, clock: i64) -> ProcessContext {
    // SAFETY: a struct of numbers, for which zeros are a value.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    let mut state = 0i64;
    let mut set = |flag: Vst::ProcessContext_::StatesAndFlags, on: bool| {
        if on {
            state |= i64::from(flag);
        }
    };
    set(StatesAndFlags_::kPlaying, transport.playing);
    set(StatesAndFlags_::kRecording, transport.recording);
    set(StatesAndFlags_::kTempoValid, transport.tempo.is_some());
    set(StatesAndFlags_::kProjectTimeMusicValid, transport.beats.is_some());
    set(StatesAndFlags_::kBarPositionValid, transport.bar_start.is_some());
    set(StatesAndFlags_::kTimeSigValid, transport.meter.is_some());
    set(StatesAndFlags_::kCycleActive | StatesAndFlags_::kCycleValid, transport.looped.is_some());
    set(StatesAndFlags_::kContTimeValid, true);
    context.state = state as u32;
    context.sampleRate = sample_rate;
    context.projectTimeSamples = clock;
    context.continousTimeSamples = clock;
    context.projectTimeMusic = transport.beats.unwrap_or(0.0);
    context.barPositionMusic = transport.bar_start.unwrap_or(0.0);
    (context.cycleStartMusic, context.cycleEndMusic) = transport.looped.unwrap_or((0.0, 0.0));
    context.tempo = transport.tempo.unwrap_or(0.0);
    let (numerator, denominator) = transport.meter.unwrap_or((0, 0));
    (context.timeSigNumerator, context.timeSigDenominator) = (i32::from(numerator), i32::from(denominator));
    context
}

/// A note in VST3's terms; `None` for what VST3 has no event for.
fn note_event(offset: u32, event: Event) -> Option<Vst::Event> {
    let (kind, field) = match event {
        Event::NoteOn { channel, key, velocity } => {
            let note = Vst::NoteOnEvent {
                channel: i16::from(channel),
                pitch: i16::from(key),
                tuning: 0.0,
                velocity,
                length: 0,
                noteId: -1,
            };
            (EventTypes_::kNoteOnEvent, Vst::Event__type0 { noteOn: note })
        }
        Event::NoteOff { channel, key, .. } | Event::Choke { channel, key } => {
            let velocity = if let Event::NoteOff { velocity, .. } = event { velocity } else { 0.0 };
            let note = Vst::NoteOffEvent {
                channel: i16::from(channel),
                pitch: i16::from(key),
                velocity,
                noteId: -1,
                tuning: 0.0,
            };
            (EventTypes_::kNoteOffEvent, Vst::Event__type0 { noteOff: note })
        }
        Event::KeyPressure { channel, key, pressure } => {
            let poly = Vst::PolyPressureEvent {
                channel: i16::from(channel),
                pitch: i16::from(key),
                pressure,
                noteId: -1,
            };
            (EventTypes_::kPolyPressureEvent, Vst::Event__type0 { polyPressure: poly })
        }
        _ => return None,
    };
    Some(Vst::Event {
        busIndex: 0,
        sampleOffset: offset as i32,
        ppqPosition: 0.0,
        flags: 0,
        r#type: kind as u16,
        __field0: field,
    })
}

/// What a plugin's event means.
fn read_event(event: &Vst::Event) -> Event {
    let is = |kind: Vst::Event_::EventTypes| event.r#type == kind as u16;
    // SAFETY: the type says which field of the union was written.
    unsafe {
        if is(EventTypes_::kNoteOnEvent) {
            let note = event.__field0.noteOn;
            Event::NoteOn { channel: note.channel as u8, key: note.pitch as u8, velocity: note.velocity }
        } else if is(EventTypes_::kNoteOffEvent) {
            let note = event.__field0.noteOff;
            Event::NoteOff { channel: note.channel as u8, key: note.pitch as u8, velocity: note.velocity }
        } else if is(EventTypes_::kPolyPressureEvent) {
            let poly = event.__field0.polyPressure;
            Event::KeyPressure { channel: poly.channel as u8, key: poly.pitch as u8, pressure: poly.pressure }
        } else if is(EventTypes_::kLegacyMIDICCOutEvent) {
            let out = event.__field0.midiCCOut;
            let channel = out.channel as u8 & 15;
            let [first, second] = [out.value as u8, out.value2 as u8];
            Event::from_midi(match i64::from(out.controlNumber) {
                number if number == i64::from(ControllerNumbers_::kAfterTouch) => [0xd0 | channel, first, 0],
                number if number == i64::from(ControllerNumbers_::kPitchBend) => {
                    [0xe0 | channel, first, second]
                }
                number if number == i64::from(ControllerNumbers_::kCtrlProgramChange) => {
                    [0xc0 | channel, first, 0]
                }
                number if number == i64::from(ControllerNumbers_::kCtrlPolyPressure) => {
                    [0xa0 | channel, first, second]
                }
                number => [0xb0 | channel, number as u8, first],
            })
        } else {
            Event::Other([0; 3])
        }
    }
}
