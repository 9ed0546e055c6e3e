//! Small models with the shipped one's contract, made without training.

use music::{
    grid::FRAMES_PER_BEAT,
    manifest::{CONTRACT, Manifest},
    melody::CHROMA_FEATURES,
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD, fingerprint},
};
use trainer::{
    export,
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
        contract: CONTRACT,
        vocabulary: fingerprint(),
        frames_per_beat: FRAMES_PER_BEAT,
        context_frames: CONTEXT_FRAMES,
        position_period: POSITION_PERIOD,
        chroma_features: CHROMA_FEATURES,
        chord_tokens: ChordToken::COUNT,
        melody_tokens: MelodyToken::COUNT,
        layers: shape.layers,
        heads: shape.heads,
        head_size: shape.head_size(),
        name: "Untrained".into(),
        stage: "none".into(),
        recipe: "none".into(),
        seed: 0,
        revision: "none".into(),
        steps: 0,
        temperature: 1.0,
        top_p: 1.0,
        corpora: Default::default(),
        numbers: Default::default(),
    }
}

/// The file of an untrained policy.
pub fn untrained(shape: Shape, seed: u64) -> Vec<u8> {
    export::onnx(&policy(shape, seed), &manifest(shape))
}

/// A file whose vocabulary is not ours.
pub fn of_another_vocabulary() -> Vec<u8> {
    let manifest = Manifest { vocabulary: "0123456789abcdef".into(), ..manifest(TINY) };
    export::onnx(&policy(TINY, 1), &manifest)
}
