//! Songs on the frame grid, and batches of augmented crops of them.
//!
//! A batch is a function of (seed, number) alone, so that a resumed run sees what an uninterrupted one would.

pub mod augment;

use crate::{
    corpus::{Imported, Split},
    model::forward::Inputs,
};
use augment::{Augmentation, Crop};
use music::{
    harmony::ChordFrame,
    lead_sheet::Frames,
    melody::Chroma,
    vocab::{ChordToken, MelodyToken, bar_ids},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A song on the frame grid.
#[derive(Clone, Debug)]
pub struct Song {
    /// Its id in its source.
    pub id: String,
    /// The corpus it came from.
    pub source: String,
    /// Its lanes.
    pub frames: Frames,
}

/// The songs of one split that have both melody and chords.
#[derive(Clone, Debug, Default)]
pub struct Songs(pub Vec<Song>);

impl Songs {
    /// Takes the songs of `split`; a song that bears none is assigned one by a hash of its group, or of its id.
    pub fn of(imported: &[Imported], split: Split) -> Self {
        let mine = |song: &&Imported| {
            song.split.unwrap_or_else(|| assigned(song.group.as_ref().unwrap_or(&song.id))) == split
        };
        let song = |song: &Imported| Song {
            id: song.id.clone(),
            source: song.source.clone(),
            frames: song.sheet.frames(),
        };
        let usable = |song: &Song| {
            let sounds = song.frames.chords.iter().any(|c| matches!(c, ChordFrame::Onset(_)));
            sounds && song.frames.melody.iter().any(|m| MelodyToken::of(*m).pitch().is_some())
        };
        Self(imported.iter().filter(mine).map(song).filter(usable).collect())
    }

    /// Frames in all songs.
    pub fn num_frames(&self) -> usize {
        self.0.iter().map(|s| s.frames.len()).sum()
    }
}

/// The songs of a run, by split.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    /// To learn from.
    pub train: Songs,
    /// To measure on in mid-run, and to choose by.
    pub valid: Songs,
    /// To report.
    pub test: Songs,
}

impl Lessons {
    /// All splits of some corpora.
    pub fn of(imported: &[Imported]) -> Self {
        let songs = |split| Songs::of(imported, split);
        Self { train: songs(Split::Train), valid: songs(Split::Valid), test: songs(Split::Test) }
    }
}

/// The split of a song that bears none: 80 / 10 / 10 by hash, so that it never moves.
fn assigned(key: &str) -> Split {
    let hash =
        key.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    match (hash >> 20) % 10 {
        0 => Split::Valid,
        1 => Split::Test,
        _ => Split::Train,
    }
}

/// A batch of crops with their targets.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What the network is given.
    pub inputs: Inputs,
    /// Chord ids to answer, [batch, time].
    pub chord_targets: Vec<u32>,
    /// 1 where the source says what the chord is, else 0, [batch, time].
    pub chord_weights: Vec<f32>,
    /// Melody ids to answer, [batch, time].
    pub melody_targets: Vec<u32>,
}

impl Batch {
    /// A batch of crops of equal length.
    pub fn of(crops: &[Crop]) -> Self {
        let mut batch = Self {
            inputs: Inputs { batch: crops.len(), time: crops[0].melody.len(), ..Inputs::default() },
            ..Self::default()
        };
        for crop in crops {
            let mut chroma = Chroma::default();
            let (mut chord, mut melody) = (ChordToken::START, MelodyToken::START);
            for t in 0..crop.melody.len() {
                let (position, length) = bar_ids(crop.phases[t]);
                batch.inputs.chords.push(chord.id() as u32);
                batch.inputs.melody.push(melody.id() as u32);
                batch.inputs.bar_positions.push(position as u32);
                batch.inputs.bar_lengths.push(length as u32);
                batch.inputs.chroma.extend(chroma.features());
                let right = ChordToken::of(crop.chords[t]);
                chord = crop.played.as_ref().map_or(right, |played| ChordToken::of(played[t]));
                melody = MelodyToken::of(crop.melody[t]);
                chroma.hear(crop.melody[t]);
                batch.chord_targets.push(right.id() as u32);
                batch.melody_targets.push(melody.id() as u32);
                batch.chord_weights.push(if crop.annotated[t] { 1.0 } else { 0.0 });
            }
        }
        batch
    }
}

