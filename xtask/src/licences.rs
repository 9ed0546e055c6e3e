//! The licences of everything that is compiled into the plugin, as text: asked of cargo, read from the crates' own
//! folders. What states no licence, or one that is not allowed here, is refused.

use crate::place::cargo;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Licences that ask for no more than to be named, and MPL-2.0, which also asks that one can find the source: the list
/// names each crate's.
const ALLOWED: [&str; 17] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The texts of licences for crates that bring none: the licence and its text. Who may choose is given the first.
const TEXTS: [(&str, &str); 5] = [
    ("Apache-2.0", include_str!("../../LICENSE-APACHE")),
    ("MIT", include_str!("../../LICENSE-MIT")),
    ("ISC", include_str!("licences/isc.txt")),
    ("Unlicense", include_str!("licences/unlicense.txt")),
    ("BSL-1.0", include_str!("licences/bsl.txt")),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

/// The list for the plugin on this platform, with each text once. A crate that brings no text of its licence has the
/// licence's own, with its authors.
///
/// # Errors
/// Where cargo fails, or a licence is missing or not allowed, or no text of it is to be had.
pub fn list() -> Result<String> {
    let shipped = shipped()?;
    let said = said_by_cargo(&["metadata", "--format-version", "1", "--locked"])?;
    let metadata: Metadata = serde_json::from_str(&said).context("cargo metadata is not understood")?;
    let mut list = String::from("What is compiled into ReaLchords, and under which licences\n\n");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut packages: Vec<_> = metadata.packages.iter().filter(|package| package.source.is_some()).collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        if !shipped.contains(&name) {
            continue;
        }
        let licence = package.license.as_deref().unwrap_or_default();
        ensure!(
            is_allowed(licence),
            "{name} is under {licence:?}, which is not allowed; see xtask/src/licences.rs"
        );
        let repository = package.repository.as_deref().unwrap_or("no repository stated");
        list.push_str(&format!("{name}: {licence} ({repository})\n"));
        let mut brought = texts_in(package.manifest_path.parent().unwrap_or(Path::new(".")))?;
        if !brought.iter().any(|text| text.is_licence) {
            let known = known_text(licence, &package.authors);
            let text =
                known.with_context(|| format!("{name} brings no text of {licence}, and none is known"))?;
            brought.push(Text { text, is_licence: true });
        }
        for Text { text, .. } in brought {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (text, names) in texts {
        list.push_str(&format!("\n{}\n{}\n\n{}\n", "=".repeat(80), names.join(", "), text.trim_end()));
    }
    Ok(list)
}

/// Name and version of each crate in the plugin's binary.
fn shipped() -> Result<BTreeSet<String>> {
    let said = said_by_cargo(&[
        "tree",
        "--locked",
        "--package",
        "realchords",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    let words = said.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    Ok(words
        .filter(|words| words.len() > 1)
        .map(|words| format!("{} {}", words[0], words[1].trim_start_matches('v')))
        .collect())
}

fn said_by_cargo(words: &[&str]) -> Result<String> {
    let output = cargo().args(words).output().context("cargo does not run")?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo {} failed: {}", words[0], why.trim());
    String::from_utf8(output.stdout).context("cargo says no text")
}

/// Whether we may ship what is under this expression. `OR` and `/` leave a choice; all of an `AND` must be allowed.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    // Brackets only ever group a choice here, so that an AND of choices is read from the outside in.
    plain.split(" AND ").all(|part| part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim())))
}

/// The text of a licence of this expression, with the authors of what is under it.
fn known_text(expression: &str, authors: &[String]) -> Option<String> {
    let first = expression.split(" AND ").next()?;
    let may_choose = |licence: &str| {
        let plain = first.replace(['(', ')'], " ").replace('/', " OR ");
        plain.split(" OR ").any(|choice| choice.trim() == licence)
    };
    let (licence, text) = TEXTS.iter().find(|(licence, _)| may_choose(licence))?;
    // Ours is not the name that these are under.
    let lines = text.lines().filter(|line| *licence == "Apache-2.0" || !line.starts_with("Copyright"));
    let by = if authors.is_empty() { "its authors".to_owned() } else { authors.join(", ") };
    Some(format!("{licence}, by {by}\n\n{}", lines.collect::<Vec<_>>().join("\n").trim_start()))
}

/// A text that a crate brings.
struct Text {
    text: String,
    /// Whether it is of the crate's code; else of fonts that it embeds.
    is_licence: bool,
}

/// The licence texts that a crate brings, those of its fonts too.
fn texts_in(folder: &Path) -> Result<Vec<Text>> {
    let begins = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        path.is_file() && begins.iter().any(|word| name.starts_with(word))
    };
    let is_text = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|suffix| suffix == "txt");
    let within = |folder: &Path| -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        Ok(paths)
    };
    let mut found: Vec<(PathBuf, bool)> =
        within(folder)?.into_iter().filter(is_licence).map(|path| (path, true)).collect();
    let fonts = folder.join("fonts");
    if fonts.is_dir() {
        found.extend(within(&fonts)?.into_iter().filter(is_text).map(|path| (path, false)));
    }
    let read = |(path, is_licence): (PathBuf, bool)| {
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Text { text: String::from_utf8_lossy(&bytes).replace("\r\n", "\n"), is_licence })
    };
    found.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_brings_no_text_has_the_licences_own_and_its_authors() {
        let authors = ["Ada".to_owned(), "Bo".to_owned()];
        let text = |expression| known_text(expression, &authors).expect("it is known");
        assert!(text("MIT OR Apache-2.0").starts_with("Apache-2.0, by Ada, Bo\n\n"));
        assert!(text("(MIT/Apache-2.0) AND OFL-1.1").contains("Apache License"));
        for (licence, words) in [
            ("MIT", "Permission is hereby"),
            ("ISC", "THE SOFTWARE IS PROVIDED \"AS IS\""),
            ("Unlicense", "public domain"),
            ("BSL-1.0", "Boost Software License"),
        ] {
            let text = text(licence);
            assert!(text.contains(words) && !text.contains("Copyright (c)"), "{text}");
        }
        assert!(known_text("Zlib", &authors).is_none());
    }

    #[test]
    fn choices_need_one_and_sums_need_all() {
        for good in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(is_allowed(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Other-exception"] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
