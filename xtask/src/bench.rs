//! `cargo xtask bench`: how fast the instrument is on this machine, as one table, beside a run that was kept.

mod crowd;
mod instructions;
mod reaction;

use crate::{bundle, place};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is asked of a run.
#[derive(Args)]
pub struct BenchArgs {
    /// A kept run to compare with; the last one, if none is named
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Keep this run here
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// How long the sixteen instances play, and the one whose reaction is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Measure the reaction alone
    #[arg(long)]
    reaction: bool,
    /// While the reaction is measured, so many threads work as hard as they can
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    beside: usize,
    /// The trainer's updates and rollouts too; builds it first
    #[arg(long)]
    trainer: bool,
    /// Measure this .clap in this process, and print a line of JSON a figure
    #[arg(long, value_name = "FILE", hide = true)]
    live: Option<PathBuf>,
}

/// A figure of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
}

/// A run: where it was made, and what came out.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    machine: String,
    figures: Vec<Figure>,
}

/// Runs every benchmark of the instrument.
///
/// # Errors
/// Something does not build or run, or a kept run cannot be read.
pub fn run(args: &BenchArgs) -> Result<()> {
    if let Some(plugin) = &args.live {
        return live(plugin, args);
    }
    let last = place::target().join("bench/last.json");
    let before = read(args.against.as_deref().unwrap_or(&last), args.against.is_some())?;
    let runtime = bundle::runtime_or_word();
    let library = bundle::build()?;
    let plugin = bundle::wrap_clap(&library, runtime.as_ref(), &place::target().join("bundled"))?;
    let mut figures = Vec::new();
    if !args.reaction {
        figures.extend(medians()?);
        figures.extend(instructions::count()?);
        for name in ["frame", "loops"] {
            let mut cargo = place::cargo();
            cargo.args(["bench", "--package", "hall", "--bench", name]).stderr(Stdio::inherit());
            cargo.env("REALCHORDS_PLUGIN", &plugin);
            cargo.envs(runtime.iter().map(|runtime| ("REALCHORDS_ONNXRUNTIME", &runtime.library)));
            figures.extend(lines(&mut cargo)?);
        }
    }
    let mut ourselves = Command::new(std::env::current_exe().context("this program has no path")?);
    ourselves.args(std::env::args_os().skip(1)).arg("--live").arg(&plugin).stderr(Stdio::inherit());
    figures.extend(lines(&mut ourselves)?);
    if args.trainer {
        figures.extend(trainer()?);
    }
    let run = Run { machine: machine(), figures };
    print!("{}", table(&run, before.as_ref()));
    let text = serde_json::to_string_pretty(&run)?;
    // A part of a run is nothing for the next whole one to stand beside.
    if !args.reaction {
        place::put(text.as_bytes(), &last)?;
    }
    if let Some(keep) = &args.keep {
        place::put(text.as_bytes(), keep)?;
    }
    Ok(())
}

/// Measures the built plugin in this process.
fn live(plugin: &Path, args: &BenchArgs) -> Result<()> {
    let tell = |name: &str, value: f64, unit: &str| {
        let figure = Figure { name: name.to_owned(), value, unit: unit.to_owned() };
        // PANIC: cannot, because a figure is two words and a number.
        println!("{}", serde_json::to_string(&figure).unwrap_or_default());
    };
    if !args.reaction {
        crowd::run(plugin, args.seconds, &tell)?;
    }
    reaction::run(plugin, args.seconds, args.beside, &tell)
}

/// How fast the trainer trains the shipped model's recipe here.
fn trainer() -> Result<Vec<Figure>> {
    let mut cargo = place::cargo();
    cargo.args(["run", "--release", "--package", "trainer", "--", "speed", "trainer/recipes/open.toml"]);
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the trainer's speed is not measured; it says why above");
    }
    let figures = speeds(&String::from_utf8_lossy(&output.stdout));
    if figures.is_empty() {
        bail!("the trainer told no speed that is understood:\n{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(figures)
}

/// The trainer's words as figures: a line says `NAME NUMBER frames/s`.
fn speeds(said: &str) -> Vec<Figure> {
    let figure = |line: &str| {
        let mut words = line.split_whitespace().rev();
        let unit = words.next().filter(|unit| *unit == "frames/s")?;
        let value = words.next()?.parse().ok()?;
        let mut name: Vec<&str> = words.collect();
        name.reverse();
        Some(Figure { name: format!("trainer: {}", name.join(" ")), value, unit: unit.to_owned() })
    };
    said.lines().filter_map(figure).collect()
}

fn read(path: &Path, is_wanted: bool) -> Result<Option<Run>> {
    if !is_wanted && !path.is_file() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(serde_json::from_str(&text).with_context(|| format!("{} is no kept run", path.display()))?))
}

