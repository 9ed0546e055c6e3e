//! What is evaluated: the humans, the trivial accompanist, and trained networks, each under one name.

use super::{
    conditions::Take,
    onnx::{OnnxError, OnnxModel},
    rollout::{Melody, Player, Terms, stream_seed},
    trivial,
};
use crate::{
    model::{Policy, teacher::Teacher},
    run::checkpoint::{Checkpoint, CheckpointError},
};
use music::{harmony::ChordFrame, manifest::Manifest, sampling::Sampling};
use rayon::prelude::*;
use safetensors::SafeTensors;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Streams that step together: enough to fill the matrices, few enough that their rings fit in memory.
const STREAMS: usize = 64;

/// The name of the trivial accompanist on the command line.
pub const TRIVIAL: &str = "trivial";

/// Why a system cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// What follows the `@` is no sampling.
    #[error("`{0}`: write FILE@TEMPERATURE[,TOP_P], TEMPERATURE 0 or above, TOP_P above 0 and at most 1")]
    Sampling(String),
    /// The file system's word.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// Neither kind of file.
    #[error("{0} is neither a checkpoint (.safetensors) nor an exported model (.onnx)")]
    Kind(String),
    /// A checkpoint that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// An exported model that cannot be read, or does not play.
    #[error("{0}: {1}")]
    Onnx(String, OnnxError),
}

/// What answers.
enum Voice {
    Humans,
    Trivial,
    Network(Box<Player>),
    Onnx(Box<OnnxModel>),
}

/// What a report says of a system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// Its name in tables.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Its file's name; empty for those that have none.
    pub file: String,
    /// The first 12 hexadecimal digits of the file's SHA-256.
    pub sha256: String,
    /// Updates behind it.
    pub updates: Option<u64>,
    /// The temperature it is sampled at; `None` where nothing is sampled.
    pub temperature: Option<f32>,
    /// The nucleus it is sampled from.
    pub top_p: Option<f32>,
}

/// Something that puts chords under melodies.
pub struct System {
    /// What it is.
    pub facts: Facts,
    sampling: Sampling,
    voice: Voice,
}

/// A command line's `[NAME=]FILE[@TEMPERATURE[,TOP_P]]`.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    name: Option<&'a str>,
    file: &'a str,
    sampling: Option<Sampling>,
}

impl<'a> Named<'a> {
    fn parse(text: &'a str, otherwise: Sampling) -> Result<Self, SystemError> {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (Some(name), rest),
            None => (None, text),
        };
        let Some((file, words)) = rest.rsplit_once('@') else {
            return Ok(Self { name, file: rest, sampling: None });
        };
        let wrong = || SystemError::Sampling(text.to_owned());
        let (temperature, top_p) = words.split_once(',').unwrap_or((words, ""));
        let temperature = temperature.parse::<f32>().map_err(|_| wrong())?;
        let top_p = if top_p.is_empty() { otherwise.top_p } else { top_p.parse().map_err(|_| wrong())? };
        if !(temperature.is_finite() && temperature >= 0.0 && top_p > 0.0 && top_p <= 1.0) {
            return Err(wrong());
        }
        Ok(Self { name, file, sampling: Some(Sampling { temperature, top_p }) })
    }
}

impl System {
    fn unsampled(name: &str, kind: &str, voice: Voice) -> Self {
        let facts = Facts {
            name: name.into(),
            kind: kind.into(),
            file: String::new(),
            sha256: String::new(),
            updates: None,
            temperature: None,
            top_p: None,
        };
        Self { facts, sampling: Sampling::default(), voice }
    }

    /// The humans' own chords; where the melody is moved they move along.
    pub fn humans() -> Self {
        Self::unsampled("humans", "the songs' own chords", Voice::Humans)
    }

    /// The trivial accompanist.
    pub fn trivial() -> Self {
        Self::unsampled(TRIVIAL, "online key finder, diatonic triads by half bars", Voice::Trivial)
    }

    /// A network played by the trainer itself, or an exported file, as `[NAME=]FILE[@TEMPERATURE[,TOP_P]]`. A
    /// checkpoint says itself whether it is a policy's or a teacher's.
    ///
    /// # Errors
    /// A text that says no sampling, or a file that is missing, broken, or of neither kind.
    pub fn open(text: &str, otherwise: Sampling) -> Result<Self, SystemError> {
        let Named { name, file, sampling } = Named::parse(text, otherwise)?;
        let path = Path::new(file);
        let bytes = std::fs::read(path).map_err(|e| SystemError::Io(file.to_owned(), e))?;
        let sha256: String =
            Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let mut own = None;
        let (kind, voice, updates) = match path.extension().and_then(|e| e.to_str()) {
            Some("onnx") => {
                let model = OnnxModel::open(bytes).map_err(|e| SystemError::Onnx(file.to_owned(), e))?;
                let kind = format!("exported model, stage {}, run by rten", model.manifest.stage);
                let updates = model.manifest.steps;
                let Manifest { temperature, top_p, .. } = model.manifest;
                own = Some(Sampling { temperature, top_p });
                (kind, Voice::Onnx(Box::new(model)), updates)
            }
            Some("safetensors") if is_teacher(&bytes) => {
                let checkpoint = Checkpoint::<Teacher>::load(path)?;
                let player = Player::from(&checkpoint.network);
                let kind = "offline teacher: has heard the whole melody".to_owned();
                (kind, Voice::Network(Box::new(player)), checkpoint.moments.updates)
            }
            Some("safetensors") => {
                let checkpoint = Checkpoint::<Policy>::load(path)?;
                let player = Player::from(&checkpoint.network);
                ("online policy".to_owned(), Voice::Network(Box::new(player)), checkpoint.moments.updates)
            }
            _ => return Err(SystemError::Kind(file.to_owned())),
        };
        let sampling = sampling.or(own).unwrap_or(otherwise);
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or(file);
        let named = |path: &Path| path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let facts = Facts {
            name: name.unwrap_or(stem).to_owned(),
            kind,
            file: named(path),
            sha256,
            updates: Some(updates),
            temperature: Some(sampling.temperature),
            top_p: Some(sampling.top_p),
        };
        Ok(Self { facts, sampling, voice })
    }

