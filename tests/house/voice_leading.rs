//! How far voices move in progressions of songs. `REALCHORDS_CORPORA` names a folder of corpora, whose test splits are
//! then played; without it the trainer's made songs and its fixtures are.

use music::{
    chord::Chord,
    harmony::ChordFrame,
    pitch::{Pitch, PitchClassSet},
};
use realchords::voicing::{Arrangement, Inversion, Style, Voicing, asked, hands, motion};
use std::{
    env,
    path::{Path, PathBuf},
};
use trainer::{
    corpus::{import_path, made},
    dataset::Songs,
};

const STYLES: [Style; 7] =
    [Style::Close, Style::Open, Style::DropTwo, Style::Shell, Style::Spread, Style::Power, Style::Pad];

/// What a voice may move on the mean, in semitones.
const MOST_SEMITONES: f64 = 3.0;

/// The chords of each song of the test split, in order.
fn progressions(path: &Path) -> Vec<Vec<Chord>> {
    let report = import_path(path, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let songs = Songs::of(&report.songs, trainer::corpus::Split::Test);
    let chords = |frames: &[ChordFrame]| -> Vec<Chord> {
        frames
            .iter()
            .filter_map(|frame| if let ChordFrame::Onset(chord) = frame { Some(*chord) } else { None })
            .collect()
    };
    songs.0.iter().map(|song| chords(&song.frames.chords)).collect()
}

/// Semitones moved and voices that could, over progressions.
#[derive(Default)]
struct Sum {
    moved: i64,
    voices: i64,
    stayed: i64,
}

impl Sum {
    fn mean(&self) -> f64 {
        self.moved as f64 / self.voices.max(1) as f64
    }

    /// A change from one voicing to the next.
    fn add(&mut self, from: &[Pitch], to: &[Pitch]) {
        self.moved += i64::from(motion(from, to));
        self.voices += from.len().max(to.len()) as i64;
        self.stayed += to.iter().filter(|key| from.contains(key)).count() as i64;
    }
}

/// The hands of a progression, voicing by voicing; each keeps the laws.
fn voiced(chords: &[Chord], arrangement: &Arrangement, leads: bool) -> Vec<Voicing> {
    let mut all: Vec<Voicing> = Vec::new();
    for chord in chords {
        let voicing = hands(*chord, arrangement, None, all.last().filter(|_| leads));
        let keys = voicing.keys();
        let classes = keys.iter().fold(PitchClassSet::EMPTY, |set, key| set.with(key.class()));
        assert!(keys.is_sorted_by(|low, high| low < high), "{chord:?}: voices cross in {keys:?}");
        assert_eq!(classes, asked(*chord, arrangement), "{chord:?}, {:?}: {keys:?}", arrangement.style);
        all.push(voicing);
    }
    all
}

#[test]
fn voices_move_little_in_songs_and_all_tones_are_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, songs) = match env::var_os("REALCHORDS_CORPORA").map(PathBuf::from) {
        Some(path) => ("the corpora's test split", progressions(&path)),
        None => {
            let path = folder.path().join("made.jsonl.gz");
            std::fs::write(&path, made::corpus(160).expect("songs are made")).expect("they are written");
            ("made songs", progressions(&path))
        }
    };
    let changes: usize = songs.iter().map(|chords| chords.len().saturating_sub(1)).sum();
    println!("{name}: {} songs, {changes} changes of chord", songs.len());
    assert!(songs.len() >= 10 && changes >= 100, "too little to measure");
    for style in STYLES {
        let nearest = Arrangement { style, ..Arrangement::default() };
        let root = Arrangement { inversion: Inversion::Root, ..nearest };
        let sum = |arrangement: &Arrangement, leads| {
            let mut sum = Sum::default();
            for chords in &songs {
                for pair in voiced(chords, arrangement, leads).windows(2) {
                    sum.add(pair[0].keys(), pair[1].keys());
                }
            }
            sum
        };
        let (ours, theirs) = (sum(&nearest, true), sum(&root, false));
        println!(
            "{style:?}: a voice moves {:.2} semitones, in root position {:.2}; {:.0} % of the keys stay",
            ours.mean(),
            theirs.mean(),
            100.0 * ours.stayed as f64 / ours.voices.max(1) as f64
        );
        assert!(ours.mean() <= MOST_SEMITONES, "{style:?}: {} semitones", ours.mean());
        assert!(ours.mean() < theirs.mean(), "{style:?}: {} against {}", ours.mean(), theirs.mean());
    }
}
