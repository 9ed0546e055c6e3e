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
