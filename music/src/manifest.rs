//! What a model file promises: the contract both sides hold it to. Written into the ONNX file's
//! `metadata_props` by the trainer, read from the file's bytes by the plugin before any engine sees it.

use crate::{
    grid::FRAMES_PER_BEAT,
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD, fingerprint},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The contract this code speaks.
pub const CONTRACT: u32 = 1;

/// The one key of `metadata_props` that holds the manifest, as JSON.
pub const METADATA_KEY: &str = "realchords.manifest";

/// The most numbers that the keys of one frame may hold, over all layers and heads.
const MOST_NUMBERS_A_FRAME: usize = 1 << 16;

/// Names of the graph's inputs and outputs.
///
/// A step answers for frame t: it is given what happened in frame t-1 and where t stands in its bar.
/// Shapes for L layers, H heads, head size D, context C = `context_frames`:
/// `chord`, `melody`, `bar_position`, `bar_length`, `position`: `i32 [1]`; `chroma`: `f32 [1, CHROMA_FEATURES]`;
/// `keys`, `values`: `f32 [L, H, C, D]`, rows of the last C steps in any order; `cache_mask`: `f32 [C]`, 0 where a
/// row is filled, -1e9 where not. Out: `chord_logits` `f32 [1, ChordToken::COUNT]`; `melody_logits`
/// `f32 [1, MelodyToken::COUNT]`, both for frame t, independent given the past; `new_keys`, `new_values`:
/// `f32 [L, H, D]`, the rows of this step, for the caller to put into its ring.
pub mod names {
    /// Chord token of the frame before (or START).
    pub const CHORD: &str = "chord";
    /// Melody token of the frame before (or START).
    pub const MELODY: &str = "melody";
    /// Bar position id of the frame to answer for.
    pub const BAR_POSITION: &str = "bar_position";
    /// Bar length id of the frame to answer for.
    pub const BAR_LENGTH: &str = "bar_length";
    /// Steps since the history began, modulo `POSITION_PERIOD`.
    pub const POSITION: &str = "position";
    /// `Chroma::features` of the melody through the frame before.
    pub const CHROMA: &str = "chroma";
    /// Cached keys.
    pub const KEYS: &str = "keys";
    /// Cached values.
    pub const VALUES: &str = "values";
    /// Which cache rows are filled.
    pub const CACHE_MASK: &str = "cache_mask";
    /// Chord logits of the frame.
    pub const CHORD_LOGITS: &str = "chord_logits";
    /// Melody logits of the frame.
    pub const MELODY_LOGITS: &str = "melody_logits";
    /// This step's keys.
    pub const NEW_KEYS: &str = "new_keys";
    /// This step's values.
    pub const NEW_VALUES: &str = "new_values";
}

/// A model file's promises. Every key must be there; unknown keys are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the contract, [`CONTRACT`].
    pub contract: u32,
    /// [`fingerprint`] of the vocabulary the model was trained on.
    pub vocabulary: String,
    /// Frames in a quarter note.
    pub frames_per_beat: i64,
    /// Rows of the key/value cache.
    pub context_frames: usize,
    /// Period of the position input.
    pub position_period: i64,
    /// Numbers in the chroma input.
    pub chroma_features: usize,
    /// Chord tokens.
    pub chord_tokens: usize,
    /// Melody tokens.
    pub melody_tokens: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Numbers a head.
    pub head_size: usize,
    /// What the model is called in the editor.
    pub name: String,
    /// The stage that made it: "mle", "kd", "rl" ...
    pub stage: String,
    /// The recipe's name.
    pub recipe: String,
    /// The run's seed.
    pub seed: u64,
    /// The source revision of the trainer.
    pub revision: String,
    /// Training steps behind it.
    pub steps: u64,
    /// Temperature it is meant to be sampled at, of the onsets (`sampling::Sampling`).
    pub temperature: f32,
    /// Nucleus it is meant to be sampled from, of the onsets.
    pub top_p: f32,
    /// Corpora it was trained on, with their licences.
    pub corpora: BTreeMap<String, String>,
    /// Headline numbers, by metric name.
    pub numbers: BTreeMap<String, f64>,
}

/// Why a manifest is refused; both values are named.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ManifestError {
    /// There is none.
    #[error("the file carries no `{METADATA_KEY}` metadata: it was not made by this project's trainer")]
    Missing,
    /// It cannot be read.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// A promise differs from what this build needs.
    #[error("{what} is {file} in the file but {ours} here: use a model made for this version")]
    Mismatch {
        /// The promise.
        what: &'static str,
        /// The file's value.
        file: String,
        /// Ours.
        ours: String,
    },
}

