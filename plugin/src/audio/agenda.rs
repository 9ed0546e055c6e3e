//! Notes of ours that are to start and end at samples to come: strums, patterns, nudged and humanised chords. Audio
//! thread. Fixed size, in order of time; ends come before starts on one sample.
//!
//! Nothing here keeps a note from ending: what has started stands in `sounding`, and whoever ends the chords ends that and
//! clears this.

use super::sounding::Owner;
use music::pitch::Pitch;

/// Notes that can be on their way: a few chords of strummed voices with their ends.
const ROOM: usize = 64;

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doing {
    /// All keys of a part end but these.
    EndOthers {
        /// Whose.
        owner: Owner,
        /// The channel of the keys that go on.
        channel: u8,
        /// The keys that go on; bit n is key n.
        but: u128,
    },
    /// A key goes up.
    End {
        /// Whose it is.
        owner: Owner,
        /// Its channel, 0..16.
        channel: u8,
        /// Its pitch.
        key: Pitch,
    },
    /// A key goes down.
    Start {
        /// Whose it is.
        owner: Owner,
        /// Its channel, 0..16.
        channel: u8,
        /// Its pitch.
        key: Pitch,
        /// How hard, 0..=1.
        velocity: f32,
    },
}

impl Doing {
    /// Whose.
    pub fn owner(&self) -> Owner {
        let (Self::EndOthers { owner, .. } | Self::End { owner, .. } | Self::Start { owner, .. }) = *self;
        owner
    }

    fn rank(&self) -> u8 {
        match self {
            Self::EndOthers { .. } => 0,
            Self::End { .. } => 1,
            Self::Start { .. } => 2,
        }
    }
}

/// Something that is to happen at a sample of the instance's own count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// The sample.
    pub at: i64,
    /// What.
    pub doing: Doing,
}

/// What is to happen, in order.
#[derive(Clone, Debug)]
pub struct Agenda {
    items: [Item; ROOM],
    num: usize,
}

impl Default for Agenda {
    fn default() -> Self {
        let doing = Doing::EndOthers { owner: Owner::Hands, channel: 0, but: 0 };
        Self { items: [Item { at: 0, doing }; ROOM], num: 0 }
    }
}

impl Agenda {
    /// Puts something on the agenda. When that is full, it is left out: whether it was there.
    pub fn add(&mut self, at: i64, doing: Doing) -> bool {
        if self.num == ROOM {
            return false;
        }
        let mut idx = self.num;
        while idx > 0 && (at, doing.rank()) < (self.items[idx - 1].at, self.items[idx - 1].doing.rank()) {
            self.items[idx] = self.items[idx - 1];
            idx -= 1;
        }
        self.items[idx] = Item { at, doing };
        self.num += 1;
        true
    }

    /// The first thing to happen.
    pub fn first(&self) -> Option<Item> {
        self.items[..self.num].first().copied()
    }

    /// The first thing has happened.
    pub fn pop(&mut self) {
        if self.num > 0 {
            self.items.copy_within(1..self.num, 0);
            self.num -= 1;
        }
    }

    /// Everything of a part from this sample on is off: all that sounds of it ends then.
    pub fn call_off(&mut self, from: i64, owner: Owner) {
        self.keep(|item| item.at < from || item.doing.owner() != owner);
    }

    /// Whether a part's keys are to end before this sample to make room for another chord's.
    pub fn ends_before(&self, at: i64, owner: Owner) -> bool {
        let ends = |item: &Item| {
            item.at < at && item.doing.owner() == owner && matches!(item.doing, Doing::EndOthers { .. })
        };
        self.items[..self.num].iter().any(ends)
    }

    /// Room for so many more; where there is none, too much is on its way, and all of it is off.
    pub fn make_room(&mut self, num: usize) {
        if self.num + num > ROOM {
            self.clear();
        }
    }

