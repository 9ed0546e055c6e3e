//! From text to chords. Two grammars: a label with a colon is Harte's (`ROOT:QUALITY(EXTRAS)/DEGREE`), any other is
//! a musician's symbol. A quality that is no row of the table becomes the nearest row. No I/O.

use crate::{
    chord::{Chord, QUALITIES, Quality},
    pitch::{PitchClass, PitchClassSet},
};

/// Why a text is no chord symbol; each names the text and the part at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SymbolError {
    /// Nothing stands there.
    #[error("there is no chord symbol: write one like Am7, or N for no chord")]
    Empty,
    /// It does not begin with a note.
    #[error("`{symbol}` does not begin with a note: write a root A to G with # or b, or N for no chord")]
    NoRoot {
        /// The whole text.
        symbol: String,
    },
    /// What follows the root is no quality.
    #[error("`{quality}` in `{symbol}` is no known quality: write one like m7, maj7 or 7b9")]
    UnknownQuality {
        /// The whole text.
        symbol: String,
        /// The part between root and bass, or what of it could not be read.
        quality: String,
    },
    /// What follows the slash is no bass.
    #[error("`{bass}` in `{symbol}` is no bass: write a note like G, or after a colon a degree like b7")]
    UnknownBass {
        /// The whole text.
        symbol: String,
        /// The part after the slash.
        bass: String,
    },
}

/// Qualities that are read but are no rows of the table: Harte shorthand ("" if none), symbols, intervals.
const BEYOND_THE_TABLE: &[(&str, &[&str], &[u8])] = &[
    ("1", &[], &[0]),
    ("11", &["11"], &[0, 2, 4, 5, 7, 10]),
    ("maj11", &["maj11", "M11", "Maj11"], &[0, 2, 4, 5, 7, 11]),
    ("min11", &["m11", "-11"], &[0, 2, 3, 5, 7, 10]),
    ("maj13", &["maj13", "M13", "Maj13", "ma13"], &[0, 2, 4, 7, 9, 11]),
    ("min13", &["m13", "-13"], &[0, 2, 3, 7, 9, 10]),
    ("hdim9", &["m9b5", "ø9"], &[0, 2, 3, 6, 10]),
    ("minmaj9", &["mMaj9", "mM9", "m(maj9)"], &[0, 2, 3, 7, 11]),
    ("", &["6/9", "69", "6(9)"], &[0, 2, 4, 7, 9]),
    ("", &["m6/9", "m69", "m6(9)"], &[0, 2, 3, 7, 9]),
    ("", &["9sus4", "9sus"], &[0, 2, 5, 7, 10]),
    ("", &["13sus4", "13sus"], &[0, 2, 5, 7, 9, 10]),
    ("", &["9#5", "+9", "aug9"], &[0, 2, 4, 8, 10]),
    ("", &["7alt", "alt"], &[0, 1, 3, 4, 8, 10]),
];

/// Which of the two ways of writing a text follows.
#[derive(Clone, Copy, PartialEq)]
enum Grammar {
    /// Corpora: `9(b9)` keeps the natural ninth and `7` is the major seventh.
    Harte,
    /// Musicians: b9 replaces the ninth and 7 is the minor seventh.
    Symbol,
}

