//! Printed music before it is a lead sheet: bars with repeats and endings, and what becomes of them.
//! ABC and MusicXML both read into these bars. Pure: reads no file, runs on no thread of its own.

use super::repeats::{close_endings, unfold};
use music::{
    chord::Chord,
    grid::Beats,
    lead_sheet::{ChordSpan, LeadSheet, Note},
    meter::{Meter, MeterMap},
    pitch::Pitch,
};

/// Two places nearer than this, in beats, are one: a tenth of a 64th note.
const SAME_PLACE: f64 = 0.006;

/// What a bar is longer than its meter by, up to this many beats, is a slip of the engraver.
const SLIP: f64 = 0.49;

/// A note as printed in its bar.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedNote {
    /// Where it starts, in beats since the bar's start.
    pub on: f64,
    /// Where it ends.
    pub off: f64,
    /// Its MIDI key; folded into range when the lead sheet is made.
    pub midi: i32,
    /// Whether it goes on in the next note, where that follows at once and has the same key.
    pub tied: bool,
}

/// A chord symbol as printed in its bar.
#[derive(Clone, Debug, PartialEq)]
pub struct PrintedChord {
    /// Where it stands, in beats since the bar's start.
    pub at: f64,
    /// What it says; `None` is an explicit "no chord".
    pub chord: Option<Chord>,
}

/// A bar, or the part of one that stands between two bar lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The meter in force.
    pub meter: Meter,
    /// Its length as written, in beats; less than the meter's in a pickup.
    pub length: f64,
    /// Its notes, in order of onset.
    pub notes: Vec<PrintedNote>,
    /// Its chord symbols, in order.
    pub chords: Vec<PrintedChord>,
    /// Whether a repeated passage starts with it.
    pub starts_repeat: bool,
    /// How often in all the passage that ends with it is played, if one ends with it.
    pub ends_repeat: Option<u8>,
    /// The passes in which it is played; empty outside numbered endings.
    pub ending: Vec<u8>,
}

impl Bar {
    /// An empty bar.
    pub const fn new(meter: Meter) -> Self {
        Self {
            meter,
            length: 0.0,
            notes: Vec::new(),
            chords: Vec::new(),
            starts_repeat: false,
            ends_repeat: None,
            ending: Vec::new(),
        }
    }
}

/// The bars, unfolded, as a lead sheet. A chord lasts until the next symbol; what stands before the first
/// symbol is not annotated. A pickup is right-aligned in the first bar, so that beat 0 is a bar line.
pub fn lead_sheet(title: String, bpm: Option<f64>, bars: &[Bar]) -> LeadSheet {
    let mut bars = bars.to_vec();
    close_endings(&mut bars);
    let order = unfold(&bars);
    let played: Vec<&Bar> =
        order.iter().map(|idx| &bars[*idx]).filter(|bar| bar.length > SAME_PLACE).collect();
    let lines = bar_lines(&played);
    let mut melody: Vec<Sounding> = Vec::new();
    let mut is_tied = false;
    let mut marks: Vec<(f64, Option<Chord>)> = Vec::new();
    for (bar, start) in played.iter().zip(&lines.starts) {
        for note in &bar.notes {
            let (on, off) = (start + note.on, start + note.off);
            match melody.last_mut() {
                Some(last) if is_tied && last.midi == note.midi && last.off > on - SAME_PLACE => {
                    last.off = off
                }
                _ => melody.push(Sounding { on, off, midi: note.midi }),
            }
            is_tied = note.tied;
        }
        marks.extend(bar.chords.iter().map(|mark| (start + mark.at, mark.chord)));
    }
    LeadSheet {
        title,
        meters: MeterMap::new(lines.changes),
        bpm,
        length: place(lines.end),
        melody: monophonic(melody),
        chords: spans(marks, lines.end),
    }
}

/// Where the played bars start, and the meters with a bar line of each.
struct BarLines {
    starts: Vec<f64>,
    changes: Vec<(Beats, Meter)>,
    end: f64,
}

/// Lays the bars end to end. Parts that together fill a bar (a pickup and the short bar before it) are one; what
/// a bar still lacks is rest, and a slip more than its meter holds is cut off. Wherever a bar line leaves the
/// running grid the meter is stated anew.
fn bar_lines(played: &[&Bar]) -> BarLines {
    // Whole bars first: which written bars start one, and how long they are together.
    let mut whole: Vec<(usize, f64)> = Vec::new();
    for (idx, bar) in played.iter().enumerate() {
        let nominal = bar.meter.bar_beats().0;
        match whole.last_mut() {
            Some((first, length))
                if played[*first].meter == bar.meter && *length + bar.length <= nominal + SAME_PLACE =>
            {
                *length += bar.length;
            }
            _ => whole.push((idx, bar.length)),
        }
    }
    let pickup = match (whole.first(), played.first()) {
        (Some((_, length)), Some(bar)) if whole.len() > 1 => {
            // More than a bar is a pickup without its bar line; a slip is no pickup.
            let nominal = bar.meter.bar_beats().0;
            let over = length % nominal;
            let is_slip = (length - nominal).abs() < SLIP || over < SAME_PLACE;
            if is_slip { 0.0 } else { nominal - over }
        }
        _ => 0.0,
    };
    let mut lines = BarLines { starts: Vec::new(), changes: Vec::new(), end: pickup };
    for (idx, (first, length)) in whole.iter().enumerate() {
        let meter = played[*first].meter;
        let start = if idx == 0 { 0.0 } else { lines.end };
        let on_grid = lines.changes.last().is_some_and(|(at, running): &(Beats, Meter)| {
            let bars = (start - at.0) / meter.bar_beats().0;
            *running == meter && (bars - bars.round()).abs() * meter.bar_beats().0 < SAME_PLACE
        });
        if !on_grid {
            lines.changes.push((place(start), meter));
        }
        let next = whole.get(idx + 1).map(|(next, _)| *next);
        for bar in &played[*first..next.unwrap_or(played.len())] {
            lines.starts.push(lines.end);
            lines.end += bar.length;
        }
        let nominal = meter.bar_beats().0;
        if next.is_some() && *length < nominal + SLIP {
            lines.end = start + nominal;
        }
    }
    lines
}

