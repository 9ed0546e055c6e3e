//! POP909 folders: `NNN/NNN.mid` with `beat_midi.txt` and `chord_midi.txt` beside it. Reads those two files
//! besides the bytes it is given.
//!
//! The melody is the MIDI file's track called `MELODY`. Its seconds become beats between the lines of
//! `beat_midi.txt` (`seconds  half-bar?  bar?`), whose last column marks bar lines; bars of other lengths than
//! the usual one are stated as meters. A chord (`from  to  root:quality/bass` or `N`) lasts between the beats
//! nearest to its seconds. Positions in the melody are as played; `LeadSheet::frames` snaps them.
//! A beat is taken for a quarter: five songs whose beats are eighths (as only a spreadsheet of the pack says)
//! come out in 6/4 for 6/8.

use super::{
    ImportError, Imported, Importer, Song, ends_in,
    score::{self, Sounding, place},
    stem, text_of, with_chords,
};
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};
use music::{
    grid::Beats,
    lead_sheet::{ChordSpan, LeadSheet},
    meter::{Meter, MeterMap},
    symbol,
};
use std::{fs, path::Path};

/// Reads POP909 folders.
pub struct Pop909;

const FORMAT: &str = "POP909";

impl Importer for Pop909 {
    fn name(&self) -> &'static str {
        "pop909"
    }

    /// A MIDI file that is called like its folder; other versions of a song are not.
    fn recognises(&self, path: &Path) -> bool {
        let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        ends_in(path, &[".mid", ".midi"]) && folder.is_some_and(|folder| folder == stem(path))
    }

    fn import(&self, path: &Path, bytes: &[u8]) -> Result<Vec<Song>, ImportError> {
        let beside = |name: &str| fs::read(path.with_file_name(name)).map(|bytes| text_of(&bytes));
        let beats = BeatLine::parse(&beside("beat_midi.txt")?)?;
        let chords = chords(&beside("chord_midi.txt")?, &beats)?;
        let (melody, bpm) = melody(bytes, &beats)?;
        let end = melody.iter().map(|n| n.off).chain(chords.iter().map(|c| c.off.0)).fold(0.0, f64::max);
        let sheet = LeadSheet {
            title: String::new(),
            meters: beats.meters(),
            bpm,
            length: place(end.ceil()),
            melody: score::monophonic(melody),
            chords,
        };
        Ok(vec![Ok(Imported {
            sheet: with_chords(sheet)?,
            id: stem(path),
            source: self.name().to_owned(),
            license: None,
            tier: None,
            split: None,
            group: None,
        })])
    }
}

/// The song's beats in seconds, and which of them start a bar. The pickup before the first bar line is
/// right-aligned in a bar of its own.
struct BeatLine {
    seconds: Vec<f64>,
    bar_lines: Vec<usize>,
    /// Beats that the first line of the file stands after beat 0.
    pickup: f64,
}

