//! Evaluation: policies accompany held-out songs, and metrics are set beside the humans' own.

pub mod metrics;
pub mod rollout;

use crate::dataset::{Song, Songs};
use metrics::{Measured, Metrics, measure};
use music::sampling::Sampling;
use rollout::{Melody, Player, accompany};
use serde::{Deserialize, Serialize};

/// How an evaluation is made. The report names all of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// Frames of each song that count, from its beginning: 512 is 32 bars of common time.
    pub frames: usize,
    /// Temperature.
    pub temperature: f32,
    /// Nucleus.
    pub top_p: f32,
    /// Sampling seeds; their results are averaged by pooling.
    pub seeds: u64,
    /// At most this many songs, spread evenly over the split.
    pub songs: usize,
}

impl Default for Protocol {
    fn default() -> Self {
        Self { frames: 512, temperature: 1.0, top_p: 1.0, seeds: 3, songs: usize::MAX }
    }
}

/// A system beside the humans, on the same songs and frames.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// How it was made.
    pub protocol: Protocol,
    /// The humans' own chords.
    pub human: Metrics,
    /// The system's.
    pub system: Metrics,
}

impl Comparison {
    /// A table: metric, human, system, system as a fraction of human.
    pub fn table(&self) -> String {
        let mut out = format!("{:<20} {:>8} {:>8} {:>8}\n", "metric", "human", "system", "fraction");
        for ((name, human), (_, system)) in self.human.rows().into_iter().zip(self.system.rows()) {
            out += &format!("{name:<20} {human:>8.3} {system:>8.3} {:>8.3}\n", system / human);
        }
        out
    }
}

fn selected<'a>(songs: &'a Songs, protocol: &Protocol) -> Vec<&'a Song> {
    let every = songs.0.len().div_ceil(protocol.songs.max(1)).max(1);
    songs.0.iter().step_by(every).collect()
}

/// Cold-start accompaniment of every song by a player, measured beside the humans' chords.
pub fn compare(player: &Player, songs: &Songs, protocol: Protocol) -> Comparison {
    let chosen = selected(songs, &protocol);
    let len = |song: &Song| song.frames.len().min(protocol.frames);
    let human: Vec<Measured> = chosen
        .iter()
        .map(|song| Measured {
            melody: &song.frames.melody[..len(song)],
            chords: &song.frames.chords[..len(song)],
            phases: &song.frames.phases[..len(song)],
            counts: &song.frames.annotated[..len(song)],
        })
        .collect();
    let melodies: Vec<Melody> =
        human.iter().map(|m| Melody { frames: m.melody, phases: m.phases, given: &[] }).collect();
    let sampling = Sampling { temperature: protocol.temperature, top_p: protocol.top_p };
    let answers: Vec<Vec<_>> =
        (0..protocol.seeds).flat_map(|seed| accompany(player, &melodies, sampling, seed + 1)).collect();
    let all = vec![true; protocol.frames.max(chosen.iter().map(|s| len(s)).max().unwrap_or(0))];
    let system: Vec<Measured> = answers
        .iter()
        .zip(human.iter().cycle())
        .map(|(chords, m)| Measured {
            melody: m.melody,
            chords,
            phases: m.phases,
            counts: &all[..m.melody.len()],
        })
        .collect();
    Comparison { protocol, human: measure(&human), system: measure(&system) }
}
