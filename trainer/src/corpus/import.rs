//! From a path to songs: walks folders, asks the importers, gathers what broke.
//! Reads files; never fails for one broken file, never follows a link out of the folder.

use super::{IMPORTERS, ImportError, Imported, Importer};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What was left out, and why.
#[derive(Debug)]
pub struct Failure {
    /// The file, and the line, tune or song in it where only that broke (`songs.jsonl:12`).
    pub name: String,
    /// What is wrong with it.
    pub reason: ImportError,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTally {
    /// The file.
    pub path: PathBuf,
    /// Who read it.
    pub importer: &'static str,
    /// How many songs it gave.
    pub songs: usize,
    /// How many failures it gave.
    pub failures: usize,
}

/// What was found under a path. Songs and failures stand in the order of `files`.
#[derive(Debug, Default)]
pub struct ImportReport {
    /// The songs.
    pub songs: Vec<Imported>,
    /// What was left out.
    pub failures: Vec<Failure>,
    /// The files that an importer took, in the order in which they were read.
    pub files: Vec<FileTally>,
    /// How many files no importer took (read-me files and the like).
    pub passed_over: usize,
}

/// Imports a file, or all files in a folder and those below, in order of their paths. `importer` names one
/// of [`IMPORTERS`]; with `None` each file goes to the first that recognises it. Hidden files are passed over.
///
/// # Errors
/// Only where there is no such importer or path, or a single file that no importer takes; everything else
/// is a [`Failure`] in the report.
pub fn import_path(path: &Path, importer: Option<&str>) -> Result<ImportReport, ImportError> {
    let known = || IMPORTERS.iter().map(|i| i.name()).collect::<Vec<_>>().join(", ");
    let named = match importer {
        None => None,
        Some(name) => Some(
            *IMPORTERS
                .iter()
                .find(|importer| importer.name() == name)
                .ok_or_else(|| ImportError::UnknownImporter { name: name.to_owned(), known: known() })?,
        ),
    };
    let mut report = ImportReport::default();
    let is_folder = fs::metadata(path)?.is_dir();
    let mut files = Vec::new();
    if is_folder {
        walk(path, &mut files, &mut report.failures);
    } else {
        files.push(path.to_owned());
    }
    for file in files {
        let by_name = || IMPORTERS.iter().copied().find(|importer| importer.recognises(&file));
        let chosen = match named {
            // Who is named and given a file reads it, whatever it is called.
            Some(importer) => Some(importer).filter(|importer| !is_folder || importer.recognises(&file)),
            None => by_name(),
        };
        match chosen {
            Some(importer) => import_file(&file, importer, &mut report),
            None if is_folder => report.passed_over += 1,
            None => return Err(ImportError::Unrecognised(known())),
        }
    }
    Ok(report)
}

/// All files below a folder, sorted; folders that cannot be read are failures.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, failures: &mut Vec<Failure>) {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(Result::ok).collect::<Vec<_>>(),
        Err(error) => {
            failures.push(Failure { name: folder.display().to_string(), reason: error.into() });
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            _ if hidden => {}
            Ok(kind) if kind.is_dir() => walk(&entry.path(), files, failures),
            // A link to a file is read, a link to a folder is not walked: it might lead back here.
            Ok(_) if entry.path().is_file() => files.push(entry.path()),
            Ok(_) => {}
            Err(error) => {
                failures.push(Failure { name: entry.path().display().to_string(), reason: error.into() })
            }
        }
    }
}

fn import_file(path: &Path, importer: &dyn Importer, report: &mut ImportReport) {
    let (songs, failures) = (report.songs.len(), report.failures.len());
    let name = path.display().to_string();
    let found = fs::read(path).map_err(ImportError::from).and_then(|bytes| importer.import(path, &bytes));
    match found {
        Err(reason) => report.failures.push(Failure { name, reason }),
        Ok(found) => {
            for song in found {
                match song {
                    Ok(song) => report.songs.push(song),
                    Err((part, reason)) if part.is_empty() => {
                        report.failures.push(Failure { name: name.clone(), reason })
                    }
                    Err((part, reason)) => {
                        report.failures.push(Failure { name: format!("{name}:{part}"), reason })
                    }
                }
            }
        }
    }
    report.files.push(FileTally {
        path: path.to_owned(),
        importer: importer.name(),
        songs: report.songs.len() - songs,
        failures: report.failures.len() - failures,
    });
}
