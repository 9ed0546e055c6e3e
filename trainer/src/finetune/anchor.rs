//! Whose chords a stage of finetuning keeps near to: the teacher, or, where distillation is left out (the paper's rows C, D and
//! C+D), the policy that the stage starts from.

use crate::{
    dataset::Batch,
    model::{Network, Policy, forward::Leaves, teacher::Teacher},
};
use burn::tensor::{Device, Tensor};

/// The network that a stage keeps near to.
#[derive(Clone, Debug)]
pub enum Anchor {
    /// Hears the whole melody.
    Teacher(Teacher),
    /// What the stage starts from; it hears the past alone.
    Start(Policy),
}

impl Anchor {
    /// Chord logits of every frame, [batch · time, tokens], without gradients.
    pub fn logits(&self, batch: &Batch, device: &Device) -> Tensor<2> {
        match self {
            Self::Teacher(teacher) => {
                let leaves = Leaves::new(&teacher.parameters(), device, false);
                teacher.forward(&leaves, &batch.inputs, &batch.melody_targets, device)
            }
            Self::Start(policy) => {
                let leaves = Leaves::new(&policy.parameters(), device, false);
                let hidden = policy.hidden(&leaves, &batch.inputs, None, Some(Policy::window()), device);
                policy.chord_logits(&leaves, hidden)
            }
        }
    }
}
