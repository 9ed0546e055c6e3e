//! From a policy to the ONNX file the instrument plays from: opset 17, plain operators, static shapes, the
//! key/value cache as an input, the manifest inside. The graph is the stepper's arithmetic, operator by operator; with
//! weights of bytes its large products are sums of integers, and what goes into them is rounded (`bytes.rs`).

mod bytes;
pub mod graph;
pub mod messages;
pub mod read;

use crate::{
    model::{Policy, ROTARY_PERIODS, place},
    ops::rms_norm::EPSILON,
    run::{checkpoint::Checkpoint, recipe::Recipe},
};
use bytes::Bytes;
use graph::{Builder, int, ints};
use messages::{FLOAT, Model, OperatorSet, Property};
use music::{
    manifest::{METADATA_KEY, Manifest, names},
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken},
};
use prost::Message;
use std::{collections::BTreeMap, f32::consts::TAU};

/// What a checkpoint's file promises.
pub fn manifest(
    checkpoint: &Checkpoint,
    stage: &str,
    recipe: &Recipe,
    corpora: BTreeMap<String, String>,
    numbers: BTreeMap<String, f64>,
    revision: String,
) -> Manifest {
    let shape = checkpoint.network.shape;
    Manifest {
        name: format!("ReaLchords {}", recipe.name),
        stage: stage.into(),
        recipe: recipe.name.clone(),
        seed: recipe.seed,
        revision,
        steps: checkpoint.moments.updates,
        temperature: recipe.temperature,
        top_p: 1.0,
        corpora,
        numbers,
        ..Manifest::sized(shape.layers, shape.heads, shape.head_size())
    }
}

/// What the matrices of an exported file are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Weights {
    /// Numbers of 32 bits, as trained.
    #[default]
    Floats,
    /// Numbers of 8 bits: a quarter of the size, and about half of the time, because a step is as long as it takes to
    /// read them. `tests/house/parity.rs` and the report say what that costs.
    Bytes,
}

/// The bytes of the ONNX file.
pub fn onnx(policy: &Policy, manifest: &Manifest, weights: Weights) -> Vec<u8> {
    let model = Model {
        ir_version: 8,
        producer_name: "realchords-trainer".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(Writer::new(policy, weights).write()),
        opset_import: vec![OperatorSet { domain: String::new(), version: 17 }],
        metadata_props: vec![Property { key: METADATA_KEY.into(), value: manifest.to_json() }],
    };
    model.encode_to_vec()
}

struct Writer<'a> {
    policy: &'a Policy,
    graph: Builder,
    weights: Weights,
    /// Which parameter stands where in the graph.
    places: Vec<(usize, Place)>,
}

/// The constants in which a parameter stands, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Floats(usize),
    Bytes { numbers: usize, scales: usize },
}

/// Cosine and sine of each number of a head at this position, and the pairing of its rotary numbers.
struct Rotation {
    cos: String,
    sin: String,
    swap: String,
}

impl<'a> Writer<'a> {
    fn new(policy: &'a Policy, weights: Weights) -> Self {
        Self { policy, graph: Builder::default(), weights, places: Vec::new() }
    }

    fn weight(&mut self, idx: usize) -> String {
        self.places.push((idx, Place::Floats(self.graph.num_constants())));
        self.graph.constant(&self.policy.tied[idx].shape, &self.policy.dense(idx))
    }

    /// A row times a matrix.
    fn product(&mut self, x: &str, idx: usize) -> String {
        if self.weights == Weights::Floats {
            let weight = self.weight(idx);
            return self.graph.node("MatMul", &[x, &weight], vec![]);
        }
        let shape = &self.policy.tied[idx].shape;
        let Bytes { numbers, scales } = Bytes::of(&self.policy.dense(idx), shape[1]);
        let place =
            Place::Bytes { numbers: self.graph.num_constants(), scales: self.graph.num_constants() + 1 };
        self.places.push((idx, place));
        let weight = self.graph.constant_u8(shape, numbers);
        let scales = self.graph.constant(&[scales.len()], &scales);
        let zero = self.graph.constant_u8(&[], vec![bytes::ZERO]);
        // ONNX Runtime makes one operator of these, if they stand in this order.
        let [rounded, scale, middle] = self.graph.node_of("DynamicQuantizeLinear", &[x]);
        let sums = self.graph.node("MatMulInteger", &[&rounded, &weight, &middle, &zero], vec![]);
        let sums = self.graph.node("Cast", &[&sums], vec![int("to", i64::from(FLOAT))]);
        let scale = self.mul(&scale, &scales);
        self.mul(&sums, &scale)
    }

