//! Judges: learned rewards, trained on songs before finetuning (ReaLchords, section 3.3).
//!
//! A *contrastive* judge embeds chords and melody apart and says how near they lie to each other; it hears
//! harmony best. A *discriminative* judge hears both lanes together and says how likely they are a human's
//! pair; it hears synchrony best. Each can be of the full length, of a window of it (many short looks instead
//! of one long one), or deaf to pitch (*rhythm only*).
//!
//! Judges are small encoders that commute with transposition, as the policy does: moved together, the lanes
//! score the same in every key; moved apart, they do not. No judge is told the bar phase: the paper's are not,
//! two lanes of one bar phase could be matched by that alone, and a policy that is told it would learn to please
//! by metre.
//!
//! Departures from the paper: our small equivariant network, chords transposed and shifted among the negatives,
//! windows a scale of which weigh as much as the full length (how the paper weighs them is not stated).

pub mod exam;
pub mod hearing;
pub mod loss;
pub mod network;
pub mod pairs;
pub mod panel;
pub mod training;

use crate::{dataset::augment::Augmentation, model::Shape, optimizer::AdamW};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How a judge judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By the cosine of the two lanes' embeddings.
    Contrastive,
    /// By the probability that the pair is real.
    Discriminative,
}

/// The full length of a judge, and of the policy's context.
pub const FULL_FRAMES: usize = 256;

/// Lengths that a judge may have: the full one, a half, a quarter, an eighth and a sixteenth (paper, app. F).
pub const FRAMES: [usize; 5] = [FULL_FRAMES, 128, 64, 32, 16];

/// One judge of a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    /// How it judges.
    pub kind: Kind,
    /// Frames it hears at a time, one of [`FRAMES`].
    #[serde(default = "full")]
    pub frames: usize,
    /// Whether it hears onsets, holds and rests alone.
    #[serde(default)]
    pub rhythm_only: bool,
    /// Its initial weights and batches.
    #[serde(default = "first")]
    pub seed: u64,
}

fn full() -> usize {
    FULL_FRAMES
}

fn first() -> u64 {
    1
}

impl Judge {
    /// Its name in the run folder, like `contrastive-256-rhythm-1`.
    pub fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Contrastive => "contrastive",
            Kind::Discriminative => "discriminative",
        };
        let rhythm = if self.rhythm_only { "rhythm-" } else { "" };
        format!("{kind}-{}-{rhythm}{}", self.frames, self.seed)
    }

    /// Its checkpoint in the run folder.
    pub fn checkpoint(&self) -> String {
        format!("{FOLDER}/{}.safetensors", self.name())
    }

    /// Whether it hears less than the full length.
    pub fn is_windowed(&self) -> bool {
        self.frames < FULL_FRAMES
    }
}

/// Where judges stand in the run folder.
pub const FOLDER: &str = "judges";

/// The judges of a recipe and how they are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judges {
    /// The size of each encoder.
    pub model: Shape,
    /// Updates each.
    pub updates: u64,
    /// Crops a batch: pairs of a contrastive judge, real and false pairs together of a discriminative one.
    pub batch: usize,
    /// Updates between measurements on the validation split.
    pub validate_every: u64,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: u64,
    /// Held-out crops that quality is measured on, at most.
    pub held_out: usize,
    /// How crops are changed.
    pub augmentation: Augmentation,
    /// The optimiser.
    pub optimizer: AdamW,
    /// The judges.
    pub judge: Vec<Judge>,
}

impl Default for Judges {
    fn default() -> Self {
        Self {
            model: Shape { layers: 2, heads: 4, invariant: 64, pitched: 8, inner: 2 },
            updates: 300,
            batch: 96,
            validate_every: 50,
            checkpoint_seconds: 180,
            held_out: 256,
            augmentation: Augmentation { key_jump: 0.05, wrong_chords: 0.0, ..Augmentation::default() },
            optimizer: AdamW { warmup: 30, ..AdamW::default() },
            judge: ensemble(),
        }
    }
}

/// The default ensemble: two seeds of each kind at full length, one deaf to pitch, one at each shorter length.
fn ensemble() -> Vec<Judge> {
    let of = |kind| {
        let judge = move |frames, rhythm_only, seed| Judge { kind, frames, rhythm_only, seed };
        let full = [(false, 1), (false, 2), (true, 1)].map(|(rhythm, seed)| judge(FULL_FRAMES, rhythm, seed));
        full.into_iter().chain(FRAMES[1..].iter().map(move |frames| judge(*frames, false, 1)))
    };
    of(Kind::Contrastive).chain(of(Kind::Discriminative)).collect()
}

impl Judges {
    /// Whether the parts fit together.
    ///
    /// # Errors
    /// A sentence that names what does not.
    pub fn check(&self) -> Result<(), String> {
        self.model.check().map_err(|reason| format!("judges.model: {reason}"))?;
        if self.batch < 4 || self.validate_every == 0 || self.held_out < 2 {
            return Err("judges: batch must be 4 or more, held_out 2 or more, validate_every above 0".into());
        }
        let mut names = HashSet::new();
        for judge in &self.judge {
            if !FRAMES.contains(&judge.frames) {
                return Err(format!(
                    "a judge of {} frames: its length must be one of {FRAMES:?}",
                    judge.frames
                ));
            }
            if !names.insert(judge.name()) {
                return Err(format!("two judges are {}: give them different seeds", judge.name()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_are_lists_in_a_recipe() {
        let text = "updates = 7\n[[judge]]\nkind = \"contrastive\"\n[[judge]]\nkind = \"discriminative\"\nframes = 64\nrhythm_only = true\nseed = 3\n";
        let judges: Judges = toml::from_str(text).unwrap();
        let names: Vec<_> = judges.judge.iter().map(Judge::name).collect();
        assert_eq!(names, ["contrastive-256-1", "discriminative-64-rhythm-3"]);
        assert_eq!((judges.updates, judges.check()), (7, Ok(())));
        assert!(toml::from_str::<Judges>("[[judge]]\nkind = \"critic\"\n").is_err());
        assert!(toml::from_str::<Judges>("[[judge]]\nkind = \"contrastive\"\nframe = 64\n").is_err());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let with = |judge: Vec<Judge>| Judges { judge, ..Judges::default() }.check();
        let judge = Judge { kind: Kind::Contrastive, frames: 256, rhythm_only: false, seed: 1 };
        assert!(with(vec![judge, judge]).unwrap_err().contains("contrastive-256-1"));
        assert!(with(vec![Judge { frames: 100, ..judge }]).unwrap_err().contains("100"));
        assert_eq!(with(ensemble()), Ok(()));
        assert_eq!(ensemble().len(), 14);
    }
}
