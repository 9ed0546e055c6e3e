//! An exported model as a player: the file as the instrument gets it, run by rten, one stream at a time.
//!
//! So what is measured is what ships, export included. Slow beside the trainer's own network, which runs many
//! streams together; songs are shared out over the threads.

use super::rollout::{Engine, Melody, Terms, roll_out};
use crate::{export::messages, model::stepper::StepInput};
use music::{
    harmony::ChordFrame,
    manifest::{METADATA_KEY, Manifest, ManifestError, names},
    melody::CHROMA_FEATURES,
    sampling::Sampling,
    vocab::{ChordToken, MelodyToken, POSITION_PERIOD},
};
use prost::Message;
use rayon::prelude::*;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueView};
use std::sync::Arc;

/// What a cache row costs attention where it is not filled.
const MASKED: f32 = -1e9;

/// The graph's inputs, in the order they are given.
const INPUTS: [&str; 9] = [
    names::CHORD,
    names::MELODY,
    names::BAR_POSITION,
    names::BAR_LENGTH,
    names::POSITION,
    names::CHROMA,
    names::KEYS,
    names::VALUES,
    names::CACHE_MASK,
];

/// Its outputs, in the order they are asked for.
const OUTPUTS: [&str; 4] = [names::CHORD_LOGITS, names::MELODY_LOGITS, names::NEW_KEYS, names::NEW_VALUES];

/// Why an exported model does not play.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The file is no ONNX model.
    #[error("is no ONNX model: {0}")]
    Malformed(String),
    /// Its promises do not hold.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The engine refuses the file, or fails at a step.
    #[error("the engine refuses it: {0}")]
    Engine(String),
    /// An answer has another size than the manifest promises.
    #[error("its `{name}` has {found} numbers where its manifest promises {promised}: export it anew")]
    Size {
        /// The output.
        name: &'static str,
        /// Its size.
        found: usize,
        /// The promised size.
        promised: usize,
    },
}

/// An exported model.
pub struct OnnxModel {
    /// What the file promises.
    pub manifest: Manifest,
    model: Model,
    inputs: [NodeId; INPUTS.len()],
    outputs: [NodeId; OUTPUTS.len()],
}

impl OnnxModel {
    /// Opens a model file's bytes.
    ///
    /// # Errors
    /// No ONNX file, one without our manifest or with another contract, or one that the engine refuses.
    pub fn open(file: Vec<u8>) -> Result<Self, OnnxError> {
        let parsed =
            messages::Model::decode(file.as_slice()).map_err(|e| OnnxError::Malformed(e.to_string()))?;
        let json = parsed.metadata_props.into_iter().find(|entry| entry.key == METADATA_KEY);
        let manifest = Manifest::parse(&json.ok_or(ManifestError::Missing)?.value)?;
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(file)
            .map_err(|e| OnnxError::Engine(e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|e| OnnxError::Engine(e.to_string()));
        let mut inputs = [node(INPUTS[0])?; INPUTS.len()];
        for (id, name) in inputs.iter_mut().zip(INPUTS) {
            *id = node(name)?;
        }
        let mut outputs = [node(OUTPUTS[0])?; OUTPUTS.len()];
        for (id, name) in outputs.iter_mut().zip(OUTPUTS) {
            *id = node(name)?;
        }
        Ok(Self { manifest, model, inputs, outputs })
    }

    /// Accompanies melodies, each on a stream of its own; `numbers` seeds each one's random numbers.
    ///
    /// # Errors
    /// What the engine says.
    pub fn accompany(
        &self,
        melodies: &[Melody],
        numbers: &[u64],
        sampling: Sampling,
        terms: Terms,
    ) -> Result<Vec<Vec<ChordFrame>>, OnnxError> {
        let one = |(melody, number): (&Melody, &u64)| {
            let chords = roll_out(OnnxStream::new(self), &[*melody], &[*number], None, sampling, terms)?;
            Ok(chords.into_iter().next().unwrap_or_default())
        };
        melodies.par_iter().zip(numbers).map(one).collect()
    }
}

/// A row of the cache as it was before an imagined step took its place.
struct SavedRow {
    keys: Vec<f32>,
    values: Vec<f32>,
    mask: f32,
}

/// What stood before the first imagined step.
struct Real {
    steps: usize,
    logits: [Vec<f32>; 2],
    gave_way: Vec<SavedRow>,
}

/// One history on the model: keys and values of the last steps, in any order, and which rows are filled.
struct OnnxStream<'a> {
    model: &'a OnnxModel,
    pool: Arc<ThreadPool>,
    steps: usize,
    /// [layers, heads, context, head_size].
    keys: Vec<f32>,
    values: Vec<f32>,
    /// [context].
    mask: Vec<f32>,
    /// Of chords and of melody.
    logits: [Vec<f32>; 2],
    real: Option<Real>,
}

