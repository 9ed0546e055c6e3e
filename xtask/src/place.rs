//! Where things are: the checkout, the build's output, and how a file is put in place whole or not at all.

use anyhow::{Context, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The checkout's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The cargo that runs us, to be run in the checkout's root.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Puts a file in place in one go, so that who has the old one open keeps it whole.
///
/// # Errors
/// Where the folder cannot be made or written.
pub fn put(bytes: &[u8], path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".{name}.{}.new", std::process::id()));
    let placed = fs::write(&new, bytes).and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        // The half-written file is of no use to anyone; that it may be gone already is no matter.
        let _ = fs::remove_file(&new);
    }
    placed.with_context(|| format!("{} cannot be written", path.display()))
}

/// Copies a file in place in one go.
///
/// # Errors
/// Where it cannot be read, or not be put in place.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
    put(&bytes, to)
}

/// A path as people type it: from the root where it lies there.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
