//! `cargo xtask e2e`: the plugin in a real host. Ardour, without a screen, scans it, records a melody from a JACK client
//! through it, exports, saves and opens again; what it recorded is read from its session folder and checked.

mod checks;
mod lives;
mod portrait;
mod stage;
mod standalone;

use crate::{bundle, dist, place};
use anyhow::{Context, Result, bail, ensure};
use checks::{Heard, Scene, Take};
use clap::Args;
use hosts::{
    jack::{Ear, Player, Timed},
    song::TempoMap,
};
use music::grid::Beats;
use stage::{Ardour, House};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The variable that names a JACK server to its clients.
const SERVER: &str = "JACK_DEFAULT_SERVER";
/// Set for the process in which it all happens.
const INSIDE: &str = "REALCHORDS_E2E_INSIDE";
/// The longest that the host may say nothing.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often a face is played while the sound server itself has trouble.
const TRIES: u32 = 10;
const RATE: f64 = 48_000.0;
/// What the sound server says when it is late, or when two threads of a client have spoken to it at once.
const TROUBLES: [&str; 3] = ["XRun", "Unknown request", "CheckRead error"];
/// Tempos and where they begin, in beats; the take's and the loop's ends.
const TEMPOS: [(f64, f64); 2] = [(0.0, 125.0), (16.0, 90.0)];
const TAKE: f64 = 32.0;
const LOOP: [u32; 2] = [8, 16];
/// How far to play before and after the seek.
const SEEK: f64 = 11.6;
/// What the second session plays, and how often the host turns there: at the loop's end, and where it is sought.
const SCENES: [(&str, usize); 3] = [("again", 0), ("loop", 3), ("seek", 1)];
/// The channel that the first session puts the chords on, 0-based: what it saves is not what an instance starts with.
const CHANNEL: u8 = 4;
/// The melody: a key a beat from this one on.
const FIRST: u32 = 4;
const KEYS: [u8; 8] = [60, 62, 64, 65, 67, 65, 64, 62];
/// How long each is held, in beats.
const HELD: f64 = 0.76;

/// A class of the plugin in VST3, as the host must find it.
struct Face {
    name: &'static str,
    id: &'static [u8; 16],
    category: &'static str,
    audio_out: u32,
    folder: &'static str,
}

const FACES: [Face; 2] = [
    Face {
        name: "ReaLchords",
        id: b"ReaLchordsSynth1",
        category: "Instrument|Tools",
        audio_out: 2,
        folder: "instrument",
    },
    Face {
        name: "ReaLchords (MIDI FX)",
        id: b"ReaLchordsMidiFx",
        category: "Fx|Tools",
        audio_out: 0,
        folder: "midi-fx",
    },
];

