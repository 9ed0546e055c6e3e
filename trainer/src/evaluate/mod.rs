//! Evaluation: systems accompany held-out songs in several situations, and metrics are set beside the humans'
//! own.
//!
//! `system` says who plays, `conditions` what they are put into, `rollout` lets them play, `metrics`
//! measures, and `report` writes it down. All systems meet the same songs and frames; numbers are read as
//! fractions of the humans'.

pub mod conditions;
pub mod metrics;
pub mod onnx;
pub mod report;
pub mod rollout;
pub mod system;
pub mod trivial;

use crate::dataset::{Song, Songs};
use conditions::{
    Condition, Take,
    jam::{self, Drift},
    jump, start,
    sweep::{COMMITS, Committed},
};
use indicatif::ProgressBar;
use metrics::{
    Measured,
    adaptation::{Recovered, Recovery, by_beat, recovery},
    bootstrap, distance, first_chord, fits, measure, share_that_fits,
    vendi::{self, Embedding},
};
use music::harmony::ChordFrame;
use report::{Corpus, Report, Result, Row};
use rollout::Terms;
use serde::Serialize;
use std::collections::BTreeMap;
use system::{System, SystemError};

/// How an evaluation is made. The report names all of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Protocol {
    /// The command line that asked for it.
    pub command: String,
    /// train, valid or test.
    pub split: String,
    /// Frames of each song that count, from its beginning: 512 is 32 bars of common time.
    pub frames: usize,
    /// Sampling seeds; all their songs are measured together.
    pub seeds: u64,
    /// At most this many songs, spread evenly over the split.
    pub songs: usize,
    /// Songs that the Vendi score is taken over, of one seed: it depends on their number.
    pub vendi_songs: usize,
    /// At most this many songs are played at every commit: a commit of n frames costs n times the work.
    pub sweep_songs: usize,
    /// Jams side by side.
    pub jams: usize,
    /// Conditions by name; empty for all.
    pub conditions: Vec<String>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            command: String::new(),
            split: "test".into(),
            frames: 512,
            seeds: 3,
            songs: usize::MAX,
            vendi_songs: 100,
            sweep_songs: 48,
            jams: 8,
            conditions: Vec::new(),
        }
    }
}

/// The names of all conditions.
pub const CONDITIONS: [&str; 7] = ["cold", "listening", "primed", "tritone", "jumps", "jam", "commit"];

impl Protocol {
    fn wants(&self, condition: &str) -> bool {
        self.conditions.is_empty() || self.conditions.iter().any(|c| c == condition)
    }
}

/// `most` items spread evenly over a list, or all of a shorter one.
pub fn spread<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let num = most.min(all.len());
    (0..num).map(move |n| &all[n * all.len() / num])
}

/// Chords under some takes for one or more seeds, ready to be measured.
struct Answers<'a> {
    takes: &'a [Take],
    /// [seed][take].
    chords: &'a [Vec<Vec<ChordFrame>>],
    /// Frames that count, of each take; and all that may count, before `from` too.
    counts: Vec<Vec<bool>>,
    whole: Vec<Vec<bool>>,
}

impl<'a> Answers<'a> {
    /// Only frames count that the source annotates: those on which the humans can be measured.
    fn new(takes: &'a [Take], chords: &'a [Vec<Vec<ChordFrame>>]) -> Self {
        let may = |take: &Take, t: usize| take.annotated[t];
        let mask = |from: &dyn Fn(&Take) -> usize| -> Vec<Vec<bool>> {
            takes
                .iter()
                .map(|take| (0..take.len()).map(|t| t >= from(take) && may(take, t)).collect())
                .collect()
        };
        Self { takes, chords, counts: mask(&|take| take.from), whole: mask(&|_| 0) }
    }

    /// One song of one seed, by a mask.
    fn song<'b>(&'b self, seed: usize, n: usize, counts: &'b [Vec<bool>]) -> Measured<'b> {
        let take = &self.takes[n];
        Measured {
            melody: &take.melody,
            chords: &self.chords[seed][n],
            phases: &take.phases,
            counts: &counts[n],
        }
    }

