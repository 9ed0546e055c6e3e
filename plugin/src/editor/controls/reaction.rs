//! How soon a note is answered: what Commit means, said in time. Pure.

use crate::links::least_reaction_beats;

/// The least time from a note to the chord that answers it, with so many frames of commit.
pub fn words(commit_frames: f32, tempo_bpm: Option<f64>) -> String {
    let beats = least_reaction_beats(f64::from(commit_frames));
    match tempo_bpm.filter(|bpm| *bpm > 0.0) {
        Some(bpm) => format!("reacts in ≥ {:.0} ms", beats * 60_000.0 / bpm),
        None => format!("reacts in ≥ {} beats", (beats * 1000.0).round() / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_frame_is_won_by_the_latest_note() {
        let check = |commit: f32, bpm: Option<f64>, expected: &str| assert_eq!(words(commit, bpm), expected);
        check(1.0, Some(120.0), "reacts in ≥ 62 ms");
        check(4.0, Some(120.0), "reacts in ≥ 438 ms");
        check(1.0, Some(60.0), "reacts in ≥ 125 ms");
        check(1.0, None, "reacts in ≥ 0.125 beats");
        check(32.0, None, "reacts in ≥ 7.875 beats");
    }
}
