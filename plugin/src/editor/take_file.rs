//! Where a saved capture goes: a file named by date and time in the user's music folder. It is written under a
//! temporary name and renamed, so that no half file is ever found. GUI thread.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Our folder within the user's music, or home.
const FOLDER: &str = "ReaLchords";
/// The user's folder of music.
const MUSIC: &str = "Music";
/// So many takes in one second have names.
const MOST_A_SECOND: u32 = 100;

/// The user's own folder.
pub fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// The folder that captures are saved in, whether it is there or not.
///
/// # Errors
/// The user has no home.
pub fn folder() -> Result<PathBuf, String> {
    home().map(|home| folder_in(&home)).ok_or_else(|| "no home folder is known".into())
}

fn folder_in(home: &Path) -> PathBuf {
    let music = home.join(MUSIC);
    if music.is_dir() { music.join(FOLDER) } else { home.join(FOLDER) }
}

/// The name of a file of this moment, without its ending.
pub fn name_now() -> String {
    chrono::Local::now().format("ReaLchords %Y-%m-%d %H.%M.%S").to_string()
}

/// Writes a MIDI file of this name into a folder, which is made if it is not there; never over another file.
///
/// # Errors
/// What the system says, with the path it is about.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let said = |path: &Path, e: io::Error| format!("{} cannot be written: {e}", path.display());
    fs::create_dir_all(folder).map_err(|e| said(folder, e))?;
    let numbered = (1..=MOST_A_SECOND).map(|nth| match nth {
        1 => folder.join(format!("{name}.mid")),
        nth => folder.join(format!("{name} ({nth}).mid")),
    });
    let path = numbered.into_iter().find(|path| !path.exists());
    let path = path.ok_or_else(|| format!("{} is full of takes of this second", folder.display()))?;
    let partial = path.with_extension(format!("mid.{}.part", std::process::id()));
    let written = fs::File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&partial, &path)).map_err(|e| {
        let _ = fs::remove_file(&partial);
        said(&path, e)
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_lie_beside_each_other_and_whole() {
        let home = std::env::temp_dir().join(format!("realchords-takes-{}", std::process::id()));
        fs::create_dir_all(home.join(MUSIC)).unwrap();
        let folder = folder_in(&home);
        assert_eq!(folder, home.join(MUSIC).join(FOLDER));
        assert_eq!(folder_in(&home.join("elsewhere")), home.join("elsewhere").join(FOLDER));
        let first = write(&folder, "take", b"one").unwrap();
        let second = write(&folder, "take", b"two").unwrap();
        assert_eq!((first, second.clone()), (folder.join("take.mid"), folder.join("take (2).mid")));
        assert_eq!(fs::read(second).unwrap(), b"two");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        // A file where the folder should be.
        fs::write(home.join("file"), "").unwrap();
        let why = write(&home.join("file"), "take", b"three").unwrap_err();
        assert!(why.contains("cannot be written"), "{why}");
        fs::remove_dir_all(&home).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_no_half_take() {
        let folder = std::env::temp_dir().join(format!("realchords-full-disk-{}", std::process::id()));
        let older = write(&folder, "take", b"older").unwrap();
        // The name under which it is written leads to a device that is always full.
        let partial = folder.join(format!("take (2).mid.{}.part", std::process::id()));
        std::os::unix::fs::symlink("/dev/full", &partial).unwrap();
        let why = write(&folder, "take", &[7; 1000]).unwrap_err();
        assert!(why.contains("take (2).mid") && why.contains("No space left"), "{why}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "something is left behind");
        assert_eq!(fs::read(older).unwrap(), b"older");
        // With room again the same take is written.
        assert_eq!(fs::read(write(&folder, "take", b"one").unwrap()).unwrap(), b"one");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_takes_nothing_is_said() {
        // Not even root makes a file there.
        let why = write(Path::new("/proc/self/takes"), "take", b"one").unwrap_err();
        assert!(why.contains("/proc/self/takes cannot be written"), "{why}");
        let why = write(Path::new("/proc/self"), "take", b"one").unwrap_err();
        assert!(why.contains("/proc/self/take.mid cannot be written"), "{why}");
    }

    #[test]
    fn a_name_is_a_date_and_a_time() {
        let name = name_now();
        let shape: String = name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "ReaLchords 0000-00-00 00.00.00");
    }
}
