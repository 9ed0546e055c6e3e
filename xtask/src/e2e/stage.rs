//! What a real host needs around it: programs, a home folder of its own, a JACK server without a sound card. What was
//! started is ended by its own id, whatever happens.

use crate::place;
use anyhow::{Context, Result, anyhow, bail};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Debian's packages, and a program or file of each.
const PACKAGES: [(&str, &str); 2] = [("jackd2", "jackd"), ("xvfb", "Xvfb")];
/// What the plugin needs besides.
const FOR_PLUGIN: [(&str, &str); 1] = [("ardour", "ardour")];
/// What a picture needs besides.
const FOR_PICTURE: [(&str, &str); 3] =
    [("openbox", "openbox"), ("xdotool", "xdotool"), ("imagemagick", "import")];
/// What the standalone program needs besides.
const FOR_STANDALONE: [(&str, &str); 5] = [
    ("libasound2-dev", "/usr/include/alsa/asoundlib.h"),
    ("libjack-jackd2-dev", "/usr/include/jack/jack.h"),
    ("pkg-config", "pkg-config"),
    ("xdotool", "xdotool"),
    ("imagemagick", "import"),
];

/// How long a program may take to end when it is asked to.
const LEAVE: Duration = Duration::from_secs(5);
/// Samples that the server plays at a time: far more than a busy machine is late by, and less than half a frame.
pub const PERIOD: u32 = 1024;

/// The environment that makes `home` the home folder.
const HOMES: [(&str, &str); 4] = [
    ("HOME", ""),
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_DATA_HOME", ".local/share"),
];

/// Sees that all programs are there; installs them where that is possible without asking.
///
/// # Errors
/// Where one is missing and stays so: with the line to type.
pub fn programs(standalone: bool, picture: bool) -> Result<()> {
    let besides: &[(&str, &str)] = if standalone { &FOR_STANDALONE } else { &FOR_PLUGIN };
    let for_picture: &[(&str, &str)] = if picture { &FOR_PICTURE } else { &[] };
    let needed = PACKAGES.iter().chain(besides).chain(for_picture);
    let missing: Vec<&str> =
        needed.filter(|(_, program)| find(program).is_none()).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    if !root || find("apt-get").is_none() {
        bail!("programs are missing; on Debian, run as root: {line}");
    }
    eprintln!("{line}");
    for words in [vec!["update", "--quiet=2"], line.split(' ').skip(1).collect()] {
        let status = Command::new("apt-get")
            .args(&words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("apt-get does not run")?;
        if !status.success() {
            bail!("apt-get {} failed; it says why above", words.join(" "));
        }
    }
    Ok(())
}

/// A program on the path.
fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Ardour's own folder of libraries and programs, `/usr/lib/ardour7` or a later one's.
///
/// # Errors
/// Where there is none.
pub fn ardour() -> Result<Ardour> {
    let entries = fs::read_dir("/usr/lib").context("/usr/lib cannot be read")?;
    let version = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.strip_prefix("ardour")?.parse::<u32>().ok()?;
        path.join("luasession").is_file().then_some(name)
    };
    let newest = entries
        .flatten()
        .filter_map(|entry| Some((version(&entry.path())?, entry.path())))
        .max_by_key(|f| f.0);
    newest
        .map(|(version, libraries)| Ardour { version, libraries })
        .ok_or_else(|| anyhow!("there is no Ardour with luasession below /usr/lib"))
}

/// The host.
pub struct Ardour {
    /// Its major version.
    pub version: u32,
    /// Where its libraries lie.
    pub libraries: PathBuf,
}

impl Ardour {
    /// The name of the program with the windows.
    ///
    /// # Errors
    /// Where there is none.
    pub fn program(&self) -> Result<String> {
        let named = format!("ardour-{}.", self.version);
        let entries = fs::read_dir(&self.libraries)
            .with_context(|| format!("{} cannot be read", self.libraries.display()))?;
        let mut names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.find(|name| name.starts_with(&named)).with_context(|| format!("there is no program {named}*"))
    }

    /// One of its programs, told where its things are.
    pub fn command(&self, program: &str) -> Command {
        let of = |folder: &str| format!("{folder}/ardour{}", self.version);
        let mut command = before_others(self.libraries.join(program));
        command
            .env("LD_LIBRARY_PATH", &self.libraries)
            .env("ARDOUR_DLL_PATH", &self.libraries)
            .env("ARDOUR_DATA_PATH", of("/usr/share"))
            .env("ARDOUR_CONFIG_PATH", of("/etc"))
            .env("GTK_PATH", format!("{}:{}", of("/etc"), self.libraries.display()))
            .env("VAMP_PATH", self.libraries.join("vamp"));
        command
    }
}

/// A home folder and a place for what comes out.
pub struct House {
    /// Everything is below it.
    pub folder: PathBuf,
}

