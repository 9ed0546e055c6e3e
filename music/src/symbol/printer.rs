//! From chords to text: musicians' symbols and Harte labels, with note names that suit the key.
//! Allocates, so never for the audio thread; no I/O.

use crate::{
    chord::{Chord, Quality},
    pitch::PitchClass,
};

/// How the five black keys are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// As lead sheets mostly do where no key is known: D♭ E♭ F♯ A♭ B♭, but C♯ and G♯ for chords with a minor third.
    #[default]
    Common,
    /// All flat.
    Flats,
    /// All sharp.
    Sharps,
}

impl Spelling {
    /// What the key signature of a key asks for; C major and A minor ask for nothing.
    pub const fn in_key(tonic: PitchClass, minor: bool) -> Self {
        let major = if minor { tonic.transposed(3) } else { tonic };
        match major.semitones() {
            0 => Self::Common,
            1 | 3 | 5 | 8 | 10 => Self::Flats,
            _ => Self::Sharps,
        }
    }

    const fn names(self) -> [&'static str; 12] {
        match self {
            Self::Common => ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"],
            Self::Flats => ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"],
            Self::Sharps => ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"],
        }
    }

    /// The root's name, which in [`Spelling::Common`] depends on the chord's third.
    fn root(self, chord: Chord) -> &'static str {
        let tones = chord.quality.pitch_classes();
        let minor = tones.contains(PitchClass::new(3)) && !tones.contains(PitchClass::new(4));
        match (self, chord.root.semitones()) {
            (Self::Common, 1 | 8) if minor => note_name(chord.root, Self::Sharps),
            _ => note_name(chord.root, self),
        }
    }
}

/// A pitch class's name, with `b` and `#`.
pub const fn note_name(class: PitchClass, spelling: Spelling) -> &'static str {
    spelling.names()[class.semitones() as usize]
}

/// The chord's symbol, as in "Am7/G". The bass is named as a degree of the root (A/C#, never A/Db),
/// or in the given spelling where that name would be a double accidental or a white key's odd name.
pub fn print(chord: Chord, spelling: Spelling) -> String {
    let root = spelling.root(chord);
    let quality = chord.quality.row().symbol;
    if chord.bass == chord.root {
        format!("{root}{quality}")
    } else {
        let bass = bass_name(chord, root).unwrap_or_else(|| note_name(chord.bass, spelling).to_owned());
        format!("{root}{quality}/{bass}")
    }
}

/// The symbol with typeset signs, for pictures and the editor: ♭ ♯, Δ for a major seventh, ø for m7b5, ° for dim.
/// The parser reads it.
pub fn print_pretty(chord: Chord, spelling: Spelling) -> String {
    let plain = print(chord, spelling);
    let root = spelling.root(chord);
    let rest = &plain[root.len() + chord.quality.row().symbol.len()..];
    let quality = match chord.quality.row().symbol {
        "maj7" => "Δ7",
        "maj9" => "Δ9",
        "m7b5" => "ø7",
        "dim" => "°",
        "dim7" => "°7",
        other => other,
    };
    format!("{root}{quality}{rest}").replace('b', "♭").replace('#', "♯")
}

/// The chord's Harte label, `ROOT:QUALITY[/DEGREE]`, as in "A:min7/b7".
pub fn harte(chord: Chord, spelling: Spelling) -> String {
    let root = spelling.root(chord);
    let quality = chord.quality.row().name;
    match chord.bass.above(chord.root) {
        0 => format!("{root}:{quality}"),
        interval => format!("{root}:{quality}/{}", degree(interval, chord.quality).1),
    }
}

/// The scale degree (1..=7) that an interval above the root is in a chord of this quality, and its name.
fn degree(interval: u8, quality: Quality) -> (u8, &'static str) {
    let tones = quality.pitch_classes();
    let augmented = tones.contains(PitchClass::new(8)) && !tones.contains(PitchClass::new(7));
    match interval % 12 {
        0 => (1, "1"),
        1 => (2, "b2"),
        2 => (2, "2"),
        3 => (3, "b3"),
        4 => (3, "3"),
        5 => (4, "4"),
        6 => (5, "b5"),
        7 => (5, "5"),
        8 if augmented => (5, "#5"),
        8 => (6, "b6"),
        9 => (6, "6"),
        10 => (7, "b7"),
        _ => (7, "7"),
    }
}

