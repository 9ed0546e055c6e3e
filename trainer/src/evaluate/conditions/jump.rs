//! Melodies whose key jumps: who follows, and how fast? (Paper, section 5.4; GAPT, figure 7.)

use super::{Condition, Take, frames};
use crate::{dataset::Song, evaluate::rollout::Terms};

/// Beats of a song with one jump; shorter ones take no part.
const TRITONE_BEATS: usize = 64;
/// Beats of the curve before the jump.
const BEFORE: usize = 16;
/// Beats of the curve after it.
const AFTER: usize = 30;

/// Semitones that the melody is moved by against the song: from beat 8, 16, 24 and 32 on.
const JUMPS: [i32; 4] = [6, 4, -10, 0];
/// Beats between two of them.
const EVERY: usize = 8;

/// The frame of the bar line nearest the middle of the first 64 beats, of two the earlier one; the middle
/// itself where no bar line is known.
fn middle(take: &Take) -> usize {
    let middle = take.len() / 2;
    let is_bar_line = |t: &usize| take.phases.get(*t).is_some_and(|phase| phase.is_bar_line());
    (frames(BEFORE)..take.len()).filter(is_bar_line).min_by_key(|t| t.abs_diff(middle)).unwrap_or(middle)
}

/// One jump by a tritone in the middle.
pub fn tritone(songs: &[&Song]) -> Condition {
    let take = |song: &&Song| {
        let mut take = Take::of(song, frames(TRITONE_BEATS));
        let at = middle(&take);
        take.transpose_from(at, 6);
        Take { from: at, jump: Some(at), curve_from: at - frames(BEFORE), ..take }
    };
    let long = |song: &&&Song| song.frames.len() >= frames(TRITONE_BEATS);
    Condition {
        key: "tritone",
        title: "The melody jumps by a tritone",
        words: "Songs of at least 64 beats, cut to 64. From the bar line nearest the middle (beat 32) on, \
                the melody is moved by 6 semitones; the humans' chords are carried along. Measured from the \
                jump on.",
        terms: Terms::default(),
        first_beat: -(BEFORE as i64),
        beats: BEFORE + AFTER,
        marks: vec![(0, "+6")],
        takes: songs.iter().filter(long).map(take).collect(),
    }
}

/// Four jumps, eight beats apart.
pub fn jumps(songs: &[&Song]) -> Condition {
    let beats = EVERY * (JUMPS.len() + 2);
    let take = |song: &&Song| {
        let mut take = Take::of(song, frames(beats));
        let mut before = 0;
        for (n, by) in JUMPS.iter().enumerate() {
            take.transpose_from(frames(EVERY * (n + 1)), by - before);
            before = *by;
        }
        Take { from: frames(EVERY), ..take }
    };
    let long = |song: &&&Song| song.frames.len() >= frames(beats);
    Condition {
        key: "jumps",
        title: "The melody jumps every 8 beats",
        words: "Songs of at least 48 beats, cut to 48. Against the song the melody is moved by +6 semitones \
                in beats 8 to 16, +4 in 16 to 24, -10 in 24 to 32, then it is back; the humans' chords are \
                carried along. Measured from beat 8 on.",
        terms: Terms::default(),
        first_beat: 0,
        beats,
        marks: vec![(8, "+6"), (16, "+4"), (24, "-10"), (32, "back")],
        takes: songs.iter().filter(long).map(take).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::conditions::tests::song;
    use music::{melody::MelodyFrame, meter::BarPhase};

    fn long_song() -> Song {
        song("own", &"| C4 - - - |".repeat(64), &"| C - - - |".repeat(64))
    }

    fn midi(take: &Take, t: usize) -> u8 {
        let MelodyFrame::Onset(pitch) = take.melody[t] else { panic!("no note starts in frame {t}") };
        pitch.midi()
    }

    #[test]
    fn the_tritone_comes_on_the_bar_line_nearest_the_middle() {
        let mut song = long_song();
        let check = |song: &Song, at: usize| {
            let condition = tritone(&[song]);
            let take = &condition.takes[0];
            assert_eq!((take.jump, take.from, take.curve_from), (Some(at), at, at - 64));
            assert_eq!((midi(take, at - 4), midi(take, at)), (60, 66));
        };
        check(&song, 128);
        // Bars of three beats: lines at 120 and 132.
        song.frames.phases =
            (0..256).map(|t| BarPhase::At { position: (t % 12) as u8, length: 12 }).collect();
        check(&song, 132);
        song.frames.phases = vec![BarPhase::Unknown; 256];
        check(&song, 128);
        assert!(
            tritone(&[&super::super::tests::song("own", "| C4 - - - |", "| C - - - |")]).takes.is_empty()
        );
    }

    #[test]
    fn jumps_are_against_the_song_and_come_back() {
        let condition = jumps(&[&long_song()]);
        let take = &condition.takes[0];
        let found: Vec<u8> = [28, 32, 60, 64, 96, 124, 128, 188].map(|t| midi(take, t)).to_vec();
        assert_eq!(found, [60, 66, 66, 64, 50, 50, 60, 60]);
        assert_eq!(take.len(), 192);
    }
}
