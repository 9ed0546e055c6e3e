//! Tokens: what a model reads and writes for a frame of each lane, and the vocabulary's fingerprint.
//!
//! Chord tokens: silence, hold, then an onset for each root and quality. One hold serves all chords, so that
//! a hold of another chord than the one that sounds cannot be written.
//! Melody tokens: rest, hold, then an onset for each pitch of six octaves; others fold into those by octaves.
//! Each lane has one more *input* id, `START`, for "no frame before this one".

use crate::{
    chord::{Chord, QUALITIES, Quality},
    harmony::ChordFrame,
    melody::{CHROMA_FEATURES, CHROMA_MEMORY_FRAMES, MelodyFrame},
    meter::{BarPhase, MAX_BAR_FRAMES},
    pitch::{OCTAVE, Pitch, PitchClass},
};

/// Frames before the current one that the model sees: 64 beats.
pub const CONTEXT_FRAMES: usize = 256;

/// The model's positions count modulo this. Every rotary frequency divides it, so that a jam of any length
/// stays in distribution; far above [`CONTEXT_FRAMES`], so that no two visible frames coincide.
pub const POSITION_PERIOD: i64 = 12_288;

/// A chord token, `0..ChordToken::COUNT`; as a model's input also [`ChordToken::START`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChordToken(u16);

impl ChordToken {
    /// No chord sounds.
    pub const SILENCE: Self = Self(0);
    /// The chord goes on.
    pub const HOLD: Self = Self(1);
    /// The first onset token.
    pub const FIRST_ONSET: usize = 2;
    /// Tokens a model chooses from.
    pub const COUNT: usize = Self::FIRST_ONSET + OCTAVE as usize * Quality::COUNT;
    /// Input only: there is no frame before.
    pub const START: Self = Self(Self::COUNT as u16);

    /// The token with this id, if a model may write it.
    pub const fn from_id(id: usize) -> Option<Self> {
        if id < Self::COUNT { Some(Self(id as u16)) } else { None }
    }

    /// Its id.
    pub const fn id(self) -> usize {
        self.0 as usize
    }

    /// The token of a chord's onset; the bass is not in the vocabulary.
    pub const fn onset(root: PitchClass, quality: Quality) -> Self {
        let id = Self::FIRST_ONSET + root.semitones() as usize * Quality::COUNT + quality.index();
        Self(id as u16)
    }

    /// The token of a frame.
    pub const fn of(frame: ChordFrame) -> Self {
        match frame {
            ChordFrame::Silence => Self::SILENCE,
            ChordFrame::Hold => Self::HOLD,
            ChordFrame::Onset(chord) => Self::onset(chord.root, chord.quality),
        }
    }

    /// The frame a token stands for; [`Self::START`] is silence. Chords come out in root position.
    pub fn frame(self) -> ChordFrame {
        match self.chord() {
            Some(chord) => ChordFrame::Onset(chord),
            None if self == Self::HOLD => ChordFrame::Hold,
            None => ChordFrame::Silence,
        }
    }

    /// The chord of an onset token, in root position.
    pub fn chord(self) -> Option<Chord> {
        let idx = self.id().checked_sub(Self::FIRST_ONSET)?;
        let root = idx / Quality::COUNT;
        if root >= usize::from(OCTAVE) {
            return None;
        }
        Quality::from_index(idx % Quality::COUNT)
            .map(|quality| Chord::new(PitchClass::new(root as i32), quality))
    }

    /// Whether `next` may follow: all but a hold after silence or at the start.
    pub const fn may_precede(self, next: Self) -> bool {
        !(next.0 == Self::HOLD.0 && (self.0 == Self::SILENCE.0 || self.0 == Self::START.0))
    }
}

/// A melody token, `0..MelodyToken::COUNT`; as a model's input also [`MelodyToken::START`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MelodyToken(u16);

impl MelodyToken {
    /// Nothing sounds.
    pub const REST: Self = Self(0);
    /// The note goes on.
    pub const HOLD: Self = Self(1);
    /// The first onset token.
    pub const FIRST_ONSET: usize = 2;
    /// The lowest pitch with a token of its own, C2.
    pub const LOWEST: u8 = 36;
    /// Octaves of pitches with tokens of their own.
    pub const OCTAVES: usize = 6;
    /// Tokens a model chooses from.
    pub const COUNT: usize = Self::FIRST_ONSET + OCTAVE as usize * Self::OCTAVES;
    /// Input only: there is no frame before.
    pub const START: Self = Self(Self::COUNT as u16);

