//! `cargo xtask leaks`: instances made, played and unmade under Valgrind, a few and then more. What is lost for good, and
//! what is left in any other way, must not grow with their number; what is lost once, by an engine or a system library, is
//! told.

use crate::{bundle, place};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use hosts::{
    Block, ClapHost, ClassChoice, Event, PluginHost, Rendering, Setup, TimedEvent, Transport, Vst3Host,
    ledger::Ledger,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// The variable that names the runtime library to the plugin.
const RUNTIME: &str = "REALCHORDS_ONNXRUNTIME";
/// What it says where none is to be used, and how the engines' names begin.
const NONE: &str = "none";
const BUILT_IN: &str = "built-in";
const ONNX: &str = "ONNX Runtime";
/// The longest that a model may take to open: under Valgrind all is slow.
const PATIENCE: Duration = Duration::from_secs(600);
/// Samples of a block, and blocks of a life: some beats.
const BLOCK: u32 = 2048;
const BLOCKS: u32 = 40;

/// A format that the instances live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Clap,
    Vst3,
}

/// Options of `leaks`.
#[derive(Args)]
pub struct LeaksArgs {
    /// Load this built library and do not build
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// How many lives there are, a few and more
    #[arg(long, value_name = "NUMBER", num_args = 2, default_values_t = [3, 13])]
    lives: Vec<u32>,
    /// Only live the first of these in this format, in this very process
    #[arg(long, value_name = "FORMAT", hide = true)]
    live: Option<Format>,
}

/// Lives under Valgrind, in both formats and with both engines.
///
/// # Errors
/// Where Valgrind is not there, a life fails, or more is lost in more lives.
pub fn run(args: &LeaksArgs) -> Result<()> {
    let plugin = match &args.plugin {
        Some(plugin) => plugin.clone(),
        None => bundle::build()?,
    };
    if let Some(format) = args.live {
        return (0..args.lives[0]).try_for_each(|_| live(&plugin, format));
    }
    ensure!(args.lives[0] < args.lives[1], "--lives takes a number and a greater one");
    let runtime = bundle::runtime_or_word();
    let engines = runtime
        .iter()
        .map(|runtime| (ONNX, runtime.library.clone()))
        .chain([(BUILT_IN, PathBuf::from(NONE))]);
    let mut grows = Vec::new();
    for (engine, library) in engines {
        for format in [Format::Clap, Format::Vst3] {
            let [few, more] =
                [args.lives[0], args.lives[1]].map(|lives| watched(&plugin, format, &library, lives));
            let (few, more) = (few?, more?);
            let what = format!("{format:?}, {engine}");
            let [few_lives, more_lives] = [args.lives[0], args.lives[1]];
            println!(
                "{what}: {} bytes lost in {few_lives} lives, {} in {more_lives}; left in any way {} and {}",
                few.lost, more.lost, few.all, more.all
            );
            let slack = SLACK_A_LIFE * u64::from(more_lives - few_lives);
            if more.lost > few.lost || more.all > few.all + slack {
                grows.push(what);
            }
        }
    }
    ensure!(grows.is_empty(), "memory is left with every life: {}; see target/leaks", grows.join("; "));
    Ok(())
}

/// What a log says of a process at its end, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    /// Lost for good: what nothing points to, and what only that points to.
    lost: u64,
    /// Left in any way: what something may still point to, too.
    all: u64,
}

/// What may be left more for a life, in bytes: the built-in engine's pool of threads (rayon's) leaves 3 to 4 KB of tables
/// that are still pointed to; ONNX Runtime leaves nothing.
const SLACK_A_LIFE: u64 = 8192;

/// What a log says.
fn left(log: &str) -> Option<Left> {
    // As in "==1==    definitely lost: 1,024 bytes in 2 blocks"; nothing of the kind where all was freed.
    let after = |words: &str| -> Option<u64> {
        let rest = log.lines().rev().find_map(|line| line.split_once(words))?.1;
        let number: String = rest.split_whitespace().next()?.chars().filter(char::is_ascii_digit).collect();
        number.parse().ok()
    };
    if log.contains("All heap blocks were freed") {
        return Some(Left { lost: 0, all: 0 });
    }
    let lost = after("definitely lost:")? + after("indirectly lost:")?;
    Some(Left { lost, all: lost + after("possibly lost:")? + after("still reachable:")? })
}

