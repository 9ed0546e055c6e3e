//! `cargo xtask dist`: packs what people install on this platform into one zip, unpacks it again and loads it. The same
//! build gives the same bytes: order, times and rights of the files are ours, not the disk's.

use crate::{bundle, licences, place, runtime};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use hosts::{ClapHost, ClassChoice, PluginHost, Setup, Vst3Host};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// How long the plugin may take to open its model.
const PATIENCE: Duration = Duration::from_secs(120);
/// Files of the checkout that go along, and their names there.
const DOCUMENTS: [(&str, &str); 5] = [
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("assets/fonts/DejaVu-LICENSE.txt", "licences/DejaVu-LICENSE.txt"),
    ("assets/model/README.md", "licences/model.md"),
];

/// Options of `dist`.
#[derive(Args)]
pub struct DistArgs {
    /// Pack this built library and do not build
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Only load the plugins unpacked in this folder and say which engine serves
    #[arg(long, value_name = "FOLDER", hide = true)]
    load: Option<PathBuf>,
}

/// Packs, checks and says what was made.
///
/// # Errors
/// Where the plugin does not build, the runtime cannot be had, or what was packed does not load.
pub fn run(args: &DistArgs) -> Result<()> {
    if let Some(folder) = &args.load {
        return load(folder);
    }
    let library = match &args.plugin {
        Some(library) => library.clone(),
        None if cfg!(target_os = "macos") => bundle::build_universal()?,
        None => bundle::build()?,
    };
    let name = format!("{}-{}-{}", bundle::NAME, env!("CARGO_PKG_VERSION"), platform());
    let folder = place::target().join("dist");
    let files = stage(&library, &folder.join("stage"))?;
    let bytes = pack(&name, &files)?;
    let zip = folder.join(format!("{name}.zip"));
    place::put(&bytes, &zip)?;
    let sum = format!("{}  {name}.zip\n", hex(&bytes));
    place::put(sum.as_bytes(), &folder.join(format!("{name}.zip.sha256")))?;
    check(&name, &bytes, &folder.join("check"))?;
    println!("{} {:.1} MB, {} files", place::shown(&zip), bytes.len() as f64 / 1e6, files.len());
    print!("{sum}");
    Ok(())
}

fn platform() -> String {
    match env::consts::OS {
        "macos" => "macos-universal".to_owned(),
        system => format!("{system}-{}", env::consts::ARCH),
    }
}

/// Everything that goes into the zip, by its path there.
fn stage(library: &Path, folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    bundle::remove(folder)?;
    let runtime = runtime::ensure().context("a release holds the runtime")?;
    ensure!(
        runtime.has_licences(),
        "the licences of ONNX Runtime do not lie beside {}: remove it, and it is downloaded with them",
        place::shown(&runtime.library)
    );
    bundle::wrap_clap(library, Some(&runtime), &folder.join("CLAP").join(bundle::NAME))?;
    bundle::wrap_vst3(library, Some(&runtime), &folder.join("VST3"))?;
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files)?;
    for (from, to) in DOCUMENTS {
        let path = place::root().join(from);
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        files.insert(to.to_owned(), bytes);
    }
    files.insert("THIRD-PARTY.txt".to_owned(), licences::list()?.into_bytes());
    files.insert("READ-ME.txt".to_owned(), read_me().into_bytes());
    let sums: String = files.iter().map(|(path, bytes)| format!("{}  {path}\n", hex(bytes))).collect();
    files.insert("SHA256SUMS".to_owned(), sums.into_bytes());
    Ok(files)
}

fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries.flatten() {
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            let bytes = fs::read(entry.path()).with_context(|| format!("{path} cannot be read"))?;
            files.insert(path, bytes);
        }
    }
    Ok(())
}

/// The zip's bytes: all below a folder of the zip's name.
fn pack(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let is_binary = path.starts_with("CLAP/") || path.starts_with("VST3/");
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(if is_binary { 0o755 } else { 0o644 });
        zip.start_file(format!("{name}/{path}"), options).with_context(|| format!("{path} is not packed"))?;
        zip.write_all(bytes).with_context(|| format!("{path} is not packed"))?;
    }
    Ok(zip.finish().context("the zip does not close")?.into_inner())
}

