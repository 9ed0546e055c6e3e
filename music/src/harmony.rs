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