/// An endless supply of training batches.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    songs: &'a Songs,
    /// Frames before each song, in the order of `songs`.
    starts: Vec<usize>,
    batch: usize,
    time: usize,
    augmentation: Augmentation,
    seed: u64,
}

impl<'a> Batches<'a> {
    /// Batches of `batch` crops of `time` frames.
    pub fn new(songs: &'a Songs, batch: usize, time: usize, augmentation: Augmentation, seed: u64) -> Self {
        let mut total = 0;
        let mut starts = Vec::with_capacity(songs.0.len());
        for song in &songs.0 {
            starts.push(total);
            total += song.frames.len();
        }
        Self { songs, starts, batch, time, augmentation, seed }
    }

    /// Crops of batch `number`. A crop longer than what is left of its song goes on with another song:
    /// players do change the tune, and no position is wasted.
    pub fn crops(&self, number: u64) -> Vec<Crop> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (0..self.batch)
            .map(|_| {
                let mut crop = Crop::default();
                while crop.len() < self.time {
                    let (song, from) = self.place(&mut rng);
                    let part = Crop::cut(&song.frames, from, self.time - crop.len());
                    crop.append(self.augmentation.apply(part, &mut rng));
                }
                self.augmentation.hide_phase(&mut crop, &mut rng);
                self.augmentation.mislead(&mut crop, &mut rng);
                crop
            })
            .collect()
    }

    /// Batch `number`.
    pub fn get(&self, number: u64) -> Batch {
        Batch::of(&self.crops(number))
    }

    /// A song by its share of frames, and where to start in it: half of the time at its beginning.
    fn place(&self, rng: &mut ChaCha8Rng) -> (&'a Song, usize) {
        let at = rng.random_range(0..self.songs.num_frames().max(1));
        let song = &self.songs.0[self.starts.partition_point(|s| *s <= at) - 1];
        let beats = (song.frames.len() / 4).max(1);
        let from = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..beats) * 4 };
        (song, from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::notation::{parse_chords, parse_melody};

    fn songs() -> Songs {
        let melody = parse_melody("| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |").unwrap();
        let chords = parse_chords("| C - - - - - - - | F - - - G7 - - - |").unwrap();
        let len = melody.len();
        let phases = vec![music::meter::BarPhase::Unknown; len];
        Songs(vec![Song {
            id: "a".into(),
            source: "own".into(),
            frames: Frames { melody, chords, annotated: vec![true; len], phases },
        }])
    }

    #[test]
    fn a_batch_is_a_function_of_seed_and_number() {
        let songs = songs();
        let batches = Batches::new(&songs, 3, 40, Augmentation::default(), 5);
        assert_eq!(batches.get(7).chord_targets, batches.get(7).chord_targets);
        assert_ne!(batches.get(7).melody_targets, batches.get(8).melody_targets);
        assert_eq!(batches.get(1).inputs.chroma.len(), 3 * 40 * music::melody::CHROMA_FEATURES);
    }

    #[test]
    fn inputs_lag_targets_by_a_frame() {
        let songs = songs();
        let augmentation = Augmentation { wrong_chords: 0.0, ..Augmentation::default() };
        let batch = Batches::new(&songs, 1, 40, augmentation, 5).get(0);
        assert_eq!(batch.inputs.chords[0] as usize, ChordToken::START.id());
        assert_eq!(batch.inputs.chords[1..], batch.chord_targets[..39]);
        assert_eq!(batch.inputs.melody[1..], batch.melody_targets[..39]);
        assert!(batch.inputs.chroma[..24].iter().all(|x| *x == 0.0));
    }
}
