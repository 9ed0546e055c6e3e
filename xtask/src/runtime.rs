//! Gets the pinned ONNX Runtime library out of its PyPI package, once, and checks that it is the one we mean.
//! 1.28.0 and no later: from 1.29 on it sends telemetry by default. pip downloads; nothing is installed.

use crate::place;
use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

/// The release.
pub const VERSION: &str = "1.28.0";

/// The library's build for a kind of machine.
struct Build {
    /// How `--target` names the machine: system and processor as Rust names them.
    machine: &'static str,
    /// How pip names it.
    platform: &'static str,
    /// The library's file name, in the package and for us.
    library: &'static str,
    /// SHA-256 of the library.
    sha256: &'static str,
}

const BUILDS: &[Build] = &[
    Build {
        machine: "linux-x86_64",
        platform: "manylinux_2_28_x86_64",
        library: "libonnxruntime.so.1.28.0",
        sha256: "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
    },
    Build {
        machine: "linux-aarch64",
        platform: "manylinux_2_28_aarch64",
        library: "libonnxruntime.so.1.28.0",
        sha256: "23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d",
    },
    Build {
        machine: "windows-x86_64",
        platform: "win_amd64",
        library: "onnxruntime.dll",
        sha256: "14e186627f109a15f28f0b36f6e8ea07c79eac666818e63c39a9792f415bf649",
    },
    Build {
        machine: "macos-aarch64",
        platform: "macosx_14_0_arm64",
        library: "libonnxruntime.1.28.0.dylib",
        sha256: "99909e99214e31fe2296c9f7fae5abc2eaf0145342efe8b0a6ed82e9ddb0a0a0",
    },
];

/// The licences that go with the library: name in the package, and ours.
const LICENCES: [(&str, &str); 2] = [
    ("onnxruntime/LICENSE", "onnxruntime-LICENSE.txt"),
    ("onnxruntime/ThirdPartyNotices.txt", "onnxruntime-ThirdPartyNotices.txt"),
];

/// The runtime on this disk.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// The library.
    pub library: PathBuf,
    /// Its licences.
    pub licences: Vec<PathBuf>,
}

impl Runtime {
    /// Library and licences, to be shipped together.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.library).chain(&self.licences)
    }

    /// Whether all of its licences are there, as they must be where it is handed on.
    pub fn has_licences(&self) -> bool {
        self.licences.len() == LICENCES.len()
    }
}

/// `cargo xtask runtime`.
///
/// # Errors
/// As [`get`].
pub fn run(machine: Option<&str>, dir: Option<&Path>) -> Result<()> {
    let this = this_machine();
    let machine = machine.unwrap_or(&this);
    let folder = match dir {
        Some(dir) => dir.to_owned(),
        None if machine == this => folder(),
        None => folder().join(machine),
    };
    println!("{}", get(build_for(machine)?, &folder)?.library.display());
    Ok(())
}

/// This machine's runtime in target/onnxruntime, downloaded where it is not there yet.
///
/// # Errors
/// Where there is no build for this machine, pip fails, or the library is not the one we mean.
pub fn ensure() -> Result<Runtime> {
    get(build_for(&this_machine())?, &folder())
}

fn folder() -> PathBuf {
    place::target().join("onnxruntime")
}

fn this_machine() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

fn build_for(machine: &str) -> Result<&'static Build> {
    BUILDS.iter().find(|build| build.machine == machine).ok_or_else(|| {
        let known: Vec<_> = BUILDS.iter().map(|build| build.machine).collect();
        anyhow!("ONNX Runtime {VERSION} has no build for {machine}, only {}; the built-in engine plays without it", known.join(", "))
    })
}

fn get(build: &Build, folder: &Path) -> Result<Runtime> {
    let library = folder.join(build.library);
    let found = || Runtime {
        library: library.clone(),
        // Someone may have put the library there by hand, and only that.
        licences: LICENCES.iter().map(|(_, ours)| folder.join(ours)).filter(|path| path.is_file()).collect(),
    };
    if fs::read(&library).is_ok_and(|bytes| hex_sha256(&bytes) == build.sha256) {
        return Ok(found());
    }
    let downloads = folder.join("download");
    fs::create_dir_all(&downloads).with_context(|| format!("{} cannot be made", downloads.display()))?;
    let package = download(build, folder, &downloads)?;
    unpack(build, &package, folder)?;
    fs::remove_dir_all(&downloads).with_context(|| format!("{} cannot be removed", downloads.display()))?;
    Ok(found())
}

