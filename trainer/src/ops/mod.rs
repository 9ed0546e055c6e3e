//! Fused operators with hand-written backward passes, as one extension of burn's Flex backend.
//!
//! Each operator is a [`FusedOp`] over plain slices, in a file of its own, checked against finite differences;
//! this file only carries it through burn's autodiff. On other backends burn's own operators would serve.

pub mod attention;
pub mod cross_entropy;
pub mod divergence;
pub mod embed;
pub mod expand;
pub mod gelu;
pub mod rms_norm;

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData},
};
use burn_flex::FlexTensor;
use std::{fmt::Debug, sync::Arc};

/// What a forward pass leaves: the result and what backward needs besides input and result.
pub struct Forward {
    /// The result, row-major.
    pub output: Vec<f32>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Kept for backward.
    pub kept: Vec<f32>,
}

/// An operator of one float tensor, everything else being part of the operator itself.
pub trait FusedOp: Debug + Send + Sync + 'static {
    /// Computes the result.
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward;
    /// The gradient by the input, given the gradient by the result.
    fn backward(&self, x: &[f32], shape: &[usize], output: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32>;
}

/// The extension's one door.
#[backend_extension(Flex, Autodiff)]
pub trait Fused: Backend {
    /// Runs `op`.
    fn fused(x: FloatTensor<Self>, op: Arc<dyn FusedOp>) -> FloatTensor<Self>;
}

fn slice(x: &FlexTensor) -> &[f32] {
    x.storage()
}

fn shape(x: &FlexTensor) -> Vec<usize> {
    x.layout().shape().to_vec()
}

fn run(x: &FlexTensor, op: &dyn FusedOp) -> (FlexTensor, Vec<f32>) {
    let forward = op.forward(slice(x), &shape(x));
    (FlexTensor::from_data(TensorData::new(forward.output, forward.shape)), forward.kept)
}

impl Fused for Flex {
    fn fused(x: FlexTensor, op: Arc<dyn FusedOp>) -> FlexTensor {
        run(&x.to_contiguous(), &*op).0
    }
}

impl<C: CheckpointStrategy> Fused for Autodiff<Flex, C> {
    fn fused(x: FloatTensor<Self>, op: Arc<dyn FusedOp>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Node;
        impl Backward<Flex, 1> for Node {
            type State = (FlexTensor, FlexTensor, Arc<Vec<f32>>, Arc<dyn FusedOp>);
            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
                let (x, y, kept, op) = ops.state;
                let dx = op.backward(slice(&x), &shape(&x), slice(&y), &kept, slice(&grad));
                let dx = FlexTensor::from_data(TensorData::new(dx, shape(&x)));
                let [parent] = ops.parents;
                if let Some(node) = parent {
                    grads.register::<Flex>(node.id, dx);
                }
            }
        }
        match Node.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let x = x.primitive().to_contiguous();
                let (y, kept) = run(&x, &*op);
                prep.finish((x, y.clone(), Arc::new(kept), op), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(run(&x.primitive().to_contiguous(), &*op).0),
        }
    }
}

/// Applies a fused operator to a tensor.
pub fn apply<const D: usize, const E: usize>(x: Tensor<D>, op: Arc<dyn FusedOp>) -> Tensor<E> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused(x.into_dispatch(), op))
}

#[cfg(test)]
pub(crate) mod check {
    //! Gradients against central differences.
    use super::FusedOp;

    /// A repeatable "random" number in -1..1.
    pub fn noise(idx: usize) -> f32 {
        music::sampling::uniform(7, idx as i64, music::sampling::Draw::Performance) as f32 * 2.0 - 1.0
    }

    /// Holds the operator's backward against central differences of a random weighting of its result.
    pub fn gradient(op: &dyn FusedOp, shape: &[usize], tolerance: f32) {
        let len = shape.iter().product();
        let x: Vec<f32> = (0..len).map(noise).collect();
        let forward = op.forward(&x, shape);
        let weights: Vec<f32> = (0..forward.output.len()).map(|i| noise(i + 1_000_000)).collect();
        let dx = op.backward(&x, shape, &forward.output, &forward.kept, &weights);
        let value = |x: &[f32]| -> f64 {
            op.forward(x, shape).output.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
        };
        let mut worst = 0.0f32;
        for i in (0..len).step_by((len / 40).max(1)) {
            let (mut up, mut down) = (x.clone(), x.clone());
            up[i] += 1e-2;
            down[i] -= 1e-2;
            let expected = ((value(&up) - value(&down)) / 2e-2) as f32;
            worst = worst.max((expected - dx[i]).abs() / (1.0 + expected.abs()));
        }
        println!("worst gradient difference {worst:.2e}");
        assert!(worst < tolerance, "gradient differs by {worst}");
    }
}
