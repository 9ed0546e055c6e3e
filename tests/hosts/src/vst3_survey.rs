//! Asks a VST3 plugin for its buses and parameters.
#![expect(unsafe_code, reason = "COM methods are unsafe functions over raw pointers")]

use crate::host::{Param, ParamId, Ports};
use std::collections::HashSet;
use vst3::{
    ComPtr,
    Steinberg::{
        Vst,
        Vst::{
            BusDirections_, ControllerNumbers_, IComponent, IComponentTrait, IEditController,
            IEditControllerTrait, IMidiMapping, IMidiMappingTrait, MediaTypes_,
            ParameterInfo_::{ParameterFlags, ParameterFlags_},
        },
        kResultOk, kResultTrue,
    },
};

/// How many buses there are, and the channels of each audio bus, in and out.
pub fn survey_buses(component: &ComPtr<IComponent>) -> (Ports, [Vec<usize>; 2]) {
    let count = |media: i32, direction: i32| {
        // SAFETY: the component is alive.
        unsafe { component.getBusCount(media, direction) }.max(0) as u32
    };
    let (audio, event) = (MediaTypes_::kAudio as i32, MediaTypes_::kEvent as i32);
    let (input, output) = (BusDirections_::kInput as i32, BusDirections_::kOutput as i32);
    let ports = Ports {
        audio_in: count(audio, input),
        audio_out: count(audio, output),
        notes_in: count(event, input),
        notes_out: count(event, output),
    };
    let channels = [(input, ports.audio_in), (output, ports.audio_out)].map(|(direction, buses)| {
        let channels_of = |idx: i32| {
            // SAFETY: a struct of numbers and characters, for which zeros are a value; the plugin fills it in.
            let mut bus: Vst::BusInfo = unsafe { std::mem::zeroed() };
            // SAFETY: the component is alive and the index is below its count.
            let known = unsafe { component.getBusInfo(audio, direction, idx, &mut bus) } == kResultOk;
            if known { bus.channelCount.max(0) as usize } else { 0 }
        };
        (0..buses as i32).map(channels_of).collect()
    });
    (ports, channels)
}

/// The parameters, without those that stand for MIDI controllers: they are the host's business, not a person's.
pub fn survey_params(
    controller: &ComPtr<IEditController>,
    midi: Option<&ComPtr<IMidiMapping>>,
) -> Vec<Param> {
    let numbers = 0..ControllerNumbers_::kCountCtrlNumber as i16;
    let all = (0..16).flat_map(|channel| numbers.clone().map(move |number| (channel, number)));
    let for_midi: HashSet<u32> =
        all.filter_map(|(channel, number)| midi_param(midi, channel, number)).collect();
    let mut params = Vec::new();
    // SAFETY: the controller is alive.
    for idx in 0..unsafe { controller.getParameterCount() } {
        // SAFETY: a struct of numbers and characters, for which zeros are a value; the plugin fills it in.
        let mut found: Vst::ParameterInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the controller is alive and the index is below its count.
        let known = unsafe { controller.getParameterInfo(idx, &mut found) } == kResultOk;
        if !known || for_midi.contains(&found.id) {
            continue;
        }
        let has = |flag: ParameterFlags| found.flags & flag != 0;
        params.push(Param {
            id: ParamId(found.id),
            name: wide_text(&found.title),
            unit: wide_text(&found.units),
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
    params
}

/// The parameter that stands for a MIDI controller of a channel.
pub fn midi_param(midi: Option<&ComPtr<IMidiMapping>>, channel: u8, number: i16) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the controller is alive.
    let known = unsafe { midi?.getMidiControllerAssignment(0, i16::from(channel), number, &mut id) };
    (known == kResultTrue).then_some(id)
}

/// A fixed text up to its first zero.
pub fn wide_text(text: &Vst::String128) -> String {
    let units: Vec<u16> = text.iter().take_while(|unit| **unit != 0).copied().collect();
    String::from_utf16_lossy(&units)
}
