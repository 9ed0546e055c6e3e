//! Events and transport between our terms and CLAP's. Pure translation.

use crate::block::{Event, TimedEvent, Transport};
use clack_host::{
    events::{
        EventFlags, EventHeader, Match, Pckn,
        event_types::{MidiEvent, NoteChokeEvent, NoteOffEvent, NoteOnEvent, TransportEvent, TransportFlags},
        spaces::CoreEventSpace,
    },
    prelude::*,
    utils::{BeatTime, SecondsTime},
};

/// The transport in CLAP's terms. CLAP has no flag for a missing bar line: hosts then leave it at 0.
pub fn transport_event(transport: &Transport) -> TransportEvent {
    let mut flags = TransportFlags::empty();
    flags.set(TransportFlags::IS_PLAYING, transport.playing);
    flags.set(TransportFlags::IS_RECORDING, transport.recording);
    flags.set(TransportFlags::HAS_TEMPO, transport.tempo.is_some());
    flags.set(TransportFlags::HAS_BEATS_TIMELINE, transport.beats.is_some());
    flags.set(TransportFlags::HAS_TIME_SIGNATURE, transport.meter.is_some());
    flags.set(TransportFlags::IS_LOOP_ACTIVE, transport.looped.is_some());
    let beats = |value: f64| BeatTime::from_float(value);
    let bar_start = transport.bar_start.unwrap_or(0.0);
    let (numerator, denominator) = transport.meter.unwrap_or((0, 0));
    let (loop_start, loop_end) = transport.looped.unwrap_or((0.0, 0.0));
    let bar_beats = f64::from(numerator) * 4.0 / f64::from(denominator);
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags,
        song_pos_beats: beats(transport.beats.unwrap_or(0.0)),
        song_pos_seconds: SecondsTime::from_float(0.0),
        tempo: transport.tempo.unwrap_or(0.0),
        tempo_inc: 0.0,
        loop_start_beats: beats(loop_start),
        loop_end_beats: beats(loop_end),
        loop_start_seconds: SecondsTime::from_float(0.0),
        loop_end_seconds: SecondsTime::from_float(0.0),
        bar_start: beats(bar_start),
        bar_number: if transport.bar_start.is_some() && bar_beats > 0.0 {
            (bar_start / bar_beats) as i32
        } else {
            0
        },
        time_signature_numerator: numerator,
        time_signature_denominator: denominator,
    }
}

/// Hands an event to the plugin: notes as CLAP's own, all else as MIDI.
pub fn push_event(inbox: &mut EventBuffer, TimedEvent { offset, event }: TimedEvent) {
    let note = |channel: u8, key: u8| Pckn::new(0u16, u16::from(channel), u16::from(key), Match::All);
    match event {
        Event::NoteOn { channel, key, velocity } => {
            inbox.push(&NoteOnEvent::new(offset, note(channel, key), f64::from(velocity)));
        }
        Event::NoteOff { channel, key, velocity } => {
            inbox.push(&NoteOffEvent::new(offset, note(channel, key), f64::from(velocity)));
        }
        Event::Choke { channel, key } => inbox.push(&NoteChokeEvent::new(offset, note(channel, key))),
        Event::ChokeAll => inbox.push(&NoteChokeEvent::new(offset, Pckn::match_all())),
        other => {
            if let Some(bytes) = other.to_midi() {
                inbox.push(&MidiEvent::new(offset, 0, bytes));
            }
        }
    }
}

/// What a plugin's event means; `None` for what is not music.
pub fn read_event(event: CoreEventSpace<'_>) -> Option<Event> {
    let note = |pckn: Pckn| match (pckn.channel, pckn.key) {
        (Match::Specific(channel), Match::Specific(key)) => Some((channel as u8, key as u8)),
        _ => None,
    };
    Some(match event {
        CoreEventSpace::NoteOn(on) => {
            let (channel, key) = note(on.pckn())?;
            Event::NoteOn { channel, key, velocity: on.velocity() as f32 }
        }
        CoreEventSpace::NoteOff(off) => match note(off.pckn()) {
            Some((channel, key)) => Event::NoteOff { channel, key, velocity: off.velocity() as f32 },
            None => Event::ChokeAll,
        },
        CoreEventSpace::NoteChoke(choke) => match note(choke.pckn()) {
            Some((channel, key)) => Event::Choke { channel, key },
            None => Event::ChokeAll,
        },
        CoreEventSpace::Midi(midi) => Event::from_midi(midi.data()),
        CoreEventSpace::MidiSysEx(_) | CoreEventSpace::Midi2(_) | CoreEventSpace::NoteExpression(_) => {
            Event::Other([0; 3])
        }
        _ => return None,
    })
}
