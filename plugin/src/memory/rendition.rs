//! The notes that a capture sounds as: the performer that plays it live plays it here, frame by frame, by the settings as
//! they stand now, strummed, humanised and nudged as ever. GUI and main threads; pure.
//!
//! Some of a take is not captured, so that there it differs from what was heard: settings that were changed on the way; a
//! chord that *Next* brought forward, which begins with its frame here; the hands that start anywhere after a stop or
//! seek, which go on here where frames are unbroken; a nudge that gave way to a loop's end, or forwards to a plan that was not
//! there in time; a step of the bass that gave way to a loop's end; the rest of a chord whose beginning the capture has
//! lost; how takes on our own clock stray, all but the first of which lie on other frames than they were played on. Mute,
//! bypass and a pass-through of the melody alone count for nothing: what they silenced is written.

use super::{Captured, print::GAP_FRAMES};
use crate::audio::{
    MAX_NUDGE_MS,
    block::{Incoming, Outgoing, Pass, Port, Settings},
    controls::Control,
    performer::{Cue, Performer},
    sounding::{Owner, Sounding},
};
use music::{
    chord::Chord,
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    pitch::Pitch,
};

/// Samples in a frame, so many that rounding to them is not heard.
const SAMPLES_PER_FRAME: i64 = 12_000;

/// A note of hands or bass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// Whose it is.
    pub owner: Owner,
    /// Its channel, 0..16.
    pub channel: u8,
    /// Its pitch.
    pub key: Pitch,
    /// How hard, 0..=1.
    pub velocity: f32,
    /// Where it starts, in frames from the origin.
    pub from: f64,
    /// Where it ends.
    pub until: f64,
}

/// The notes of captured frames, in order, counted from an origin that lies before none of them by more than a file holds.
pub fn notes(frames: &[(Frame, Captured)], origin: Frame, tempo_bpm: f64, settings: &Settings) -> Vec<Note> {
    let settings = Settings { bypass: false, muted: false, pass: Pass::ChordsOnly, ..*settings };
    let mut recital = Recital {
        settings,
        origin,
        sample_rate: tempo_bpm / 60.0 * (FRAMES_PER_BEAT * SAMPLES_PER_FRAME) as f64,
        performer: Performer::default(),
        sounding: Sounding::default(),
        tape: Tape::default(),
    };
    let mut last: Option<Frame> = None;
    // A chord lasts through a small gap, as where it is printed.
    for (idx, (frame, captured)) in frames.iter().enumerate() {
        if let Some(last) = last.filter(|last| frame.0.abs_diff(last.0) > GAP_FRAMES.unsigned_abs()) {
            recital.end(last);
        }
        let next = next_onset(*frame, frames.get(idx + 1..).unwrap_or_default(), settings.rules.commit);
        recital.play(*frame, *captured, next);
        last = Some(*frame);
    }
    if let Some(last) = last {
        recital.end(last);
    }
    recital.tape.notes
}

/// Frames from the one after `here` to the next that starts a chord, and the chord, as far as live it would stand by then.
fn next_onset(here: Frame, later: &[(Frame, Captured)], commit: i64) -> Option<(i64, Chord)> {
    let unbroken =
        (1..commit).zip(later).take_while(|(ahead, (frame, _))| here.0.checked_add(*ahead) == Some(frame.0));
    unbroken.into_iter().find_map(|(ahead, (_, captured))| match captured.chord {
        ChordFrame::Onset(chord) => Some((ahead - 1, chord)),
        ChordFrame::Hold | ChordFrame::Silence => None,
    })
}

/// The performer, before a host that writes down what it is sent.
struct Recital {
    settings: Settings,
    origin: Frame,
    sample_rate: f64,
    performer: Performer,
    sounding: Sounding,
    tape: Tape,
}

impl Recital {
    fn play(&mut self, frame: Frame, captured: Captured, next: Option<(i64, Chord)>) {
        let starts = self.sample_of(frame);
        let nudge_ms = f64::from(self.settings.comping.nudge_ms).max(-MAX_NUDGE_MS);
        let nudge = (nudge_ms * 1e-3 * self.sample_rate) as i64;
        // As live: a frame that is nudged forwards is played sooner, one that is nudged back when it starts, for later.
        self.play_until(starts + nudge.min(0));
        let cue = Cue {
            frame,
            phase: captured.phase,
            at: starts + nudge,
            length: SAMPLES_PER_FRAME as f64,
            sample_rate: self.sample_rate,
            melody: captured.leading.key,
            touch: f32::from(captured.leading.touch) / 127.0,
            next,
        };
        self.performer.play(&self.settings, &self.sounding, false, &cue, Some(captured.chord));
    }

    /// Does whatever is due before a sample.
    fn play_until(&mut self, sample: i64) {
        while let Some(item) = self.performer.due(sample) {
            (self.tape.now, self.tape.owner) = (self.tape.now.max(item.at), item.doing.owner());
            self.performer.act(&mut self.tape, &mut self.sounding, 0);
        }
        self.tape.now = self.tape.now.max(sample);
    }

    /// Playing has ended with this frame.
    fn end(&mut self, last: Frame) {
        self.play_until(self.sample_of(last) + SAMPLES_PER_FRAME);
        self.performer.end(&mut self.tape, &mut self.sounding, 0);
        self.performer.forget();
    }

    fn sample_of(&self, frame: Frame) -> i64 {
        frame.0.saturating_sub(self.origin.0).saturating_mul(SAMPLES_PER_FRAME)
    }
}

/// Writes notes down.
struct Tape {
    now: i64,
    owner: Owner,
    notes: Vec<Note>,
    /// Where in `notes` those stand that have not ended.
    open: Vec<usize>,
}

impl Default for Tape {
    fn default() -> Self {
        Self { now: i64::MIN, owner: Owner::Hands, notes: Vec::new(), open: Vec::new() }
    }
}

impl Port for Tape {
    fn receive(&mut self) -> Option<Incoming> {
        None
    }

    fn forward(&mut self) -> bool {
        true
    }

    fn rest(&mut self, _: u32, _: u8, _: Control) -> bool {
        true
    }

    fn send(&mut self, Outgoing { channel, key, velocity, .. }: Outgoing) -> bool {
        let (owner, at) = (self.owner, self.now as f64 / SAMPLES_PER_FRAME as f64);
        if let Some(velocity) = velocity {
            self.open.push(self.notes.len());
            self.notes.push(Note { owner, channel, key, velocity, from: at, until: at });
            return true;
        }
        let notes = &mut self.notes;
        self.open.retain(|idx| match notes.get_mut(*idx) {
            Some(note) if (note.channel, note.key) == (channel, key) => {
                note.until = at;
                false
            }
            _ => true,
        });
        true
    }
}
