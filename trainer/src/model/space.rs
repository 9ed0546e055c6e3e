//! Feature spaces that know what transposition does to them, and the linear maps that commute with it.
//!
//! A feature either stays what it is when the music is transposed (*invariant*: rhythm, metre, loudness of a
//! thought) or belongs to a pitch class and moves with it (*pitched*). A linear map that commutes with
//! transposition uses one free number for all entries that a transposition carries into each other, so the
//! model plays in twelve keys what it learnt in one, exactly, and has a seventh of the numbers to learn.
//! The dense matrix is what runs, in training and in the exported graph.

use music::{
    melody::CHROMA_MEMORY_FRAMES,
    pitch::OCTAVE,
    vocab::{ChordToken, MelodyToken},
};
use std::{collections::HashMap, sync::Arc};

/// What a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Untouched by transposition; its channel.
    Invariant(usize),
    /// Moves with its pitch class.
    Pitched {
        /// The pitch class, 0..12.
        class: usize,
        /// Its channel.
        channel: usize,
    },
}

/// The features of an axis, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space(pub Vec<Feature>);

impl Space {
    /// `heads` equal parts, each of `invariant / heads` invariant features, then `pitched / heads` channels for
    /// each pitch class.
    pub fn model(heads: usize, invariant: usize, pitched: usize) -> Self {
        let (inv, per) = (invariant / heads, pitched / heads);
        let mut features = Vec::new();
        for head in 0..heads {
            features.extend((0..inv).map(|i| Feature::Invariant(head * inv + i)));
            for class in 0..usize::from(OCTAVE) {
                features.extend((0..per).map(|c| Feature::Pitched { class, channel: head * per + c }));
            }
        }
        Self(features)
    }

    /// `copies` of this space side by side, with channels of their own.
    #[must_use]
    pub fn times(&self, copies: usize) -> Self {
        let invariants = self.0.iter().filter(|f| matches!(f, Feature::Invariant(_))).count();
        let channels = (self.0.len() - invariants) / usize::from(OCTAVE);
        let moved = |copy: usize, feature: &Feature| match *feature {
            Feature::Invariant(i) => Feature::Invariant(copy * invariants + i),
            Feature::Pitched { class, channel } => {
                Feature::Pitched { class, channel: copy * channels + channel }
            }
        };
        Self((0..copies).flat_map(|copy| self.0.iter().map(move |f| moved(copy, f))).collect())
    }

    /// Chord tokens, START included where `with_start`: onsets are pitched by root, one channel a quality.
    pub fn chord_tokens(with_start: bool) -> Self {
        let ids = 0..ChordToken::COUNT + usize::from(with_start);
        Self(
            ids.map(|id| match ChordToken::from_id(id).and_then(ChordToken::chord) {
                Some(chord) => {
                    Feature::Pitched { class: chord.root.semitones().into(), channel: chord.quality.index() }
                }
                None => Feature::Invariant(id),
            })
            .collect(),
        )
    }

    /// Melody tokens, START included where `with_start`: onsets are pitched, one channel an octave.
    pub fn melody_tokens(with_start: bool) -> Self {
        let ids = 0..MelodyToken::COUNT + usize::from(with_start);
        Self(
            ids.map(|id| match MelodyToken::from_id(id).and_then(MelodyToken::pitch) {
                Some(pitch) => Feature::Pitched {
                    class: pitch.class().semitones().into(),
                    channel: usize::from((pitch.midi() - MelodyToken::LOWEST) / OCTAVE),
                },
                None => Feature::Invariant(id),
            })
            .collect(),
        )
    }

    /// `num` invariant features.
    pub fn invariants(num: usize) -> Self {
        Self((0..num).map(Feature::Invariant).collect())
    }

    /// The numbers of `music::melody::Chroma::features`.
    pub fn chroma() -> Self {
        let classes = usize::from(OCTAVE);
        Self(
            (0..CHROMA_MEMORY_FRAMES.len())
                .flat_map(|channel| (0..classes).map(move |class| Feature::Pitched { class, channel }))
                .collect(),
        )
    }

    /// How many features there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where each feature goes when the music moves up by `semitones`.
    pub fn transposition(&self, semitones: usize) -> Vec<usize> {
        let places: HashMap<Feature, usize> = self.0.iter().enumerate().map(|(i, f)| (*f, i)).collect();
        let moved = |f: &Feature| match *f {
            Feature::Pitched { class, channel } => {
                Feature::Pitched { class: (class + semitones) % usize::from(OCTAVE), channel }
            }
            invariant => invariant,
        };
        self.0.iter().map(|f| places[&moved(f)]).collect()
    }
}

/// Which free number each entry of a dense [rows, columns] matrix is.
#[derive(Clone, Debug)]
pub struct Tied {
    /// The free number of each entry, row-major.
    pub layout: Arc<Vec<u32>>,
    /// Rows (input features) and columns (output features).
    pub shape: [usize; 2],
    /// Free numbers.
    pub free: usize,
}

impl Tied {
    /// The maps from `input` to `output` that commute with transposition.
    pub fn map(input: &Space, output: &Space) -> Self {
        #[derive(PartialEq, Eq, Hash)]
        enum Orbit {
            Plain(usize, usize),
            Spread(usize, usize),
            Gather(usize, usize),
            Relative(usize, usize, usize),
        }
        let octave = usize::from(OCTAVE);
        let mut orbits: HashMap<Orbit, u32> = HashMap::new();
        let mut layout = Vec::with_capacity(input.len() * output.len());
        for i in &input.0 {
            for o in &output.0 {
                let orbit = match (*i, *o) {
                    (Feature::Invariant(i), Feature::Invariant(o)) => Orbit::Plain(i, o),
                    (Feature::Invariant(i), Feature::Pitched { channel, .. }) => Orbit::Spread(i, channel),
                    (Feature::Pitched { channel, .. }, Feature::Invariant(o)) => Orbit::Gather(channel, o),
                    (
                        Feature::Pitched { class: a, channel: i },
                        Feature::Pitched { class: b, channel: o },
                    ) => Orbit::Relative(i, o, (b + octave - a) % octave),
                };
                let next = orbits.len() as u32;
                layout.push(*orbits.entry(orbit).or_insert(next));
            }
        }
        Self { layout: Arc::new(layout), shape: [input.len(), output.len()], free: orbits.len() }
    }

    /// A bias of `space` that transposition leaves alone, as a [1, columns] matrix.
    pub fn bias(space: &Space) -> Self {
        Self::map(&Space::invariants(1), space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::noise;

    #[test]
    fn maps_commute_with_transposition() {
        let model = Space::model(2, 4, 6);
        let spaces = [
            model.clone(),
            model.times(3),
            Space::chord_tokens(true),
            Space::melody_tokens(false),
            Space::chroma(),
        ];
        for input in &spaces {
            for output in &spaces {
                let tied = Tied::map(input, output);
                let free: Vec<f32> = (0..tied.free).map(noise).collect();
                let dense = crate::ops::expand::expand(&free, &tied.layout);
                for semitones in [1, 5, 11] {
                    let (ti, to) = (input.transposition(semitones), output.transposition(semitones));
                    for i in 0..input.len() {
                        for o in 0..output.len() {
                            assert_eq!(dense[i * output.len() + o], dense[ti[i] * output.len() + to[o]]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_pitched_map_has_a_twelfth_of_the_numbers() {
        let model = Space::model(1, 0, 4);
        assert_eq!(Tied::map(&model, &model).free, 12 * 4 * 4);
    }
}
