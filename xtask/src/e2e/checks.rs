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

/// What was heard in one scene.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Messages.
    pub events: Vec<Timed>,
    /// When the host had turned to another place, at the latest: samples of the same clock.
    pub turns: Vec<u32>,
}

/// What was heard, by scene.
pub type Heard = BTreeMap<String, Scene>;

/// How soon a turn of the host is told here, in samples: a look every few milliseconds, and a busy machine.
const TOLD: u32 = RATE as u32 / 4;

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
    /// Samples of latency that the host took off.
    shift: u32,
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
        Ok(Self { file, per_beat: u64::from(per_beat.as_int()), notes, shift: 0 })
    }

    /// The same without the latency that the host has taken off what it recorded: all of it lies so much too early, by the
    /// same number of samples. The plugin has none, but a busy host keeps that of a way to loudspeakers that is gone.
    pub fn without_latency(mut self, tempos: &TempoMap, longest: u32) -> Self {
        let frame = self.per_beat / FRAMES;
        let seconds = |tick: u64| tempos.seconds_at(Beats(tick as f64 / self.per_beat as f64));
        let begins: Vec<u64> = self.notes.iter().filter(|note| note.3).map(|note| note.0).collect();
        let Some(first) = begins.first().filter(|_| begins.iter().any(|tick| tick % frame != 0)) else {
            return self;
        };
        let shift = seconds(first.next_multiple_of(frame)) - seconds(*first);
        // The host counts 1920 to a beat and rounds.
        let step = self.per_beat / 1920 + 1;
        let moved = |tick: u64| {
            let late = (tempos.beats_at(seconds(tick) + shift).0 * self.per_beat as f64).round() as u64;
            let line = (late + frame / 2) / frame * frame;
            if line.abs_diff(late) <= step { (line, true) } else { (late, false) }
        };
        if shift * RATE <= f64::from(longest) && begins.iter().all(|tick| moved(*tick).1) {
            let place = |tick: u64| moved(tick).0;
            let notes = self.notes.iter().map(|(tick, channel, key, on)| (place(*tick), *channel, *key, *on));
            self.notes = notes.collect();
            self.shift = (shift * RATE).round() as u32;
        }
        self
    }

    /// What the host took off, in words.
    pub fn shift_in_words(&self) -> String {
        match self.shift {
            0 => String::new(),
            shift => format!(" (less {shift} samples of latency that the host took off)"),
        }
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
    let mut events = heard.get(scene).with_context(|| format!("there was no scene {scene}"))?.events.clone();
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

/// Sees that no note sounds on where the host turns to another place.
///
/// # Errors
/// Names the first that does.
pub fn ends_at(events: &[Timed], turns: &[u32]) -> Result<()> {
    let mut down = BTreeMap::new();
    for (sample, [status, key, velocity]) in events {
        let place = (status & 0x0f, *key);
        if status & 0xf0 == 0x90 && *velocity > 0 {
            down.insert(place, *sample);
        } else if let (0x80 | 0x90, Some(from)) = (status & 0xf0, down.remove(&place)) {
            let through = turns.iter().find(|turn| from + TOLD < **turn && **turn + TOLD < *sample);
            ensure!(
                through.is_none(),
                "key {key} sounds from {from} to {sample}, over the turn at {through:?}"
            );
        }
    }
    Ok(())
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
    // Which tone of a chord is sent first is no matter.
    let in_order = |onsets: &[Onset]| {
        let mut onsets: Vec<_> = onsets.iter().copied().filter(|onset| onset.beat < end - STEP).collect();
        onsets.sort_by_key(|onset| ((onset.beat * 16.0).round() as i64, onset.channel, onset.key));
        onsets
    };
    let (live, other) = (in_order(live), in_order(other));
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
        let scene = Scene { events: events.to_vec(), turns: Vec::new() };
        BTreeMap::from([("export".to_owned(), scene.clone()), ("take".to_owned(), scene)])
    }

    #[test]
    fn a_note_that_sounds_on_over_a_turn_is_found() {
        let note = |from, to| [(from, [0x90, 60, 80]), (to, [0x80, 60, 0])];
        let turn = [100_000];
        assert!(ends_at(&note(10_000, 99_000), &turn).is_ok());
        assert!(
            ends_at(&note(99_500, 150_000), &turn).is_ok(),
            "struck where it turns, and told a little late"
        );
        assert!(ends_at(&note(10_000, 150_000), &turn).is_err());
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
    fn a_take_that_is_early_as_a_whole_is_put_right_and_no_other() {
        let tempos = TempoMap::new(vec![(Beats(0.0), 125.0), (Beats(16.0), 90.0)]);
        // Onsets on lines before and after the change of tempo, early by 1040 samples, as the host rounds them.
        let early = |beat: f64| {
            let sooner = tempos.seconds_at(Beats(beat)) - 1040.0 / RATE;
            (tempos.beats_at(sooner).0 * 1920.0).round() as u64 * 10
        };
        let take = |ticks: &[u64]| Take {
            file: PathBuf::new(),
            per_beat: 19_200,
            notes: ticks
                .iter()
                .flat_map(|tick| [(*tick, 0, 60, true), (*tick + 9600, 0, 60, false)])
                .collect(),
            shift: 0,
        };
        let whole = take(&[early(5.0), early(7.25), early(20.0), early(29.5)]).without_latency(&tempos, 4096);
        assert!(whole.check_grid().is_ok() && (1030..1050).contains(&whole.shift), "{}", whole.shift);
        assert!(whole.before(32.0).iter().map(|onset| onset.beat).eq([5.0, 7.25, 20.0, 29.5]));
        let astray = take(&[early(5.0), early(7.25) + 300, early(20.0)]).without_latency(&tempos, 4096);
        assert!(astray.check_grid().is_err());
        assert!(take(&[early(5.0), early(20.0)]).without_latency(&tempos, 500).check_grid().is_err());
        assert_eq!(take(&[96_000]).without_latency(&tempos, 4096).shift, 0);
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