/// So many lives in a process that Valgrind watches.
fn watched(plugin: &Path, format: Format, library: &Path, lives: u32) -> Result<Left> {
    let name = if library == Path::new(NONE) { "builtin" } else { "runtime" };
    let log = place::target().join("leaks").join(format!("{name}-{format:?}-{lives}.log").to_lowercase());
    place::put(b"", &log)?;
    let mut command = Command::new("valgrind");
    // Only leaks are looked for; what is unloaded is still named.
    command.args(["--leak-check=full", "--undef-value-errors=no", "--keep-debuginfo=yes"]);
    command.arg(format!("--log-file={}", log.display()));
    command.arg(env::current_exe().context("this program has no path")?);
    command.args(["leaks", "--live", if format == Format::Clap { "clap" } else { "vst3" }]);
    command.args(["--lives", &lives.to_string(), "0", "--plugin"]).arg(plugin).env(RUNTIME, library);
    let status = command.status().context("valgrind does not run; install it")?;
    ensure!(status.success(), "{lives} lives in {format:?} fail; see {}", place::shown(&log));
    let said = fs::read_to_string(&log).with_context(|| format!("{} cannot be read", log.display()))?;
    left(&said).with_context(|| format!("{} does not say what is lost", place::shown(&log)))
}

/// Made, activated, played to, saved and unmade.
fn live(plugin: &Path, format: Format) -> Result<()> {
    let mut host: Box<dyn PluginHost> = match format {
        Format::Clap => Box::new(ClapHost::load(plugin)?),
        Format::Vst3 => Box::new(Vst3Host::load(plugin, ClassChoice::Index(0))?),
    };
    host.set("listen", "0")?;
    host.activate(Setup { sample_rate: 48_000.0, max_block: BLOCK, rendering: Rendering::Offline })?;
    let begun = Instant::now();
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        ensure!(begun.elapsed() < PATIENCE, "the model does not open");
        thread::park_timeout(Duration::from_millis(1));
    }
    let status = host.read("status")?;
    ensure!(["ready", "thinking", "drafting"].contains(&status.as_str()), "it does not play: {status}");
    let (engine, wished) = (
        host.read("engine")?,
        if env::var_os(RUNTIME).is_some_and(|it| it == NONE) { BUILT_IN } else { ONNX },
    );
    ensure!(engine.starts_with(wished), "{wished} was to play, and the engine is {engine}");
    let mut ledger = Ledger::new();
    for nth in 0..=BLOCKS {
        let beats = f64::from(nth * BLOCK) / 48_000.0 * 2.0;
        let transport = Transport::common_time(nth < BLOCKS, 120.0, beats);
        let key = 60 + (nth / 8 % 12) as u8;
        let event = match nth % 8 {
            0 => Some(Event::NoteOn { channel: 0, key, velocity: 0.7 }),
            7 => Some(Event::NoteOff { channel: 0, key, velocity: 0.0 }),
            _ => None,
        };
        let events = event.into_iter().map(|event| TimedEvent { offset: 0, event }).collect();
        let block = Block { samples: BLOCK, transport: Some(transport), events, ..Block::default() };
        for TimedEvent { offset, event } in host.process(&block)? {
            ledger.hear(u64::from(nth * BLOCK + offset), &event);
        }
        host.idle();
    }
    let faults = ledger.close();
    ensure!(faults.is_empty(), "{} faults of notes; the first: {}", faults.len(), faults[0]);
    let state = host.save()?;
    host.load_state(&state)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_valgrind_says_is_read() {
        let log = "==7== LEAK SUMMARY:\n==7==    definitely lost: 1,024 bytes in 2 blocks\n\
                   ==7==    indirectly lost: 76 bytes in 1 blocks\n==7==      possibly lost: 5 bytes in 1 blocks\n\
                   ==7==    still reachable: 9,000 bytes in 4 blocks\n";
        assert_eq!(left(log), Some(Left { lost: 1100, all: 10_105 }));
        let none = "==7== All heap blocks were freed -- no leaks are possible\n";
        assert_eq!(left(none), Some(Left { lost: 0, all: 0 }));
        assert_eq!(left("==7== Process terminating with default action of signal 11\n"), None);
    }
}
