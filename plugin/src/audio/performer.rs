//! A frame starts: from its planned chord to notes on and off. Audio thread. Fixed size.
//!
//! A hold never starts another chord; a frame nobody has planned holds what sounds. Where a loop starts again all that
//! sounds ends, and what is held is struck again with its first frame. What is struck when is `comping`'s word, which keys
//! are `voicing`'s; both go onto the agenda, so that strums and nudged chords may sound after the block they were decided
//! in.

mod changes;
mod striking;

use super::{
    agenda::{Agenda, Doing, Item},
    block::{Port, Settings},
    comping::Pattern,
    sounding::{Owner, Sounding},
};
use crate::{
    links::Leading,
    voicing::{self, Arrangement, Feet, Style, Voicing},
};
use music::{chord::Chord, grid::Frame, harmony::ChordFrame, meter::BarPhase, pitch::Pitch};

/// A frame as the performer needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Cue {
    /// The frame.
    pub frame: Frame,
    /// Where it stands in its bar.
    pub phase: BarPhase,
    /// The sample at which it is to be played, nudged.
    pub at: i64,
    /// Samples a frame.
    pub length: f64,
    /// Samples a second.
    pub sample_rate: f64,
    /// The melody's note.
    pub melody: Option<Pitch>,
    /// How hard the melody was last played, 0..=1.
    pub touch: f32,
    /// Frames from here to the next chord that stands, and that chord.
    pub next: Option<(i64, Chord)>,
}

impl Cue {
    /// What of the melody the chords go by.
    pub fn leading(&self) -> Leading {
        Leading { key: self.melody, touch: (self.touch.clamp(0.0, 1.0) * 127.0).round() as u8 }
    }
}

/// Plays chords.
#[derive(Clone, Debug, Default)]
pub struct Performer {
    current: Option<Chord>,
    /// The chord that a wrap has ended, until the loop's first frame says what becomes of it.
    cut: Option<Chord>,
    /// Where the hands were last, so that they need not move far.
    hands: Option<Voicing>,
    feet: Option<Feet>,
    /// The bass key struck last.
    step: Option<Pitch>,
    /// Frames played since the chord began.
    since: i64,
    /// How the chord that sounds is voiced, and in which rhythm.
    arrangement: Arrangement,
    pattern: Pattern,
    /// The chord that was brought forward, until its own frame comes.
    brought: Option<Chord>,
    /// The same, until a frame has said so to the model.
    untold: Option<Chord>,
    agenda: Agenda,
    /// Keys of the chord before that go on, and so are not struck with this one; bit n is key n.
    kept: u128,
    /// How hard each part was struck last, 0..=1.
    touched: [f32; 2],
    struck: i64,
}

impl Performer {
    /// Plays a frame's chord; `None` is a frame without a plan. What sounds goes on where the frame `keeps` it. What was
    /// really played.
    pub fn play(
        &mut self,
        settings: &Settings,
        sounding: &Sounding,
        keeps: bool,
        cue: &Cue,
        planned: Option<ChordFrame>,
    ) -> ChordFrame {
        let cut = self.cut.take();
        let planned = match planned {
            Some(ChordFrame::Onset(chord))
                if self.brought.take() == Some(chord) && self.current == Some(chord) =>
            {
                ChordFrame::Hold
            }
            _ if keeps && self.current.or(cut).is_some() => ChordFrame::Hold,
            Some(planned) => planned,
            None if self.current.is_some() => ChordFrame::Hold,
            None => ChordFrame::Silence,
        };
        let played = match (planned, self.current, cut) {
            // What a wrap has ended goes on by being struck again.
            (ChordFrame::Onset(chord), ..) | (ChordFrame::Hold, None, Some(chord)) => {
                self.begin(settings, sounding, cue, chord);
                ChordFrame::Onset(chord)
            }
            (ChordFrame::Hold, Some(_), _) => ChordFrame::Hold,
            (ChordFrame::Hold | ChordFrame::Silence, ..) => {
                self.current = None;
                self.end_others(cue.at, settings.chord_channel, 0);
                ChordFrame::Silence
            }
        };
        self.comp(settings, sounding, cue);
        match (played, self.untold.take()) {
            (ChordFrame::Hold, Some(chord)) if self.current == Some(chord) => ChordFrame::Onset(chord),
            (played, _) => played,
        }
    }

