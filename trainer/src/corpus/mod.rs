//! Corpora: songs in other people's formats as [`LeadSheet`]s. One importer a format, one list of them.
//! Runs in the trainer's own thread; reads files, never writes one; a broken file is named and left out,
//! and never ends a run.

mod abc;
mod census;
mod hooktheory;
mod import;
pub mod made;
mod musicxml;
mod normalised;
mod pop909;
mod repeats;
mod score;

pub use census::{Census, census, failures, note_in_chord, table};
pub use import::{Failure, FileTally, ImportReport, import_path};
pub use normalised::{NORMALISED, coverage};

use music::lead_sheet::LeadSheet;
use std::path::Path;

/// A song as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The music.
    pub sheet: LeadSheet,
    /// Names the song within its source.
    pub id: String,
    /// Where it comes from: what the file says, else the importer's name.
    pub source: String,
    /// The licence of the edition, where the file states one.
    pub license: Option<String>,
    /// What may be done with weights trained on it (`A`, `B`, `C`), where the file says so.
    pub tier: Option<String>,
    /// The part of the corpus it belongs to, where the file says so.
    pub split: Option<Split>,
    /// Near duplicates share a group; a group never goes across splits.
    pub group: Option<String>,
}

/// A part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Split {
    /// For training.
    Train,
    /// For choosing among models.
    Valid,
    /// For the final numbers alone.
    Test,
}

impl Split {
    /// The split of that name, in any case; `validation` and `val` are `valid`.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "train" => Some(Self::Train),
            "valid" | "validation" | "val" => Some(Self::Valid),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Why a file, or a song in it, was left out.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// No importer takes such files.
    #[error("no importer takes it; name one of {0}")]
    Unrecognised(String),
    /// There is no importer of that name.
    #[error("no importer is called {name}; name one of {known}")]
    UnknownImporter {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// It is not what its importer reads.
    #[error("is no {format} file: {reason}")]
    Format {
        /// What it should be.
        format: &'static str,
        /// What was found.
        reason: String,
    },
    /// A chord's name that nobody here knows.
    #[error("unknown chord {0:?}; add it to the table of qualities or to the importer's dialect")]
    Chord(String),
    /// There is no note in it.
    #[error("has no melody")]
    NoMelody,
    /// There is no chord in it.
    #[error("has no chord symbols")]
    NoChords,
    /// A place or length that is no place in a song.
    #[error("a place in it is {found} beats; must be a number from 0 to {longest}")]
    Place {
        /// What was found.
        found: f64,
        /// The longest song we take.
        longest: f64,
    },
}

impl ImportError {
    /// A word or two for tables that count failures by reason.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Read(_) => "unreadable",
            Self::Unrecognised(_) | Self::UnknownImporter { .. } => "no importer",
            Self::Format { .. } => "broken file",
            Self::Chord(_) => "unknown chord",
            Self::NoMelody => "no melody",
            Self::NoChords => "no chords",
            Self::Place { .. } => "bad times",
        }
    }

    fn format(format: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Format { format, reason: reason.to_string() }
    }
}

/// A song of a file, or which part of the file is broken and why. The name is empty for the whole file.
pub type Song = Result<Imported, (String, ImportError)>;

/// Reads one format.
pub trait Importer: Sync {
    /// Its name on the command line and in reports; lower case.
    fn name(&self) -> &'static str;

    /// Whether a file of this path is for this importer. Looks at the name alone.
    fn recognises(&self, path: &Path) -> bool;

    /// The songs of a file, whose contents are `bytes`.
    ///
    /// # Errors
    /// Where the file as a whole cannot be read; a broken song among others is an error in its own place.
    fn import(&self, path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError>;
}

/// The importers; of two that recognise a path the first one takes it.
pub const IMPORTERS: &[&dyn Importer] =
    &[&normalised::Normalised, &abc::Abc, &pop909::Pop909, &musicxml::MusicXml, &hooktheory::Hooktheory];

/// The longest song we take, in beats: hours of music.
const LONGEST_BEATS: f64 = 20_000.0;

/// Whether a sheet has a melody that makes sense; says so where it has not.
fn with_melody(sheet: LeadSheet) -> Result<LeadSheet, ImportError> {
    let notes = sheet.melody.iter().map(|n| (n.on, n.off));
    let chords = sheet.chords.iter().map(|c| (c.on, c.off));
    for (on, off) in notes.chain(chords) {
        for place in [on.0, off.0, off.0 - on.0, sheet.length.0] {
            if !(0.0..=LONGEST_BEATS).contains(&place) {
                return Err(ImportError::Place { found: place, longest: LONGEST_BEATS });
            }
        }
    }
    if sheet.melody.is_empty() { Err(ImportError::NoMelody) } else { Ok(sheet) }
}

/// Whether a sheet has a melody and chords; says so where it has not.
fn with_chords(sheet: LeadSheet) -> Result<LeadSheet, ImportError> {
    if sheet.melody.is_empty() {
        Err(ImportError::NoMelody)
    } else if sheet.chords.iter().all(|span| span.chord.is_none()) {
        Err(ImportError::NoChords)
    } else {
        with_melody(sheet)
    }
}

/// The text of a file that may be older than UTF-8: what is not UTF-8 is Latin-1.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The file's name without folder and extensions.
fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let known = [".gz", ".jsonl", ".json", ".abc", ".mid", ".midi", ".mxl", ".musicxml", ".xml"];
    known.iter().fold(name, |name, ext| match name.to_ascii_lowercase().strip_suffix(ext) {
        Some(rest) if !rest.is_empty() => name[..rest.len()].to_owned(),
        _ => name,
    })
}

/// Whether the path ends in one of these extensions, in any case.
fn ends_in(path: &Path, extensions: &[&str]) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    extensions.iter().any(|ext| name.ends_with(ext))
}

/// The bytes of a file that may be gzipped.
fn ungzipped(bytes: &[u8]) -> Result<Vec<u8>, ImportError> {
    use std::io::Read;
    /// Far above any corpus, far below the machine: a file that claims more is broken.
    const MAX_BYTES: u64 = 2 << 30;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(MAX_BYTES).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