/// Unpacks a zip.
///
/// # Errors
/// It is no zip, a member leads out of the folder, or that cannot be written.
pub fn unpack(zip: &[u8], folder: &Path) -> Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).context("it is no zip")?;
    for idx in 0..archive.len() {
        let mut member = archive.by_index(idx).with_context(|| format!("member {idx} does not unpack"))?;
        let path = member.enclosed_name().ok_or_else(|| anyhow!("{} leads out of the zip", member.name()))?;
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).with_context(|| format!("{} does not unpack", path.display()))?;
        place::put(&bytes, &folder.join(&path))?;
    }
    Ok(())
}

/// Unpacks the zip into an empty home and loads what came out, as it is and without the runtime.
fn check(name: &str, zip: &[u8], home: &Path) -> Result<()> {
    bundle::remove(home)?;
    unpack(zip, home).context("what was packed does not unpack")?;
    let unpacked = home.join(name);
    let with = loaded(&unpacked, home)?;
    ensure!(serves(&with, "ONNX Runtime ("), "the runtime is not used: {with:?}");
    let mut removed = 0;
    let mut files = BTreeMap::new();
    collect(&unpacked, "", &mut files)?;
    for path in files.keys().filter(|path| path.contains("onnxruntime") && !path.ends_with(".txt")) {
        bundle::remove(&unpacked.join(path))?;
        removed += 1;
    }
    ensure!(removed == 2, "{removed} runtime libraries in the zip, not one a format");
    let without = loaded(&unpacked, home)?;
    ensure!(serves(&without, "built-in ("), "without the runtime another engine serves: {without:?}");
    println!(
        "unpacked and loaded, in {} faces: {}; without the runtime library: built-in",
        with.len(),
        with[0]
    );
    bundle::remove(home)?;
    Ok(())
}

/// Whether each of the three faces is served by an engine whose words begin so.
fn serves(faces: &[String], engine: &str) -> bool {
    faces.len() == 3 && faces.iter().all(|said| said.starts_with(engine))
}

