//! A frame starts: from its planned chord to notes on and off. Audio thread. Fixed size.
//!
//! A hold never starts another chord; a frame nobody has planned holds what sounds. What is struck when is
//! `comping`'s word, which keys are `voicing`'s; both go onto the agenda, so that strums and nudged chords may sound
//! after the block they were decided in.

use super::{
    agenda::{Agenda, Doing, Item},
    block::{Parts, Port, Settings},
    comping::{Hit, Pattern, Strikes},
    sounding::{Owner, Sounding},
};
use crate::voicing::{self, Bass, Feet, Style, Voicing};
use music::{
    chord::Chord,
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    meter::BarPhase,
    pitch::Pitch,
};

/// The bass strays and is touched like a voice of this number.
const BASS_VOICE: usize = voicing::MAX_VOICES;

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

/// Plays chords.
#[derive(Clone, Debug, Default)]
pub struct Performer {
    current: Option<Chord>,
    /// Where the hands were last, so that they need not move far.
    hands: Option<Voicing>,
    feet: Option<Feet>,
    /// The bass key struck last.
    step: Option<Pitch>,
    /// Frames played since the chord began.
    since: i64,
    /// The chord that was brought forward, until its own frame comes.
    brought: Option<Chord>,
    /// The same, until a frame has said so to the model.
    untold: Option<Chord>,
    agenda: Agenda,
    /// Keys of the chord before that go on, and so are not struck with this one; bit n is key n.
    kept: u128,
    struck: i64,
}

impl Performer {
    /// Plays a frame's chord; `None` is a frame without a plan. What was really played.
    pub fn play(
        &mut self,
        settings: &Settings,
        sounding: &Sounding,
        hold: bool,
        cue: &Cue,
        planned: Option<ChordFrame>,
    ) -> ChordFrame {
        let planned = match planned.unwrap_or(ChordFrame::Hold) {
            ChordFrame::Onset(chord) if self.brought.take() == Some(chord) && self.current == Some(chord) => {
                ChordFrame::Hold
            }
            _ if hold && self.current.is_some() => ChordFrame::Hold,
            planned => planned,
        };
        let played = match planned {
            ChordFrame::Onset(chord) => {
                self.begin(settings, sounding, cue, chord);
                ChordFrame::Onset(chord)
            }
            ChordFrame::Hold if self.current.is_some() => ChordFrame::Hold,
            ChordFrame::Hold | ChordFrame::Silence => {
                self.current = None;
                self.end_others(cue.at, 0, 0);
                ChordFrame::Silence
            }
        };
        self.comp(settings, cue);
        match (played, self.untold.take()) {
            (ChordFrame::Hold, Some(chord)) if self.current == Some(chord) => ChordFrame::Onset(chord),
            (played, _) => played,
        }
    }

    /// Another chord begins before its frame. Whether it must be told as the next frame's onset is the caller's to say.
    pub fn bring(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue, chord: Chord, told: bool) {
        self.begin(settings, sounding, cue, chord);
        self.comp(settings, cue);
        self.brought = Some(chord);
        self.untold = Some(chord).filter(|_| !told);
    }

