//! How a capture is written down: versioned, compact and readable. A passage is a stretch of unbroken frames whose bar
//! lines follow from its first one; a lane is a line of words: an onset's name, `-7` a hold of seven frames, `.` a
//! frame of silence. Chords are written as symbols, so that they outlive any vocabulary. What the chords
//! were played to stands in two more lanes, where it is not as at first: the melody's note, and how hard it was struck,
//! where that changes.

use super::{Capture, Captured, Frames, MOST_FRAMES};
use crate::links::Leading;
use music::{
    grid::Frame,
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::Pitch,
    symbol::{self, Spelling},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A capture as it is written down.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Written {
    /// What is captured.
    Known(Saved),
    /// What was saved and cannot be read.
    Foreign(Value),
}

/// A capture as it is written down by this version.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    passages: Vec<Passage>,
    /// What was played on our own clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    own: Vec<Passage>,
    /// Whether that lies to hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    own_is_newest: bool,
    /// The tempo of the song where its newest pass began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tempo_bpm: Option<f64>,
}

/// A stretch of frames.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Passage {
    /// Its first frame.
    frame: i64,
    /// Where that stands in its bar and how long the bar is, in frames.
    bar: Option<(u8, u8)>,
    /// The bar's numerator and denominator, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meter: Option<(u8, u8)>,
    melody: String,
    chords: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    leading: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    touch: String,
}

/// What a lane does in a frame.
enum Doing {
    Silence,
    Hold,
    Onset(String),
}

/// Words of a lane, runs told as one.
#[derive(Default)]
struct Lane {
    text: String,
    run: Option<(char, u32)>,
}

impl Lane {
    fn push(&mut self, doing: Doing) {
        let sign = match &doing {
            Doing::Silence => Some('.'),
            Doing::Hold => Some('-'),
            Doing::Onset(_) => None,
        };
        match (&mut self.run, sign) {
            (Some((running, count)), Some(sign)) if *running == sign => *count += 1,
            _ => {
                self.end_run();
                self.run = sign.map(|sign| (sign, 1));
            }
        }
        if let Doing::Onset(name) = doing {
            self.word(&name);
        }
    }

    fn end_run(&mut self) {
        match self.run.take() {
            Some((sign, 1)) => self.word(&sign.to_string()),
            Some((sign, count)) => self.word(&format!("{sign}{count}")),
            None => {}
        }
    }

    fn word(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    fn finish(mut self) -> String {
        self.end_run();
        self.text
    }
}

/// The lanes of a passage.
#[derive(Default)]
struct Lanes {
    melody: Lane,
    chords: Lane,
    leading: Lane,
    touch: Lane,
    last: Leading,
    /// Whether the last two lanes say anything.
    leads: bool,
}

impl Lanes {
    fn push(&mut self, captured: Captured) {
        self.melody.push(match captured.melody {
            MelodyFrame::Rest => Doing::Silence,
            MelodyFrame::Hold => Doing::Hold,
            MelodyFrame::Onset(pitch) => Doing::Onset(pitch.midi().to_string()),
        });
        self.chords.push(match captured.chord {
            ChordFrame::Silence => Doing::Silence,
            ChordFrame::Hold => Doing::Hold,
            ChordFrame::Onset(chord) => Doing::Onset(symbol::print(chord, Spelling::Common)),
        });
        let (before, now) = (std::mem::replace(&mut self.last, captured.leading), captured.leading);
        self.leading.push(match now.key {
            None => Doing::Silence,
            Some(_) if now.key == before.key => Doing::Hold,
            Some(key) => Doing::Onset(key.midi().to_string()),
        });
        let stays = now.touch == before.touch;
        self.touch.push(if stays { Doing::Hold } else { Doing::Onset(now.touch.to_string()) });
        self.leads |= now != Leading::default();
    }

