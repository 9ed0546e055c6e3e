//! Fused operators with hand-written backward passes, as one extension of burn's Flex backend.
//!
//! Each operator is a [`FusedOp`] over plain slices, in a file of its own, checked against finite differences;
//! this file only carries it through burn's autodiff. On other backends burn's own operators would serve.

pub mod attention;
pub mod block_linear;
pub mod blocks;
pub mod cross_entropy;
pub mod decoupled;
pub mod divergence;
pub mod embed;
pub mod expand;
pub mod gelu;
pub mod pitch_gelu;
pub mod rms_norm;
pub mod to_spectrum;

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

/// An operator of two float tensors: rows, and numbers of its own.
pub trait FusedPair: Debug + Send + Sync + 'static {
    /// The result and its shape; `shape` is that of `x`.
    fn forward(&self, x: &[f32], shape: &[usize], numbers: &[f32]) -> (Vec<f32>, Vec<usize>);
    /// The gradients by `x` and by `numbers`, given the gradient by the result.
    fn backward(&self, x: &[f32], shape: &[usize], numbers: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>);
}

/// The extension's doors.
#[backend_extension(Flex, Autodiff)]
pub trait Fused: Backend {
    /// Runs `op`.
    fn fused(x: FloatTensor<Self>, op: Arc<dyn FusedOp>) -> FloatTensor<Self>;
    /// Runs `op` of two tensors.
    fn fused_pair(
        x: FloatTensor<Self>,
        numbers: FloatTensor<Self>,
        op: Arc<dyn FusedPair>,
    ) -> FloatTensor<Self>;
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

fn run_pair(x: &FlexTensor, numbers: &FlexTensor, op: &dyn FusedPair) -> FlexTensor {
    let (output, shape) = op.forward(slice(x), &shape(x), slice(numbers));
    FlexTensor::from_data(TensorData::new(output, shape))
}

impl Fused for Flex {
    fn fused(x: FlexTensor, op: Arc<dyn FusedOp>) -> FlexTensor {
        run(&x.to_contiguous(), &*op).0
    }

    fn fused_pair(x: FlexTensor, numbers: FlexTensor, op: Arc<dyn FusedPair>) -> FlexTensor {
        run_pair(&x.to_contiguous(), &numbers.to_contiguous(), &*op)
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

    fn fused_pair(
        x: FloatTensor<Self>,
        numbers: FloatTensor<Self>,
        op: Arc<dyn FusedPair>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Node;
        impl Backward<Flex, 2> for Node {
            type State = (FlexTensor, FlexTensor, Arc<dyn FusedPair>);
            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
                let (x, numbers, op) = ops.state;
                let (dx, dn) = op.backward(slice(&x), &shape(&x), slice(&numbers), slice(&grad));
                let of = |values, like| FlexTensor::from_data(TensorData::new(values, shape(like)));
                let [first, second] = ops.parents;
                if let Some(node) = first {
                    grads.register::<Flex>(node.id, of(dx, &x));
                }
                if let Some(node) = second {
                    grads.register::<Flex>(node.id, of(dn, &numbers));
                }
            }
        }
        match Node.prepare::<C>([x.node(), numbers.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (x, numbers) = (x.primitive().to_contiguous(), numbers.primitive().to_contiguous());
                let y = run_pair(&x, &numbers, &*op);
                prep.finish((x, numbers, op), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(run_pair(
                &x.primitive().to_contiguous(),
                &numbers.primitive().to_contiguous(),
                &*op,
            )),
        }
    }
}

/// Applies a fused operator to a tensor.
pub fn apply<const D: usize, const E: usize>(x: Tensor<D>, op: Arc<dyn FusedOp>) -> Tensor<E> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused(x.into_dispatch(), op))
}

/// Applies a fused operator of rows and numbers.
pub fn apply_pair<const D: usize, const E: usize>(
    x: Tensor<D>,
    numbers: Tensor<1>,
    op: Arc<dyn FusedPair>,
) -> Tensor<E> {
    Tensor::from_dispatch(<Dispatch as Fused>::fused_pair(x.into_dispatch(), numbers.into_dispatch(), op))
}

#[cfg(test)]
pub(crate) mod check {
    //! Gradients against central differences.
    use super::{FusedOp, FusedPair};

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

    /// The same for both tensors of a pair.
    pub fn pair_gradient(op: &dyn FusedPair, shape: &[usize], numbers: usize, tolerance: f32) {
        let len = shape.iter().product();
        let x: Vec<f32> = (0..len).map(noise).collect();
        let n: Vec<f32> = (0..numbers).map(|i| noise(i + 500_000)).collect();
        let weights: Vec<f32> =
            (0..op.forward(&x, shape, &n).0.len()).map(|i| noise(i + 1_000_000)).collect();
        let (dx, dn) = op.backward(&x, shape, &n, &weights);
        let value = |x: &[f32], n: &[f32]| -> f64 {
            let y = op.forward(x, shape, n).0;
            y.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
        };
        let mut worst = 0.0f32;
        for (is_x, gradient) in [(true, &dx), (false, &dn)] {
            for i in (0..gradient.len()).step_by((gradient.len() / 40).max(1)) {
                let moved = |by: f32| {
                    let (mut x, mut n) = (x.clone(), n.clone());
                    if is_x {
                        x[i] += by
                    } else {
                        n[i] += by
                    }
                    value(&x, &n)
                };
                let expected = ((moved(1e-2) - moved(-1e-2)) / 2e-2) as f32;
                worst = worst.max((expected - gradient[i]).abs() / (1.0 + expected.abs()));
            }
        }
        assert!(worst < tolerance, "gradient differs by {worst}");
    }
}