    /// Chords are let through again: what is held sounds again.
    pub fn resume(&mut self, settings: &Settings, cue: &Cue) {
        if self.current.is_some() && settings.comping.pattern == Pattern::Sustained {
            let hit = Hit { at: 0.0, what: Strikes::All, frames: None, on_beat: true };
            self.strike(settings, cue, hit, 0);
        }
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
            Doing::EndOthers { channel, but } => {
                sounding.end_all_but(port, Owner::Chords, offset, channel, but);
            }
            Doing::End { channel, key } => sounding.end(port, Owner::Chords, offset, channel, key),
            Doing::Start { channel, key, velocity } => {
                sounding.start(port, Owner::Chords, offset, channel, key, velocity);
            }
        }
    }

    /// Ends what sounds at `offset`.
    pub fn end(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        self.current = None;
        self.hush(port, sounding, offset);
    }

    /// Silences what sounds at `offset`; the chord goes on unheard.
    pub fn hush(&mut self, port: &mut impl Port, sounding: &mut Sounding, offset: u32) {
        self.agenda.clear();
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

    /// From now on this chord: where its keys lie, and that the others end.
    fn begin(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue, chord: Chord) {
        let arrangement = &settings.arrangement;
        let hands = voicing::hands(chord, arrangement, cue.melody, self.hands.as_ref());
        let feet = voicing::feet(chord, arrangement, &hands, self.step);
        let channel = settings.chord_channel;
        let keeps = arrangement.style == Style::Pad
            && settings.comping.pattern == Pattern::Sustained
            && settings.chords_sound()
            && settings.parts != Parts::BassOnly;
        let but = if keeps { bits(hands.keys()) & sounding.keys(Owner::Chords, channel) } else { 0 };
        self.end_others(cue.at, channel, but);
        self.kept = but;
        self.current = Some(chord);
        self.struck += 1;
        self.since = 0;
        self.step = feet.lowest().or(self.step);
        self.hands = Some(hands);
        self.feet = Some(feet);
    }
    /// All keys end at a sample but these of a channel, and nothing that was to come after it comes.
    fn end_others(&mut self, at: i64, channel: u8, but: u128) {
        self.agenda.call_off(at);
        if !self.agenda.add(at, Doing::EndOthers { channel, but }) {
            // Too much is on its way: all of it is off.
            self.agenda.clear();
            self.agenda.add(at, Doing::EndOthers { channel, but });
        }
    }

    /// What the rhythm strikes in this frame.
    fn comp(&mut self, settings: &Settings, cue: &Cue) {
        let Some(chord) = self.current else { return };
        let since = self.since;
        self.since += 1;
        if let Some(hit) = settings.comping.hit(cue.frame.0, cue.phase, since) {
            self.strike(settings, cue, hit, if since == 0 { self.kept } else { 0 });
        }
        if settings.arrangement.bass == Bass::Walking && since > 0 && on_beat(cue) {
            self.walk(settings, cue, chord, since);
        }
    }

    /// Strikes hands and bass as a hit says, but for the keys that go on.
    fn strike(&mut self, settings: &Settings, cue: &Cue, hit: Hit, kept: u128) {
        let (Some(hands), Some(feet)) = (self.hands, self.feet) else { return };
        if !settings.chords_sound() {
            return;
        }
        let comping = &settings.comping;
        let (seed, frame, num) = (settings.rules.seed, cue.frame.0, hands.keys().len());
        let length = hit.frames.map(|frames| frames * f64::from(comping.gate) * cue.length);
        let begins = self.since <= 1;
        let agenda = &mut self.agenda;
        let mut start = |voice: usize, channel: u8, key: Pitch, delay_ms: f64, length: Option<f64>| {
            let delay = (delay_ms * 1e-3 * cue.sample_rate).round();
            let at = cue.at + (hit.at * cue.length).ceil() as i64 + delay as i64;
            let until = length.map(|length| at + length as i64);
            let touch = comping.touch(seed, frame, voice, hit.on_beat, cue.touch);
            agenda.strike(at, channel, key, touch, until);
        };
        let alone = matches!(hit.what, Strikes::Voice(_));
        let bass_strikes = match hit.what {
            Strikes::All | Strikes::Bass => begins || settings.arrangement.bass != Bass::Walking,
            // Under an arpeggio the bass lies.
            Strikes::Voice(_) => begins,
            Strikes::Hands => false,
        };
        if bass_strikes && settings.parts != Parts::ChordsOnly {
            let walks = settings.arrangement.bass == Bass::Walking;
            for key in feet.keys() {
                let delay = comping.delay_ms(seed, frame, BASS_VOICE, 1, hit.on_beat);
                start(BASS_VOICE, settings.bass_channel, key, delay, length.filter(|_| !alone && !walks));
            }
        }
        if settings.parts == Parts::BassOnly || hit.what == Strikes::Bass {
            return;
        }
        let only = match hit.what {
            Strikes::Voice(nth) => Some(comping.voice(nth, num)),
            Strikes::All | Strikes::Hands | Strikes::Bass => None,
        };
        for (voice, key) in hands.keys().iter().enumerate() {
            if only.is_none_or(|only| only == voice) && kept & bits(&[*key]) == 0 {
                // A voice by itself is no strum.
                let (turn, turns) = if alone { (0, 1) } else { (voice, num) };
                let delay = comping.delay_ms(seed, frame, turn, turns, hit.on_beat);
                start(voice, settings.chord_channel, *key, delay, length);
            }
        }
    }

    /// A step of the bass on a beat: towards the next chord where one stands within a beat, else within this one.
    fn walk(&mut self, settings: &Settings, cue: &Cue, chord: Chord, since: i64) {
        let (Some(from), Some(hands)) = (self.step, self.hands) else { return };
        if !settings.chords_sound() || settings.parts == Parts::ChordsOnly {
            return;
        }
        let key = match cue.next.filter(|(frames, _)| *frames <= FRAMES_PER_BEAT) {
            Some((_, next)) => {
                let step = voicing::step_towards(from, next.bass, chord);
                if step < hands.lowest() {
                    step
                } else {
                    voicing::step_within(chord, &hands, from, since / FRAMES_PER_BEAT)
                }
            }
            None => voicing::step_within(chord, &hands, from, since / FRAMES_PER_BEAT),
        };
        let comping = &settings.comping;
        self.agenda.add(cue.at, Doing::End { channel: settings.bass_channel, key: from });
        let touch = comping.touch(settings.rules.seed, cue.frame.0, BASS_VOICE, true, cue.touch);
        self.agenda.strike(cue.at, settings.bass_channel, key, touch, None);
        self.step = Some(key);
    }
}

/// Keys as bits; bit n is key n.
pub(super) fn bits(keys: &[Pitch]) -> u128 {
    keys.iter().fold(0, |bits, key| bits | 1 << key.midi())
}

fn on_beat(cue: &Cue) -> bool {
    let place = match cue.phase {
        BarPhase::At { position, .. } => i64::from(position),
        BarPhase::Unknown => cue.frame.0,
    };
    place.rem_euclid(FRAMES_PER_BEAT) == 0
}
