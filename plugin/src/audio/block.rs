//! What the host hands us in one call, in our words, and the port through which notes come and go.
//! Audio thread. Plain values: no host framework below here.

use super::{comping::Comping, controls::Control, listener::Hearing, sounding::Owner};
use crate::{
    links::Rules,
    voicing::{Arrangement, Bass},
};
use music::{grid::Beats, meter::Meter, pitch::Pitch};

/// An active loop of the host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// Where it starts.
    pub start: Beats,
    /// Where it ends.
    pub end: Beats,
}

/// What the host says of its transport, as of the block's first sample. Nothing here is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// Whether it plays.
    pub playing: bool,
    /// Its place.
    pub position: Option<Beats>,
    /// Its tempo in quarter notes a minute.
    pub tempo_bpm: Option<f64>,
    /// Its meter.
    pub meter: Option<Meter>,
    /// A bar line of that meter.
    pub bar_start: Option<Beats>,
    /// Its loop, if one is on.
    pub cycle: Option<Cycle>,
}

/// What becomes of the melody that comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pass {
    /// Only chords go out.
    #[default]
    ChordsOnly,
    /// The melody goes out as it came, and chords.
    MelodyAndChords,
    /// Only the melody goes out; chords are planned and shown but silent.
    MelodyOnly,
}

/// Which of our notes go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// The hands and the bass.
    #[default]
    Both,
    /// The hands alone.
    ChordsOnly,
    /// The bass alone.
    BassOnly,
}

/// The player's switches. What a pedal does to them stands in `audio::switches`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// The chord that sounds goes on: its switch is down.
    pub hold: bool,
    /// Chords are silent: its switch is down.
    pub mute: bool,
    /// Each press of these two switches over, rather than a switch being on while it is down.
    pub latching: bool,
    /// How often each was pressed so far.
    pub presses: Presses,
}

/// How often each switch went down, wrapping: only a difference means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presses {
    /// The chord that sounds goes on.
    pub hold: u32,
    /// Chords are silent.
    pub mute: u32,
    /// The next chord comes now.
    pub next: u32,
    /// Another plan is asked for.
    pub reroll: u32,
    /// The plan before that one again.
    pub undo: u32,
    /// All notes end.
    pub panic: u32,
}

impl Presses {
    /// The presses since others were counted.
    pub fn since(self, before: Self) -> Self {
        Self {
            hold: self.hold.wrapping_sub(before.hold),
            mute: self.mute.wrapping_sub(before.mute),
            next: self.next.wrapping_sub(before.next),
            reroll: self.reroll.wrapping_sub(before.reroll),
            undo: self.undo.wrapping_sub(before.undo),
            panic: self.panic.wrapping_sub(before.panic),
        }
    }
}

/// The settings the audio side goes by in one block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What the worker is told.
    pub rules: Rules,
    /// Which notes are the melody.
    pub hearing: Hearing,
    /// How chords are voiced.
    pub arrangement: Arrangement,
    /// How they are struck.
    pub comping: Comping,
    /// The player's switches.
    pub switches: Switches,
    /// The chords' channel, 0..16.
    pub chord_channel: u8,
    /// The bass notes' channel, 0..16.
    pub bass_channel: u8,
    /// Which of our notes go out.
    pub parts: Parts,
    /// What becomes of the melody.
    pub pass: Pass,
    /// The tempo of our own clock in quarter notes a minute, which runs while the host stands still.
    pub free_run_bpm: Option<f64>,
    /// The player has muted the chords; what the switches come to, so the audio side writes this.
    pub muted: bool,
    /// Whether the host has bypassed us: the melody passes, chords are silent.
    pub bypass: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            hearing: Hearing::default(),
            arrangement: Arrangement::default(),
            comping: Comping::default(),
            switches: Switches::default(),
            chord_channel: 0,
            bass_channel: 1,
            parts: Parts::default(),
            pass: Pass::default(),
            free_run_bpm: None,
            muted: false,
            bypass: false,
        }
    }
}

