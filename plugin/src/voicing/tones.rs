//! Which of a chord's tones the hands are asked for, and which of them they need most. Pure.

use super::{Arrangement, Bass, Inversion, MAX_VOICES};
use music::{
    chord::Chord,
    pitch::{PitchClass, PitchClassSet},
};

/// What a tone does in its chord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Says major or minor; the fourth or second of a chord that suspends it.
    Third,
    /// The seventh, or the sixth of a chord without one.
    Seventh,
    /// The root.
    Root,
    /// What makes the chord a special one: an altered fifth, a ninth, a thirteenth.
    Colour,
    /// The perfect fifth, which nobody misses.
    Fifth,
}

/// What `tone` does in `chord`, of which it is one.
pub(super) fn role(chord: Chord, tone: PitchClass) -> Role {
    let has = |interval| chord.pitch_classes().contains(chord.root.transposed(interval));
    match tone.above(chord.root) {
        0 => Role::Root,
        4 => Role::Third,
        3 if !has(4) => Role::Third,
        5 if !has(3) && !has(4) => Role::Third,
        2 if !has(3) && !has(4) && !has(5) => Role::Third,
        10 | 11 => Role::Seventh,
        9 if !has(10) && !has(11) => Role::Seventh,
        7 => Role::Fifth,
        _ => Role::Colour,
    }
}

/// How many voices the hands of a chord have: the player's number, else the chord's tones within the style's bounds.
pub fn num_voices(chord: Chord, arrangement: &Arrangement) -> usize {
    let rule = arrangement.style.rule();
    match arrangement.voices {
        Some(num) => usize::from(num).clamp(2, MAX_VOICES),
        None => (chord.pitch_classes().len() as usize).clamp(rule.fewest, rule.most),
    }
}

/// The tones the hands are asked for, each of which then sounds at least once: all of the chord's, or for the power
/// style its root and fifth, as far as there are voices. Where there are too few, the perfect fifth is left out
/// first; then the root, if the bass plays it and the player does not wish it lowest; then the colours, the ninth
/// before others; the third and the seventh never, if there are two voices.
pub fn asked(chord: Chord, arrangement: &Arrangement) -> PitchClassSet {
    most_needed(chord, arrangement, num_voices(chord, arrangement))
}

/// The `num` tones needed most, or all if there are fewer.
pub(super) fn most_needed(chord: Chord, arrangement: &Arrangement, num: usize) -> PitchClassSet {
    const ROOT_FIRST: [Role; 5] = [Role::Third, Role::Seventh, Role::Root, Role::Colour, Role::Fifth];
    const COLOUR_FIRST: [Role; 5] = [Role::Third, Role::Seventh, Role::Colour, Role::Root, Role::Fifth];
    let intervals = chord.quality.row().intervals;
    let order = if bass_plays_root(chord, arrangement) && arrangement.inversion != Inversion::Root {
        COLOUR_FIRST
    } else {
        ROOT_FIRST
    };
    let tones = |role_asked| {
        let tones = intervals.iter().rev().map(|interval| chord.root.transposed(i32::from(*interval)));
        tones.filter(move |tone| role(chord, *tone) == role_asked)
    };
    if arrangement.style.rule().bare {
        let fifth = [7, 6, 8].into_iter().find(|interval| intervals.contains(interval));
        let bare = [Some(0), fifth].into_iter().flatten();
        return bare.take(num).fold(PitchClassSet::EMPTY, |set, interval| {
            set.with(chord.root.transposed(i32::from(interval)))
        });
    }
    order.into_iter().flat_map(tones).take(num).fold(PitchClassSet::EMPTY, PitchClassSet::with)
}

/// The tone the player wishes lowest, of `tones`.
pub(super) fn wished_lowest(chord: Chord, inversion: Inversion, tones: PitchClassSet) -> Option<PitchClass> {
    let is_it = |tone: &PitchClass| match inversion {
        Inversion::Nearest => false,
        Inversion::Root => *tone == chord.root,
        Inversion::First => role(chord, *tone) == Role::Third,
        Inversion::Second => matches!(tone.above(chord.root), 6..=8),
    };
    tones.iter().find(is_it)
}

fn bass_plays_root(chord: Chord, arrangement: &Arrangement) -> bool {
    match arrangement.bass {
        Bass::Off => false,
        Bass::Root | Bass::Octave => true,
        Bass::Slash | Bass::Walking => chord.bass == chord.root,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voicing::Style;
    use music::symbol;

    #[test]
    fn the_tones_musicians_would_name() {
        #[rustfmt::skip]
        let rows: &[(&str, Style, Option<u8>, Bass, &str)] = &[
            ("C",     Style::Close,   None,    Bass::Slash, "C E G"),
            ("C5",    Style::Close,   None,    Bass::Slash, "C G"),
            ("C9",    Style::Close,   None,    Bass::Slash, "C D E G Bb"),
            ("C13",   Style::Close,   None,    Bass::Slash, "C D E A Bb"),
            ("C",     Style::Close,   Some(5), Bass::Slash, "C E G"),
            ("C",     Style::Close,   Some(2), Bass::Slash, "C E"),
            ("C7",    Style::Close,   Some(3), Bass::Slash, "C E Bb"),
            ("C7",    Style::Close,   Some(2), Bass::Off,   "E Bb"),
            ("C9",    Style::DropTwo, None,    Bass::Root,  "C D E Bb"),
            ("C9",    Style::Open,    Some(3), Bass::Root,  "D E Bb"),
            ("C9",    Style::Open,    Some(3), Bass::Off,   "C E Bb"),
            ("C9/D",  Style::Open,    Some(3), Bass::Slash, "C E Bb"),
            ("C13",   Style::Spread,  Some(3), Bass::Slash, "E A Bb"),
            ("C7#9",  Style::Close,   Some(3), Bass::Slash, "D# E Bb"),
            ("C7#5",  Style::Close,   Some(3), Bass::Slash, "E G# Bb"),
            ("Cm7b5", Style::Close,   Some(3), Bass::Off,   "C Eb Bb"),
            ("Cdim7", Style::Shell,   None,    Bass::Slash, "Eb A"),
            ("C7sus4", Style::Shell,  None,    Bass::Slash, "F Bb"),
            ("C6",    Style::Shell,   None,    Bass::Slash, "E A"),
            ("Cm",    Style::Shell,   None,    Bass::Off,   "C Eb"),
            ("Csus2", Style::Shell,   None,    Bass::Slash, "C D"),
            ("Cadd9", Style::DropTwo, Some(3), Bass::Off,   "C D E"),
            ("Cmaj7", Style::Power,   None,    Bass::Slash, "C G"),
            ("Cdim7", Style::Power,   Some(4), Bass::Slash, "C Gb"),
        ];
        for (text, style, voices, bass, expected) in rows {
            let chord = symbol::parse(text).unwrap().unwrap();
            let arrangement =
                Arrangement { style: *style, voices: *voices, bass: *bass, ..Arrangement::default() };
            let expected = expected
                .split(' ')
                .map(|name| symbol::parse(name).unwrap().unwrap().root)
                .fold(PitchClassSet::EMPTY, PitchClassSet::with);
            assert_eq!(asked(chord, &arrangement), expected, "{text} {style:?} {voices:?} {bass:?}");
        }
    }
}