    /// The token with this id, if a model may write it.
    pub const fn from_id(id: usize) -> Option<Self> {
        if id < Self::COUNT { Some(Self(id as u16)) } else { None }
    }

    /// Its id.
    pub const fn id(self) -> usize {
        self.0 as usize
    }

    /// The token of a frame; pitches outside the range move into it by octaves.
    pub fn of(frame: MelodyFrame) -> Self {
        match frame {
            MelodyFrame::Rest => Self::REST,
            MelodyFrame::Hold => Self::HOLD,
            MelodyFrame::Onset(pitch) => {
                let highest = i32::from(Self::LOWEST) + (Self::OCTAVES * usize::from(OCTAVE)) as i32 - 1;
                let mut midi = i32::from(pitch.midi());
                while midi < i32::from(Self::LOWEST) {
                    midi += i32::from(OCTAVE);
                }
                while midi > highest {
                    midi -= i32::from(OCTAVE);
                }
                Self((Self::FIRST_ONSET as i32 + midi - i32::from(Self::LOWEST)) as u16)
            }
        }
    }

    /// The frame a token stands for; [`Self::START`] is a rest.
    pub fn frame(self) -> MelodyFrame {
        match self.pitch() {
            Some(pitch) => MelodyFrame::Onset(pitch),
            None if self == Self::HOLD => MelodyFrame::Hold,
            None => MelodyFrame::Rest,
        }
    }

    /// The pitch of an onset token.
    pub fn pitch(self) -> Option<Pitch> {
        let above = self.id().checked_sub(Self::FIRST_ONSET)?;
        if self.id() >= Self::COUNT { None } else { Pitch::new(Self::LOWEST + above as u8) }
    }

    /// Whether `next` may follow: all but a hold after a rest or at the start.
    pub const fn may_precede(self, next: Self) -> bool {
        !(next.0 == Self::HOLD.0 && (self.0 == Self::REST.0 || self.0 == Self::START.0))
    }
}

/// The model's ids for a bar phase: position in the bar and length of the bar, in frames.
/// Unknown is position [`UNKNOWN_BAR_POSITION`] and length 0.
pub const fn bar_ids(phase: BarPhase) -> (usize, usize) {
    match phase {
        BarPhase::Unknown => (UNKNOWN_BAR_POSITION, 0),
        BarPhase::At { position, length } => (position as usize, length as usize),
    }
}

/// The position id of an unknown bar phase.
pub const UNKNOWN_BAR_POSITION: usize = MAX_BAR_FRAMES as usize;
/// Ids of bar positions, unknown included.
pub const BAR_POSITIONS: usize = MAX_BAR_FRAMES as usize + 1;
/// Ids of bar lengths, unknown included.
pub const BAR_LENGTHS: usize = MAX_BAR_FRAMES as usize + 1;

