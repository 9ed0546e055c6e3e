//! A listening pack: the answers of several systems to the same melodies, as MIDI and sound, under blind names with the
//! key in a file of its own, so that people can hold the paper's listening test (ReaLchords, section 5.1).
//!
//! `OUT/01/A.mid`, `A.wav`, `B.mid` ...: letters are dealt anew for each melody. `index.html` plays them,
//! `ratings.csv` waits for the ratings, `key.json` says who is who and is not to be opened before.

pub mod band;
pub mod sound;

use crate::{
    dataset::{Song, Songs},
    evaluate::{conditions::Take, rollout::Terms, spread, system::System},
};
use anyhow::{Context, bail};
use music::melody::MelodyFrame;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use sound::{Font, Sound};
use std::{fmt::Write, fs, path::Path};

/// What a pack is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pack {
    /// Melodies, spread evenly over the split.
    pub melodies: usize,
    /// Frames of each.
    pub frames: usize,
    /// Beats a minute.
    pub bpm: f64,
    /// Deals the letters and seeds the sampling.
    pub seed: u64,
}

/// Who is who under one melody.
#[derive(Debug, Serialize)]
struct Dealt {
    folder: String,
    song: String,
    letters: Vec<(char, String)>,
}

/// Whether a song is long enough, and its melody sounds in half of the frames that are played or more.
fn is_sung(song: &Song, frames: usize) -> bool {
    let melody = &song.frames.melody;
    let sung = |part: &[MelodyFrame]| part.iter().filter(|frame| !matches!(frame, MelodyFrame::Rest)).count();
    melody.get(..frames).is_some_and(|part| 2 * sung(part) >= frames)
}

/// Writes a pack. Without a font there is no sound, only MIDI.
///
/// # Errors
/// What a system's engine or the file system says.
pub fn write(
    out: &Path,
    systems: &[System],
    songs: &Songs,
    terms: Pack,
    font: Option<&Font>,
) -> anyhow::Result<usize> {
    let fit: Vec<&Song> = songs.0.iter().filter(|song| is_sung(song, terms.frames)).collect();
    if fit.is_empty() {
        bail!("no song of the split is sung through its first {} frames", terms.frames);
    }
    let chosen: Vec<&Song> = spread(&fit, terms.melodies).copied().collect();
    let takes: Vec<Take> = chosen.iter().map(|song| Take::of(song, terms.frames)).collect();
    let mut answers = Vec::new();
    for system in systems {
        let mut chords = system.answer(&takes, 1, Terms::default(), &|_| {})?;
        answers.push(chords.swap_remove(0));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(terms.seed);
    let mut key = Vec::new();
    for (n, take) in takes.iter().enumerate() {
        let folder = format!("{:02}", n + 1);
        let place = out.join(&folder);
        fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        let mut order: Vec<usize> = (0..systems.len()).collect();
        order.shuffle(&mut rng);
        let mut letters = Vec::new();
        let mut sounds = Vec::new();
        for (letter, idx) in ('A'..='Z').zip(order) {
            let midi = band::midi(take, &answers[idx][n], terms.bpm)?;
            fs::write(place.join(format!("{letter}.mid")), &midi)?;
            if let Some(font) = font {
                sounds.push((place.join(format!("{letter}.wav")), font.play(&midi)?));
            }
            letters.push((letter, systems[idx].facts.name.clone()));
        }
        Sound::write_all(&sounds)?;
        key.push(Dealt { folder, song: chosen[n].id.clone(), letters });
    }
    fs::write(out.join("key.json"), serde_json::to_string_pretty(&key)?)?;
    fs::write(out.join("ratings.csv"), ratings(&key))?;
    fs::write(out.join("index.html"), page(&key, font.is_some()))?;
    Ok(key.len())
}

/// A line for every two answers of a melody: which suits it better, -2 (the first by far) to 2 (the second by far).
fn ratings(key: &[Dealt]) -> String {
    let mut out = String::from("melody,first,second,rating\n");
    for dealt in key {
        for (n, (first, _)) in dealt.letters.iter().enumerate() {
            for (second, _) in &dealt.letters[n + 1..] {
                let _ = writeln!(out, "{},{first},{second},", dealt.folder);
            }
        }
    }
    out
}

fn page(key: &[Dealt], has_sound: bool) -> String {
    let mut out = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>Listening test</title>\n\
         <style>body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}\
         td{padding:.2em 1em .2em 0}audio{vertical-align:middle}</style>\n\
         <h1>Listening test</h1>\n<p>Under each melody the same tune is played several times with different chords. \
         Listen to two of them at a time and write into <code>ratings.csv</code> which chords suit the melody \
         better: -2 the first by far, -1 the first, 0 equal, 1 the second, 2 the second by far. Please do not open \
         <code>key.json</code> before you are done.</p>\n",
    );
    for dealt in key {
        let _ = writeln!(out, "<h2>Melody {}</h2>\n<table>", dealt.folder);
        for (letter, _) in &dealt.letters {
            let file = format!("{}/{letter}", dealt.folder);
            let player = match has_sound {
                true => format!("<audio controls preload=\"none\" src=\"{file}.wav\"></audio>"),
                false => String::new(),
            };
            let _ = writeln!(out, "<tr><td><b>{letter}</b><td>{player}<td><a href=\"{file}.mid\">MIDI</a>");
        }
        out += "</table>\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speed::made_song;

    #[test]
    fn songs_that_are_hardly_sung_are_passed_over() {
        let mut bare = made_song(128);
        bare.frames.melody[..50].fill(MelodyFrame::Rest);
        let (short, whole) = (made_song(63), made_song(64));
        assert!(!is_sung(&bare, 64) && !is_sung(&short, 64) && is_sung(&whole, 64));
        let place = tempfile::tempdir().unwrap();
        let terms = Pack { melodies: 2, frames: 64, bpm: 96.0, seed: 5 };
        let refused = write(place.path(), &[System::humans()], &Songs(vec![bare, short]), terms, None);
        assert!(refused.unwrap_err().to_string().contains("64 frames"));
    }

    #[test]
    fn a_pack_is_blind_and_its_key_tells() {
        let songs = Songs((0..4).map(|_| made_song(128)).collect());
        let place = tempfile::tempdir().unwrap();
        let systems = [System::humans(), System::trivial()];
        let terms = Pack { melodies: 2, frames: 64, bpm: 96.0, seed: 5 };
        assert_eq!(write(place.path(), &systems, &songs, terms, None).unwrap(), 2);
        let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
        let key = read("key.json");
        assert!(key.contains("humans") && key.contains("trivial"));
        let page = read("index.html");
        assert!(!page.contains("humans") && !page.contains("trivial") && page.contains("02/B.mid"));
        assert_eq!(read("ratings.csv"), "melody,first,second,rating\n01,A,B,\n02,A,B,\n");
        let bytes = fs::read(place.path().join("01/A.mid")).unwrap();
        assert_eq!(midly::Smf::parse(&bytes).unwrap().tracks.len(), 4);
        // The same seed deals the same letters.
        let again = tempfile::tempdir().unwrap();
        write(again.path(), &systems, &songs, terms, None).unwrap();
        assert_eq!(fs::read_to_string(again.path().join("key.json")).unwrap(), key);
    }
}