/// Reads a musician's symbol ("F#m7b5", "B♭7/D", "C") or a Harte label ("F#:hdim7", "Bb:7/3");
/// "N", "NC" and "N.C." are `None`, no chord.
///
/// # Errors
/// The first part that cannot be read.
pub fn parse(text: &str) -> Result<Option<Chord>, SymbolError> {
    let symbol = plain_signs(text.trim());
    match symbol.as_str() {
        "" => return Err(SymbolError::Empty),
        "N" | "NC" | "N.C." | "N.C" => return Ok(None),
        _ => {}
    }
    let (root, rest) = note(&symbol).ok_or_else(|| SymbolError::NoRoot { symbol: symbol.clone() })?;
    let (quality, bass, grammar) = match rest.strip_prefix(':') {
        Some(label) => {
            let (quality, bass) = label.split_once('/').map_or((label, None), |(q, b)| (q, Some(b)));
            (quality, bass, Grammar::Harte)
        }
        None => {
            let (quality, bass) = split_slash_bass(rest);
            (quality, bass, Grammar::Symbol)
        }
    };
    let intervals = intervals(quality, grammar)
        .map_err(|part| SymbolError::UnknownQuality { symbol: symbol.clone(), quality: part.to_owned() })?;
    let chord = Chord::new(root, Quality::exact(intervals).unwrap_or_else(|| Quality::nearest(intervals)));
    let Some(bass) = bass else { return Ok(Some(chord)) };
    // A bare root is a Harte label too, so "C/b7" means its seventh; after a quality only a note is a bass.
    let degrees_allowed = grammar == Grammar::Harte || quality.is_empty();
    match (note(bass), degree(bass, Grammar::Harte)) {
        (Some((class, "")), _) => Ok(Some(chord.over(class))),
        (_, Some(interval)) if degrees_allowed => Ok(Some(chord.over(root.transposed(i32::from(interval))))),
        _ => Err(SymbolError::UnknownBass { bass: bass.to_owned(), symbol }),
    }
}

/// Pitch classes above the root of a Harte quality without its bass: "min7", "sus4(b7,9)", "9(b5,13,*5)".
///
/// # Errors
/// The part that cannot be read; it stands for the symbol as well.
pub fn harte_intervals(quality: &str) -> Result<PitchClassSet, SymbolError> {
    intervals(quality, Grammar::Harte)
        .map_err(|part| SymbolError::UnknownQuality { symbol: quality.to_owned(), quality: part.to_owned() })
}

/// The text with each typeset sign replaced by the plain one that the tables use.
fn plain_signs(text: &str) -> String {
    let plain = |sign| match sign {
        '♭' => 'b',
        '♯' => '#',
        '−' | '–' => '-',
        '△' | '∆' => 'Δ',
        'º' | '˚' => '°',
        'Ø' => 'ø',
        other => other,
    };
    text.chars().map(plain).collect()
}

/// A note name at the head of a text, and the rest.
fn note(text: &str) -> Option<(PitchClass, &str)> {
    split_note(text).map(|(natural, shift, rest)| (natural.transposed(shift), rest))
}

