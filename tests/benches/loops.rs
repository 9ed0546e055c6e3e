//! What is the memory of a loop worth? Eight bars of each tune of the project go twice through the real plugin
//! (`REALCHORDS_PLUGIN`), rendered offline with the model that ships; the share of the melody's notes that are in the chord
//! is told of each pass, with the memory and without. Prints a JSON line a figure. `REALCHORDS_SEEDS` says how many
//! seeds.

#[path = "../house/support/tunes.rs"]
#[expect(
    dead_code,
    clippy::expect_used,
    reason = "the hall's melodies, of which the tunes of the project are played"
)]
mod tunes;

use hosts::{
    ClapHost, HostError, PluginHost, Rendering, Setup,
    song::{Song, TempoMap},
    timeline::{BlockSizes, HeardNote, Passage, Script, play},
};
use music::{
    grid::{Beats, FRAMES_PER_BEAT},
    pitch::Pitch,
};
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

const BARS: f64 = 8.0;
const BPM: f64 = 120.0;
const SAMPLE_RATE: f64 = 48_000.0;
/// Beats in which the first pass has no chord yet: it listens for four, and what it commits then is four ahead.
const ENTRY_BEATS: f64 = 8.0;
const SEEDS: u32 = 5;

fn tell(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value},\"unit\":\"{unit}\"}}");
}

/// Two passes of one take: notes in the chord and notes at all, in frames, and chords begun.
#[derive(Clone, Copy, Default)]
struct Fit {
    inside: f64,
    both: f64,
    chords: f64,
}

/// Eight bars of a tune from its first whole bar on: where they begin and end.
fn eight_bars(song: &Song) -> (Beats, Beats) {
    let first = song.notes.iter().map(|n| n.note.on.0).fold(f64::MAX, f64::min);
    let (bar_start, meter) = song.meters.at(Beats(first));
    let bar = meter.bar_beats().0;
    let from = bar_start.0 + ((first - bar_start.0) / bar).ceil() * bar;
    (Beats(from), Beats(from + BARS * bar))
}

/// Plays a tune's loop twice.
fn take(plugin: &Path, song: &Song, settings: &[(&str, &str)]) -> Result<[Fit; 2], HostError> {
    let mut host = ClapHost::load(plugin)?;
    for (key, text) in settings {
        host.set(key, text)?;
    }
    host.activate(Setup { sample_rate: SAMPLE_RATE, max_block: 512, rendering: Rendering::Offline })?;
    while ["not started", "opening the model"].contains(&host.read("status")?.as_str()) {
        thread::park_timeout(Duration::from_millis(1));
    }
    let (from, to) = eight_bars(song);
    let passages = vec![Passage::Loop { from, to, times: 2 }, Passage::Stop { samples: 480 }];
    let recording = play(&mut host, song, &Script::of(passages, BlockSizes::Fixed(512)))?;
    let notes = recording.notes();
    let pass_samples = (to.0 - from.0) * 60.0 / BPM * SAMPLE_RATE;
    Ok([0.0, 1.0].map(|pass| fit(song, from, &notes, pass * pass_samples, pass_samples)))
}

fn fit(song: &Song, from: Beats, notes: &[HeardNote], origin: f64, pass_samples: f64) -> Fit {
    let class = |key: u8| Pitch::new(key).map(Pitch::class);
    let frame_samples = 60.0 / BPM * SAMPLE_RATE / FRAMES_PER_BEAT as f64;
    let mut fit = Fit::default();
    let num_frames = (pass_samples / frame_samples) as usize;
    for frame in (ENTRY_BEATS * FRAMES_PER_BEAT as f64) as usize..num_frames {
        // Looked at in the middle of each frame.
        let now = origin + (frame as f64 + 0.5) * frame_samples;
        let place = from.0 + (frame as f64 + 0.5) / FRAMES_PER_BEAT as f64;
        let melody = song
            .notes
            .iter()
            .find(|n| n.note.on.0 >= from.0 - 1e-6 && n.note.on.0 <= place && place < n.note.off.0);
        let sounds = |note: &&HeardNote| note.on_sample as f64 <= now && now < note.off_sample as f64;
        let starts = |note: &&HeardNote| {
            (note.on_sample as f64 - (now - frame_samples / 2.0)).abs() < 2.0 && note.channel == 0
        };
        fit.chords += f64::from(u8::from(notes.iter().any(|note| starts(&note))));
        let mut sounding = notes.iter().filter(sounds).peekable();
        if let (Some(melody), true) = (melody, sounding.peek().is_some()) {
            fit.both += 1.0;
            let inside = sounding.any(|note| class(note.key) == Some(melody.note.pitch.class()));
            fit.inside += f64::from(u8::from(inside));
        }
    }
    fit
}

fn run(plugin: &Path) -> Result<(), HostError> {
    let seeds = env::var("REALCHORDS_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let tunes = tunes::shipped();
    for commit in ["4 beats", "1/4 beat"] {
        let mut gains = Vec::new();
        for memory in ["On", "Off"] {
            let mut takes = Vec::new();
            for (name, song) in &tunes {
                let song = Song { tempos: TempoMap::constant(BPM), ..song.clone() };
                for seed in 1..=seeds {
                    let seed = seed.to_string();
                    let settings =
                        [("commit", commit), ("listen", "4"), ("loop_memory", memory), ("seed", &seed)];
                    let passes = take(plugin, &song, &settings)?;
                    let [first, second] = passes.map(|pass| pass.inside / pass.both.max(1.0));
                    eprintln!(
                        "{name}, seed {seed}, commit {commit}, memory {memory}: {first:.3} then {second:.3}"
                    );
                    takes.push(passes);
                }
            }
            let mean = |share: &dyn Fn(Fit) -> f64, pass: usize| {
                takes.iter().map(|take: &[Fit; 2]| share(take[pass])).sum::<f64>() / takes.len() as f64
            };
            let inside = |fit: Fit| fit.inside / fit.both.max(1.0);
            let [first, second] = [0, 1].map(|pass| mean(&inside, pass));
            let label = format!("commit {commit}, loop memory {}", memory.to_lowercase());
            tell(&format!("{label}: note in chord, first pass"), first, "");
            tell(&format!("{label}: note in chord, second pass"), second, "");
            tell(&format!("{label}: what the second pass gains"), second - first, "");
            let better = takes.iter().filter(|take| inside(take[1]) > inside(take[0])).count();
            tell(&format!("{label}: takes that gain"), better as f64, &format!("of {}", takes.len()));
            for (pass, ordinal) in ["first", "second"].into_iter().enumerate() {
                tell(&format!("{label}: chords begun, {ordinal} pass"), mean(&|fit| fit.chords, pass), "");
            }
            gains.push(second - first);
        }
        tell(&format!("commit {commit}: gain with the memory less gain without"), gains[0] - gains[1], "");
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(plugin) = env::var_os("REALCHORDS_PLUGIN").map(PathBuf::from) else {
        eprintln!("error: REALCHORDS_PLUGIN names no plugin; `cargo xtask bench` does");
        return ExitCode::FAILURE;
    };
    match run(&plugin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
