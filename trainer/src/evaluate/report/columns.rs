//! The ONE list of reported metrics: title, unit, definition and where the value stands. Tables, pages and
//! the glossary all read it.

use super::{Result, Row};
use serde::Serialize;

/// A metric as reports show it.
pub struct Column {
    /// Its name.
    pub title: &'static str,
    /// Its unit; empty for shares and ratios.
    pub unit: &'static str,
    /// Decimals.
    pub decimals: usize,
    /// Whether it reads as a fraction of the humans' value.
    pub is_compared: bool,
    /// Whether every corpus has it.
    pub by_corpus: bool,
    /// What it is, in words, and where the definition comes from.
    pub words: &'static str,
    /// Its value.
    pub of: fn(&Row) -> Option<f64>,
}

/// A definition, as the report keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The metric.
    pub title: String,
    /// Its unit.
    pub unit: String,
    /// What it is.
    pub words: String,
}

const fn plain(title: &'static str, words: &'static str, of: fn(&Row) -> Option<f64>) -> Column {
    Column { title, unit: "", decimals: 3, is_compared: true, by_corpus: true, words, of }
}

/// All of them, in the order of reports.
pub const COLUMNS: [Column; 18] = [
    plain(
        "note in chord",
        "Frames whose melody pitch class is in the chord, of those in which melody and chord both sound; \
         mean over songs (paper, section 5.2 and appendix K). Silent chords are free and dense chords help: \
         read it with the two rows on silence and pitch classes. In brackets its 95 % confidence interval, \
         by bootstrap over songs.",
        |row| Some(row.metrics.note_in_chord),
    ),
    Column {
        by_corpus: false,
        ..plain(
            "first chord fits",
            "Note in chord of the first chord alone that sounds where measuring begins, until it changes; \
             mean over songs.",
            |row| row.first_chord,
        )
    },
    plain(
        "silence",
        "Frames with a silent chord, of those with a sounding melody; pooled over songs (paper, appendix A).",
        |row| Some(row.metrics.silence),
    ),
    plain(
        "pitch classes",
        "Pitch classes in the sounding chord; mean over frames (GAPT, table 10).",
        |row| Some(row.metrics.pitch_classes),
    ),
    plain(
        "changes on bar",
        "Changes of chord on a bar line, of all changes where the metre is known. A chord struck again is \
         no change, nor is a song's first chord.",
        |row| Some(row.metrics.on_bar),
    ),
    plain("changes on half bar", "The same for a bar line or the exact middle of a bar.", |row| {
        Some(row.metrics.on_half_bar)
    }),
    plain("changes per bar", "Changes of chord a bar; pooled over songs.", |row| {
        Some(row.metrics.changes_per_bar)
    }),
    plain(
        "bar lock",
        "Chords exactly one bar long, of all chords. Far above the humans': the system has collapsed to one \
         chord a bar.",
        |row| Some(row.metrics.bar_lock),
    ),
    plain("long chords", "Chords longer than 32 frames (8 beats), of all chords (paper, table 3).", |row| {
        Some(row.metrics.long_chords)
    }),
    Column {
        unit: "nats",
        ..plain(
            "length entropy",
            "Entropy of chord lengths in frames, in bins bounded by 0, 1, ... 32, 33, infinity; pooled over \
             songs (paper, appendix K).",
            |row| Some(row.metrics.length_entropy),
        )
    },
    Column {
        unit: "nats",
        ..plain(
            "chord entropy",
            "Entropy of which chord sounds, over a song's frames; mean over songs.",
            |row| Some(row.metrics.chord_entropy),
        )
    },
    Column {
        decimals: 2,
        ..plain("distinct chords", "Different chords in a song; mean over songs.", |row| {
            Some(row.metrics.distinct_chords)
        })
    },
    Column {
        unit: "frames",
        is_compared: false,
        by_corpus: false,
        ..plain(
            "onset interval",
            "For each chord that is struck, the frames since the nearest melody onset at or before it, in \
             bins bounded by 0, 1, ... 16, 17, infinity; the earth mover's distance of that histogram to \
             the humans': the frames a chord's onset would have to move by, on average. Lower is nearer to \
             people (paper, section 5.2).",
            |row| row.onset_frames,
        )
    },
    Column {
        unit: "x 1000",
        decimals: 2,
        is_compared: false,
        by_corpus: false,
        ..plain(
            "onset interval, as printed",
            "The same two histograms, their bin heights taken as samples: the mean difference of the \
             heights in order of size, times 1000. The paper's printed figures are of this size; blind to \
             which bin is which.",
            |row| row.onset_heights,
        )
    },
    Column {
        unit: "songs",
        decimals: 2,
        by_corpus: false,
        ..plain(
            "Vendi score",
            "The effective number of different songs: the exponential of the entropy of the eigenvalues of \
             the songs' matrix of cosines over their number (GAPT, section 4.4). It depends on the number \
             of songs and on what embeds them; both stand under the protocol.",
            |row| row.vendi,
        )
    },
    Column {
        unit: "beats",
        decimals: 0,
        is_compared: false,
        by_corpus: false,
        ..plain(
            "recovery, median",
            "Beats after the jump until note in chord over eight frames reaches 95 % of the song's own mean \
             before the jump, 0 being the beat of the jump; the median over songs, those that never do \
             counting as infinite. The humans' chords, carried along, are the floor of this measure.",
            |row| row.recovery.and_then(|recovery| recovery.median),
        )
    },
    Column {
        unit: "beats",
        decimals: 0,
        is_compared: false,
        by_corpus: false,
        ..plain("recovery, three quarters", "The same for three quarters of the songs.", |row| {
            row.recovery.and_then(|recovery| recovery.p75)
        })
    },
    Column {
        is_compared: false,
        by_corpus: false,
        ..plain("never recovered", "The share of songs that are not found back before they end.", |row| {
            row.recovery.map(|recovery| recovery.never)
        })
    },
];

impl Column {
    /// Whether a condition shows it: those of one condition alone are left out elsewhere.
    pub fn is_shown(&self, result: &Result) -> bool {
        result.rows.iter().any(|row| self.value(row).is_some())
    }

    /// Its value, if it is a number.
    pub fn value(&self, row: &Row) -> Option<f64> {
        (self.of)(row).filter(|value| value.is_finite())
    }

    /// Its value as a fraction of the humans', where it reads as one.
    pub fn fraction(&self, row: &Row, human: &Row) -> Option<f64> {
        let human = self.value(human).filter(|human| self.is_compared && *human != 0.0)?;
        Some(self.value(row)? / human)
    }

    /// Its value as text; an en dash where there is none, "never" where it is beats that do not suffice.
    pub fn text(&self, row: &Row) -> String {
        match self.value(row) {
            Some(value) => format!("{value:.*}", self.decimals),
            None if self.unit == "beats" && row.recovery.is_some() => "never".into(),
            None => "–".into(),
        }
    }
}

/// All definitions.
pub fn definitions() -> Vec<Definition> {
    COLUMNS
        .iter()
        .map(|column| Definition {
            title: column.title.into(),
            unit: column.unit.into(),
            words: column.words.into(),
        })
        .collect()
}
