//! ABC tune books (`*.abc`): one tune after another, each with its header. Reads bytes, nothing else.
//!
//! The melody is the first voice that has notes, with its chord symbols; where it has none those of the
//! first voice that has. Repeats and endings are unfolded, parts (`P:`) stay in printed order, grace notes
//! and decorations are left out, of notes struck together the highest counts. Quoted text that is no chord is an
//! annotation and left out.
//! A four-part tune without symbols (as in hymnals) has no chords that a human wrote: it is refused, never
//! harmonised by guess.

mod key;
mod music_line;
mod symbol;
mod tune;
mod voice;

use super::{ImportError, Imported, Importer, Song, ends_in, stem, text_of, with_chords};
use std::path::Path;

/// Reads tune books.
pub struct Abc;

const FORMAT: &str = "ABC";

impl Importer for Abc {
    fn name(&self) -> &'static str {
        "abc"
    }

    fn recognises(&self, path: &Path) -> bool {
        ends_in(path, &[".abc"])
    }

    fn import(&self, path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError> {
        let text = text_of(bytes);
        let (head, tunes) = tunes(&text);
        if tunes.is_empty() {
            return Err(ImportError::format(FORMAT, "there is no X: field in it"));
        }
        let alone = tunes.len() == 1;
        let import = |lines: &[&str]| {
            let number = lines[0][2..].trim();
            let stem = stem(path);
            let id = if alone || number.is_empty() { stem } else { format!("{stem}_{number}") };
            let found = tune::read(&head, lines).and_then(|tune| {
                Ok(Imported {
                    sheet: with_chords(tune.sheet)?,
                    id,
                    source: self.name().to_owned(),
                    license: tune.license,
                    tier: None,
                    split: None,
                    group: None,
                })
            });
            found.map_err(|reason| (if alone { String::new() } else { format!("tune {number}") }, reason))
        };
        Ok(tunes.iter().map(|lines| import(lines)).collect())
    }
}

/// The file's own header, and each tune's lines from its `X:` on. A blank line ends a tune, and what stands
/// between tunes is text for people.
fn tunes(text: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut head = Vec::new();
    let mut tunes: Vec<Vec<&str>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim_end();
        if line.starts_with("X:") {
            tunes.push(vec![line]);
            inside = true;
        } else if line.trim_start().is_empty() {
            inside = false;
        } else if let (true, Some(tune)) = (inside, tunes.last_mut()) {
            tune.push(line);
        } else if tunes.is_empty() {
            head.push(line);
        }
    }
    (head, tunes)
}
