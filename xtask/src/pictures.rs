//! `cargo xtask pictures`: the editor in every state, drawn without a display or a GPU, for people to look at.

use crate::place;
use anyhow::{Context, Result, bail};

/// Draws them all.
///
/// # Errors
/// Where it does not build or a picture cannot be written.
pub fn run() -> Result<()> {
    let folder = place::target().join("pictures");
    let status = place::cargo()
        .args(["run", "--package", "realchords", "--example", "pictures", "--"])
        .arg(&folder)
        .status()
        .context("cargo does not run")?;
    if !status.success() {
        bail!("the pictures were not drawn; it says why above");
    }
    println!("look at them in {}", place::shown(&folder));
    Ok(())
}
