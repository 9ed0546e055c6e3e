//! The ledger of notes started and not ended: every note-on the host took has its note-off taken too.
//! Audio thread. Fixed size. A note-off that a full host queue refuses is tried again at the next block.

use super::block::{Outgoing, Port};
use music::pitch::Pitch;

/// MIDI channels.
const CHANNELS: usize = 16;

/// Who has started a note. Several may hold the same key; it ends when the last lets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The hands of our chords.
    Hands = 0,
    /// Their bass.
    Bass = 1,
    /// The melody we pass on.
    Melody = 2,
}

impl Owner {
    /// Those of our own notes.
    pub const OURS: [Self; 2] = [Self::Hands, Self::Bass];
}

/// Which keys sound, by owner and channel; bit n is key n.
#[derive(Clone, Debug, Default)]
pub struct Sounding {
    held: [[u128; CHANNELS]; 3],
    owed: [u128; CHANNELS],
}

impl Sounding {
    /// Starts a note at `offset`. A key that sounds already is ended first. A refused note-on is left out.
    pub fn start(
        &mut self,
        port: &mut impl Port,
        owner: Owner,
        offset: u32,
        channel: u8,
        key: Pitch,
        velocity: f32,
    ) {
        let (channel_idx, bit) = place(channel, key);
        let sounds = self.is_held(channel_idx, bit) || self.owed[channel_idx] & bit != 0;
        let is_free = !sounds || self.send_off(port, offset, channel, key);
        if is_free && port.send(Outgoing { offset, channel: channel % 16, key, velocity: Some(velocity) }) {
            self.held[owner as usize][channel_idx] |= bit;
        } else {
            // Whatever sounded here has ended, or is owed its end.
            self.held.iter_mut().for_each(|held| held[channel_idx] &= !bit);
        }
    }

    /// Ends a note at `offset`, unless another owner still holds the key.
    pub fn end(&mut self, port: &mut impl Port, owner: Owner, offset: u32, channel: u8, key: Pitch) {
        let (channel_idx, bit) = place(channel, key);
        if self.held[owner as usize][channel_idx] & bit == 0 {
            return;
        }
        self.held[owner as usize][channel_idx] &= !bit;
        if !self.is_held(channel_idx, bit) {
            self.send_off(port, offset, channel, key);
        }
    }

    /// Ends all of an owner's notes at `offset`.
    pub fn end_all(&mut self, port: &mut impl Port, owner: Owner, offset: u32) {
        self.end_matching(port, owner, offset, None, None);
    }

    /// Ends an owner's notes of this channel and key at `offset`; `None` stands for every one.
    pub fn end_matching(
        &mut self,
        port: &mut impl Port,
        owner: Owner,
        offset: u32,
        channel: Option<u8>,
        key: Option<Pitch>,
    ) {
        let wanted = key.map_or(u128::MAX, |key| 1 << key.midi());
        let channels = channel.map_or(0..CHANNELS as u8, |channel| channel % 16..channel % 16 + 1);
        for channel in channels {
            let mut keys = self.held[owner as usize][usize::from(channel)] & wanted;
            while keys != 0 {
                let key = Pitch::folded(keys.trailing_zeros() as i32);
                keys &= keys - 1;
                self.end(port, owner, offset, channel, key);
            }
        }
    }

    /// Ends all of an owner's notes at `offset` but these keys of a channel; bit n is key n.
    pub fn end_all_but(&mut self, port: &mut impl Port, owner: Owner, offset: u32, channel: u8, but: u128) {
        let place = usize::from(channel) % CHANNELS;
        let kept = self.held[owner as usize][place] & but;
        // Taken out of the ledger while the others end, so that they cannot.
        self.held[owner as usize][place] &= !kept;
        self.end_all(port, owner, offset);
        self.held[owner as usize][place] |= kept;
    }

    /// The keys that an owner holds on a channel; bit n is key n.
    pub fn keys(&self, owner: Owner, channel: u8) -> u128 {
        self.held[owner as usize][usize::from(channel) % CHANNELS]
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

    fn is_held(&self, channel_idx: usize, bit: u128) -> bool {
        self.held.iter().any(|held| held[channel_idx] & bit != 0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{block::Incoming, controls::Control};
    use proptest::prelude::*;

    /// A host whose queue takes so many notes.
    #[derive(Default)]
    struct Host {
        room: usize,
        sounds: [u128; 16],
        faults: usize,
    }

    impl Port for Host {
        fn receive(&mut self) -> Option<Incoming> {
            None
        }
        fn forward(&mut self) -> bool {
            true
        }
        fn rest(&mut self, _: u32, _: u8, _: Control) -> bool {
            true
        }
        fn send(&mut self, note: Outgoing) -> bool {
            if self.room == 0 {
                return false;
            }
            self.room -= 1;
            let bit = 1 << note.key.midi();
            let keys = &mut self.sounds[usize::from(note.channel)];
            let sounded = *keys & bit != 0;
            self.faults += usize::from(sounded == note.velocity.is_some());
            *keys = if note.velocity.is_some() { *keys | bit } else { *keys & !bit };
            true
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_note_on_gets_one_note_off(
            steps in proptest::collection::vec((0..6u8, 0..3usize, 0..3u8, 58..64i32), 0..200),
            rooms in proptest::collection::vec(0..4usize, 1..20),
        ) {
            let (mut host, mut sounding) = (Host::default(), Sounding::default());
            for (idx, (what, owner, channel, key)) in steps.into_iter().enumerate() {
                if idx % 10 == 0 {
                    host.room = rooms[idx / 10 % rooms.len()];
                    sounding.settle(&mut host);
                }
                let owner = [Owner::Hands, Owner::Bass, Owner::Melody][owner];
                match what {
                    0..3 => sounding.start(&mut host, owner, 0, channel, Pitch::folded(key), 0.5),
                    3..5 => sounding.end(&mut host, owner, 0, channel, Pitch::folded(key)),
                    _ => sounding.end_all(&mut host, owner, 0),
                }
                prop_assert_eq!(host.faults, 0);
            }
            for owner in [Owner::Hands, Owner::Bass, Owner::Melody] {
                sounding.end_all(&mut host, owner, 0);
            }
            host.room = usize::MAX;
            sounding.settle(&mut host);
            prop_assert_eq!(host.sounds, [0; 16]);
            prop_assert_eq!(host.faults, 0);
            prop_assert!(sounding.is_empty());
        }
    }
}
