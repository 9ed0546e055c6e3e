//! Our own beat clock: where we are, and at which sample each frame starts and closes. Audio thread.
//!
//! Hosts round their position and loop in the middle of blocks, so it is only steered by, never compared with: a
//! small difference pulls gently, a large one is a jump. Frames start and close by counter, each once, at the first
//! sample at or after their place, computed from one anchor so that no block size moves them.

use super::block::{Block, Cycle, Transport};
use crate::links::{Coming, Turn};
use music::{
    grid::{Beats, FRAMES_PER_BEAT, Frame, next_boundary},
    meter::{BarPhase, Meter},
};

/// A host further off than this has jumped, in beats. Ardour rounds to 1/1920.
const JUMP_BEATS: f64 = 1.0 / 240.0;
/// The longest block of a host, come to us in pieces, that we reckon with where its tempo changes, in samples.
const LONGEST_BLOCK: u32 = 1 << 14;
/// A host nearer than this agrees, in beats: a fraction of a sample.
const AGREES_BEATS: f64 = 1e-6;
/// The share of a small difference that is taken over in one block.
const PULL: f64 = 0.05;
/// A place this little before a sample counts as on it, in samples.
const SAMPLE_SLACK: f64 = 1e-3;
/// An epoch that starts this little after a frame's boundary still starts that frame, in beats.
const START_SLACK_BEATS: f64 = 1e-5;
/// Tempos we follow, in quarter notes a minute.
const TEMPOS_BPM: std::ops::RangeInclusive<f64> = 1.0..=1000.0;
/// Sample rates we follow, in Hz.
pub const RATES_HZ: std::ops::RangeInclusive<f64> = 1000.0..=10_000_000.0;
/// Places we follow, in beats.
const FARTHEST_BEATS: f64 = 1e8;

/// What a block's transport means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// As before.
    None,
    /// An epoch begins at the block's first sample.
    Begins,
    /// Playing has ended.
    Ends,
    /// The host has gone back to its loop's start.
    Wraps,
}

/// Something that happens at a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A frame will start in as many samples as were asked for, or fewer.
    Nears {
        /// The frame.
        frame: Frame,
        /// Frames of the epoch before it.
        ordinal: i64,
    },
    /// A frame starts.
    Starts {
        /// The frame.
        frame: Frame,
        /// Frames of the epoch before it.
        ordinal: i64,
    },
    /// A frame closes.
    Closes {
        /// The frame.
        frame: Frame,
        /// Frames of the epoch before it.
        ordinal: i64,
    },
    /// The loop's end is reached; [`Playhead::wrap`] follows.
    Wraps,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    beats_per_sample: f64,
    tempo_bpm: f64,
    anchor_sample: i64,
    anchor_beats: f64,
    /// The frame that starts next, or that is open.
    frame: Frame,
    ordinal: i64,
    open: bool,
    /// Whether the next frame to start has neared.
    neared: bool,
    /// The sample of the last moment that was passed: a frame nears no sooner.
    reached: i64,
    /// Whether we came to where we are from before the loop's end, so that it turns us back.
    inside: bool,
}

impl Running {
    fn beats_at(&self, sample: i64) -> f64 {
        self.anchor_beats + (sample - self.anchor_sample) as f64 * self.beats_per_sample
    }

    fn sample_of(&self, place: Beats) -> i64 {
        let samples = (place.0 - self.anchor_beats) / self.beats_per_sample;
        self.anchor_sample + (samples - SAMPLE_SLACK).ceil() as i64
    }
}

/// The beat clock.
#[derive(Clone, Debug, Default)]
pub struct Playhead {
    running: Option<Running>,
    transport: Transport,
    /// The block's first sample, counted over the instance's life.
    now: i64,
    num_samples: u32,
    /// The length of the block before, in samples.
    last_num_samples: u32,
    /// Samples since the host told another tempo while it played on, at most [`LONGEST_BLOCK`] or one longer block.
    same_tempo_for: u32,
    /// How many samples before its start a frame nears; 0: frames do not.
    lead: i64,
    /// The host has said that it went back to its loop's start; [`Playhead::wrap`] follows it.
    host_turned: bool,
}

