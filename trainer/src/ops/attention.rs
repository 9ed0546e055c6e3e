//! Fused causal attention over a window, with rotary positions inside.
//!
//! Input [batch, time, 3·width]: queries, keys and values of all heads side by side. Output [batch, time, width].
//! A frame sees itself and the `window` frames before it. In each head the first `2·angles` numbers of queries
//! and keys are rotated by position (pairs side by side); the rest match by content alone.
//! Memory is linear in time: backward recomputes the weights from the kept log-sum-exp.

use super::{Forward, FusedOp};
use crate::native::{dot, exp_sum, matmul, row_major, row_max, scale_row, softmax_back, transposed};
use rayon::prelude::*;
use std::sync::Arc;

/// Queries handled together.
const BLOCK: usize = 64;

/// Cosines and sines of each position's angles.
#[derive(Debug)]
pub struct Rotary {
    /// Angles a head.
    pub angles: usize,
    /// Cosines, [time, angles].
    pub cos: Vec<f32>,
    /// Sines, [time, angles].
    pub sin: Vec<f32>,
}

impl Rotary {
    /// Angles of positions `0..time`: angle j of position p is 2π·p·(cycle j) / period.
    pub fn new(cycles: &[i64], period: i64, time: usize) -> Self {
        let mut rotary = Self {
            angles: cycles.len(),
            cos: Vec::with_capacity(time * cycles.len()),
            sin: Vec::with_capacity(time * cycles.len()),
        };
        for position in 0..time as i64 {
            for cycle in cycles {
                let angle =
                    (position * cycle).rem_euclid(period) as f64 / period as f64 * std::f64::consts::TAU;
                rotary.cos.push(angle.cos() as f32);
                rotary.sin.push(angle.sin() as f32);
            }
        }
        rotary
    }

    /// Rotates the head of a row at `position`; backwards where `inverse`.
    pub fn rotate(&self, row: &mut [f32], position: usize, inverse: bool) {
        for j in 0..self.angles {
            let (cos, sin) = (self.cos[position * self.angles + j], self.sin[position * self.angles + j]);
            let sin = if inverse { -sin } else { sin };
            let (a, b) = (row[2 * j], row[2 * j + 1]);
            row[2 * j] = a * cos - b * sin;
            row[2 * j + 1] = a * sin + b * cos;
        }
    }
}

/// Stretches of a row that make up one head's part of it, as (first column, columns).
pub type Runs = Vec<(usize, usize)>;

/// Where a head's numbers stand in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadColumns {
    /// Query, key and value, in the input row.
    pub qkv: [Runs; 3],
    /// The answer, in the output row.
    pub out: Runs,
}

impl HeadColumns {
    /// Heads side by side, in each of queries, keys and values.
    pub fn side_by_side(heads: usize, width: usize) -> Vec<Self> {
        let size = width / heads;
        let part = |which: usize, head: usize| vec![(which * width + head * size, size)];
        (0..heads).map(|head| Self { qkv: [0, 1, 2].map(|w| part(w, head)), out: part(0, head) }).collect()
    }
}

/// Copies a head's part of a row to `target`.
pub fn gather(row: &[f32], runs: &Runs, target: &mut [f32]) {
    let mut at = 0;
    for (start, len) in runs {
        target[at..at + len].copy_from_slice(&row[*start..start + len]);
        at += len;
    }
}

/// Copies a head's part back into a row.
pub fn scatter(source: &[f32], runs: &Runs, row: &mut [f32]) {
    let mut at = 0;
    for (start, len) in runs {
        row[*start..start + len].copy_from_slice(&source[at..at + len]);
        at += len;
    }
}

/// One head's part of rows of `width` numbers, as [time, size].
fn gathered(rows: &[f32], width: usize, runs: &Runs, size: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() / width * size];
    for (target, row) in out.chunks_exact_mut(size).zip(rows.chunks_exact(width)) {
        gather(row, runs, target);
    }
    out
}

