//! Where music time lies on the screen: one axis for chords, roll and grid. The playhead stands still, the music comes
//! towards it. What was played lies to its left in the order in which it was played, through loops and seeks; what is
//! planned lies to its right. Pure, but for reading a snapshot.

use super::scene::Scene;
use crate::audio::{Shown, Snapshot, Trace};
use egui::Rangef;
use music::{
    chord::Chord,
    grid::{Beats, FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    meter::{BarPhase, Meter},
};

/// A frame in beats.
const FRAME: f64 = 1.0 / FRAMES_PER_BEAT as f64;
/// The narrowest beat, in points.
const LEAST_BEAT: f32 = 50.0;
/// The most beats in sight.
const MOST_BEATS: f32 = 32.0;
/// Beats to the right of the playhead, at the least.
const LEAST_AHEAD: f32 = 4.5;

/// The axis.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    span: Rangef,
    now: f32,
    beat: f32,
    /// Beats from the playhead to the next frame to start.
    next: f64,
    next_frame: Option<Frame>,
    meter: Option<Meter>,
    bar_start: Beats,
    cycle: Option<(Frame, Frame)>,
}

/// A line of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where.
    pub x: f32,
    /// Whether it is a bar line, rather than a beat.
    pub is_bar: bool,
}

/// A chord on the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it begins and ends, in beats from the playhead.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// The chord.
    pub chord: Chord,
    /// What of it stands: up to here, in beats from the playhead.
    pub stands_to: f64,
    /// Whether it was struck at `from`, in sight of us.
    pub begins: bool,
}

impl Timeline {
    /// The axis of a scene between two places of the screen.
    pub fn new(scene: &Scene, span: Rangef) -> Self {
        let snapshot = scene.snapshot;
        let beats = (span.span() / LEAST_BEAT).clamp(6.0, MOST_BEATS).floor();
        let planned = snapshot.glance.look_ahead.max(snapshot.glance.commit) as f32 * FRAME as f32;
        let ahead = (planned + 0.5).clamp(LEAST_AHEAD.min(beats * 0.5), beats * 0.6);
        let beat = span.span() / beats;
        // Reduced motion: the playhead's beat is where we are.
        let place = snapshot.place.map(|at| if scene.face.calm { at.0.floor() } else { at.0 });
        let next = snapshot.next.zip(place).map_or(0.0, |(next, place)| next.0 - place);
        let next_frame = snapshot.next.map(music::grid::next_boundary);
        let cycle = snapshot
            .cycle
            .map(|(start, end)| (music::grid::next_boundary(start), music::grid::next_boundary(end)));
        Self {
            span,
            now: span.max - ahead * beat,
            beat,
            next,
            next_frame,
            meter: snapshot.meter,
            bar_start: snapshot.bar_start.unwrap_or_default(),
            cycle: cycle.filter(|(first, end)| first < end),
        }
    }

    /// Where the playhead stands.
    pub fn now(&self) -> f32 {
        self.now
    }

    /// The width of a beat.
    pub fn beat(&self) -> f32 {
        self.beat
    }

    /// Where so many beats from the playhead lie, kept within a beat of what is in sight.
    pub fn x(&self, beats: f64) -> f32 {
        let x = self.now + beats as f32 * self.beat;
        x.clamp(self.span.min - self.beat, self.span.max + self.beat)
    }

    /// Beats from the playhead to where a frame ahead starts.
    pub fn ahead(&self, frames: i64) -> f64 {
        self.next + frames as f64 * FRAME
    }

