//! ABC music code, read into words: notes, rests, bar lines, quoted text, inline fields. Knows no key, no
//! time. Pure; takes any text, since what it does not know it passes over as readers of ABC must.

/// A word of a music line.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// Notes struck together (one, mostly), with their length in unit notes.
    Notes(Vec<Written>, f64),
    /// A rest, with its length in unit notes.
    Rest(f64),
    /// A rest of so many bars.
    BarsRest(u32),
    /// The note before is tied to the next.
    Tie,
    /// `>` is positive, `<` negative, as often as written.
    Broken(i32),
    /// `(p:q:r`: p notes in the time of q for the next r; q and r where written.
    Tuplet(u32, Option<u32>, Option<u32>),
    /// A bar line.
    Bar(BarLine),
    /// Text in quotes.
    Quoted(String),
    /// `[K:…]` and its like: letter and text.
    Field(char, String),
    /// `&`: what follows up to the bar line is another voice.
    Overlay,
}

/// A note as written, before key and bar have their say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// `'A'..='G'`.
    pub letter: char,
    /// The octave; 4 for capitals, 5 for small letters without marks.
    pub octave: i32,
    /// Semitones, where there is an accidental.
    pub accidental: Option<i32>,
}

/// A bar line and what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarLine {
    /// How often the passage before it is played in all, where it ends a repeat.
    pub ends_repeat: Option<u8>,
    /// Whether a repeat starts after it.
    pub starts_repeat: bool,
    /// Whether it ends an ending: it is double, final or a repeat sign.
    pub is_heavy: bool,
    /// The numbers of the ending that starts after it.
    pub ending: Vec<u8>,
}

