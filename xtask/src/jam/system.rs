//! One system of the picture: some bars side by side, with their grid, notes, bar numbers and chord names.

use super::{answer::Answer, tune::Tune};
use hosts::timeline::HeardNote;
use music::{
    grid::Beats,
    notation,
    pitch::Pitch,
    symbol::{self, Spelling},
};
use std::fmt::Write;

/// The height of a semitone.
const ROW: f64 = 6.0;
/// The height of a line of chord names.
const NAME_LINE: f64 = 24.0;
/// A chord name's type size, and about how wide its signs are.
const NAME_SIZE: f64 = 19.0;
const SIGN_WIDTH: f64 = 12.5;
/// Room for bar numbers above the chord names, and below the roll.
const ABOVE: f64 = 18.0;
const BELOW: f64 = 22.0;

/// Whose note it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The player's.
    Melody,
    /// A chord's.
    Chord,
    /// The bass's.
    Bass,
}

impl Part {
    /// Its name in the legend.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Melody => "melody",
            Self::Chord => "chords",
            Self::Bass => "bass",
        }
    }

    /// Fill and outline, of the Okabe-Ito colours.
    const fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Melody => ("#e69f00", "#8a5a00"),
            Self::Chord => ("#56b4e9", "#0b5a8c"),
            Self::Bass => ("#009e73", "#00573f"),
        }
    }

    /// Draws a note from `x`, its middle at `y`. A note's start bears its part's shape: round, square, triangle.
    pub fn note(self, svg: &mut String, x: f64, y: f64, width: f64, starts: bool) {
        let (fill, line) = self.colours();
        let half = ROW / 2.0;
        let (top, width) = (y - half + 0.5, width.max(2.0));
        let _ = write!(
            svg,
            r#"<rect x="{x:.1}" y="{top:.1}" width="{width:.1}" height="{:.1}" fill="{fill}" stroke="{line}" stroke-width="0.7"/>"#,
            ROW - 1.0
        );
        if !starts {
            return;
        }
        let _ = match self {
            Self::Melody => write!(svg, r#"<circle cx="{:.1}" cy="{y:.1}" r="4.5" fill="{line}"/>"#, x + 3.0),
            Self::Chord => write!(
                svg,
                r#"<rect x="{:.1}" y="{:.1}" width="7" height="7" fill="{line}"/>"#,
                x - 0.5,
                y - 3.5
            ),
            Self::Bass => {
                let [left, right, up, down] = [x - 0.5, x + 7.5, y - 4.5, y + 4.5];
                write!(
                    svg,
                    r#"<path d="M{left:.1} {up:.1}L{right:.1} {y:.1}L{left:.1} {down:.1}Z" fill="{line}"/>"#
                )
            }
        };
    }
}

/// What all systems share.
pub struct Roll {
    /// The lowest key drawn.
    pub lowest: u8,
    /// The highest key drawn.
    pub highest: u8,
    /// The width of a beat.
    pub beat_width: f64,
}

impl Roll {
    fn height(&self) -> f64 {
        f64::from(self.highest - self.lowest + 1) * ROW
    }
}

/// A system to draw.
pub struct System<'a> {
    /// The melody.
    pub tune: &'a Tune,
    /// The answer.
    pub answer: &'a Answer,
    /// All bars: start, and length in beats.
    pub bars: &'a [(Beats, f64)],
    /// The system's first bar.
    pub first: usize,
    /// The bar after its last.
    pub last: usize,
    /// What all systems share.
    pub roll: &'a Roll,
    /// Where the first bar starts.
    pub left: f64,
    /// Where the system starts.
    pub top: f64,
}

/// A chord name and its place.
struct Name {
    x: f64,
    line: usize,
    text: String,
}

