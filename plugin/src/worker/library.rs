//! Finds the ONNX Runtime library and checks that it is whole before anything loads it: one that is cut off, or has a
//! hole in it, would kill the host. Worker thread.
//!
//! Looked for in this order: the file or folder named in `REALCHORDS_ONNXRUNTIME` (`none`: use no ONNX Runtime); the
//! folder of our own binary; the folders of the bundle it lies in; the user's data folder. Never by bare name: the
//! system may hold another version under it.

use sha2::{Digest, Sha256};
use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// The variable that names a library, or `none`.
pub const VARIABLE: &str = "REALCHORDS_ONNXRUNTIME";

/// Names the library goes by.
const NAMES: &[&str] = if cfg!(target_os = "windows") {
    &["onnxruntime.dll"]
} else if cfg!(target_os = "macos") {
    &["libonnxruntime.1.28.0.dylib", "libonnxruntime.dylib"]
} else {
    &["libonnxruntime.so.1.28.0", "libonnxruntime.so"]
};

/// No build of the library is smaller than this, in bytes.
const SMALLEST: u64 = 1 << 20;

/// A build that we ship.
struct Shipped {
    /// Its length in bytes.
    len: u64,
    /// Its SHA-256.
    sha256: &'static str,
}

/// The builds that we ship, as `cargo xtask runtime` gets them. macOS has its own seal on libraries, and our bundles are
/// signed there, which changes them.
const SHIPPED: [Shipped; 3] = [
    Shipped { len: 24_272_944, sha256: "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083" },
    Shipped { len: 20_657_248, sha256: "23a37c2994bc273e1d59a4f49af6cba5bf1cfbc29f04907ec27df375aba50a7d" },
    Shipped { len: 17_766_712, sha256: "14e186627f109a15f28f0b36f6e8ea07c79eac666818e63c39a9792f415bf649" },
];

/// Why there is no library to load. What is wrong is said before the path: VST3 hosts show 127 characters of it.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The variable says so.
    #[error("{VARIABLE} is set to `none`")]
    Declined,
    /// Nothing was found.
    #[error("no {} in {}: put it there as the zip has it, or name one in {VARIABLE}", NAMES[0], list(.0))]
    Absent(Vec<PathBuf>),
    /// What was found cannot be read.
    #[error("unreadable ({1}): {0}")]
    Unreadable(PathBuf, std::io::Error),
    /// What was found is not a whole library.
    #[error("no whole library ({why}); install it again: {path}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The library to load, as an absolute path.
///
/// # Errors
/// None is found, or the first one found is not whole.
pub fn find() -> Result<PathBuf, LibraryError> {
    let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
    let path = choose(named, &places())?;
    check(&path)?;
    Ok(path)
}

fn choose(named: Option<OsString>, places: &[PathBuf]) -> Result<PathBuf, LibraryError> {
    let inside = |folder: &PathBuf| NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let found = match named {
        Some(name) if name == "none" => return Err(LibraryError::Declined),
        Some(name) => {
            let path = PathBuf::from(name);
            if path.is_dir() {
                inside(&path).ok_or_else(|| LibraryError::Absent(vec![path]))
            } else {
                Ok(path)
            }
        }
        None => places.iter().find_map(inside).ok_or_else(|| LibraryError::Absent(places.to_vec())),
    }?;
    found.canonicalize().map_err(|e| LibraryError::Unreadable(found, e))
}

/// The folders to look in.
fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    let binary = process_path::get_dylib_path().and_then(|path| path.canonicalize().ok());
    if let Some(folder) = binary.as_deref().and_then(Path::parent) {
        places.push(folder.to_path_buf());
        // In a bundle the binary lies in Contents/<platform>.
        if let Some(contents) = folder.parent().filter(|parent| parent.ends_with("Contents")) {
            places.extend(["Frameworks", "Resources"].map(|name| contents.join(name)));
        }
    }
    places.extend(user_folder());
    places
}

