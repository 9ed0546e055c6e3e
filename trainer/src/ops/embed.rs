//! Sums of table rows: what a frame's tokens add up to. Cheaper than one look-up and one sum a lane.

use super::{Forward, FusedOp};
use crate::native;
use rayon::prelude::*;

/// The operator: table [rows, width] to [positions, width].
#[derive(Debug)]
pub struct EmbedSum {
    /// Rows that each position adds up, `lanes` a position.
    pub ids: Vec<u32>,
    /// Rows a position adds up.
    pub lanes: usize,
}

impl FusedOp for EmbedSum {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let width = shape[1];
        let positions = self.ids.len() / self.lanes;
        let mut output = vec![0.0; positions * width];
        output.par_chunks_mut(width).zip(self.ids.par_chunks(self.lanes)).with_min_len(256).for_each(
            |(y, ids)| {
                for id in ids {
                    native::add(&x[*id as usize * width..(*id as usize + 1) * width], y);
                }
            },
        );
        Forward { output, shape: vec![positions, width], kept: Vec::new() }
    }

    fn backward(&self, x: &[f32], shape: &[usize], _: &[f32], _: &[f32], grad: &[f32]) -> Vec<f32> {
        let width = shape[1];
        let mut dx = vec![0.0; x.len()];
        for (g, ids) in grad.chunks(width).zip(self.ids.chunks(self.lanes)) {
            for id in ids {
                native::add(g, &mut dx[*id as usize * width..(*id as usize + 1) * width]);
            }
        }
        dx
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn gradient() {
        crate::ops::check::gradient(
            &super::EmbedSum { ids: vec![0, 2, 1, 2, 2, 2], lanes: 2 },
            &[3, 5],
            1e-3,
        );
    }
}