/// The bass named by its degree above a root of this name; `None` where that is no everyday name.
fn bass_name(chord: Chord, root: &str) -> Option<String> {
    const LETTERS: &[u8; 7] = b"CDEFGAB";
    const NATURALS: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
    let (degree, _) = degree(chord.bass.above(chord.root), chord.quality);
    let root_idx = LETTERS.iter().position(|l| root.as_bytes().first() == Some(l))?;
    let idx = (root_idx + usize::from(degree) - 1) % LETTERS.len();
    let letter = char::from(LETTERS[idx]);
    match (chord.bass.above(PitchClass::new(NATURALS[idx])), letter) {
        (0, _) => Some(letter.to_string()),
        (1, 'C' | 'D' | 'F' | 'G' | 'A') => Some(format!("{letter}#")),
        (11, 'D' | 'E' | 'G' | 'A' | 'B') => Some(format!("{letter}b")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::parse;

    fn every_chord() -> impl Iterator<Item = Chord> {
        Quality::all().flat_map(|quality| {
            PitchClass::all()
                .flat_map(move |root| PitchClass::all().map(move |bass| Chord::new(root, quality).over(bass)))
        })
    }

    #[test]
    fn whatever_is_printed_parses_to_the_same_chord() {
        let printers = [print, print_pretty, harte];
        for chord in every_chord() {
            for spelling in [Spelling::Common, Spelling::Flats, Spelling::Sharps] {
                for printer in printers {
                    let text = printer(chord, spelling);
                    assert_eq!(parse(&text), Ok(Some(chord)), "{text}");
                }
            }
        }
    }

    #[test]
    fn symbols_are_spelled_as_musicians_do() {
        let check = |harte_label: &str, spelling, expected: &str, pretty: &str| {
            let chord = parse(harte_label).unwrap().unwrap();
            assert_eq!(print(chord, spelling), expected);
            assert_eq!(print_pretty(chord, spelling), pretty);
        };
        check("A:min7/b7", Spelling::Common, "Am7/G", "Am7/G");
        check("A:maj/3", Spelling::Flats, "A/C#", "A/C♯");
        check("C#:maj", Spelling::Common, "Db", "D♭");
        check("Db:min", Spelling::Common, "C#m", "C♯m");
        check("Db:min", Spelling::Flats, "Dbm", "D♭m");
        check("F#:hdim7", Spelling::Common, "F#m7b5", "F♯ø7");
        check("F#:maj", Spelling::Flats, "Gb", "G♭");
        check("Bb:maj7", Spelling::Common, "Bbmaj7", "B♭Δ7");
        check("B:dim7", Spelling::Common, "Bdim7", "B°7");
        check("Eb:7(b9)", Spelling::Common, "Eb7b9", "E♭7♭9");
        check("Bb:7/b7", Spelling::Common, "Bb7/Ab", "B♭7/A♭");
        check("C:aug/#5", Spelling::Common, "Caug/G#", "Caug/G♯");
        check("D:maj/b2", Spelling::Common, "D/Eb", "D/E♭");
        // D♭ over its own minor third would be F♭, which nobody writes.
        check("Db:min/b3", Spelling::Flats, "Dbm/E", "D♭m/E");
    }

    #[test]
    fn keys_choose_their_accidentals() {
        let of = |key: i32, minor| Spelling::in_key(PitchClass::new(key), minor);
        assert_eq!(of(0, false), Spelling::Common);
        assert_eq!(of(9, true), Spelling::Common);
        assert_eq!(of(5, false), Spelling::Flats);
        assert_eq!(of(2, true), Spelling::Flats);
        assert_eq!(of(7, false), Spelling::Sharps);
        assert_eq!(of(4, true), Spelling::Sharps);
        assert_eq!(of(6, false), Spelling::Sharps);
        assert_eq!(note_name(PitchClass::new(10), of(2, true)), "Bb");
    }

    #[test]
    fn a_chord_displays_as_its_symbol() {
        assert_eq!(format!("{:>6}|", Chord::new(PitchClass::new(9), Quality::MINOR)), "    Am|");
    }
}