    /// Whether its answers depend on a seed, so that more than one is asked for.
    pub fn is_sampled(&self) -> bool {
        matches!(self.voice, Voice::Network(_) | Voice::Onnx(_))
    }

    /// Whether it hears a melody to its end before it answers.
    pub fn is_offline(&self) -> bool {
        matches!(&self.voice, Voice::Network(player) if player.is_offline())
    }

    /// Chords under each take, for each seed (1, 2 ...): `[seed][take]`. What is not sampled answers once.
    /// `progress` is told of frames that were answered for.
    ///
    /// # Errors
    /// What an exported model's engine says.
    pub fn answer(
        &self,
        takes: &[Take],
        seeds: u64,
        terms: Terms,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Vec<Vec<ChordFrame>>>, SystemError> {
        let melodies: Vec<Melody> = takes.iter().map(Take::melody).collect();
        let sampled = match &self.voice {
            Voice::Humans => return Ok(vec![takes.iter().map(|take| take.chords.clone()).collect()]),
            Voice::Trivial => return Ok(vec![melodies.par_iter().map(trivial::accompany).collect()]),
            Voice::Network(player) => player.hear(&melodies),
            Voice::Onnx(_) => None,
        };
        // Streams of like length step together, so that few of them wait for the longest.
        let mut jobs: Vec<(u64, usize)> =
            (0..seeds).flat_map(|seed| (0..takes.len()).map(move |n| (seed, n))).collect();
        jobs.sort_by_key(|(_, n)| melodies[*n].frames.len());
        let mut answers = vec![vec![Vec::new(); takes.len()]; seeds as usize];
        for jobs in jobs.chunks(STREAMS) {
            let mine: Vec<Melody> = jobs.iter().map(|(_, n)| melodies[*n]).collect();
            let numbers: Vec<u64> = jobs.iter().map(|(seed, n)| stream_seed(seed + 1, *n)).collect();
            let heard: Option<Vec<&[f32]>> =
                sampled.as_ref().map(|heard| jobs.iter().map(|(_, n)| heard[*n].as_slice()).collect());
            let chords = match &self.voice {
                Voice::Onnx(model) => model
                    .accompany(&mine, &numbers, self.sampling, terms)
                    .map_err(|e| SystemError::Onnx(self.facts.file.clone(), e))?,
                Voice::Network(player) => {
                    player.accompany(&mine, &numbers, heard.as_deref(), self.sampling, terms)
                }
                Voice::Humans | Voice::Trivial => Vec::new(),
            };
            for ((seed, n), chords) in jobs.iter().zip(chords) {
                answers[*seed as usize][*n] = chords;
            }
            progress(mine.iter().map(|m| m.frames.len() as u64).sum());
        }
        Ok(answers)
    }
}

/// Whether a checkpoint's tensors are a teacher's. A broken file is none; reading it as a policy says why.
fn is_teacher(bytes: &[u8]) -> bool {
    SafeTensors::read_metadata(bytes)
        .is_ok_and(|(_, header)| header.tensors().keys().any(|name| name == "parameter/bridge"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Network, Shape};

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    #[test]
    fn names_and_samplings_are_read() {
        let otherwise = Sampling { temperature: 1.0, top_p: 0.95 };
        let check = |text: &str, name: Option<&str>, file: &str, temperature: f32, top_p: f32| {
            let found = Named::parse(text, otherwise).unwrap();
            assert_eq!((found.name, found.file), (name, file), "{text}");
            assert_eq!(found.sampling.unwrap_or(otherwise), Sampling { temperature, top_p }, "{text}");
        };
        check("a/b.onnx", None, "a/b.onnx", 1.0, 0.95);
        check("shipped=a/b.onnx@0.9", Some("shipped"), "a/b.onnx", 0.9, 0.95);
        check("b.safetensors@0.8,0.9", None, "b.safetensors", 0.8, 0.9);
        check("x=b@c.onnx@0", Some("x"), "b@c.onnx", 0.0, 0.95);
        for wrong in ["a.onnx@warm", "a.onnx@-1", "a.onnx@1,0", "a.onnx@1,1.5", "a.onnx@nan"] {
            let error = Named::parse(wrong, otherwise).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_checkpoint_says_itself_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let policy = Checkpoint::start(Policy::build(SMALL, 1).unwrap()).to_bytes().unwrap();
        let teacher = Checkpoint::start(Teacher::build(SMALL, 1).unwrap()).to_bytes().unwrap();
        for (name, bytes) in [("p.safetensors", policy), ("t.safetensors", teacher), ("x.txt", vec![1])] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let open = |name: &str| System::open(&path(name), Sampling::default());
        let (policy, teacher) = (open("p.safetensors").unwrap(), open("t.safetensors").unwrap());
        assert!(!policy.is_offline() && teacher.is_offline());
        assert_eq!((policy.facts.name.as_str(), policy.facts.updates), ("p", Some(0)));
        for (name, word) in [("x.txt", "neither"), ("none.onnx", "none.onnx")] {
            let error = open(name).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
