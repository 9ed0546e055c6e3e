//! The offline teacher: it hears the whole melody before it answers (ReaLchords, eq. 3).
//!
//! A bidirectional encoder reads the melody; its state of frame t is added to the input of frame t of a causal
//! chord decoder. The lanes are aligned, so no cross-attention is needed. Both halves are built like the policy.

use super::{
    Network, Policy, Shape,
    forward::{Inputs, Leaves},
    space::{Space, Tied},
};
use crate::{
    dataset::{Batch, augment::Crop},
    ops::{apply, expand::Expand},
    optimizer::Parameters,
};
use burn::tensor::{Device, Tensor};
use music::{harmony::ChordFrame, melody::MelodyFrame, meter::BarPhase, vocab::ChordToken};
use std::sync::Arc;

/// An encoder, a decoder and the bridge between them.
#[derive(Clone, Debug)]
pub struct Teacher {
    /// Reads the whole melody.
    pub encoder: Policy,
    /// Writes the chords.
    pub decoder: Policy,
    bridge: Tied,
    bridge_values: Vec<f32>,
}

impl Network for Teacher {
    fn build(shape: Shape, seed: u64) -> Result<Self, String> {
        let space = Space::model(shape.heads, shape.invariant, shape.pitched);
        let bridge = Tied::map(&space, &space);
        let encoder = Policy::new(shape, seed.wrapping_add(0x7ea))?;
        // The bridge starts like any matrix of its size: as an attention output of another seed.
        let donor = Policy::new(shape, seed.wrapping_add(0xb41))?;
        let idx = super::place::LAYERS + super::place::OUT;
        let bridge_values = donor.parameters.0[idx].1.clone();
        Ok(Self { encoder, decoder: Policy::new(shape, seed)?, bridge, bridge_values })
    }

    fn shape(&self) -> Shape {
        self.decoder.shape
    }

    fn parameters(&self) -> Parameters {
        let part = |name: &'static str, policy: &Policy| {
            policy
                .parameters
                .0
                .clone()
                .into_iter()
                .map(move |(n, v)| (format!("{name}.{n}"), v))
                .collect::<Vec<_>>()
        };
        let mut all = part("encoder", &self.encoder);
        all.extend(part("decoder", &self.decoder));
        all.push(("bridge".into(), self.bridge_values.clone()));
        Parameters(all)
    }

    fn set_parameters(&mut self, parameters: Parameters) {
        let mut values = parameters.0.into_iter().map(|(_, v)| v);
        for (_, target) in self.encoder.parameters.0.iter_mut().chain(&mut self.decoder.parameters.0) {
            *target = values.next().unwrap_or_default();
        }
        self.bridge_values = values.next().unwrap_or_default();
    }
}

impl Teacher {
    /// What the whole melody says to each frame, [batch · time, width]. `melody` holds each frame's own melody id.
    fn listen(&self, leaves: &Leaves, inputs: &Inputs, melody: &[u32], device: &Device) -> Tensor<2> {
        let num = self.encoder.parameters.0.len();
        let start = ChordToken::START.id() as u32;
        let heard =
            Inputs { chords: vec![start; inputs.chords.len()], melody: melody.to_vec(), ..inputs.clone() };
        let state = self.encoder.hidden(&leaves.part(0..num), &heard, None, None, device);
        let bridge = Arc::new(Expand { layout: self.bridge.layout.clone(), shape: self.bridge.shape });
        state.matmul(apply(leaves.leaf(2 * num), bridge))
    }

    /// What the whole melody says to each of its frames, [time, width], without gradients.
    pub fn hear(&self, melody: &[MelodyFrame], phases: &[BarPhase]) -> Vec<f32> {
        let crop = Crop {
            chords: vec![ChordFrame::Silence; melody.len()],
            annotated: vec![true; melody.len()],
            melody: melody.to_vec(),
            phases: phases.to_vec(),
            played: None,
        };
        let batch = Batch::of(&[crop]);
        let device = Device::flex();
        let leaves = Leaves::new(&self.parameters(), &device, false);
        let heard = self.listen(&leaves, &batch.inputs, &batch.melody_targets, &device);
        heard.into_data().try_to_vec::<f32>().unwrap_or_default()
    }

    /// Chord logits of every frame, [batch · time, tokens], given the chords before it and the whole melody.
    pub fn forward(&self, leaves: &Leaves, inputs: &Inputs, melody: &[u32], device: &Device) -> Tensor<2> {
        let beside = self.listen(leaves, inputs, melody, device);
        let num = self.encoder.parameters.0.len();
        let leaves = leaves.part(num..2 * num);
        let inputs = Inputs { melody: melody.to_vec(), ..inputs.clone() };
        let hidden = self.decoder.hidden(&leaves, &inputs, Some(beside), Some(Policy::window()), device);
        self.decoder.chord_logits(&leaves, hidden)
    }
}
