//! The chord lane, frame by frame.

use crate::chord::Chord;

/// What the chords do in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChordFrame {
    /// No chord sounds.
    #[default]
    Silence,
    /// A chord starts here.
    Onset(Chord),
    /// The chord of the frame before goes on.
    Hold,
}

/// Which chord sounds in each frame; `None` is silence. A hold after silence stays silent.
pub fn sounding(frames: &[ChordFrame]) -> Vec<Option<Chord>> {
    let mut current = None;
    frames
        .iter()
        .map(|frame| {
            match frame {
                ChordFrame::Silence => current = None,
                ChordFrame::Onset(chord) => current = Some(*chord),
                ChordFrame::Hold => {}
            }
            current
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::parse_chords;

    #[test]
    fn a_chord_sounds_until_silence_or_the_next() {
        let check = |line: &str, expected: &str| {
            let name = |chord: &Option<Chord>| chord.map_or(".".to_owned(), |c| c.to_string());
            let found: Vec<String> = sounding(&parse_chords(line).unwrap()).iter().map(name).collect();
            assert_eq!(found.join(" "), expected);
        };
        check("C - - Am7 | - . F -", "C C C Am7 Am7 . F F");
        check("- - . - C", ". . . . C");
        check("C C - .", "C C C .");
        check("", "");
    }
}
