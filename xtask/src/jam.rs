//! `cargo xtask jam`: plays melodies through the built plugin in a headless host and writes what it answers, as
//! MIDI, as a picture and as a lead sheet. Offline by default; `--realtime` plays against the clock.

mod answer;
mod midi_out;
mod picture;
mod report;
mod system;
mod take;
mod tune;

use crate::{bundle, place};
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// Options of `jam`.
#[derive(Args)]
pub struct JamArgs {
    /// A MIDI file, or a folder of them; by default the tunes in assets/tunes
    #[arg(value_name = "FILE.mid | FOLDER")]
    input: Option<PathBuf>,
    /// Where the answers go
    #[arg(long, value_name = "FOLDER", default_value = "target/jam")]
    out: PathBuf,
    /// The plugin's seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Play against the clock, as on a stage, and not as fast as the answers come
    #[arg(long)]
    realtime: bool,
    /// Quarter notes a minute, in place of the file's tempos
    #[arg(long, value_name = "BPM")]
    bpm: Option<f64>,
    /// Set a plugin parameter, by id or name, to a value as the plugin shows it
    #[arg(long, value_name = "PARAM=VALUE")]
    set: Vec<String>,
    /// Print one line of JSON for each melody, and nothing else
    #[arg(long)]
    json: bool,
    /// Play this built .clap and do not build
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// Plays each melody; one that fails is reported and the next is played.
///
/// # Errors
/// Where there is nothing to play or no plugin, or where any melody failed.
pub fn run(args: &JamArgs) -> Result<()> {
    if args.bpm.is_some_and(|bpm| !(10.0..=1000.0).contains(&bpm)) {
        bail!("--bpm {} is no tempo; give 10 to 1000", args.bpm.unwrap_or_default());
    }
    let settings = settings(args)?;
    let out = std::path::absolute(&args.out).with_context(|| format!("{} is no path", args.out.display()))?;
    let default = place::root().join("assets").join("tunes");
    let files = melodies(args.input.as_deref().unwrap_or(&default))?;
    let plugin = match &args.plugin {
        Some(plugin) => {
            std::path::absolute(plugin).with_context(|| format!("{} is no path", plugin.display()))?
        }
        None => {
            let library = bundle::build()?;
            bundle::wrap_clap(&library, bundle::runtime_or_word().as_ref(), &place::target().join("bundled"))?
        }
    };
    let playing = take::Playing { plugin, settings, realtime: args.realtime };
    let (mut failed, mut chords) = (0, 0);
    for file in &files {
        let outcome = play_one(file, &playing, args.bpm, &out).and_then(|report| {
            println!("{}", if args.json { report.json()? } else { report.text() });
            chords += report.chords();
            report.trouble(args.realtime).map_or(Ok(()), |trouble| Err(anyhow!(trouble)))
        });
        if let Err(error) = outcome {
            failed += 1;
            eprintln!("error: {}: {error:#}", place::shown(file));
        }
    }
    // Settings may ask for silence; without any there must be chords.
    match failed {
        0 if chords == 0 && args.set.is_empty() => bail!("no melody was answered with a chord"),
        0 => Ok(()),
        _ => Err(anyhow!("{failed} of {} melodies failed; each is named above", files.len())),
    }
}

/// Reads, plays and writes one melody.
fn play_one(file: &Path, playing: &take::Playing, bpm: Option<f64>, out: &Path) -> Result<report::Report> {
    let tune = tune::read(file, bpm)?;
    let take = take::play(&tune, playing)?;
    let answer = answer::Answer::of(&tune, &take);
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let midi = out.join(format!("{name}.chords.mid"));
    let picture = out.join(format!("{name}.png"));
    place::put(&midi_out::write(&tune, &answer)?, &midi)?;
    place::put(&picture::draw(&tune, &answer)?, &picture)?;
    report::Report::of(file, &tune, &take, &answer, vec![midi, picture])
}

/// The parameters to set, by key and value.
fn settings(args: &JamArgs) -> Result<Vec<(String, String)>> {
    let split = |word: &String| {
        let (key, value) =
            word.split_once('=').ok_or_else(|| anyhow!("--set {word} has no `=`; write PARAM=VALUE"))?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    let mut settings = args.set.iter().map(split).collect::<Result<Vec<_>>>()?;
    settings.extend(args.seed.map(|seed| ("seed".to_owned(), seed.to_string())));
    Ok(settings)
}

/// The MIDI files of a folder and of those in it, by name; a file is itself.
fn melodies(input: &Path) -> Result<Vec<PathBuf>> {
    if input.is_file() {
        return Ok(vec![input.to_owned()]);
    }
    let mut files = Vec::new();
    collect(input, &mut files)?;
    files.sort();
    if files.is_empty() {
        bail!("{} holds no MIDI file; give a .mid file or a folder of them", input.display());
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = folder.read_dir().with_context(|| {
        format!("{} cannot be read; give a .mid file or a folder of them", folder.display())
    })?;
    for entry in entries {
        let path = entry.with_context(|| format!("{} cannot be read", folder.display()))?.path();
        let is_midi =
            path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mid") || e.eq_ignore_ascii_case("midi"));
        if path.is_dir() {
            collect(&path, files)?;
        } else if is_midi {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(set: &[&str]) -> JamArgs {
        JamArgs {
            input: None,
            out: PathBuf::new(),
            seed: Some(7),
            realtime: false,
            bpm: None,
            set: set.iter().map(|s| (*s).to_owned()).collect(),
            json: false,
            plugin: None,
        }
    }

    #[test]
    fn settings_are_keys_and_values() {
        let found = settings(&args(&["commit = 4 beats", "chord_channel=3"])).expect("settings");
        let expected = [("commit", "4 beats"), ("chord_channel", "3"), ("seed", "7")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(settings(&args(&["commit"])).is_err());
    }

    #[test]
    fn folders_are_walked_in_order_and_emptiness_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(melodies(folder.path()).is_err());
        assert!(melodies(&folder.path().join("nowhere")).is_err());
        for name in ["b.MID", "a.mid", "deep/c.midi", "d.txt"] {
            place::put(b"", &folder.path().join(name)).expect("a file");
        }
        let names: Vec<_> = melodies(folder.path())
            .expect("files")
            .iter()
            .filter_map(|f| Some(f.file_name()?.to_owned()))
            .collect();
        assert_eq!(names, ["a.mid", "b.MID", "c.midi"]);
    }

    #[test]
    fn the_tunes_in_the_house_are_melodies() {
        let folder = place::root().join("assets/tunes");
        let files = melodies(&folder).expect("tunes");
        assert!(files.len() >= 4);
        for file in files {
            let tune = tune::read(&file, None).expect("a tune");
            assert_eq!(tune::monophony(&tune.song.notes), 1.0, "{}", tune.title);
            let on_grid = |place: f64| (place * 4.0 - (place * 4.0).round()).abs() < 1e-9;
            assert!(
                tune.song.notes.iter().all(|n| on_grid(n.note.on.0) && on_grid(n.note.off.0)),
                "{}",
                tune.title
            );
        }
    }
}
