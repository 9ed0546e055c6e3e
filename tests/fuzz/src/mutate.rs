//! Breaks seeds: each number is one way, the same on every machine.

use music::sampling::{Draw, uniform};

/// Values on which code breaks.
const EDGES: [&[u8]; 14] = [
    &[0],
    &[0xff],
    &[0x7f],
    &[0x80],
    &[0xff; 4],
    &[0xff, 0xff, 0xff, 0x7f],
    &[0; 8],
    b"-1",
    b"99999999999999999999",
    b"1e999",
    b"NaN",
    b"\n",
    b"\"",
    "\u{fffd}".as_bytes(),
];
/// The most that one copy is broken.
const MOST_BREAKS: u32 = 6;
/// The longest that a copy grows.
const MOST_BYTES: usize = 1 << 20;

/// Random numbers of one copy.
struct Dice {
    seed: u64,
    thrown: i64,
}

impl Dice {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.thrown += 1;
        ((uniform(self.seed, self.thrown, Draw::Performance) * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A stretch of so many bytes, of no more than a few dozen.
    fn stretch(&mut self, len: usize) -> std::ops::Range<usize> {
        let from = self.below(len);
        let to = (from + 1 + self.below(48)).min(len);
        from..to.max(from)
    }
}

/// A broken copy of the seed at `idx`; the others may lend it parts.
pub fn mutated(seeds: &[Vec<u8>], idx: usize, copy: u64) -> Vec<u8> {
    let mut dice = Dice { seed: copy.wrapping_mul(1 << 16) ^ idx as u64, thrown: 0 };
    let mut bytes = seeds[idx].clone();
    for _ in 0..=dice.below(MOST_BREAKS as usize) {
        if bytes.is_empty() {
            bytes.push(dice.below(256) as u8);
        }
        let at = dice.below(bytes.len());
        match dice.below(9) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(dice.stretch(bytes.len()))),
            4 => {
                let again = bytes[dice.stretch(bytes.len())].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let edge = EDGES[dice.below(EDGES.len())];
                bytes.splice(at..at, edge.iter().copied());
            }
            6 => {
                let edge = EDGES[dice.below(EDGES.len())];
                let end = (at + edge.len()).min(bytes.len());
                bytes.splice(at..end, edge.iter().copied());
            }
            7 => {
                let other = &seeds[dice.below(seeds.len())];
                if !other.is_empty() {
                    let lent = other[dice.stretch(other.len())].to_vec();
                    bytes.splice(at..at, lent);
                }
            }
            _ => {
                let stretch = dice.stretch(bytes.len());
                bytes[stretch].reverse();
            }
        }
    }
    bytes.truncate(MOST_BYTES);
    bytes
}