/// A place in the song, free of the noise of adding fractions.
pub fn place(beats: f64) -> Beats {
    Beats((beats * 1e6).round() / 1e6)
}

/// A note while the melody is put together, in beats since beat 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sounding {
    /// Where it starts.
    pub on: f64,
    /// Where it ends.
    pub off: f64,
    /// Its MIDI key, not yet folded into range.
    pub midi: i32,
}

/// One line of the notes: of those that start together the highest, each ended by the next.
pub fn monophonic(mut notes: Vec<Sounding>) -> Vec<Note> {
    notes.retain(|note| note.off > note.on + SAME_PLACE);
    notes.sort_by(|a, b| a.on.total_cmp(&b.on));
    let mut line: Vec<Sounding> = Vec::new();
    for note in notes {
        match line.last_mut() {
            Some(last) if note.on - last.on < SAME_PLACE => {
                if note.midi > last.midi {
                    *last = Sounding { on: last.on, ..note };
                }
            }
            Some(last) => {
                last.off = last.off.min(note.on);
                line.push(note);
            }
            None => line.push(note),
        }
    }
    line.iter().map(|n| Note { on: place(n.on), off: place(n.off), pitch: Pitch::folded(n.midi) }).collect()
}

/// Chord symbols, each lasting until the next one or the end; of those at one place the last. Equal
/// neighbours are one.
pub fn spans(marks: Vec<(f64, Option<Chord>)>, end: f64) -> Vec<ChordSpan> {
    let mut spans: Vec<ChordSpan> = Vec::new();
    for (idx, (on, chord)) in marks.iter().enumerate() {
        let off = marks.get(idx + 1).map_or(end, |(next, _)| *next);
        if off > on + SAME_PLACE {
            push_span(&mut spans, ChordSpan { on: place(*on), off: place(off), chord: *chord });
        }
    }
    spans
}

/// Adds a span, as part of the one before it where that ends here with the same chord.
pub fn push_span(spans: &mut Vec<ChordSpan>, span: ChordSpan) {
    match spans.last_mut() {
        Some(last) if last.chord == span.chord && (last.off.0 - span.on.0).abs() < SAME_PLACE => {
            last.off = span.off
        }
        _ => spans.push(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_lines_follow_pickups_and_short_bars() {
        let check = |lengths: &[f64], changes: &[f64], starts: &[f64]| {
            let bars: Vec<Bar> =
                lengths.iter().map(|l| Bar { length: *l, ..Bar::new(Meter::COMMON) }).collect();
            let lines = bar_lines(&bars.iter().collect::<Vec<_>>());
            assert_eq!(lines.changes.iter().map(|c| c.0.0).collect::<Vec<_>>(), changes, "{lengths:?}");
            assert_eq!(lines.starts, starts, "{lengths:?}");
        };
        check(&[4.0, 4.0], &[0.0], &[0.0, 4.0]);
        check(&[1.0, 4.0, 3.0, 1.0, 4.0], &[0.0], &[3.0, 4.0, 8.0, 11.0, 12.0]);
        check(&[4.0, 3.0, 4.0], &[0.0], &[0.0, 4.0, 8.0]);
        check(&[4.0, 5.0, 4.0], &[0.0, 9.0], &[0.0, 4.0, 9.0]);
        check(&[5.0, 4.0], &[0.0], &[3.0, 8.0]);
        check(&[4.02, 4.0], &[0.0], &[0.0, 4.0]);
        check(&[2.0, 2.0, 4.0], &[0.0], &[0.0, 2.0, 4.0]);
        check(&[3.0], &[0.0], &[0.0]);
        check(&[4.0, 4.25, 3.75, 4.0], &[0.0], &[0.0, 4.0, 8.0, 12.0]);
    }

    #[test]
    fn one_line_of_a_melody() {
        let s = |on, off, midi| Sounding { on, off, midi };
        let line = monophonic(vec![s(2.0, 3.0, 60), s(0.0, 4.0, 64), s(0.0, 1.0, 60), s(5.0, 5.0, 70)]);
        let line: Vec<_> = line.iter().map(|n| (n.on.0, n.off.0, n.pitch.midi())).collect();
        assert_eq!(line, [(0.0, 2.0, 64), (2.0, 3.0, 60)]);
    }
}