/// A number that stands for everything a model and its user must agree on: qualities, tokens, features.
/// 64-bit FNV-1a over a text of them, as 16 hexadecimal digits.
pub fn fingerprint() -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for row in QUALITIES {
        let _ = write!(text, "{}{:?};", row.name, row.intervals);
    }
    let _ = write!(
        text,
        "chords {} melody {} from {} bars {} {} chroma {:?} {}",
        ChordToken::COUNT,
        MelodyToken::COUNT,
        MelodyToken::LOWEST,
        BAR_POSITIONS,
        BAR_LENGTHS,
        CHROMA_MEMORY_FRAMES,
        CHROMA_FEATURES
    );
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chord_tokens() -> impl Iterator<Item = ChordToken> {
        (0..ChordToken::COUNT).map(|id| ChordToken::from_id(id).unwrap())
    }

    fn melody_tokens() -> impl Iterator<Item = MelodyToken> {
        (0..MelodyToken::COUNT).map(|id| MelodyToken::from_id(id).unwrap())
    }

    /// Every stored model is bound to this number. If this test fails, the vocabulary has changed: models made
    /// before are refused from then on. Change the literal only together with a newly trained model.
    #[test]
    fn the_fingerprint_is_frozen() {
        assert_eq!(fingerprint(), "ca76a8e13573514f");
        assert_eq!((ChordToken::COUNT, MelodyToken::COUNT), (302, 74));
        assert_eq!((CONTEXT_FRAMES, POSITION_PERIOD, CHROMA_FEATURES), (256, 12_288, 24));
    }

    #[test]
    fn every_id_is_a_frame_and_back() {
        for (id, token) in chord_tokens().enumerate() {
            assert_eq!(token.id(), id);
            assert_eq!(ChordToken::of(token.frame()), token);
        }
        for (id, token) in melody_tokens().enumerate() {
            assert_eq!(token.id(), id);
            assert_eq!(MelodyToken::of(token.frame()), token);
        }
    }

    #[test]
    fn the_start_is_read_and_never_written() {
        assert_eq!(ChordToken::from_id(ChordToken::START.id()), None);
        assert_eq!(MelodyToken::from_id(MelodyToken::START.id()), None);
        assert_eq!(ChordToken::START.frame(), ChordFrame::Silence);
        assert_eq!(MelodyToken::START.frame(), MelodyFrame::Rest);
        assert_eq!((ChordToken::START.chord(), MelodyToken::START.pitch()), (None, None));
    }

    #[test]
    fn only_a_hold_of_nothing_is_illegal() {
        for before in chord_tokens().chain([ChordToken::START]) {
            let nothing = [ChordToken::SILENCE, ChordToken::START].contains(&before);
            for next in chord_tokens() {
                assert_eq!(
                    before.may_precede(next),
                    !(nothing && next == ChordToken::HOLD),
                    "{before:?} {next:?}"
                );
            }
        }
        for before in melody_tokens().chain([MelodyToken::START]) {
            let nothing = [MelodyToken::REST, MelodyToken::START].contains(&before);
            for next in melody_tokens() {
                assert_eq!(
                    before.may_precede(next),
                    !(nothing && next == MelodyToken::HOLD),
                    "{before:?} {next:?}"
                );
            }
        }
    }

    #[test]
    fn pitches_fold_into_the_vocabulary_by_octaves() {
        let highest = MelodyToken::LOWEST + 12 * MelodyToken::OCTAVES as u8 - 1;
        for pitch in (0..128).filter_map(Pitch::new) {
            let folded = MelodyToken::of(MelodyFrame::Onset(pitch)).pitch().unwrap();
            assert_eq!(folded.class(), pitch.class());
            assert!((MelodyToken::LOWEST..=highest).contains(&folded.midi()));
            assert!(folded == pitch || !(MelodyToken::LOWEST..=highest).contains(&pitch.midi()));
        }
    }

    #[test]
    fn bar_ids_stay_in_their_ranges() {
        let ids = |position, length| bar_ids(BarPhase::At { position, length });
        assert_eq!(ids(3, 16), (3, 16));
        assert_eq!(bar_ids(BarPhase::Unknown), (32, 0));
        let (position, length) = ids(MAX_BAR_FRAMES - 1, MAX_BAR_FRAMES);
        assert!(
            position < UNKNOWN_BAR_POSITION && length < BAR_LENGTHS && UNKNOWN_BAR_POSITION < BAR_POSITIONS
        );
    }

    proptest! {
        #[test]
        fn a_transposed_chord_has_a_token_that_transposes_back(id in ChordToken::FIRST_ONSET..ChordToken::COUNT, by in -24..24i32) {
            let token = ChordToken::from_id(id).unwrap();
            let chord = token.chord().unwrap();
            let moved = ChordToken::of(ChordFrame::Onset(chord.transposed(by)));
            prop_assert!(moved.id() < ChordToken::COUNT);
            prop_assert_eq!(moved.chord().map(|c| c.quality), Some(chord.quality));
            prop_assert_eq!(moved.chord().map(|c| c.transposed(-by)), Some(chord));
        }

        #[test]
        fn the_bass_is_not_in_the_vocabulary(root in 0..12, idx in 0..Quality::COUNT, bass in 0..12) {
            let chord = Chord::new(PitchClass::new(root), Quality::from_index(idx).unwrap());
            let slashed = chord.over(PitchClass::new(bass));
            prop_assert_eq!(ChordToken::of(ChordFrame::Onset(slashed)).frame(), ChordFrame::Onset(chord));
        }
    }
}