    fn linear(&mut self, x: &str, idx: usize) -> String {
        let y = self.product(x, idx);
        let bias = self.weight(idx + 1);
        self.graph.node("Add", &[&y, &bias], vec![])
    }

    fn add(&mut self, a: &str, b: &str) -> String {
        self.graph.node("Add", &[a, b], vec![])
    }

    fn mul(&mut self, a: &str, b: &str) -> String {
        self.graph.node("Mul", &[a, b], vec![])
    }

    fn norm(&mut self, x: &str) -> String {
        let square = self.mul(x, x);
        let mean = self.graph.node("ReduceMean", &[&square], vec![ints("axes", &[1]), int("keepdims", 1)]);
        let epsilon = self.graph.constant(&[1], &[EPSILON]);
        let shifted = self.add(&mean, &epsilon);
        let root = self.graph.node("Sqrt", &[&shifted], vec![]);
        self.graph.node("Div", &[x, &root], vec![])
    }

    fn gelu(&mut self, x: &str) -> String {
        let root = self.graph.constant(&[1], &[std::f32::consts::SQRT_2]);
        let (one, half) = (self.graph.constant(&[1], &[1.0]), self.graph.constant(&[1], &[0.5]));
        let scaled = self.graph.node("Div", &[x, &root], vec![]);
        let erf = self.graph.node("Erf", &[&scaled], vec![]);
        let shifted = self.add(&erf, &one);
        let product = self.mul(x, &shifted);
        self.mul(&product, &half)
    }

    /// Angles are taken modulo their period as integers, so that they are exact at any position. A number that
    /// does not rotate has period 1: its angle is always 0.
    fn rotation(&mut self) -> Rotation {
        let size = self.policy.shape.head_size();
        let mut periods = vec![1i32; size];
        let mut swap = vec![0.0; size * size];
        for (j, period) in ROTARY_PERIODS.iter().enumerate() {
            periods[2 * j] = *period as i32;
            periods[2 * j + 1] = *period as i32;
            // (a, b) becomes (-b, a).
            swap[(2 * j + 1) * size + 2 * j] = -1.0;
            swap[2 * j * size + 2 * j + 1] = 1.0;
        }
        let turns: Vec<f32> = periods.iter().map(|p| TAU / *p as f32).collect();
        let (periods, turns) =
            (self.graph.constant_i32(&[size], &periods), self.graph.constant(&[size], &turns));
        let phase = self.graph.node("Mod", &[names::POSITION, &periods], vec![]);
        let phase = self.graph.node("Cast", &[&phase], vec![int("to", i64::from(FLOAT))]);
        let angle = self.mul(&phase, &turns);
        Rotation {
            cos: self.graph.node("Cos", &[&angle], vec![]),
            sin: self.graph.node("Sin", &[&angle], vec![]),
            swap: self.graph.constant(&[size, size], &swap),
        }
    }

    /// A row of heads [H, D], rotated.
    fn rotate(&mut self, x: &str, rotation: &Rotation) -> String {
        let straight = self.mul(x, &rotation.cos);
        let swapped = self.graph.node("MatMul", &[x, &rotation.swap], vec![]);
        let crossed = self.mul(&swapped, &rotation.sin);
        self.add(&straight, &crossed)
    }

