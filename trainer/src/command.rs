//! The commands: corpus, made, run, speed, import, export, evaluate, listen.

use anyhow::{Context, bail};
use clap::{Args, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use music::{grid::FRAMES_PER_BEAT, sampling::Sampling};
use sha2::{Digest, Sha256};
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
    evaluate::{
        CONDITIONS, Protocol, evaluate,
        metrics::vendi::ChordUse,
        report::{self, headline::headline, learning::courses},
        system::{self, System},
    },
    export::{self, Weights},
    finetune::student::Student,
    listen::{self, Pack, sound::Font},
    model::{Network, Policy},
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
        /// Go on although the run folder was begun with another recipe or other songs.
        #[arg(long)]
        changed: bool,
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
    /// Puts an exported model into a new run folder as the checkpoint of a stage, so that training goes on from it.
    Import {
        /// The exported model.
        model: PathBuf,
        /// The recipe that goes on.
        #[arg(long)]
        recipe: PathBuf,
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// The stage that it stands for, done: mle, or the name of a finetuning stage.
        #[arg(long, default_value = "mle")]
        stage: String,
    },
    /// Writes a checkpoint as an ONNX file with its manifest.
    Export {
        /// The run folder.
        #[arg(long)]
        run: PathBuf,
        /// The stage whose checkpoint it is: mle, or the name of a finetuning stage.
        #[arg(long, default_value = "mle")]
        stage: String,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
        /// The folder of corpora, for their licences.
        #[arg(long)]
        data: PathBuf,
        /// A report written with `evaluate --json`, whose numbers the manifest bears.
        #[arg(long, requires = "system")]
        report: Option<PathBuf>,
        /// The system in it that is exported.
        #[arg(long, requires = "report")]
        system: Option<String>,
        /// The trainer's source revision, for the manifest.
        #[arg(long, default_value = "unknown")]
        revision: String,
        /// What its matrices are made of.
        #[arg(long, value_enum, default_value_t)]
        weights: Weights,
    },
    /// Lets systems accompany held-out songs in several situations and sets their metrics beside the humans'.
    ///
    /// A SYSTEM is a checkpoint of a policy or a teacher (*.safetensors) or an exported model (*.onnx), as
    /// `[NAME=]FILE[@TEMPERATURE[,TOP_P]]`. The humans and a trivial accompanist are always there. An
    /// exported model plays one stream at a time and takes its time.
    Evaluate(Evaluate),
    /// Writes a listening pack: the answers of every system to the same melodies, blind, with the key apart.
    Listen {
        #[command(flatten)]
        players: Players,
        /// The folder to write.
        #[arg(long)]
        out: PathBuf,
        /// Melodies.
        #[arg(long, default_value_t = 8)]
        melodies: usize,
        /// Beats of each.
        #[arg(long, default_value_t = 32)]
        beats: usize,
        /// Beats a minute.
        #[arg(long, default_value_t = 96.0)]
        bpm: f64,
        /// Deals the blind names.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A General MIDI SoundFont (.sf2); the system's by default.
        #[arg(long)]
        soundfont: Option<PathBuf>,
    },
}

/// Who plays, and to what.
#[derive(Args)]
pub struct Players {
    /// Who plays.
    systems: Vec<String>,
    /// The folder of corpora.
    #[arg(long)]
    data: PathBuf,
    /// A run folder: its recipe says which corpora, and its checkpoints play if no SYSTEM is named.
    #[arg(long)]
    run: Option<PathBuf>,
    /// Corpora to measure on, by source name; the run's recipe says by default.
    #[arg(long, value_delimiter = ',')]
    sources: Vec<String>,
    /// train, valid or test.
    #[arg(long, default_value = "test")]
    split: String,
    /// Sampling temperature of systems that bear none of their own.
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,
    /// Nucleus of systems that bear none of their own.
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
}

/// What to evaluate, and how.
#[derive(Args)]
pub struct Evaluate {
    #[command(flatten)]
    players: Players,
    /// Sampling seeds.
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// At most this many songs, spread evenly over the split.
    #[arg(long, default_value_t = usize::MAX)]
    songs: usize,
    /// cold, listening, primed, tritone, jumps, jam, commit, or all.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    conditions: Vec<String>,
    /// Write everything as JSON here.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the report as one page here.
    #[arg(long)]
    html: Option<PathBuf>,
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
        // Hours of training without a corpus that was asked for are worse than a word now.
        if report.songs.is_empty() {
            let why =
                report.failures.first().map_or_else(String::new, |failure| format!(": {}", failure.reason));
            bail!("no song in {}{why}", path.display());
        }
        songs.extend(report.songs);
    }
    if songs.is_empty() {
        bail!("no songs in {}: name corpora that stand there as SOURCE.jsonl.gz", folder.display());
    }
    Ok(songs)
}