    fn finish(self, passage: Passage) -> Passage {
        let (melody, chords) = (self.melody.finish(), self.chords.finish());
        if !self.leads {
            return Passage { melody, chords, ..passage };
        }
        Passage { melody, chords, leading: self.leading.finish(), touch: self.touch.finish(), ..passage }
    }
}

impl From<Capture> for Written {
    fn from(capture: Capture) -> Self {
        let tempo_bpm = capture.tempo_bpm();
        match capture.foreign {
            Some(foreign) => Self::Foreign(foreign),
            None => Self::Known(Saved {
                version: VERSION,
                passages: passages(&capture.frames),
                own: passages(&capture.own),
                own_is_newest: capture.own_is_newest,
                tempo_bpm,
            }),
        }
    }
}

fn passages(frames: &Frames) -> Vec<Passage> {
    let mut passages: Vec<(Passage, Lanes)> = Vec::new();
    let mut due: Option<(Frame, BarPhase, Option<Meter>)> = None;
    for (frame, captured) in frames.iter().map(|(frame, captured)| (*frame, *captured)) {
        if due != Some((frame, captured.phase, captured.meter)) {
            let bar = match captured.phase {
                BarPhase::At { position, length } => Some((position, length)),
                BarPhase::Unknown => None,
            };
            let meter = captured.meter.map(|meter| (meter.numerator, meter.denominator));
            passages.push((Passage { frame: frame.0, bar, meter, ..Passage::default() }, Lanes::default()));
        }
        due = frame.0.checked_add(1).map(|next| (Frame(next), after(captured.phase), captured.meter));
        if let Some((_, lanes)) = passages.last_mut() {
            lanes.push(captured);
        }
    }
    passages.into_iter().map(|(passage, lanes)| lanes.finish(passage)).collect()
}

impl From<Value> for Capture {
    fn from(value: Value) -> Self {
        let saved = Saved::deserialize(&value).ok().filter(|saved| saved.version == VERSION);
        let foreign = Some(value).filter(|value| !value.is_null());
        saved.and_then(|saved| read(&saved)).unwrap_or(Self { foreign, ..Self::default() })
    }
}

fn read(saved: &Saved) -> Option<Capture> {
    let (frames, own) = (read_passages(&saved.passages)?, read_passages(&saved.own)?);
    let mut capture = Capture { frames, own, own_is_newest: saved.own_is_newest, ..Capture::default() };
    capture.set_tempo_bpm(saved.tempo_bpm);
    Some(capture)
}

fn read_passages(passages: &[Passage]) -> Option<Frames> {
    let mut frames = Frames::new();
    for passage in passages {
        let (melody, chords) = (words(&passage.melody)?, words(&passage.chords)?);
        if melody.len() != chords.len() || frames.len() + melody.len() > MOST_FRAMES {
            return None;
        }
        let mut phase = match passage.bar {
            Some((position, length)) if position < length => BarPhase::At { position, length },
            Some(_) => return None,
            None => BarPhase::Unknown,
        };
        let told = passage.meter.and_then(|(over, under)| Meter::new(over, under));
        let meter = told.filter(|meter| phase.is_of(*meter));
        let leading = read_leading(passage, melody.len())?;
        for (((melody, chord), leading), offset) in melody.into_iter().zip(chords).zip(leading).zip(0i64..) {
            let frame = Frame(passage.frame.checked_add(offset)?);
            let melody = match melody {
                Doing::Silence => MelodyFrame::Rest,
                Doing::Hold => MelodyFrame::Hold,
                Doing::Onset(name) => MelodyFrame::Onset(Pitch::new(name.parse().ok()?)?),
            };
            let chord = match chord {
                Doing::Silence => ChordFrame::Silence,
                Doing::Hold => ChordFrame::Hold,
                Doing::Onset(name) => ChordFrame::Onset(symbol::parse(&name).ok().flatten()?),
            };
            frames.insert(frame, Captured { melody, chord, leading, phase, meter });
            phase = after(phase);
        }
    }
    Some(frames)
}

/// What the chords of a passage of so many frames were played to.
fn read_leading(passage: &Passage, num: usize) -> Option<Vec<Leading>> {
    let mut last = Leading::default();
    if passage.leading.is_empty() && passage.touch.is_empty() {
        return Some(vec![last; num]);
    }
    let (keys, touches) = (words(&passage.leading)?, words(&passage.touch)?);
    if (keys.len(), touches.len()) != (num, num) {
        return None;
    }
    let read = keys.into_iter().zip(touches).map(|(key, touch)| {
        match key {
            Doing::Silence => last.key = None,
            Doing::Hold => {}
            Doing::Onset(name) => last.key = Some(Pitch::new(name.parse().ok()?)?),
        }
        match touch {
            Doing::Silence => return None,
            Doing::Hold => {}
            Doing::Onset(number) => last.touch = number.parse().ok().filter(|touch| *touch <= 127)?,
        }
        Some(last)
    });
    read.collect()
}

/// The words of a lane, one for each frame.
fn words(text: &str) -> Option<Vec<Doing>> {
    let mut frames = Vec::new();
    for word in text.split_whitespace() {
        let silence = word.strip_prefix('.');
        let Some(count) = silence.or_else(|| word.strip_prefix('-')) else {
            frames.push(Doing::Onset(word.to_owned()));
            continue;
        };
        let count = if count.is_empty() { 1 } else { count.parse::<usize>().ok()? };
        if count > MOST_FRAMES.checked_sub(frames.len())? {
            return None;
        }
        let doing = || if silence.is_some() { Doing::Silence } else { Doing::Hold };
        frames.extend((0..count).map(|_| doing()));
    }
    Some(frames)
}

fn after(phase: BarPhase) -> BarPhase {
    match phase {
        BarPhase::Unknown => BarPhase::Unknown,
        BarPhase::At { position, length } => {
            BarPhase::At { position: position.saturating_add(1) % length.max(1), length }
        }
    }
}
