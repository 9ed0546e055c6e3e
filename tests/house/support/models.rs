//! Small models with the shipped one's contract, made without training.

use music::manifest::Manifest;
use trainer::{
    export::{self, Weights},
    model::{Policy, Shape},
};

/// Small enough that a step takes no time.
pub const TINY: Shape = Shape { layers: 2, heads: 2, invariant: 32, pitched: 4, inner: 2 };

/// An untrained policy.
pub fn policy(shape: Shape, seed: u64) -> Policy {
    Policy::new(shape, seed).expect("the shape's parts fit")
}

/// What a file of this shape promises.
pub fn manifest(shape: Shape) -> Manifest {
    Manifest {
        name: "Untrained".into(),
        stage: "none".into(),
        recipe: "none".into(),
        revision: "none".into(),
        ..Manifest::sized(shape.layers, shape.heads, shape.head_size())
    }
}

/// A policy's file, as it was trained.
pub fn file(policy: &Policy, manifest: &Manifest) -> Vec<u8> {
    export::onnx(policy, manifest, Weights::Floats)
}

/// The file of an untrained policy.
pub fn untrained(shape: Shape, seed: u64) -> Vec<u8> {
    file(&policy(shape, seed), &manifest(shape))
}

/// A file whose vocabulary is not ours.
pub fn of_another_vocabulary() -> Vec<u8> {
    let manifest = Manifest { vocabulary: "0123456789abcdef".into(), ..manifest(TINY) };
    file(&policy(TINY, 1), &manifest)
}