impl<'a> OnnxStream<'a> {
    fn new(model: &'a OnnxModel) -> Self {
        let Manifest { layers, heads, head_size, context_frames, .. } = model.manifest;
        let cache = layers * heads * context_frames * head_size;
        Self {
            model,
            pool: Arc::new(ThreadPool::with_num_threads(1)),
            steps: 0,
            keys: vec![0.0; cache],
            values: vec![0.0; cache],
            mask: vec![MASKED; context_frames],
            logits: [Vec::new(), Vec::new()],
            real: None,
        }
    }

    fn row(&self) -> usize {
        self.steps % self.mask.len()
    }

    /// A row of a cache, of all layers and heads.
    fn copied(&self, cache: &[f32], row: usize) -> Vec<f32> {
        let (context, size) = (self.mask.len(), self.model.manifest.head_size);
        cache
            .chunks_exact(context * size)
            .flat_map(|head| &head[row * size..(row + 1) * size])
            .copied()
            .collect()
    }

    fn put(&mut self, row: usize, keys: &[f32], values: &[f32], mask: f32) {
        let (context, size) = (self.mask.len(), self.model.manifest.head_size);
        for (cache, new) in [(&mut self.keys, keys), (&mut self.values, values)] {
            for (head, new) in cache.chunks_exact_mut(context * size).zip(new.chunks_exact(size)) {
                head[row * size..(row + 1) * size].copy_from_slice(new);
            }
        }
        self.mask[row] = mask;
    }

    /// Chord logits, melody logits, new keys, new values.
    fn answer(&self, input: &StepInput) -> Result<[Vec<f32>; OUTPUTS.len()], OnnxError> {
        let refused = |e: &dyn std::fmt::Display| OnnxError::Engine(e.to_string());
        let Manifest { layers, heads, head_size, context_frames, .. } = self.model.manifest;
        let cache = [layers, heads, context_frames, head_size];
        let ids = [
            input.chord.id(),
            input.melody.id(),
            input.bar_position,
            input.bar_length,
            self.steps % POSITION_PERIOD as usize,
        ]
        .map(|id| id as i32);
        let floats: [(&[usize], &[f32]); 4] = [
            (&[1, CHROMA_FEATURES], &input.chroma),
            (&cache, &self.keys),
            (&cache, &self.values),
            (&[context_frames], &self.mask),
        ];
        let mut given: Vec<(NodeId, ValueOrView)> = Vec::with_capacity(INPUTS.len());
        for (id, node) in ids.iter().zip(&self.model.inputs) {
            let view = ValueView::from_shape([1], std::slice::from_ref(id)).map_err(|e| refused(&e))?;
            given.push((*node, view.into()));
        }
        for ((shape, numbers), node) in floats.into_iter().zip(&self.model.inputs[ids.len()..]) {
            given.push((*node, ValueView::from_shape(shape, numbers).map_err(|e| refused(&e))?.into()));
        }
        let mut options = RunOptions::default();
        options.thread_pool = Some(self.pool.clone());
        let answer =
            self.model.model.run_n(given, self.model.outputs, Some(options)).map_err(|e| refused(&e))?;
        let row = layers * heads * head_size;
        let mut out: [Vec<f32>; OUTPUTS.len()] = Default::default();
        let promised = [ChordToken::COUNT, MelodyToken::COUNT, row, row];
        for (n, value) in answer.iter().enumerate() {
            let view = value
                .as_tensor_view::<f32>()
                .ok_or_else(|| OnnxError::Engine(format!("`{}` is not of floats", OUTPUTS[n])))?;
            out[n] = view.iter().copied().collect();
            if out[n].len() != promised[n] {
                return Err(OnnxError::Size { name: OUTPUTS[n], found: out[n].len(), promised: promised[n] });
            }
        }
        Ok(out)
    }
}

