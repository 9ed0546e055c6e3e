//! Run folders: the recipe as it was run, checkpoints, metrics as JSON lines. A stage reads one and writes one.

pub mod checkpoint;
pub mod progress;
pub mod recipe;

use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Opens or makes a folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self(path.to_path_buf()))
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Appends a line of JSON to `metrics.jsonl`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn log(&self, line: &impl Serialize) -> io::Result<()> {
        let mut file: File = OpenOptions::new().create(true).append(true).open(self.file("metrics.jsonl"))?;
        // At once, so that who is killed leaves a whole line or none.
        file.write_all(format!("{}\n", serde_json::to_string(line)?).as_bytes())
    }

    /// The lines logged so far; empty where none were.
    pub fn metrics(&self) -> String {
        fs::read_to_string(self.file("metrics.jsonl")).unwrap_or_default()
    }

    /// Writes a file so that it is either the old one or the new one, never half.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let partial = self.file(&format!("{name}.partial"));
        fs::write(&partial, bytes)?;
        fs::rename(partial, self.file(name))
    }

    /// Removes files whose name begins with `prefix`, all but one.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove_others(&self, prefix: &str, kept: &str) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(prefix) && name != kept {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}
