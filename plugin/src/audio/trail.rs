//! The frames that were played last, in the order in which they were played: what the editor's roll and history show.
//! Written by the audio thread as frames close. Fixed size; a loop or a seek adds frames as anything else does.

use music::{grid::Frame, harmony::ChordFrame, melody::MelodyFrame, meter::BarPhase, pitch::Pitch};

/// Frames that are kept: 32 bars of common time.
pub const TRAIL_FRAMES: usize = 512;
/// Keys of the hands that are kept of a frame; a voicing has five, an arpeggio may leave one behind.
const MOST_KEYS: usize = 6;
/// The bit of a kept key that says that it was struck in its frame.
const STRUCK: u8 = 0x80;

/// A key that sounded in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    /// The key.
    pub key: Pitch,
    /// Whether it was struck in this frame, rather than going on.
    pub is_struck: bool,
}

/// The keys that sounded, by part; bit n is key n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Those of the chord's channel.
    pub hands: u128,
    /// Those of the bass.
    pub bass: u128,
}

impl Keys {
    /// Those of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self { hands: self.hands | other.hands, bass: self.bass | other.bass }
    }

    /// Those that are not of the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self { hands: self.hands & !other.hands, bass: self.bass & !other.bass }
    }
}

/// What happened in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The frame.
    pub frame: Frame,
    /// Where it stands in its bar.
    pub phase: BarPhase,
    /// What the melody did.
    pub melody: MelodyFrame,
    /// What the chords really did.
    pub chord: ChordFrame,
    /// Its keys, the lowest first; 0 is none.
    hands: [u8; MOST_KEYS],
    bass: u8,
}

impl Trace {
    /// A frame in which `sounded` sounded, of which `struck` were struck.
    pub fn new(
        frame: Frame,
        phase: BarPhase,
        melody: MelodyFrame,
        chord: ChordFrame,
        sounded: Keys,
        struck: Keys,
    ) -> Self {
        let byte = |key: u32, struck: u128| key as u8 | if struck >> key & 1 == 1 { STRUCK } else { 0 };
        let mut hands = [0; MOST_KEYS];
        let mut left = sounded.hands;
        for place in &mut hands {
            if left == 0 {
                break;
            }
            *place = byte(left.trailing_zeros(), struck.hands);
            left &= left - 1;
        }
        let bass = if sounded.bass == 0 { 0 } else { byte(sounded.bass.trailing_zeros(), struck.bass) };
        Self { frame, phase, melody, chord, hands, bass }
    }

    /// The keys of the hands, the lowest first.
    pub fn hands(&self) -> impl Iterator<Item = Tone> + '_ {
        self.hands.iter().filter_map(|byte| tone(*byte))
    }

    /// The lowest key of the bass.
    pub fn bass(&self) -> Option<Tone> {
        tone(self.bass)
    }
}

fn tone(byte: u8) -> Option<Tone> {
    let key = Pitch::new(byte & !STRUCK).filter(|key| key.midi() > 0)?;
    Some(Tone { key, is_struck: byte & STRUCK != 0 })
}

/// The frames played last.
#[derive(Clone, PartialEq)]
pub struct Trail {
    frames: [Trace; TRAIL_FRAMES],
    /// How many frames were ever added.
    num: u64,
}

impl Default for Trail {
    fn default() -> Self {
        let none = Trace {
            frame: Frame(0),
            phase: BarPhase::Unknown,
            melody: MelodyFrame::Rest,
            chord: ChordFrame::Silence,
            hands: [0; MOST_KEYS],
            bass: 0,
        };
        Self { frames: [none; TRAIL_FRAMES], num: 0 }
    }
}

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Trail {
    /// Adds a frame; the oldest gives way.
    pub fn push(&mut self, trace: Trace) {
        self.frames[(self.num % TRAIL_FRAMES as u64) as usize] = trace;
        self.num += 1;
    }

    /// How many frames were ever added.
    pub fn num_ever(&self) -> u64 {
        self.num
    }

    /// How many frames are kept.
    pub fn len(&self) -> usize {
        self.num.min(TRAIL_FRAMES as u64) as usize
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.num == 0
    }

    /// The frames kept, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Trace> + '_ {
        let newest = (self.num % TRAIL_FRAMES as u64) as usize;
        let (head, tail) = self.frames.split_at(newest);
        let older = if self.num >= TRAIL_FRAMES as u64 { tail } else { &[] };
        older.iter().chain(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(frame: i64) -> Trace {
        let keys = Keys { hands: 1 << 60 | 1 << 64 | 1 << 67, bass: 1 << 36 };
        let struck = Keys { hands: 1 << 64, bass: 1 << 36 };
        Trace::new(Frame(frame), BarPhase::Unknown, MelodyFrame::Rest, ChordFrame::Hold, keys, struck)
    }

    #[test]
    fn a_trace_keeps_its_keys() {
        let tones: Vec<_> = trace(0).hands().map(|tone| (tone.key.midi(), tone.is_struck)).collect();
        assert_eq!(tones, [(60, false), (64, true), (67, false)]);
        let bass = trace(0).bass().unwrap();
        assert_eq!((bass.key.midi(), bass.is_struck), (36, true));
        let many = Keys { hands: u128::MAX, bass: 0 };
        let trace = Trace::new(Frame(0), BarPhase::Unknown, MelodyFrame::Rest, ChordFrame::Hold, many, many);
        assert_eq!((trace.hands().count(), trace.bass()), (MOST_KEYS - 1, None));
    }

    #[test]
    fn the_oldest_give_way_and_the_order_stays() {
        for num in [0, 1, 5, TRAIL_FRAMES, TRAIL_FRAMES + 1, 2 * TRAIL_FRAMES, 3 * TRAIL_FRAMES + 7] {
            let mut trail = Trail::default();
            (0..num as i64).for_each(|frame| trail.push(trace(frame)));
            let kept: Vec<i64> = trail.iter().map(|trace| trace.frame.0).collect();
            let first = num.saturating_sub(TRAIL_FRAMES) as i64;
            assert_eq!(kept, (first..num as i64).collect::<Vec<_>>(), "{num}");
            assert_eq!((trail.len(), trail.is_empty()), (kept.len(), num == 0));
        }
    }
}