impl BeatLine {
    fn parse(text: &str) -> Result<Self, ImportError> {
        let mut seconds: Vec<f64> = Vec::new();
        let mut bar_lines = Vec::new();
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fault =
                |what: &str| ImportError::format(FORMAT, format!("beat_midi.txt line {}: {what}", idx + 1));
            let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [at, _, bar] = numbers[..] else { return Err(fault("must be three numbers")) };
            if !at.is_finite() || seconds.last().is_some_and(|last| *last >= at) {
                return Err(fault("beats must come one after the other"));
            }
            if bar > 0.5 {
                bar_lines.push(seconds.len());
            }
            seconds.push(at);
        }
        if seconds.len() < 2 || bar_lines.is_empty() {
            return Err(ImportError::format(FORMAT, "beat_midi.txt has no bar in it"));
        }
        let mut line = Self { seconds, bar_lines, pickup: 0.0 };
        let first = line.bar_lines[0];
        if first > 0 {
            let usual = line.usual_bar();
            line.pickup = (first.div_ceil(usual) * usual - first) as f64;
        }
        Ok(line)
    }

    /// Beats in most of the bars.
    fn usual_bar(&self) -> usize {
        let mut lengths: Vec<usize> = self.bar_lines.windows(2).map(|pair| pair[1] - pair[0]).collect();
        lengths.sort_unstable();
        let runs = lengths.chunk_by(|a, b| a == b);
        runs.max_by_key(|run| run.len()).map_or(4, |run| run[0])
    }

    fn meters(&self) -> MeterMap {
        let usual = self.usual_bar();
        let meter = |beats: usize| Meter::new(beats.min(64) as u8, 4).unwrap_or(Meter::COMMON);
        let mut changes = vec![(Beats(0.0), meter(usual))];
        for (idx, beat) in self.bar_lines.iter().enumerate() {
            // The last bar's length is not known; it is as usual.
            let length = self.bar_lines.get(idx + 1).map_or(usual, |next| next - beat);
            if changes.last().is_some_and(|(_, last)| *last != meter(length)) {
                changes.push((Beats(*beat as f64 + self.pickup), meter(length)));
            }
        }
        if changes.len() > 1 && changes[1].0 == changes[0].0 {
            changes.remove(0);
        }
        MeterMap::new(changes)
    }

    /// Beats since beat 0 at this second; before the first and behind the last beat at the tempo there.
    fn at(&self, second: f64) -> f64 {
        let idx = self.seconds.partition_point(|beat| *beat <= second).clamp(1, self.seconds.len() - 1);
        let (before, after) = (self.seconds[idx - 1], self.seconds[idx]);
        (idx - 1) as f64 + (second - before) / (after - before) + self.pickup
    }
}

fn chords(text: &str, beats: &BeatLine) -> Result<Vec<ChordSpan>, ImportError> {
    let mut spans = Vec::new();
    for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let seconds = |word: &str| word.parse::<f64>().ok().filter(|s| s.is_finite());
        let parsed = match words[..] {
            [on, off, label] => seconds(on).zip(seconds(off)).map(|(on, off)| (on, off, label)),
            _ => None,
        };
        let Some((on, off, label)) = parsed else {
            return Err(ImportError::format(
                FORMAT,
                format!("chord_midi.txt line {}: must be from, to, chord", idx + 1),
            ));
        };
        let chord = symbol::parse(label).map_err(|_| ImportError::Chord(label.to_owned()))?;
        let (on, off) = (beats.at(on).round().max(0.0), beats.at(off).round());
        if off > on {
            score::push_span(&mut spans, ChordSpan { on: Beats(on), off: Beats(off), chord });
        }
    }
    Ok(spans)
}

/// The melody in beats, and the tempo it starts in.
fn melody(bytes: &[u8], beats: &BeatLine) -> Result<(Vec<Sounding>, Option<f64>), ImportError> {
    let smf = Smf::parse(bytes).map_err(|error| ImportError::format(FORMAT, error))?;
    let Timing::Metrical(per_beat) = smf.header.timing else {
        return Err(ImportError::format(FORMAT, "its MIDI file counts seconds, not beats"));
    };
    let clock = Clock::new(&smf, f64::from(per_beat.as_int().max(1)));
    let is_melody = |track: &&Vec<midly::TrackEvent<'_>>| {
        track.iter().any(|event| match event.kind {
            TrackEventKind::Meta(MetaMessage::TrackName(name)) => {
                name.trim_ascii().eq_ignore_ascii_case(b"MELODY")
            }
            _ => false,
        })
    };
    let track = smf.tracks.iter().find(is_melody).ok_or(ImportError::NoMelody)?;
    let mut notes = Vec::new();
    let mut pressed: Vec<(u8, f64)> = Vec::new();
    let mut time = 0u64;
    for event in track {
        time += u64::from(event.delta.as_int());
        let TrackEventKind::Midi { message, .. } = event.kind else { continue };
        let at = beats.at(clock.seconds(time));
        match message {
            MidiMessage::NoteOn { key, vel } if vel.as_int() > 0 => pressed.push((key.as_int(), at)),
            MidiMessage::NoteOn { key, .. } | MidiMessage::NoteOff { key, .. } => {
                if let Some(idx) = pressed.iter().position(|(pressed, _)| *pressed == key.as_int()) {
                    let (midi, on) = pressed.remove(idx);
                    // What starts before beat 0 is cut there.
                    notes.push(Sounding { on: on.max(0.0), off: at, midi: i32::from(midi) });
                }
            }
            _ => {}
        }
    }
    Ok((notes, clock.first_bpm()))
}