impl Playhead {
    /// Takes in a block's transport.
    pub fn begin_block(&mut self, block: &Block) -> Change {
        let change = self.follow(block);
        let (end, now) = (self.cycle().map(|cycle| cycle.end.0), self.now);
        if let Some(running) = self.running.as_mut() {
            // A clock that is a little past the end is so by rounding; one that is far past it was put there.
            let past = end.map(|end| running.beats_at(now) - end);
            running.inside =
                past.is_some_and(|past| past < -START_SLACK_BEATS || (running.inside && past < JUMP_BEATS));
        }
        change
    }

    fn follow(&mut self, block: &Block) -> Change {
        let transport = block.transport;
        self.num_samples = block.num_samples;
        self.transport = transport;
        let tempo = transport.tempo_bpm.filter(|bpm| TEMPOS_BPM.contains(bpm));
        let place = transport.position.map(|beats| beats.0);
        let sane =
            place.is_none_or(|beats| beats.abs() < FARTHEST_BEATS) && RATES_HZ.contains(&block.sample_rate);
        let Some(tempo_bpm) = tempo.filter(|_| transport.playing && sane) else {
            return if self.running.take().is_some() { Change::Ends } else { Change::None };
        };
        let beats_per_sample = tempo_bpm / 60.0 / block.sample_rate;
        let Some(mut running) = self.running else {
            self.start(beats_per_sample, tempo_bpm, place.unwrap_or(0.0));
            return Change::Begins;
        };
        let expected = running.beats_at(self.now);
        // A tempo that changed somewhere in the host's block before, which may have come to us in pieces, is an honest
        // difference.
        let ramp = (beats_per_sample - running.beats_per_sample).abs() * f64::from(self.same_tempo_for);
        let near = JUMP_BEATS + ramp;
        let mut off = place.map_or(0.0, |beats| beats - expected);
        // We have turned back within the last samples of a block; the host, who rounds, will in this one.
        if let Some(Cycle { start, end }) = self.cycle()
            && (expected - start.0).abs() <= near
            && (off - (end.0 - start.0)).abs() <= near
        {
            off -= end.0 - start.0;
        }
        // Who goes back by the loop's length from elsewhere than its end has not wrapped, but sought.
        let last_block = f64::from(self.last_num_samples) * running.beats_per_sample;
        let wrapped = |cycle: Cycle| {
            let past = expected - cycle.end.0;
            (off + cycle.end.0 - cycle.start.0).abs() <= near && (-near..=last_block + near).contains(&past)
        };
        if off.abs() <= near {
            // Of the clock in samples, so that another sample rate counts too.
            let tempo_changed = beats_per_sample != running.beats_per_sample;
            if tempo_changed {
                self.same_tempo_for = 0;
            }
            if tempo_changed || off.abs() > AGREES_BEATS {
                let pull = if tempo_changed { 1.0 } else { PULL };
                running = Running {
                    beats_per_sample,
                    tempo_bpm,
                    anchor_sample: self.now,
                    anchor_beats: expected + pull * off,
                    ..running
                };
            }
            self.running = Some(running);
            Change::None
        } else if self.cycle().is_some_and(wrapped) {
            self.running = Some(Running { beats_per_sample, tempo_bpm, ..running });
            self.host_turned = true;
            Change::Wraps
        } else {
            self.start(beats_per_sample, tempo_bpm, place.unwrap_or(0.0));
            Change::Begins
        }
    }

    /// What has just begun begins with this frame, though its start be past (it starts at the block's first sample then)
    /// or not be the next one.
    pub fn begin_with(&mut self, frame: Frame) {
        if let Some(running) = &mut self.running {
            running.frame = frame;
        }
    }

    /// The block is over.
    pub fn end_block(&mut self) {
        self.now += i64::from(self.num_samples);
        self.last_num_samples = self.num_samples;
        self.same_tempo_for = self.same_tempo_for.saturating_add(self.num_samples);
        self.same_tempo_for = self.same_tempo_for.min(LONGEST_BLOCK.max(self.num_samples));
    }

    /// Forgets where it was.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// The meter that the host tells.
    pub fn meter(&self) -> Option<Meter> {
        self.transport.meter
    }

    /// The sample count of an offset of this block, over the instance's life.
    pub fn sample_at(&self, offset: u32) -> i64 {
        self.now + i64::from(offset)
    }

