//! The commands: corpus, made, run, speed, export, evaluate.

use anyhow::{Context, bail};
use clap::Parser;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use trainer::{
    corpus::{
        Imported, NORMALISED, Split, coverage, import_path,
        made::{self, MADE},
        table,
    },
    dataset::{Lessons, Songs},
    evaluate::{Protocol, compare, rollout::Player},
    export,
    model::teacher::Teacher,
    pretrain::Learner,
    run::{RunFolder, checkpoint::Checkpoint, recipe::Recipe},
    school, speed,
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
    /// Trains what a recipe says, stage by stage; goes on where the run folder stands.
    Run {
        /// The recipe.
        recipe: PathBuf,
        /// The folder of corpora.
        #[arg(long)]
        data: PathBuf,
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// This stage alone: mle, teacher, a judge or a stage of finetuning by its name.
        #[arg(long)]
        only: Option<String>,
    },
    /// Writes a corpus of made songs into a folder, for the tiny recipe.
    Made {
        /// The folder of corpora.
        data: PathBuf,
        /// Songs.
        #[arg(long, default_value_t = 48)]
        songs: usize,
    },
    /// Measures how fast this machine trains a recipe's networks, on made music.
    Speed {
        /// The recipe.
        recipe: PathBuf,
        /// Seconds for each kind of work.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
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
    Ok(Checkpoint::load(&run.join(format!("{stage}.safetensors")))?)
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
            Self::Run { recipe, data, run, only } => {
                let text = fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
                let recipe = Recipe::parse(&text).map_err(anyhow::Error::msg)?;
                let imported = corpora(&data, &recipe.sources)?;
                let lessons = Lessons::of(&imported);
                let folder = RunFolder::open(&run)?;
                folder.write("recipe.toml", text.as_bytes())?;
                println!(
                    "{} songs ({} frames) to train on, {} held out",
                    lessons.train.0.len(),
                    lessons.train.num_frames(),
                    lessons.valid.0.len()
                );
                school::run(&recipe, &lessons, &folder, only.as_deref())?;
            }
            Self::Made { data, songs } => {
                fs::create_dir_all(&data).with_context(|| data.display().to_string())?;
                let path = data.join(format!("{MADE}.jsonl.gz"));
                fs::write(&path, made::corpus(songs)?).with_context(|| path.display().to_string())?;
                println!("{songs} songs in {}", path.display());
            }
            Self::Speed { recipe, seconds } => {
                let text = fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
                let recipe = Recipe::parse(&text).map_err(anyhow::Error::msg)?;
                let found =
                    speed::measure(&recipe, Duration::from_secs(seconds)).map_err(anyhow::Error::msg)?;
                println!("policy updates  {:>8.0} frames/s", found.policy);
                println!("teacher updates {:>8.0} frames/s", found.teacher);
                println!("rollouts        {:>8.0} frames/s", found.rollout);
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
