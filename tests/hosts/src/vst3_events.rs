//! Events and transport between our terms and VST3's. Pure translation.
#![expect(unsafe_code, reason = "events are unions, and structs of numbers start as zeros")]

use crate::block::{Event, Transport};
use vst3::Steinberg::{
    Vst,
    Vst::{ControllerNumbers_, Event_::EventTypes_, ProcessContext, ProcessContext_::StatesAndFlags_},
};

/// The transport in VST3's terms.
pub fn process_context(transport: &Transport, sample_rate: f64, clock: i64) -> ProcessContext {
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
pub fn note_event(offset: u32, event: Event) -> Option<Vst::Event> {
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
pub fn read_event(event: &Vst::Event) -> Event {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_as_they_went() {
        let events = [
            Event::NoteOn { channel: 3, key: 60, velocity: 0.5 },
            Event::NoteOff { channel: 3, key: 60, velocity: 0.25 },
            Event::KeyPressure { channel: 1, key: 5, pressure: 1.0 },
        ];
        for event in events {
            let sent = note_event(7, event).expect("an event");
            assert_eq!((sent.sampleOffset, read_event(&sent)), (7, event));
        }
        let choked = note_event(0, Event::Choke { channel: 1, key: 60 }).expect("an event");
        assert_eq!(read_event(&choked), Event::NoteOff { channel: 1, key: 60, velocity: 0.0 });
        assert!(note_event(0, Event::Bend { channel: 0, value: 0.5 }).is_none());
    }

    #[test]
    fn what_the_host_leaves_out_is_not_flagged() {
        let said = process_context(&Transport { tempo: Some(90.0), ..Transport::default() }, 48_000.0, 5);
        let expected = i64::from(StatesAndFlags_::kTempoValid) | i64::from(StatesAndFlags_::kContTimeValid);
        assert_eq!((i64::from(said.state), said.tempo, said.projectTimeSamples), (expected, 90.0, 5));
    }
}
