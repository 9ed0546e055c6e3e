//! The network's forward pass over whole crops, as burn tensors, so that a loss has gradients.

use super::{BAR_LENGTH_ROW, BAR_POSITION_ROW, MELODY_ROW, Policy, place, spectrum::Blocks};
use crate::{
    ops::{
        apply, apply_pair,
        attention::{Attention, Rotary},
        block_linear::BlockLinear,
        blocks::ToBlocks,
        embed::EmbedSum,
        expand::Expand,
        pitch_gelu::PitchGelu,
        rms_norm::RmsNorm,
        to_spectrum::ToSpectrum,
    },
    optimizer::Parameters,
};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use music::{melody::CHROMA_FEATURES, vocab::POSITION_PERIOD};
use std::sync::Arc;

/// What a batch of crops is given: for each of `batch` x `time` positions, ids of the frame before
/// (chord, melody), of the frame itself (bar position, bar length), and the chroma before it.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Crops.
    pub batch: usize,
    /// Frames a crop.
    pub time: usize,
    /// Chord ids, [batch, time].
    pub chords: Vec<u32>,
    /// Melody ids, [batch, time].
    pub melody: Vec<u32>,
    /// Bar position ids, [batch, time].
    pub bar_positions: Vec<u32>,
    /// Bar length ids, [batch, time].
    pub bar_lengths: Vec<u32>,
    /// Chroma features, [batch, time, CHROMA_FEATURES].
    pub chroma: Vec<f32>,
}

/// Logits over [batch · time, tokens].
pub struct Outputs {
    /// Chord logits.
    pub chords: Tensor<2>,
    /// Melody logits.
    pub melody: Tensor<2>,
}

/// The free numbers as tensors of one pass.
pub struct Leaves(Vec<Tensor<1>>);

impl Leaves {
    /// Tensors of the parameters; they take part in autodiff where `device` does.
    pub fn new(parameters: &Parameters, device: &Device, with_gradients: bool) -> Self {
        let leaf = |values: &Vec<f32>| {
            let tensor = Tensor::<1>::from_data(TensorData::new(values.clone(), [values.len()]), device);
            if with_gradients { tensor.require_grad() } else { tensor }
        };
        Self(parameters.0.iter().map(|(_, values)| leaf(values)).collect())
    }

    /// The leaves of some parameters, as a set of their own (a part of a larger network).
    #[must_use]
    pub fn part(&self, range: std::ops::Range<usize>) -> Self {
        Self(self.0[range].to_vec())
    }

    /// The leaf of one parameter.
    pub fn leaf(&self, idx: usize) -> Tensor<1> {
        self.0[idx].clone()
    }

    /// The gradient of each parameter; zeros where the loss does not depend on it.
    pub fn gradients(&self, gradients: &Gradients) -> Vec<Vec<f32>> {
        let of = |leaf: &Tensor<1>| match leaf.grad(gradients) {
            Some(grad) => grad.into_data().try_to_vec::<f32>().unwrap_or_default(),
            None => vec![0.0; leaf.dims()[0]],
        };
        self.0.iter().map(of).collect()
    }
}

/// A layer's map and its bias, leaves `idx` and `idx + 1`, on rows in the basis of `model::spectrum`.
fn mapped(leaves: &Leaves, idx: usize, blocks: &Arc<Blocks>, x: Tensor<2>) -> Tensor<2> {
    let part = |n: usize, is_bias: bool| -> Tensor<1> {
        apply(leaves.leaf(n), Arc::new(ToBlocks { blocks: blocks.clone(), is_bias }))
    };
    let numbers = part(idx, false) + part(idx + 1, true);
    apply_pair(x, numbers, Arc::new(BlockLinear { blocks: blocks.clone() }))
}

impl Policy {
    fn matrix(&self, leaves: &Leaves, idx: usize) -> Tensor<2> {
        let tied = &self.tied[idx];
        apply(leaves.0[idx].clone(), Arc::new(Expand { layout: tied.layout.clone(), shape: tied.shape }))
    }

