//! What a player changes while a chord sounds: which parts go out and on which channels at once, how they are voiced and
//! in which rhythm from the next beat on. The chord stays the same, to the model too. Audio thread.

use super::{
    super::{
        block::{Port, Settings},
        comping::{Hit, Pattern, Strikes},
        sounding::{Owner, Sounding},
    },
    Cue, Performer, bits,
};
use crate::voicing::{self, Arrangement, Bass};
use music::{chord::Chord, pitch::Pitch};

/// What lies as long as its chord.
const LYING: Hit = Hit { at: 0.0, what: Strikes::All, frames: None, on_beat: true };

impl Performer {
    /// Silences a part at `offset`; the chord goes on unheard.
    pub fn hush(&mut self, port: &mut impl Port, sounding: &mut Sounding, owner: Owner, offset: u32) {
        self.agenda.call_off(i64::MIN, owner);
        sounding.end_all(port, owner, offset);
    }

    /// A part is let out again: what lies of it sounds again, the rest with the rhythm's next hit.
    pub fn resume(&mut self, settings: &Settings, owner: Owner, cue: &Cue) {
        if self.current.is_some() && lies(owner, &settings.arrangement, settings.comping.pattern) {
            self.lie(settings, owner, cue, 0);
        }
    }

    /// A part goes to another channel at the block's first sample: what sounds ends there and is struck here.
    pub fn change_channel(
        &mut self,
        port: &mut impl Port,
        sounding: &mut Sounding,
        owner: Owner,
        (from, to): (u8, u8),
    ) {
        self.agenda.change_channel(owner, to);
        let keys = sounding.keys(owner, from);
        sounding.end_all(port, owner, 0);
        let touch = self.touched.get(owner as usize).copied().unwrap_or_default();
        for key in (0..128).filter(|key| keys >> key & 1 == 1).map(Pitch::folded) {
            sounding.start(port, owner, 0, to, key, touch);
        }
    }

    /// On a beat the chord goes on as the player wishes it by now.
    pub(super) fn rearrange(&mut self, settings: &Settings, sounding: &Sounding, cue: &Cue, chord: Chord) {
        let (arrangement, pattern) = (settings.arrangement, settings.comping.pattern);
        let before = std::mem::replace(&mut self.arrangement, arrangement);
        let rhythm = std::mem::replace(&mut self.pattern, pattern);
        let Some(hands) = self.hands.filter(|_| before != arrangement || rhythm != pattern) else { return };
        let hands = if before == (Arrangement { bass: before.bass, ..arrangement }) {
            hands
        } else {
            voicing::hands(chord, &arrangement, cue.melody, Some(&hands))
        };
        let feet = voicing::feet(chord, &arrangement, &hands, self.step);
        (self.hands, self.feet) = (Some(hands), Some(feet));
        let walks = arrangement.bass == Bass::Walking;
        if !walks || before.bass != Bass::Walking {
            self.step = feet.lowest().or(self.step);
        }
        let wished = [bits(hands.keys().iter().copied()), bits(feet.keys())];
        for (owner, keys) in Owner::OURS.into_iter().zip(wished) {
            let (lay, lies) = (lies(owner, &before, rhythm), lies(owner, &arrangement, pattern));
            let channel = settings.channel_of(owner);
            if !(lay || lies) || (lay && lies && sounding.keys(owner, channel) == keys) {
                continue;
            }
            let kept = if owner == Owner::Hands { self.kept(settings, sounding, cue, &hands) } else { 0 };
            self.end_part(cue.at, owner, channel, kept);
            // A bass that walks takes its next step on this beat.
            if lies && !(owner == Owner::Bass && walks) {
                self.lie(settings, owner, cue, kept);
            }
        }
    }

    /// Strikes a part that lies as long as its chord, but for the keys that go on.
    fn lie(&mut self, settings: &Settings, owner: Owner, cue: &Cue, kept: u128) {
        match owner {
            Owner::Hands => self.strike_hands(settings, cue, LYING, kept),
            Owner::Bass => self.strike_bass(settings, cue, LYING),
            Owner::Melody => {}
        }
    }
}

/// Whether a part is struck with its chord, or step by step, and lies.
fn lies(owner: Owner, arrangement: &Arrangement, pattern: Pattern) -> bool {
    match owner {
        Owner::Hands => pattern.hands_lie(),
        Owner::Bass => pattern.bass_lies() || arrangement.bass == Bass::Walking,
        Owner::Melody => false,
    }
}
