//! What a player may wish of a voicing. Plain values.

use music::pitch::Pitch;

/// A rule that makes voicings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Every chord tone once within an octave.
    #[default]
    Close,
    /// Every second tone of the close position an octave up.
    Open,
    /// The second tone from the top of a four-part close position an octave down.
    DropTwo,
    /// Third and seventh, or third and root; no more unless more voices are wished for.
    Shell,
    /// Wide: every third tone, where the range lets them lie so far apart.
    Spread,
    /// Root and fifth.
    Power,
    /// Close, where a tone common to both chords rather stays on its key than others move little.
    Pad,
}

/// Which tone stands lowest of the hands, where they have that tone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inversion {
    /// Whichever moves least.
    #[default]
    Nearest,
    /// The root.
    Root,
    /// The third.
    First,
    /// The fifth.
    Second,
}

/// What the bass plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bass {
    /// Nothing.
    Off,
    /// The root.
    Root,
    /// The root, and the same an octave above where that stays below the hands.
    Octave,
    /// The chord's own bass, as in C/E.
    #[default]
    Slash,
    /// The chord's bass, and on its last beat a step towards the next chord's.
    Walking,
}

/// What a player wishes of the voicings. Where wishes are at odds, the first of these wins: the range, the chord's
/// tones, [`below_melody`](Self::below_melody), the inversion, the style's width, clearness in the low octaves; then
/// the voices move little and stay around the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// The rule.
    pub style: Style,
    /// How many voices the hands have, 2..=`MAX_VOICES`; `None`: as many as the style and chord ask for.
    pub voices: Option<u8>,
    /// The pitch around which chords are voiced.
    pub register: Pitch,
    /// The lowest key of the hands.
    pub lowest: Pitch,
    /// The highest. Where it is below the lowest, the two change places.
    pub highest: Pitch,
    /// Which tone stands lowest.
    pub inversion: Inversion,
    /// The hands stay below the melody where they can.
    pub below_melody: bool,
    /// What the bass plays.
    pub bass: Bass,
}

impl Arrangement {
    /// The lowest and the highest key of the hands, in this order whichever way they were set.
    pub fn range(&self) -> (Pitch, Pitch) {
        (self.lowest.min(self.highest), self.lowest.max(self.highest))
    }
}

impl Default for Arrangement {
    fn default() -> Self {
        Self {
            style: Style::default(),
            voices: None,
            register: Pitch::folded(60),
            lowest: Pitch::folded(40),
            highest: Pitch::folded(84),
            inversion: Inversion::default(),
            below_melody: false,
            bass: Bass::default(),
        }
    }
}
