//! One instant of an instance, for the editor to draw. Written by the audio thread, read by the GUI. Plain values.

use super::trail::{Keys, Trail};
use music::{
    chord::Chord,
    grid::{Beats, Frame},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::Meter,
    pitch::Pitch,
};

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

/// What a player sees at a glance: where this changes, the editor is told at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// What the audio side is about.
    pub stage: Stage,
    /// Whether chords are kept silent by a setting or a switch.
    pub silent: bool,
    /// Whether Hold is on, latched or held down.
    pub holds: bool,
    /// Whether Mute is.
    pub mutes: bool,
    /// The chord that sounds.
    pub now: Option<Chord>,
    /// The melody note that leads.
    pub leading: Option<Pitch>,
    /// The melody's keys that are down; bit n is key n.
    pub melody: u128,
    /// The keys of ours that sound.
    pub keys: Keys,
    /// Frames whose chord was not there when due.
    pub late: u32,
    /// How many frames after the one heard are committed.
    pub commit: i64,
    /// How many are planned.
    pub look_ahead: i64,
    /// Captured chords are played again.
    pub prints: bool,
}

/// One instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What is seen at a glance.
    pub glance: Glance,
    /// Where the host is.
    pub place: Option<Beats>,
    /// Where the next frame starts, of which `shown` counts.
    pub next: Option<Beats>,
    /// Its tempo.
    pub tempo_bpm: Option<f64>,
    /// Its meter.
    pub meter: Option<Meter>,
    /// A bar line of that meter.
    pub bar_start: Option<Beats>,
    /// The loop that we are in: from its start to its end.
    pub cycle: Option<(Beats, Beats)>,
    /// Melody onsets heard over the instance's life.
    pub num_onsets: u32,
    /// How many of `shown` count.
    pub num_shown: usize,
    /// The frames ahead.
    pub shown: [Shown; MAX_SHOWN],
    /// The frame that has started and not closed, and what the chords did in it.
    pub open: Option<(Frame, ChordFrame)>,
    /// The frames that have closed.
    pub trail: Trail,
}

impl Snapshot {
    /// The frames ahead that are planned, in order.
    pub fn planned(&self) -> &[Shown] {
        &self.shown[..self.num_shown.min(MAX_SHOWN)]
    }

    /// Adds a frame ahead; what has no room is left out.
    pub fn push(&mut self, shown: Shown) {
        if let Some(place) = self.shown.get_mut(self.num_shown) {
            *place = shown;
            self.num_shown += 1;
        }
    }

    pub(super) fn heard(&mut self, melody: MelodyFrame) {
        self.num_onsets = self.num_onsets.wrapping_add(u32::from(matches!(melody, MelodyFrame::Onset(_))));
    }
}
