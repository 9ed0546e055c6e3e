//! Keeps book of notes: every note-on gets exactly one note-off, none starts twice, nothing sounds at the end.

use crate::{block::Event, timeline::Recording};
use std::{collections::BTreeMap, fmt};

/// Something wrong with the notes that came out. Channels are 0-based.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A note started that had not ended.
    StartedTwice {
        /// Where, in samples.
        sample: u64,
        /// MIDI channel.
        channel: u8,
        /// MIDI key.
        key: u8,
    },
    /// A note ended that did not sound.
    EndedTwice {
        /// Where, in samples.
        sample: u64,
        /// MIDI channel.
        channel: u8,
        /// MIDI key.
        key: u8,
    },
    /// A note never ended.
    NeverEnded {
        /// Where it started, in samples.
        sample: u64,
        /// MIDI channel.
        channel: u8,
        /// MIDI key.
        key: u8,
    },
    /// An event came before the one sent before it.
    OutOfOrder {
        /// Where, in samples.
        sample: u64,
        /// Where the one before it stood.
        before: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartedTwice { sample, channel, key } => {
                write!(f, "key {key} on channel {} starts at sample {sample} while it sounds", channel + 1)
            }
            Self::EndedTwice { sample, channel, key } => {
                write!(f, "key {key} on channel {} ends at sample {sample} and does not sound", channel + 1)
            }
            Self::NeverEnded { sample, channel, key } => {
                write!(f, "key {key} on channel {} starts at sample {sample} and never ends", channel + 1)
            }
            Self::OutOfOrder { sample, before } => {
                write!(f, "an event at sample {sample} comes after one at {before}")
            }
        }
    }
}

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    sounding: BTreeMap<(u8, u8), u64>,
    faults: Vec<Fault>,
    last: u64,
}

impl Ledger {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Books an event.
    pub fn hear(&mut self, sample: u64, event: &Event) {
        if sample < self.last {
            self.faults.push(Fault::OutOfOrder { sample, before: self.last });
        }
        self.last = self.last.max(sample);
        match *event {
            Event::NoteOn { channel, key, .. } => {
                let sounded = self.sounding.insert((channel, key), sample).is_some();
                if sounded {
                    self.faults.push(Fault::StartedTwice { sample, channel, key });
                }
            }
            Event::NoteOff { channel, key, .. } | Event::Choke { channel, key } => {
                let sounded = self.sounding.remove(&(channel, key)).is_some();
                if !sounded {
                    self.faults.push(Fault::EndedTwice { sample, channel, key });
                }
            }
            Event::ChokeAll => self.sounding.clear(),
            _ => {}
        }
    }

    /// How many notes sound now.
    pub fn num_sounding(&self) -> usize {
        self.sounding.len()
    }

    /// The (channel, key) of what sounds now, ascending.
    pub fn sounding(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.sounding.keys().copied()
    }

    /// Closes the book: all that was wrong, and what still sounds.
    pub fn close(mut self) -> Vec<Fault> {
        let never = self.sounding.iter().map(|((channel, key), sample)| Fault::NeverEnded {
            sample: *sample,
            channel: *channel,
            key: *key,
        });
        self.faults.extend(never);
        self.faults
    }
}

/// All that is wrong with what came out of a recording.
pub fn faults(recording: &Recording) -> Vec<Fault> {
    let mut ledger = Ledger::new();
    for heard in &recording.heard {
        ledger.hear(heard.sample, &heard.event);
    }
    ledger.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(events: &[(u64, Event)], expected: &[Fault]) {
        let mut ledger = Ledger::new();
        for (sample, event) in events {
            ledger.hear(*sample, event);
        }
        assert_eq!(ledger.close(), expected, "{events:?}");
    }

    const ON: Event = Event::NoteOn { channel: 1, key: 60, velocity: 0.5 };
    const OFF: Event = Event::NoteOff { channel: 1, key: 60, velocity: 0.0 };

    #[test]
    fn books_balance_or_say_why() {
        check(&[(1, ON), (5, OFF), (5, ON), (6, Event::Choke { channel: 1, key: 60 })], &[]);
        check(&[(1, ON), (5, Event::ChokeAll)], &[]);
        check(&[(1, ON), (2, ON), (5, OFF)], &[Fault::StartedTwice { sample: 2, channel: 1, key: 60 }]);
        check(&[(1, ON), (2, OFF), (5, OFF)], &[Fault::EndedTwice { sample: 5, channel: 1, key: 60 }]);
        check(&[(7, ON)], &[Fault::NeverEnded { sample: 7, channel: 1, key: 60 }]);
        check(&[(7, ON), (6, OFF)], &[Fault::OutOfOrder { sample: 6, before: 7 }]);
    }

    #[test]
    fn channels_are_told_apart() {
        let other = Event::NoteOff { channel: 2, key: 60, velocity: 0.0 };
        check(
            &[(1, ON), (2, other)],
            &[
                Fault::EndedTwice { sample: 2, channel: 2, key: 60 },
                Fault::NeverEnded { sample: 1, channel: 1, key: 60 },
            ],
        );
    }
}
