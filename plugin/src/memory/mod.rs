//! What was played: the melody heard and the chords really played, frame by frame, kept with the project, to be played
//! again ([`mod@print`]) or taken along as a MIDI file ([`export`]). Always on. The worker writes, main and GUI threads
//! read; never the audio thread: it is behind a lock.

pub mod export;
pub mod print;
mod rendition;
mod saved;
mod shared;

use crate::links::{Coming, Epoch, Heard, Leading, ToWorker};
use music::{
    chord::Chord,
    grid::Frame,
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
};
use saved::Written;
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use shared::SharedCapture;
use std::collections::BTreeMap;

/// Frames kept: 1024 bars of common time.
pub const MOST_FRAMES: usize = 16_384;

/// What happened in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// What the melody did.
    pub melody: MelodyFrame,
    /// What the chords really did.
    pub chord: ChordFrame,
    /// What the melody was when they did.
    pub leading: Leading,
    /// Where the frame stands in its bar.
    pub phase: BarPhase,
    /// The bar's meter, where it was told: a bar's length alone does not tell 3/4 from 6/8.
    pub meter: Option<Meter>,
}

/// What was played, by frames of the song; where it was played more than once, the newest pass. What was played on our
/// own clock is of no place in the song: it lies apart, one take after the other.
///
/// What was saved by a version not known here, or is broken, reads as nothing captured, and is saved again as it was until
/// something is captured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "serde_json::Value", into = "Written")]
pub struct Capture {
    frames: Frames,
    own: Frames,
    /// Whether what lies to hand was played on our own clock: what was captured last, or was turned to since.
    own_is_newest: bool,
    /// The tempo of the song where its newest pass began, in thousandths of a quarter note a minute.
    tempo_milli_bpm: Option<u32>,
    /// What was saved and cannot be read.
    foreign: Option<Value>,
}

type Frames = BTreeMap<Frame, Captured>;

impl Capture {
    /// Takes in a frame of the song. Where there is no more room, the frame farthest away gives way.
    pub fn record(&mut self, frame: Frame, captured: Captured) {
        put(&mut self.frames, frame, captured);
        (self.own_is_newest, self.foreign) = (false, None);
    }

    /// Takes in a frame of our own clock, alike.
    pub fn record_own(&mut self, frame: Frame, captured: Captured) {
        put(&mut self.own, frame, captured);
        (self.own_is_newest, self.foreign) = (true, None);
    }

    /// The bar line after all that was played on our own clock: there the next take of it begins.
    pub fn after_own(&self) -> Frame {
        self.own.last_key_value().map_or(Frame(0), |(last, captured)| {
            let left = match captured.phase {
                BarPhase::At { position, length } => i64::from(length.saturating_sub(position)).max(1),
                BarPhase::Unknown => 1,
            };
            Frame(last.0.saturating_add(left))
        })
    }

    /// What lies to hand, in order, of the song or of our own clock: what was captured last, or was turned to since.
    pub fn newest(&self) -> impl Iterator<Item = (Frame, Captured)> + '_ {
        let frames = if self.own_is_newest { &self.own } else { &self.frames };
        frames.iter().map(|(frame, captured)| (*frame, *captured))
    }

    /// How many frames those are, and whether they are of our own clock.
    pub fn extent(&self) -> (usize, bool) {
        (if self.own_is_newest { &self.own } else { &self.frames }.len(), self.own_is_newest)
    }

    /// Forgets what lies to hand; the other, if there is one, does then.
    pub fn clear_newest(&mut self) {
        if self.own_is_newest {
            self.own.clear();
        } else {
            self.frames.clear();
            self.tempo_milli_bpm = None;
        }
        self.own_is_newest = !self.own_is_newest && !self.own.is_empty();
    }

    /// Whether something was captured both of the song and on our own clock.
    pub fn has_both(&self) -> bool {
        !self.frames.is_empty() && !self.own.is_empty()
    }

    /// Lays the other to hand, where something was captured of both.
    pub fn turn(&mut self) {
        self.own_is_newest ^= self.has_both();
    }

    /// Lays to hand again what lay there before a frame was taken in, unless a pass began with it.
    fn stay_with(&mut self, own_is_newest: bool, begins: bool) {
        if !begins && self.has_both() {
            self.own_is_newest = own_is_newest;
        }
    }

    /// The tempo of the song where its newest pass began, if it is known.
    pub fn tempo_bpm(&self) -> Option<f64> {
        self.tempo_milli_bpm.map(|tempo| f64::from(tempo) / 1000.0)
    }

    /// Says that tempo; one that is none is not known.
    pub fn set_tempo_bpm(&mut self, tempo_bpm: Option<f64>) {
        let tempo = tempo_bpm.map(|bpm| (bpm * 1000.0).round());
        let tempo = tempo.filter(|tempo| (1.0..=f64::from(u32::MAX)).contains(tempo));
        self.tempo_milli_bpm = tempo.map(|tempo| tempo as u32);
    }

    /// What happened in a frame of the song.
    pub fn at(&self, frame: Frame) -> Option<Captured> {
        self.frames.get(&frame).copied()
    }

    /// All frames of the song, in order.
    pub fn frames(&self) -> impl Iterator<Item = (Frame, Captured)> + '_ {
        self.frames.iter().map(|(frame, captured)| (*frame, *captured))
    }

    /// How many frames of the song there are.
    pub fn num_frames(&self) -> usize {
        self.frames.len()
    }

    /// Whether nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.own.is_empty()
    }

    /// Whether there is something to lose: what was captured, or what was saved and cannot be read.
    fn says_anything(&self) -> bool {
        !self.is_empty() || self.foreign.is_some()
    }

    /// Whether the other says the same, whatever of it lies to hand.
    fn is_like(&self, other: &Self) -> bool {
        (&self.frames, &self.own, &self.foreign) == (&other.frames, &other.own, &other.foreign)
    }

    /// The chord that sounds in a frame, its onset looked for as far back as frames are unbroken.
    pub fn sounding(&self, frame: Frame) -> Option<Chord> {
        sounding(&self.frames, frame)
    }
}