impl System<'_> {
    /// Draws the system and returns its height.
    pub fn draw(&self, svg: &mut String) -> f64 {
        let names = self.names();
        let lines = names.iter().map(|name| name.line + 1).max().unwrap_or(1);
        let roll_top = self.top + ABOVE + lines as f64 * NAME_LINE;
        self.grid(svg, roll_top);
        for span in &names {
            let baseline = self.top + ABOVE + (span.line as f64 + 0.75) * NAME_LINE;
            let _ = write!(
                svg,
                r##"<path d="M{x:.1} {:.1}V{:.1}" stroke="#0b5a8c" stroke-width="1" stroke-dasharray="2 3"/><text x="{:.1}" y="{baseline:.1}" font-size="{NAME_SIZE}" fill="#14171c" stroke="#14171c" stroke-width="0.5">{}</text>"##,
                baseline + 3.0,
                roll_top + self.roll.height(),
                span.x + 1.0,
                escape(&span.text),
                x = span.x,
            );
        }
        let heard = |note: &HeardNote| (note.on, note.off, note.key);
        for note in &self.answer.bass {
            self.note(svg, roll_top, Part::Bass, heard(note));
        }
        for note in &self.answer.chords {
            self.note(svg, roll_top, Part::Chord, heard(note));
        }
        for played in &self.tune.song.notes {
            self.note(
                svg,
                roll_top,
                Part::Melody,
                (played.note.on, played.note.off, played.note.pitch.midi()),
            );
        }
        roll_top + self.roll.height() + BELOW - self.top
    }

    fn start(&self) -> f64 {
        self.bars[self.first].0.0
    }

    fn end(&self) -> f64 {
        let (on, length) = self.bars[self.last - 1];
        on.0 + length
    }

    fn x(&self, place: f64) -> f64 {
        self.left + (place - self.start()) * self.roll.beat_width
    }

    /// Rows, note names, beat and bar lines, bar numbers, meters where they change.
    fn grid(&self, svg: &mut String, top: f64) {
        let (left, right, bottom) = (self.left, self.x(self.end()), top + self.roll.height());
        let width = right - left;
        for key in self.roll.lowest..=self.roll.highest {
            let row_top = top + f64::from(self.roll.highest - key) * ROW;
            if [1, 3, 6, 8, 10].contains(&(key % 12)) {
                let _ = write!(
                    svg,
                    r##"<rect x="{left}" y="{row_top:.1}" width="{width:.1}" height="{ROW}" fill="#f3f5f8"/>"##
                );
            }
            if let (true, Some(pitch)) = ([0, 7].contains(&(key % 12)), Pitch::new(key)) {
                let line = if key % 12 == 0 { "#c3cad3" } else { "#e6eaef" };
                let under = row_top + ROW;
                let _ = write!(
                    svg,
                    r##"<path d="M{left} {under:.1}H{right:.1}" stroke="{line}"/><text x="{:.1}" y="{under:.1}" font-size="11" text-anchor="end" fill="#4a5462">{}</text>"##,
                    left - 8.0,
                    notation::print_pitch(pitch)
                );
            }
        }
        let mut meter_before =
            (self.first > 0).then(|| self.tune.song.meters.at(self.bars[self.first - 1].0).1);
        for idx in self.first..self.last {
            let (on, length) = self.bars[idx];
            let mut beat = 1.0;
            while beat < length - 1e-6 {
                let _ = write!(
                    svg,
                    r##"<path d="M{:.1} {top:.1}V{bottom:.1}" stroke="#dfe4ea"/>"##,
                    self.x(on.0 + beat)
                );
                beat += 1.0;
            }
            let x = self.x(on.0);
            let meter = self.tune.song.meters.at(on).1;
            let mut label = (idx + 1).to_string();
            if idx > 0 && meter_before.is_some_and(|before| before != meter) {
                label.push_str(&format!("   {}/{}", meter.numerator, meter.denominator));
            }
            meter_before = Some(meter);
            let _ = write!(
                svg,
                r##"<path d="M{x:.1} {:.1}V{bottom:.1}" stroke="#7d8794" stroke-width="1.4"/><text x="{:.1}" y="{:.1}" font-size="12" fill="#4a5462">{label}</text>"##,
                self.top + 4.0,
                x + 4.0,
                self.top + 14.0
            );
        }
        let _ = write!(
            svg,
            r##"<path d="M{right:.1} {:.1}V{bottom:.1}" stroke="#7d8794" stroke-width="1.4"/>"##,
            self.top + 4.0
        );
    }

    /// A note's part within this system.
    fn note(&self, svg: &mut String, top: f64, part: Part, (on, off, key): (Beats, Beats, u8)) {
        let (from, to) = (on.0.max(self.start()), off.0.min(self.end()));
        if from < to {
            let y = top + (f64::from(self.roll.highest) - f64::from(key) + 0.5) * ROW;
            // A hair less than its length, so that a note struck again shows as two.
            part.note(svg, self.x(from), y, (to - from) * self.roll.beat_width - 1.0, on.0 >= self.start());
        }
    }

    /// Chord names, each on the first line where it does not run into the one before. A chord that goes on from
    /// the system before is named again.
    fn names(&self) -> Vec<Name> {
        let mut ends: Vec<f64> = Vec::new();
        let mut names = Vec::new();
        for span in &self.answer.spans {
            let from = span.on.0.max(self.start());
            let Some(chord) = span.chord.filter(|_| from < span.off.0.min(self.end())) else { continue };
            let name = symbol::print_pretty(chord, Spelling::Common);
            let text = if span.on.0 < self.start() { format!("({name})") } else { name };
            let x = self.x(from);
            let line = ends.iter().position(|end| *end <= x).unwrap_or(ends.len());
            ends.resize(ends.len().max(line + 1), 0.0);
            ends[line] = x + SIGN_WIDTH * text.chars().count() as f64 + 6.0;
            names.push(Name { x, line, text });
        }
        names
    }
}

/// A text as SVG takes it.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(|c: char| c.is_control(), " ")
}
