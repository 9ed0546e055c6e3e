//! `cargo xtask fuzz`: feeds what is read from outside with broken input, for minutes or hours, guided by coverage. Our
//! own crates are compiled with LLVM's coverage counters, by this program standing between cargo and the compiler; no
//! other compiler than the usual one is needed, but a C++ compiler for libFuzzer.

use crate::place;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::{
    env, fs,
    process::{Command, ExitCode, Stdio},
    thread,
};

/// Set while this program stands in for the compiler.
const INSTRUMENTS: &str = "REALCHORDS_INSTRUMENTS";
/// What the compiler is told besides: counters on each edge of each function, and what is compared with what.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Copt-level=2",
];
/// The targets, as tests/fuzz names them.
const TARGETS: [&str; 11] = [
    "manifest",
    "model",
    "midi",
    "pop909",
    "musicxml",
    "abc",
    "json-lines",
    "hooktheory",
    "symbol",
    "state",
    "stream",
];

/// Options of `fuzz`.
#[derive(Args)]
pub struct FuzzArgs {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target is fed
    #[arg(long, value_name = "MINUTES", default_value_t = 1.0)]
    minutes: f64,
    /// So many targets at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    jobs: usize,
}

/// Where this program was started in the compiler's place: compiles, with our flags added.
pub fn as_compiler() -> Option<ExitCode> {
    env::var_os(INSTRUMENTS)?;
    let mut words = env::args_os().skip(1);
    let status = Command::new(words.next()?).args(words).args(FLAGS).status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Feeds each target, as many at once as asked, and says how much it took.
///
/// # Errors
/// A target is unknown, it does not build, or a target broke: with the file that breaks it.
pub fn run(args: &FuzzArgs) -> Result<()> {
    let chosen: Vec<&str> = if args.targets.is_empty() {
        TARGETS.to_vec()
    } else {
        args.targets.iter().map(String::as_str).collect()
    };
    for name in &chosen {
        ensure!(TARGETS.contains(name), "no target is called {name}; there are {}", TARGETS.join(", "));
    }
    let mut cargo = place::cargo();
    // The whole workspace is named so that its dependencies are those of `cargo build --workspace`. The tests' own are built with
    // other features, and cannot be shared: to have them, a test would have to be named, and none links with the counters.
    cargo.args(["build", "--workspace", "--features", "fuzz/guided", "--bin", "guided"]);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?).env(INSTRUMENTS, "1");
    ensure!(cargo.status()?.success(), "the targets do not build; see that a C++ compiler is installed");
    let mut broken = Vec::new();
    for some in chosen.chunks(args.jobs.max(1)) {
        let outcomes: Vec<Result<bool>> = thread::scope(|scope| {
            let feeding: Vec<_> = some.iter().map(|name| scope.spawn(|| feed(name, args.minutes))).collect();
            feeding.into_iter().map(|fed| fed.join().unwrap_or_else(|_| bail!("a feeder panicked"))).collect()
        });
        for (name, held) in some.iter().zip(outcomes) {
            if !held? {
                broken.push(*name);
            }
        }
    }
    if !broken.is_empty() {
        bail!("broken: {}", broken.join(", "));
    }
    Ok(())
}

/// Feeds one; whether it held.
fn feed(name: &str, minutes: f64) -> Result<bool> {
    let folder = place::target().join("fuzz").join(name);
    let [corpus, seeds] = ["corpus", "seeds"].map(|below| folder.join(below));
    for below in [&corpus, &seeds] {
        fs::create_dir_all(below).with_context(|| format!("{} cannot be made", below.display()))?;
    }
    let log = folder.join("log.txt");
    let said = fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    let program = place::target().join("debug").join("guided");
    let mut command = Command::new(&program);
    command
        .arg(&corpus)
        .arg(&seeds)
        .arg(format!("-max_total_time={:.0}", (minutes * 60.0).max(1.0)))
        .args(["-timeout=60", "-rss_limit_mb=3000", "-print_final_stats=1", "-max_len=262144"])
        .arg(format!("-artifact_prefix={}/", folder.display()))
        // Engines of others panic by the thousand on broken models, and are caught; what breaks is kept, and can be played again.
        .env("RUST_BACKTRACE", "0")
        .env("REALCHORDS_FUZZ", name)
        .env("REALCHORDS_FUZZ_SEEDS", &seeds)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said);
    let status = command.status().with_context(|| format!("{} does not run", program.display()))?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let number = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    let executed = number("stat::number_of_executed_units:").unwrap_or(0);
    let peak = number("stat::peak_rss_mb:").unwrap_or(0);
    let covered = said.lines().rev().find_map(|line| {
        let after = line.split_once("cov: ")?.1;
        after.split_whitespace().next()?.parse::<u64>().ok()
    });
    println!(
        "{name:<12} {minutes:>6.1} min  {executed:>12} executions  {:>6} edges  {peak:>5} MB  {}",
        covered.unwrap_or(0),
        if status.success() { "held".to_owned() } else { format!("BROKEN: {}", place::shown(&log)) }
    );
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_fuzz_crate() {
        let text = fs::read_to_string(place::root().join("tests/fuzz/src/lib.rs")).expect("the list");
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Target { name: \"")?.split('"').next())
            .collect();
        assert_eq!(named, TARGETS);
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_known() {
        let error = run(&FuzzArgs { targets: vec!["nothing".into()], minutes: 1.0, jobs: 1 })
            .unwrap_err()
            .to_string();
        assert!(error.contains("nothing") && error.contains("manifest"), "{error}");
    }
}
