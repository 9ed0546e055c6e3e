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
        Quality::from_index(idx % Quality::COUNT).map(|quality| Chord::new(PitchClass::new(root as i32), quality))
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
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
