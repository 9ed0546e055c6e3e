//! The commands: corpus, pretrain, judges, finetune, export, evaluate.

use anyhow::{Context, bail};
use clap::Parser;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use trainer::{
    corpus::{Imported, NORMALISED, Split, coverage, import_path, table},
    dataset::Songs,
    evaluate::{Protocol, compare, rollout::Player},
    export, finetune,
    model::{Policy, teacher::Teacher},
    pretrain::{self, Learner},
    reward::judge::training::{self as judges, Splits},
    run::{RunFolder, checkpoint::Checkpoint, recipe::Recipe},
};

/// Trains the online chord model of ReaLchords and writes it as ONNX.
#[derive(Parser)]
#[command(version)]
pub enum Command {
    /// Imports files or folders and prints what was found, per source, and every failure by reason.
    Corpus {
        /// Files or folders.
        paths: Vec<PathBuf>,
        /// Which importer to use; by default each file's kind decides.
        #[arg(long)]
        importer: Option<String>,
    },
    /// Trains the policy by maximum likelihood; goes on where the run folder's checkpoint stands.
    Pretrain {
        /// The recipe.
        recipe: PathBuf,
        /// The folder of corpora.
        #[arg(long)]
        data: PathBuf,
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// Train the offline teacher instead of the policy.
        #[arg(long)]
        teacher: bool,
    },
    /// Trains the recipe's judges, the learned rewards, and prints how good they are; goes on where each stands.
    Judges {
        /// The folder of corpora.
        #[arg(long)]
        data: PathBuf,
        /// The run folder, with its recipe.
        #[arg(long)]
        run: PathBuf,
        /// Only the judge of this name, like contrastive-256-1.
        #[arg(long)]
        only: Option<String>,
    },
    /// Distils the teacher into the policy on the policy's own rollouts; both must stand in the run folder.
    Finetune {
        /// The folder of corpora.
        #[arg(long)]
        data: PathBuf,
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
    },
    /// Writes a checkpoint as an ONNX file with its manifest.
    Export {
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// The stage whose checkpoint it is: mle or kd.
        #[arg(long, default_value = "mle")]
        stage: String,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
        /// The folder of corpora, for their licences.
        #[arg(long)]
        data: PathBuf,
        /// The trainer's source revision, for the manifest.
        #[arg(long, default_value = "unknown")]
        revision: String,
    },
    /// Lets a checkpoint accompany held-out songs and sets its metrics beside the humans'.
    Evaluate {
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// The stage whose checkpoint it is: mle, teacher or kd.
        #[arg(long, default_value = "mle")]
        stage: String,
        /// The folder of corpora.
        #[arg(long)]
        data: PathBuf,
        /// Corpora to measure on; the recipe's by default.
        #[arg(long, value_delimiter = ',')]
        sources: Vec<String>,
        /// train, valid or test.
        #[arg(long, default_value = "valid")]
        split: String,
        /// Sampling temperature.
        #[arg(long, default_value_t = 1.0)]
        temperature: f32,
        /// Nucleus.
        #[arg(long, default_value_t = 1.0)]
        top_p: f32,
        /// Sampling seeds.
        #[arg(long, default_value_t = 3)]
        seeds: u64,
        /// At most this many songs.
        #[arg(long, default_value_t = usize::MAX)]
        songs: usize,
        /// Also write the result as JSON here.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

/// Imports the named corpora from a folder of `SOURCE.jsonl.gz` files.
fn corpora(folder: &Path, sources: &[String]) -> anyhow::Result<Vec<Imported>> {
    let mut songs = Vec::new();
    for source in sources {
        let path = folder.join(format!("{source}.jsonl.gz"));
        let report = import_path(&path, None).with_context(|| format!("corpus {source}"))?;
        for failure in &report.failures {
            eprintln!("left out {}: {}", failure.name, failure.reason);
        }
        songs.extend(report.songs);
    }
    if songs.is_empty() {
        bail!("no songs in {}: name corpora that stand there as SOURCE.jsonl.gz", folder.display());
    }
    Ok(songs)
}

fn kept_recipe(run: &Path) -> anyhow::Result<Recipe> {
    let path = run.join("recipe.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("{}: train first", path.display()))?;
    Recipe::parse(&text).map_err(anyhow::Error::msg)
}

/// The checkpoint of a stage that leaves a policy.
fn staged(run: &Path, stage: &str) -> anyhow::Result<Checkpoint> {
    let name = match stage {
        "mle" => Policy::CHECKPOINT,
        "kd" => finetune::CHECKPOINT,
        _ => bail!("{stage} leaves no policy: say mle or kd"),
    };
    Ok(Checkpoint::load(&run.join(name))?)
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Corpus { paths, importer } => {
                let (mut all, mut exact) = (0.0, 0.0);
                for path in paths {
                    let report = import_path(&path, importer.as_deref())
                        .with_context(|| path.display().to_string())?;
                    println!("{}", table(&report));
                    for file in report.files.iter().filter(|file| file.importer == NORMALISED) {
                        let (beats, known) = coverage(&fs::read(&file.path)?)?;
                        (all, exact) = (all + beats, exact + known);
                    }
                }
                if all > 0.0 {
                    println!(
                        "{:.2} % of {all:.0} beats of chords stand in the table of qualities as they are",
                        100.0 * exact / all
                    );
                }
            }
            Self::Pretrain { recipe, data, run, teacher } => {
                let text = fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
                let recipe = Recipe::parse(&text).map_err(anyhow::Error::msg)?;
                let imported = corpora(&data, &recipe.sources)?;
                let folder = RunFolder::open(&run)?;
                folder.write("recipe.toml", text.as_bytes())?;
                let (train, valid) = (Songs::of(&imported, Split::Train), Songs::of(&imported, Split::Valid));
                println!(
                    "{} songs ({} frames) to train on, {} held out",
                    train.0.len(),
                    train.num_frames(),
                    valid.0.len()
                );
                if teacher {
                    pretrain::run::<Teacher>(&recipe, &train, &valid, &folder)?;
                } else {
                    pretrain::run::<Policy>(&recipe, &train, &valid, &folder)?;
                }
            }
            Self::Judges { data, run, only } => {
                let recipe = kept_recipe(&run)?;
                let imported = corpora(&data, &recipe.sources)?;
                let of = |split| Songs::of(&imported, split);
                let (train, valid, test) = (of(Split::Train), of(Split::Valid), of(Split::Test));
                let splits = Splits { train: &train, valid: &valid, test: &test };
                println!("{}", judges::run(&recipe, splits, &RunFolder::open(&run)?, only.as_deref())?);
            }
            Self::Finetune { data, run } => {
                let recipe = kept_recipe(&run)?;
                let songs = Songs::of(&corpora(&data, &recipe.sources)?, Split::Train);
                let policy: Checkpoint = Checkpoint::load(&run.join(Policy::CHECKPOINT))?;
                let teacher: Checkpoint<Teacher> = Checkpoint::load(&run.join(Teacher::CHECKPOINT))?;
                finetune::run(&recipe, &songs, policy.network, teacher.network, &RunFolder::open(&run)?)?;
            }
            Self::Export { run, stage, out, data, revision } => {
                let recipe = kept_recipe(&run)?;
                let checkpoint: Checkpoint = staged(&run, &stage)?;
                let licences: BTreeMap<String, String> = corpora(&data, &recipe.sources)?
                    .into_iter()
                    .map(|song| (song.source, song.license.unwrap_or_else(|| "unknown".into())))
                    .collect();
                let numbers = fs::read_to_string(run.join("numbers.json"))
                    .ok()
                    .and_then(|t| serde_json::from_str(&t).ok());
                let manifest = export::manifest(
                    &checkpoint,
                    &stage,
                    &recipe,
                    licences,
                    numbers.unwrap_or_default(),
                    revision,
                );
                fs::write(&out, export::onnx(&checkpoint.network, &manifest))?;
                println!("{}: {} bytes", out.display(), fs::metadata(&out)?.len());
            }
            Self::Evaluate { run, stage, data, sources, split, temperature, top_p, seeds, songs, json } => {
                let recipe = kept_recipe(&run)?;
                let (player, updates) = if stage == Teacher::STAGE {
                    let checkpoint = Checkpoint::<Teacher>::load(&run.join(Teacher::CHECKPOINT))?;
                    (Player::from(&checkpoint.network), checkpoint.moments.updates)
                } else {
                    let checkpoint = staged(&run, &stage)?;
                    (Player::from(&checkpoint.network), checkpoint.moments.updates)
                };
                let split = Split::parse(&split)
                    .with_context(|| format!("{split} is no split: say train, valid or test"))?;
                let imported = corpora(&data, if sources.is_empty() { &recipe.sources } else { &sources })?;
                let protocol = Protocol { temperature, top_p, seeds, songs, ..Protocol::default() };
                let result = compare(&player, &Songs::of(&imported, split), protocol);
                println!("{} songs, {} updates\n{}", result.human.songs, updates, result.table());
                if let Some(path) = json {
                    fs::write(path, serde_json::to_string_pretty(&result)?)?;
                }
            }
        }
        Ok(())
    }
}
