//! The engine built into the plugin, for where ONNX Runtime cannot be loaded: rten on one thread of its own.
//! Worker thread. A file's weights are shared by all instances of the process; running them changes nothing, so
//! nobody waits for another.

use super::{
    model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
    shelf::Shelf,
};
use music::{
    manifest::{Manifest, names},
    melody::CHROMA_FEATURES,
};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueView};
use std::sync::Arc;

const ENGINE: &str = "the built-in engine";

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

/// The graphs of this process.
static GRAPHS: Shelf<Graph> = Shelf::new();

/// A model file's graph and weights.
struct Graph {
    model: Model,
    inputs: [NodeId; 9],
    outputs: [NodeId; 4],
}

impl Graph {
    fn open(file: &[u8]) -> Result<Self, String> {
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(file.to_vec())
            .map_err(|e| e.to_string())?;
        let node = |name| model.node_id(name).map_err(|e| e.to_string());
        let mut inputs = [node(INPUTS[0])?; INPUTS.len()];
        for (to, name) in inputs.iter_mut().zip(INPUTS) {
            *to = node(name)?;
        }
        let mut outputs = [inputs[0]; OUTPUTS.len()];
        for (to, name) in outputs.iter_mut().zip(OUTPUTS) {
            *to = node(name)?;
        }
        Ok(Self { model, inputs, outputs })
    }
}

/// A model in the built-in engine.
pub struct BuiltIn {
    graph: Arc<Graph>,
    pool: Arc<ThreadPool>,
    dims: Dims,
}

impl BuiltIn {
    /// Opens a model file's bytes, whose manifest was checked.
    ///
    /// # Errors
    /// The engine refuses the file.
    pub fn open(file: &[u8], manifest: &Manifest) -> Result<Self, ModelError> {
        let graph = GRAPHS
            .take(file, || Graph::open(file))
            .map_err(|reason| ModelError::Open { engine: ENGINE, reason })?;
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        Ok(Self { graph, pool, dims: Dims::of(manifest) })
    }

    /// How many models share this one's weights, itself counted.
    pub fn num_sharing(&self) -> usize {
        Arc::strong_count(&self.graph)
    }
}

impl ChordModel for BuiltIn {
    fn dims(&self) -> Dims {
        self.dims
    }

    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        let failed = |reason: String| ModelError::Step { engine: ENGINE, reason };
        let Dims { layers, heads, head_size, context } = self.dims;
        let shape = [layers, heads, context, head_size];
        let ids = [
            input.chord.id() as i32,
            input.melody.id() as i32,
            input.bar.0 as i32,
            input.bar.1 as i32,
            input.position as i32,
        ];
        let mut given: Vec<(NodeId, ValueOrView)> = Vec::with_capacity(INPUTS.len());
        for (id, node) in ids.iter().zip(&self.graph.inputs[..5]) {
            let view =
                ValueView::from_shape([1], std::slice::from_ref(id)).map_err(|e| failed(e.to_string()))?;
            given.push((*node, view.into()));
        }
        let floats: [(&[usize], &[f32]); 4] = [
            (&[1, CHROMA_FEATURES], &input.chroma),
            (&shape, cache.keys()),
            (&shape, cache.values()),
            (&[context], cache.mask()),
        ];
        for ((shape, numbers), node) in floats.into_iter().zip(&self.graph.inputs[5..]) {
            let view = ValueView::from_shape(shape, numbers).map_err(|e| failed(e.to_string()))?;
            given.push((*node, view.into()));
        }
        let mut options = RunOptions::default();
        options.thread_pool = Some(self.pool.clone());
        let Graph { model, outputs, .. } = self.graph.as_ref();
        let answer = model.run_n(given, *outputs, Some(options)).map_err(|e| failed(e.to_string()))?;
        let wanted = [
            &mut output.chord_logits,
            &mut output.melody_logits,
            &mut output.new_keys,
            &mut output.new_values,
        ];
        for ((value, to), name) in answer.iter().zip(wanted).zip(OUTPUTS) {
            let view =
                value.as_tensor_view::<f32>().ok_or_else(|| failed(format!("`{name}` is not of floats")))?;
            if view.iter().count() != to.len() {
                return Err(ModelError::Size { name, file: view.iter().count(), promised: to.len() });
            }
            for (to, from) in to.iter_mut().zip(view.iter()) {
                *to = *from;
            }
        }
        Ok(())
    }
}
