//! The styles, one row each: how many voices, which tones, how they are stacked. Pure.
//! Everything else reads this table; a style added is a row added.

use super::{
    Style,
    stack::Stack::{self, DropTwo, Every},
};

/// What a style says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The fewest voices where the player does not say; a chord of fewer tones is doubled.
    pub fewest: usize,
    /// The most; of a chord of more tones the least needed are left out.
    pub most: usize,
    /// Only root and fifth are asked for.
    pub bare: bool,
    /// How the tones are stacked, and where the range is too narrow for that, how instead.
    pub stacks: &'static [Stack],
    /// What it costs to leave a tone that both chords have, in semitones of motion, beyond the motion itself.
    pub hold: i32,
}

impl Style {
    pub(super) const fn rule(self) -> Rule {
        const CLOSE: Rule = Rule { fewest: 3, most: 5, bare: false, stacks: &[Every(1)], hold: 0 };
        match self {
            Self::Close => CLOSE,
            Self::Open => Rule { stacks: &[Every(2), Every(1)], ..CLOSE },
            Self::DropTwo => Rule { fewest: 4, most: 4, stacks: &[DropTwo, Every(1)], ..CLOSE },
            Self::Shell => Rule { fewest: 2, most: 2, ..CLOSE },
            Self::Spread => Rule { stacks: &[Every(3), Every(2), Every(1)], ..CLOSE },
            Self::Power => Rule { fewest: 2, most: 2, bare: true, ..CLOSE },
            Self::Pad => Rule { hold: 24, ..CLOSE },
        }
    }
}
