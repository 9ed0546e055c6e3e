//! The melody lane: one line, frame by frame, and the pitch-class histograms the model is given of it.

use crate::pitch::{OCTAVE, Pitch};

/// What the melody does in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MelodyFrame {
    /// Nothing sounds.
    #[default]
    Rest,
    /// A note starts here.
    Onset(Pitch),
    /// The note of the frame before goes on.
    Hold,
}

/// How fast the two histograms of [`Chroma`] forget, in frames: a bar of common time, and eight bars.
pub const CHROMA_MEMORY_FRAMES: [f32; 2] = [16.0, 128.0];

/// Numbers in [`Chroma::features`].
pub const CHROMA_FEATURES: usize = CHROMA_MEMORY_FRAMES.len() * OCTAVE as usize;

/// Recency-weighted histograms of the pitch classes heard so far: what key and chord the melody suggests,
/// told to the model so that it need not learn to count. Fixed size, allocation-free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chroma {
    sounding: Option<Pitch>,
    weights: [[f32; OCTAVE as usize]; CHROMA_MEMORY_FRAMES.len()],
}

impl Default for Chroma {
    fn default() -> Self {
        Self { sounding: None, weights: [[0.0; OCTAVE as usize]; CHROMA_MEMORY_FRAMES.len()] }
    }
}

impl Chroma {
    /// Takes in the next frame.
    pub fn hear(&mut self, frame: MelodyFrame) {
        match frame {
            MelodyFrame::Rest => self.sounding = None,
            MelodyFrame::Onset(pitch) => self.sounding = Some(pitch),
            MelodyFrame::Hold => {}
        }
        for (weights, memory) in self.weights.iter_mut().zip(CHROMA_MEMORY_FRAMES) {
            let keep = 1.0 - 1.0 / memory;
            for weight in weights.iter_mut() {
                *weight *= keep;
            }
            if let Some(pitch) = self.sounding {
                weights[usize::from(pitch.class().semitones())] += 1.0;
            }
        }
    }

    /// What the model is given: each histogram over one plus its sum, short memory first, C first.
    /// Every number is in 0..1; all are 0 before the first note.
    pub fn features(&self) -> [f32; CHROMA_FEATURES] {
        let mut out = [0.0; CHROMA_FEATURES];
        for (idx, weights) in self.weights.iter().enumerate() {
            let total = 1.0 + weights.iter().sum::<f32>();
            for (class, weight) in weights.iter().enumerate() {
                out[idx * usize::from(OCTAVE) + class] = weight / total;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::parse_melody;
    use proptest::prelude::*;

    fn heard(frames: &[MelodyFrame]) -> [f32; CHROMA_FEATURES] {
        let mut chroma = Chroma::default();
        frames.iter().for_each(|frame| chroma.hear(*frame));
        chroma.features()
    }

    fn a_melody() -> impl Strategy<Value = Vec<MelodyFrame>> {
        let frame = prop_oneof![
            Just(MelodyFrame::Rest),
            Just(MelodyFrame::Hold),
            (24u8..104).prop_map(|midi| MelodyFrame::Onset(Pitch::folded(i32::from(midi)))),
        ];
        prop::collection::vec(frame, 0..400)
    }

    #[test]
    fn nothing_heard_is_nothing() {
        assert_eq!(heard(&[]), [0.0; CHROMA_FEATURES]);
        assert_eq!(heard(&parse_melody("| - - . - |").unwrap()), [0.0; CHROMA_FEATURES]);
    }

    #[test]
    fn held_notes_count_and_rests_forget() {
        let one = heard(&parse_melody("C4").unwrap());
        assert_eq!((one[0], one[12]), (0.5, 0.5));
        let held = heard(&parse_melody("C4 - - -").unwrap());
        assert!(held[0] > one[0]);
        let forgotten = heard(&parse_melody("C4 - - - . . . .").unwrap());
        assert!(forgotten[0] < held[0]);
        // A hold after a rest holds nothing.
        assert_eq!(forgotten, heard(&parse_melody("C4 - - - . - - -").unwrap()));
    }

    #[test]
    fn the_long_memory_outlasts_the_short() {
        let mut frames = parse_melody(&"C4 - - - ".repeat(40)).unwrap();
        frames.extend(parse_melody(&"F#4 - - - ".repeat(10)).unwrap());
        let features = heard(&frames);
        assert!(features[6] > features[0], "short: F# {} C {}", features[6], features[0]);
        assert!(features[12] > features[12 + 6], "long: C {} F# {}", features[12], features[12 + 6]);
    }

    proptest! {
        #[test]
        fn features_stay_in_range(melody in a_melody()) {
            let features = heard(&melody);
            prop_assert!(features.iter().all(|f| (0.0..1.0).contains(f)), "{:?}", features);
            for histogram in features.chunks(usize::from(OCTAVE)) {
                prop_assert!(histogram.iter().sum::<f32>() <= 1.0 + 1e-5);
            }
        }

        #[test]
        fn transposing_the_melody_turns_the_features(melody in a_melody(), by in 0usize..12) {
            let moved: Vec<MelodyFrame> = melody.iter().map(|frame| match frame {
                MelodyFrame::Onset(pitch) => MelodyFrame::Onset(pitch.transposed(by as i32)),
                other => *other,
            }).collect();
            let (before, after) = (heard(&melody), heard(&moved));
            for (idx, feature) in before.iter().enumerate() {
                let (histogram, class) = (idx / 12, idx % 12);
                // Their sum is taken in another order, hence the tolerance.
                prop_assert!((after[histogram * 12 + (class + by) % 12] - feature).abs() < 1e-5);
            }
        }
    }
}
