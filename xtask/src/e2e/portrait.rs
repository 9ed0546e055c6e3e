//! A picture of the plugin's window in Ardour's own, playing: the session that was recorded is opened once more, by the whole
//! program this time, under a display without a screen and with the host's own dummy in place of a sound card.

use super::{
    Face, PATIENCE,
    stage::{Ardour, House, Running, display},
};
use crate::place;
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long it plays before the picture is taken: into the seventh bar.
const PLAYS: Duration = Duration::from_secs(16);

/// What the host must know to start without a question: which sound card, and to look for plugins.
const CONFIG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="check-announcements" value="0"/>
    <Option name="discover-plugins-on-start" value="1"/>
  </Config>
  <Extra>
    <AudioMIDISetup>
      <EngineStates>
        <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device=""
          sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input="" lm-output=""
          active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence" lru="1"><MIDIDevices/></State>
      </EngineStates>
    </AudioMIDISetup>
  </Extra>
</Ardour>
"#;

/// Takes it; where it lies.
///
/// # Errors
/// Where the host or a program fails, or shows no window of ours.
pub fn take(ardour: &Ardour, house: &House, face: &Face) -> Result<PathBuf> {
    let session = house.folder.join(face.folder).join("take.ardour");
    show_window(&session, face)?;
    let settings = house.home().join(format!(".config/ardour{}", ardour.version));
    place::put(CONFIG.as_bytes(), &settings.join("config"))?;
    // The host has been run before: it greets nobody.
    place::put(b"", &settings.join(format!(".a{}", ardour.version)))?;

    let (_xvfb, display) = display(house, PATIENCE)?;
    let seen = Display { name: &display };
    let mut manager = Command::new("openbox");
    manager.env("DISPLAY", &display);
    let _manager = house.start("openbox", manager)?;
    let mut command = ardour.command(&ardour.program()?);
    command.arg(&session).env("DISPLAY", &display).env("LIBGL_ALWAYS_SOFTWARE", "1");
    let mut host = house.start("portrait", command)?;
    let main = seen.window("take - Ardour", &mut host)?;
    seen.window(&format!("melody: {}", face.name), &mut host)?;
    seen.act(&["windowfocus", "--sync", &main, "key", "space"])?;
    // Where the pointer explains nothing.
    seen.act(&["mousemove", "30", "770"])?;
    thread::park_timeout(PLAYS);
    let picture = house.folder.join("ardour.png");
    let status = Command::new("import")
        .args(["-window", "root"])
        .arg(&picture)
        .env("DISPLAY", &display)
        .status()
        .context("import does not run")?;
    ensure!(status.success() && host.is_running(), "no picture is taken; see target/e2e/portrait.log");
    Ok(picture)
}

/// Writes into a saved session that the plugin's window is open.
fn show_window(session: &Path, face: &Face) -> Result<()> {
    let text =
        fs::read_to_string(session).with_context(|| format!("{} cannot be read", session.display()))?;
    let id_of = |tag: &str, mark: &str| {
        let tags = text.split('<').filter(|piece| piece.starts_with(tag));
        let found = tags.into_iter().find(|piece| piece.contains(mark))?;
        Some(found.split_once(" id=\"")?.1.split_once('"')?.0.to_owned())
    };
    let (Some(route), Some(processor)) =
        (id_of("Route ", "name=\"melody\""), id_of("Processor ", &format!("unique-id=\"{}\"", face.class())))
    else {
        bail!("{} has no track with the plugin", session.display());
    };
    let window = format!(
        "<Extra><UI><Window name=\"P-{route}-{processor}\" visible=\"1\" x-off=\"340\" y-off=\"180\" x-size=\"900\" \
         y-size=\"590\" custom-ui=\"1\"/></UI></Extra></Session>"
    );
    place::put(text.replacen("</Session>", &window, 1).as_bytes(), session)
}

/// A display on which keys are pressed and windows looked for.
struct Display<'a> {
    name: &'a str,
}

impl Display<'_> {
    /// The first window whose name begins so, once it is there.
    fn window(&self, name: &str, host: &mut Running) -> Result<String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            ensure!(host.is_running(), "the host has ended; see target/e2e/portrait.log");
            let found = Command::new("xdotool")
                .args(["search", "--onlyvisible", "--name", &format!("^{}", name.replace(['(', ')'], "."))])
                .env("DISPLAY", self.name)
                .stderr(Stdio::null())
                .output()
                .context("xdotool does not run")?;
            if let Some(id) = String::from_utf8_lossy(&found.stdout).lines().next() {
                return Ok(id.to_owned());
            }
            thread::park_timeout(Duration::from_millis(200));
        }
        bail!("the host shows no window {name}; see target/e2e/portrait.log")
    }

    fn act(&self, words: &[&str]) -> Result<()> {
        let status = Command::new("xdotool").args(words).env("DISPLAY", self.name).status();
        ensure!(status.is_ok_and(|status| status.success()), "xdotool does not {}", words.join(" "));
        Ok(())
    }
}
