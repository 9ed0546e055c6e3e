//! What an evaluation found: one value that is written as JSON, as a page to read, and as a table on the
//! terminal.

pub mod chart;
pub mod columns;
pub mod headline;
pub mod html;
pub mod learning;
pub mod table;

use super::{
    Protocol,
    conditions::{Condition, jam::Drift, sweep::Committed},
    metrics::{Metrics, adaptation::Recovery},
    system::Facts,
};
use columns::Definition;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a corpus brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Corpus {
    /// Songs.
    pub songs: usize,
    /// Frames of them that count in a cold start.
    pub frames: usize,
}

/// A system under a condition. What a condition does not measure is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub system: String,
    /// Its metrics, over all songs of all seeds.
    pub metrics: Metrics,
    /// The 95 % confidence interval of note in chord, by bootstrap over songs.
    pub interval: Option<[f64; 2]>,
    /// The same metrics for each corpus.
    pub corpora: BTreeMap<String, Metrics>,
    /// Earth mover's distance of onset intervals to the humans', in frames.
    pub onset_frames: Option<f64>,
    /// Distance of the onset intervals' bin heights to the humans', times 1000.
    pub onset_heights: Option<f64>,
    /// The Vendi score.
    pub vendi: Option<f64>,
    /// Note in chord of the first chord that counts.
    pub first_chord: Option<f64>,
    /// Beats to recover from the jump.
    pub recovery: Option<Recovery>,
    /// Note in chord beat by beat.
    pub curve: Vec<Option<f64>>,
}

/// All systems under one condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Result {
    /// The condition's name on the command line.
    pub key: String,
    /// Its heading.
    pub title: String,
    /// What happens in it.
    pub words: String,
    /// Songs that took part.
    pub songs: usize,
    /// Frames of them, those before the measured ones included.
    pub frames: usize,
    /// The number of the curves' first beat.
    pub first_beat: i64,
    /// Beats at which something happens, and what.
    pub marks: Vec<(i64, String)>,
    /// The systems, the humans first.
    pub rows: Vec<Row>,
}

impl Result {
    /// What came of a condition.
    pub fn of(condition: &Condition, rows: Vec<Row>) -> Self {
        Self {
            key: condition.key.to_owned(),
            title: condition.title.to_owned(),
            words: condition.words.to_owned(),
            songs: condition.takes.len(),
            frames: condition.takes.iter().map(|take| take.len()).sum(),
            first_beat: condition.first_beat,
            marks: condition.marks.iter().map(|(beat, what)| (*beat, (*what).to_owned())).collect(),
            rows,
        }
    }
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How it was made.
    pub protocol: Protocol,
    /// Who played.
    pub systems: Vec<Facts>,
    /// The songs, by corpus.
    pub corpora: BTreeMap<String, Corpus>,
    /// What the Vendi score embeds songs with.
    pub embedding: String,
    /// Songs that the Vendi score was taken over.
    pub vendi_songs: usize,
    /// By condition.
    pub results: Vec<Result>,
    /// Jams side by side.
    pub jam_songs: usize,
    /// Who drifts in them.
    pub drift: Vec<Drift>,
    /// Songs that were played at every commit.
    pub sweep_songs: usize,
    /// The cost of committing early.
    pub sweep: Vec<Committed>,
    /// How the run's stages learnt, where a run folder was named.
    pub learning: Vec<learning::Course>,
    /// What each metric means.
    pub definitions: Vec<Definition>,
}

impl Report {
    /// The report as JSON; what is not a number is null.
    ///
    /// # Errors
    /// What the serialiser says.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}
