//! One instant of an instance, for the editor to draw. Written by the audio thread, read by the GUI. Plain values.

use music::{chord::Chord, grid::Beats, harmony::ChordFrame, melody::MelodyFrame, pitch::Pitch};

/// Planned frames that are shown.
pub const MAX_SHOWN: usize = 32;

/// What the audio side is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The host does not play, or says no tempo we could follow.
    #[default]
    Waiting,
    /// The model listens, for so many frames yet.
    Listening {
        /// Frames until it may play.
        frames_left: i64,
    },
    /// It may play, but no note or no first chord has come yet.
    NothingHeard,
    /// Chords are played.
    Playing,
    /// The player holds the chord.
    Holding,
    /// A chord was late a moment ago; the last one is held.
    Behind,
    /// The host has bypassed us.
    Bypassed,
}

/// A planned frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Frames after the next to start.
    pub frames_ahead: u16,
    /// Its chord.
    pub chord: ChordFrame,
    /// Whether it stands.
    pub committed: bool,
}

/// One instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What the audio side is about.
    pub stage: Stage,
    /// Whether chords are kept silent by the pass-through setting.
    pub silent: bool,
    /// Where the host is.
    pub place: Option<Beats>,
    /// Its tempo.
    pub tempo_bpm: Option<f64>,
    /// The chord that sounds.
    pub now: Option<Chord>,
    /// The melody note that leads.
    pub leading: Option<Pitch>,
    /// Frames whose chord was not there when due.
    pub late: u32,
    /// Melody onsets heard over the instance's life.
    pub num_onsets: u32,
    /// How many of `shown` count.
    pub num_shown: usize,
    /// The frames ahead.
    pub shown: [Shown; MAX_SHOWN],
}

impl Snapshot {
    /// The frames ahead that are planned, in order.
    pub fn planned(&self) -> &[Shown] {
        &self.shown[..self.num_shown.min(MAX_SHOWN)]
    }

    pub(super) fn push(&mut self, shown: Shown) {
        if let Some(place) = self.shown.get_mut(self.num_shown) {
            *place = shown;
            self.num_shown += 1;
        }
    }

    pub(super) fn heard(&mut self, melody: MelodyFrame) {
        self.num_onsets = self.num_onsets.wrapping_add(u32::from(matches!(melody, MelodyFrame::Onset(_))));
    }
}
