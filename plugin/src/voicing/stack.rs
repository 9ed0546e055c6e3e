//! How tones are stacked into keys. Pure.
//!
//! A chord's tones, repeated in every octave, are the rungs of a ladder. The close position takes every rung, the
//! open one every second, the spread one every third; where such a stride would come back to a tone too early it
//! climbs one rung more, so that every tone gets its voice before any is doubled:
//! `Every(2)` of C E G B takes rungs 0 2 5 7, which is C G E B.

use super::Voicing;
use music::pitch::{OCTAVE, Pitch, PitchClassSet};

/// Which rungs the voices take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stack {
    /// Every so-manieth.
    Every(usize),
    /// Every rung, but the second from the top is put below all others by octaves.
    DropTwo,
}

impl Stack {
    /// The keys of `num` voices upwards from `lowest`; nothing if that is not a chord tone or the keyboard ends.
    pub(super) fn keys(self, tones: PitchClassSet, num: usize, lowest: Pitch) -> Option<Voicing> {
        let num_tones = tones.len() as usize;
        if !tones.contains(lowest.class()) {
            return None;
        }
        let above = tones.transposed(OCTAVE - lowest.class().semitones());
        let mut voicing = Voicing::EMPTY;
        for voice in 0..num {
            let rung = self.rung(voice, num, num_tones);
            let tone = above.iter().nth(rung % num_tones)?;
            let up = usize::from(OCTAVE) * (rung / num_tones) + usize::from(tone.semitones());
            voicing.push(Pitch::new(u8::try_from(usize::from(lowest.midi()) + up).ok()?)?);
        }
        Some(voicing)
    }

    /// The rung of a voice, both counted from the lowest. There is at least one tone.
    fn rung(self, voice: usize, num: usize, num_tones: usize) -> usize {
        match self {
            // Two tones have no other position than the close one that a hand would call a chord.
            Self::Every(_) if num_tones < 3 => voice,
            Self::Every(stride) => {
                let too_early = common_divisor(stride, num_tones);
                voice * stride + if too_early > 1 { voice * too_early / num_tones } else { 0 }
            }
            Self::DropTwo if num < 2 => voice,
            Self::DropTwo => {
                let second = num - 2;
                let lifts_all = num_tones * (second / num_tones + 1) - second;
                match voice {
                    0 => 0,
                    _ if voice == num - 1 => lifts_all + voice,
                    _ => lifts_all + voice - 1,
                }
            }
        }
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stack: Stack, tones: &[u8], lowest: u8, expected: &[u8]) {
        let found =
            stack.keys(PitchClassSet::from_intervals(tones), expected.len(), Pitch::new(lowest).unwrap());
        let keys = found.map(|voicing| voicing.keys().iter().map(|key| key.midi()).collect::<Vec<_>>());
        assert_eq!(keys.as_deref(), Some(expected), "{stack:?} of {tones:?}");
    }

    #[test]
    fn the_positions_of_textbooks() {
        check(Stack::Every(1), &[0, 4, 7], 52, &[52, 55, 60]);
        check(Stack::Every(1), &[0, 4, 7], 48, &[48, 52, 55, 60, 64]);
        check(Stack::Every(2), &[0, 4, 7], 48, &[48, 55, 64]);
        check(Stack::Every(2), &[0, 4, 7, 11], 48, &[48, 55, 64, 71]);
        check(Stack::Every(3), &[0, 4, 7], 48, &[48, 64, 79]);
        check(Stack::Every(3), &[0, 4, 7, 11], 48, &[48, 59, 67, 76]);
        check(Stack::Every(3), &[0, 7], 48, &[48, 55, 60]);
        check(Stack::DropTwo, &[0, 4, 7, 11], 43, &[43, 48, 52, 59]);
        check(Stack::DropTwo, &[0, 4, 7], 43, &[43, 48, 52, 60]);
        check(Stack::DropTwo, &[0, 4, 7], 48, &[48, 60, 64, 67, 76]);
    }

    #[test]
    fn there_is_no_stack_on_a_strange_tone_or_past_the_last_key() {
        let major = PitchClassSet::from_intervals(&[0, 4, 7]);
        assert_eq!(Stack::Every(1).keys(major, 3, Pitch::folded(61)), None);
        assert_eq!(Stack::Every(1).keys(major, 3, Pitch::folded(124)), None);
        assert_eq!(Stack::Every(1).keys(PitchClassSet::EMPTY, 3, Pitch::folded(60)), None);
    }
}