impl Settings {
    /// Whether the melody goes out.
    pub fn passes_melody(&self) -> bool {
        self.bypass || self.pass != Pass::ChordsOnly
    }

    /// Whether chords sound.
    pub fn chords_sound(&self) -> bool {
        !self.bypass && !self.muted && self.pass != Pass::MelodyOnly
    }

    /// Whether notes of this owner go out.
    pub fn lets_out(&self, owner: Owner) -> bool {
        match owner {
            Owner::Hands => self.chords_sound() && self.parts != Parts::BassOnly,
            Owner::Bass => {
                self.chords_sound() && self.parts != Parts::ChordsOnly && self.arrangement.bass != Bass::Off
            }
            Owner::Melody => self.passes_melody(),
        }
    }

    /// The channel of a part of ours, 0..16.
    pub fn channel_of(&self, owner: Owner) -> u8 {
        if owner == Owner::Bass { self.bass_channel } else { self.chord_channel }
    }
}

/// One call of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Block {
    /// The transport at its first sample.
    pub transport: Transport,
    /// Its length in samples.
    pub num_samples: u32,
    /// Samples a second.
    pub sample_rate: f64,
    /// The settings.
    pub settings: Settings,
}

/// An event that came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Incoming {
    /// A key goes down.
    On {
        /// Samples after the block's first.
        offset: u32,
        /// Its channel, 0..16.
        channel: u8,
        /// Its pitch.
        key: Pitch,
        /// How hard, 0..=1.
        velocity: f32,
    },
    /// A key goes up; `None` stands for all of them.
    Off {
        /// Samples after the block's first.
        offset: u32,
        /// Its channel, 0..16.
        channel: Option<u8>,
        /// Its pitch.
        key: Option<Pitch>,
    },
    /// All keys of a channel go up (controller 120 or 123), and whoever is behind us is to hear of it.
    AllOff {
        /// Samples after the block's first.
        offset: u32,
        /// The channel, 0..16.
        channel: u8,
        /// Whether what rings on is to end, too (120).
        sound: bool,
    },
    /// A pedal or a wheel moves.
    Control {
        /// Samples after the block's first.
        offset: u32,
        /// The channel, 0..16.
        channel: u8,
        /// Which one.
        control: Control,
        /// Where it stands now, 0..=1; a pedal is down from a half of its way on.
        value: f32,
    },
    /// All pedals and wheels of a channel go to rest (controller 121).
    ControlsOff {
        /// Samples after the block's first.
        offset: u32,
        /// The channel, 0..16.
        channel: u8,
    },
    /// Anything else; only [`Port::forward`] knows what.
    Other {
        /// Samples after the block's first.
        offset: u32,
    },
}

impl Incoming {
    /// Samples after the block's first.
    pub fn offset(&self) -> u32 {
        match self {
            Self::On { offset, .. }
            | Self::Off { offset, .. }
            | Self::AllOff { offset, .. }
            | Self::Control { offset, .. }
            | Self::ControlsOff { offset, .. }
            | Self::Other { offset } => *offset,
        }
    }

    /// Whether a note of the melody begins.
    pub fn is_melody(&self, hearing: &Hearing) -> bool {
        matches!(self, Self::On { channel, key, .. } if hearing.takes(*channel, *key))
    }
}

/// A note-on or note-off that goes out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outgoing {
    /// Samples after the block's first.
    pub offset: u32,
    /// Its channel, 0..16.
    pub channel: u8,
    /// Its pitch.
    pub key: Pitch,
    /// How hard a key goes down; `None` is a key that goes up.
    pub velocity: Option<f32>,
}

/// The host's side of one block: events in and out, in order of time.
pub trait Port {
    /// The next event that came in. Offsets never fall.
    fn receive(&mut self) -> Option<Incoming>;
    /// Sends on the last event received, as it came; whether the host took it.
    fn forward(&mut self) -> bool;
    /// Puts a control of a channel, 0..16, back to its rest; whether the host took it.
    fn rest(&mut self, offset: u32, channel: u8, control: Control) -> bool;
    /// Sends a note; whether the host took it.
    fn send(&mut self, note: Outgoing) -> bool;
}
