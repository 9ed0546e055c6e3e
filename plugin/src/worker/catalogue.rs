//! The model files a player can choose from: those dropped into the user's models folder. GUI and worker threads;
//! reads files, opens no engine.

use super::{library, metadata};
use music::manifest::Manifest;
use std::path::{Path, PathBuf};

/// The folder, inside our folder of the user's data, that models are dropped into.
const FOLDER: &str = "models";
/// How a model file's name ends.
const EXTENSION: &str = "onnx";

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
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
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
    let file = std::fs::read(path).map_err(|e| format!("it cannot be read: {e}"))?;
    let manifest = metadata::manifest(&file).map_err(|e| e.to_string())?;
    Ok((file, manifest))
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
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("good.onnx"), EMBEDDED).unwrap();
        std::fs::write(folder.join("Cut.ONNX"), &EMBEDDED[..1000]).unwrap();
        std::fs::write(folder.join("notes.txt"), "none").unwrap();
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
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