impl Engine for OnnxStream<'_> {
    type Error = OnnxError;

    fn step(&mut self, inputs: &[StepInput], _: Option<&[f32]>) -> Result<(), OnnxError> {
        let Some(input) = inputs.first() else { return Ok(()) };
        let [chords, melody, keys, values] = self.answer(input)?;
        let row = self.row();
        if let Some(mut real) = self.real.take() {
            let (keys, values) = (self.copied(&self.keys, row), self.copied(&self.values, row));
            real.gave_way.push(SavedRow { keys, values, mask: self.mask[row] });
            self.real = Some(real);
        }
        self.put(row, &keys, &values, 0.0);
        self.logits = [chords, melody];
        self.steps += 1;
        Ok(())
    }

    fn chord_logits(&self, _: usize) -> &[f32] {
        &self.logits[0]
    }

    fn melody_logits(&self, _: usize) -> &[f32] {
        &self.logits[1]
    }

    fn imagine(&mut self) {
        if self.real.is_none() {
            let logits = self.logits.clone();
            self.real = Some(Real { steps: self.steps, logits, gave_way: Vec::new() });
        }
    }

    fn undo(&mut self) {
        let Some(real) = self.real.take() else { return };
        for (step, saved) in real.gave_way.iter().enumerate().rev() {
            let row = (real.steps + step) % self.mask.len();
            self.put(row, &saved.keys, &saved.values, saved.mask);
        }
        (self.steps, self.logits) = (real.steps, real.logits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        export::{self, Weights},
        model::{
            Policy, Shape,
            stepper::{Dense, Streams},
        },
    };
    use music::{meter::BarPhase, notation::parse_melody};

    const SMALL: Shape = Shape { layers: 2, heads: 1, invariant: 16, pitched: 2, inner: 2 };

    fn model(policy: &Policy) -> OnnxModel {
        OnnxModel::open(export::onnx(policy, &Manifest::sized(2, 1, SMALL.head_size()), Weights::Floats))
            .unwrap()
    }

    #[test]
    fn the_exported_model_answers_as_the_trainers_network_does() {
        let policy = Policy::new(SMALL, 5).unwrap();
        let (dense, model) = (Dense::new(&policy), model(&policy));
        let (mut ours, mut theirs) = (Streams::new(&dense, 1), OnnxStream::new(&model));
        let input = |n: usize| StepInput {
            chord: ChordToken::from_id(n * 7 % ChordToken::COUNT).unwrap(),
            melody: MelodyToken::from_id(n * 5 % MelodyToken::COUNT).unwrap(),
            bar_position: n % 16,
            bar_length: 16,
            chroma: [n as f32 % 3.0 / 3.0; CHROMA_FEATURES],
        };
        // Past the ring's end, and there with imagined steps between that leave no trace.
        let context = model.manifest.context_frames;
        let mut worst = 0.0f32;
        for n in 0..context + 20 {
            ours.step(&dense, &[input(n)], None);
            theirs.step(&[input(n)], None).unwrap();
            if n + 10 > context {
                theirs.imagine();
                for m in 0..4 {
                    theirs.step(&[input(n * m)], None).unwrap();
                }
                theirs.undo();
            }
            for (a, b) in
                [(&ours.chord_logits, theirs.chord_logits(0)), (&ours.melody_logits, theirs.melody_logits(0))]
            {
                worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
            }
        }
        assert!(worst < 1e-4, "worst difference {worst}");
    }

    #[test]
    fn songs_differ_by_their_seeds_alone() {
        let model = model(&Policy::new(SMALL, 5).unwrap());
        let frames = parse_melody(&"| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |".repeat(2)).unwrap();
        let phases = vec![BarPhase::Unknown; frames.len()];
        let melody = Melody { frames: &frames, phases: &phases, given: &[] };
        let terms = Terms { commit: 3, listen: None };
        let chords = model.accompany(&[melody; 3], &[1, 2, 1], Sampling::default(), terms).unwrap();
        assert_eq!(chords[0].len(), frames.len());
        assert_eq!(chords[0], chords[2]);
        assert_ne!(chords[0], chords[1]);
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let error = |bytes: &[u8]| OnnxModel::open(bytes.to_vec()).err().unwrap().to_string();
        assert!(error(b"not a model at all").contains("no ONNX model"));
        assert!(error(&[]).contains("manifest") || error(&[]).contains("metadata"));
    }
}