/// What criterion measured of the audio thread's blocks and of the editor's view: the medians.
fn medians() -> Result<Vec<Figure>> {
    let folder = place::target().join("criterion");
    // Figures of an earlier run must not pass for this one's.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut cargo = place::cargo();
    cargo.args(["bench", "--package", "realchords", "--bench", "block", "--bench", "view"]);
    if !cargo.status()?.success() {
        bail!("the benchmark of blocks and of the view failed; it says why above");
    }
    let mut figures = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let new = entry?.path().join("new");
        let Ok(text) = fs::read_to_string(new.join("benchmark.json")) else { continue };
        let named: serde_json::Value = serde_json::from_str(&text)?;
        let estimates: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(new.join("estimates.json"))?)?;
        let (Some(name), Some(ns)) =
            (named["full_id"].as_str(), estimates["median"]["point_estimate"].as_f64())
        else {
            bail!("{} is not as criterion writes it", new.display());
        };
        figures.push(Figure { name: name.to_owned(), value: ns / 1e3, unit: "us".into() });
    }
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    if figures.is_empty() {
        bail!("the benchmark of blocks and of the view left no figures");
    }
    Ok(figures)
}

/// The figures that a program prints, a JSON line each.
fn lines(program: &mut Command) -> Result<Vec<Figure>> {
    let output = program.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("a benchmark failed; it says why above");
    }
    said.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).with_context(|| format!("no figure: {line}")))
        .collect()
}

/// This machine in a few words.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let named = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let name = named.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{name}, {cores} cores, {}", std::env::consts::OS)
}

/// The table that people read; with another run, each figure's ratio to that one's.
fn table(run: &Run, before: Option<&Run>) -> String {
    let mut lines = vec![run.machine.clone()];
    if let Some(before) = before {
        lines.push(format!("beside a run on {}", before.machine));
    }
    for Figure { name, value, unit } in &run.figures {
        let then = before.and_then(|before| before.figures.iter().find(|figure| figure.name == *name));
        let ratio = match then {
            Some(then) if then.value > 0.0 => format!("  x {:.2}", value / then.value),
            Some(then) if then.value != *value => format!("  was {}", then.value),
            _ if before.is_some() && then.is_none() => "  new".to_owned(),
            _ => String::new(),
        };
        lines.push(format!("  {name:<56} {value:>10.3} {unit:<6}{ratio}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(value: f64) -> Run {
        let figure = Figure { name: "a frame".into(), value, unit: "ms".into() };
        Run { machine: "here".into(), figures: vec![figure] }
    }

    #[test]
    fn figures_stand_beside_those_of_a_kept_run() {
        assert!(table(&run(3.0), Some(&run(2.0))).contains("x 1.50"));
        let from_none = table(&run(3.0), Some(&run(0.0)));
        assert!(!from_none.contains("x ") && from_none.contains("was 0"), "{from_none}");
        assert!(table(&run(3.0), None).contains("3.000 ms"));
        let other = Run { figures: Vec::new(), ..run(2.0) };
        let said = table(&run(3.0), Some(&other));
        assert!(said.contains("new") && said.contains("beside a run on here"), "{said}");
    }

    #[test]
    #[cfg(unix)]
    fn programs_tell_figures_in_lines() {
        let mut echo = Command::new("printf");
        echo.arg("running\n{\"name\":\"a\",\"value\":1.5,\"unit\":\"ms\"}\n");
        let told = lines(&mut echo).unwrap();
        assert_eq!(told, [Figure { name: "a".into(), value: 1.5, unit: "ms".into() }]);
        assert!(lines(Command::new("printf").arg("{half")).is_err());
    }

    #[test]
    fn a_kept_run_that_is_asked_for_must_be_there() {
        let absent = Path::new("no/such/run.json");
        assert!(read(absent, true).is_err());
        assert!(read(absent, false).unwrap().is_none());
    }
}
