//! The numbers of a map in blocks from the free numbers behind them: `[free]` to `[numbers]`, linear.
//! A map and its bias fill different numbers of the same vector; what the other fills stays zero.

use super::{Forward, FusedOp};
use crate::model::spectrum::{Blocks, add_up};
use std::sync::Arc;

/// The operator.
#[derive(Debug)]
pub struct ToBlocks {
    /// The map.
    pub blocks: Arc<Blocks>,
    /// Whether the free numbers are the bias's.
    pub is_bias: bool,
}

impl ToBlocks {
    fn entries(&self) -> &[(u32, u32, f32)] {
        if self.is_bias { &self.blocks.of_bias } else { &self.blocks.of_map }
    }
}

impl FusedOp for ToBlocks {
    fn forward(&self, x: &[f32], _: &[usize]) -> Forward {
        let mut output = vec![0.0; self.blocks.len];
        add_up(self.entries(), x, &mut output);
        Forward { output, shape: vec![self.blocks.len], kept: Vec::new() }
    }

    fn backward(&self, x: &[f32], _: &[usize], _: &[f32], _: &[f32], grad: &[f32]) -> Vec<f32> {
        let mut dx = vec![0.0; x.len()];
        for (number, free, factor) in self.entries() {
            dx[*free as usize] += factor * grad[*number as usize];
        }
        dx
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::space::{Space, Tied};

    #[test]
    fn gradient() {
        let space = Space::model(1, 2, 3);
        let (map, bias) = (Tied::map(&space, &space), Tied::bias(&space));
        let blocks = Arc::new(Blocks::new(&space, &space, &map, &bias));
        for (is_bias, free) in [(false, map.free), (true, bias.free)] {
            crate::ops::check::gradient(&ToBlocks { blocks: blocks.clone(), is_bias }, &[free], 1e-3);
        }
    }
}