    /// The offset in this block of a sample of that count; what is past is now.
    pub fn offset_of(&self, sample: i64) -> u32 {
        (sample - self.now).clamp(0, i64::from(self.num_samples.saturating_sub(1))) as u32
    }

    /// Frames near so many samples before they start; 0: they do not.
    pub fn set_lead(&mut self, samples: i64) {
        self.lead = samples;
    }

    /// The next moment in this block, with its offset.
    pub fn next_moment(&self) -> Option<(u32, Moment)> {
        let running = self.running.as_ref()?;
        let Running { frame, ordinal, .. } = *running;
        let (place, moment) = if running.open {
            (frame.closes(), Moment::Closes { frame, ordinal })
        } else {
            (frame.starts(), Moment::Starts { frame, ordinal })
        };
        let mut next = (running.sample_of(place), moment);
        if let Some(cycle) = self.cycle().filter(|_| running.inside) {
            let wraps = running.sample_of(cycle.end);
            // A frame that would start within a rounding of the loop's end belongs to the next pass.
            let beyond = !running.open && frame.starts().0 >= cycle.end.0 - START_SLACK_BEATS;
            if wraps <= next.0 || beyond {
                next = (wraps, Moment::Wraps);
            }
        }
        // The first frame of a pass nears no sooner than the wrap, at which all that sounds ends.
        if self.lead > 0 && !running.neared && matches!(next.1, Moment::Starts { .. }) {
            next = ((next.0 - self.lead).max(running.reached), Moment::Nears { frame, ordinal });
        }
        let offset = (next.0 - self.now).max(0);
        (offset < i64::from(self.num_samples)).then_some((offset as u32, next.1))
    }

    /// The frame has neared.
    pub fn near(&mut self) {
        if let Some(running) = &mut self.running {
            running.neared = true;
        }
    }

    /// A frame has started or closed at an offset of this block.
    pub fn pass(&mut self, offset: u32) {
        let reached = self.sample_at(offset);
        if let Some(running) = &mut self.running {
            running.neared = false;
            running.reached = reached;
            if running.open {
                // Straight on: where the loop turns back is said by the wrap.
                running.frame = running.frame.plus(1);
                running.ordinal += 1;
            }
            running.open = !running.open;
        }
    }

    /// The closing of the frame that has started and not closed.
    pub fn open_frame(&self) -> Option<Moment> {
        let running = self.running.filter(|running| running.open)?;
        Some(Moment::Closes { frame: running.frame, ordinal: running.ordinal })
    }

    /// Whether the host has said, since the open frame started, that it is there: who jumps in the midst of a block has not
    /// reached what our clock ran on to.
    pub fn is_confirmed(&self) -> bool {
        self.running.is_some_and(|running| running.reached <= self.now - i64::from(self.last_num_samples))
    }

    /// Frames of the epoch before the next one to start, if playing.
    pub fn next_ordinal(&self) -> Option<i64> {
        self.running.map(|running| running.ordinal + i64::from(running.open))
    }

    /// Back to the loop's start at `offset`. A frame that was open is closed by this.
    pub fn wrap(&mut self, offset: u32) {
        let cycle = self.cycle();
        let place = self.transport.position.filter(|_| offset == 0);
        let sample = self.sample_at(offset);
        let Some(running) = self.running.as_mut() else { return };
        let start = cycle.map_or(Beats(0.0), |cycle| cycle.start);
        // Loops turn between samples: this sample stands a little after the loop's start, as it would after its end.
        let over = cycle.map_or(0.0, |cycle| running.beats_at(sample) - cycle.end.0);
        let turned = start.0 + over.clamp(0.0, running.beats_per_sample);
        running.anchor_sample = sample;
        // At a block's head the host says itself where it went: where it turned back by its own word, that place is
        // right; where we think it did, it may round, but not by much.
        let by_host = std::mem::take(&mut self.host_turned);
        running.anchor_beats = place
            .filter(|place| by_host || (place.0 - start.0).abs() < JUMP_BEATS * 2.0)
            .map_or(turned, |place| place.0);
        running.frame = first_from(start.0);
        running.ordinal += i64::from(running.open);
        running.open = false;
        running.neared = false;
        running.reached = sample;
        running.inside = true;
    }

