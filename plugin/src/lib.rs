//! ReaLchords, the instrument: a MIDI effect that answers a melody with chords as it is played.
//! This file says who we are to hosts and wires the rooms together; it holds no logic.

pub mod audio;
pub mod editor;
pub mod health;
mod host;
pub mod links;
pub mod memory;
pub mod params;
pub mod presets;
pub mod voicing;
pub mod wish;
pub mod worker;

use audio::Audio;
use links::{EditorEnd, Health, WorkerEnd};
use nice_plug::prelude::*;
use std::sync::Arc;
use worker::Worker;

/// The CLAP note effect: no audio ports.
const NOTE_EFFECT: u8 = 0;
/// The VST3 instrument with a silent stereo output, for hosts that refuse plugins without audio.
const INSTRUMENT: u8 = 1;
/// The VST3 effect without buses, for hosts that put MIDI effects before instruments.
const MIDI_FX: u8 = 2;

/// An instance, in one of its dresses.
pub struct Chords<const DRESS: u8> {
    params: Arc<params::ChordsParams>,
    audio: Audio,
    pace: host::Pace,
    seams: host::Seams,
    overhang: host::Overhang<()>,
    note_ids: host::NoteIds,
    /// Handed to the worker at the first activation: a scan never opens the model.
    worker_end: Option<WorkerEnd>,
    worker: Option<Worker>,
    editor_end: Option<EditorEnd>,
}

/// The dress in which it stands without a host: with an audio output, whose clock it goes by.
#[cfg(feature = "standalone")]
pub type Standalone = Chords<INSTRUMENT>;

impl<const DRESS: u8> Default for Chords<DRESS> {
    fn default() -> Self {
        let health = Arc::new(Health::default());
        let params = Arc::new(params::ChordsParams::new(&health));
        let (audio_end, worker_end, editor_end) = links::connect(health);
        Self {
            params,
            audio: Audio::new(audio_end),
            pace: host::Pace::default(),
            seams: host::Seams::default(),
            overhang: host::Overhang::default(),
            note_ids: host::NoteIds::default(),
            worker_end: Some(worker_end),
            worker: None,
            editor_end: Some(editor_end),
        }
    }
}

impl<const DRESS: u8> Plugin for Chords<DRESS> {
    const NAME: &'static str = if DRESS == MIDI_FX { "ReaLchords (MIDI FX)" } else { "ReaLchords" };
    const VENDOR: &'static str = "ReaLchords";
    const URL: &'static str = env!("CARGO_PKG_REPOSITORY");
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = if DRESS == INSTRUMENT {
        &[AudioIOLayout { main_output_channels: NonZeroU32::new(2), ..AudioIOLayout::const_default() }]
    } else {
        &[]
    };
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;
    // Queues grow in the audio thread when they are full: so that ten thousand notes in a block do not allocate.
    const INPUT_EVENT_CAPACITY: usize = 16_384;
    // A block is cut where a parameter changes, so that a switch is pressed at its sample, whatever the block size.
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = editor::ChordsEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Self::Editor> {
        editor::open(self.params.clone(), self.editor_end.take()?)
    }

    fn filter_state(state: &mut PluginState) {
        params::complete(state);
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        buffer: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.pace.activate(context.plugin_api(), buffer.process_mode, buffer.sample_rate);
        self.seams.activate(buffer.max_buffer_size);
        if let Some(end) = self.worker_end.take() {
            self.worker = Some(Worker::start(end, self.params.shared()));
        }
        context.set_latency_samples(0);
        true
    }

    fn reset(&mut self) {
        self.pace.reset();
        self.seams.reset();
        self.audio.reset();
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let num_samples = buffer.samples() as u32;
        buffer.as_slice().iter_mut().for_each(|channel| channel.fill(0.0));
        let block = host::block(context, &self.params, num_samples, &mut self.pace, &mut self.seams);
        let port = &mut host::HostPort::new(context, &mut self.overhang, &mut self.note_ids, num_samples);
        self.audio.process(&block, port);
        ProcessStatus::KeepAlive
    }

    fn deactivate(&mut self) {
        self.audio.reset();
    }
}

impl ClapPlugin for Chords<NOTE_EFFECT> {
    const CLAP_ID: &'static str = "org.realchords.realchords";
    const CLAP_DESCRIPTION: Option<&'static str> = Some("Answers a melody with chords as it is played");
    const CLAP_MANUAL_URL: Option<&'static str> = Some(Self::URL);
    const CLAP_SUPPORT_URL: Option<&'static str> = Some(Self::URL);
    const CLAP_FEATURES: &'static [ClapFeature] = &[ClapFeature::NoteEffect, ClapFeature::Utility];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        self.params.remote_controls(context);
    }
}

impl Vst3Plugin for Chords<INSTRUMENT> {
    const VST3_CLASS_ID: [u8; 16] = *b"ReaLchordsSynth1";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Tools];
}

impl Vst3Plugin for Chords<MIDI_FX> {
    const VST3_CLASS_ID: [u8; 16] = *b"ReaLchordsMidiFx";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Tools];
}

nice_export_clap!(Chords<NOTE_EFFECT>);
nice_export_vst3!(Chords<INSTRUMENT>, Chords<MIDI_FX>);
