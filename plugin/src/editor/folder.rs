//! Looks into folders for who seeks a model file: what lies there by name, without what is hidden. A folder may lie on a
//! disk that sleeps or a network that is gone, so it is read on a thread of its own; the GUI thread asks whether it is
//! through.

use super::desk::Listing;
use std::{
    ffi::OsString,
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// How a model file's name ends.
const EXTENSION: &str = "onnx";
/// So many folders, and so many files, are listed; nobody looks through more, and all are laid out in each drawing.
const MOST: usize = 300;

/// What lies in a folder, or why that cannot be told.
pub type Seen = Result<Listing, String>;

/// A look into one folder after the other.
#[derive(Debug, Default)]
pub struct Look {
    reading: Option<Reading>,
    /// Readings that nobody waits for any more; one may hang in a disk that is gone.
    left: Vec<JoinHandle<Seen>>,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Reading {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Look {
    /// Looks into a folder, and into no other any more.
    pub fn begin(&mut self, folder: &Path) {
        self.leave();
        self.seen = None;
        let stop = Arc::new(AtomicBool::new(false));
        let (place, heeded) = (folder.to_owned(), stop.clone());
        let thread = std::thread::Builder::new().name("realchords folder".into());
        match thread.spawn(move || read(&place, &heeded)) {
            Ok(thread) => self.reading = Some(Reading { stop, thread }),
            Err(e) => self.seen = Some(Err(said(folder, &e))),
        }
    }

    /// What lies in the folder that was asked for last, once it is known.
    pub fn seen(&mut self) -> Option<&Seen> {
        if let Some(reading) = self.reading.take_if(|reading| reading.thread.is_finished()) {
            self.seen = Some(result(reading.thread));
        }
        self.seen.as_ref()
    }

    fn leave(&mut self) {
        if let Some(Reading { stop, thread }) = self.reading.take() {
            stop.store(true, Ordering::Relaxed);
            self.left.push(thread);
        }
        for idx in (0..self.left.len()).rev() {
            if self.left[idx].is_finished() {
                let _ = self.left.swap_remove(idx).join();
            }
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.leave();
        // Their code must not go while they run.
        for thread in self.left.drain(..) {
            let _ = thread.join();
        }
    }
}

fn result(thread: JoinHandle<Seen>) -> Seen {
    thread.join().unwrap_or_else(|_| Err("the folder cannot be read".into()))
}

/// What lies in a folder now, links followed, as far as it was read when `stop` was set.
///
/// # Errors
/// What the system says, with the folder.
pub fn read(folder: &Path, stop: &AtomicBool) -> Seen {
    let mut listing = Listing::default();
    let entries = fs::read_dir(folder).map_err(|e| said(folder, &e))?;
    // An entry that cannot be told, and a link to nowhere, are neither folder nor file.
    for entry in entries.take_while(|_| !stop.load(Ordering::Relaxed)).flatten() {
        let Ok(mut kind) = entry.file_type() else { continue };
        let (name, path) = (entry.file_name(), entry.path());
        if is_hidden(&entry) {
            continue;
        }
        // Nothing but a link is gone after: it takes a way to the disk each.
        if kind.is_symlink() {
            let Ok(found) = fs::metadata(&path) else { continue };
            kind = found.file_type();
        }
        if kind.is_dir() {
            listing.folders.push(name);
        } else if kind.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION)) {
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

fn has_dot(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

#[cfg(not(windows))]
fn is_hidden(entry: &fs::DirEntry) -> bool {
    has_dot(entry)
}

#[cfg(windows)]
fn is_hidden(entry: &fs::DirEntry) -> bool {
    use std::os::windows::fs::MetadataExt;
    const HIDDEN: u32 = 2;
    has_dot(entry) || entry.metadata().is_ok_and(|found| found.file_attributes() & HIDDEN != 0)
}

fn said(folder: &Path, e: &io::Error) -> String {
    format!("{} cannot be read: {e}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

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
        let seen = read(&folder, &AtomicBool::new(false)).unwrap();
        assert_eq!(seen.folders, ["Blues", "jazz"]);
        assert_eq!(seen.files, ["A.ONNX", "b.onnx"]);
        (0..MOST + 3).for_each(|nth| fs::write(folder.join(format!("x{nth:05}.onnx")), "").unwrap());
        let seen = read(&folder, &AtomicBool::new(false)).unwrap();
        assert_eq!((seen.files.len(), seen.num_left_out), (MOST, 5));
        fs::remove_dir_all(&folder).unwrap();
        assert!(read(&folder, &AtomicBool::new(false)).unwrap_err().contains("cannot be read"));
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