    /// The frames that lie at or before the playhead and are in sight, the newest first: where each begins, and its
    /// trace; the open frame has none yet.
    pub fn past<'a>(&self, snapshot: &'a Snapshot) -> impl Iterator<Item = (f64, &'a Trace)> + use<'a> {
        let (mut at, least) =
            (self.last_closed(snapshot), f64::from((self.span.min - self.now) / self.beat) - 1.0);
        snapshot.trail.iter().rev().map_while(move |trace| {
            let from = at;
            at -= FRAME;
            (from > least).then_some((from, trace))
        })
    }

    /// Where the newest closed frame begins.
    fn last_closed(&self, snapshot: &Snapshot) -> f64 {
        self.ahead(if snapshot.open.is_some() { -2 } else { -1 })
    }

    /// Where the frame that has started and not closed begins, or the next one where none has.
    pub fn opened(&self, snapshot: &Snapshot) -> f64 {
        self.ahead(if snapshot.open.is_some() { -1 } else { 0 })
    }

    /// Bar lines and beats in sight.
    pub fn lines(&self, snapshot: &Snapshot) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut add = |beats: f64, phase: BarPhase, frame: Frame| {
            let unit = i64::from(self.meter.map_or(4, |meter| 16 / meter.denominator.clamp(1, 16)));
            let (position, is_bar) = match phase {
                BarPhase::At { position, .. } => (i64::from(position), position == 0),
                BarPhase::Unknown => (frame.0, false),
            };
            let x = self.x(beats);
            if position.rem_euclid(unit.max(2)) == 0 && self.span.contains(x) {
                lines.push(Line { x, is_bar });
            }
        };
        for (from, trace) in self.past(snapshot) {
            add(from, trace.phase, trace.frame);
        }
        if let Some((frame, _)) = snapshot.open {
            add(self.opened(snapshot), self.phase(frame), frame);
        }
        if let Some(next) = self.next_frame {
            for ahead in 0..=((self.span.max - self.now) / self.beat * FRAMES_PER_BEAT as f32) as i64 {
                let frame = self.wrapped(next.plus(ahead));
                add(self.ahead(ahead), self.phase(frame), frame);
            }
        }
        lines
    }

    /// Where the music does not go on from the frame before: loops turned back, seeks.
    pub fn seams(&self, snapshot: &Snapshot) -> Vec<f32> {
        let mut later: Option<(f64, Frame)> = None;
        let mut seams = Vec::new();
        for (from, trace) in self.past(snapshot) {
            if let Some((at, frame)) = later
                && frame != trace.frame.plus(1)
            {
                seams.push(self.x(at));
            }
            later = Some((from, trace.frame));
        }
        seams
    }

    /// The chords in sight, in order: those played, that which sounds, and those planned.
    pub fn chords(&self, snapshot: &Snapshot) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        // What sounds where the sight begins was struck earlier.
        let first = self.past(snapshot).count();
        let all = snapshot.trail.len();
        let mut current: Option<Chord> = None;
        for trace in snapshot.trail.iter().take(all - first) {
            step(&mut current, trace.chord);
        }
        let mut at = self.last_closed(snapshot) - (first as f64 - 1.0) * FRAME;
        let open = snapshot.open.map(|(_, chord)| chord);
        let seen = snapshot.trail.iter().skip(all - first).map(|trace| trace.chord).chain(open);
        for chord in seen {
            extend(&mut spans, &mut current, chord, at, true);
            at += FRAME;
        }
        current = snapshot.glance.now;
        if let (Some(now), Some(last)) = (current, spans.last_mut())
            && (last.to - at).abs() < FRAME / 2.0
            && last.chord != now
        {
            // A chord was brought forward within the frame.
            (last.to, last.stands_to) = (0.0, 0.0);
            spans.push(Span { from: 0.0, to: at, chord: now, stands_to: at, begins: true });
        }
        for Shown { frames_ahead, chord, committed } in snapshot.planned() {
            extend(&mut spans, &mut current, *chord, self.ahead(i64::from(*frames_ahead)), *committed);
        }
        if let Some(last) = spans.last_mut().filter(|last| snapshot.num_shown == 0 && last.to > -FRAME / 2.0)
            && snapshot.glance.now.is_some()
        {
            // Nothing is planned: what sounds goes on, nobody knows how long.
            last.to = last.to.max(0.0) + 1.0;
        }
        spans
    }

    /// A frame ahead where the loop has it.
    fn wrapped(&self, frame: Frame) -> Frame {
        match self.cycle {
            Some((first, end)) if frame >= end => {
                Frame(first.0 + (frame.0 - end.0).rem_euclid(end.0 - first.0))
            }
            _ => frame,
        }
    }

    fn phase(&self, frame: Frame) -> BarPhase {
        self.meter.map_or(BarPhase::Unknown, |meter| BarPhase::of(frame, meter, self.bar_start))
    }
}

