//! How far voices move from one voicing to the next. Pure.

use music::pitch::Pitch;

/// Semitones that the voices move, each to one of the other voicing without crossing another. Where one voicing has
/// more voices, those over come out of their nearest neighbour, or go into it, in the way that moves least.
pub fn motion(from: &[Pitch], to: &[Pitch]) -> i32 {
    let (fewer, more) = if from.len() < to.len() { (from, to) } else { (to, from) };
    let over = |key: Pitch| fewer.iter().map(|other| distance(key, *other)).min().unwrap_or(0);
    in_order(fewer, more, &over)
}

/// Pairs from low to high. At most ten ways, for voicings have at most five voices.
fn in_order(fewer: &[Pitch], more: &[Pitch], over: &impl Fn(Pitch) -> i32) -> i32 {
    let (Some((a, fewer_left)), Some((b, more_left))) = (fewer.split_first(), more.split_first()) else {
        return more.iter().map(|key| over(*key)).sum();
    };
    let paired = distance(*a, *b) + in_order(fewer_left, more_left, over);
    if fewer.len() < more.len() { paired.min(over(*b) + in_order(fewer, more_left, over)) } else { paired }
}

pub(super) fn distance(a: Pitch, b: Pitch) -> i32 {
    (i32::from(a.midi()) - i32::from(b.midi())).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_paired_from_low_to_high() {
        let check = |from: &[u8], to: &[u8], expected| {
            let keys = |keys: &[u8]| keys.iter().map(|key| Pitch::new(*key).unwrap()).collect::<Vec<_>>();
            let (from, to) = (keys(from), keys(to));
            assert_eq!(motion(&from, &to), expected, "{from:?} to {to:?}");
            assert_eq!(motion(&to, &from), expected, "{to:?} to {from:?}");
        };
        check(&[60, 64, 67], &[60, 65, 69], 3);
        check(&[60, 64, 67], &[64, 67, 72], 4 + 3 + 5);
        check(&[60, 64, 67], &[59, 62, 65, 67], 1 + 2 + 1);
        check(&[60, 64, 67], &[64, 70], 4 + 3);
        check(&[], &[64, 70], 0);
    }
}