/// The words of a line of music.
pub fn words(line: &str) -> Vec<Word> {
    let mut reader = Reader { chars: line.chars().collect(), at: 0, before: Vec::new(), is_tied: false };
    let mut words = Vec::new();
    while let Some(c) = reader.peek(0) {
        match reader.word(c) {
            Some(word) => {
                words.append(&mut reader.before);
                words.push(word);
                if std::mem::take(&mut reader.is_tied) {
                    words.push(Word::Tie);
                }
            }
            // Only a reader that stands still could loop.
            None => reader.at += 1,
        }
    }
    words
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    /// What was quoted inside the `[chord]` just read.
    before: Vec<Word>,
    /// Whether a note inside it is tied.
    is_tied: bool,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take_if(&mut self, c: char) -> bool {
        let found = self.peek(0) == Some(c);
        self.at += usize::from(found);
        found
    }

    fn count(&mut self, c: char) -> usize {
        let start = self.at;
        while self.take_if(c) {}
        self.at - start
    }

    /// Up to `end`, which is passed over; `None`, and nothing taken, where there is no `end`.
    fn until(&mut self, end: char) -> Option<String> {
        let len = self.chars[self.at..].iter().position(|c| *c == end)?;
        let text = self.chars[self.at..self.at + len].iter().collect();
        self.at += len + 1;
        Some(text)
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect::<String>().parse().ok()
    }

    /// The word that starts with `c`, or `None` (with or without a step made) where there is none.
    fn word(&mut self, c: char) -> Option<Word> {
        let next = self.peek(1);
        match c {
            '"' => {
                self.at += 1;
                let text = self.until('"');
                if text.is_none() {
                    // All that follows is text that nobody closed.
                    self.at = self.chars.len();
                }
                text.map(Word::Quoted)
            }
            '!' | '+' => {
                self.at += 1;
                // A decoration has no blank in it; a lone mark is an old line break.
                let start = self.at;
                if self.until(c).is_none_or(|text| text.contains(' ') || text.contains('|')) {
                    self.at = start;
                }
                self.silent()
            }
            '{' => {
                self.at += 1;
                self.until('}');
                self.silent()
            }
            '[' if next.is_some_and(|n| n.is_ascii_alphabetic()) && self.peek(2) == Some(':') => {
                let letter = next?;
                self.at += 3;
                self.until(']').map(|text| Word::Field(letter, text.trim().to_owned()))
            }
            '[' if next.is_some_and(|n| n.is_ascii_digit()) => {
                self.at += 1;
                Some(Word::Bar(BarLine { ending: self.ending(), ..BarLine::default() }))
            }
            '[' if next != Some('|') => {
                self.at += 1;
                // A chord closes in its bar; a lone bracket (`["Coda"`) is passed over.
                let is_chord = self.chars[self.at..].iter().find(|c| matches!(c, ']' | '|')) == Some(&']');
                if is_chord { self.chord() } else { self.silent() }
            }
            '|' | ':' | '[' => Some(self.bar_line()),
            '(' => {
                self.at += 1;
                let Some(p) = self.number() else { return self.silent() };
                let mut part = || if self.take_if(':') { Some(self.number()) } else { None };
                let q = part().flatten();
                let r = part().flatten();
                Some(Word::Tuplet(p, q, r))
            }
            '-' => {
                self.at += 1;
                Some(Word::Tie)
            }
            '>' => Some(Word::Broken(self.count('>').min(3) as i32)),
            '<' => Some(Word::Broken(-(self.count('<').min(3) as i32))),
            '&' => {
                self.at += 1;
                Some(Word::Overlay)
            }
            'z' | 'x' => {
                self.at += 1;
                Some(Word::Rest(self.length()))
            }
            'Z' | 'X' => {
                self.at += 1;
                Some(Word::BarsRest(self.number().unwrap_or(1).min(256)))
            }
            'y' => {
                self.at += 1;
                self.length();
                self.silent()
            }
            _ => self.note().map(|note| Word::Notes(vec![note], self.length())),
        }
    }

    /// What was read makes no word; the caller must not step again.
    fn silent(&mut self) -> Option<Word> {
        self.at -= 1;
        None
    }

    /// `[CEG]2`: notes with lengths of their own, and one for all.
    fn chord(&mut self) -> Option<Word> {
        let mut notes = Vec::new();
        let mut length = None;
        while let Some(c) = self.peek(0) {
            if c == ']' {
                break;
            }
            match self.note() {
                Some(note) => {
                    notes.push(note);
                    // The first note's length is the chord's.
                    let own = self.length();
                    length.get_or_insert(own);
                }
                None => {
                    self.is_tied |= c == '-';
                    self.at += 1;
                    if c == '"'
                        && let Some(text) = self.until('"')
                    {
                        self.before.push(Word::Quoted(text));
                    }
                }
            }
        }
        self.take_if(']');
        let length = length.unwrap_or(1.0) * self.length();
        if notes.is_empty() { self.silent() } else { Some(Word::Notes(notes, length)) }
    }

    /// A note without its length; nothing is taken where there is none.
    fn note(&mut self) -> Option<Written> {
        let start = self.at;
        let accidental = match self.peek(0)? {
            '^' => Some(self.count('^') as i32),
            '_' => Some(-(self.count('_') as i32)),
            '=' => {
                self.count('=');
                Some(0)
            }
            _ => None,
        };
        let Some(c) = self.peek(0).filter(|c| matches!(c, 'A'..='G' | 'a'..='g')) else {
            self.at = start;
            return None;
        };
        self.at += 1;
        let mut octave = if c.is_ascii_uppercase() { 4 } else { 5 };
        loop {
            if self.take_if('\'') {
                octave += 1;
            } else if self.take_if(',') {
                octave -= 1;
            } else {
                break;
            }
        }
        Some(Written { letter: c.to_ascii_uppercase(), octave, accidental })
    }

    /// `3`, `/`, `3/2`, `//`: a length in unit notes; 1 where nothing is written.
    fn length(&mut self) -> f64 {
        let mut length = f64::from(self.number().unwrap_or(1));
        while self.take_if('/') {
            length /= f64::from(self.number().unwrap_or(2).max(1));
        }
        length
    }

    /// A run of `|`, `:`, `[` and `]` that is one bar line, and the ending's numbers after it.
    fn bar_line(&mut self) -> Word {
        let start = self.at;
        while let Some(c) = self.peek(0) {
            let opens_other = c == '[' && self.peek(1) != Some('|');
            let closes = c == ']' && (self.at == start || self.chars[self.at - 1] != '|');
            if !matches!(c, '|' | ':' | '[' | ']') || opens_other || closes {
                break;
            }
            self.at += 1;
        }
        if self.at == start {
            self.at += 1;
        }
        let signs: String = self.chars[start..self.at].iter().collect();
        let before = signs.chars().take_while(|c| *c == ':').count();
        let after = signs.chars().rev().take_while(|c| *c == ':').count();
        // `::` alone ends one repeat and starts another.
        let only_colons = before == signs.len();
        let (ends, starts) = if only_colons { (before / 2, after / 2) } else { (before, after) };
        let ends_repeat = (ends > 0).then(|| ends.saturating_add(1).min(8) as u8);
        let lines = signs.chars().filter(|c| *c == '|').count();
        Word::Bar(BarLine {
            ends_repeat,
            starts_repeat: starts > 0,
            is_heavy: ends > 0 || starts > 0 || lines > 1 || signs.contains(['[', ']']),
            ending: self.ending(),
        })
    }

    /// `1`, `1,3`, `1-3` right here, or after `[`, where a bar line has just been read.
    fn ending(&mut self) -> Vec<u8> {
        let mut numbers: Vec<u8> = Vec::new();
        while let Some(number) = self.number() {
            let number = number.clamp(1, 8) as u8;
            numbers.push(number);
            let is_more = self.peek(1).is_some_and(|c| c.is_ascii_digit());
            match self.peek(0) {
                Some(',') if is_more => self.at += 1,
                Some('-') if is_more => {
                    self.at += 1;
                    let last = self.number().unwrap_or(1).clamp(1, 8) as u8;
                    numbers.extend(number + 1..=last);
                    break;
                }
                _ => break,
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words in a short form of their own.
    fn short(line: &str) -> String {
        let name = |note: &Written| {
            format!("{:?}{}{}", note.accidental.unwrap_or(9), note.letter, note.octave).replace('9', "")
        };
        let each = words(line).into_iter().map(|word| match word {
            Word::Notes(notes, length) => {
                format!("{}*{length}", notes.iter().map(name).collect::<Vec<_>>().join("+"))
            }
            Word::Bar(line) => {
                let ends = line.ends_repeat.map_or(String::new(), |n| format!("x{n}"));
                let starts = if line.starts_repeat { "<" } else { "" };
                let heavy = if line.is_heavy { "|" } else { "" };
                format!("|{heavy}{ends}{starts}{:?}", line.ending).replace("[]", "")
            }
            word => format!("{word:?}"),
        });
        each.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_become_words() {
        let check = |line: &str, expected: &str| assert_eq!(short(line), expected, "{line}");
        check("C c' ^F,2 _b/ =e3/2 d//", "C4*1 C6*1 1F3*2 -1B5*0.5 0E5*1.5 D5*0.25");
        check("z2 x Z4 y2 c", "Rest(2.0) Rest(1.0) BarsRest(4) C5*1");
        check("a>b c<<d", "A5*1 Broken(1) B5*1 C5*1 Broken(-2) D5*1");
        check(
            "(3abc (3:2:4a (ab) a-a",
            "Tuplet(3, None, None) A5*1 B5*1 C5*1 Tuplet(3, Some(2), Some(4)) A5*1 A5*1 B5*1 A5*1 Tie A5*1",
        );
        check("|:a|b:|c||d|]", "||< A5*1 | B5*1 ||x2 C5*1 || D5*1 ||");
        check("a::b:||:c", "A5*1 ||x2< B5*1 ||x2< C5*1");
        check(
            "a|1b:|2c [3d |[1,3e [1-3f",
            "A5*1 |[1] B5*1 ||x2[2] C5*1 |[3] D5*1 | |[1, 3] E5*1 |[1, 2, 3] F5*1",
        );
        check("[CEG]2 [ce]/", "C4+E4+G4*2 C5+E5*0.5");
        check("[C-E-]2 [C/2E/2]", "C4+E4*2 Tie C4+E4*0.5");
        check("[\"C\"CE]2 [\"Coda\" c |]", "Quoted(\"C\") C4+E4*2 Quoted(\"Coda\") C5*1 ||");
        check("[K:Am]a[M:3/4]", "Field('K', \"Am\") A5*1 Field('M', \"3/4\")");
        check("\"Am\"a \"^slow\"b", "Quoted(\"Am\") A5*1 Quoted(\"^slow\") B5*1");
        check("!trill!a {gag}b ~c .d +fermata+e", "A5*1 B5*1 C5*1 D5*1 E5*1");
        check("a & b | c", "A5*1 Overlay B5*1 | C5*1");
        check("a ! b", "A5*1 B5*1");
        check("\"no end", "");
        check("[", "");
        check("[]", "");
        check("", "");
    }
}