    /// Samples a frame, if playing.
    pub fn frame_length(&self) -> Option<f64> {
        self.running.map(|running| 1.0 / FRAMES_PER_BEAT as f64 / running.beats_per_sample)
    }

    /// Where a frame stands in its bar.
    pub fn phase_of(&self, frame: Frame) -> BarPhase {
        self.phase(frame)
    }

    /// The frame that is open, or the next to start.
    pub fn frame(&self) -> Option<Frame> {
        self.running.map(|running| running.frame)
    }

    /// Where we are at an offset of this block, if playing.
    pub fn place_at(&self, offset: u32) -> Option<Beats> {
        self.running.map(|running| Beats(running.beats_at(self.sample_at(offset))))
    }

    /// Where the next frame to start starts, wraps passed through: never before where we are.
    pub fn next_start(&self) -> Option<Beats> {
        self.running.map(|running| running.frame.plus(i64::from(running.open)).starts())
    }

    /// The loop that we are in, if it will turn us back.
    pub fn inside(&self) -> Option<Cycle> {
        self.running.filter(|running| running.inside).and(self.cycle())
    }

    /// Samples from an offset of this block to the loop's end, if it will turn us back.
    pub fn left_in_loop(&self, offset: u32) -> Option<i64> {
        let running = self.running.as_ref()?;
        Some(running.sample_of(self.inside()?.end) - self.sample_at(offset))
    }

    /// The tempo followed, if playing.
    pub fn tempo_bpm(&self) -> Option<f64> {
        self.running.map(|running| running.tempo_bpm)
    }

    /// The frame that comes after the open one, or the next to start.
    pub fn coming(&self) -> Option<Coming> {
        let running = self.running?;
        let turn = self.turn();
        let cut = running.open && turn.is_some_and(|turn| turn.last == running.frame);
        let frame = if running.open { self.after(running.frame) } else { running.frame };
        Some(Coming { frame, phase: self.phase(frame), cut, turn })
    }

    /// The frame that comes after a wrap that is about to happen.
    pub fn coming_after_wrap(&self) -> Option<Coming> {
        let Some(turn) = self.cycle().and_then(|cycle| self.turn_of(cycle)) else { return self.coming() };
        Some(Coming { frame: turn.first, phase: turn.first_phase, cut: true, turn: Some(turn) })
    }

    fn start(&mut self, beats_per_sample: f64, tempo_bpm: f64, place: f64) {
        self.running = Some(Running {
            beats_per_sample,
            tempo_bpm,
            anchor_sample: self.now,
            anchor_beats: place,
            frame: first_from(place),
            ordinal: 0,
            open: false,
            neared: false,
            reached: self.now,
            inside: false,
        });
    }

    fn phase(&self, frame: Frame) -> BarPhase {
        match (self.transport.meter, self.transport.bar_start) {
            (Some(meter), Some(bar_start)) => BarPhase::of(frame, meter, bar_start),
            _ => BarPhase::Unknown,
        }
    }

    /// The host's loop, if it is on and at least a frame long.
    fn cycle(&self) -> Option<Cycle> {
        self.transport.cycle.filter(|cycle| {
            let len = cycle.end.0 - cycle.start.0;
            len * FRAMES_PER_BEAT as f64 >= 1.0
                && cycle.start.0.abs() < FARTHEST_BEATS
                && cycle.end.0.abs() < FARTHEST_BEATS
        })
    }

    fn turn(&self) -> Option<Turn> {
        self.turn_of(self.running.filter(|running| running.inside).and(self.cycle())?)
    }

    fn turn_of(&self, cycle: Cycle) -> Option<Turn> {
        let (last, first) = (first_from(cycle.end.0).plus(-1), first_from(cycle.start.0));
        (last >= first).then(|| Turn { last, first, first_phase: self.phase(first) })
    }

    fn after(&self, frame: Frame) -> Frame {
        match self.turn() {
            Some(turn) if frame == turn.last => turn.first,
            _ => frame.plus(1),
        }
    }
}

/// The first frame that starts at or after a place, give or take a host's rounding.
fn first_from(place: f64) -> Frame {
    next_boundary(Beats(place - START_SLACK_BEATS))
}

#[cfg(test)]
mod tests;
