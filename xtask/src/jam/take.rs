//! Plays a tune through the plugin once: a fresh instance, the settings, the whole tune, and what it says of itself.

use super::tune::Tune;
use anyhow::{Context, Result, bail};
use hosts::{
    ClapHost, PluginHost, Rendering, Setup, ledger,
    timeline::{BlockSizes, Passage, Progress, Recording, Script, play_watched},
};
use music::grid::Beats;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// Samples a second.
pub const SAMPLE_RATE: f64 = 48_000.0;
const BLOCK: u32 = 512;
/// Before the tune, in samples: hosts stand a while before someone presses play, and an engine loads meanwhile.
const BEFORE: u64 = 48_000;
/// After the tune, in samples, for what still sounds to end.
const AFTER: u64 = 4_800;

/// How tunes are played.
#[derive(Clone, Debug)]
pub struct Playing {
    /// The built plugin.
    pub plugin: PathBuf,
    /// Parameters by id or name, and their values as the plugin shows them.
    pub settings: Vec<(String, String)>,
    /// Whether to keep to the clock.
    pub realtime: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Take {
    /// What went in and came out.
    pub recording: Recording,
    /// The channel chords come on, 0-based.
    pub chord_channel: u8,
    /// The channel the bass comes on, 0-based.
    pub bass_channel: u8,
    /// Whether the melody comes out with the chords.
    pub passes_melody: bool,
    /// What the plugin's read-only parameters say.
    pub says: Says,
}

/// What the plugin says of itself after playing; `None` where it has no such parameter.
#[derive(Clone, Debug, Default)]
pub struct Says {
    /// Chords that were not there when they were due.
    pub late: Option<String>,
    /// Which engine answered.
    pub engine: Option<String>,
    /// Median time of an answer.
    pub infer_p50: Option<String>,
    /// 99th percentile of it.
    pub infer_p99: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// What it is doing, or what is wrong.
    pub status: Option<String>,
}

/// Plays a tune.
///
/// # Errors
/// Where the plugin does not load, refuses a setting or fails, or where its notes do not all end.
pub fn play(tune: &Tune, playing: &Playing) -> Result<Take> {
    let mut host = ClapHost::load(&playing.plugin)?;
    for (key, value) in &playing.settings {
        host.set(key, value).with_context(|| format!("--set {key}={value}"))?;
    }
    let rendering = if playing.realtime { Rendering::Realtime } else { Rendering::Offline };
    host.activate(Setup { sample_rate: SAMPLE_RATE, max_block: BLOCK, rendering })?;
    let passages = vec![
        Passage::Stop { samples: BEFORE },
        Passage::Play { from: Beats(0.0), to: tune.song.length },
        Passage::Stop { samples: AFTER },
    ];
    let script = Script::of(passages, BlockSizes::Fixed(BLOCK));
    let started = Instant::now();
    let mut pace = |_: &mut dyn PluginHost, progress: Progress| {
        if playing.realtime {
            wait_until(started + Duration::from_secs_f64(progress.samples as f64 / SAMPLE_RATE));
        }
    };
    let recording = play_watched(&mut host, &tune.song, &script, &mut pace)?;
    let faults = ledger::faults(&recording);
    if let Some(first) = faults.first() {
        bail!(
            "{} faults in the notes that came out, the first: {first}; this is the plugin's bug, please report it",
            faults.len()
        );
    }
    let channel = |host: &mut ClapHost, key: &str, default: u8| {
        let text = host.read(key).unwrap_or_default();
        first_number(&text).map_or(default, |number| (number as u8).saturating_sub(1))
    };
    Ok(Take {
        recording,
        chord_channel: channel(&mut host, "chord_channel", 0),
        bass_channel: channel(&mut host, "bass_channel", 1),
        passes_melody: !host.read("pass_through").is_ok_and(|text| text.eq_ignore_ascii_case("Chords only")),
        says: Says {
            late: host.read("late").ok(),
            engine: host.read("engine").ok(),
            infer_p50: host.read("infer_p50").ok(),
            infer_p99: host.read("infer_p99").ok(),
            model: host.read("model").ok(),
            status: host.read("status").ok(),
        },
    })
}

/// The first number in a text: "1.2 ms" is 1.2.
pub fn first_number(text: &str) -> Option<f64> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let number = &text[start..];
    let end = number.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(number.len());
    number[..end].trim_end_matches('.').parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "this is the jam's clock: --realtime asks for it")]
fn wait_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_the_plugin_says() {
        let rows = [
            ("1.25 ms", Some(1.25)),
            ("late: 3.", Some(3.0)),
            ("Channel 12", Some(12.0)),
            ("none", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(first_number(text), expected, "{text}");
        }
    }
}
