//! From logits, a legal mask and a seed to a token. Allocation-free; the same arguments give the same token.

/// How a token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 1 is the model's own distribution, 0 always takes the likeliest. Not negative.
    pub temperature: f32,
    /// The smallest set of likeliest tokens that holds this much probability is drawn from; 1 is all.
    pub top_p: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0 }
    }
}

/// What a random number is for, so that no two draws share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// The chord of a frame.
    Chord = 0,
    /// The melody imagined for a frame.
    Melody = 1,
    /// Anything in the performance (humanising).
    Performance = 2,
}

/// A number in 0..1 that is a function of seed, musical frame and purpose alone (SplitMix64 over a mix of them).
pub fn uniform(seed: u64, frame: i64, draw: Draw) -> f64 {
    let mut z = seed ^ (frame as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (draw as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..2 {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
    }
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// Draws the id of a token that `is_legal` among those with finite logits, with `uniform` in 0..1.
/// `None` if there is none. Work is quadratic in the number of tokens only where `top_p < 1` needs it.
pub fn draw(logits: &[f32], is_legal: impl Fn(usize) -> bool, sampling: Sampling, uniform: f64) -> Option<usize> {
    let allowed = |id: usize| logits[id].is_finite() && is_legal(id);
    let mut best: Option<usize> = None;
    for id in 0..logits.len() {
        if allowed(id) && best.is_none_or(|b| logits[id] > logits[b]) {
            best = Some(id);
        }
    }
    let top = logits[best?];
    if sampling.temperature <= 1e-4 {
        return best;
    }
    let weight = |id: usize| (f64::from(logits[id] - top) / f64::from(sampling.temperature)).exp();
    let total: f64 = (0..logits.len()).filter(|id| allowed(*id)).map(weight).sum();
    // The nucleus: tokens at least as likely as the one at which the running sum reaches top_p.
    let mut floor = f32::NEG_INFINITY;
    let mut kept = total;
    if sampling.top_p < 1.0 {
        floor = f32::INFINITY;
        kept = 0.0;
        while kept < f64::from(sampling.top_p) * total {
            let next = (0..logits.len()).filter(|id| allowed(*id) && logits[*id] < floor).map(|id| logits[id]).fold(f32::NEG_INFINITY, f32::max);
            if next == f32::NEG_INFINITY {
                break;
            }
            floor = next;
            kept = (0..logits.len()).filter(|id| allowed(*id) && logits[*id] >= floor).map(weight).sum();
        }
        if kept == 0.0 {
            return best;
        }
    }
    let mut left = uniform * kept;
    for id in 0..logits.len() {
        if allowed(id) && logits[id] >= floor {
            left -= weight(id);
            if left < 0.0 {
                return Some(id);
            }
        }
    }
    best
}
