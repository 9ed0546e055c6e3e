//! The stage that trains judges, one after another.
//!
//! As in pretraining, a batch is a function of (seed, number), its fake pairs included, and a checkpoint holds
//! every bit: a run that was killed goes on to the same numbers.

use super::{
    FOLDER, Judge, Judges, Kind,
    exam::{Examined, Quality, Report, Sanity, held_out, held_out_frames},
    network::{Contrastive, Discriminative},
    pairs::{Pairs, SLACK, draw, fake, real},
    panel::Trained,
};
use crate::{
    dataset::{Batches, Lessons, Songs, augment::Crop},
    model::forward::Leaves,
    run::{RunFolder, checkpoint::Checkpoint, progress::Progress, recipe::Recipe},
};
use anyhow::{Context, bail};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

/// The reports of all judges in the run folder.
pub const REPORTS: &str = "judges.json";

/// A line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Always "judges".
    pub stage: &'static str,
    /// The judge's name.
    pub judge: String,
    /// Updates made.
    pub update: u64,
    /// "train" or "valid".
    pub split: &'static str,
    /// Mean loss of the batch, in nats; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    /// Global gradient norm before clipping; absent in validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f32>,
    /// Quality on held-out crops; absent in training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
}

/// The training of one judge in hand.
pub struct Training<'a, N> {
    settings: &'a Judges,
    judge: Judge,
    batches: Batches<'a>,
    crops: usize,
    seed: u64,
    device: Device,
    /// Where it stands.
    pub checkpoint: Checkpoint<N>,
}

impl<'a, N: Examined> Training<'a, N> {
    /// Begins, or goes on from a checkpoint. `seed` is the recipe's.
    ///
    /// # Errors
    /// A shape whose parts do not fit, a checkpoint of another shape, or songs with nothing to judge.
    pub fn new(
        settings: &'a Judges,
        judge: Judge,
        songs: &'a Songs,
        seed: u64,
        checkpoint: Option<Checkpoint<N>>,
    ) -> Result<Self, String> {
        let seed = seed ^ 0x1d9e ^ judge.seed.rotate_left(32);
        let checkpoint = match checkpoint {
            Some(found) if found.network.shape() == settings.model => found,
            Some(found) => {
                return Err(format!(
                    "the checkpoint of {} is of {:?}, the recipe of {:?}",
                    judge.name(),
                    found.network.shape(),
                    settings.model
                ));
            }
            None => Checkpoint::start(N::build(settings.model, seed)?),
        };
        // A fake pair for each real one fills the batch.
        let crops = if N::NEEDS_FAKE { settings.batch / 2 } else { settings.batch };
        let batches = Batches::new(songs, crops, judge.frames + SLACK, settings.augmentation, seed);
        let device = Device::flex().autodiff();
        let training = Self { settings, judge, batches, crops, seed, device, checkpoint };
        if songs.num_frames() == 0 || training.pairs(0).real.len() < 2 {
            return Err(format!("{}: the songs have no stretches where both lanes sound", judge.name()));
        }
        Ok(training)
    }