    fn linear(&self, leaves: &Leaves, idx: usize, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.matrix(leaves, idx)) + self.matrix(leaves, idx + 1)
    }

    /// The hidden state of each position before the heads, [batch · time, width], normalised. `beside` is added
    /// to the embedding, [batch · time, width]; `window` as in [`Attention`].
    pub fn hidden(
        &self,
        leaves: &Leaves,
        inputs: &Inputs,
        beside: Option<Tensor<2>>,
        window: Option<usize>,
        device: &Device,
    ) -> Tensor<2> {
        let (batch, time, width) = (inputs.batch, inputs.time, self.shape.width());
        let rows = batch * time;
        let mut ids = Vec::with_capacity(rows * 4);
        for n in 0..rows {
            ids.extend([
                inputs.chords[n],
                MELODY_ROW as u32 + inputs.melody[n],
                BAR_POSITION_ROW as u32 + inputs.bar_positions[n],
                BAR_LENGTH_ROW as u32 + inputs.bar_lengths[n],
            ]);
        }
        let table = Tensor::cat(
            (place::CHORD_IN..=place::BAR_LENGTH_IN).map(|idx| self.matrix(leaves, idx)).collect(),
            0,
        );
        let chroma =
            Tensor::<2>::from_data(TensorData::new(inputs.chroma.clone(), [rows, CHROMA_FEATURES]), device);
        let mut x: Tensor<2> = apply::<2, 2>(table, Arc::new(EmbedSum { ids, lanes: 4 }));
        x = x + chroma.matmul(self.matrix(leaves, place::CHROMA_IN));
        if let Some(beside) = beside {
            x = x + beside;
        }
        let spectrum = &self.spectrum;
        let mut x: Tensor<2> = apply(x, Arc::new(ToSpectrum::new(spectrum.model.clone(), false)));
        let rotary = Arc::new(Rotary::new(&Self::rotary_cycles(), POSITION_PERIOD, time));
        for layer in 0..self.shape.layers {
            let at = place::LAYERS + layer * place::PER_LAYER;
            let normed: Tensor<2> = apply(x.clone(), Arc::new(RmsNorm));
            let qkv = mapped(leaves, at + place::QKV, &spectrum.qkv, normed);
            let attention = Attention { heads: spectrum.heads.clone(), window, rotary: rotary.clone() };
            let seen: Tensor<3> = apply(qkv.reshape([batch, time, 3 * width]), Arc::new(attention));
            x = x + mapped(leaves, at + place::OUT, &spectrum.out, seen.reshape([rows, width]));
            let normed: Tensor<2> = apply(x.clone(), Arc::new(RmsNorm));
            let inner = mapped(leaves, at + place::UP, &spectrum.up, normed);
            let active: Tensor<2> = apply(inner, Arc::new(PitchGelu { sorted: spectrum.inner.clone() }));
            x = x + mapped(leaves, at + place::DOWN, &spectrum.down, active);
        }
        let x: Tensor<2> = apply(x, Arc::new(RmsNorm));
        apply(x, Arc::new(ToSpectrum::new(spectrum.model.clone(), true)))
    }

    /// Both heads' logits.
    pub fn forward(&self, leaves: &Leaves, inputs: &Inputs, device: &Device) -> Outputs {
        let hidden = self.hidden(leaves, inputs, None, Some(Self::window()), device);
        Outputs {
            chords: self.chord_logits(leaves, hidden.clone()),
            melody: self.melody_logits(leaves, hidden),
        }
    }

    /// The melody head's logits of hidden states.
    pub fn melody_logits(&self, leaves: &Leaves, hidden: Tensor<2>) -> Tensor<2> {
        self.linear(leaves, place::MELODY_OUT, hidden)
    }

    /// The chord head's logits of hidden states.
    pub fn chord_logits(&self, leaves: &Leaves, hidden: Tensor<2>) -> Tensor<2> {
        self.linear(leaves, place::CHORD_OUT, hidden)
    }
}
