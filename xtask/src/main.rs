//! The workshop's door: `cargo xtask COMMAND`. It reads the command line and calls; the rooms do the work.

mod bundle;
mod install;
mod jam;
mod place;
mod runtime;
mod suite;
mod tidy;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The workshop: play melodies through the plugin, test, install")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays melodies through the built plugin and writes what it answers
    Jam(jam::JamArgs),
    /// Everything CI asks for: format, lints, house rules, tests, documents
    Test,
    /// Builds the plugin and puts it where this machine's hosts look for plugins
    Install(install::InstallArgs),
    /// Takes away what `install` put there
    Uninstall(install::UninstallArgs),
    /// Builds the plugin's CLAP and VST3 bundles into target/bundled
    Bundle,
    /// Checks the house rules
    Tidy,
    /// Gets the pinned ONNX Runtime into target/onnxruntime and prints its path
    Runtime {
        /// Another machine's: linux-x86_64, linux-aarch64, windows-x86_64 or macos-aarch64
        #[arg(long, value_name = "MACHINE")]
        target: Option<String>,
        /// Put it here
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Jam(args) => jam::run(&args),
        Command::Test => suite::run(),
        Command::Install(args) => install::install(&args),
        Command::Uninstall(args) => install::uninstall(&args),
        Command::Bundle => bundle::run(),
        Command::Tidy => tidy::run(),
        Command::Runtime { target, dir } => runtime::run(target.as_deref(), dir.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