impl House {
    /// An empty one.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        for (_, below) in HOMES {
            let home = folder.join("home").join(below);
            fs::create_dir_all(&home).with_context(|| format!("{} cannot be made", home.display()))?;
        }
        Ok(Self { folder })
    }

    /// Its home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Starts a program in this house. What it says goes to `NAME.log` and line by line to us.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(&self, name: &str, mut command: Command) -> Result<Running> {
        for (variable, below) in HOMES {
            command.env(variable, self.home().join(below));
        }
        for (variable, _) in
            env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("REALCHORDS_"))
        {
            command.env_remove(variable);
        }
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let (sender, lines) = channel();
        let pipes: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
        ];
        for pipe in pipes.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        let log = self.folder.join(format!("{name}.log"));
        Ok(Running { name: name.to_owned(), child, lines, log, said: String::new() })
    }
}

/// A program that runs; it is ended when this goes.
pub struct Running {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
    said: String,
}

impl Running {
    /// The next line it says; `None` once it has ended.
    ///
    /// # Errors
    /// Where it says nothing for so long.
    pub fn line(&mut self, patience: Duration) -> Result<Option<String>> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.said.push_str(&line);
                self.said.push('\n');
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "{} says nothing for {} s; see {}",
                    self.name,
                    patience.as_secs(),
                    place::shown(&self.log)
                )
            }
        }
    }

    /// All that it says until it ends by itself, in so much time.
    ///
    /// # Errors
    /// Where it takes longer or ends with an error.
    pub fn finish(mut self, patience: Duration) -> Result<String> {
        let begun = Instant::now();
        while self.line(patience.saturating_sub(begun.elapsed()))?.is_some() {}
        let status = self.child.wait().with_context(|| format!("{} is lost", self.name))?;
        if !status.success() {
            bail!("{} ended with {status}; see {}", self.name, place::shown(&self.log));
        }
        Ok(self.said.clone())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Running {
    /// Asks it to end, and ends it where it does not within a few seconds.
    fn end(&mut self) {
        if self.is_running() {
            // Where it cannot be asked it is ended below.
            let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
            let asked = Instant::now();
            while self.is_running() && asked.elapsed() < LEAVE {
                thread::park_timeout(Duration::from_millis(20));
            }
        }
        // Ended already is no matter: then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How often it has said one of these words so far.
    pub fn said(&mut self, words: &[&str]) -> usize {
        self.said.extend(self.lines.try_iter().map(|line| line + "\n"));
        words.iter().map(|word| self.said.matches(word).count()).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        self.said.extend(self.lines.try_iter().map(|line| line + "\n"));
        let _ = fs::write(&self.log, &self.said);
    }
}

/// A program that goes before others, where we may say so; `nice` runs it all the same where not.
pub fn before_others(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "-11"]).arg(program);
    command
}

/// Starts the JACK server that `JACK_DEFAULT_SERVER` names, without a sound card, and waits until it answers.
///
/// # Errors
/// Where it does not start.
pub fn jack(house: &House, server: &str) -> Result<Running> {
    let mut command = before_others("jackd");
    command.args(["-n", server, "-r", "-S", "-d", "dummy", "-r", "48000", "-p", &PERIOD.to_string()]);
    let mut jack = house.start("jackd", command)?;
    for _ in 0..300 {
        thread::park_timeout(Duration::from_millis(100));
        if !jack.is_running() {
            bail!("jackd ends at once; see {}", place::shown(&house.folder.join("jackd.log")));
        }
        let asked = Command::new("jack_wait").args(["-s", server, "-c"]).output();
        match asked {
            Ok(said) if String::from_utf8_lossy(&said.stdout).contains("not running") => {}
            _ => return Ok(jack),
        }
    }
    bail!("jackd does not answer")
}

/// Connects two ports of a JACK server, whose names may hold blanks.
///
/// # Errors
/// Where the server refuses.
pub fn connect(server: &str, from: &str, to: &str) -> Result<()> {
    let said = Command::new("jack_connect").args(["-s", server, from, to]).output();
    let said = said.context("jack_connect does not run")?;
    if !said.status.success() {
        bail!("{from} is not connected to {to}: {}", String::from_utf8_lossy(&said.stderr).trim());
    }
    Ok(())
}

/// Starts a display without a screen; its name, as `DISPLAY` has it.
///
/// # Errors
/// Where it does not start.
pub fn display(house: &House, patience: Duration) -> Result<(Running, String)> {
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
    let mut xvfb = house.start("xvfb", command)?;
    // What is no number is a word of warning.
    while let Some(line) = xvfb.line(patience)? {
        if let Ok(number) = line.trim().parse::<u32>() {
            return Ok((xvfb, format!(":{number}")));
        }
    }
    bail!("Xvfb ends at once; see {}", place::shown(&house.folder.join("xvfb.log")))
}

/// A path below a folder that a session keeps, by ending.
///
/// # Errors
/// Where the folder cannot be read.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    Ok(files)
}