    /// All songs of all seeds that `wanted` takes, with their numbers.
    fn songs<'b>(
        &'b self,
        counts: &'b [Vec<bool>],
        wanted: impl Fn(&Take) -> bool + 'b,
    ) -> impl Iterator<Item = (usize, Measured<'b>)> + 'b {
        let chosen: Vec<usize> = (0..self.takes.len()).filter(|n| wanted(&self.takes[*n])).collect();
        (0..self.chords.len())
            .flat_map(move |seed| chosen.clone().into_iter().map(move |n| (seed, n)))
            .map(move |(seed, n)| (n, self.song(seed, n, counts)))
    }

    /// Note in chord of each song, its seeds averaged.
    fn song_means(&self) -> Vec<f64> {
        let mean = |n: usize| {
            let shares: Vec<f64> = (0..self.chords.len())
                .filter_map(|seed| share_that_fits(&fits(&self.song(seed, n, &self.counts))))
                .collect();
            (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
        };
        (0..self.takes.len()).filter_map(mean).collect()
    }

    fn row(&self, system: &str, condition: &Condition, sources: &[String]) -> Row {
        let all: Vec<Measured> = self.songs(&self.counts, |_| true).map(|(_, song)| song).collect();
        let corpora = sources.iter().map(|source| {
            let songs: Vec<Measured> =
                self.songs(&self.counts, |take| take.source == *source).map(|(_, song)| song).collect();
            (source.clone(), measure(&songs))
        });
        let curve = self.songs(&self.whole, |_| true).map(|(n, song)| (song, self.takes[n].curve_from));
        let back: Vec<Recovered> = self
            .songs(&self.whole, |take| take.jump.is_some())
            .filter_map(|(n, song)| recovery(&song, self.takes[n].jump?))
            .collect();
        let firsts: Vec<f64> = all.iter().filter_map(first_chord).collect();
        Row {
            system: system.to_owned(),
            metrics: measure(&all),
            interval: bootstrap::interval(&self.song_means()),
            corpora: corpora.filter(|(_, metrics)| metrics.songs > 0).collect(),
            onset_frames: None,
            onset_heights: None,
            vendi: None,
            first_chord: (!firsts.is_empty()).then(|| firsts.iter().sum::<f64>() / firsts.len() as f64),
            recovery: Recovery::of(&back),
            curve: by_beat(curve, condition.beats),
        }
    }

    /// The Vendi score of the first seed's songs, at most `most` of them, of whole songs: with the few frames in which the source
    /// annotates no chord, so that the humans are silent.
    fn vendi(&self, embedding: &dyn Embedding, most: usize) -> Option<f64> {
        let songs: Vec<&[ChordFrame]> = spread(self.chords.first()?, most).map(Vec::as_slice).collect();
        vendi::score(&embedding.embed(&songs))
    }
}

/// Lets all systems play under all conditions. `systems` should begin with the humans: fractions are of the
/// first.
///
/// # Errors
/// What an exported model's engine says.
pub fn evaluate(
    systems: &[System],
    songs: &Songs,
    protocol: &Protocol,
    embedding: &dyn Embedding,
    progress: &ProgressBar,
) -> std::result::Result<Report, SystemError> {
    let chosen: Vec<&Song> = spread(&songs.0, protocol.songs).collect();
    let conditions: Vec<Condition> = [
        start::cold(&chosen, protocol.frames),
        start::listening(&chosen, protocol.frames),
        start::primed(&chosen, protocol.frames),
        jump::tritone(&chosen),
        jump::jumps(&chosen),
    ]
    .into_iter()
    .filter(|condition| protocol.wants(condition.key) && !condition.takes.is_empty())
    .collect();
    let jams = if protocol.wants("jam") { jam::jams(&chosen, protocol.jams) } else { Vec::new() };
    let swept: Vec<Take> = match protocol.wants("commit") {
        true => {
            start::cold(&spread(&chosen, protocol.sweep_songs).copied().collect::<Vec<_>>(), protocol.frames)
                .takes
        }
        false => Vec::new(),
    };
    let frames = |takes: &[Take]| takes.iter().map(|take| take.len() as u64).sum::<u64>();
    let sampled = systems.iter().filter(|s| s.is_sampled()).count() as u64;
    let online: Vec<&System> = systems.iter().filter(|s| s.is_sampled() && !s.is_offline()).collect();
    let work: u64 = conditions.iter().map(|c| frames(&c.takes)).sum::<u64>() * protocol.seeds * sampled
        + (frames(&jams) + frames(&swept) * COMMITS.iter().sum::<usize>() as u64) * online.len() as u64;
    progress.set_length(work);
    let done = |frames: u64| progress.inc(frames);

    let mut sources: Vec<String> = chosen.iter().map(|song| song.source.clone()).collect();
    sources.sort();
    sources.dedup();
    let mut results = Vec::new();
    for condition in &conditions {
        let mut rows = Vec::new();
        for system in systems {
            progress.set_message(format!("{}: {}", condition.key, system.facts.name));
            let chords = system.answer(&condition.takes, protocol.seeds, condition.terms, &done)?;
            let answers = Answers::new(&condition.takes, &chords);
            let mut row = answers.row(&system.facts.name, condition, &sources);
            if condition.key == "cold" {
                row.vendi = answers.vendi(embedding, protocol.vendi_songs);
            }
            let human = rows.first().map_or(&row.metrics, |human: &Row| &human.metrics).intervals.clone();
            row.onset_frames = Some(distance::earth_mover(&row.metrics.intervals, &human));
            row.onset_heights = Some(distance::between_heights(&row.metrics.intervals, &human));
            rows.push(row);
        }
        results.push(Result::of(condition, rows));
    }

    let mut drift: Vec<Drift> = Vec::new();
    for system in systems.iter().filter(|system| !jams.is_empty() && !system.is_offline()) {
        progress.set_message(format!("jam: {}", system.facts.name));
        if let Some(chords) = system.answer(&jams, 1, Terms::default(), &done)?.first() {
            drift.push(jam::drift(&system.facts.name, &jams, chords));
        }
    }

    let mut sweep: Vec<Committed> = Vec::new();
    let asked = systems.iter().take(1).chain(online).filter(|_| !swept.is_empty());
    for (n, system) in asked.enumerate() {
        for commit in COMMITS.into_iter().take(if n == 0 { 1 } else { COMMITS.len() }) {
            progress.set_message(format!("commit {commit}: {}", system.facts.name));
            let terms = Terms { commit, ..Terms::default() };
            let told = |frames: u64| progress.inc(frames * commit as u64);
            let chords = system.answer(&swept, 1, terms, if n == 0 { &|_| () } else { &told })?;
            let answers = Answers::new(&swept, &chords);
            let songs: Vec<Measured> = answers.songs(&answers.counts, |_| true).map(|(_, s)| s).collect();
            sweep.push(Committed { system: system.facts.name.clone(), commit, metrics: measure(&songs) });
        }
    }
    progress.finish_and_clear();

    let mut corpora: BTreeMap<String, Corpus> = BTreeMap::new();
    for song in &chosen {
        let corpus = corpora.entry(song.source.clone()).or_default();
        corpus.songs += 1;
        corpus.frames += song.frames.len().min(protocol.frames);
    }
    Ok(Report {
        protocol: protocol.clone(),
        systems: systems.iter().map(|system| system.facts.clone()).collect(),
        corpora,
        embedding: embedding.name(),
        vendi_songs: spread(&chosen, protocol.vendi_songs).count(),
        results,
        jam_songs: jams.len(),
        drift,
        sweep_songs: swept.len(),
        sweep,
        learning: Vec::new(),
        definitions: report::columns::definitions(),
    })
}

#[cfg(test)]
mod tests;
