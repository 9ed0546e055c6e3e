//! One ABC tune: its header, and its voices as printed bars. Pure.

use super::{
    super::{
        ImportError,
        score::{self, Bar},
    },
    FORMAT,
    key::Key,
    music_line::{Word, words},
    voice::Voice,
};
use music::{lead_sheet::LeadSheet, meter::Meter};

/// A tune that was read.
pub struct Tune {
    /// The music; chords may be missing.
    pub sheet: LeadSheet,
    /// What the tune says of its licence.
    pub license: Option<String>,
}

/// What a header has said so far. It is where every voice starts.
#[derive(Clone, Debug, Default)]
struct Header {
    title: String,
    license: Option<String>,
    bpm: Option<f64>,
    meter: Option<Meter>,
    is_free: bool,
    unit: Option<f64>,
    key: Option<Key>,
}

impl Header {
    /// The length of a unit note in beats: as stated, else a sixteenth in short meters and an eighth in others.
    fn unit(&self) -> f64 {
        self.unit
            .unwrap_or_else(|| if self.meter.is_some_and(|m| m.bar_beats().0 < 3.0) { 0.25 } else { 0.5 })
    }

    fn field(&mut self, letter: char, text: &str) {
        match letter {
            'T' if self.title.is_empty() => self.title = text.to_owned(),
            'Z' if self.license.is_none() && text.to_ascii_lowercase().contains("licen") => {
                self.license = Some(text.trim_start_matches("abc-copyright").trim().to_owned());
            }
            'M' => {
                (self.meter, self.is_free) = (meter(text), text == "none" || text.is_empty());
            }
            'L' => self.unit = unit(text).or(self.unit),
            'Q' if self.bpm.is_none() => self.bpm = tempo(text, self.unit()),
            'K' => self.key = Key::parse(text),
            _ => {}
        }
    }
}

/// Reads a tune from its lines, of which the first is its `X:` field. `head` is the file's own header.
///
/// # Errors
/// Where no `K:` field ends the header.
pub fn read(head: &[&str], lines: &[&str]) -> Result<Tune, ImportError> {
    let mut header = Header::default();
    for (letter, text) in head.iter().filter_map(|line| field(line)) {
        header.field(letter, &text);
    }
    let mut body = lines.iter();
    let mut voices: Vec<Voice> = Vec::new();
    let mut names = Vec::new();
    let is_complete = body.by_ref().any(|line| {
        let Some((letter, text)) = field(line) else { return false };
        header.field(letter, &text);
        if letter == 'V' {
            names.extend(voice_name(&text));
        }
        letter == 'K'
    });
    if !is_complete {
        return Err(ImportError::format(FORMAT, "no K: field ends the header"));
    }
    let start = |name: String, header: &Header| {
        Voice::new(name, header.meter, header.is_free, header.unit(), header.key.unwrap_or_default())
    };
    voices.extend(names.into_iter().map(|name| start(name, &header)));
    let mut current = 0;
    let mut is_text = false;
    for line in body {
        // Typeset text and the like may hold anything.
        if line.starts_with("%%begin") || line.starts_with("%%end") {
            is_text = line.starts_with("%%begin");
        }
        let line = without_comment(line);
        if is_text || line.trim().is_empty() {
            continue;
        }
        let said = match field(line) {
            Some((letter, text)) => vec![Word::Field(letter, text)],
            None => words(line),
        };
        for word in said {
            match &word {
                Word::Field('V', text) => {
                    let Some(name) = voice_name(text) else { continue };
                    current = voices.iter().position(|voice| voice.name == name).unwrap_or_else(|| {
                        voices.push(start(name, &header));
                        voices.len() - 1
                    });
                }
                Word::Field(letter @ ('M' | 'L' | 'K'), text) => {
                    if voices.is_empty() {
                        voices.push(start(String::new(), &header));
                    }
                    let voice = &mut voices[current];
                    match letter {
                        'M' => voice.set_meter(meter(text), text == "none"),
                        'L' => voice.set_unit(unit(text)),
                        _ => voice.set_key(Key::parse(text)),
                    }
                }
                Word::Field(letter, text) => header.field(*letter, text),
                _ => {
                    if voices.is_empty() {
                        voices.push(start(String::new(), &header));
                    }
                    voices[current].hear(&word);
                }
            }
        }
    }
    let mut parts: Vec<Vec<Bar>> = voices.into_iter().map(Voice::finish).collect();
    let has_notes = |bars: &Vec<Bar>| bars.iter().any(|bar| !bar.notes.is_empty());
    let has_chords = |bars: &[Bar]| bars.iter().any(|bar| !bar.chords.is_empty());
    let melody = parts.iter().position(has_notes).ok_or(ImportError::NoMelody)?;
    let mut bars = std::mem::take(&mut parts[melody]);
    if !has_chords(&bars)
        && let Some(other) = parts.iter().find(|part| has_chords(part))
    {
        for (bar, other) in bars.iter_mut().zip(other) {
            bar.chords.clone_from(&other.chords);
        }
    }
    Ok(Tune { sheet: score::lead_sheet(header.title, header.bpm, &bars), license: header.license })
}