impl Face {
    fn class(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

/// Options of `e2e`.
#[derive(Args)]
pub struct E2eArgs {
    /// Play this built library and do not build
    #[arg(long, value_name = "FILE", conflicts_with = "standalone")]
    plugin: Option<PathBuf>,
    /// Play what is in this zip of `cargo xtask dist`, and do not build
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plugin", "standalone"])]
    zip: Option<PathBuf>,
    /// Play the standalone program under JACK, and not the plugin in Ardour
    #[arg(long)]
    standalone: bool,
    /// Only see that the programs are there, and install them where that is possible without asking
    #[arg(long)]
    install: bool,
    /// Take a picture of the editor in Ardour's window at the end
    #[arg(long)]
    picture: bool,
    /// How often an instance with its editor is made and unmade, in each format
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    lives: u32,
    /// Only make and unmake instances of this .clap and this .vst3, on the display there is
    #[arg(long, value_name = "FILE", num_args = 2, hide = true)]
    live: Vec<PathBuf>,
}

/// Plays it all; leaves logs, sessions and MIDI in target/e2e.
///
/// # Errors
/// Where a program is missing, the host fails, or what was heard or recorded is wrong.
pub fn run(args: &E2eArgs) -> Result<()> {
    if let [clap, vst3] = args.live.as_slice() {
        return lives::run(clap, vst3, args.lives);
    }
    stage::programs(args.standalone, args.picture)?;
    if args.install {
        return Ok(());
    }
    if env::var_os(INSIDE).is_some() {
        return inside(args);
    }
    // The server's name must stand in the environment before the first client opens; so all happens in a child.
    let status = Command::new(env::current_exe().context("this program has no path")?)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .env(SERVER, format!("realchords-{}", std::process::id()))
        .env("JACK_NO_AUDIO_RESERVATION", "1")
        .stdin(Stdio::null())
        .status()
        .context("this program does not run again")?;
    ensure!(status.success(), "the plugin does not stand the real host; it says why above");
    Ok(())
}

fn inside(args: &E2eArgs) -> Result<()> {
    let begun = Instant::now();
    let server = env::var(SERVER).context("no JACK server is named")?;
    if args.standalone {
        return standalone::run(&server);
    }
    let ardour = stage::ardour()?;
    let house = House::new(place::target().join("e2e"))?;
    let (vst3, clap) = installed(args, &house)?;
    scan(&ardour, &house, &vst3)?;
    lives::under_a_display(&house, &clap, &vst3, args.lives)?;
    for face in &FACES {
        played(&ardour, &house, &server, face)?;
    }
    if args.picture {
        println!("the editor in Ardour: {}", place::shown(&portrait::take(&ardour, &house, &FACES[1])?));
    }
    println!(
        "e2e passed in {:.0} s; logs and MIDI: {}",
        begun.elapsed().as_secs_f64(),
        place::shown(&house.folder)
    );
    Ok(())
}

/// Puts both formats where the house's hosts look for them: the VST3 bundle and the .clap.
fn installed(args: &E2eArgs, house: &House) -> Result<(PathBuf, PathBuf)> {
    let [vst3, clap] = [house.home().join(".vst3"), house.home().join(".clap").join(bundle::NAME)];
    if let Some(zip) = &args.zip {
        let bytes = fs::read(zip).with_context(|| format!("{} cannot be read", zip.display()))?;
        let unpacked = house.folder.join("unpacked");
        dist::unpack(&bytes, &unpacked).with_context(|| format!("{} does not unpack", zip.display()))?;
        // All lies in one folder of the zip's own name.
        let within = fs::read_dir(&unpacked)?.flatten().next().context("the zip is empty")?.path();
        let bundled = vst3.join(format!("{}.vst3", bundle::NAME));
        for (from, to) in [
            (within.join("VST3").join(format!("{}.vst3", bundle::NAME)), &bundled),
            (within.join("CLAP").join(bundle::NAME), &clap),
        ] {
            fs::create_dir_all(to.parent().context("a folder of plugins lies in another")?)?;
            fs::rename(&from, to).with_context(|| format!("{} is not in the zip", from.display()))?;
        }
        return Ok((bundled, clap.join(format!("{}.clap", bundle::NAME))));
    }
    let library = match &args.plugin {
        Some(library) => {
            std::path::absolute(library).with_context(|| format!("{} is no path", library.display()))?
        }
        None => bundle::build()?,
    };
    let runtime = bundle::runtime_or_word();
    let vst3 = bundle::wrap_vst3(&library, runtime.as_ref(), &vst3)?;
    Ok((vst3, bundle::wrap_clap(&library, runtime.as_ref(), &clap)?))
}

/// Has the host scan the plugin and compares what it found.
fn scan(ardour: &Ardour, house: &House, plugin: &Path) -> Result<()> {
    // The host compares times of whole seconds and scans again where they are equal.
    thread::park_timeout(Duration::from_secs(2));
    let mut command = ardour.command("ardour-vst3-scanner");
    command.args(["-f", "-v"]).arg(plugin);
    let said = house.start("scan", command)?.finish(PATIENCE)?;
    for face in &FACES {
        let class = format!("uid=\"{}\"", face.class());
        let found = said.lines().find(|line| line.contains(&class));
        let found = found.with_context(|| format!("the scan finds no class {}", face.name))?;
        let audio = format!("n_inputs=\"0\" n_outputs=\"{}\"", face.audio_out);
        for expected in [
            &format!("name=\"{}\"", face.name),
            &format!("category=\"{}\"", face.category),
            &audio,
            "n_midi_inputs=\"1\" n_midi_outputs=\"1\"",
        ] {
            ensure!(found.contains(expected), "the scan of {} lacks {expected}: {found}", face.name);
        }
        println!(
            "scan: {} is {}, audio 0 in / {} out, MIDI 1 in / 1 out",
            face.name, face.category, face.audio_out
        );
    }
    Ok(())
}

/// Plays a face. A busy machine makes the sound server late, and what is then recorded says nothing of the plugin: it is
/// played again. Where the server had no trouble the first word is the last.
fn played(ardour: &Ardour, house: &House, server: &str, face: &Face) -> Result<()> {
    for attempt in 1.. {
        let session = house.folder.join(face.folder);
        if session.exists() {
            fs::remove_dir_all(&session).with_context(|| format!("{} stays", session.display()))?;
        }
        let mut troubles = 0;
        match play(ardour, house, server, face, &mut troubles) {
            Err(error) if troubles > 0 && attempt < TRIES => {
                println!("{}: {error:#}; the sound server had trouble {troubles} times: again", face.name);
            }
            outcome => {
                return outcome.with_context(|| {
                    let version = ardour.version;
                    format!("{} in Ardour {version} (trouble of the sound server: {troubles})", face.name)
                });
            }
        }
    }
    Ok(())
}

/// A take, its export, the session opened again, loop and seek. Counts the server's troubles.
fn play(ardour: &Ardour, house: &House, server: &str, face: &Face, troubles: &mut usize) -> Result<()> {
    let tempos = tempos();
    let session = house.folder.join(face.folder);
    let mut run = |name, script| session_run(ardour, house, server, face, name, script, troubles);
    let heard = run("take", include_str!("e2e/take.lua"))?;
    let take = Take::newest(&session)?.without_latency(&tempos, 4 * stage::PERIOD);
    take.check_grid()?;
    checks::ends(&heard, "take")?;
    let exported = checks::ends(&heard, "export")?;
    let live = take.before(TAKE);
    ensure!(
        live.iter().any(|onset| onset.channel == CHANNEL),
        "the host's setting does not reach the plugin"
    );
    checks::same(
        "export",
        &live,
        &checks::in_beats(&exported, &tempos, live.first().map_or(0.0, |event| event.beat)),
        TAKE,
    )?;
    place::copy(&take.file, &house.folder.join(format!("{}.mid", face.folder)))?;

    set_loop(&session.join("take.ardour"))?;
    let heard = run("reload", include_str!("e2e/reload.lua"))?;
    let again = Take::newest(&session)?.without_latency(&tempos, 4 * stage::PERIOD);
    ensure!(again.file != take.file, "the session recorded no second take after it was opened again");
    again.check_grid()?;
    checks::same("session opened again", &live, &again.before(TAKE), TAKE)?;
    let mut counts = Vec::new();
    for (scene, num_turns) in SCENES {
        let events = checks::ends(&heard, scene)?;
        let turns = heard.get(scene).map_or(&[][..], |scene| &scene.turns);
        ensure!(turns.len() >= num_turns, "the host turned {} times in the scene {scene}", turns.len());
        checks::ends_at(&events, turns).with_context(|| format!("in the scene {scene}"))?;
        let onsets = events.iter().filter(|(_, bytes)| bytes[0] & 0xf0 == 0x90).count();
        ensure!(onsets > 0, "no chord is heard in the scene {scene}");
        counts.push(format!("{scene} {onsets}"));
    }
    println!(
        "{}: {} notes recorded, each on the grid{}; export and second take are equal; notes heard: {}; none stuck",
        face.name,
        take.num_notes(),
        take.shift_in_words(),
        counts.join(", ")
    );
    Ok(())
}

fn tempos() -> TempoMap {
    TempoMap::new(TEMPOS.iter().map(|(at, bpm)| (Beats(*at), *bpm)).collect())
}

fn sample_at(beat: f64) -> u32 {
    (tempos().seconds_at(Beats(beat)) * RATE).round() as u32
}

/// Runs a script in the host and plays the melody when it asks for it; what was heard, by scene.
fn session_run(
    ardour: &Ardour,
    house: &House,
    server: &str,
    face: &Face,
    name: &str,
    script: &str,
    troubles: &mut usize,
) -> Result<Heard> {
    // A server of its own: one that has lost a client is not the same any more.
    let mut jack = stage::jack(house, server)?;
    let before = jack.said(&TROUBLES);
    let heard = script_run(ardour, house, server, face, name, script);
    *troubles += jack.said(&TROUBLES) - before;
    heard
}

fn script_run(
    ardour: &Ardour,
    house: &House,
    server: &str,
    face: &Face,
    name: &str,
    script: &str,
) -> Result<Heard> {
    let player = Player::open()?;
    let ear = Ear::open()?;
    let [length, seek] = [TAKE, SEEK].map(sample_at);
    let folder = house.folder.join(face.folder);
    let rows: Vec<_> = TEMPOS.iter().map(|(at, bpm)| format!("{{ {at}, {bpm} }}")).collect();
    let head = format!(
        "local FOLDER, NAME, CLASS = {:?}, \"take\", {:?}\nlocal LENGTH, SEEK, CHANNEL, TEMPOS = {length}, {seek}, {CHANNEL}, {{ {} }}\n",
        folder.display().to_string(),
        face.class(),
        rows.join(", ")
    );
    let name = format!("{}-{name}", face.folder);
    let path = house.folder.join(format!("{name}.lua"));
    place::put((head + script).as_bytes(), &path)?;
    let mut command = ardour.command("luasession");
    command.arg(&path);
    let mut running = house.start(&name, command)?;
    let mut heard = Heard::new();
    let mut scene = String::from("before");
    let mut turns = Vec::new();
    let mut last = String::new();
    while let Some(line) = running.line(PATIENCE)? {
        let Some(words) = line.strip_prefix("e2e: ") else {
            last = line;
            continue;
        };
        match words.split_once(' ').unwrap_or((words, "")) {
            ("scene", next) => {
                let over = Scene { events: ear.take(), turns: std::mem::take(&mut turns) };
                heard.insert(std::mem::replace(&mut scene, next.to_owned()), over);
            }
            ("rolling", at) => {
                let at: u32 = at.parse().with_context(|| format!("{at:?} is no sample"))?;
                player.play(melody(player.now().saturating_sub(at)))?;
            }
            ("connect", ports) => {
                let (from, to) =
                    ports.split_once('\t').with_context(|| format!("{ports:?} are not two ports"))?;
                stage::connect(server, from, to)?;
            }
            ("turn", _) => turns.push(player.now()),
            ("done", _) => {
                heard.insert(scene, Scene { events: ear.take(), turns });
                return Ok(heard);
            }
            _ => {}
        }
    }
    bail!("the host ended before the script did; it said last: {last}")
}

/// The melody as messages, the host's position 0 being at sample `zero`.
fn melody(zero: u32) -> Vec<Timed> {
    let notes = (FIRST..TAKE as u32).flat_map(|beat| {
        let key = KEYS[beat as usize % KEYS.len()];
        let at = |beat: f64| zero + sample_at(beat);
        // It ends near a frame's line, so that a take moved by the server's latency is the same melody.
        [(at(f64::from(beat)), [0x90, key, 90]), (at(f64::from(beat) + HELD), [0x80, key, 0])]
    });
    notes.collect()
}

/// Writes a loop into a saved session: the script has no way to make one.
fn set_loop(session: &Path) -> Result<()> {
    let text =
        fs::read_to_string(session).with_context(|| format!("{} cannot be read", session.display()))?;
    // The host counts 1920 to a beat.
    let [from, to] = LOOP.map(|beat| beat * 1920);
    let place = format!(
        "<Location id=\"900001\" name=\"Loop\" start=\"b{from}\" end=\"b{to}\" flags=\"IsAutoLoop\" locked=\"0\"/>\n</Locations>"
    );
    ensure!(text.contains("</Locations>"), "{} has no list of locations", session.display());
    place::put(text.replacen("</Locations>", &place, 1).as_bytes(), session)
}
