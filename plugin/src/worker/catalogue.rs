//! The model files a player can choose from: those dropped into the user's models folder. GUI and worker threads;
//! reads files, opens no engine.

use super::{library, metadata};
use music::manifest::Manifest;
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// The folder, inside our folder of the user's data, that models are dropped into.
const FOLDER: &str = "models";
/// How a model file's name ends.
const EXTENSION: &str = "onnx";
/// No model file is larger than this, in MiB; the shipped one has four.
const LARGEST_MIB: u64 = 512;

/// A model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it lies.
    pub path: PathBuf,
    /// What it promises, or why it is refused.
    pub manifest: Result<Manifest, String>,
}

/// The folder that models are dropped into, whether it is there or not.
pub fn folder() -> Option<PathBuf> {
    library::user_folder().map(|folder| folder.join(FOLDER))
}

/// The model files of the folder, by name. Reads each of them whole.
pub fn list() -> Vec<Entry> {
    folder().map(|folder| list_in(&folder)).unwrap_or_default()
}

fn list_in(folder: &Path) -> Vec<Entry> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let is_model = |path: &PathBuf| {
        path.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case(EXTENSION))
    };
    let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(is_model).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| Entry { manifest: read(&path).map(|(_, manifest)| manifest), path })
        .collect()
}

/// A model file's bytes and its manifest, held to the contract.
///
/// # Errors
/// It cannot be read, or is not one that this build can serve; with both values where they differ.
pub fn read(path: &Path) -> Result<(Vec<u8>, Manifest), String> {
    let file = bytes(path)?;
    let manifest = metadata::manifest(&file).map_err(|e| e.to_string())?;
    Ok((file, manifest))
}

/// The bytes of what may be a model file. What is no ordinary file is not touched: a pipe would be waited for without
/// end, and a device fill the memory.
///
/// # Errors
/// It is no ordinary file, or too large, or cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |e| format!("it cannot be read: {e}");
    // Links are followed.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err("it is no ordinary file".into());
    }
    let mib = found.len().div_ceil(1 << 20);
    if mib > LARGEST_MIB {
        return Err(format!("it has {mib} MiB, and a model at most {LARGEST_MIB}"));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    // No more than was found: it may grow meanwhile.
    File::open(path).and_then(|file| file.take(found.len()).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(bytes)
}

/// Where a chosen file lies: where the project says, or, on another machine, by its name in the models folder.
pub fn find(chosen: &str) -> PathBuf {
    find_in(chosen, folder())
}

fn find_in(chosen: &str, folder: Option<PathBuf>) -> PathBuf {
    let path = PathBuf::from(chosen);
    if path.is_absolute() && path.is_file() {
        return path;
    }
    // A project may come from a system with other separators.
    let name = chosen.rsplit(['/', '\\']).next().unwrap_or(chosen);
    folder.map(|folder| folder.join(name)).filter(|path| path.is_file()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::EMBEDDED;

    #[test]
    fn the_folders_models_are_listed_with_their_promises() {
        let folder = std::env::temp_dir().join(format!("realchords-catalogue-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("good.onnx"), EMBEDDED).unwrap();
        fs::write(folder.join("Cut.ONNX"), &EMBEDDED[..1000]).unwrap();
        fs::write(folder.join("notes.txt"), "none").unwrap();
        let found = list_in(&folder);
        assert_eq!(found.len(), 2);
        assert!(found[0].manifest.as_ref().is_err_and(|why| why.contains("no whole ONNX model")));
        assert!(found[1].manifest.is_ok() && found[1].path.ends_with("good.onnx"));
        let here = folder.join("good.onnx");
        for chosen in [r"C:\Users\me\models\good.onnx", "/elsewhere/good.onnx", &here.to_string_lossy()] {
            assert_eq!(find_in(chosen, Some(folder.clone())), here, "{chosen}");
        }
        assert_eq!(find_in("/no/such.onnx", Some(folder.clone())), PathBuf::from("/no/such.onnx"));
        assert_eq!(list_in(&folder.join("none")), []);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_ordinary_file_or_too_large_is_refused_and_not_read() {
        let folder = std::env::temp_dir().join(format!("realchords-no-file-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let refused = |path: &Path| read(path).map(|_| ()).unwrap_err();
        // All of it is a hole, and takes no room on the disk.
        let large = folder.join("large.onnx");
        File::create(&large).unwrap().set_len(1 << 30).unwrap();
        assert_eq!(refused(&large), "it has 1024 MiB, and a model at most 512");
        assert_eq!(refused(&folder), "it is no ordinary file");
        assert!(refused(&folder.join("none.onnx")).contains("cannot be read"));
        #[cfg(unix)]
        {
            // Nobody ever writes into it: who opened it to read would wait without end.
            let pipe = folder.join("pipe.onnx");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let link = folder.join("link.onnx");
            std::os::unix::fs::symlink(&pipe, &link).unwrap();
            for path in [&pipe, &link, Path::new("/dev/zero")] {
                assert_eq!(refused(path), "it is no ordinary file", "{}", path.display());
            }
            let choice = crate::links::ModelChoice { file: pipe.to_str().map(str::to_owned) };
            let why = crate::worker::opening::open(&choice).map(|_| ()).unwrap_err();
            assert!(why.contains("pipe.onnx is not used: it is no ordinary file"), "{why}");
        }
        let found = list_in(&folder);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].manifest.as_ref().is_err_and(|why| why.contains("1024 MiB")));
        fs::remove_dir_all(&folder).unwrap();
    }
}