/// Has pip download the package, and says which file it is.
fn download(build: &Build, folder: &Path, downloads: &Path) -> Result<PathBuf> {
    let advice = format!(
        "see that python3 with pip and a way to a package index are there, or download onnxruntime=={VERSION} for {} yourself and put {} into {}",
        build.platform,
        build.library,
        folder.display()
    );
    let python = if cfg!(windows) { "python" } else { "python3" };
    eprintln!("getting ONNX Runtime {VERSION} with {python} -m pip download");
    let output = Command::new(python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
        ])
        .args([
            "--implementation",
            "cp",
            "--python-version",
            "3.11",
            "--abi",
            "cp311",
            "--platform",
            build.platform,
        ])
        .arg("--dest")
        .arg(downloads)
        .arg(format!("onnxruntime=={VERSION}"))
        .output()
        .with_context(|| format!("{python} does not run; {advice}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it says nothing")
            .trim()
            .to_owned();
        bail!("pip does not download onnxruntime=={VERSION}: {last}; {advice}");
    }
    let files = fs::read_dir(downloads).with_context(|| format!("{} cannot be read", downloads.display()))?;
    let packages = files.filter_map(|entry| Some(entry.ok()?.path()));
    packages
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "whl"))
        .ok_or_else(|| anyhow!("pip left no package; {advice}"))
}

/// Takes library and licences out of the package.
fn unpack(build: &Build, package: &Path, folder: &Path) -> Result<()> {
    let file = fs::File::open(package).with_context(|| format!("{} cannot be read", package.display()))?;
    let mut archive =
        zip::ZipArchive::new(file).with_context(|| format!("{} is no zip archive", package.display()))?;
    let mut member = |name: &str| -> Result<Vec<u8>> {
        let mut member =
            archive.by_name(name).with_context(|| format!("{} holds no {name}", package.display()))?;
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).with_context(|| format!("{name} does not unpack"))?;
        Ok(bytes)
    };
    let library = member(&format!("onnxruntime/capi/{}", build.library))?;
    let found = hex_sha256(&library);
    if found != build.sha256 {
        bail!(
            "the downloaded {} has SHA-256 {found}, not {}; do not use it, and look where the package came from",
            build.library,
            build.sha256
        );
    }
    for (theirs, ours) in LICENCES {
        place::put(&member(theirs)?, &folder.join(ours))?;
    }
    place::put(&library, &folder.join(build.library))
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_written_as_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex_sha256(b""), empty);
        assert!(BUILDS.iter().all(|build| build.sha256.len() == empty.len()));
    }

    #[test]
    fn the_plugin_knows_what_is_shipped_beside_it() {
        let known = include_str!("../../plugin/src/worker/library.rs");
        for build in BUILDS.iter().filter(|build| !build.machine.starts_with("macos")) {
            assert!(known.contains(build.sha256), "{}: the plugin knows another one", build.machine);
        }
    }

    #[test]
    fn an_unknown_machine_is_refused_with_those_known() {
        let error = build_for("macos-x86_64").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("macos-x86_64") && error.contains("linux-x86_64"), "{error}");
    }

    #[test]
    fn another_library_in_the_package_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let package = folder.path().join("onnxruntime.whl");
        let mut archive = zip::ZipWriter::new(fs::File::create(&package).expect("a file"));
        let build = &BUILDS[0];
        for name in [format!("onnxruntime/capi/{}", build.library), "onnxruntime/LICENSE".to_owned()] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
            std::io::Write::write_all(&mut archive, b"not the library").expect("bytes");
        }
        archive.finish().expect("an archive");
        let error =
            unpack(build, &package, folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(build.sha256), "{error}");
        assert!(!folder.path().join(build.library).exists());
    }
}
