//! Events and transport between our terms and CLAP's. Pure translation.

use crate::block::{Event, TimedEvent, Transport};
use clack_host::{
    events::{
        EventFlags, EventHeader, Match, Pckn,
        event_types::{
            MidiEvent, NoteChokeEvent, NoteExpressionType, NoteOffEvent, NoteOnEvent, TransportEvent,
            TransportFlags,
        },
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
        // CLAP's own pressure on a key.
        CoreEventSpace::NoteExpression(pressed)
            if pressed.expression_type() == Some(NoteExpressionType::Pressure) =>
        {
            let (channel, key) = note(pressed.pckn())?;
            Event::KeyPressure { channel, key, pressure: pressed.value() as f32 }
        }
        CoreEventSpace::MidiSysEx(_) | CoreEventSpace::Midi2(_) | CoreEventSpace::NoteExpression(_) => {
            Event::Other([0; 3])
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_went() {
        let events = [
            Event::NoteOn { channel: 3, key: 60, velocity: 0.5 },
            Event::NoteOff { channel: 3, key: 60, velocity: 0.25 },
            Event::Choke { channel: 15, key: 127 },
            Event::ChokeAll,
            Event::Controller { channel: 0, number: 64, value: 1.0 },
            Event::ChannelPressure { channel: 1, pressure: 0.0 },
            Event::KeyPressure { channel: 1, key: 5, pressure: 1.0 },
            Event::Bend { channel: 2, value: 0.5 },
            Event::Program { channel: 2, number: 9 },
        ];
        for event in events {
            let mut inbox = EventBuffer::new();
            push_event(&mut inbox, TimedEvent { offset: 7, event });
            let sent = inbox.get(0).expect("an event");
            assert_eq!(sent.header().time(), 7);
            assert_eq!(sent.as_core_event().and_then(read_event), Some(event));
        }
    }

    #[test]
    fn what_the_host_leaves_out_is_not_flagged() {
        let said = transport_event(&Transport { playing: true, tempo: Some(90.0), ..Transport::default() });
        assert_eq!(said.flags, TransportFlags::IS_PLAYING | TransportFlags::HAS_TEMPO);
        let looped = Transport {
            beats: Some(9.5),
            bar_start: Some(8.0),
            meter: Some((4, 4)),
            looped: Some((8.0, 12.0)),
            ..Transport::default()
        };
        let said = transport_event(&looped);
        assert_eq!(
            (said.song_pos_beats.to_float(), said.bar_number, said.loop_end_beats.to_float()),
            (9.5, 2, 12.0)
        );
        assert!(said.flags.contains(TransportFlags::IS_LOOP_ACTIVE | TransportFlags::HAS_TIME_SIGNATURE));
    }
}