    /// What is to come of a part goes to another channel.
    pub fn change_channel(&mut self, owner: Owner, to: u8) {
        for item in self.items[..self.num].iter_mut().filter(|item| item.doing.owner() == owner) {
            let (Doing::EndOthers { channel, .. }
            | Doing::End { channel, .. }
            | Doing::Start { channel, .. }) = &mut item.doing;
            *channel = to;
        }
    }

    /// A key starts at `at` and ends at `until`, or with its chord. An end that its last start has still before it is off.
    pub fn strike(
        &mut self,
        at: i64,
        (owner, channel, key): (Owner, u8, Pitch),
        velocity: f32,
        until: Option<i64>,
    ) {
        let end = Doing::End { owner, channel, key };
        self.keep(|item| item.at < at || item.doing != end);
        if self.add(at, Doing::Start { owner, channel, key, velocity })
            && let Some(until) = until
        {
            self.add(until.max(at + 1), end);
        }
    }

    fn keep(&mut self, stays: impl Fn(&Item) -> bool) {
        let mut kept = 0;
        for idx in 0..self.num {
            if stays(&self.items[idx]) {
                self.items[kept] = self.items[idx];
                kept += 1;
            }
        }
        self.num = kept;
    }

    /// Nothing is to happen any more.
    pub fn clear(&mut self) {
        self.num = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner::Hands;

    fn start(key: i32) -> Doing {
        Doing::Start { owner: OWNER, channel: 0, key: Pitch::folded(key), velocity: 0.5 }
    }

    fn end(key: i32) -> Doing {
        Doing::End { owner: OWNER, channel: 0, key: Pitch::folded(key) }
    }

    fn all(agenda: &mut Agenda) -> Vec<(i64, Doing)> {
        let mut found = Vec::new();
        while let Some(item) = agenda.first() {
            found.push((item.at, item.doing));
            agenda.pop();
        }
        found
    }

    #[test]
    fn in_order_and_ends_before_starts() {
        let mut agenda = Agenda::default();
        for (at, doing) in [
            (9, start(1)),
            (3, start(2)),
            (9, end(3)),
            (9, start(4)),
            (9, Doing::EndOthers { owner: OWNER, channel: 0, but: 0 }),
        ] {
            assert!(agenda.add(at, doing));
        }
        let expected = [
            (3, start(2)),
            (9, Doing::EndOthers { owner: OWNER, channel: 0, but: 0 }),
            (9, end(3)),
            (9, start(1)),
            (9, start(4)),
        ];
        assert_eq!(all(&mut agenda), expected);
    }

    #[test]
    fn a_full_agenda_takes_no_more() {
        let mut agenda = Agenda::default();
        for n in 0..ROOM {
            assert!(agenda.add(n as i64, start(60)));
        }
        assert!(!agenda.add(0, start(60)));
        assert_eq!(all(&mut agenda).len(), ROOM);
    }

    #[test]
    fn what_another_chord_ends_is_called_off() {
        let mut agenda = Agenda::default();
        for (at, doing) in [(3, start(1)), (5, end(1)), (6, start(2)), (8, end(2))] {
            agenda.add(at, doing);
        }
        let bass = Doing::End { owner: Owner::Bass, channel: 0, key: Pitch::folded(1) };
        agenda.add(7, bass);
        agenda.call_off(6, OWNER);
        assert_eq!(all(&mut agenda), [(3, start(1)), (5, end(1)), (7, bass)]);
    }

    #[test]
    fn an_end_that_comes_too_late_does_not_cut_the_next_start() {
        let mut agenda = Agenda::default();
        agenda.strike(0, (OWNER, 0, Pitch::folded(60)), 0.5, Some(12));
        agenda.strike(10, (OWNER, 0, Pitch::folded(60)), 0.5, Some(20));
        assert_eq!(all(&mut agenda), [(0, start(60)), (10, start(60)), (20, end(60))]);
    }
}