/// The SHA-256 of each named corpus, to know in a run folder whether it is still trained on the same.
fn digests(folder: &Path, sources: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let digest = |source: &String| {
        let path = folder.join(format!("{source}.jsonl.gz"));
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let hex = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((source.clone(), hex))
    };
    sources.iter().map(digest).collect()
}

/// The corpora that a run folder was begun with, by their digests.
const KEPT_CORPORA: &str = "corpora.json";

/// A network as a stage leaves it after so many updates.
fn after<N: Network>(network: N, updates: u64) -> Checkpoint<N> {
    let mut checkpoint = Checkpoint::start(network);
    checkpoint.moments.updates = updates;
    checkpoint
}

/// The recipe in a run folder.
const KEPT_RECIPE: &str = "recipe.toml";

fn kept_recipe(run: &Path) -> anyhow::Result<Recipe> {
    let path = run.join(KEPT_RECIPE);
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
                        // What could not be read is named in the table.
                        let counted = fs::read(&file.path).ok().and_then(|bytes| coverage(&bytes).ok());
                        let (beats, known) = counted.unwrap_or_default();
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
            Self::Run { recipe, data, run, only, changed } => {
                let text = fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
                let recipe = Recipe::parse(&text).map_err(anyhow::Error::msg)?;
                let imported = corpora(&data, &recipe.sources)?;
                let lessons = Lessons::of(&imported);
                let folder = RunFolder::open(&run)?;
                if !changed && run.join(KEPT_RECIPE).exists() && kept_recipe(&run)? != recipe {
                    bail!(
                        "{} was begun with another recipe: name another folder, or say --changed to go on with this \
                         one where the stages stand",
                        run.display()
                    );
                }
                let kept = fs::read(folder.file(KEPT_CORPORA)).ok();
                let kept: Option<BTreeMap<String, String>> =
                    kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                let digests = digests(&data, &recipe.sources)?;
                if kept.is_none() && run.join(KEPT_RECIPE).exists() {
                    println!(
                        "which songs {} was begun with was not kept; these are, from now on",
                        run.display()
                    );
                }
                if !changed && let Some(kept) = kept.filter(|kept| *kept != digests) {
                    let other: Vec<&str> = digests
                        .iter()
                        .filter(|(source, digest)| kept.get(*source) != Some(digest))
                        .map(|(source, _)| source.as_str())
                        .collect();
                    bail!(
                        "{} was begun with other songs in {}: have them back, name another folder, or say --changed to \
                         go on with these",
                        run.display(),
                        other.join(", ")
                    );
                }
                folder.write(KEPT_RECIPE, text.as_bytes())?;
                folder.write(KEPT_CORPORA, serde_json::to_string_pretty(&digests)?.as_bytes())?;
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
            Self::Import { model, recipe, run, stage } => {
                let text = fs::read_to_string(&recipe).with_context(|| recipe.display().to_string())?;
                let recipe = Recipe::parse(&text).map_err(anyhow::Error::msg)?;
                let updates = recipe
                    .updates(&stage)
                    .with_context(|| format!("the recipe has no stage {stage} that leaves a policy"))?;
                let file = fs::read(&model).with_context(|| model.display().to_string())?;
                let policy = export::read::policy(&file, recipe.model)
                    .map_err(|e| anyhow::anyhow!("{}: {e}", model.display()))?;
                let name = format!("{stage}.safetensors");
                let folder = RunFolder::open(&run)?;
                if folder.file(&name).exists() {
                    bail!("{} stands there already", folder.file(&name).display());
                }
                // A finetuning stage goes on with a critic, too.
                let bytes = if stage == Policy::STAGE {
                    after(policy, updates).to_bytes()
                } else {
                    Student::of(policy).and_then(|student| after(student, updates).to_bytes())
                };
                folder.write(&name, &bytes.map_err(anyhow::Error::msg)?)?;
                folder.write(KEPT_RECIPE, text.as_bytes())?;
                println!("{} stands for {stage} in {}", model.display(), run.display());
            }
            Self::Export { run, stage, out, data, report, system, revision, weights } => {
                let recipe = kept_recipe(&run)?;
                let checkpoint: Checkpoint = staged(&run, &stage)?;
                let licences: BTreeMap<String, String> = corpora(&data, &recipe.sources)?
                    .into_iter()
                    .map(|song| (song.source, song.license.unwrap_or_else(|| "unknown".into())))
                    .collect();
                let numbers = match report.zip(system) {
                    Some((path, system)) => fs::read_to_string(&path)
                        .map_err(|e| e.to_string())
                        .and_then(|report| headline(&report, &system))
                        .map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?,
                    None => BTreeMap::new(),
                };
                let manifest = export::manifest(&checkpoint, &stage, &recipe, licences, numbers, revision);
                fs::write(&out, export::onnx(&checkpoint.network, &manifest, weights))?;
                println!("{}: {} bytes", out.display(), fs::metadata(&out)?.len());
            }
            Self::Evaluate(asked) => asked.run()?,
            Self::Listen { players, out, melodies, beats, bpm, seed, soundfont } => {
                let (systems, songs) = (players.systems()?, players.songs()?);
                let font = soundfont.or_else(Font::on_system).map(|path| Font::open(&path)).transpose()?;
                if font.is_none() {
                    eprintln!("no SoundFont was found: name one with --soundfont; the pack has MIDI alone");
                }
                let pack = Pack { melodies, frames: beats * FRAMES_PER_BEAT as usize, bpm, seed };
                let num = listen::write(&out, &systems, &songs, pack, font.as_ref())?;
                println!(
                    "{num} melodies, {} answers each: {}",
                    systems.len(),
                    out.join("index.html").display()
                );
            }
        }
        Ok(())
    }
}

