//! `cargo xtask cross`: whether the code is right for the machines that are not here, as far as the compiler tells without
//! their linkers: what a release is built from is checked for each of them.

use crate::place;
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// The machines, as Rust names them. Windows by the GNU tools' target: the other one's libraries need its own tools to
/// be built.
const TARGETS: [&str; 4] =
    ["x86_64-pc-windows-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin", "aarch64-unknown-linux-gnu"];
/// What is built there.
const PACKAGES: [&str; 4] = ["music", "realchords", "hosts", "xtask"];

/// Checks all of them.
///
/// # Errors
/// A target cannot be had, or something is wrong there: the compiler has said what.
pub fn run() -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add"]).args(TARGETS);
    let added =
        rustup.status().context("rustup does not run; it brings the standard library of other machines")?;
    ensure!(added.success(), "the standard libraries of other machines cannot be had");
    for target in TARGETS {
        let mut cargo = place::cargo();
        cargo.args(["check", "--locked", "--target", target]);
        PACKAGES.iter().for_each(|package| {
            cargo.args(["--package", package]);
        });
        ensure!(cargo.status()?.success(), "the code is not right for {target}");
        println!("{target}: checked");
    }
    Ok(())
}