fn sounding(frames: &Frames, frame: Frame) -> Option<Chord> {
    let mut next = frame;
    for (at, captured) in frames.range(..=frame).rev() {
        if *at != next {
            return None;
        }
        match captured.chord {
            ChordFrame::Onset(chord) => return Some(chord),
            ChordFrame::Silence => return None,
            ChordFrame::Hold => next = Frame(at.0.checked_sub(1)?),
        }
    }
    None
}

/// Puts a frame among others. A chord that was held there, and is held on, stays what it was behind it.
fn put(frames: &mut Frames, frame: Frame, captured: Captured) {
    let behind = frame.0.checked_add(1).map(Frame);
    let held = behind.filter(|behind| frames.get(behind).is_some_and(|next| next.chord == ChordFrame::Hold));
    let before = held.and_then(|behind| sounding(frames, behind));
    let was_silent = frames.insert(frame, captured).is_some_and(|was| was.chord == ChordFrame::Silence);
    let meant = match before {
        Some(chord) => Some(ChordFrame::Onset(chord)),
        // Behind a gap nobody knows what was held, and that may stay so.
        None => Some(ChordFrame::Silence).filter(|_| was_silent),
    };
    if let Some((behind, meant)) = held.zip(meant)
        && sounding(frames, behind) != before
        && let Some(next) = frames.get_mut(&behind)
    {
        next.chord = meant;
    }
    while frames.len() > MOST_FRAMES {
        let (Some(first), Some(last)) = (frames.keys().next(), frames.keys().next_back()) else { return };
        let is_first_farther = first.0.abs_diff(frame.0) > last.0.abs_diff(frame.0);
        let farthest = if is_first_farther { *first } else { *last };
        frames.remove(&farthest);
    }
}

/// Writes what the worker is told into a capture. A pass begins with its first note, so that listening to a song once
/// more in silence wipes nothing out.
#[derive(Debug, Default)]
pub struct Recorder {
    epoch: Option<Epoch>,
    coming: Option<Coming>,
    has_begun: bool,
    /// Where the take's frame 0 lies among what was played on our own clock.
    own_from: Frame,
    /// Which capture it goes into.
    generation: u32,
    tempo_bpm: Option<f64>,
}

impl Recorder {
    /// Says the tempo that is played in.
    pub fn keep_time(&mut self, tempo_bpm: Option<f64>) {
        self.tempo_bpm = tempo_bpm;
    }

    /// Takes in a message. What is played from the capture is not captured again.
    pub fn hear(&mut self, message: &ToWorker, capture: &SharedCapture) {
        match message {
            ToWorker::Begin { epoch, coming, .. } => {
                (self.epoch, self.coming, self.has_begun) = (Some(*epoch), Some(*coming), false);
            }
            ToWorker::Heard(heard) => {
                let held = &mut *capture.lock();
                // In a capture that took the place of another the take begins anew.
                self.has_begun &= (self.epoch, self.generation) == (Some(heard.epoch), held.generation);
                self.generation = held.generation;
                let is_onset = matches!(heard.melody, MelodyFrame::Onset(_))
                    || matches!(heard.played, ChordFrame::Onset(_));
                let begins = is_onset && !self.has_begun;
                self.has_begun |= begins;
                if self.has_begun && !heard.rules.print {
                    let phase = self.phase(heard);
                    let (melody, chord, leading) = (heard.melody, heard.played, heard.leading);
                    let meter = heard.rules.meter.filter(|meter| phase.is_of(*meter));
                    let captured = Captured { melody, chord, leading, phase, meter };
                    self.record(&mut held.capture, heard, captured, begins);
                    held.is_changed = true;
                }
                (self.epoch, self.coming) = (Some(heard.epoch), Some(heard.coming));
            }
            ToWorker::Again { .. } => {}
        }
    }

    fn record(&mut self, capture: &mut Capture, heard: &Heard, captured: Captured, begins: bool) {
        // Only with a pass does it come to hand: what is turned to while one is played stays.
        let own_is_newest = capture.own_is_newest;
        if !heard.rules.own_clock {
            capture.record(heard.frame, captured);
            capture.stay_with(own_is_newest, begins);
            // Later the host may be at another tempo than this frame was: the worker may be behind.
            if begins {
                capture.set_tempo_bpm(self.tempo_bpm);
            }
            return;
        }
        if begins {
            let into_bar = match captured.phase {
                BarPhase::At { position, .. } => i64::from(position),
                BarPhase::Unknown => 0,
            };
            self.own_from =
                Frame(capture.after_own().0.saturating_add(into_bar).saturating_sub(heard.frame.0));
        }
        capture.record_own(Frame(self.own_from.0.saturating_add(heard.frame.0)), captured);
        capture.stay_with(own_is_newest, begins);
    }

    /// Where the frame that was heard stands: as told before, or one frame before the next one.
    fn phase(&self, heard: &Heard) -> BarPhase {
        let told = self.coming.filter(|coming| coming.frame == heard.frame).map(|coming| coming.phase);
        told.unwrap_or(match heard.coming.phase {
            BarPhase::At { position, length } if heard.coming.frame == heard.frame.plus(1) && length > 0 => {
                BarPhase::At { position: position.checked_sub(1).unwrap_or(length - 1), length }
            }
            _ => BarPhase::Unknown,
        })
    }
}

#[cfg(test)]
mod tests;
