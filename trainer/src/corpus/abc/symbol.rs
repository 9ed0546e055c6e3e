//! The dialect of chord symbols in tune books, brought to the one that `music::symbol` reads. Pure.

use music::{chord::Chord, symbol};

/// What a quoted text in a tune says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// A chord, or an explicit "no chord".
    Symbol(Option<Chord>),
    /// Something else.
    Annotation,
}

/// Reads the text between quotes. Text placed by `^ _ < > @` and words that are no chord are annotations. A chord
/// in parentheses is one that may be played, and is; of several in one text the first counts. Besides the common
/// spellings: `Gd` is diminished, `D/f+` is over F sharp.
pub fn read(text: &str) -> Quoted {
    let text = text.trim();
    if text.starts_with(['^', '_', '<', '>', '@']) {
        return Quoted::Annotation;
    }
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    // `A7(b9)` is one chord, `Am(C)` and `G; D` are two.
    let first = text.split([';', ',', ' ', '(']).next().unwrap_or(text);
    for candidate in [text, first] {
        if let Ok(chord) = symbol::parse(&common_spelling(candidate)) {
            return Quoted::Symbol(chord);
        }
    }
    Quoted::Annotation
}

fn common_spelling(text: &str) -> String {
    let (chord, bass) = match text.split_once('/') {
        Some((chord, bass)) => (chord, Some(bass)),
        None => (text, None),
    };
    let mut out = match chord.strip_suffix('d') {
        Some(root) if is_note(root) => format!("{root}dim"),
        _ => chord.to_owned(),
    };
    if let Some(bass) = bass {
        let mut letters = bass.trim().chars();
        out.push('/');
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.extend(letters.map(|c| if c == '+' { '#' } else { c }));
    }
    out
}

fn is_note(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| ('A'..='G').contains(&c)) && letters.all(|c| matches!(c, '#' | 'b'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialect_is_understood() {
        let check = |text: &str, expected: &str| {
            let expected = match symbol::parse(expected) {
                Ok(chord) => Quoted::Symbol(chord),
                Err(_) => Quoted::Annotation,
            };
            assert_eq!(read(text), expected, "{text}");
        };
        check("Am", "Am");
        check("D/f+", "D/F#");
        check("Gm/bb", "Gm/Bb");
        check("D#d", "D#dim");
        check("A7/c#", "A7/C#");
        check("N.C.", "N");
        check("G; D", "G");
        check("^slowly", "?");
        check("(G)", "G");
        check("G(Em)", "G");
        check("A7(b9)", "A7b9");
        check("Presto", "?");
        check("1", "?");
        check("", "?");
    }
}
