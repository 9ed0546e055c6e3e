//! Looks into folders for who seeks a model file: what lies there by name, without what is hidden. A folder may lie on a
//! disk that sleeps or a network that is gone, so it is read on a thread of its own; the GUI thread asks whether it is
//! through.

use super::desk::Listing;
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

/// How a model file's name ends.
const EXTENSION: &str = "onnx";
/// So many folders, and so many files, are listed; nobody looks through more.
const MOST: usize = 1000;

/// What lies in a folder, or why that cannot be told.
pub type Seen = Result<Listing, String>;

/// A look into one folder after the other.
#[derive(Debug, Default)]
pub struct Look {
    wished: Option<PathBuf>,
    running: Option<(PathBuf, JoinHandle<Seen>)>,
    seen: Option<Seen>,
}

impl Look {
    /// Looks into a folder.
    pub fn begin(&mut self, folder: &Path) {
        (self.wished, self.seen) = (Some(folder.to_owned()), None);
        self.go_on();
    }

    /// What lies in the folder that was asked for last, once it is known.
    pub fn seen(&mut self) -> Option<&Seen> {
        self.go_on();
        self.seen.as_ref()
    }

    fn go_on(&mut self) {
        if let Some((folder, reading)) = self.running.take_if(|(_, reading)| reading.is_finished()) {
            let found = reading.join().unwrap_or_else(|_| Err("the folder cannot be read".into()));
            if self.wished.as_ref() == Some(&folder) {
                self.seen = Some(found);
            }
        }
        let Some(wished) = self.wished.clone().filter(|_| self.running.is_none() && self.seen.is_none())
        else {
            return;
        };
        let folder = wished.clone();
        let reading = std::thread::Builder::new().name("realchords folder".into());
        match reading.spawn(move || read(&folder)) {
            Ok(reading) => self.running = Some((wished, reading)),
            Err(e) => self.seen = Some(Err(said(&wished, &e))),
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // Its code must not go while it runs.
        if let Some((_, reading)) = self.running.take() {
            let _ = reading.join();
        }
    }
}

/// What lies in a folder now, links followed.
///
/// # Errors
/// What the system says, with the folder.
pub fn read(folder: &Path) -> Seen {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder).map_err(|e| said(folder, &e))? {
        let entry = entry.map_err(|e| said(folder, &e))?;
        let (name, path) = (entry.file_name(), entry.path());
        // A link to nowhere is neither.
        let Ok(found) = fs::metadata(&path) else { continue };
        if is_hidden(&name, &found) {
            continue;
        }
        if found.is_dir() {
            listing.folders.push(name);
        } else if found.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION)) {
            listing.files.push(name);
        }
    }
    for names in [&mut listing.folders, &mut listing.files] {
        names.sort_by_cached_key(|name: &OsString| (name.to_string_lossy().to_lowercase(), name.clone()));
        listing.num_left_out += names.len().saturating_sub(MOST);
        names.truncate(MOST);
    }
    Ok(listing)
}

#[cfg(not(windows))]
fn is_hidden(name: &OsStr, _: &fs::Metadata) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(windows)]
fn is_hidden(name: &OsStr, found: &fs::Metadata) -> bool {
    use std::os::windows::fs::MetadataExt;
    const HIDDEN: u32 = 2;
    name.as_encoded_bytes().starts_with(b".") || found.file_attributes() & HIDDEN != 0
}

fn said(folder: &Path, e: &io::Error) -> String {
    format!("{} cannot be read: {e}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("realchords-look-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn folders_and_models_by_name_without_what_is_hidden() {
        let folder = folder("names");
        for name in ["jazz", "Blues", ".cache"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        for name in ["b.onnx", "A.ONNX", "notes.txt", ".c.onnx"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let seen = read(&folder).unwrap();
        assert_eq!(seen.folders, ["Blues", "jazz"]);
        assert_eq!(seen.files, ["A.ONNX", "b.onnx"]);
        (0..MOST + 3).for_each(|nth| fs::write(folder.join(format!("x{nth:05}.onnx")), "").unwrap());
        let seen = read(&folder).unwrap();
        assert_eq!((seen.files.len(), seen.num_left_out), (MOST, 5));
        fs::remove_dir_all(&folder).unwrap();
        assert!(read(&folder).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn the_folder_asked_for_last_is_seen() {
        let (first, second) = (folder("first"), folder("second"));
        fs::write(second.join("a.onnx"), "").unwrap();
        let mut look = Look::default();
        assert_eq!(look.seen(), None);
        look.begin(&first);
        look.begin(&second);
        let seen = loop {
            if let Some(seen) = look.seen() {
                break seen.clone();
            }
            std::thread::yield_now();
        };
        assert_eq!(seen.unwrap().files, ["a.onnx"]);
        fs::remove_dir_all(&first).unwrap();
        fs::remove_dir_all(&second).unwrap();
    }
}