    /// Batch `number`.
    fn pairs(&self, number: u64) -> Pairs {
        let crops = draw(&self.batches, number, self.crops);
        let mut rng =
            ChaCha8Rng::seed_from_u64(self.seed ^ 0xfa4e ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let len = self.judge.frames;
        let fakes = if N::NEEDS_FAKE { 0..crops.len() } else { 0..0 };
        Pairs {
            real: crops.iter().map(|crop| real(crop, len, &mut rng)).collect(),
            fake: fakes.map(|n| fake(&crops, n, len, self.judge.rhythm_only, &mut rng)).collect(),
        }
    }

    /// One update.
    pub fn update(&mut self) -> Line {
        let pairs = self.pairs(self.checkpoint.moments.updates);
        let Checkpoint { network, moments } = &mut self.checkpoint;
        let mut parameters = network.parameters();
        let leaves = Leaves::new(&parameters, &self.device, true);
        let loss = network.loss(&leaves, &pairs, self.judge.rhythm_only, &self.device);
        let gradients = leaves.gradients(&loss.backward());
        let optimizer = &self.settings.optimizer;
        let norm = optimizer.update(&mut parameters, moments, &gradients, self.settings.updates);
        network.set_parameters(parameters);
        let loss = loss.into_data().try_to_vec::<f32>().ok().and_then(|v| v.first().copied());
        let update = moments.updates;
        Line { loss: Some(loss.unwrap_or(f32::NAN)), gradient_norm: Some(norm), ..self.line(update, "train") }
    }

    /// Makes the network ready to score: what it centres by is measured on the first batches.
    pub fn settle(&mut self) {
        let batches = (0..SETTLED_ON).map(|number| self.pairs(number));
        let real = batches.flat_map(|pairs| pairs.real).collect();
        self.checkpoint.network.settle(&Pairs { real, fake: Vec::new() }, self.judge.rhythm_only);
    }

    /// Quality on held-out crops, which are longer than the judge by [`SLACK`].
    pub fn validate(&mut self, held_out: &[Crop]) -> Line {
        self.settle();
        let quality = self.checkpoint.network.quality(&self.judge, held_out);
        Line { quality: Some(quality), ..self.line(self.checkpoint.moments.updates, "valid") }
    }

    fn line(&self, update: u64, split: &'static str) -> Line {
        let judge = self.judge.name();
        Line { stage: "judges", judge, update, split, loss: None, gradient_norm: None, quality: None }
    }
}

/// Batches that a finished network settles on.
const SETTLED_ON: u64 = 2;

/// Updates from one line of the metrics file to the next.
const LOGGED_EVERY: u64 = 10;

fn train<N: Examined>(
    recipe: &Recipe,
    judge: Judge,
    lessons: &Lessons,
    folder: &RunFolder,
    progress: &Progress,
) -> anyhow::Result<Checkpoint<N>> {
    let settings = &recipe.judges;
    let path = folder.file(&judge.checkpoint());
    let found = if path.exists() { Some(Checkpoint::load(&path)?) } else { None };
    let mut training = Training::<N>::new(settings, judge, &lessons.train, recipe.seed, found)
        .map_err(anyhow::Error::msg)?;
    let valid = held_out(&lessons.valid, held_out_frames(&judge), settings.held_out);
    let name = judge.name();
    let shown = progress.stage(&name, settings.updates, training.checkpoint.moments.updates);
    let save = |training: &mut Training<N>| -> anyhow::Result<()> {
        training.settle();
        let bytes = training.checkpoint.to_bytes().map_err(anyhow::Error::msg)?;
        Ok(folder.write(&judge.checkpoint(), &bytes)?)
    };
    let before = training.checkpoint.moments.updates;
    let mut saved = Instant::now();
    while training.checkpoint.moments.updates < settings.updates {
        let line = training.update();
        shown.at(line.update, &format!("{:.3} nats", line.loss.unwrap_or(f32::NAN)));
        if line.update % LOGGED_EVERY == 0 || line.update == 1 {
            folder.log(&line)?;
        }
        if line.update % settings.validate_every == 0 && valid.len() > 1 {
            let line = training.validate(&valid);
            folder.log(&line)?;
            if let Some(quality) = line.quality {
                shown.say(&format!("after {} updates: {quality:?}", line.update));
            }
        }
        if saved.elapsed() > Duration::from_secs(settings.checkpoint_seconds) {
            save(&mut training)?;
            saved = Instant::now();
        }
    }
    if training.checkpoint.moments.updates > before {
        save(&mut training)?;
    }
    Ok(training.checkpoint)
}

fn report<N: Examined + Into<Trained>>(
    recipe: &Recipe,
    judge: Judge,
    lessons: &Lessons,
    folder: &RunFolder,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let test = &held_out(&lessons.test, held_out_frames(&judge), recipe.judges.held_out);
    if test.len() < 2 {
        bail!("{}: the test songs have no stretches of its length where both lanes sound", judge.name());
    }
    let done = train::<N>(recipe, judge, lessons, folder, progress)?;
    let quality = done.network.quality(&judge, test);
    let sanity = Sanity::of(&judge, &done.network.into(), test);
    Ok(Report { judge, updates: done.moments.updates, quality, sanity })
}

/// The reports of the run folder's judges so far, by name.
///
/// # Errors
/// A broken file.
pub fn reports(folder: &RunFolder) -> anyhow::Result<BTreeMap<String, Report>> {
    let path = folder.file(REPORTS);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    serde_json::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("{}: delete it to start anew", path.display()))
}