impl Players {
    /// The named systems, or those whose checkpoints stand in the run folder.
    fn systems(&self) -> anyhow::Result<Vec<System>> {
        let mut named: Vec<String> =
            self.systems.iter().filter(|name| *name != system::TRIVIAL).cloned().collect();
        if let Some(run) = self.run.as_ref().filter(|_| self.systems.is_empty()) {
            let recipe = kept_recipe(run)?;
            let there = recipe.players().map(|name| run.join(name)).filter(|path| path.exists());
            named = there.map(|path| path.display().to_string()).collect();
        }
        let sampling = Sampling { temperature: self.temperature, top_p: self.top_p };
        if !(sampling.temperature.is_finite() && sampling.temperature >= 0.0) {
            bail!("--temperature is {}, must be 0 or above", sampling.temperature);
        }
        if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
            bail!("--top-p is {}, must be above 0 and at most 1", sampling.top_p);
        }
        let mut systems = vec![System::humans(), System::trivial()];
        for name in named {
            systems.push(System::open(&name, sampling)?);
        }
        let mut names: Vec<&str> = systems.iter().map(|system| system.facts.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            bail!("two systems are called {}: name them apart as NAME=FILE", twice[0]);
        }
        Ok(systems)
    }

    /// The songs of the split.
    fn songs(&self) -> anyhow::Result<Songs> {
        let split = Split::parse(&self.split)
            .with_context(|| format!("{} is no split: say train, valid or test", self.split))?;
        let sources = match (&self.run, self.sources.is_empty()) {
            (_, false) => self.sources.clone(),
            (Some(run), true) => kept_recipe(run)?.sources,
            (None, true) => bail!("say which corpora: --sources A,B or --run DIR"),
        };
        let songs = Songs::of(&corpora(&self.data, &sources)?, split);
        if songs.0.is_empty() {
            bail!("no song of {} is in the {} split", sources.join(", "), self.split);
        }
        Ok(songs)
    }
}

impl Evaluate {
    fn protocol(&self) -> anyhow::Result<Protocol> {
        if self.seeds == 0 || self.songs == 0 {
            bail!("--seeds and --songs must be above 0");
        }
        let mut conditions = self.conditions.clone();
        conditions.retain(|condition| condition != "all");
        if let Some(unknown) = conditions.iter().find(|c| !CONDITIONS.contains(&c.as_str())) {
            bail!("{unknown} is no condition: say {} or all", CONDITIONS.join(", "));
        }
        Ok(Protocol {
            command: ["trainer".to_owned()]
                .into_iter()
                .chain(std::env::args().skip(1))
                .collect::<Vec<_>>()
                .join(" "),
            split: self.players.split.clone(),
            seeds: self.seeds,
            songs: self.songs,
            conditions,
            ..Protocol::default()
        })
    }

    fn run(self) -> anyhow::Result<()> {
        let (protocol, systems) = (self.protocol()?, self.players.systems()?);
        let songs = self.players.songs()?;
        let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
            "{msg:<32} {wide_bar} {human_pos}/{human_len} frames {elapsed} ({eta} left)",
        )?);
        bar.enable_steady_tick(Duration::from_millis(500));
        let mut report = evaluate(&systems, &songs, &protocol, &ChordUse, &bar)?;
        if let Some(run) = &self.players.run {
            report.learning = courses(&RunFolder::open(run)?.metrics());
        }
        for result in &report.results {
            println!("{}", report::table::table(result));
        }
        print!("{}", report::table::courses(&report));
        if let Some(path) = &self.json {
            fs::write(path, report.json()?).with_context(|| path.display().to_string())?;
        }
        if let Some(path) = &self.html {
            fs::write(path, report::html::page(&report)).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}
