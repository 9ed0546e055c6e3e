//! What must hold of notes that a real host recorded or sent on.

use super::{RATE, stage};
use anyhow::{Context, Result, ensure};
use hosts::{Event, jack::Timed, ledger::Ledger, song::TempoMap};
use midly::{MidiMessage, Smf, Timing, TrackEventKind};
use music::grid::Beats;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Messages heard, by scene.
pub type Heard = BTreeMap<String, Vec<Timed>>;

/// How far two times may lie apart and be one, in beats: the host's smallest step.
const STEP: f64 = 1.0 / 1920.0 + 1e-9;
/// Frames a beat.
const FRAMES: u64 = music::grid::FRAMES_PER_BEAT as u64;

/// A note that begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// Where, in beats.
    pub beat: f64,
    /// MIDI channel, 0-based.
    pub channel: u8,
    /// MIDI key.
    pub key: u8,
}

/// A recorded take of chords.
pub struct Take {
    /// Its file in the session.
    pub file: PathBuf,
    /// Ticks a beat.
    per_beat: u64,
    /// Tick, channel, key and whether it begins, in the file's order.
    notes: Vec<(u64, u8, u8, bool)>,
}

impl Take {
    /// The last chords that a session recorded.
    ///
    /// # Errors
    /// Where there are none.
    pub fn newest(session: &Path) -> Result<Self> {
        let name = session.file_name().unwrap_or_default();
        let folder = session.join("interchange").join(name).join("midifiles");
        let mut takes = Vec::new();
        for file in stage::files(&folder, ".mid")? {
            if !file.file_name().unwrap_or_default().to_string_lossy().contains("chords") {
                continue;
            }
            let written = fs::metadata(&file).and_then(|found| found.modified())?;
            let take = Self::read(file)?;
            if !take.notes.is_empty() {
                takes.push((written, take));
            }
        }
        takes.sort_by_key(|(written, _)| *written);
        Ok(takes.pop().context("the session has recorded no chords")?.1)
    }

    fn read(file: PathBuf) -> Result<Self> {
        let bytes = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let smf = Smf::parse(&bytes).with_context(|| format!("{} is no MIDI file", file.display()))?;
        let Timing::Metrical(per_beat) = smf.header.timing else {
            anyhow::bail!("{} does not count in beats", file.display());
        };
        let (mut tick, mut notes) = (0u64, Vec::new());
        for event in smf.tracks.iter().flatten() {
            tick += u64::from(event.delta.as_int());
            let TrackEventKind::Midi { channel, message } = event.kind else { continue };
            let (key, begins) = match message {
                MidiMessage::NoteOn { key, vel } => (key, vel.as_int() > 0),
                MidiMessage::NoteOff { key, .. } => (key, false),
                _ => continue,
            };
            notes.push((tick, channel.as_int(), key.as_int(), begins));
        }
        Ok(Self { file, per_beat: u64::from(per_beat.as_int()), notes })
    }

    /// How many notes it has.
    pub fn num_notes(&self) -> usize {
        self.notes.iter().filter(|note| note.3).count()
    }

    /// Its onsets before a beat.
    pub fn before(&self, end: f64) -> Vec<Onset> {
        let onsets = self.notes.iter().filter(|note| note.3);
        let onsets = onsets.map(|(tick, channel, key, _)| Onset {
            beat: *tick as f64 / self.per_beat as f64,
            channel: *channel,
            key: *key,
        });
        onsets.filter(|onset| onset.beat < end - STEP).collect()
    }

    /// Sees that each note begins on a frame's line, to the tick, and ends.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn check_grid(&self) -> Result<()> {
        let frame = self.per_beat / FRAMES;
        let mut ledger = Ledger::new();
        for (tick, channel, key, begins) in &self.notes {
            ensure!(
                !begins || tick % frame == 0,
                "key {key} begins {} ticks of {} a beat after a frame's line, at beat {:.3}",
                tick % frame,
                self.per_beat,
                *tick as f64 / self.per_beat as f64
            );
            ledger.hear(*tick, &event(*channel, *key, *begins));
        }
        let faults = ledger.close();
        ensure!(faults.is_empty(), "in {}: {faults:?}", self.file.display());
        Ok(())
    }
}

