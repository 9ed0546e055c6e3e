//! Made songs, for trials and tests where no one's music is at hand: common progressions in every key, with melodies of
//! chord tones on the beat and steps between, some in three. As song-a-line JSON, like any corpus.

use flate2::{Compression, write::GzEncoder};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::io::{self, Write};

/// The corpus's name, and its file's in a folder of corpora.
pub const MADE: &str = "made";

/// Progressions of four bars, as degrees of the major scale.
const PROGRESSIONS: [[usize; 4]; 6] =
    [[0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 5, 3], [1, 4, 0, 0], [5, 3, 0, 4], [0, 0, 4, 0]];
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
/// Bars of a song.
const BARS: usize = 32;

/// A note of the scale, `step` steps above the tonic.
fn scale(step: i32) -> i32 {
    MAJOR[step.rem_euclid(7) as usize] + 12 * step.div_euclid(7)
}

/// Song `number`, one line of JSON.
fn song(number: usize) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(0x3ade + number as u64);
    let key = number as i32 * 7 % 12;
    let beats = if number % 4 == 3 { 3 } else { 4 };
    let parts: Vec<[usize; 4]> = (0..2).filter_map(|_| PROGRESSIONS.choose(&mut rng).copied()).collect();
    // A tune of four bars for each part, in the form A A B A.
    let tunes: Vec<Vec<(f64, i32)>> = parts
        .iter()
        .map(|part| {
            (0..4 * beats)
                .flat_map(|beat| {
                    let root = part[beat / beats] as i32;
                    let tone = root + *[0, 2, 4].choose(&mut rng).unwrap_or(&0);
                    let half = rng.random_bool(0.4).then(|| (beat as f64 + 0.5, tone + 1));
                    std::iter::once((beat as f64, tone)).chain(half)
                })
                .collect()
        })
        .collect();
    let (mut melody, mut chords) = (Vec::new(), Vec::new());
    for bar in (0..BARS).step_by(4) {
        let part = [0, 0, 1, 0][bar / 4 % 4];
        let start = (bar * beats) as f64;
        for (idx, (at, step)) in tunes[part].iter().enumerate() {
            let end = tunes[part].get(idx + 1).map_or((4 * beats) as f64, |next| next.0);
            melody.push(json!([start + at, start + end, 60 + key + scale(*step)]));
        }
        for (n, degree) in parts[part].iter().enumerate() {
            let root = (key + scale(*degree as i32)).rem_euclid(12);
            let minor = [1, 2, 5].contains(degree);
            let (label, third) = if minor { ("min", 3) } else { ("maj", 4) };
            let at = start + (n * beats) as f64;
            chords.push(json!([at, at + beats as f64, label, root, [0, third, 7], root]));
        }
    }
    let split = match number % 8 {
        6 => "valid",
        7 => "test",
        _ => "train",
    };
    let song = json!({
        "id": format!("{MADE}/{number}"), "source": MADE, "license": "made by the trainer, no one's music",
        "split": split, "group": format!("{MADE}-{number}"), "title": format!("Made song {number}"),
        "meter": [beats, 4], "beats_total": BARS * beats, "melody": melody, "chords": chords,
    });
    song.to_string()
}

/// `num` songs as a gzipped file's bytes.
///
/// # Errors
/// What the compressor says.
pub fn corpus(num: usize) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    for number in 0..num {
        writeln!(out, "{}", song(number))?;
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Importer, Split, normalised::Normalised};

    #[test]
    fn made_songs_are_songs() {
        let songs = Normalised.import("made.jsonl.gz".as_ref(), &corpus(16).unwrap()).unwrap();
        assert_eq!(songs.len(), 16);
        for song in songs {
            let song = song.unwrap();
            let frames = song.sheet.frames();
            assert!(frames.len() == BARS * 16 || frames.len() == BARS * 12);
            assert!(song.split != Some(Split::Test) || song.id.ends_with('7') || song.id.ends_with("15"));
        }
    }
}