/// Trains one of the recipe's judges from where its checkpoint stands, and writes its report to the run folder.
///
/// # Errors
/// A broken checkpoint, songs with nothing to judge, or what the file system says.
pub fn run(
    recipe: &Recipe,
    judge: Judge,
    lessons: &Lessons,
    folder: &RunFolder,
    progress: &Progress,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder.file(FOLDER))?;
    let report = match judge.kind {
        Kind::Contrastive => report::<Contrastive>(recipe, judge, lessons, folder, progress)?,
        Kind::Discriminative => report::<Discriminative>(recipe, judge, lessons, folder, progress)?,
    };
    let mut reports = reports(folder)?;
    reports.insert(judge.name(), report);
    Ok(folder.write(REPORTS, serde_json::to_string_pretty(&reports)?.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::{super::exam::tables, *};
    use crate::{
        dataset::{Song, augment::Augmentation},
        model::Shape,
        optimizer::AdamW,
        reward::check::rollout,
    };
    use music::lead_sheet::Frames;

    fn song(melody: &str, chords: &str) -> Song {
        let crop = rollout(&melody.repeat(6), &chords.repeat(6));
        let (annotated, phases) = (crop.annotated, crop.phases);
        let frames = Frames { melody: crop.melody, chords: crop.chords, annotated, phases };
        Song { id: melody.into(), source: "own".into(), frames }
    }

    /// Four songs in four manners, which both lanes tell apart.
    fn songs() -> Songs {
        Songs(vec![
            song("C4 - E4 - G4 - E4 - ", "C - - - - - - - "),
            song("D4 F4 A4 F4 D4 F4 A4 F4 ", "Dm - Dm - Dm - Dm - "),
            song("B4 - - - . . . . ", "G7 - - - . . . . "),
            song("A4 - - A4 - - A4 - ", "F - - F - - F - "),
        ])
    }

    fn settings() -> Judges {
        Judges {
            model: Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 },
            updates: 40,
            batch: 8,
            augmentation: Augmentation { transposition: 1.0, ..Augmentation::NONE },
            optimizer: AdamW { rate: 1e-2, warmup: 4, ..AdamW::default() },
            ..Judges::default()
        }
    }

    fn judge(kind: Kind) -> Judge {
        Judge { kind, frames: 16, rhythm_only: false, seed: 1 }
    }

    fn resumes<N: Examined>(kind: Kind) {
        let (settings, songs) = (settings(), songs());
        let mut whole = Training::<N>::new(&settings, judge(kind), &songs, 3, None).unwrap();
        for _ in 0..3 {
            whole.update();
        }
        let saved = Checkpoint::from_bytes(&whole.checkpoint.to_bytes().unwrap()).unwrap();
        let mut resumed = Training::<N>::new(&settings, judge(kind), &songs, 3, Some(saved)).unwrap();
        for _ in 0..3 {
            let (a, b) = (whole.update(), resumed.update());
            assert_eq!(a.loss.map(f32::to_bits), b.loss.map(f32::to_bits));
            assert_eq!(a, b);
        }
        whole.settle();
        resumed.settle();
        assert_eq!(whole.checkpoint.network.parameters(), resumed.checkpoint.network.parameters());
    }

    #[test]
    fn a_resumed_run_is_bit_equal() {
        resumes::<Contrastive>(Kind::Contrastive);
        resumes::<Discriminative>(Kind::Discriminative);
    }

    fn learns<N: Examined + Into<Trained>>(kind: Kind) -> (f32, f32, Trained) {
        let (settings, songs) = (settings(), songs());
        let mut training = Training::<N>::new(&settings, judge(kind), &songs, 3, None).unwrap();
        let losses: Vec<f32> = (0..40).filter_map(|_| training.update().loss).collect();
        training.settle();
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        (mean(&losses[..5]), mean(&losses[35..]), training.checkpoint.network.into())
    }

    #[test]
    fn judges_learn_which_lanes_belong_together() {
        let held = held_out(&songs(), held_out_frames(&judge(Kind::Contrastive)), 8);
        for (kind, (first, last, trained)) in [
            (Kind::Contrastive, learns::<Contrastive>(Kind::Contrastive)),
            (Kind::Discriminative, learns::<Discriminative>(Kind::Discriminative)),
        ] {
            assert!(last < 0.85 * first, "{kind:?}: {first} -> {last}");
            let sanity = Sanity::of(&judge(kind), &trained, &held);
            assert!(sanity.real > sanity.repaired + 0.1, "{kind:?}: {sanity:?}");
        }
    }

    #[test]
    fn the_stage_reports_and_goes_on() {
        let text = "name = \"t\"\nseed = 3\nsources = []\n[judges]\nupdates = 2\nbatch = 4\nheld_out = 8\nvalidate_every = 1\nmodel = { layers = 1, heads = 1, invariant = 16, pitched = 2, inner = 2 }\n[[judges.judge]]\nkind = \"contrastive\"\nframes = 16\n[[judges.judge]]\nkind = \"discriminative\"\nframes = 16\nrhythm_only = true\n";
        let recipe = Recipe::parse(text).unwrap();
        let lessons = Lessons { train: songs(), valid: songs(), test: songs() };
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(place.path()).unwrap();
        let all = |judges: &[Judge]| {
            for judge in judges {
                run(&recipe, *judge, &lessons, &folder, &Progress::silent()).unwrap();
            }
            tables(&reports(&folder).unwrap().into_values().collect::<Vec<_>>())
        };
        let one = all(&recipe.judges.judge[..1]);
        assert!(one.contains("contrastive-16-1") && !one.contains("rhythm"), "{one}");
        let both = all(&recipe.judges.judge);
        assert!(both.contains("contrastive-16-1") && both.contains("discriminative-16-rhythm-1"), "{both}");
        let before = fs::read(folder.file("judges/contrastive-16-1.safetensors")).unwrap();
        assert_eq!(all(&recipe.judges.judge), both);
        assert_eq!(fs::read(folder.file("judges/contrastive-16-1.safetensors")).unwrap(), before);
    }

    #[test]
    fn songs_with_nothing_to_judge_are_refused() {
        let (settings, songs) = (settings(), Songs(vec![song(". . . . ", "C - - - ")]));
        let refused = Training::<Contrastive>::new(&settings, judge(Kind::Contrastive), &songs, 3, None);
        assert!(refused.err().unwrap().contains("both lanes sound"));
        let none = Songs::default();
        assert!(Training::<Contrastive>::new(&settings, judge(Kind::Contrastive), &none, 3, None).is_err());
    }
}
