//! A frame starts: from its planned chord to notes on and off at that sample. Audio thread. Fixed size.
//! A hold never starts anything; a frame nobody has planned holds what sounds.

use super::{
    block::{Port, Settings},
    sounding::{Owner, Sounding},
};
use crate::voicing::{self, Voicing};
use music::{chord::Chord, harmony::ChordFrame, pitch::Pitch};

/// Plays chords.
#[derive(Clone, Debug, Default)]
pub struct Performer {
    current: Option<Chord>,
    /// Where the hands were last, so that they need not move far.
    hands: Option<Voicing>,
    foot: Option<Pitch>,
    struck: i64,
}

impl Performer {
    /// Plays a frame's chord at `offset`; `None` is a frame without a plan. What was really played.
    pub fn play(
        &mut self,
        port: &mut impl Port,
        sounding: &mut Sounding,
        settings: &Settings,
        offset: u32,
        planned: Option<ChordFrame>,
    ) -> ChordFrame {
        match planned.unwrap_or(ChordFrame::Hold) {
            ChordFrame::Onset(chord) => {
                self.strike(port, sounding, settings, offset, chord);
                ChordFrame::Onset(chord)
            }
            ChordFrame::Hold if self.current.is_some() => ChordFrame::Hold,
            ChordFrame::Hold | ChordFrame::Silence => {
                self.end(port, sounding, offset);
                ChordFrame::Silence
            }
        }
    }

    /// Ends what sounds at `offset`.
    pub fn end(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        self.current = None;
        sounding.end_all(port, Owner::Chords, offset);
    }

    /// Nothing sounds any more and the hands may start anywhere.
    pub fn forget(&mut self) {
        *self = Self { struck: self.struck, ..Self::default() };
    }

    /// The chord that sounds, or would if chords were let through.
    pub fn current(&self) -> Option<Chord> {
        self.current
    }

    /// The keys of the last chord struck.
    pub fn hands(&self) -> Option<Voicing> {
        self.hands
    }

    /// How many chords were struck over the instance's life.
    pub fn num_struck(&self) -> i64 {
        self.struck
    }

    fn strike(
        &mut self,
        port: &mut impl Port,
        sounding: &mut Sounding,
        settings: &Settings,
        offset: u32,
        chord: Chord,
    ) {
        sounding.end_all(port, Owner::Chords, offset);
        self.current = Some(chord);
        self.struck += 1;
        let hands = voicing::close(chord, settings.register, self.hands.as_ref());
        let foot = voicing::bass(chord.bass, hands.lowest(), self.foot);
        if settings.chords_sound() {
            if settings.bass {
                sounding.start(port, Owner::Chords, offset, settings.bass_channel, foot, settings.velocity);
            }
            for key in hands.keys() {
                sounding.start(port, Owner::Chords, offset, settings.chord_channel, *key, settings.velocity);
            }
        }
        self.hands = Some(hands);
        self.foot = Some(foot);
    }
}
