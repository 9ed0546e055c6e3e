//! Builds the plugin and wraps the one library into the CLAP and VST3 bundles that hosts load.
//! The runtime library goes beside the plugin's binary, where the plugin looks for it first.

use crate::{
    place::{self, cargo, put},
    runtime::{self, Runtime},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The plugin's name, and its bundles'.
pub const NAME: &str = "ReaLchords";
const IDENTIFIER: &str = "org.realchords.realchords";

/// `cargo xtask bundle`.
///
/// # Errors
/// As [`build`] and [`wrap`]. Without a runtime the bundles are made all the same.
pub fn run() -> Result<()> {
    let library = build()?;
    let runtime = runtime_or_word();
    for bundle in wrap(&library, runtime.as_ref(), &place::target().join("bundled"))? {
        println!("{}", place::shown(&bundle));
    }
    Ok(())
}

/// The runtime, or a word to the user on what is missing and what plays instead.
pub fn runtime_or_word() -> Option<Runtime> {
    runtime::ensure()
        .map_err(|error| {
            eprintln!("warning: no ONNX Runtime: {error:#}\nthe plugin's built-in engine plays instead")
        })
        .ok()
}

/// Builds the plugin as it ships and says where the library is.
///
/// # Errors
/// Where cargo fails.
pub fn build() -> Result<PathBuf> {
    let status = cargo().args(["build", "--release", "--package", "realchords"]).status();
    if !status.context("cargo does not run")?.success() {
        bail!("the plugin does not build; cargo says why above");
    }
    let name = format!("{}realchords{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    Ok(place::target().join("release").join(name))
}

/// Builds the plugin for both processors that macOS runs on, as one library, and says where it is.
///
/// # Errors
/// Where cargo or Apple's `lipo` fails.
pub fn build_universal() -> Result<PathBuf> {
    let mut libraries = Vec::new();
    for target in ["aarch64-apple-darwin", "x86_64-apple-darwin"] {
        let mut command = cargo();
        command.args(["build", "--release", "--package", "realchords", "--target", target]);
        if !command.status().context("cargo does not run")?.success() {
            bail!("the plugin does not build for {target}; see that `rustup target add {target}` was done");
        }
        libraries.push(place::target().join(target).join("release").join("librealchords.dylib"));
    }
    let universal = place::target().join("release").join("librealchords-universal.dylib");
    let joined = Command::new("lipo").arg("-create").args(&libraries).arg("-output").arg(&universal).status();
    if !joined.is_ok_and(|status| status.success()) {
        bail!("lipo does not join the two libraries; see that Apple's command line tools are installed");
    }
    Ok(universal)
}

/// Wraps the library into `ReaLchords.clap` and `ReaLchords.vst3` in `folder`, and says where they are.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn wrap(library: &Path, runtime: Option<&Runtime>, folder: &Path) -> Result<[PathBuf; 2]> {
    Ok([wrap_clap(library, runtime, folder)?, wrap_vst3(library, runtime, folder)?])
}

/// Wraps the library into `ReaLchords.clap` in `folder`, and says where it is.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn wrap_clap(library: &Path, runtime: Option<&Runtime>, folder: &Path) -> Result<PathBuf> {
    let bundle = folder.join(format!("{NAME}.clap"));
    if cfg!(target_os = "macos") {
        mac_bundle(library, runtime, &bundle)?;
    } else {
        place::copy(library, &bundle)?;
        beside(runtime, folder)?;
    }
    Ok(bundle)
}

/// Wraps the library into `ReaLchords.vst3` in `folder`, and says where it is.
///
/// # Errors
/// Where a file cannot be read or written.
pub fn wrap_vst3(library: &Path, runtime: Option<&Runtime>, folder: &Path) -> Result<PathBuf> {
    let bundle = folder.join(format!("{NAME}.vst3"));
    if cfg!(target_os = "macos") {
        mac_bundle(library, runtime, &bundle)?;
    } else {
        // As the format's own list of platforms has it.
        let architecture = match std::env::consts::ARCH {
            "aarch64" if cfg!(windows) => "arm64",
            architecture => architecture,
        };
        let (system, suffix) = if cfg!(windows) { ("win", "vst3") } else { ("linux", "so") };
        let binaries = bundle.join("Contents").join(format!("{architecture}-{system}"));
        place::copy(library, &binaries.join(format!("{NAME}.{suffix}")))?;
        beside(runtime, &binaries)?;
    }
    Ok(bundle)
}