    fn write(&mut self) -> messages::Graph {
        let shape = self.policy.shape;
        let (heads, size, width, context) = (shape.heads, shape.head_size(), shape.width(), CONTEXT_FRAMES);
        for name in [names::CHORD, names::MELODY, names::BAR_POSITION, names::BAR_LENGTH, names::POSITION] {
            self.graph.input_id(name);
        }
        self.graph.input(names::CHROMA, &[1, CHROMA_FEATURES]);
        self.graph.input(names::KEYS, &[shape.layers, heads, context, size]);
        self.graph.input(names::VALUES, &[shape.layers, heads, context, size]);
        self.graph.input(names::CACHE_MASK, &[context]);

        let weight = self.weight(place::CHROMA_IN);
        let mut x = self.graph.node("MatMul", &[names::CHROMA, &weight], vec![]);
        for (idx, name) in [
            (place::CHORD_IN, names::CHORD),
            (place::MELODY_IN, names::MELODY),
            (place::BAR_POSITION_IN, names::BAR_POSITION),
            (place::BAR_LENGTH_IN, names::BAR_LENGTH),
        ] {
            let table = self.weight(idx);
            let row = self.graph.node("Gather", &[&table, name], vec![int("axis", 0)]);
            x = self.add(&x, &row);
        }
        let rotation = self.rotation();
        let scale = self.graph.constant(&[1], &[(size as f32).powf(-0.5)]);
        let mask = self.graph.reshape(names::CACHE_MASK, &[1, context, 1]);
        let (mut new_keys, mut new_values) = (Vec::new(), Vec::new());
        for layer in 0..shape.layers {
            let at = place::LAYERS + layer * place::PER_LAYER;
            let normed = self.norm(&x);
            let qkv = self.linear(&normed, at + place::QKV);
            let part = |writer: &mut Self, n: usize| {
                let row = writer.graph.slice(&qkv, 1, n * width, (n + 1) * width);
                writer.graph.reshape(&row, &[heads, size])
            };
            let (q, k, v) = (part(self, 0), part(self, 1), part(self, 2));
            let (q, k) = (self.rotate(&q, &rotation), self.rotate(&k, &rotation));
            let q = self.mul(&q, &scale);
            let cached = |writer: &mut Self, name: &str| {
                let at = writer.graph.slice(name, 0, layer, layer + 1);
                writer.graph.reshape(&at, &[heads, context, size])
            };
            let (keys, values) = (cached(self, names::KEYS), cached(self, names::VALUES));
            // Scores of the cache are a column a head, so that no matrix is transposed.
            let column = self.graph.reshape(&q, &[heads, size, 1]);
            let scores = self.graph.node("MatMul", &[&keys, &column], vec![]);
            let scores = self.add(&scores, &mask);
            let own = self.mul(&q, &k);
            let last = self.graph.constant_i64(&[-1]);
            let own = self.graph.node("ReduceSum", &[&own, &last], vec![int("keepdims", 1)]);
            let own = self.graph.reshape(&own, &[heads, 1, 1]);
            let scores = self.graph.node("Concat", &[&scores, &own], vec![int("axis", 1)]);
            let scores = self.graph.reshape(&scores, &[heads, 1, context + 1]);
            let weights = self.graph.node("Softmax", &[&scores], vec![int("axis", -1)]);
            let past = self.graph.slice(&weights, 2, 0, context);
            let now = self.graph.slice(&weights, 2, context, context + 1);
            let past = self.graph.node("MatMul", &[&past, &values], vec![]);
            let row = self.graph.reshape(&v, &[heads, 1, size]);
            let now = self.mul(&now, &row);
            let seen = self.add(&past, &now);
            let seen = self.graph.reshape(&seen, &[1, width]);
            let out = self.linear(&seen, at + place::OUT);
            x = self.add(&x, &out);
            let normed = self.norm(&x);
            let inner = self.linear(&normed, at + place::UP);
            let active = self.gelu(&inner);
            let out = self.linear(&active, at + place::DOWN);
            x = self.add(&x, &out);
            new_keys.push(self.graph.reshape(&k, &[1, heads, size]));
            new_values.push(self.graph.reshape(&v, &[1, heads, size]));
        }
        let hidden = self.norm(&x);
        for (idx, name, tokens) in [
            (place::CHORD_OUT, names::CHORD_LOGITS, ChordToken::COUNT),
            (place::MELODY_OUT, names::MELODY_LOGITS, MelodyToken::COUNT),
        ] {
            let product = self.product(&hidden, idx);
            let bias = self.weight(idx + 1);
            self.graph.named("Add", &[&product, &bias], vec![], name);
            self.graph.output(name, &[1, tokens]);
        }
        for (rows, name) in [(new_keys, names::NEW_KEYS), (new_values, names::NEW_VALUES)] {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            self.graph.named("Concat", &rows, vec![int("axis", 0)], name);
            self.graph.output(name, &[shape.layers, heads, size]);
        }
        std::mem::take(&mut self.graph).finish("realchords")
    }
}
