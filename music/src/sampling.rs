//! From logits, a legal mask and a seed to a token. Allocation-free; the same arguments give the same token.

/// How a token is drawn.
///
/// Whether anything is struck is always drawn as the model has it; temperature and nucleus say what. Cooled together,
/// a model that strikes in one frame of sixteen would strike hardly at all: in every single frame it is likelier to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Of the onsets: 1 is the model's own distribution, 0 always takes the likeliest. Not negative.
    pub temperature: f32,
    /// The smallest set of likeliest onsets that holds this much of their probability is drawn from; 1 is all.
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
    let mut z = seed
        ^ (frame as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (draw as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..2 {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
    }
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// The seed of another roll of the same dice; roll 0 is the seed itself.
pub fn rolled(seed: u64, roll: u32) -> u64 {
    // An odd multiplier is one to one, so no two rolls share a seed; `uniform` mixes the rest.
    seed ^ u64::from(roll).wrapping_mul(0xa076_1d64_78bd_642f)
}

/// Draws the id of a token that `is_legal` among those with finite logits, with `uniform` in 0..1. Ids from `first_onset`
/// on are onsets: which of them is drawn follows `sampling`, everything else the model's own distribution.
/// `None` if there is none. Work is quadratic in the number of tokens only where `top_p < 1` needs it.
pub fn draw(
    logits: &[f32],
    first_onset: usize,
    is_legal: impl Fn(usize) -> bool,
    sampling: Sampling,
    uniform: f64,
) -> Option<usize> {
    let allowed = |id: usize| logits[id].is_finite() && is_legal(id);
    let likeliest = |ids: core::ops::Range<usize>| {
        let better = |best: Option<usize>, id: usize| match best {
            Some(b) if logits[b] >= logits[id] => Some(b),
            _ => Some(id),
        };
        ids.filter(|id| allowed(*id)).fold(None, better)
    };
    let first_onset = first_onset.min(logits.len());
    let (onsets, all) = (first_onset..logits.len(), 0..logits.len());
    let best = likeliest(all)?;
    let own = |id: usize| f64::from(logits[id] - logits[best]).exp();
    let struck: f64 = onsets.clone().filter(|id| allowed(*id)).map(own).sum();
    let apart: f64 = (0..first_onset).filter(|id| allowed(*id)).map(own).sum();
    let mut left = uniform * (struck + apart);
    for id in (0..first_onset).filter(|id| allowed(*id)) {
        left -= own(id);
        if left < 0.0 {
            return Some(id);
        }
    }
    let Some(top) = likeliest(onsets.clone()) else { return Some(best) };
    if sampling.temperature <= 1e-4 {
        return Some(top);
    }
    let weight = |id: usize| (f64::from(logits[id] - logits[top]) / f64::from(sampling.temperature)).exp();
    let total: f64 = onsets.clone().filter(|id| allowed(*id)).map(weight).sum();
    // The nucleus: onsets at least as likely as the one at which the running sum reaches top_p.
    let mut floor = f32::NEG_INFINITY;
    let mut kept = total;
    if sampling.top_p < 1.0 {
        floor = f32::INFINITY;
        kept = 0.0;
        while kept < f64::from(sampling.top_p) * total {
            let next = onsets
                .clone()
                .filter(|id| allowed(*id) && logits[*id] < floor)
                .map(|id| logits[id])
                .fold(f32::NEG_INFINITY, f32::max);
            if next == f32::NEG_INFINITY {
                break;
            }
            floor = next;
            kept = onsets.clone().filter(|id| allowed(*id) && logits[*id] >= floor).map(weight).sum();
        }
        if kept == 0.0 {
            return Some(top);
        }
    }
    let mut left = (left / struck).clamp(0.0, 1.0) * kept;
    for id in onsets.filter(|id| allowed(*id) && logits[*id] >= floor) {
        left -= weight(id);
        if left < 0.0 {
            return Some(id);
        }
    }
    Some(top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(temperature: f32, top_p: f32) -> Sampling {
        Sampling { temperature, top_p }
    }

    /// How often each token comes out when `uniform` runs through 0..1 evenly.
    fn shares(logits: &[f32], is_legal: impl Fn(usize) -> bool + Copy, sampling: Sampling) -> Vec<f64> {
        const DRAWS: usize = 20_000;
        let mut shares = vec![0.0; logits.len()];
        for n in 0..DRAWS {
            let uniform = (n as f64 + 0.5) / DRAWS as f64;
            shares[draw(logits, 0, is_legal, sampling, uniform).unwrap()] += 1.0 / DRAWS as f64;
        }
        shares
    }

    fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
        let weights: Vec<f64> = logits.iter().map(|l| (f64::from(*l) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }

    fn check_close(found: &[f64], expected: &[f64], tolerance: f64) {
        let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
        assert!(worst <= tolerance, "worst difference {worst}: {found:?} {expected:?}");
    }

    #[test]
    fn tokens_come_as_often_as_the_softmax_says() {
        let logits = [1.0, -0.5, 2.0, 0.0, -3.0];
        for temperature in [0.5f32, 1.0, 2.0] {
            let expected = softmax(&logits, f64::from(temperature));
            check_close(&shares(&logits, |_| true, plain(temperature, 1.0)), &expected, 1e-4);
        }
    }

    #[test]
    fn with_the_seeds_numbers_too() {
        let logits = [1.0, -0.5, 2.0, 0.0];
        let mut found = [0.0; 4];
        for frame in 0..20_000 {
            let id = draw(&logits, 0, |_| true, Sampling::default(), uniform(7, frame, Draw::Chord)).unwrap();
            found[id] += 1.0 / 20_000.0;
        }
        check_close(&found, &softmax(&logits, 1.0), 0.02);
    }

    #[test]
    fn what_is_illegal_shares_out_to_the_rest() {
        let logits = [1.0, 5.0, 2.0];
        let expected = softmax(&[1.0, 2.0], 1.0);
        check_close(
            &shares(&logits, |id| id != 1, Sampling::default()),
            &[expected[0], 0.0, expected[1]],
            1e-4,
        );
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_holds_it() {
        // Probabilities .5 .3 .15 .05.
        let logits = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln);
        let check = |top_p, expected: [f64; 4]| {
            check_close(&shares(&logits, |_| true, plain(1.0, top_p)), &expected, 1e-3)
        };
        check(0.4, [1.0, 0.0, 0.0, 0.0]);
        check(0.6, [0.625, 0.375, 0.0, 0.0]);
        check(0.9, [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0]);
        check(1.0, [0.5, 0.3, 0.15, 0.05]);
        check(0.0, [1.0, 0.0, 0.0, 0.0]);
        check(f32::NAN, [0.5, 0.3, 0.15, 0.05]);
    }

    #[test]
    fn the_nucleus_is_taken_of_the_legal_tokens() {
        let logits = [0.5f32, 0.3, 0.15, 0.05].map(f32::ln);
        check_close(&shares(&logits, |id| id > 0, plain(1.0, 0.5)), &[0.0, 1.0, 0.0, 0.0], 1e-3);
    }

    #[test]
    fn no_temperature_takes_the_likeliest_and_the_first_of_equals() {
        for uniform in [0.0, 0.5, 0.999] {
            assert_eq!(draw(&[0.0, 2.0, 2.0, 1.0], 0, |_| true, plain(0.0, 1.0), uniform), Some(1));
            assert_eq!(draw(&[0.0, 2.0, 2.0, 1.0], 0, |id| id != 1, plain(0.0, 1.0), uniform), Some(2));
            assert_eq!(draw(&[0.0, 2.0], 0, |_| true, plain(-1.0, 1.0), uniform), Some(1));
        }
    }

    #[test]
    fn nothing_legal_is_none() {
        assert_eq!(draw(&[], 0, |_| true, Sampling::default(), 0.5), None);
        assert_eq!(draw(&[1.0, 2.0], 0, |_| false, Sampling::default(), 0.5), None);
        assert_eq!(draw(&[f32::NAN, f32::NEG_INFINITY], 0, |_| true, Sampling::default(), 0.5), None);
    }

    #[test]
    fn broken_logits_are_never_drawn() {
        let logits = [f32::NAN, 1.0, f32::INFINITY, f32::NEG_INFINITY, 0.0];
        let found = shares(&logits, |_| true, Sampling::default());
        let expected = softmax(&[1.0, 0.0], 1.0);
        check_close(&found, &[0.0, expected[0], 0.0, 0.0, expected[1]], 1e-4);
        assert_eq!(draw(&[f32::MAX, f32::MIN], 0, |_| true, Sampling::default(), 0.999), Some(0));
        assert_eq!(draw(&[1.0, 0.0], 0, |_| true, plain(f32::NAN, 1.0), 0.5), Some(0));
    }

    #[test]
    fn temperature_says_what_is_struck_and_not_whether() {
        // Hold .7, silence .1, onsets .15 and .05.
        let logits = [0.7f32, 0.1, 0.15, 0.05].map(f32::ln);
        let shares = |sampling: Sampling, is_legal: fn(usize) -> bool| {
            const DRAWS: usize = 20_000;
            let mut shares = [0.0; 4];
            for n in 0..DRAWS {
                let uniform = (n as f64 + 0.5) / DRAWS as f64;
                shares[draw(&logits, 2, is_legal, sampling, uniform).unwrap()] += 1.0 / DRAWS as f64;
            }
            shares
        };
        check_close(&shares(plain(1.0, 1.0), |_| true), &[0.7, 0.1, 0.15, 0.05], 1e-3);
        check_close(&shares(plain(0.5, 1.0), |_| true), &[0.7, 0.1, 0.18, 0.02], 1e-3);
        check_close(&shares(plain(0.0, 1.0), |_| true), &[0.7, 0.1, 0.2, 0.0], 1e-3);
        check_close(&shares(plain(1.0, 0.5), |_| true), &[0.7, 0.1, 0.2, 0.0], 1e-3);
        check_close(&shares(plain(0.5, 1.0), |id| id >= 2), &[0.0, 0.0, 0.9, 0.1], 1e-3);
        check_close(&shares(plain(0.5, 1.0), |id| id < 2), &[0.875, 0.125, 0.0, 0.0], 1e-3);
    }

    #[test]
    fn random_numbers_are_a_function_of_seed_frame_and_purpose() {
        assert_eq!(uniform(3, 5, Draw::Chord), uniform(3, 5, Draw::Chord));
        let neighbours = [
            uniform(3, 5, Draw::Chord),
            uniform(4, 5, Draw::Chord),
            uniform(3, 6, Draw::Chord),
            uniform(3, -5, Draw::Chord),
            uniform(3, 5, Draw::Melody),
            uniform(3, 5, Draw::Performance),
        ];
        for (idx, number) in neighbours.iter().enumerate() {
            assert!(!neighbours[..idx].contains(number), "{neighbours:?}");
        }
    }

    #[test]
    fn another_roll_is_another_seed_and_none_is_the_seed() {
        assert_eq!(rolled(7, 0), 7);
        let seeds: std::collections::HashSet<u64> = (0..1000).map(|roll| rolled(7, roll)).collect();
        assert_eq!(seeds.len(), 1000);
        let same = (0..1000).filter(|frame| {
            let coin = |roll| uniform(rolled(7, roll), *frame, Draw::Chord) < 0.5;
            coin(1) == coin(2)
        });
        let same = same.count();
        assert!(
            (421..579).contains(&same),
            "{same} of 1000 coins fell alike; 500 are expected, 5 deviations are 79"
        );
    }

    #[test]
    fn random_numbers_spread_well() {
        for (seed, purpose) in
            [(0, Draw::Chord), (0, Draw::Melody), (1, Draw::Chord), (u64::MAX, Draw::Performance)]
        {
            let numbers: Vec<f64> = (-2000..2000).map(|frame| uniform(seed, frame, purpose)).collect();
            let mut tenths = [0u32; 10];
            numbers.iter().for_each(|n| tenths[(n * 10.0) as usize] += 1);
            // 400 are expected in each; five standard deviations are 95.
            assert!(tenths.iter().all(|n| (305..495).contains(n)), "{tenths:?}");
            let product: f64 = numbers.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>() / 4000.0;
            // Neighbouring frames are uncorrelated: 1/12 would be the same number twice.
            assert!(product.abs() < 0.01, "{product}");
        }
    }

    proptest! {
        #[test]
        fn random_numbers_are_in_range(seed: u64, frame: i64) {
            for purpose in [Draw::Chord, Draw::Melody, Draw::Performance] {
                prop_assert!((0.0..1.0).contains(&uniform(seed, frame, purpose)));
            }
        }

        #[test]
        fn only_legal_tokens_are_drawn_and_always_one(
            tokens in prop::collection::vec((prop_oneof![8 => -20.0..20.0f32, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], prop::bool::ANY), 1..60),
            temperature in 0.0..3.0f32,
            top_p in 0.0..1.2f32,
            uniform in 0.0..1.0f64,
        ) {
            let logits: Vec<f32> = tokens.iter().map(|t| t.0).collect();
            let allowed = |id: usize| tokens[id].1 && tokens[id].0.is_finite();
            match draw(&logits, 0, |id| tokens[id].1, plain(temperature, top_p), uniform) {
                Some(id) => prop_assert!(allowed(id)),
                None => prop_assert!(!(0..tokens.len()).any(allowed)),
            }
        }
    }
}
