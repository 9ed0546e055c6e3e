//! The ledger of the pedals and wheels passed on that stand away from their rest behind us: whoever swallows the
//! movement that would bring one back puts it to rest itself. Audio thread. Fixed size. What a full host queue refuses is
//! tried again at the next block.

use super::block::Port;

/// MIDI channels.
const CHANNELS: usize = 16;
/// How near to its rest a control counts as there: less than a step of seven bits.
const REST_SLACK: f32 = 1e-3;

/// What a player moves and leaves standing, and whose rest is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// The sustain pedal.
    Sustain,
    /// The sostenuto pedal.
    Sostenuto,
    /// The soft pedal.
    Soft,
    /// The pedal that lengthens notes, "hold 2".
    Lengthen,
    /// The modulation wheel.
    Modulation,
    /// The pressure of a whole channel.
    Pressure,
    /// The pitch wheel.
    Bend,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sustain,
        Self::Sostenuto,
        Self::Soft,
        Self::Lengthen,
        Self::Modulation,
        Self::Pressure,
        Self::Bend,
    ];

    /// Where it stands when nobody touches it, 0..=1.
    pub fn rest(self) -> f32 {
        if self == Self::Bend { 0.5 } else { 0.0 }
    }

    /// Whether it stands there.
    pub fn rests(self, value: f32) -> bool {
        (value - self.rest()).abs() < REST_SLACK
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Which controls stand away from their rest behind us, by channel; bit n is control n.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    moved: [u8; CHANNELS],
    owed: [u8; CHANNELS],
}

impl Controls {
    /// Passes on the last event received, which was this control's.
    pub fn pass(&mut self, port: &mut impl Port, channel: u8, control: Control, value: f32) {
        let (place, bit) = (usize::from(channel) % CHANNELS, control.bit());
        let (taken, rests) = (port.forward(), control.rests(value));
        if taken {
            self.owed[place] &= !bit;
            self.moved[place] = if rests { self.moved[place] & !bit } else { self.moved[place] | bit };
        } else if rests && self.moved[place] & bit != 0 {
            self.moved[place] &= !bit;
            self.owed[place] |= bit;
        }
    }

    /// Passes on the last event received, which puts all of a channel's to rest.
    pub fn pass_reset(&mut self, port: &mut impl Port, channel: u8) {
        let place = usize::from(channel) % CHANNELS;
        let moved = std::mem::take(&mut self.moved[place]);
        self.owed[place] = if port.forward() { 0 } else { self.owed[place] | moved };
    }

    /// All that was moved goes back to its rest at `offset`.
    pub fn release(&mut self, port: &mut impl Port, offset: u32) {
        for (owed, moved) in self.owed.iter_mut().zip(&mut self.moved) {
            *owed |= std::mem::take(moved);
        }
        self.put_to_rest(port, offset);
    }

    /// Tries again what the host has refused.
    pub fn settle(&mut self, port: &mut impl Port) {
        self.put_to_rest(port, 0);
    }

    fn put_to_rest(&mut self, port: &mut impl Port, offset: u32) {
        for (channel, owed) in (0..).zip(&mut self.owed) {
            for control in Control::ALL {
                if *owed & control.bit() == 0 {
                    continue;
                }
                if !port.rest(offset, channel, control) {
                    return;
                }
                *owed &= !control.bit();
            }
        }
    }
}