/// The operator.
#[derive(Debug)]
pub struct Attention {
    /// Where each head stands; the first numbers of its queries and keys are the rotated ones.
    pub heads: Arc<Vec<HeadColumns>>,
    /// Frames before the current one that are seen; `None` sees all frames, later ones too.
    pub window: Option<usize>,
    /// Positions, at least as many as time.
    pub rotary: Arc<Rotary>,
}

struct Head {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

impl Attention {
    /// Queries, keys and values of one head as [time, size], rotated.
    fn gather(&self, rows: &[f32], width: usize, head: usize) -> Head {
        let size = width / self.heads.len();
        let part = |which: usize| gathered(rows, 3 * width, &self.heads[head].qkv[which], size);
        let rotated = |which: usize| {
            let mut out = part(which);
            for (t, row) in out.chunks_exact_mut(size).enumerate() {
                self.rotary.rotate(row, t, false);
            }
            out
        };
        Head { q: rotated(0), k: rotated(1), v: part(2) }
    }

    /// Keys that queries `first..first + num` may see, and those that query `t` does.
    fn seen(&self, first: usize, num: usize, time: usize) -> (usize, usize) {
        match self.window {
            Some(window) => (first.saturating_sub(window), first + num),
            None => (0, time),
        }
    }

    fn seen_by(&self, t: usize, time: usize) -> (usize, usize) {
        self.seen(t, 1, time)
    }
}

impl FusedOp for Attention {
    fn forward(&self, x: &[f32], shape: &[usize]) -> Forward {
        let [batch, time, width] = [shape[0], shape[1], shape[2] / 3];
        let size = width / self.heads.len();
        let scale = (size as f32).powf(-0.5);
        let mut output = vec![0.0; batch * time * width];
        let mut kept = vec![0.0; batch * self.heads.len() * time];
        output
            .par_chunks_mut(time * width)
            .zip(kept.par_chunks_mut(self.heads.len() * time))
            .enumerate()
            .for_each(|(b, (out, lse))| {
                let row = &x[b * time * 3 * width..(b + 1) * time * 3 * width];
                let (mut scores, mut answer) = (vec![0.0; BLOCK * time], vec![0.0; BLOCK * size]);
                for head in 0..self.heads.len() {
                    let Head { q, k, v } = self.gather(row, width, head);
                    for first in (0..time).step_by(BLOCK) {
                        let num = BLOCK.min(time - first);
                        let (from, to) = self.seen(first, num, time);
                        let span = to - from;
                        matmul(
                            &mut scores,
                            row_major(span),
                            &q[first * size..],
                            row_major(size),
                            &k[from * size..],
                            transposed(size),
                            [num, size, span],
                            false,
                        );
                        for r in 0..num {
                            let (lo, hi) = self.seen_by(first + r, time);
                            let line = &mut scores[r * span..(r + 1) * span];
                            line[..lo - from].fill(0.0);
                            line[hi - from..].fill(0.0);
                            let line = &mut line[lo - from..hi - from];
                            let shift = row_max(line) * scale;
                            let total = exp_sum(line, scale, shift);
                            scale_row(line, 1.0 / total);
                            lse[head * time + first + r] = shift + total.ln();
                        }
                        matmul(
                            &mut answer,
                            row_major(size),
                            &scores,
                            row_major(span),
                            &v[from * size..],
                            row_major(size),
                            [num, span, size],
                            false,
                        );
                        for (r, answer) in answer.chunks_exact(size).take(num).enumerate() {
                            let row = &mut out[(first + r) * width..(first + r + 1) * width];
                            scatter(answer, &self.heads[head].out, row);
                        }
                    }
                }
            });
        Forward { output, shape: vec![batch, time, width], kept }
    }

