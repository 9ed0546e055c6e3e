//! ABC keys: which letters a key signature raises and lowers. Pure.

/// Semitones by which each letter is moved, A first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key([i32; 7]);

/// The order in which sharps are added to a signature.
const SHARPS: [char; 7] = ['F', 'C', 'G', 'D', 'A', 'E', 'B'];

impl Key {
    /// Semitones by which this letter (`'A'..='G'`) is moved.
    pub fn accidental(&self, letter: char) -> i32 {
        index(letter).map_or(0, |idx| self.0[idx])
    }

    /// The key of a `K:` field: `D`, `Bb`, `F#m`, `A mix`, `Edor`, `G =f ^c`, `D exp _b`, `none`, `Hp`. `None` where the
    /// field names no key (it may set a clef alone).
    pub fn parse(field: &str) -> Option<Self> {
        let mut words = field.split_whitespace().filter(|word| !word.contains('=') || is_accidental(word));
        let first = words.next()?;
        let mut key = match first {
            "none" => Self::default(),
            "HP" | "Hp" => Self::signature(2),
            _ if is_accidental(first) => Self::default().altered(first),
            _ => {
                let tonic = first.chars().next()?;
                let on_line = SHARPS.iter().position(|sharp| *sharp == tonic)? as i32 - 1;
                let (sign, rest) = match first[1..].chars().next() {
                    Some('#') => (7, &first[2..]),
                    Some('b') => (-7, &first[2..]),
                    _ => (0, &first[1..]),
                };
                let mut mode = rest.to_owned();
                if mode.is_empty() {
                    let mut peek = words.clone();
                    if let Some(word) =
                        peek.next().filter(|word| is_explicit(word) || mode_fifths(word).is_some())
                    {
                        mode = word.to_owned();
                        words = peek;
                    }
                }
                // The mode may have accidentals glued to it: `Dm^c`.
                let glued = mode.find(['^', '_', '=']).unwrap_or(mode.len());
                let key = match &mode[..glued] {
                    mode if is_explicit(mode) => Self::default(),
                    mode => Self::signature(on_line + sign + mode_fifths(mode)?),
                };
                key.altered(&mode[glued..])
            }
        };
        for word in words.filter(|word| is_accidental(word)) {
            key = key.altered(word);
        }
        Some(key)
    }

    /// The signature with so many sharps, or flats where negative.
    fn signature(sharps: i32) -> Self {
        let mut key = Self::default();
        for step in 0..sharps.abs().min(14) {
            let at = if sharps > 0 { step % 7 } else { 6 - step % 7 };
            if let Some(idx) = index(SHARPS[at as usize]) {
                key.0[idx] += sharps.signum();
            }
        }
        key
    }

    /// With accidentals like `^f_b=c` set.
    fn altered(mut self, text: &str) -> Self {
        let mut by = 0;
        for c in text.chars() {
            match c {
                '^' => by += 1,
                '_' => by -= 1,
                '=' => by = 0,
                letter => {
                    if let Some(idx) = index(letter.to_ascii_uppercase()) {
                        self.0[idx] = by;
                    }
                    by = 0;
                }
            }
        }
        self
    }
}

fn index(letter: char) -> Option<usize> {
    ('A'..='G').position(|l| l == letter)
}

/// Whether the accidentals that follow are all there are.
fn is_explicit(mode: &str) -> bool {
    mode.eq_ignore_ascii_case("exp")
}

fn is_accidental(word: &str) -> bool {
    word.starts_with(['^', '_', '=']) && word.len() <= 14 && !word.contains(|c: char| c.is_ascii_digit())
}

/// How many fifths a mode's signature lies from that of the major key with the same tonic.
fn mode_fifths(mode: &str) -> Option<i32> {
    let mode = mode.to_ascii_lowercase();
    let short = mode.get(..3).unwrap_or(&mode);
    Some(match short {
        "" | "maj" | "ion" => 0,
        "m" | "min" | "aeo" => -3,
        "mix" => -1,
        "dor" => -2,
        "phr" => -4,
        "lyd" => 1,
        "loc" => -5,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature as letters: `F# C#`.
    fn check(field: &str, expected: &str) {
        let Some(key) = Key::parse(field) else {
            assert_eq!("no key", expected, "{field}");
            return;
        };
        let letters = SHARPS.iter().filter(|l| key.accidental(**l) != 0);
        let names = letters.map(|l| format!("{l}{}", if key.accidental(*l) > 0 { '#' } else { 'b' }));
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected, "{field}");
    }

    #[test]
    fn keys_have_their_signatures() {
        check("C", "");
        check("D", "F# C#");
        check("Bb", "Eb Bb");
        check("F#m", "F# C# G#");
        check("Am", "");
        check("A mix", "F# C#");
        check("ADor", "F#");
        check("E dorian", "F# C#");
        check("Dm^c", "C# Bb");
        check("GLyd =f", "C#");
        check("none", "");
        check("Hp", "F# C#");
        check("D clef=bass", "F# C#");
        check("D exp _b ^f", "F# Bb");
        check("Dexp ^f", "F#");
        check("Ebminor", "Cb Gb Db Ab Eb Bb");
        check("^f _b", "F# Bb");
        check("clef=treble", "no key");
        check("H", "no key");
        check("", "no key");
    }
}