/// Our folder of the user's data.
pub fn user_folder() -> Option<PathBuf> {
    let home = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(target_os = "windows") {
        home("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        home("HOME")?.join("Library/Application Support")
    } else {
        home("XDG_DATA_HOME").or_else(|| Some(home("HOME")?.join(".local/share")))?
    };
    Some(base.join("realchords"))
}

/// Whether a file is a whole library for this system: one as long as one of ours must be that one to the byte, another
/// as far as its own tables tell.
///
/// # Errors
/// It is not, or cannot be read.
pub fn check(path: &Path) -> Result<(), LibraryError> {
    let unreadable = |e| LibraryError::Unreadable(path.to_path_buf(), e);
    let broken = |why: String| Err(LibraryError::Broken { path: path.to_path_buf(), why });
    // Before it is opened: a pipe would be waited for without end.
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return broken("no ordinary file".into());
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let len = found.len();
    if len < SMALLEST {
        return broken(format!("{len} bytes of at least {SMALLEST}"));
    }
    let mut head = [0u8; 64];
    file.read_exact(&mut head).map_err(unreadable)?;
    let wanted: &[&[u8]] = if cfg!(target_os = "windows") {
        &[b"MZ"]
    } else if cfg!(target_os = "macos") {
        &[&[0xcf, 0xfa, 0xed, 0xfe], &[0xca, 0xfe, 0xba, 0xbe]]
    } else {
        &[b"\x7fELF\x02\x01"]
    };
    if !wanted.iter().any(|magic| head.starts_with(magic)) {
        return broken("not one of this system".into());
    }
    if cfg!(target_os = "linux") {
        let mut table = |offset: usize, size: usize, count: usize| -> Result<Vec<u8>, LibraryError> {
            let start = number(&head, offset, 8);
            let size = number(&head, size, 2) * number(&head, count, 2);
            if start.checked_add(size).is_none_or(|end| end > len) {
                let why = format!("a table ends at byte {} of {len}", start.saturating_add(size));
                return Err(LibraryError::Broken { path: path.to_path_buf(), why });
            }
            let mut bytes = vec![0; size as usize];
            file.seek(SeekFrom::Start(start))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(unreadable)?;
            Ok(bytes)
        };
        table(0x28, 0x3a, 0x3c)?;
        let segments = table(0x20, 0x36, 0x38)?;
        for segment in segments.chunks_exact(56) {
            let (start, size) = (number(segment, 8, 8), number(segment, 32, 8));
            if start.checked_add(size).is_none_or(|end| end > len) {
                return broken(format!("a segment ends at byte {} of {len}", start.saturating_add(size)));
            }
        }
    }
    if let Some(shipped) = SHIPPED.iter().find(|shipped| shipped.len == len) {
        let found = sha256(&mut file).map_err(unreadable)?;
        if found != shipped.sha256 {
            return broken(format!("SHA-256 {:.8}…, not {:.8}…", found, shipped.sha256));
        }
    }
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal.
fn sha256(file: &mut File) -> std::io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    std::io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A little-endian number of `size` bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("realchords-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn elf(len: usize, sections_at: u64) -> Vec<u8> {
        let mut bytes = vec![0; len];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[0x28..0x30].copy_from_slice(&sections_at.to_le_bytes());
        bytes[0x3a..0x3e].copy_from_slice(&[64, 0, 10, 0]);
        bytes
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_whole_libraries_pass() {
        let folder = Folder::new("library");
        let len = SMALLEST as usize + 4096;
        let cases: [(&str, Vec<u8>, Option<&str>); 6] = [
            ("whole", elf(len, len as u64 - 640), None),
            ("short", elf(1000, 100), Some("1000 bytes")),
            ("cut", elf(len, len as u64), Some("a table ends")),
            ("mad", elf(len, u64::MAX - 1), Some("a table ends")),
            ("text", vec![b'x'; len], Some("not one of this system")),
            ("hole", elf(SHIPPED[0].len as usize, 100), Some("SHA-256 ")),
        ];
        for (name, bytes, expected) in cases {
            let result = check(&folder.file(name, &bytes)).map_err(|e| e.to_string());
            match expected {
                None => assert_eq!(result, Ok(()), "{name}"),
                Some(part) => assert!(result.as_ref().is_err_and(|e| e.contains(part)), "{name}: {result:?}"),
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_pipe_is_no_library_and_not_waited_for() {
        let folder = Folder::new("pipe");
        let pipe = folder.0.join(NAMES[0]);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let why = check(&pipe).unwrap_err().to_string();
        assert!(why.starts_with("no whole library (no ordinary file)"), "{why}");
    }

    #[test]
    fn a_named_library_comes_before_the_places() {
        let (named, place) = (Folder::new("named"), Folder::new("place"));
        let in_place = place.file(NAMES[0], b"").canonicalize().unwrap();
        let places = [place.0.clone()];
        assert_eq!(choose(None, &places).unwrap(), in_place);
        let file = named.file("other.so", b"").canonicalize().unwrap();
        assert_eq!(choose(Some(file.clone().into()), &places).unwrap(), file);
        let in_named = named.file(NAMES[0], b"").canonicalize().unwrap();
        assert_eq!(choose(Some(named.0.clone().into()), &places).unwrap(), in_named);
        assert!(matches!(choose(Some("none".into()), &places), Err(LibraryError::Declined)));
        assert!(matches!(choose(Some("/no/such/file".into()), &places), Err(LibraryError::Unreadable(..))));
        assert!(matches!(choose(None, &[]), Err(LibraryError::Absent(_))));
    }
}