    /// Another chord begins before its frame. Whether it must be told as the next frame's onset is the caller's to say.
    pub fn bring(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue, chord: Chord, told: bool) {
        self.begin(settings, sounding, cue, chord);
        self.comp(settings, sounding, cue);
        self.brought = Some(chord);
        self.untold = Some(chord).filter(|_| !told);
    }

    /// What is due next, if before `end`.
    pub fn due(&self, end: i64) -> Option<Item> {
        self.agenda.first().filter(|item| item.at < end)
    }

    /// Does what is due, at `offset`.
    pub fn act(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        let Some(item) = self.agenda.first() else { return };
        self.agenda.pop();
        match item.doing {
            Doing::EndOthers { owner, channel, but } => {
                sounding.end_all_but(port, owner, offset, channel, but);
            }
            Doing::End { owner, channel, key } => sounding.end(port, owner, offset, channel, key),
            Doing::Start { owner, channel, key, velocity } => {
                if let Some(touched) = self.touched.get_mut(owner as usize) {
                    *touched = velocity;
                }
                sounding.start(port, owner, offset, channel, key, velocity);
            }
        }
    }

    /// Ends what sounds at `offset`.
    pub fn end(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        (self.current, self.cut) = (None, None);
        for owner in Owner::OURS {
            self.hush(port, sounding, owner, offset);
        }
    }

    /// The loop starts again at `offset`: what sounds ends, and the next frame says whether it is struck again.
    pub fn wrap(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        let cut = self.current.or(self.cut);
        self.end(port, sounding, offset);
        self.cut = cut;
    }

    /// Nothing sounds any more and the hands may start anywhere.
    pub fn forget(&mut self) {
        *self = Self { struck: self.struck, ..Self::default() };
    }

    /// The chord that sounds, or would if chords were let through.
    pub fn current(&self) -> Option<Chord> {
        self.current
    }

    /// Whether no chord sounds, nor is one to be struck again because a loop's end has cut it.
    pub fn is_idle(&self) -> bool {
        self.current.or(self.cut).is_none()
    }

    /// How many chords were struck over the instance's life.
    pub fn num_struck(&self) -> i64 {
        self.struck
    }

    /// From now on this chord: where its keys lie, and that the others end.
    fn begin(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue, chord: Chord) {
        let arrangement = &settings.arrangement;
        let hands = voicing::hands(chord, arrangement, cue.melody, self.hands.as_ref());
        let feet = voicing::feet(chord, arrangement, &hands, self.step);
        self.kept = self.kept(settings, sounding, cue, &hands);
        self.end_others(cue.at, settings.chord_channel, self.kept);
        (self.current, self.cut) = (Some(chord), None);
        (self.arrangement, self.pattern) = (*arrangement, settings.comping.pattern);
        self.struck += 1;
        self.since = 0;
        self.step = feet.lowest().or(self.step);
        self.hands = Some(hands);
        self.feet = Some(feet);
    }

    /// The keys of a pad that sound already and go on; bit n is key n.
    fn kept(&self, settings: &Settings, sounding: &Sounding, cue: &Cue, hands: &Voicing) -> u128 {
        let keeps = settings.arrangement.style == Style::Pad
            && settings.comping.pattern.hands_lie()
            && settings.lets_out(Owner::Hands)
            // Where chords are nudged, what sounds now may end before.
            && !self.agenda.ends_before(cue.at, Owner::Hands);
        let sounds = sounding.keys(Owner::Hands, settings.chord_channel);
        if keeps { bits(hands.keys().iter().copied()) & sounds } else { 0 }
    }

    /// All keys end at a sample but these of the hands' channel, and nothing that was to come after it comes.
    fn end_others(&mut self, at: i64, channel: u8, but: u128) {
        Owner::OURS.into_iter().for_each(|owner| self.agenda.call_off(at, owner));
        self.agenda.make_room(Owner::OURS.len());
        self.end_part(at, Owner::Hands, channel, but);
        self.end_part(at, Owner::Bass, channel, 0);
    }

    /// The same of one part alone.
    fn end_part(&mut self, at: i64, owner: Owner, channel: u8, but: u128) {
        self.agenda.call_off(at, owner);
        self.agenda.make_room(1);
        self.agenda.add(at, Doing::EndOthers { owner, channel, but });
    }
}

/// Keys as bits; bit n is key n.
fn bits(keys: impl Iterator<Item = Pitch>) -> u128 {
    keys.fold(0, |bits, key| bits | 1 << key.midi())
}
