//! The ledger of notes started and not ended: every note-on the host took has its note-off taken too.
//! Audio thread. Fixed size. A note-off that a full host queue refuses is tried again at the next block.

use super::block::{Outgoing, Port};
use music::pitch::Pitch;

/// MIDI channels.
const CHANNELS: usize = 16;

/// Who has started a note. Both may hold the same key; it ends when the last lets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Our chords.
    Chords = 0,
    /// The melody we pass on.
    Melody = 1,
}

/// Which keys sound, by owner and channel; bit n is key n.
#[derive(Clone, Debug, Default)]
pub struct Sounding {
    held: [[u128; CHANNELS]; 2],
    owed: [u128; CHANNELS],
}

impl Sounding {
    /// Starts a note at `offset`. A key that sounds already is ended first. A refused note-on is left out.
    pub fn start(&mut self, port: &mut impl Port, owner: Owner, offset: u32, channel: u8, key: Pitch, velocity: f32) {
        let (channel_idx, bit) = place(channel, key);
        let sounds = (self.held[0][channel_idx] | self.held[1][channel_idx] | self.owed[channel_idx]) & bit != 0;
        if sounds && !self.send_off(port, offset, channel, key) {
            return;
        }
        if port.send(Outgoing { offset, channel: channel % 16, key, velocity: Some(velocity) }) {
            self.held[owner as usize][channel_idx] |= bit;
        } else {
            self.held[0][channel_idx] &= !bit;
            self.held[1][channel_idx] &= !bit;
        }
    }

    /// Ends a note at `offset`, unless the other owner still holds the key.
    pub fn end(&mut self, port: &mut impl Port, owner: Owner, offset: u32, channel: u8, key: Pitch) {
        let (channel_idx, bit) = place(channel, key);
        if self.held[owner as usize][channel_idx] & bit == 0 {
            return;
        }
        self.held[owner as usize][channel_idx] &= !bit;
        if self.held[1 - owner as usize][channel_idx] & bit == 0 {
            self.send_off(port, offset, channel, key);
        }
    }

    /// Ends all of an owner's notes at `offset`.
    pub fn end_all(&mut self, port: &mut impl Port, owner: Owner, offset: u32) {
        for channel in 0..CHANNELS as u8 {
            let mut keys = self.held[owner as usize][usize::from(channel)];
            while keys != 0 {
                let key = Pitch::folded(keys.trailing_zeros() as i32);
                keys &= keys - 1;
                self.end(port, owner, offset, channel, key);
            }
        }
    }

    /// Tries the note-offs again that the host has refused.
    pub fn settle(&mut self, port: &mut impl Port) {
        for channel in 0..CHANNELS as u8 {
            let mut keys = self.owed[usize::from(channel)];
            while keys != 0 {
                let key = Pitch::folded(keys.trailing_zeros() as i32);
                keys &= keys - 1;
                if !self.send_off(port, 0, channel, key) {
                    return;
                }
            }
        }
    }

    /// Whether anything sounds or is owed.
    pub fn is_empty(&self) -> bool {
        self.held.iter().flatten().chain(&self.owed).all(|keys| *keys == 0)
    }

    /// Whether this owner holds any note.
    pub fn holds_any(&self, owner: Owner) -> bool {
        self.held[owner as usize].iter().any(|keys| *keys != 0)
    }

    fn send_off(&mut self, port: &mut impl Port, offset: u32, channel: u8, key: Pitch) -> bool {
        let (channel_idx, bit) = place(channel, key);
        let taken = port.send(Outgoing { offset, channel: channel % 16, key, velocity: None });
        if taken {
            self.owed[channel_idx] &= !bit;
        } else {
            self.owed[channel_idx] |= bit;
        }
        taken
    }
}

fn place(channel: u8, key: Pitch) -> (usize, u128) {
    (usize::from(channel) % CHANNELS, 1 << key.midi())
}
