//! How far two histograms of chord-to-note onset intervals are apart.
//!
//! The paper (section 5.2, appendix K) gives an earth mover's distance times 1000 and does not say over what.
//! Its figures are implausibly small for a distance in frames and match the second of the two below, so both
//! are here.

/// The earth mover's distance between two histograms over the same bins, a bin's width apart each: the frames
/// that a chord onset has to be moved by, on average, to turn one into the other. The last bin, which is
/// open, counts as if it stood one frame after the one before it.
pub fn earth_mover(a: &[f64], b: &[f64]) -> f64 {
    let mut ahead = 0.0;
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            ahead += a - b;
            f64::abs(ahead)
        })
        .sum()
}

/// The 1-D Wasserstein distance between the two lists of bin heights taken as samples, times 1000: the mean
/// difference of the heights in order of size. Blind to which bin is which; for comparison with the paper's
/// table 1.
pub fn between_heights(a: &[f64], b: &[f64]) -> f64 {
    let sorted = |heights: &[f64]| {
        let mut heights = heights.to_vec();
        heights.sort_by(f64::total_cmp);
        heights
    };
    let (a, b) = (sorted(a), sorted(b));
    1000.0 * a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let check = |a: [f64; 4], b: [f64; 4], frames: f64, heights: f64| {
            assert!((earth_mover(&a, &b) - frames).abs() < 1e-9, "{a:?} {b:?}: {}", earth_mover(&a, &b));
            assert!((between_heights(&a, &b) - heights).abs() < 1e-9, "{a:?} {b:?}");
        };
        check([0.5, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], 0.0, 0.0);
        // All of it three bins further: three frames; the heights are the same.
        check([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], 3.0, 0.0);
        // Half of it one bin further. In order of size: 0, 0, 0, 1 against 0, 0, .5, .5.
        check([1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], 0.5, 250.0);
        check([0.25, 0.25, 0.25, 0.25], [0.0, 0.5, 0.5, 0.0], 0.5, 250.0);
    }
}