/// The natural at the head of a text, its accidentals in semitones, and the rest.
pub(crate) fn split_note(text: &str) -> Option<(PitchClass, i32, &str)> {
    let natural = match text.chars().next()? {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let (shift, rest) = accidentals(&text[1..]);
    Some((PitchClass::new(natural), shift, rest))
}

/// The accidentals at the head of a text, in semitones, and the rest.
fn accidentals(text: &str) -> (i32, &str) {
    let rest = text.trim_start_matches(['b', '#', '♭', '♯']);
    let signs = &text[..text.len() - rest.len()];
    (signs.chars().map(|sign| if matches!(sign, '#' | '♯') { 1 } else { -1 }).sum(), rest)
}

/// Splits a slash bass off, but not the nine of "6/9".
fn split_slash_bass(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('/') {
        Some((quality, "9")) if quality.ends_with('6') => (text, None),
        Some((quality, bass)) => (quality, Some(bass)),
        None => (text, None),
    }
}

/// The interval of a scale degree like "b7" or "13", in semitones below an octave.
fn degree(text: &str, grammar: Grammar) -> Option<u8> {
    let (shift, number) = accidentals(text);
    let natural = match number {
        "1" | "8" => 0,
        "2" | "9" => 2,
        "3" | "10" => 4,
        "4" | "11" => 5,
        "5" | "12" => 7,
        "6" | "13" => 9,
        "7" if grammar == Grammar::Symbol && shift == 0 => 10,
        "7" | "14" => 11,
        _ => return None,
    };
    Some(PitchClass::new(natural + shift).semitones())
}

/// Pitch classes of a quality above the root; the error is the part that could not be read.
fn intervals(quality: &str, grammar: Grammar) -> Result<PitchClassSet, &str> {
    let (mut set, extras) = match grammar {
        Grammar::Harte => {
            let (shorthand, extras) = quality.split_at(quality.find('(').unwrap_or(quality.len()));
            let bare_list = shorthand.is_empty() && !extras.is_empty();
            (harte_shorthand(if bare_list { "1" } else { shorthand }).ok_or(quality)?, extras)
        }
        Grammar::Symbol => longest_symbol(quality),
    };
    let mut rest = extras;
    while let Some((extra, behind)) = next_extra(rest, grammar) {
        set = with_extra(set, extra, grammar).ok_or(extra)?;
        rest = behind;
    }
    Ok(set)
}

/// The set of a Harte shorthand, without extras.
fn harte_shorthand(shorthand: &str) -> Option<PitchClassSet> {
    let ours = QUALITIES.iter().find(|row| row.name == shorthand).map(|row| row.intervals);
    let other = || BEYOND_THE_TABLE.iter().find(|(name, ..)| *name == shorthand && !name.is_empty());
    ours.or_else(|| other().map(|row| row.2)).map(PitchClassSet::from_intervals)
}

/// The longest known spelling at the head of a symbol's quality, and the rest. The empty one is major.
fn longest_symbol(quality: &str) -> (PitchClassSet, &str) {
    let ours = QUALITIES.iter().flat_map(|row| {
        row.aliases.iter().chain([&row.name, &row.symbol]).map(|text| (*text, row.intervals))
    });
    let beyond = BEYOND_THE_TABLE.iter().flat_map(|(_, texts, set)| texts.iter().map(|text| (*text, *set)));
    let found =
        ours.chain(beyond).filter(|(text, _)| quality.starts_with(text)).max_by_key(|(text, _)| text.len());
    let (text, set) = found.unwrap_or(("", Quality::MAJOR.row().intervals));
    (PitchClassSet::from_intervals(set), &quality[text.len()..])
}

/// The next extra of a list: whatever stands up to a comma or bracket in a Harte label; in a symbol, where extras
/// may stand side by side ("b9#11"), up to where the next one begins.
fn next_extra(text: &str, grammar: Grammar) -> Option<(&str, &str)> {
    let separators = ['(', ')', ',', ' '];
    let text = text.trim_start_matches(separators);
    if text.is_empty() {
        return None;
    }
    let mut end = text.find(separators).unwrap_or(text.len());
    if grammar == Grammar::Symbol {
        let after_digit = text.char_indices().zip(text.chars().skip(1));
        let seam = after_digit.filter(|((_, here), next)| here.is_ascii_digit() && !next.is_ascii_digit());
        end = end.min(seam.map(|((at, _), _)| at + 1).next().unwrap_or(end));
    }
    Some(text.split_at(end))
}

/// The set with one extra worked in: a degree added ("9", "add9"), altered ("b5", "#9") or left out ("*5", "no3").
fn with_extra(set: PitchClassSet, extra: &str, grammar: Grammar) -> Option<PitchClassSet> {
    let without = |set: PitchClassSet, gone: &[u8]| set.minus(PitchClassSet::from_intervals(gone));
    let add = |set: PitchClassSet, interval: u8| set.with(PitchClass::new(i32::from(interval)));
    if grammar == Grammar::Harte {
        if let Some(omitted) = extra.strip_prefix('*') {
            return Some(without(set, &[degree(omitted, grammar)?]));
        }
    } else {
        if let Some(omitted) = extra.strip_prefix("no").or_else(|| extra.strip_prefix("omit")) {
            // The third of a minor chord is called 3 as well.
            let gone: &[u8] = if omitted == "3" { &[3, 4] } else { &[degree(omitted, grammar)?] };
            return Some(without(set, gone));
        }
        match extra {
            "sus" | "sus4" => return Some(add(without(set, &[3, 4]), 5)),
            "sus2" => return Some(add(without(set, &[3, 4]), 2)),
            "maj7" | "M7" | "Maj7" => return Some(add(without(set, &[10]), 11)),
            _ => {}
        }
    }
    // Musicians also write 7-9 and 7+5.
    let signed = match (grammar, extra.as_bytes().first()) {
        (Grammar::Symbol, Some(b'-')) => format!("b{}", &extra[1..]),
        (Grammar::Symbol, Some(b'+')) => format!("#{}", &extra[1..]),
        (Grammar::Symbol, _) => extra.strip_prefix("add").unwrap_or(extra).to_owned(),
        (Grammar::Harte, _) => extra.to_owned(),
    };
    let interval = degree(&signed, grammar)?;
    let set = match (signed.as_str(), grammar) {
        ("b5" | "#5", _) => without(set, &[7]),
        ("b9" | "#9", Grammar::Symbol) => without(set, &[2]),
        _ => set,
    };
    Some(add(set, interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(text: &str) -> Chord {
        parse(text).unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|| panic!("{text} is no chord"))
    }

    fn row(text: &str) -> &'static str {
        chord(text).quality.row().name
    }

    #[test]
    fn every_spelling_in_the_table_is_its_own_row() {
        for quality in Quality::all() {
            let row = quality.row();
            for spelling in row.aliases.iter().chain([&row.name, &row.symbol]) {
                for root in ["C", "F#", "Bb"] {
                    assert_eq!(chord(&format!("{root}{spelling}")).quality, quality, "{root}{spelling}");
                }
            }
            assert_eq!(chord(&format!("Ab:{}", row.name)).quality, quality, "{}", row.name);
        }
    }

    #[test]
    fn symbols_beyond_the_table_become_the_nearest_row() {
        let check = |symbol: &str, expected: &str| assert_eq!(row(symbol), expected, "{symbol}");
        check("C6/9", "maj6");
        check("Cm6/9", "min6");
        check("C69/E", "maj6");
        check("Cm11", "min9");
        check("C9sus4", "sus4(b7)");
        check("C13b9", "7(b9)");
        check("C7b9#11", "7(b9)");
        check("C7(b9,#11)", "7(b9)");
        check("Cmaj7#11", "maj7");
        check("C9#5", "aug(b7)");
        check("C7alt", "aug(b7)");
        check("Cm(add9)", "min");
        check("Cm7-5", "hdim7");
        check("C7+5", "aug(b7)");
        check("C7(no3)", "5");
        check("Cm7(no5)", "min7");
        check("Cmaj7sus4", "sus4");
    }

    #[test]
    fn roots_basses_and_signs() {
        let check = |text: &str, root: i32, bass: i32| {
            let chord = chord(text);
            assert_eq!((chord.root, chord.bass), (PitchClass::new(root), PitchClass::new(bass)), "{text}");
        };
        check("Am7/G", 9, 7);
        check(" B♭7/D ", 10, 2);
        check("F♯ø", 6, 6);
        check("Cb", 11, 11);
        check("Ebb", 2, 2);
        check("C/b7", 0, 10);
        check("Db:maj/3", 1, 5);
        check("Db:maj/b2", 1, 2);
        check("G:7/F", 7, 5);
    }

    #[test]
    fn no_chord_is_none() {
        for text in ["N", "NC", "N.C.", " N "] {
            assert_eq!(parse(text), Ok(None));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let check = |text: &str, expected: &str| {
            let said = parse(text).expect_err(text).to_string();
            assert!(said.starts_with(expected), "{text}: {said}");
        };
        check("", "there is no chord symbol");
        check("H7", "`H7` does not begin with a note");
        check("c", "`c` does not begin with a note");
        check("♭", "`b` does not begin");
        check("Cfoo", "`foo` in `Cfoo` is no known quality");
        check("C7é", "`é` in `C7é` is no known quality");
        check("C:", "`` in `C:` is no known quality");
        check("C:7(b9,x)", "`x` in `C:7(b9,x)` is no known quality");
        check("C7/H", "`H` in `C7/H` is no bass");
        check("C7/", "`` in `C7/` is no bass");
        check("C7/3", "`3` in `C7/3` is no bass");
        check("C:7/b8x", "`b8x` in `C:7/b8x` is no bass");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "[A-GN]?[b#♭♯]{0,2}[:a-zA-Z0-9+°øΔ(),*/ #-]{0,10}", wild in ".{0,8}") {
            let _ = parse(&text);
            let _ = parse(&wild);
        }
    }
}
