//! A dense matrix from the free numbers behind it: entry i is number `layout[i]`.
//! Backward adds up the gradient of every entry that shares a number.

use super::{Forward, FusedOp};
use std::sync::Arc;

/// The operator: `[free]` to `[rows, columns]`.
#[derive(Debug)]
pub struct Expand {
    /// Which free number each entry is, row-major.
    pub layout: Arc<Vec<u32>>,
    /// Rows and columns.
    pub shape: [usize; 2],
}

/// The dense matrix.
pub fn expand(free: &[f32], layout: &[u32]) -> Vec<f32> {
    layout.iter().map(|idx| free[*idx as usize]).collect()
}

impl FusedOp for Expand {
    fn forward(&self, x: &[f32], _: &[usize]) -> Forward {
        Forward { output: expand(x, &self.layout), shape: self.shape.to_vec(), kept: Vec::new() }
    }

    fn backward(&self, x: &[f32], _: &[usize], _: &[f32], _: &[f32], grad: &[f32]) -> Vec<f32> {
        let mut dx = vec![0.0; x.len()];
        for (idx, g) in self.layout.iter().zip(grad) {
            dx[*idx as usize] += g;
        }
        dx
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient() {
        let op = Expand { layout: Arc::new(vec![0, 1, 2, 2, 0, 1]), shape: [2, 3] };
        crate::ops::check::gradient(&op, &[3], 1e-3);
    }
}
