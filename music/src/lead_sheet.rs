//! Melody and chords in time, and their frames.

use crate::{
    chord::Chord,
    grid::{Beats, Frame, snap},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, MeterMap},
    pitch::Pitch,
};

/// A note of the melody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Note {
    /// Where it starts, in beats since beat 0.
    pub on: Beats,
    /// Where it ends; after `on`.
    pub off: Beats,
    /// Its pitch.
    pub pitch: Pitch,
}

/// A stretch of one chord, or of an explicit "no chord".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChordSpan {
    /// Where it starts, in beats since beat 0.
    pub on: Beats,
    /// Where it ends; after `on`.
    pub off: Beats,
    /// The chord; `None` where the source says that none sounds. (Where the source says nothing there is no span.)
    pub chord: Option<Chord>,
}

/// A melody with its chords. Beat 0 is a bar line.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadSheet {
    /// The song's title, where known.
    pub title: String,
    /// Its meters.
    pub meters: MeterMap,
    /// Tempo in quarter notes a minute, where known.
    pub bpm: Option<f64>,
    /// Length in beats.
    pub length: Beats,
    /// The melody in order of onset.
    pub melody: Vec<Note>,
    /// The chords in order of onset.
    pub chords: Vec<ChordSpan>,
}

/// A lead sheet on the frame grid: every lane has one entry a frame, frame 0 first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frames {
    /// The melody.
    pub melody: Vec<MelodyFrame>,
    /// The chords; silence where the source says nothing.
    pub chords: Vec<ChordFrame>,
    /// Whether the source says anything of the chord in this frame ("no chord" included).
    pub annotated: Vec<bool>,
    /// Where each frame stands in its bar.
    pub phases: Vec<BarPhase>,
}

impl Frames {
    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.melody.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.melody.is_empty()
    }
}

impl LeadSheet {
    /// Frames in the song: enough for its length and everything that sounds in it.
    pub fn num_frames(&self) -> usize {
        let ends = self.melody.iter().map(|n| n.off).chain(self.chords.iter().map(|c| c.off));
        let end = ends.fold(snap(self.length), |end, off| end.max(snap(off)));
        end.0.max(0) as usize
    }

    /// The song on the frame grid. Onsets and ends snap to the nearest frame; what would have no length
    /// lasts one frame; a later item cuts an earlier one off; what starts before beat 0 is left out.
    pub fn frames(&self) -> Frames {
        let mut num = self.num_frames();
        let spans = |on: Beats, off: Beats| (snap(on).0, snap(off).0.max(snap(on).0 + 1));
        for (on, off) in self.melody.iter().map(|n| (n.on, n.off)).chain(self.chords.iter().map(|c| (c.on, c.off))) {
            if on.0 >= -0.125 {
                num = num.max(spans(on, off).1.max(0) as usize);
            }
        }
        let mut frames = Frames {
            melody: vec![MelodyFrame::Rest; num],
            chords: vec![ChordFrame::Silence; num],
            annotated: vec![false; num],
            phases: (0..num as i64).map(|f| self.meters.phase(Frame(f))).collect(),
        };
        for note in &self.melody {
            let (on, off) = spans(note.on, note.off);
            if on >= 0 {
                let lane = &mut frames.melody[on as usize..];
                let tokens = [MelodyFrame::Onset(note.pitch), MelodyFrame::Hold];
                lay(lane, (off - on) as usize, tokens, MelodyFrame::Hold, MelodyFrame::Rest);
            }
        }
        for span in &self.chords {
            let (on, off) = spans(span.on, span.off);
            if on < 0 {
                continue;
            }
            let lane = &mut frames.chords[on as usize..];
            let (onset, hold) = match span.chord {
                Some(chord) => (ChordFrame::Onset(chord), ChordFrame::Hold),
                None => (ChordFrame::Silence, ChordFrame::Silence),
            };
            lay(lane, (off - on) as usize, [onset, hold], ChordFrame::Hold, ChordFrame::Silence);
            frames.annotated[on as usize..off as usize].fill(true);
        }
        frames
    }
}

/// Lays `first` and then `rest` over `len` frames of a lane; what held on behind them is cut off.
fn lay<T: Copy + PartialEq>(lane: &mut [T], len: usize, [first, rest]: [T; 2], hold: T, nothing: T) {
    lane[0] = first;
    lane[1..len].fill(rest);
    for orphan in lane[len..].iter_mut().take_while(|frame| **frame == hold) {
        *orphan = nothing;
    }
}
