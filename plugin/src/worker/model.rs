//! What a chord model is to the rest of the worker: one step of `music::manifest`'s graph. Engines, and fakes in
//! tests, stand behind [`ChordModel`]. Worker thread.

use music::{
    manifest::Manifest,
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken},
};

/// What a cache row costs attention where it is not filled.
const MASKED: f32 = -1e9;

/// A model's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Layers.
    pub layers: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Numbers a head.
    pub head_size: usize,
    /// Rows of the cache.
    pub context: usize,
}

impl Dims {
    /// The sizes a manifest promises.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            layers: manifest.layers,
            heads: manifest.heads,
            head_size: manifest.head_size,
            context: manifest.context_frames,
        }
    }

    /// Numbers in one row of keys, or of values: `[layers, heads, head_size]`.
    pub const fn row(self) -> usize {
        self.layers * self.heads * self.head_size
    }

    /// Numbers in all keys, or values: `[layers, heads, context, head_size]`.
    pub const fn cache(self) -> usize {
        self.row() * self.context
    }
}

/// What a step is given; see `music::manifest::names`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepInput {
    /// Chord of the frame before.
    pub chord: ChordToken,
    /// Melody of the frame before.
    pub melody: MelodyToken,
    /// Bar position and bar length ids of the frame to answer for.
    pub bar: (usize, usize),
    /// Steps since the history began, modulo the period.
    pub position: i64,
    /// Chroma of the melody through the frame before.
    pub chroma: [f32; CHROMA_FEATURES],
}

/// What a step answers.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutput {
    /// `[ChordToken::COUNT]`, for the frame asked for.
    pub chord_logits: Vec<f32>,
    /// `[MelodyToken::COUNT]`, for the same frame.
    pub melody_logits: Vec<f32>,
    /// `[layers, heads, head_size]`, the step's own.
    pub new_keys: Vec<f32>,
    /// `[layers, heads, head_size]`, the step's own.
    pub new_values: Vec<f32>,
}

impl StepOutput {
    /// Room for a step's answer.
    pub fn new(dims: Dims) -> Self {
        Self {
            chord_logits: vec![0.0; ChordToken::COUNT],
            melody_logits: vec![0.0; MelodyToken::COUNT],
            new_keys: vec![0.0; dims.row()],
            new_values: vec![0.0; dims.row()],
        }
    }
}

/// Why a model cannot be opened or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The engine refuses the file.
    #[error("{engine} cannot open the model: {reason}")]
    Open {
        /// The engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The engine fails at a step.
    #[error("{engine} failed at a step: {reason}")]
    Step {
        /// The engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// An answer has another size than the manifest promises.
    #[error(
        "the model's `{name}` has {file} numbers where its manifest promises {promised}: use a model made for this version"
    )]
    Size {
        /// The output.
        name: &'static str,
        /// The file's size.
        file: usize,
        /// The promised size.
        promised: usize,
    },
}

/// One step of a chord model. It may be opened on one thread and run on another.
pub trait ChordModel: Send {
    /// Its sizes.
    fn dims(&self) -> Dims;

    /// Answers for a frame. The cache is only read.
    ///
    /// # Errors
    /// What the engine says.
    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError>;

    /// As [`Self::step`], for what nobody waits for: an engine that instances share serves those first who have a chord
    /// due, and is waited for no longer once `stop` says so. Whether it answered.
    ///
    /// # Errors
    /// What the engine says.
    fn step_unless(
        &mut self,
        input: &StepInput,
        cache: &KvRing,
        output: &mut StepOutput,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, ModelError> {
        if stop() {
            return Ok(false);
        }
        self.step(input, cache, output).map(|()| true)
    }
}

/// Keys and values of the last `context` steps, in any order, and which rows are filled.
#[derive(Clone, Debug, PartialEq)]
pub struct KvRing {
    dims: Dims,
    keys: Vec<f32>,
    values: Vec<f32>,
    mask: Vec<f32>,
}

/// A row as it was before an imagined step took its place.
#[derive(Clone, Debug)]
pub struct SavedRow {
    row: usize,
    keys: Vec<f32>,
    values: Vec<f32>,
    mask: f32,
}

impl KvRing {
    /// An empty cache.
    pub fn new(dims: Dims) -> Self {
        debug_assert_eq!(dims.context, CONTEXT_FRAMES);
        Self {
            dims,
            keys: vec![0.0; dims.cache()],
            values: vec![0.0; dims.cache()],
            mask: vec![MASKED; dims.context],
        }
    }

    /// `[layers, heads, context, head_size]`.
    pub fn keys(&self) -> &[f32] {
        &self.keys
    }

    /// `[layers, heads, context, head_size]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// `[context]`: 0 where a row is filled.
    pub fn mask(&self) -> &[f32] {
        &self.mask
    }

    /// Its sizes.
    pub fn dims(&self) -> Dims {
        self.dims
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.keys.fill(0.0);
        self.values.fill(0.0);
        self.mask.fill(MASKED);
    }

    /// Puts a step's rows in the place of the oldest.
    pub fn put(&mut self, row: usize, keys: &[f32], values: &[f32]) {
        self.mask[row] = 0.0;
        self.each_head(row, |ring, at, from| {
            let to = at..at + from.len();
            ring.keys[to.clone()].copy_from_slice(&keys[from.clone()]);
            ring.values[to].copy_from_slice(&values[from]);
        });
    }

    /// A copy of a row, to be put back.
    pub fn save(&mut self, row: usize) -> SavedRow {
        let mut saved = SavedRow {
            row,
            keys: vec![0.0; self.dims.row()],
            values: vec![0.0; self.dims.row()],
            mask: self.mask[row],
        };
        self.each_head(row, |ring, at, to| {
            let from = at..at + to.len();
            saved.keys[to.clone()].copy_from_slice(&ring.keys[from.clone()]);
            saved.values[to].copy_from_slice(&ring.values[from]);
        });
        saved
    }

    /// Puts a copied row back.
    pub fn restore(&mut self, saved: &SavedRow) {
        self.put(saved.row, &saved.keys, &saved.values);
        self.mask[saved.row] = saved.mask;
    }

    fn each_head(&mut self, row: usize, mut visit: impl FnMut(&mut Self, usize, std::ops::Range<usize>)) {
        let Dims { layers, heads, head_size, context } = self.dims;
        for head in 0..layers * heads {
            visit(self, (head * context + row) * head_size, head * head_size..(head + 1) * head_size);
        }
    }
}