impl Manifest {
    /// The promises of this build for a network of `layers` with `heads` of `head_size` numbers; what tells of its
    /// making is left empty, and it is sampled as it is.
    pub fn sized(layers: usize, heads: usize, head_size: usize) -> Self {
        Self {
            contract: CONTRACT,
            vocabulary: fingerprint(),
            frames_per_beat: FRAMES_PER_BEAT,
            context_frames: CONTEXT_FRAMES,
            position_period: POSITION_PERIOD,
            chroma_features: CHROMA_FEATURES,
            chord_tokens: ChordToken::COUNT,
            melody_tokens: MelodyToken::COUNT,
            layers,
            heads,
            head_size,
            name: String::new(),
            stage: String::new(),
            recipe: String::new(),
            seed: 0,
            revision: String::new(),
            steps: 0,
            temperature: 1.0,
            top_p: 1.0,
            corpora: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// Reads a manifest and holds it to the contract.
    ///
    /// # Errors
    /// Unreadable JSON, a missing key, or a value that this build cannot serve.
    pub fn parse(json: &str) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_str(json).map_err(|e| ManifestError::Unreadable(e.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Holds the promises against this build.
    ///
    /// # Errors
    /// The first promise that differs.
    pub fn check(&self) -> Result<(), ManifestError> {
        fn same<T: PartialEq + ToString>(
            what: &'static str,
            file: &T,
            ours: &T,
        ) -> Result<(), ManifestError> {
            if file == ours {
                Ok(())
            } else {
                Err(ManifestError::Mismatch { what, file: file.to_string(), ours: ours.to_string() })
            }
        }
        same("the contract version", &self.contract, &CONTRACT)?;
        same("the vocabulary's fingerprint", &self.vocabulary, &fingerprint())?;
        same("frames per beat", &self.frames_per_beat, &FRAMES_PER_BEAT)?;
        same("the context length", &self.context_frames, &CONTEXT_FRAMES)?;
        same("the position period", &self.position_period, &POSITION_PERIOD)?;
        same("the number of chroma features", &self.chroma_features, &CHROMA_FEATURES)?;
        same("the number of chord tokens", &self.chord_tokens, &ChordToken::COUNT)?;
        same("the number of melody tokens", &self.melody_tokens, &MelodyToken::COUNT)?;
        for (what, file, most) in [
            ("the number of layers", self.layers, 64),
            ("the number of heads", self.heads, 64),
            ("the head size", self.head_size, 1024),
        ] {
            if file == 0 || file > most {
                return Err(ManifestError::Mismatch {
                    what,
                    file: file.to_string(),
                    ours: format!("1 to {most}"),
                });
            }
        }
        for (what, file, ours, fits) in [
            ("the temperature", self.temperature, "0 or more", self.temperature >= 0.0),
            ("top_p", self.top_p, "above 0 and at most 1", self.top_p > 0.0 && self.top_p <= 1.0),
        ] {
            if !fits || !file.is_finite() {
                return Err(ManifestError::Mismatch { what, file: file.to_string(), ours: ours.to_owned() });
            }
        }
        // Each size may be honest and all together more memory than there is.
        let row = self.layers * self.heads * self.head_size;
        if row > MOST_NUMBERS_A_FRAME {
            let ours = format!("at most {MOST_NUMBERS_A_FRAME}");
            return Err(ManifestError::Mismatch {
                what: "the size of a frame's keys",
                file: row.to_string(),
                ours,
            });
        }
        Ok(())
    }

    /// The manifest as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn manifest() -> Manifest {
        Manifest {
            name: "First light".to_owned(),
            stage: "mle".to_owned(),
            recipe: "first".to_owned(),
            seed: u64::MAX,
            revision: "0123abc".to_owned(),
            steps: 1000,
            temperature: 0.8,
            top_p: 0.95,
            corpora: [("nottingham".to_owned(), "GPL-3.0".to_owned())].into(),
            numbers: [("loss".to_owned(), 0.25)].into(),
            ..Manifest::sized(4, 4, 32)
        }
    }

    fn json_with(key: &str, value: Value) -> String {
        let mut json = serde_json::to_value(manifest()).unwrap();
        json[key] = value;
        json.to_string()
    }

    #[test]
    fn a_manifest_survives_the_file() {
        assert_eq!(Manifest::parse(&manifest().to_json()), Ok(manifest()));
    }

    #[test]
    fn every_broken_promise_names_both_values() {
        let check = |key: &str, value: Value, ours: &str| {
            let shown = value.as_str().map_or(value.to_string(), str::to_owned);
            let error = Manifest::parse(&json_with(key, value)).expect_err(key);
            assert!(matches!(error, ManifestError::Mismatch { .. }), "{key}: {error}");
            let said = error.to_string();
            assert!(said.contains(&format!("is {shown} in the file but {ours} here")), "{key}: {said}");
        };
        check("contract", json!(99), &CONTRACT.to_string());
        check("vocabulary", json!("beef"), &fingerprint());
        check("frames_per_beat", json!(6), "4");
        check("context_frames", json!(512), "256");
        check("position_period", json!(7), "12288");
        check("chroma_features", json!(12), "24");
        check("chord_tokens", json!(3), "302");
        check("melody_tokens", json!(3), "74");
        check("layers", json!(0), "1 to 64");
        check("heads", json!(65), "1 to 64");
        check("head_size", json!(4096), "1 to 1024");
        check("temperature", json!(-1), "0 or more");
        check("top_p", json!(0), "above 0 and at most 1");
        check("top_p", json!(1.5), "above 0 and at most 1");
    }

    #[test]
    fn a_missing_key_is_refused_by_name() {
        let whole = serde_json::to_value(manifest()).unwrap();
        for key in whole.as_object().unwrap().keys() {
            let mut json = whole.clone();
            json.as_object_mut().unwrap().remove(key);
            let said = Manifest::parse(&json.to_string()).expect_err(key).to_string();
            assert!(said.contains(&format!("missing field `{key}`")), "{said}");
        }
    }

    #[test]
    fn an_unknown_key_is_ignored() {
        assert_eq!(Manifest::parse(&json_with("favourite_colour", json!("green"))), Ok(manifest()));
    }

    #[test]
    fn what_is_no_manifest_is_unreadable() {
        for text in ["", "{", "[]", "null", "{\"contract\": \"one\"}"] {
            assert!(matches!(Manifest::parse(text), Err(ManifestError::Unreadable(_))), "{text}");
        }
        let said = ManifestError::Missing.to_string();
        assert!(said.contains(METADATA_KEY));
    }
}
