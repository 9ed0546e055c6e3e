//! How a session begins: cold, after listening as the instrument listens, or primed with the humans' chords.

use super::{Condition, Take, frames};
use crate::{dataset::Song, evaluate::rollout::Terms};

/// Beats of listening, or of given chords (paper, section 5.4).
const BEFORE: usize = 8;

fn all(songs: &[&Song], most: usize) -> Vec<Take> {
    songs.iter().map(|song| Take::of(song, most)).collect()
}

/// Those long enough for as much again after the first eight beats, which are not measured.
fn after_a_while(songs: &[&Song], most: usize) -> Vec<Take> {
    let long = |take: &Take| take.len() >= frames(2 * BEFORE);
    let from = |take: Take| Take { from: frames(BEFORE), ..take };
    all(songs, most).into_iter().filter(long).map(from).collect()
}

fn beats(most: usize) -> usize {
    (most / frames(1)).min(64)
}

/// Chords from the first frame on, nothing heard before (paper, section 5.4). `most` is the most frames of a
/// song.
pub fn cold(songs: &[&Song], most: usize) -> Condition {
    Condition {
        key: "cold",
        title: "Cold start",
        words: "Chords are chosen from the first frame on; nothing was heard before.",
        terms: Terms::default(),
        first_beat: 0,
        beats: beats(most),
        marks: Vec::new(),
        takes: all(songs, most),
    }
}

/// Eight beats of listening, in the way the instrument listens (its default is four).
pub fn listening(songs: &[&Song], most: usize) -> Condition {
    Condition {
        key: "listening",
        title: "After 8 beats of listening",
        words: "As in the instrument: for eight beats the model draws chords for itself, which nobody \
                hears, and nothing before the first note; then it enters with a chord on a beat. Measured \
                from beat 8 on. The trivial accompanist plays on as ever.",
        terms: Terms { listen: Some(frames(BEFORE)), ..Terms::default() },
        first_beat: 0,
        beats: beats(most),
        marks: vec![(BEFORE as i64, "entry")],
        takes: after_a_while(songs, most),
    }
}

/// Eight beats of the humans' chords as a context.
pub fn primed(songs: &[&Song], most: usize) -> Condition {
    let given = |take: Take| Take { given: frames(BEFORE), ..take };
    Condition {
        key: "primed",
        title: "Primed with 8 beats",
        words: "The humans' chords of the first eight beats are given; the system goes on from there. \
                Measured from beat 8 on.",
        terms: Terms::default(),
        first_beat: 0,
        beats: beats(most),
        marks: vec![(BEFORE as i64, "goes on alone")],
        takes: after_a_while(songs, most).into_iter().map(given).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::conditions::tests::song;

    #[test]
    fn short_songs_take_no_part_where_too_little_would_be_left() {
        let bar = "| C4 - - - D4 - - - E4 - - - F4 - - - |";
        let songs = [song("a", &bar.repeat(3), &bar.replace(['4'], "").repeat(3)), {
            song("a", &bar.repeat(9), &bar.replace(['4'], "").repeat(9))
        }];
        let songs: Vec<&Song> = songs.iter().collect();
        let lens = |c: Condition| c.takes.iter().map(|t| (t.len(), t.from, t.given)).collect::<Vec<_>>();
        assert_eq!(lens(cold(&songs, 96)), [(48, 0, 0), (96, 0, 0)]);
        assert_eq!(lens(listening(&songs, 96)), [(96, 32, 0)]);
        assert_eq!(lens(primed(&songs, 512)), [(144, 32, 32)]);
    }
}