/// From MIDI time to seconds: where each tempo starts, in both, and its seconds per unit of MIDI time.
struct Clock {
    tempos: Vec<(u64, f64, f64)>,
    per_beat: f64,
}

impl Clock {
    fn new(smf: &Smf<'_>, per_beat: f64) -> Self {
        let mut changes: Vec<(u64, f64)> = Vec::new();
        for track in &smf.tracks {
            let mut time = 0u64;
            for event in track {
                time += u64::from(event.delta.as_int());
                if let TrackEventKind::Meta(MetaMessage::Tempo(micros)) = event.kind {
                    changes.push((time, f64::from(micros.as_int().max(1)) / 1e6 / per_beat));
                }
            }
        }
        changes.sort_by_key(|(time, _)| *time);
        // 120 quarters a minute until the file says otherwise.
        let mut tempos = vec![(0, 0.0, 0.5 / per_beat)];
        for (time, pace) in changes {
            let (since, seconds, before) = tempos[tempos.len() - 1];
            let at = seconds + (time - since) as f64 * before;
            if time == since {
                tempos.pop();
            }
            tempos.push((time, at, pace));
        }
        Self { tempos, per_beat }
    }

    fn seconds(&self, time: u64) -> f64 {
        let idx = self.tempos.partition_point(|(since, ..)| *since <= time).saturating_sub(1);
        let (since, seconds, pace) = self.tempos[idx];
        seconds + (time - since) as f64 * pace
    }

    fn first_bpm(&self) -> Option<f64> {
        self.tempos.first().map(|(_, _, pace)| (60.0 / (pace * self.per_beat) * 1000.0).round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEATS: &str = "1.0 1.0 0.0\n1.5 0.0 0.0\n2.0 1.0 1.0\n2.5 0 0\n3.0 1 0\n3.5 0 0\n4.0 1 1\n4.5 0 0\n5 1 1\n5.5 0 0\n6 1 0\n6.5 0 0\n7 1 1\n";

    #[test]
    fn a_beat_line_has_a_pickup_and_odd_bars() {
        let beats = BeatLine::parse(BEATS).expect("a beat line");
        assert_eq!(beats.pickup, 2.0);
        let meters = beats.meters();
        let found: Vec<_> = meters.changes().iter().map(|(at, m)| (at.0, m.numerator)).collect();
        assert_eq!(found, [(0.0, 4), (8.0, 2), (10.0, 4)]);
        assert_eq!(beats.at(2.0), 4.0);
        assert_eq!(beats.at(2.25), 4.5);
        assert_eq!(beats.at(0.5), 1.0);
        assert_eq!(beats.at(7.5), 15.0);
    }

    #[test]
    fn broken_lines_are_named() {
        let check = |text: &str, expected: &str| match BeatLine::parse(text) {
            Err(error) => assert!(error.to_string().contains(expected), "{error}"),
            Ok(_) => panic!("{text:?} was taken"),
        };
        check("1 1", "line 1: must be three numbers");
        check("1 1 1\n1 0 0", "line 2: beats must come one after the other");
        check("1 1 0\n2 0 0", "no bar in it");
        check("", "no bar in it");
        let beats = BeatLine::parse(BEATS).expect("a beat line");
        assert!(chords("2 4 H:maj", &beats).is_err());
        assert!(chords("2 x C:maj", &beats).is_err());
    }
}