/// The chord that sounds after a frame.
pub fn step(current: &mut Option<Chord>, frame: ChordFrame) {
    match frame {
        ChordFrame::Onset(chord) => *current = Some(chord),
        ChordFrame::Silence => *current = None,
        ChordFrame::Hold => {}
    }
}

/// Adds a frame that begins at a place to the spans.
fn extend(spans: &mut Vec<Span>, current: &mut Option<Chord>, frame: ChordFrame, at: f64, stands: bool) {
    step(current, frame);
    let Some(chord) = *current else { return };
    let begins = matches!(frame, ChordFrame::Onset(_));
    let to = at + FRAME;
    match spans.last_mut() {
        Some(last) if !begins && last.chord == chord && (last.to - at).abs() < FRAME / 2.0 => {
            if stands && last.stands_to == last.to {
                last.stands_to = to;
            }
            last.to = to;
        }
        _ => spans.push(Span { from: at, to, chord, stands_to: if stands { to } else { at }, begins }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::rehearsal::Rehearsal;

    fn axis(rehearsal: &Rehearsal) -> Timeline {
        Timeline::new(&rehearsal.scene(), Rangef::new(0.0, 800.0))
    }

    #[test]
    fn chords_lie_end_to_end_around_the_playhead() {
        let rehearsal = Rehearsal::playing();
        let spans = axis(&rehearsal).chords(&rehearsal.snapshot);
        assert!(spans.len() > 4, "{spans:?}");
        assert!(spans.windows(2).all(|pair| pair[0].to <= pair[1].from + 1e-9), "{spans:?}");
        let sounding = spans.iter().find(|span| span.from <= 0.0 && span.to > 0.0).unwrap();
        assert_eq!(Some(sounding.chord), rehearsal.snapshot.glance.now);
        // What is past stands, what is drafted does not, and standing ends once.
        let stands: Vec<bool> = spans.iter().map(|span| span.stands_to >= span.to).collect();
        assert!(stands.is_sorted_by(|a, b| a >= b), "{stands:?}");
        assert!(stands[0] && !stands[stands.len() - 1]);
    }

    #[test]
    fn bar_lines_are_a_bar_apart_past_and_ahead() {
        let rehearsal = Rehearsal::playing();
        let axis = axis(&rehearsal);
        let mut bars: Vec<f32> =
            axis.lines(&rehearsal.snapshot).iter().filter(|line| line.is_bar).map(|line| line.x).collect();
        bars.sort_by(f32::total_cmp);
        assert!(bars.len() >= 3, "{bars:?}");
        assert!(bars.windows(2).all(|pair| (pair[1] - pair[0] - 4.0 * axis.beat()).abs() < 0.5), "{bars:?}");
        assert!(axis.seams(&rehearsal.snapshot).is_empty());
    }

    #[test]
    fn a_loop_turns_back_ahead_of_the_playhead_and_leaves_a_seam_behind_it() {
        let rehearsal = Rehearsal::looping();
        let axis = axis(&rehearsal);
        assert_eq!(axis.seams(&rehearsal.snapshot).len(), 1);
        let bars = axis.lines(&rehearsal.snapshot).iter().filter(|line| line.is_bar).count();
        assert!(bars >= 3);
    }

    #[test]
    fn nothing_played_is_nothing_drawn() {
        let rehearsal = Rehearsal::empty();
        let axis = axis(&rehearsal);
        assert!(axis.chords(&rehearsal.snapshot).is_empty());
        assert!(axis.lines(&rehearsal.snapshot).is_empty());
    }

    #[test]
    fn reduced_motion_steps_by_beats() {
        let mut rehearsal = Rehearsal::playing();
        rehearsal.face.calm = true;
        let at = |rehearsal: &mut Rehearsal, place: f64| {
            rehearsal.snapshot.place = Some(Beats(place));
            axis(rehearsal).ahead(0)
        };
        let place = rehearsal.snapshot.place.unwrap().0.floor();
        assert_eq!(at(&mut rehearsal, place + 0.1), at(&mut rehearsal, place + 0.2));
    }
}
