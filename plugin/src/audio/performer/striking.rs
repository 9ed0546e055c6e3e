//! What the rhythm strikes in a frame, and the walking bass. Audio thread.

use super::{
    super::{
        agenda::Doing,
        block::Settings,
        comping::{Hit, Strikes},
        sounding::{Owner, Sounding},
    },
    Cue, Performer, bits,
};
use crate::voicing::{self, Bass};
use music::{chord::Chord, grid::FRAMES_PER_BEAT, meter::BarPhase, pitch::Pitch};

/// The bass strays and is touched like a voice of this number.
const BASS_VOICE: usize = voicing::MAX_VOICES;

impl Performer {
    /// What the rhythm strikes in this frame.
    pub(super) fn comp(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue) {
        let Some(chord) = self.current else { return };
        let since = self.since;
        self.since += 1;
        let goes_on = since > 0 && on_beat(cue);
        if goes_on {
            self.rearrange(settings, sounding, cue, chord);
        }
        if let Some(hit) = settings.comping.hit(cue.frame.0, cue.phase, since) {
            self.strike(settings, cue, hit, if since == 0 { self.kept } else { 0 });
        }
        if settings.arrangement.bass == Bass::Walking && goes_on {
            self.walk(settings, cue, chord, since);
        }
    }

    /// Strikes hands and bass as a hit says, but for the keys that go on.
    fn strike(&mut self, settings: &Settings, cue: &Cue, hit: Hit, kept: u128) {
        let begins = self.since <= 1;
        let bass_strikes = match hit.what {
            Strikes::All | Strikes::Bass => begins || settings.arrangement.bass != Bass::Walking,
            // Under an arpeggio the bass lies.
            Strikes::Voice(_) => begins,
            Strikes::Hands => false,
        };
        if bass_strikes {
            self.strike_bass(settings, cue, hit);
        }
        if hit.what != Strikes::Bass {
            self.strike_hands(settings, cue, hit, kept);
        }
    }

    /// Strikes the hands, or that voice of theirs, but for the keys that go on.
    pub(super) fn strike_hands(&mut self, settings: &Settings, cue: &Cue, hit: Hit, kept: u128) {
        let Some(hands) = self.hands.filter(|_| settings.lets_out(Owner::Hands)) else { return };
        let num = hands.keys().len();
        let only = match hit.what {
            Strikes::Voice(nth) => Some(settings.comping.voice(nth, num)),
            Strikes::All | Strikes::Hands | Strikes::Bass => None,
        };
        for (voice, key) in hands.keys().iter().enumerate() {
            if only.is_none_or(|only| only == voice) && kept & bits(std::iter::once(*key)) == 0 {
                // A voice by itself is no strum.
                let turn = if only.is_some() { (0, 1) } else { (voice, num) };
                self.start(settings, cue, hit, (Owner::Hands, voice, *key), turn);
            }
        }
    }

    /// Strikes the bass: where it walks the key it is on.
    pub(super) fn strike_bass(&mut self, settings: &Settings, cue: &Cue, hit: Hit) {
        let Some(feet) = self.feet.filter(|_| settings.lets_out(Owner::Bass)) else { return };
        let walks = settings.arrangement.bass == Bass::Walking;
        let lies = walks || settings.comping.pattern.bass_lies();
        let hit = Hit { frames: hit.frames.filter(|_| !lies), ..hit };
        let step = self.step.filter(|_| walks && feet.lowest().is_some());
        for key in step.into_iter().chain(feet.keys().filter(|_| !walks)) {
            self.start(settings, cue, hit, (Owner::Bass, BASS_VOICE, key), (BASS_VOICE, 1));
        }
    }

    /// Starts a key as a hit says, in its turn of a strum, and ends it by its gate.
    fn start(
        &mut self,
        settings: &Settings,
        cue: &Cue,
        hit: Hit,
        (owner, voice, key): (Owner, usize, Pitch),
        (turn, turns): (usize, usize),
    ) {
        let comping = &settings.comping;
        let (seed, frame) = (settings.rules.seed, cue.frame.0);
        let delay_ms = comping.delay_ms(seed, frame, turn, turns, hit.on_beat);
        let delay = (delay_ms * 1e-3 * cue.sample_rate).round();
        let at = cue.at + (hit.at * cue.length).ceil() as i64 + delay as i64;
        let length = hit.frames.map(|frames| frames * f64::from(comping.gate) * cue.length);
        let touch = comping.touch(seed, frame, voice, hit.on_beat, cue.touch);
        let until = length.map(|length| at + length as i64);
        self.agenda.strike(at, (owner, settings.channel_of(owner), key), touch, until);
    }

    /// A step of the bass on a beat: towards the next chord where one stands within a beat, else within this one.
    fn walk(&mut self, settings: &Settings, cue: &Cue, chord: Chord, since: i64) {
        let (Some(from), Some(hands)) = (self.step, self.hands) else { return };
        if !settings.lets_out(Owner::Bass) {
            return;
        }
        let key = match cue.next.filter(|(frames, _)| *frames < FRAMES_PER_BEAT) {
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
        let (owner, channel) = (Owner::Bass, settings.bass_channel);
        self.agenda.add(cue.at, Doing::End { owner, channel, key: from });
        let touch = comping.touch(settings.rules.seed, cue.frame.0, BASS_VOICE, true, cue.touch);
        self.agenda.strike(cue.at, (owner, channel, key), touch, None);
        self.step = Some(key);
    }
}

fn on_beat(cue: &Cue) -> bool {
    let place = match cue.phase {
        BarPhase::At { position, .. } => i64::from(position),
        BarPhase::Unknown => cue.frame.0,
    };
    place.rem_euclid(FRAMES_PER_BEAT) == 0
}
