//! Pairs of lanes: real ones, and fake ones that a discriminative judge is to tell from them.
//!
//! Both lanes of a fake pair are a human's, so that neither gives the pair away: chords of another song, chords
//! in another key, or one lane late. Crops are drawn longer than pairs by some slack, and every pair is cut at
//! a random frame: else a lane that was shifted would be known by where its onsets lie from its own start.

use super::hearing::stretch;
use crate::{
    dataset::{Batches, augment::Crop},
    reward::melody_sounds,
};
use music::{
    grid::FRAMES_PER_BEAT,
    harmony::{ChordFrame, sounding},
};
use rand::Rng;

/// A batch for a judge; all crops are of equal length.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Melodies with the chords that humans set to them.
    pub real: Vec<Crop>,
    /// Melodies with other chords.
    pub fake: Vec<Crop>,
}

/// Frames by which crops are drawn longer than pairs: the longest shift, a bar of common time.
pub const SLACK: usize = 16;

/// Times that a batch is drawn again for lack of usable crops.
const ROUNDS: u64 = 4;

/// Whether a crop has something to judge: at least a quarter of its frames sound in either lane, and a source
/// says what the chord is in at least half. Others are left out of training and measurement.
pub fn is_usable(crop: &Crop) -> bool {
    let notes = melody_sounds(&crop.melody).iter().filter(|sounds| **sounds).count();
    let chords = sounding(&crop.chords).iter().flatten().count();
    let known = crop.annotated.iter().filter(|known| **known).count();
    4 * notes >= crop.len() && 4 * chords >= crop.len() && 2 * known >= crop.len() && !crop.is_empty()
}

/// Usable crops of batch `number`, `num` at most; fewer where songs are too silent.
pub fn draw(batches: &Batches, number: u64, num: usize) -> Vec<Crop> {
    let mut crops = Vec::new();
    for round in 0..ROUNDS {
        crops.extend(batches.crops(number | round << 48).into_iter().filter(is_usable));
        if crops.len() >= num {
            break;
        }
    }
    crops.truncate(num);
    crops
}

/// A real pair of `len` frames out of a crop that is longer by [`SLACK`].
pub fn real(crop: &Crop, len: usize, rng: &mut impl Rng) -> Crop {
    let from = rng.random_range(0..=SLACK);
    stretch(crop, from, from, len)
}

/// A fake pair with the melody of crop `n`: re-paired (one in two), transposed (one in four, where pitch is
/// heard) or shifted.
pub fn fake(crops: &[Crop], n: usize, len: usize, rhythm_only: bool, rng: &mut impl Rng) -> Crop {
    let way = rng.random_range(0..4);
    if way < 2 && crops.len() > 1 {
        let other = (n + rng.random_range(1..crops.len())) % crops.len();
        return repaired(&real(&crops[n], len, rng), &real(&crops[other], len, rng));
    }
    if way == 2 && !rhythm_only {
        return transposed(&real(&crops[n], len, rng), rng.random_range(1..12));
    }
    let beats = FRAMES_PER_BEAT as usize;
    let by = if rng.random_bool(0.5) {
        rng.random_range(1..beats)
    } else {
        beats * rng.random_range(1..=SLACK / beats)
    };
    let from = rng.random_range(0..=SLACK - by);
    let (melody, chords) = if rng.random_bool(0.5) { (from + by, from) } else { (from, from + by) };
    stretch(&crops[n], melody, chords, len)
}

/// One crop's melody over another's chords.
pub fn repaired(crop: &Crop, other: &Crop) -> Crop {
    Crop { chords: other.chords.clone(), annotated: other.annotated.clone(), ..crop.clone() }
}

/// The chords alone moved up: they have no register that would give them away.
pub fn transposed(crop: &Crop, semitones: i32) -> Crop {
    let mut moved = crop.clone();
    for frame in &mut moved.chords {
        if let ChordFrame::Onset(chord) = frame {
            *chord = chord.transposed(semitones);
        }
    }
    moved
}

/// One chord, the one that starts nearest to the middle, moved up by a tritone.
pub fn replaced(crop: &Crop) -> Crop {
    let mut other = crop.clone();
    let middle = crop.len() / 2;
    let onset = |t: &usize| matches!(crop.chords[*t], ChordFrame::Onset(_));
    let place = (0..crop.len()).filter(onset).min_by_key(|t| t.abs_diff(middle));
    if let Some(frame) = place.map(|t| &mut other.chords[t])
        && let ChordFrame::Onset(chord) = frame
    {
        *chord = chord.transposed(6);
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::rollout;
    use music::notation::parse_chords;
    use rand::SeedableRng;

    fn tune(chord: &str) -> Crop {
        let melody = "C4 - E4 - ".repeat(12);
        rollout(&melody, &format!("{chord} - - - ").repeat(12))
    }

    #[test]
    fn silent_and_unknown_crops_are_left_out() {
        let crop = tune("C");
        assert!(is_usable(&crop));
        assert!(!is_usable(&Crop { annotated: vec![false; 48], ..crop.clone() }));
        assert!(!is_usable(&Crop { chords: vec![ChordFrame::Silence; 48], ..crop.clone() }));
        assert!(!is_usable(&Crop { melody: vec![Default::default(); 48], ..crop }));
        assert!(!is_usable(&Crop::default()));
    }

    #[test]
    fn fakes_are_what_they_say() {
        let crops = [tune("C"), tune("F#m")];
        let (mut repairs, mut moves, mut shifts) = (0, 0, 0);
        for seed in 0..400 {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let pair = fake(&crops, 0, 32, false, &mut rng);
            assert_eq!((pair.len(), pair.chords.len()), (32, 32));
            let names: Vec<_> = sounding(&pair.chords).into_iter().flatten().collect();
            assert_eq!(names.len(), 32);
            let of = |name: &str| match parse_chords(name).unwrap()[0] {
                ChordFrame::Onset(chord) => chord,
                _ => unreachable!(),
            };
            if names[0] == of("F#m") {
                repairs += 1;
            } else if names[0] == of("C") {
                shifts += 1;
            } else {
                assert_eq!(names[0].quality, of("C").quality);
                moves += 1;
            }
        }
        // Of 400, a half, a quarter and a quarter.
        assert!((170..230).contains(&repairs) && (70..130).contains(&moves) && (70..130).contains(&shifts));
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let deaf: Vec<_> = (0..50).map(|_| fake(&crops, 0, 32, true, &mut rng)).collect();
        assert!(deaf.iter().all(|c| sounding(&c.chords)[0].unwrap().root.semitones().is_multiple_of(6)));
    }

    #[test]
    fn one_chord_is_replaced_and_no_more() {
        let crop = rollout("C4 - - - - - - -", "C - - F - - G -");
        assert_eq!(replaced(&crop).chords, parse_chords("C - - B - - G -").unwrap());
        assert_eq!(transposed(&crop, 2).chords, parse_chords("D - - G - - A -").unwrap());
        assert_eq!(transposed(&crop, 2).melody, crop.melody);
    }
}