/// A field's letter and text, where the line is one. A line like `d:|` is music.
fn field(line: &str) -> Option<(char, String)> {
    let mut chars = line.chars();
    let letter = chars.next().filter(char::is_ascii_alphabetic)?;
    if chars.next() != Some(':') || chars.next().is_some_and(|c| matches!(c, '|' | ':')) {
        return None;
    }
    Some((letter, without_comment(&line[2..]).trim().to_owned()))
}

/// The line up to a `%` that is not in quotes or escaped, and without the `\` that joins lines.
fn without_comment(line: &str) -> &str {
    let mut is_quoted = false;
    let mut before = ' ';
    let end = line.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '"';
        let ends = c == '%' && !is_quoted && before != '\\';
        before = c;
        ends.then_some(at)
    });
    line[..end.unwrap_or(line.len())].trim_end().trim_end_matches('\\')
}

fn voice_name(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

/// `6/8`, `C`, `C|`, `2+3/8`; `None` where there is no such meter.
fn meter(text: &str) -> Option<Meter> {
    match text.split_whitespace().next()? {
        "C" => Some(Meter::COMMON),
        "C|" => Meter::new(2, 2),
        text => {
            let (beats, unit) = text.split_once('/')?;
            let beats =
                beats.trim_matches(['(', ')']).split('+').map(|n| n.trim().parse::<u8>().ok().map(u32::from));
            let beats = u8::try_from(beats.sum::<Option<u32>>()?).ok()?;
            Meter::new(beats, unit.parse().ok()?)
        }
    }
}

/// `1/8` in beats.
fn unit(text: &str) -> Option<f64> {
    let text = text.split_whitespace().next()?;
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let (above, below): (f64, f64) = (above.parse().ok()?, below.parse().ok()?);
    let unit = 4.0 * above / below;
    (unit > 0.001 && unit <= 16.0).then_some(unit)
}

/// `1/4=100`, `3/8=130`, `"Presto" 190` (so many unit notes a minute) in quarter notes a minute.
fn tempo(text: &str, unit_beats: f64) -> Option<f64> {
    let spoken = |part: &str| part.split('"').step_by(2).collect::<String>();
    let text = spoken(text);
    let (beats, count) = match text.split_once('=') {
        // Several notes may make up the beat: `1/4 3/8=40`.
        Some((beat, count)) => (beat.split_whitespace().map(unit).sum::<Option<f64>>()?, count.to_owned()),
        None => (unit_beats, text),
    };
    let count: f64 = count.trim().parse().ok()?;
    let bpm = beats * count;
    (20.0..=999.0).contains(&bpm).then_some(bpm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_from_music() {
        let check = |line: &str, expected: Option<(char, &str)>| {
            assert_eq!(field(line), expected.map(|(l, t)| (l, t.to_owned())), "{line}");
        };
        check("K: G % key", Some(('K', "G")));
        check("d:|", None);
        check("e::f", None);
        check("|: c", None);
        check("M:C|", Some(('M', "C|")));
        check("é:", None);
    }

    #[test]
    fn meters_units_and_tempos() {
        assert_eq!(meter("2+2+3/8"), Meter::new(7, 8));
        assert_eq!(meter("C|"), Meter::new(2, 2));
        assert_eq!(meter("none"), None);
        assert_eq!(meter("200+200/8"), None);
        assert_eq!(unit("1/16"), Some(0.25));
        assert_eq!(unit("1/0"), None);
        assert_eq!(tempo("1/4=100", 0.5), Some(100.0));
        assert_eq!(tempo("3/8=80", 0.5), Some(120.0));
        assert_eq!(tempo("\"Presto \" 190", 0.5), Some(95.0));
        assert_eq!(tempo("fast", 0.5), None);
    }
}
