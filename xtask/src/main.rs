//! The workshop's door: `cargo xtask COMMAND`. It reads the command line and calls; the rooms do the work.

mod bench;
mod bundle;
mod cross;
mod dist;
#[cfg(target_os = "linux")]
mod e2e;
mod endure;
mod fuzz;
mod held;
mod install;
mod jam;
mod leaks;
mod licences;
mod pictures;
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
    /// Plays the plugin in a real host, Ardour, without a screen
    #[cfg(target_os = "linux")]
    E2e(e2e::E2eArgs),
    /// Renders a jam of many hours and says how memory, lateness and drift went
    Endure(endure::EndureArgs),
    /// Has instances live under Valgrind and says whether memory is lost
    Leaks(leaks::LeaksArgs),
    /// Feeds what is read from outside with broken input, guided by coverage
    Fuzz(fuzz::FuzzArgs),
    /// Everything CI asks for: format, lints, house rules, tests, documents
    Test,
    /// Checks the code for Windows, macOS and Linux on ARM, without their linkers
    Cross,
    /// Builds the plugin and puts it where this machine's hosts look for plugins
    Install(install::InstallArgs),
    /// Takes away what `install` put there
    Uninstall(install::UninstallArgs),
    /// Measures how fast the instrument is here, beside a run that was kept
    Bench(bench::BenchArgs),
    /// Builds the plugin's CLAP and VST3 bundles into target/bundled
    Bundle,
    /// Packs what people install on this platform into one zip in target/dist
    Dist(dist::DistArgs),
    /// Draws the editor in every state into target/pictures, without a display
    Pictures,
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
    if let Some(compiled) = fuzz::as_compiler() {
        return compiled;
    }
    let outcome = match Cli::parse().command {
        Command::Jam(args) => jam::run(&args),
        #[cfg(target_os = "linux")]
        Command::E2e(args) => e2e::run(&args),
        Command::Endure(args) => endure::run(&args),
        Command::Leaks(args) => leaks::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Test => suite::run(),
        Command::Cross => cross::run(),
        Command::Install(args) => install::install(&args),
        Command::Uninstall(args) => install::uninstall(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Bundle => bundle::run(),
        Command::Dist(args) => dist::run(&args),
        Command::Pictures => pictures::run(),
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
