//! The policy in finetuning, with a critic on its shoulder.
//!
//! The critic reads the policy's last hidden state, with a stop to its gradient, and estimates what is still to be
//! earned. The paper trains a second network for it; a head costs next to nothing and needs no warming up.
//! Its two maps see what transposition leaves alone, so a return is worth the same in every key.

use crate::{
    model::{
        Network, Policy, Shape,
        forward::Leaves,
        space::{Space, Tied},
    },
    ops::{apply, expand::Expand, gelu::Gelu},
    optimizer::Parameters,
};
use burn::tensor::Tensor;
use std::sync::Arc;

/// Numbers between the critic's two maps.
const INNER: usize = 64;

/// What the critic's last map is multiplied by: returns are sums over many frames, and so its steps reach them sooner.
const REACH: f32 = 10.0;

/// Policy and critic. A student's checkpoint reads as a policy's too: it only has more in it.
#[derive(Clone, Debug)]
pub struct Student {
    /// What is being taught.
    pub policy: Policy,
    maps: Vec<(&'static str, Tied)>,
    values: Vec<Vec<f32>>,
}

impl Student {
    /// A student who knows what the policy does.
    ///
    /// # Errors
    /// A shape whose parts do not fit.
    pub fn of(policy: Policy) -> Result<Self, String> {
        let mut student = Self::build(policy.shape, 0)?;
        student.policy = policy;
        Ok(student)
    }

    /// The critic's values, [batch · time], of hidden states [batch · time, width].
    pub fn values(&self, leaves: &Leaves, hidden: Tensor<2>) -> Tensor<1> {
        let first = self.policy.parameters.0.len();
        let map = |n: usize| -> Tensor<2> {
            let tied = &self.maps[n].1;
            apply(leaves.leaf(first + n), Arc::new(Expand { layout: tied.layout.clone(), shape: tied.shape }))
        };
        let inner: Tensor<2> = apply(hidden.detach().matmul(map(0)) + map(1), Arc::new(Gelu));
        let out = (inner.matmul(map(2)) + map(3)) * REACH;
        let [rows, _] = out.dims();
        out.reshape([rows])
    }
}

impl Network for Student {
    fn build(shape: Shape, seed: u64) -> Result<Self, String> {
        let policy = Policy::build(shape, seed)?;
        let model = Space::model(shape.heads, shape.invariant, shape.pitched);
        let (inner, one) = (Space::invariants(INNER), Space::invariants(1));
        let maps = vec![
            ("critic.up", Tied::map(&model, &inner)),
            ("critic.up.bias", Tied::bias(&inner)),
            ("critic.down", Tied::map(&inner, &one)),
            ("critic.down.bias", Tied::bias(&one)),
        ];
        // The first map starts as the policy's own numbers do, the second at zero: a fresh critic expects nothing.
        let donor = Policy::build(shape, seed.wrapping_add(0xc417))?;
        let source = &donor.parameters.0[crate::model::place::LAYERS + crate::model::place::UP].1;
        let mut values: Vec<Vec<f32>> = maps.iter().map(|(_, tied)| vec![0.0; tied.free]).collect();
        values[0] = (0..maps[0].1.free).map(|i| source[i % source.len()]).collect();
        Ok(Self { policy, maps, values })
    }

    fn shape(&self) -> Shape {
        self.policy.shape
    }

    fn parameters(&self) -> Parameters {
        let mut all = self.policy.parameters.clone();
        all.0.extend(
            self.maps.iter().zip(&self.values).map(|((name, _), v)| ((*name).to_string(), v.clone())),
        );
        all
    }

    fn set_parameters(&mut self, mut parameters: Parameters) {
        let critic = parameters.0.split_off(self.policy.parameters.0.len());
        self.policy.set_parameters(parameters);
        self.values = critic.into_iter().map(|(_, values)| values).collect();
    }
}
