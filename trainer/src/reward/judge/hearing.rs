//! What a judge hears: stretches of rollouts or songs as the network's inputs, one lane or both.
//!
//! Unlike the policy's inputs these do not lag: a judge hears each frame where it stands. A lane that is not
//! heard is START throughout, and the chroma, which is made of the melody, goes with the melody.

use crate::{dataset::augment::Crop, model::forward::Inputs};
use music::{
    harmony::{ChordFrame, sounding},
    melody::{CHROMA_FEATURES, Chroma, MelodyFrame},
    meter::BarPhase,
    vocab::{ChordToken, MelodyToken, bar_ids},
};

/// The lanes that an encoder hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Chords alone.
    Chords,
    /// The melody alone.
    Melody,
    /// Both, frame by frame.
    Both,
}

/// How an encoder hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// The lanes.
    pub lanes: Lanes,
    /// Whether every onset sounds the same. START, which transposition leaves alone, then stands for "an onset".
    pub rhythm_only: bool,
}

impl Hearing {
    fn chord(self, frame: ChordFrame) -> ChordToken {
        match frame {
            _ if self.lanes == Lanes::Melody => ChordToken::START,
            ChordFrame::Onset(_) if self.rhythm_only => ChordToken::START,
            frame => ChordToken::of(frame),
        }
    }

    fn note(self, frame: MelodyFrame) -> MelodyToken {
        match frame {
            _ if self.lanes == Lanes::Chords => MelodyToken::START,
            MelodyFrame::Onset(_) if self.rhythm_only => MelodyToken::START,
            frame => MelodyToken::of(frame),
        }
    }

    /// The network's inputs for crops of equal length; bar phases are unknown.
    pub fn inputs(self, crops: &[Crop]) -> Inputs {
        let (batch, time) = (crops.len(), crops.first().map_or(0, Crop::len));
        let (position, length) = bar_ids(BarPhase::Unknown);
        let mut inputs = Inputs {
            batch,
            time,
            bar_positions: vec![position as u32; batch * time],
            bar_lengths: vec![length as u32; batch * time],
            ..Inputs::default()
        };
        let hears_pitch = self.lanes != Lanes::Chords && !self.rhythm_only;
        for crop in crops {
            let mut chroma = Chroma::default();
            inputs.chords.extend(crop.chords.iter().map(|c| self.chord(*c).id() as u32));
            inputs.melody.extend(crop.melody.iter().map(|m| self.note(*m).id() as u32));
            for frame in &crop.melody {
                chroma.hear(*frame);
                inputs.chroma.extend(if hears_pitch { chroma.features() } else { [0.0; CHROMA_FEATURES] });
            }
        }
        inputs
    }
}

/// `len` frames of both lanes, each from a place of its own; what holds at a cut starts there. A lane goes no
/// further than the crop: the caller keeps `from + len` within it.
pub fn stretch(crop: &Crop, melody_from: usize, chords_from: usize, len: usize) -> Crop {
    let mut melody: Vec<_> = crop.melody.iter().skip(melody_from).take(len).copied().collect();
    let mut chords: Vec<_> = crop.chords.iter().skip(chords_from).take(len).copied().collect();
    if chords.first() == Some(&ChordFrame::Hold) {
        let sounding = sounding(&crop.chords[..=chords_from]).last().copied().flatten();
        chords[0] = sounding.map_or(ChordFrame::Silence, ChordFrame::Onset);
    }
    if melody.first() == Some(&MelodyFrame::Hold) {
        let before = crop.melody[..melody_from].iter().rev().find(|m| !matches!(m, MelodyFrame::Hold));
        melody[0] = before.copied().unwrap_or(MelodyFrame::Rest);
    }
    let annotated = crop.annotated.iter().skip(chords_from).take(len).copied().collect();
    let phases = vec![BarPhase::Unknown; melody.len()];
    Crop { melody, chords, annotated, phases, played: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward::check::rollout;
    use music::notation::{parse_chords, parse_melody};
    use std::slice::from_ref;

    #[test]
    fn a_stretch_starts_what_holds() {
        let crop = rollout("C4 - E4 - - . - -", "Am - - - G - . -");
        let cut = stretch(&crop, 3, 1, 4);
        assert_eq!(cut.melody, parse_melody("E4 - . -").unwrap());
        assert_eq!(cut.chords, parse_chords("Am - - G").unwrap());
        // A hold of nothing is silence.
        assert_eq!(stretch(&crop, 6, 7, 1).chords, parse_chords(".").unwrap());
        assert_eq!(stretch(&crop, 6, 7, 1).melody, parse_melody(".").unwrap());
    }

    #[test]
    fn a_lane_that_is_not_heard_leaves_no_trace() {
        let (one, other) = (rollout("C4 - E4 .", "C - G ."), rollout("D4 . . F4", "C - G ."));
        let chords = Hearing { lanes: Lanes::Chords, rhythm_only: false };
        let same =
            |a: &Inputs, b: &Inputs| a.chords == b.chords && a.melody == b.melody && a.chroma == b.chroma;
        assert!(same(&chords.inputs(from_ref(&one)), &chords.inputs(from_ref(&other))));
        let melody = Hearing { lanes: Lanes::Melody, rhythm_only: false };
        assert!(!same(&melody.inputs(from_ref(&one)), &melody.inputs(&[other])));
        let other = rollout("C4 - E4 .", "F Am - -");
        assert!(same(&melody.inputs(&[one]), &melody.inputs(&[other])));
    }

    #[test]
    fn rhythm_alone_has_no_pitch() {
        let hearing = Hearing { lanes: Lanes::Both, rhythm_only: true };
        let (a, b) =
            (hearing.inputs(&[rollout("C4 - .", "C - .")]), hearing.inputs(&[rollout("A5 - .", "F#m7 - .")]));
        assert_eq!((&a.chords, &a.melody, &a.chroma), (&b.chords, &b.melody, &b.chroma));
        assert!(a.chroma.iter().all(|x| *x == 0.0));
        assert_eq!(a.chords, [302, 1, 0]);
    }
}
