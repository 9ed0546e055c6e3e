//! What a host hands the plugin in one call, and what it gets back. Plain values; no format's own types.

use crate::host::ParamId;

/// One musical event, in or out. Channels are 0..16, keys 0..128; all other values are 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A note starts.
    NoteOn {
        /// MIDI channel, 0-based.
        channel: u8,
        /// MIDI key.
        key: u8,
        /// How hard.
        velocity: f32,
    },
    /// A note ends.
    NoteOff {
        /// MIDI channel, 0-based.
        channel: u8,
        /// MIDI key.
        key: u8,
        /// Release velocity.
        velocity: f32,
    },
    /// A note is cut off at once (CLAP only; to VST3 it goes as a note-off).
    Choke {
        /// MIDI channel, 0-based.
        channel: u8,
        /// MIDI key.
        key: u8,
    },
    /// Every note ends: CLAP's wildcard choke. VST3 has none; such a host ends what it knows of one by one,
    /// so it sends nothing here.
    ChokeAll,
    /// Pressure on one key.
    KeyPressure {
        /// MIDI channel, 0-based.
        channel: u8,
        /// MIDI key.
        key: u8,
        /// How much.
        pressure: f32,
    },
    /// A control change.
    Controller {
        /// MIDI channel, 0-based.
        channel: u8,
        /// Controller number, 0..128; 64 is the sustain pedal.
        number: u8,
        /// Its value.
        value: f32,
    },
    /// Pressure on the channel.
    ChannelPressure {
        /// MIDI channel, 0-based.
        channel: u8,
        /// How much.
        pressure: f32,
    },
    /// The pitch wheel.
    Bend {
        /// MIDI channel, 0-based.
        channel: u8,
        /// 0.5 is the centre.
        value: f32,
    },
    /// A program change.
    Program {
        /// MIDI channel, 0-based.
        channel: u8,
        /// Program number, 0..128.
        number: u8,
    },
    /// Anything else that came out of a plugin: its first bytes if it was MIDI, else zeros.
    Other([u8; 3]),
}

impl Event {
    /// The event in three MIDI bytes; `None` where MIDI 1 has none for it.
    pub fn to_midi(self) -> Option<[u8; 3]> {
        let seven = |value: f32| (value.clamp(0.0, 1.0) * 127.0).round() as u8;
        Some(match self {
            Self::NoteOn { channel, key, velocity } => {
                [0x90 | channel & 15, key & 127, seven(velocity).max(1)]
            }
            Self::NoteOff { channel, key, velocity } => [0x80 | channel & 15, key & 127, seven(velocity)],
            Self::Choke { channel, key } => [0x80 | channel & 15, key & 127, 0],
            Self::KeyPressure { channel, key, pressure } => [0xa0 | channel & 15, key & 127, seven(pressure)],
            Self::Controller { channel, number, value } => [0xb0 | channel & 15, number & 127, seven(value)],
            Self::Program { channel, number } => [0xc0 | channel & 15, number & 127, 0],
            Self::ChannelPressure { channel, pressure } => [0xd0 | channel & 15, seven(pressure), 0],
            Self::Bend { channel, value } => {
                let wheel = (f64::from(value.clamp(0.0, 1.0)) * 16384.0).round().min(16383.0) as u16;
                [0xe0 | channel & 15, (wheel & 127) as u8, (wheel >> 7) as u8]
            }
            Self::ChokeAll | Self::Other(_) => return None,
        })
    }

    /// The event three MIDI bytes stand for. A note-on of velocity 0 is a note-off, as MIDI says.
    pub fn from_midi(bytes: [u8; 3]) -> Self {
        let [status, first, second] = bytes;
        let (channel, first, second) = (status & 15, first & 127, second & 127);
        let unit = |seven: u8| f32::from(seven) / 127.0;
        match status >> 4 {
            0x9 if second > 0 => Self::NoteOn { channel, key: first, velocity: unit(second) },
            0x8 | 0x9 => Self::NoteOff { channel, key: first, velocity: unit(second) },
            0xa => Self::KeyPressure { channel, key: first, pressure: unit(second) },
            0xb => Self::Controller { channel, number: first, value: unit(second) },
            0xc => Self::Program { channel, number: first },
            0xd => Self::ChannelPressure { channel, pressure: unit(first) },
            0xe => {
                let wheel = u16::from(second) << 7 | u16::from(first);
                Self::Bend { channel, value: f32::from(wheel) / 16384.0 }
            }
            _ => Self::Other(bytes),
        }
    }
}

/// An event at a sample of its block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedEvent {
    /// Samples since the block's start.
    pub offset: u32,
    /// The event.
    pub event: Event,
}

/// A parameter's new value at a sample of its block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamChange {
    /// Samples since the block's start.
    pub offset: u32,
    /// Which parameter.
    pub id: ParamId,
    /// Its value as a share of its range, 0..=1.
    pub normalized: f64,
}

/// What the host says of its transport at the block's first sample. What is `None` is left out of what the
/// plugin is given, and any number may be given, sane or not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// Whether it plays.
    pub playing: bool,
    /// Whether it records.
    pub recording: bool,
    /// Quarter notes a minute.
    pub tempo: Option<f64>,
    /// Position in quarter notes since the song's start.
    pub beats: Option<f64>,
    /// Position of the last bar line, in quarter notes.
    pub bar_start: Option<f64>,
    /// Numerator and denominator of the time signature.
    pub meter: Option<(u16, u16)>,
    /// The active loop's start and end in quarter notes; `None` where no loop is active.
    pub looped: Option<(f64, f64)>,
}

impl Transport {
    /// A transport in common time without a loop, at so many quarter notes from the song's start.
    pub fn common_time(playing: bool, bpm: f64, beats: f64) -> Self {
        Self {
            playing,
            recording: false,
            tempo: Some(bpm),
            beats: Some(beats),
            bar_start: Some((beats / 4.0).floor() * 4.0),
            meter: Some((4, 4)),
            looped: None,
        }
    }
}

/// One call to the plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// How many samples; at most the `max_block` of [`crate::Setup`].
    pub samples: u32,
    /// The transport; `None` where the host has none at all.
    pub transport: Option<Transport>,
    /// What is played, in order of offset.
    pub events: Vec<TimedEvent>,
    /// Automation, in order of offset.
    pub params: Vec<ParamChange>,
    /// How many events the host's queue takes from the plugin in this block; `None` is no limit.
    pub out_capacity: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midi_bytes_round_trip() {
        for status in 0x80..=0xefu8 {
            for (first, second) in [(0, 1), (60, 100), (127, 127), (64, 64)] {
                let bytes = match status >> 4 {
                    0xc | 0xd => [status, first, 0],
                    _ => [status, first, second],
                };
                assert_eq!(Event::from_midi(bytes).to_midi(), Some(bytes), "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn the_wheel_rests_in_the_middle() {
        assert_eq!(Event::from_midi([0xe0, 0, 64]), Event::Bend { channel: 0, value: 0.5 });
        assert_eq!(Event::Bend { channel: 3, value: 0.5 }.to_midi(), Some([0xe3, 0, 64]));
    }

    #[test]
    fn a_note_on_without_velocity_ends_the_note() {
        assert_eq!(Event::from_midi([0x91, 60, 0]), Event::NoteOff { channel: 1, key: 60, velocity: 0.0 });
    }
}
