//! The situations that players are put into: each makes takes of songs, which all systems then accompany.

pub mod jam;
pub mod jump;
pub mod start;
pub mod sweep;

use super::rollout::{Melody, Terms};
use crate::dataset::Song;
use music::{chord::Chord, grid::FRAMES_PER_BEAT, harmony::ChordFrame, melody::MelodyFrame, meter::BarPhase};

/// A song as a condition puts it.
#[derive(Clone, Debug)]
pub struct Take {
    /// The corpus it came from.
    pub source: String,
    /// The melody, as it is played.
    pub melody: Vec<MelodyFrame>,
    /// The humans' chords, carried along with the melody.
    pub chords: Vec<ChordFrame>,
    /// Whether the source says what the chord is.
    pub annotated: Vec<bool>,
    /// Bar phases.
    pub phases: Vec<BarPhase>,
    /// Frames whose chords are given.
    pub given: usize,
    /// The first frame that metrics are taken from.
    pub from: usize,
    /// The frame at which the melody jumps, if recovery from it is measured.
    pub jump: Option<usize>,
    /// The frame that the curve by beats begins with.
    pub curve_from: usize,
}

impl Take {
    /// The first `frames` frames of a song as it stands.
    pub fn of(song: &Song, frames: usize) -> Self {
        let len = song.frames.len().min(frames);
        Self {
            source: song.source.clone(),
            melody: song.frames.melody[..len].to_vec(),
            chords: song.frames.chords[..len].to_vec(),
            annotated: song.frames.annotated[..len].to_vec(),
            phases: song.frames.phases[..len].to_vec(),
            given: 0,
            from: 0,
            jump: None,
            curve_from: 0,
        }
    }

    /// What a player is given.
    pub fn melody(&self) -> Melody<'_> {
        Melody { frames: &self.melody, phases: &self.phases, given: &self.chords[..self.given] }
    }

    /// Frames in it.
    pub fn len(&self) -> usize {
        self.melody.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.melody.is_empty()
    }

    /// Moves melody and chords from frame `from` on by `semitones`. What is held over the seam is struck
    /// anew, so that it sounds where it has moved to.
    pub fn transpose_from(&mut self, from: usize, semitones: i32) {
        let (mut note, mut chord): (Option<_>, Option<Chord>) = (None, None);
        for t in 0..self.len() {
            match self.melody[t] {
                MelodyFrame::Onset(pitch) => note = Some(pitch),
                MelodyFrame::Rest => note = None,
                MelodyFrame::Hold => {}
            }
            match self.chords[t] {
                ChordFrame::Onset(new) => chord = Some(new),
                ChordFrame::Silence => chord = None,
                ChordFrame::Hold => {}
            }
            if t < from {
                continue;
            }
            if let Some(pitch) = note.filter(|_| t == from || self.melody[t] != MelodyFrame::Hold) {
                self.melody[t] = MelodyFrame::Onset(pitch.transposed(semitones));
            }
            if let Some(chord) = chord.filter(|_| t == from || self.chords[t] != ChordFrame::Hold) {
                self.chords[t] = ChordFrame::Onset(chord.transposed(semitones));
            }
        }
    }
}

/// A situation, with the takes made for it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its name on the command line and in JSON.
    pub key: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What happens in it.
    pub words: &'static str,
    /// The terms of playing.
    pub terms: Terms,
    /// The number of the curve's first beat, 0 where the song begins or the melody jumps.
    pub first_beat: i64,
    /// Beats of the curve.
    pub beats: usize,
    /// Beats of the curve at which something happens, and what.
    pub marks: Vec<(i64, &'static str)>,
    /// The songs.
    pub takes: Vec<Take>,
}

/// Frames in a number of beats.
pub const fn frames(beats: usize) -> usize {
    beats * FRAMES_PER_BEAT as usize
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use music::{
        lead_sheet::Frames,
        notation::{parse_chords, parse_melody},
    };

    /// A song of one corpus, in common time throughout.
    pub fn song(source: &str, melody: &str, chords: &str) -> Song {
        let (melody, chords) = (parse_melody(melody).unwrap(), parse_chords(chords).unwrap());
        let phases = (0..melody.len())
            .map(|t| BarPhase::At { position: (t % 16) as u8, length: 16 })
            .collect::<Vec<_>>();
        let annotated = vec![true; melody.len()];
        Song {
            id: String::new(),
            source: source.into(),
            frames: Frames { melody, chords, annotated, phases },
        }
    }

    #[test]
    fn what_is_held_over_a_jump_is_struck_where_it_moves_to() {
        let check = |from: usize, melody: &str, chords: &str| {
            let mut take = Take::of(&song("own", "| C4 - - . D4 - - - |", "| C - - - . - G7 - |"), 8);
            take.transpose_from(from, 6);
            assert_eq!(take.melody, parse_melody(melody).unwrap(), "from {from}");
            assert_eq!(take.chords, parse_chords(chords).unwrap(), "from {from}");
        };
        check(0, "| F#4 - - . G#4 - - - |", "| F# - - - . - C#7 - |");
        check(2, "| C4 - F#4 . G#4 - - - |", "| C - F# - . - C#7 - |");
        check(5, "| C4 - - . D4 G#4 - - |", "| C - - - . - C#7 - |");
        check(8, "| C4 - - . D4 - - - |", "| C - - - . - G7 - |");
    }
}