fn event(channel: u8, key: u8, begins: bool) -> Event {
    if begins {
        Event::NoteOn { channel, key, velocity: 1.0 }
    } else {
        Event::NoteOff { channel, key, velocity: 0.0 }
    }
}

/// What was heard in a scene, less what came twice, after seeing that each note has ended by itself.
///
/// # Errors
/// Where one has not, or began twice.
pub fn ends(heard: &Heard, scene: &str) -> Result<Vec<Timed>> {
    let mut events = heard.get(scene).with_context(|| format!("there was no scene {scene}"))?.clone();
    // While it exports, the host sends each block of a track's notes twice.
    if scene == "export" {
        let mut once: Vec<Timed> = Vec::new();
        for event in events {
            let at_once = once.iter().rev().take_while(|earlier| earlier.0 == event.0);
            if !at_once.into_iter().any(|earlier| *earlier == event) {
                once.push(event);
            }
        }
        events = once;
    }
    let mut ledger = Ledger::new();
    for (sample, [status, key, velocity]) in &events {
        let begins = status & 0xf0 == 0x90 && *velocity > 0;
        if begins || matches!(status & 0xf0, 0x80 | 0x90) {
            ledger.hear(u64::from(*sample), &event(status & 0x0f, *key, begins));
        }
    }
    let faults = ledger.close();
    ensure!(faults.is_empty(), "in the scene {scene}: {faults:?}");
    Ok(events)
}

/// Onsets heard, in beats, the first being at `first`.
pub fn in_beats(events: &[Timed], tempos: &TempoMap, first: f64) -> Vec<Onset> {
    let begins = |event: &&Timed| event.1[0] & 0xf0 == 0x90 && event.1[2] > 0;
    let start = events.iter().find(begins).map_or(0, |event| event.0);
    let origin = tempos.seconds_at(Beats(first));
    let onset = |(sample, [status, key, _]): &Timed| Onset {
        beat: tempos.beats_at(origin + f64::from(sample - start) / RATE).0,
        channel: status & 0x0f,
        key: *key,
    };
    events.iter().filter(begins).map(onset).collect()
}

/// Sees that two takes are one, up to a beat.
///
/// # Errors
/// Names the first difference.
pub fn same(what: &str, live: &[Onset], other: &[Onset], end: f64) -> Result<()> {
    let other: Vec<_> = other.iter().filter(|onset| onset.beat < end - STEP).collect();
    for (idx, onset) in live.iter().enumerate() {
        let found = other.get(idx).with_context(|| format!("{what}: it ends before {onset:?}"))?;
        let one = found.key == onset.key
            && found.channel == onset.channel
            && (found.beat - onset.beat).abs() <= STEP;
        ensure!(one, "{what}: {found:?} where the live take has {onset:?}");
    }
    ensure!(live.len() == other.len(), "{what}: {} notes, and {} live", other.len(), live.len());
    ensure!(!live.is_empty(), "{what}: there is nothing to compare");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(events: &[Timed]) -> Heard {
        BTreeMap::from([("export".to_owned(), events.to_vec()), ("take".to_owned(), events.to_vec())])
    }

    #[test]
    fn stuck_notes_are_found_and_the_exports_doubles_are_not() {
        let (on, off) = ((5, [0x90, 60, 80]), (9, [0x80, 60, 0]));
        assert_eq!(ends(&heard(&[on, on, off, off]), "export").expect("ends"), [on, off]);
        assert!(ends(&heard(&[on, on, off, off]), "take").is_err());
        assert!(ends(&heard(&[on]), "take").is_err());
        assert!(ends(&heard(&[on]), "loop").is_err());
    }

    #[test]
    fn takes_differ_by_key_time_or_number() {
        let onset = |beat, key| Onset { beat, channel: 0, key };
        let live = [onset(4.0, 60), onset(5.0, 62)];
        assert!(same("equal", &live, &[onset(4.0, 60), onset(5.0004, 62), onset(32.0, 64)], 32.0).is_ok());
        for other in [
            vec![onset(4.0, 60)],
            vec![onset(4.0, 60), onset(5.0, 63)],
            vec![onset(4.0, 60), onset(5.25, 62)],
        ] {
            assert!(same("other", &live, &other, 32.0).is_err(), "{other:?}");
        }
        assert!(same("nothing", &[], &[], 32.0).is_err());
    }
}