    fn backward(&self, x: &[f32], shape: &[usize], output: &[f32], kept: &[f32], grad: &[f32]) -> Vec<f32> {
        let [_, time, width] = [shape[0], shape[1], shape[2] / 3];
        let size = width / self.heads.len();
        let scale = (size as f32).powf(-0.5);
        let mut dx = vec![0.0; x.len()];
        dx.par_chunks_mut(time * 3 * width).enumerate().for_each(|(b, dx)| {
            let row = &x[b * time * 3 * width..(b + 1) * time * 3 * width];
            let (out, grad) = (
                &output[b * time * width..(b + 1) * time * width],
                &grad[b * time * width..(b + 1) * time * width],
            );
            let (mut p, mut dp) = (vec![0.0; BLOCK * time], vec![0.0; BLOCK * time]);
            for head in 0..self.heads.len() {
                let Head { q, k, v } = self.gather(row, width, head);
                let runs = &self.heads[head].out;
                let (out, grad) = (gathered(out, width, runs, size), gathered(grad, width, runs, size));
                let (mut dq, mut dk, mut dv) =
                    (vec![0.0; time * size], vec![0.0; time * size], vec![0.0; time * size]);
                for first in (0..time).step_by(BLOCK) {
                    let num = BLOCK.min(time - first);
                    let (from, to) = self.seen(first, num, time);
                    let span = to - from;
                    let g = &grad[first * size..];
                    matmul(
                        &mut p,
                        row_major(span),
                        &q[first * size..],
                        row_major(size),
                        &k[from * size..],
                        transposed(size),
                        [num, size, span],
                        false,
                    );
                    matmul(
                        &mut dp,
                        row_major(span),
                        g,
                        row_major(size),
                        &v[from * size..],
                        transposed(size),
                        [num, size, span],
                        false,
                    );
                    for r in 0..num {
                        let (lo, hi) = self.seen_by(first + r, time);
                        let (pl, dl) = (&mut p[r * span..(r + 1) * span], &mut dp[r * span..(r + 1) * span]);
                        for line in [&mut *pl, &mut *dl] {
                            line[..lo - from].fill(0.0);
                            line[hi - from..].fill(0.0);
                        }
                        let (pl, dl) = (&mut pl[lo - from..hi - from], &mut dl[lo - from..hi - from]);
                        exp_sum(pl, scale, kept[(b * self.heads.len() + head) * time + first + r]);
                        let at = (first + r) * size;
                        let mean = dot(&out[at..at + size], &grad[at..at + size]);
                        softmax_back(pl, dl, mean, scale);
                    }
                    matmul(
                        &mut dv[from * size..],
                        row_major(size),
                        &p,
                        transposed(span),
                        g,
                        row_major(size),
                        [span, num, size],
                        true,
                    );
                    matmul(
                        &mut dq[first * size..],
                        row_major(size),
                        &dp,
                        row_major(span),
                        &k[from * size..],
                        row_major(size),
                        [num, span, size],
                        false,
                    );
                    matmul(
                        &mut dk[from * size..],
                        row_major(size),
                        &dp,
                        transposed(span),
                        &q[first * size..],
                        row_major(size),
                        [span, num, size],
                        true,
                    );
                }
                for t in 0..time {
                    self.rotary.rotate(&mut dq[t * size..(t + 1) * size], t, true);
                    self.rotary.rotate(&mut dk[t * size..(t + 1) * size], t, true);
                    let row = &mut dx[t * 3 * width..(t + 1) * 3 * width];
                    for (runs, part) in self.heads[head].qkv.iter().zip([&dq, &dk, &dv]) {
                        scatter(&part[t * size..(t + 1) * size], runs, row);
                    }
                }
            }
        });
        dx
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;

    fn op(heads: usize, window: Option<usize>, time: usize) -> Attention {
        let heads = Arc::new(HeadColumns::side_by_side(heads, 16));
        Attention { heads, window, rotary: Arc::new(Rotary::new(&[3, 7], 96, time)) }
    }

    /// The definition, written plainly.
    fn plain(op: &Attention, x: &[f32], [batch, time, width]: [usize; 3]) -> Vec<f32> {
        let size = width / op.heads.len();
        let mut out = vec![0.0; batch * time * width];
        for b in 0..batch {
            for head in 0..op.heads.len() {
                let Head { q, k, v } =
                    op.gather(&x[b * time * 3 * width..(b + 1) * time * 3 * width], width, head);
                for t in 0..time {
                    let (lo, hi) = op.window.map_or((0, time), |w| (t.saturating_sub(w), t + 1));
                    let scores: Vec<f64> = (lo..hi)
                        .map(|s| {
                            (0..size).map(|i| f64::from(q[t * size + i] * k[s * size + i])).sum::<f64>()
                                / (size as f64).sqrt()
                        })
                        .collect();
                    let total: f64 = scores.iter().map(|s| s.exp()).sum();
                    for i in 0..size {
                        let y: f64 = (lo..hi)
                            .zip(&scores)
                            .map(|(s, w)| w.exp() / total * f64::from(v[s * size + i]))
                            .sum();
                        out[(b * time + t) * width + head * size + i] = y as f32;
                    }
                }
            }
        }
        out
    }

    #[test]
    fn equals_its_definition() {
        for (window, time) in [(Some(5), 70), (Some(100), 70), (None, 70), (Some(0), 3)] {
            let op = op(2, window, time);
            let shape = [2, time, 48];
            let x: Vec<f32> = (0..shape.iter().product()).map(check::noise).collect();
            let fused = op.forward(&x, &shape).output;
            let worst = fused
                .iter()
                .zip(plain(&op, &x, [2, time, 16]))
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 1e-5, "window {window:?}: {worst}");
        }
    }

