//! What is said of a jam: a page for people, or a line of JSON for programs.

use super::{
    answer::{Answer, bars},
    take::{Says, Take, first_number},
    tune::Tune,
};
use crate::place;
use anyhow::{Context, Result};
use music::notation;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// One melody's report. In JSON a value that nobody knows is null.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The melody's file.
    file: String,
    /// Bars played.
    bars: usize,
    /// Frames played.
    frames: usize,
    /// Chords struck.
    chords: usize,
    /// Share of the time in which melody and chord sound and the melody's note is in the chord.
    note_in_chord: Option<f64>,
    /// Chords that were not there when they were due.
    late: Option<u64>,
    /// Which engine answered.
    engine: Option<String>,
    /// Median milliseconds of an answer.
    infer_ms_p50: Option<f64>,
    /// 99th percentile of it.
    infer_ms_p99: Option<f64>,
    /// The model.
    model: Option<String>,
    #[serde(skip)]
    title: String,
    #[serde(skip)]
    part: String,
    #[serde(skip)]
    sheet: String,
    #[serde(skip)]
    status: Option<String>,
    #[serde(skip)]
    written: Vec<PathBuf>,
}

impl Report {
    /// The report of a take.
    ///
    /// # Errors
    /// None as yet; the lead sheet always prints.
    pub fn of(file: &Path, tune: &Tune, take: &Take, answer: &Answer, written: Vec<PathBuf>) -> Result<Self> {
        let frames = answer.lead_sheet(tune).frames();
        let Says { late, engine, infer_p50, infer_p99, model, status } = take.says.clone();
        let number = |text: Option<String>| text.and_then(|text| first_number(&text));
        Ok(Self {
            file: place::shown(file),
            bars: bars(tune).len(),
            frames: frames.len(),
            chords: answer.spans.len(),
            note_in_chord: answer.note_in_chord,
            late: number(late).map(|late| late as u64),
            engine,
            infer_ms_p50: number(infer_p50),
            infer_ms_p99: number(infer_p99),
            model,
            title: tune.title.clone(),
            part: tune.part.clone(),
            sheet: notation::print_lead_sheet(&frames),
            status,
            written,
        })
    }

    /// Chords struck.
    pub fn chords(&self) -> usize {
        self.chords
    }

    /// What must not be: a model that does not play, or lateness where the plugin is waited for.
    pub fn trouble(&self, realtime: bool) -> Option<String> {
        let broken = ["no model", "failed", "recovering"];
        let (Some(status), Some(late)) = (&self.status, self.late) else {
            return Some("the plugin does not tell its status, or what came late".to_owned());
        };
        if broken.iter().any(|word| status.starts_with(word)) {
            return Some(format!("the plugin says: {status}"));
        }
        (late > 0 && !realtime).then(|| format!("{late} frames came late, and nobody was in a hurry"))
    }

    /// One line of JSON.
    ///
    /// # Errors
    /// Where a number cannot be written; there is none.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string(self).context("the report does not go into JSON")
    }

    /// A page for people.
    pub fn text(&self) -> String {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let milliseconds = |ms: Option<f64>| or_unknown(ms.map(|ms| format!("{ms:.2} ms")));
        let mut lines = vec![format!("{} ({}; melody: {})", self.title, self.file, self.part), String::new()];
        lines.push(self.sheet.trim_end().to_owned());
        lines.push(String::new());
        if self.chords == 0 {
            let status = or_unknown(self.status.clone());
            lines.push(format!("no chords came out; the plugin says: {status}"));
        }
        lines.push(format!(
            "{} bars, {} chords, note in chord {}, late {}",
            self.bars,
            self.chords,
            or_unknown(self.note_in_chord.map(|share| format!("{:.0} %", 100.0 * share))),
            or_unknown(self.late.map(|late| late.to_string()))
        ));
        lines.push(format!(
            "engine {}, an answer takes {} (median) {} (99th percentile)",
            or_unknown(self.engine.clone()),
            milliseconds(self.infer_ms_p50),
            milliseconds(self.infer_ms_p99)
        ));
        lines.push(format!("model {}", or_unknown(self.model.clone())));
        lines.extend(self.written.iter().map(|path| format!("wrote {}", place::shown(path))));
        lines.push(String::new());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hosts::{song::Song, timeline::Recording};
    use music::{grid::Beats, lead_sheet::Note, pitch::Pitch};

    fn report() -> Report {
        let note = Note { on: Beats(0.0), off: Beats(3.0), pitch: Pitch::folded(60) };
        let tune =
            Tune { title: "Tune".to_owned(), part: "track 1".to_owned(), song: Song::melody([note], 120.0) };
        let says =
            Says { late: Some("2".to_owned()), infer_p50: Some("1.25 ms".to_owned()), ..Says::default() };
        let take = Take {
            recording: Recording::default(),
            chord_channel: 0,
            bass_channel: 1,
            passes_melody: false,
            says,
        };
        let answer = Answer::of(&tune, &take);
        Report::of(Path::new("tune.mid"), &tune, &take, &answer, vec![PathBuf::from("tune.png")])
            .expect("a report")
    }

    #[test]
    fn json_is_one_line_with_every_key() {
        let line = report().json().expect("JSON");
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).expect("it parses");
        let mut keys: Vec<_> = value.as_object().expect("an object").keys().cloned().collect();
        keys.sort_unstable();
        let mut expected = [
            "file",
            "bars",
            "frames",
            "chords",
            "note_in_chord",
            "late",
            "engine",
            "infer_ms_p50",
            "infer_ms_p99",
            "model",
        ];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!((&value["bars"], &value["frames"], &value["late"]), (&1.into(), &16.into(), &2.into()));
        assert_eq!((&value["infer_ms_p50"], &value["engine"]), (&1.25.into(), &serde_json::Value::Null));
    }

    #[test]
    fn what_must_not_be_is_trouble() {
        assert!(report().trouble(true).is_some_and(|said| said.contains("status")));
        let late = Report { status: Some("ready".to_owned()), ..report() };
        assert!(late.trouble(false).is_some_and(|said| said.starts_with("2 frames")));
        assert_eq!(late.trouble(true), None, "by the clock a busy machine may be late");
        let says = |status: &str| Report { status: Some(status.to_owned()), late: Some(0), ..report() };
        assert!(says("no model: a.onnx is empty").trouble(true).is_some());
        assert_eq!(says("ready").trouble(false), None);
    }

    #[test]
    fn silence_is_told_and_not_hidden() {
        let page = report().text();
        assert!(
            page.contains("no chords came out") && page.contains("tune.png") && page.contains("Tune"),
            "{page}"
        );
    }
}
