//! `cargo xtask test`: what the README and CI run, in order of how soon each can fail. Stops at the first failure.

use crate::{bundle, place, runtime, tidy};
use anyhow::{Context, Result, bail};
use std::{env, path::PathBuf, process::Command};

/// The variable that names the runtime library to the plugin and to tests.
const RUNTIME_VARIABLE: &str = "REALCHORDS_ONNXRUNTIME";

/// Runs it all.
///
/// # Errors
/// The first failure, by the name of what failed.
pub fn run() -> Result<()> {
    let library = match env::var_os(RUNTIME_VARIABLE) {
        Some(library) => Some(PathBuf::from(library)),
        None => bundle::runtime_or_word().map(|runtime| runtime.library),
    };
    if let Some(library) = &library {
        say(&format!("ONNX Runtime {}: {}", runtime::VERSION, place::shown(library)));
    }
    let warnings_are_errors = ["--", "-D", "warnings"];
    cargo("fmt", &["--all", "--check"], &[], &[])?;
    say("tidy");
    tidy::run()?;
    cargo("clippy", &["--workspace", "--all-targets"], &warnings_are_errors, &[])?;
    // The plugin for the hall's hosts, with the features that tests give to what it is made of: nothing is built twice.
    cargo("build", &["--workspace", "--lib", "--tests"], &[], &[])?;
    let runtime = library.iter().map(|library| (RUNTIME_VARIABLE, library.as_os_str())).collect::<Vec<_>>();
    cargo("test", &["--workspace"], &[], &runtime)?;
    cargo("doc", &["--workspace", "--no-deps"], &[], &[("RUSTDOCFLAGS", "-D warnings".as_ref())])?;
    say("all passed");
    Ok(())
}

fn say(what: &str) {
    eprintln!("== {what}");
}

fn cargo(
    command: &str,
    options: &[&str],
    rest: &[&str],
    variables: &[(&str, &std::ffi::OsStr)],
) -> Result<()> {
    let words: Vec<&str> = [command].iter().chain(options).chain(rest).copied().collect();
    let line = format!("cargo {}", words.join(" "));
    say(&line);
    let mut cargo: Command = place::cargo();
    cargo.args(&words).envs(variables.iter().copied());
    if !cargo.status().with_context(|| format!("{line} does not run"))?.success() {
        bail!("{line} failed; it says why above");
    }
    Ok(())
}