/// Loads all faces in a process of their own, in which `home` is all there is; the engine that serves each.
fn loaded(unpacked: &Path, home: &Path) -> Result<Vec<String>> {
    let mut command = Command::new(env::current_exe().context("this program has no path")?);
    command.args(["dist", "--load"]).arg(unpacked);
    for variable in ["HOME", "XDG_DATA_HOME", "LOCALAPPDATA"] {
        command.env(variable, home);
    }
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("REALCHORDS_")) {
        command.env_remove(name);
    }
    let output = command.output().context("this program does not run again")?;
    if !output.status.success() {
        bail!("what was packed does not load: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Prints a line for each face: the engine that serves it.
fn load(folder: &Path) -> Result<()> {
    let clap = folder.join("CLAP").join(bundle::NAME).join(format!("{}.clap", bundle::NAME));
    let vst3 = folder.join("VST3").join(format!("{}.vst3", bundle::NAME));
    let mut faces: Vec<Box<dyn PluginHost>> = vec![Box::new(ClapHost::load(&clap)?)];
    for name in ["ReaLchords", "ReaLchords (MIDI FX)"] {
        faces.push(Box::new(Vst3Host::load(&vst3, ClassChoice::Name(name))?));
    }
    for host in &mut faces {
        host.activate(Setup::default())?;
        let begun = Instant::now();
        while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
            ensure!(begun.elapsed() < PATIENCE, "the model does not open");
            thread::park_timeout(Duration::from_millis(5));
        }
        println!("{}", host.read("engine")?);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How to install, in lines to copy.
fn read_me() -> String {
    let lines = match env::consts::OS {
        "macos" => concat!(
            "In Terminal, in this folder:\n\n",
            "  mkdir -p ~/Library/Audio/Plug-Ins/CLAP ~/Library/Audio/Plug-Ins/VST3\n",
            "  cp -R CLAP/ReaLchords ~/Library/Audio/Plug-Ins/CLAP/\n",
            "  cp -R VST3/ReaLchords.vst3 ~/Library/Audio/Plug-Ins/VST3/\n\n",
            "The plugins are signed for no particular developer, so Gatekeeper holds them back. Tell it that you trust them:\n\n",
            "  xattr -dr com.apple.quarantine ~/Library/Audio/Plug-Ins/CLAP/ReaLchords\n",
            "  xattr -dr com.apple.quarantine ~/Library/Audio/Plug-Ins/VST3/ReaLchords.vst3\n\n",
            "ONNX Runtime here is for Apple silicon and macOS 14 or later; elsewhere the built-in engine plays.\n\n",
            "To remove:\n\n",
            "  rm -r ~/Library/Audio/Plug-Ins/CLAP/ReaLchords ~/Library/Audio/Plug-Ins/VST3/ReaLchords.vst3\n",
        ),
        "windows" => concat!(
            "Before unpacking: right-click the zip, Properties, Unblock. Otherwise SmartScreen may hold the files back;\n",
            "if it asks, choose More info, Run anyway. Then, in PowerShell, in this folder:\n\n",
            "  mkdir -Force \"$env:LOCALAPPDATA\\Programs\\Common\\CLAP\", \"$env:LOCALAPPDATA\\Programs\\Common\\VST3\"\n",
            "  Copy-Item -Recurse -Force CLAP\\ReaLchords \"$env:LOCALAPPDATA\\Programs\\Common\\CLAP\\\"\n",
            "  Copy-Item -Recurse -Force VST3\\ReaLchords.vst3 \"$env:LOCALAPPDATA\\Programs\\Common\\VST3\\\"\n",
            "  Get-ChildItem -Recurse \"$env:LOCALAPPDATA\\Programs\\Common\" -Include *.clap, *.vst3, *.dll | Unblock-File\n\n",
            "To remove:\n\n",
            "  Remove-Item -Recurse \"$env:LOCALAPPDATA\\Programs\\Common\\CLAP\\ReaLchords\"\n",
            "  Remove-Item -Recurse \"$env:LOCALAPPDATA\\Programs\\Common\\VST3\\ReaLchords.vst3\"\n",
        ),
        _ => concat!(
            "In a terminal, in this folder:\n\n",
            "  mkdir -p ~/.clap ~/.vst3\n",
            "  cp -r CLAP/ReaLchords ~/.clap/\n",
            "  cp -r VST3/ReaLchords.vst3 ~/.vst3/\n\n",
            "To remove:\n\n",
            "  rm -r ~/.clap/ReaLchords ~/.vst3/ReaLchords.vst3\n",
        ),
    };
    let (name, version, platform) = (bundle::NAME, env!("CARGO_PKG_VERSION"), platform());
    format!(
        "{name} {version}, {platform}\n\nInstall\n-------\n{lines}\nThen have your host scan its plugins again. Keep the onnxruntime library beside the plugin: without it\na slower built-in engine plays, and the plugin says so.\n\nCheck\n-----\nSHA256SUMS holds the checksum of every file.\n\nNothing leaves your machine. Licence: MIT or Apache-2.0, as you like; others' are in THIRD-PARTY.txt and licences.\nVST is a trademark of Steinberg Media Technologies GmbH.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_bytes_in_order() {
        let files: BTreeMap<String, Vec<u8>> = [("b", 1), ("CLAP/a", 2), ("a/c", 3)]
            .into_iter()
            .map(|(path, byte)| (path.to_owned(), vec![byte; 100]))
            .collect();
        let zip = pack("name", &files).expect("a zip");
        assert_eq!(zip, pack("name", &files).expect("a zip"));
        let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a zip");
        let mut found = Vec::new();
        for idx in 0..archive.len() {
            let member = archive.by_index(idx).expect("a member");
            assert_eq!(member.last_modified(), Some(DateTime::default()));
            found.push((member.name().to_owned(), member.unix_mode().map(|mode| mode & 0o777)));
        }
        let expected = [("name/CLAP/a", 0o755), ("name/a/c", 0o644), ("name/b", 0o644)];
        assert_eq!(found, expected.map(|(name, mode)| (name.to_owned(), Some(mode))));
    }

    #[test]
    fn each_file_of_the_checkout_that_goes_along_is_there() {
        for (from, _) in DOCUMENTS {
            assert!(place::root().join(from).is_file(), "{from}");
        }
    }
}
