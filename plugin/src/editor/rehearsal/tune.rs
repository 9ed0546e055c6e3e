//! The tune that is rehearsed: eight bars in A flat, over and over.

use music::{
    chord::Chord,
    grid::Frame,
    harmony::ChordFrame,
    melody::MelodyFrame,
    notation::{parse_chords, parse_melody},
};
use std::sync::LazyLock;

static MELODY: LazyLock<Vec<MelodyFrame>> = LazyLock::new(|| {
    let bars = "| C5 - - - Eb5 - - - F5 - Eb5 - C5 - - . | Ab4 - - - Bb4 - C5 - - - - - . . . . \
                | Db5 - - - F5 - - - Ab5 - F5 - Eb5 - - - | C5 - - - - - - - . . Bb4 - C5 - Db5 - \
                | Eb5 - - - - - C5 - Ab4 - - - C5 - - - | F4 - - - G4 - Ab4 - - - Bb4 - C5 - - . \
                | Bb4 - - - Db5 - - - C5 - Bb4 - G4 - - - | Ab4 - - - - - - - - - - - . . . . |";
    parse_melody(bars).unwrap_or_default()
});

static CHORDS: LazyLock<Vec<ChordFrame>> = LazyLock::new(|| {
    let bars = "| Abmaj7 - - - - - - - - - - - - - - - | Fm7 - - - - - - - - - - - - - - - \
                | Dbmaj7 - - - - - - - - - - - Db6 - - - | Ab/C - - - - - - - Fm7 - - - - - - - \
                | Bbm7 - - - - - - - - - - - - - - - | Bbm7/Ab - - - - - - - Gm7b5 - - - C7b9 - - - \
                | Bbm7 - - - - - - - Eb7 - - - - - - - | Ab - - - - - - - Edim7 - - - Eb7sus4 - - - |";
    parse_chords(bars).unwrap_or_default()
});

/// What the melody does in a frame.
pub fn melody(frame: Frame) -> MelodyFrame {
    MELODY.get(frame.0.rem_euclid(MELODY.len().max(1) as i64) as usize).copied().unwrap_or_default()
}

/// What the chords do in a frame.
pub fn chord(frame: Frame) -> ChordFrame {
    CHORDS.get(frame.0.rem_euclid(CHORDS.len().max(1) as i64) as usize).copied().unwrap_or_default()
}

/// The chord that sounds in a frame.
pub fn sounding(frame: Frame) -> Option<Chord> {
    let back = (0..CHORDS.len() as i64).find_map(|back| match chord(frame.plus(-back)) {
        ChordFrame::Onset(chord) => Some(Some(chord)),
        ChordFrame::Silence => Some(None),
        ChordFrame::Hold => None,
    });
    back.flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tune_is_eight_whole_bars() {
        assert_eq!((MELODY.len(), CHORDS.len()), (128, 128));
        assert!(sounding(Frame(15)).is_some());
    }
}