fn beside(runtime: Option<&Runtime>, folder: &Path) -> Result<()> {
    for file in runtime.iter().flat_map(|runtime| runtime.files()) {
        let name = file.file_name().unwrap_or_default();
        place::copy(file, &folder.join(name))?;
    }
    Ok(())
}

/// A macOS bundle, signed for this machine: an unsigned one does not load there.
fn mac_bundle(library: &Path, runtime: Option<&Runtime>, bundle: &Path) -> Result<()> {
    let binaries = bundle.join("Contents").join("MacOS");
    place::copy(library, &binaries.join(NAME))?;
    if let Some(runtime) = runtime {
        let resources = bundle.join("Contents").join("Resources");
        let named = |file: &Path, folder: &Path| folder.join(file.file_name().unwrap_or_default());
        place::copy(&runtime.library, &named(&runtime.library, &binaries))?;
        // All that lies beside a program is taken for code there, and would have to be signed.
        for licence in &runtime.licences {
            place::copy(licence, &named(licence, &resources))?;
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let plist = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>CFBundleExecutable</key><string>{NAME}</string>
  <key>CFBundleIdentifier</key><string>{IDENTIFIER}</string>
  <key>CFBundleName</key><string>{NAME}</string>
  <key>CFBundleDisplayName</key><string>{NAME}</string>
  <key>CFBundlePackageType</key><string>BNDL</string>
  <key>CFBundleSignature</key><string>????</string>
  <key>CFBundleShortVersionString</key><string>{version}</string>
  <key>CFBundleVersion</key><string>{version}</string>
  <key>NSHighResolutionCapable</key><true/>
</dict>
</plist>
"#
    );
    put(plist.as_bytes(), &bundle.join("Contents").join("Info.plist"))?;
    put(b"BNDL????", &bundle.join("Contents").join("PkgInfo"))?;
    if cfg!(target_os = "macos") {
        let signed = Command::new("codesign").args(["--force", "--deep", "--sign", "-"]).arg(bundle).status();
        if !signed.is_ok_and(|status| status.success()) {
            bail!(
                "codesign does not sign {}; see that Apple's command line tools are installed",
                bundle.display()
            );
        }
    }
    Ok(())
}

/// Removes a bundle, file or folder; whether there was one.
///
/// # Errors
/// Where it is there and cannot be removed.
pub fn remove(path: &Path) -> Result<bool> {
    let there = fs::symlink_metadata(path);
    let removed = match &there {
        Err(_) => return Ok(false),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("{} cannot be removed", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_hold_the_library_and_the_runtime_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| {
            let path = folder.path().join("in").join(name);
            put(name.as_bytes(), &path).expect("a file");
            path
        };
        let runtime = Runtime { library: file("libonnxruntime.so"), licences: vec![file("licence.txt")] };
        let library = file("plugin.so");
        let out = folder.path().join("out");
        let [clap, vst3] = wrap(&library, Some(&runtime), &out).expect("bundles");
        if cfg!(target_os = "linux") {
            assert_eq!(fs::read(&clap).expect("the CLAP"), b"plugin.so");
            let binaries = vst3.join(format!("Contents/{}-linux", std::env::consts::ARCH));
            assert_eq!(fs::read(binaries.join("ReaLchords.so")).expect("the VST3"), b"plugin.so");
            for name in ["libonnxruntime.so", "licence.txt"] {
                assert!(binaries.join(name).is_file() && out.join(name).is_file(), "{name}");
            }
        }
        assert!(remove(&clap).expect("removed") && remove(&vst3).expect("removed"));
        assert!(!remove(&clap).expect("gone"));
    }

    #[test]
    fn mac_bundles_name_themselves() {
        let folder = tempfile::tempdir().expect("a folder");
        let library = folder.path().join("plugin.dylib");
        put(b"library", &library).expect("a file");
        if !cfg!(target_os = "macos") {
            let bundle = folder.path().join("ReaLchords.clap");
            mac_bundle(&library, None, &bundle).expect("a bundle");
            let plist = fs::read_to_string(bundle.join("Contents/Info.plist")).expect("a plist");
            assert!(plist.contains(IDENTIFIER) && plist.contains(env!("CARGO_PKG_VERSION")));
            assert!(bundle.join("Contents/MacOS/ReaLchords").is_file());
        }
    }
}