    #[test]
    fn heads_may_stand_anywhere_in_a_row() {
        let plain = op(2, Some(5), 20);
        // The same numbers with the columns of each row reversed in pairs: runs of two, last pair first.
        let reversed = |runs: &Runs, width: usize| -> Runs {
            let (start, len) = runs[0];
            (0..len / 2).map(|pair| (width - 2 - (start + 2 * pair), 2)).collect()
        };
        let heads = plain.heads.iter().map(|head| HeadColumns {
            qkv: [0, 1, 2].map(|w| reversed(&head.qkv[w], 48)),
            out: reversed(&head.out, 16),
        });
        let moved = Attention { heads: Arc::new(heads.collect()), ..op(2, Some(5), 20) };
        let turned = |x: &[f32], width: usize| -> Vec<f32> {
            x.chunks(width)
                .flat_map(|row| row.chunks(2).rev().flatten().copied().collect::<Vec<_>>())
                .collect()
        };
        let x: Vec<f32> = (0..20 * 48).map(check::noise).collect();
        let expected = plain.forward(&x, &[1, 20, 48]).output;
        let got = moved.forward(&turned(&x, 48), &[1, 20, 48]).output;
        assert_eq!(turned(&expected, 16), got);
        check::gradient(&moved, &[1, 20, 48], 2e-3);
    }

    #[test]
    fn gradient() {
        check::gradient(&op(2, Some(5), 70), &[2, 70, 48], 2e-3);
        check::gradient(&op(2, None, 20), &[1, 20, 48], 2e-3);
    }

    #[test]
    fn positions_count_by_distance_alone() {
        let cycles = [64, 192, 768];
        let rotary = Rotary::new(&cycles, 12_288, 12_288);
        let (a, b): (Vec<f32>, Vec<f32>) =
            ((0..6).map(check::noise).collect(), (6..12).map(check::noise).collect());
        let score = |p: usize, q: usize| {
            let (mut a, mut b) = (a.clone(), b.clone());
            rotary.rotate(&mut a, p, false);
            rotary.rotate(&mut b, q, false);
            dot(&a, &b)
        };
        // Also across the place where positions start again.
        for (p, q) in [(5_000, 4_900), (100, 0), (20, 12_288 - 80)] {
            assert!((score(p, q) - score(200, 100)).abs() < 1e-4);
        }
    }
}
