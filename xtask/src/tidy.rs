//! `cargo xtask tidy`: the house rules that a compiler does not know, checked on the sources as text.
//! Lists every violation with its place. Reads files only; changes nothing.

mod code;
mod rules;

use crate::place;
use anyhow::{Context, Result, bail};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The most a file in the repository may weigh, in bytes.
const HEAVIEST: u64 = 32 << 20;

/// A rule broken somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, from the root.
    pub path: String,
    /// The line, from 1; 0 is the whole file.
    pub line: usize,
    /// Which rule, and what to do.
    pub rule: String,
}

/// Checks the checkout.
///
/// # Errors
/// Where a rule is broken, after listing each place, or where a file cannot be read.
pub fn run() -> Result<()> {
    let violations = violations(&place::root())?;
    for Violation { path, line, rule } in &violations {
        eprintln!("{path}:{line}: {rule}");
    }
    match violations.len() {
        0 => {
            println!("the house rules are kept");
            Ok(())
        }
        count => bail!("{count} house rules broken; each is listed above"),
    }
}

fn violations(root: &Path) -> Result<Vec<Violation>> {
    let paths = files(root)?;
    let mut sources = Vec::new();
    let mut violations = Vec::new();
    for path in &paths {
        let full = root.join(path);
        let weight = fs::metadata(&full).map_or(0, |found| found.len());
        if weight > HEAVIEST {
            let rule = format!("{weight} bytes, more than {HEAVIEST}; keep it out of the repository");
            violations.push(Violation { path: path.clone(), line: 0, rule });
        }
        if path.ends_with(".rs") || path.ends_with("Cargo.toml") {
            let text = fs::read_to_string(&full).with_context(|| format!("{path} cannot be read"))?;
            sources.push((path.clone(), text));
        }
    }
    let tests: HashSet<PathBuf> =
        sources.iter().flat_map(|(path, text)| code::test_modules(Path::new(path), text)).collect();
    for (path, text) in &sources {
        violations.extend(rules::check(path, text, tests.contains(Path::new(path))));
    }
    violations.sort();
    Ok(violations)
}

/// All files that git tracks or would track, from the root, with `/` between folders.
fn files(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let listed = listed.context("git does not run; tidy asks it which files there are")?;
    if !listed.status.success() {
        bail!("git does not list the files of {}; run tidy in a checkout", root.display());
    }
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let there = |path: &&str| !path.is_empty() && root.join(path).is_file();
    Ok(names.split('\0').filter(there).map(str::to_owned).collect())
}
