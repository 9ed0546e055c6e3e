//! Puts the plugin where this machine's hosts look for the user's own plugins, and takes it away again.

use crate::bundle;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Options of `install`.
#[derive(Args)]
pub struct InstallArgs {
    /// Install under this folder (clap/ and vst3/) and not into the user's plugin folders
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Install this built library and do not build
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// Options of `uninstall`.
#[derive(Args)]
pub struct UninstallArgs {
    /// The folder `install --dir` was given
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Where hosts look. CLAP hosts search folders below theirs too, so plugin and runtime get one of their own.
struct Folders {
    clap: PathBuf,
    vst3: PathBuf,
}

impl Folders {
    fn under(dir: &Path) -> Self {
        Self { clap: dir.join("clap").join(bundle::NAME), vst3: dir.join("vst3") }
    }

    fn of_user(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        let named = |name: &str| {
            variable(name)
                .filter(|path| path.is_absolute())
                .ok_or_else(|| anyhow!("{name} names no folder; set it, or give --dir FOLDER"))
        };
        let (clap, vst3) = if cfg!(target_os = "macos") {
            let plugins = named("HOME")?.join("Library/Audio/Plug-Ins");
            (plugins.join("CLAP"), plugins.join("VST3"))
        } else if cfg!(windows) {
            let plugins = named("LOCALAPPDATA")?.join("Programs").join("Common");
            (plugins.join("CLAP"), plugins.join("VST3"))
        } else {
            let home = named("HOME")?;
            (home.join(".clap"), home.join(".vst3"))
        };
        Ok(Self { clap: clap.join(bundle::NAME), vst3 })
    }

    fn chosen(dir: Option<&Path>) -> Result<Self> {
        match dir {
            Some(dir) => Ok(Self::under(
                &std::path::absolute(dir).with_context(|| format!("{} is no path", dir.display()))?,
            )),
            None => Self::of_user(|name| env::var_os(name).map(PathBuf::from)),
        }
    }
}

/// `cargo xtask install`.
///
/// # Errors
/// Where the plugin does not build or a folder cannot be written.
pub fn install(args: &InstallArgs) -> Result<()> {
    let folders = Folders::chosen(args.dir.as_deref())?;
    let library = match &args.plugin {
        Some(library) => library.clone(),
        None => bundle::build()?,
    };
    let runtime = bundle::runtime_or_word();
    let clap = bundle::wrap_clap(&library, runtime.as_ref(), &folders.clap)?;
    let vst3 = bundle::wrap_vst3(&library, runtime.as_ref(), &folders.vst3)?;
    println!("installed {}", clap.display());
    println!("installed {}", vst3.display());
    Ok(())
}

/// `cargo xtask uninstall`.
///
/// # Errors
/// Where something is there and cannot be removed.
pub fn uninstall(args: &UninstallArgs) -> Result<()> {
    let folders = Folders::chosen(args.dir.as_deref())?;
    for path in [folders.clap, folders.vst3.join(format!("{}.vst3", bundle::NAME))] {
        if bundle::remove(&path)? {
            println!("removed {}", path.display());
        } else {
            println!("{} is not there", path.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_taken_away_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("plugins");
        let folders = Folders::chosen(Some(&dir)).expect("folders");
        let library = folder.path().join("library");
        std::fs::write(&library, b"library").expect("a file");
        bundle::wrap_clap(&library, None, &folders.clap).expect("a bundle");
        bundle::wrap_vst3(&library, None, &folders.vst3).expect("a bundle");
        assert!(
            dir.join("clap/ReaLchords/ReaLchords.clap").exists() && dir.join("vst3/ReaLchords.vst3").exists()
        );
        uninstall(&UninstallArgs { dir: Some(dir.clone()) }).expect("removed");
        assert!(!dir.join("clap/ReaLchords").exists() && !dir.join("vst3/ReaLchords.vst3").exists());
        uninstall(&UninstallArgs { dir: Some(dir) }).expect("nothing to remove is no error");
    }

    #[test]
    fn without_a_home_the_user_is_told_what_to_do() {
        let error = Folders::of_user(|_| None).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("--dir"), "{error}");
        assert!(Folders::of_user(|_| Some(env::temp_dir())).is_ok());
    }
}
