//! What the parameters say in one block, in the audio side's words. Audio thread.

use super::{ChordsParams, choices::KeyChoice};
use crate::{
    audio::{
        block::{Settings, Switches},
        comping::Comping,
        listener::Hearing,
    },
    links::{KeyRule, Rules},
    voicing::Arrangement,
};
use music::{
    grid::FRAMES_PER_BEAT,
    key::Key,
    pitch::{Pitch, PitchClass},
};

impl ChordsParams {
    /// The settings of this block.
    pub fn settings(&self, offline: bool) -> Settings {
        let (output, play) = (&self.output, &self.play);
        Settings {
            rules: self.rules(offline),
            hearing: self.hearing(),
            arrangement: self.arrangement(),
            comping: self.comping(),
            switches: Switches {
                hold: play.hold.value(),
                mute: play.mute.value(),
                latching: play.latching.value(),
                presses: play.presses.now(),
            },
            chord_channel: channel(output.chord_channel.value()),
            bass_channel: channel(output.bass_channel.value()),
            parts: output.parts.value(),
            pass: output.pass_through.value(),
            free_run_bpm: self.react.free_run.value().then(|| f64::from(self.react.free_tempo.value())),
            // The audio side says so.
            muted: false,
            bypass: output.bypass.value(),
        }
    }

    fn rules(&self, offline: bool) -> Rules {
        let (react, harmony) = (&self.react, &self.harmony);
        let tonic = PitchClass::new(i32::from(harmony.key_tonic.value().0));
        let key = Key::new(tonic, harmony.key_mode.value().0);
        Rules {
            commit: i64::from(react.commit.value()),
            look_ahead: i64::from(react.look_ahead.value()),
            listen: i64::from(react.listen.value()) * FRAMES_PER_BEAT,
            temperature: harmony.temperature.value(),
            top_p: harmony.top_p.value(),
            grid: react.grid.value(),
            density: react.density.value(),
            key: match harmony.key_rule.value() {
                KeyChoice::Auto => KeyRule::Auto,
                KeyChoice::Lean => KeyRule::Lean(key),
                KeyChoice::Lock => KeyRule::Lock(key),
            },
            seed: harmony.seed.value().unsigned_abs().into(),
            // The audio side counts these.
            roll: 0,
            force: 0,
            listen_again: react.listen_again.value(),
            loop_memory: react.loop_memory.value(),
            print: self.output.print.value(),
            // The audio side says so.
            meter: None,
            own_clock: false,
            offline,
        }
    }

    fn hearing(&self) -> Hearing {
        let input = &self.input;
        Hearing {
            channel: (input.channel.value() > 0).then(|| channel(input.channel.value())),
            lowest: Pitch::folded(input.lowest.value()),
            highest: Pitch::folded(input.highest.value()),
            leads: input.leads.value(),
            sustain: input.sustain.value(),
        }
    }

    fn arrangement(&self) -> Arrangement {
        let voicing = &self.voicing;
        let voices = voicing.voices.value();
        Arrangement {
            style: voicing.style.value(),
            voices: (voices > 1).then_some(voices as u8),
            register: Pitch::folded(voicing.register.value()),
            lowest: Pitch::folded(voicing.lowest.value()),
            highest: Pitch::folded(voicing.highest.value()),
            inversion: voicing.inversion.value(),
            below_melody: voicing.below_melody.value(),
            bass: voicing.bass.value(),
        }
    }

    fn comping(&self) -> Comping {
        let rhythm = &self.rhythm;
        Comping {
            pattern: rhythm.pattern.value(),
            rate: rhythm.arp_rate.value(),
            gate: rhythm.gate.value(),
            strum: rhythm.strum.value(),
            strum_ms: rhythm.strum_ms.value() as f32,
            velocity: rhythm.velocity.value() as f32 / 127.0,
            follow: rhythm.follow.value(),
            humanise: rhythm.humanise.value(),
            nudge_ms: rhythm.nudge.value() as f32,
        }
    }
}

fn channel(one_based: i32) -> u8 {
    (one_based - 1).clamp(0, 15) as u8
}
