//! A MusicXML part's measures as printed bars. Pure.

use super::{
    super::{
        ImportError,
        score::{Bar, PrintedChord, PrintedNote},
    },
    child, fault, harmony, number_at, text_at,
};
use music::meter::Meter;
use roxmltree::Node;
use std::collections::HashMap;

/// A part that was read.
pub struct Part {
    /// Its bars.
    pub bars: Vec<Bar>,
    /// The first tempo stated, in quarters a minute.
    pub bpm: Option<f64>,
}

impl Part {
    /// Whether there is a note in it.
    pub fn has_notes(&self) -> bool {
        self.bars.iter().any(|bar| !bar.notes.is_empty())
    }

    /// Whether there is a chord symbol in it.
    pub fn has_chords(&self) -> bool {
        self.bars.iter().any(|bar| !bar.chords.is_empty())
    }
}

/// What holds from one measure to the next.
struct Reader {
    /// Divisions of a quarter.
    divisions: f64,
    /// Semitones from written to sounding.
    transpose: i32,
    meter: Meter,
    bpm: Option<f64>,
    /// The ending that is open.
    ending: Vec<u8>,
}

/// A measure while it is read.
struct Measure {
    bar: Bar,
    /// Where the next element stands, in beats.
    at: f64,
    /// Where the last note that is no chord tone started.
    last_on: f64,
    /// Notes of each voice.
    voices: HashMap<String, Vec<PrintedNote>>,
    closes_ending: bool,
}

/// Reads a part.
///
/// # Errors
/// Where a time or a chord in it makes no sense.
pub fn part(node: Node<'_, '_>) -> Result<Part, ImportError> {
    let mut reader =
        Reader { divisions: 1.0, transpose: 0, meter: Meter::COMMON, bpm: None, ending: Vec::new() };
    let mut measures = Vec::new();
    for node in node.children().filter(|node| node.has_tag_name("measure")) {
        measures.push(reader.measure(node)?);
    }
    // The voice with most notes; of equals the one that is called first.
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (voice, notes) in measures.iter().flat_map(|measure| &measure.voices) {
        *counts.entry(voice).or_default() += notes.len();
    }
    let melody =
        counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(voice, _)| (*voice).to_owned());
    let bars = measures.into_iter().map(|mut measure| {
        let notes = melody.as_ref().and_then(|voice| measure.voices.remove(voice)).unwrap_or_default();
        let nominal = measure.bar.meter.bar_beats().0;
        // A measure with nothing in it is a bar's rest. One that is too long, though nothing starts behind its
        // meter, is a slip and cut.
        let is_slip =
            notes.iter().all(|note| note.on < nominal) && measure.bar.chords.iter().all(|c| c.at < nominal);
        let length = match measure.bar.length {
            length if length <= 0.0 => nominal,
            length if length > nominal && is_slip => nominal,
            length => length,
        };
        let mut notes = notes;
        notes.iter_mut().for_each(|note| note.off = note.off.min(length));
        Bar { notes, length, ..measure.bar }
    });
    Ok(Part { bars: bars.collect(), bpm: reader.bpm })
}

impl Reader {
    fn measure(&mut self, node: Node<'_, '_>) -> Result<Measure, ImportError> {
        let mut measure = Measure {
            bar: Bar::new(self.meter),
            at: 0.0,
            last_on: 0.0,
            voices: HashMap::new(),
            closes_ending: false,
        };
        for element in node.children().filter(Node::is_element) {
            match element.tag_name().name() {
                "attributes" => self.attributes(element, &mut measure)?,
                "note" => self.note(element, &mut measure)?,
                "harmony" => {
                    let offset = number_at(element, &["offset"]).unwrap_or(0.0) / self.divisions;
                    if let Some(chord) = harmony::chord(element, self.transpose)? {
                        measure.bar.chords.push(PrintedChord { at: (measure.at + offset).max(0.0), chord });
                    }
                }
                "backup" => measure.at = (measure.at - self.duration(element)?).max(0.0),
                "forward" => measure.advance(self.duration(element)?),
                "barline" => self.bar_line(element, &mut measure),
                "direction" | "sound" => {
                    let mut sounds = element.descendants().filter(|node| node.has_tag_name("sound"));
                    let tempo = sounds.find_map(|sound| sound.attribute("tempo")?.trim().parse::<f64>().ok());
                    self.bpm = self.bpm.or(tempo.filter(|bpm| (20.0..=999.0).contains(bpm)));
                }
                _ => {}
            }
        }
        measure.bar.chords.sort_by(|a, b| a.at.total_cmp(&b.at));
        if measure.bar.ending.is_empty() {
            measure.bar.ending.clone_from(&self.ending);
        }
        if measure.closes_ending {
            self.ending.clear();
        }
        Ok(measure)
    }

    fn attributes(&mut self, node: Node<'_, '_>, measure: &mut Measure) -> Result<(), ImportError> {
        if let Some(divisions) = number_at(node, &["divisions"]) {
            if divisions <= 0.0 {
                return Err(fault(format!("a quarter has {divisions} divisions, must be more than 0")));
            }
            self.divisions = divisions;
        }
        if let Some(transpose) = child(node, "transpose") {
            let chromatic = number_at(transpose, &["chromatic"]).unwrap_or(0.0);
            let octaves = number_at(transpose, &["octave-change"]).unwrap_or(0.0);
            self.transpose = (chromatic + 12.0 * octaves).clamp(-60.0, 60.0) as i32;
        }
        if let Some(time) = child(node, "time") {
            let beats = text_at(time, &["beats"]).unwrap_or_default();
            let beats = beats.split('+').map(|part| part.trim().parse::<u8>().ok().map(u32::from));
            let beats = beats.sum::<Option<u32>>().and_then(|beats| u8::try_from(beats).ok());
            let unit = number_at(time, &["beat-type"]).map(|unit| unit as u8);
            if let Some(meter) = beats.zip(unit).and_then(|(beats, unit)| Meter::new(beats, unit)) {
                self.meter = meter;
                measure.bar.meter = meter;
            }
        }
        Ok(())
    }

    /// A duration in beats.
    fn duration(&self, node: Node<'_, '_>) -> Result<f64, ImportError> {
        let beats = number_at(node, &["duration"]).unwrap_or(0.0) / self.divisions;
        if (0.0..=1024.0).contains(&beats) {
            Ok(beats)
        } else {
            Err(fault(format!("a note lasts {beats} beats")))
        }
    }

    fn note(&self, node: Node<'_, '_>, measure: &mut Measure) -> Result<(), ImportError> {
        let has = |tag: &str| child(node, tag).is_some();
        if has("grace") {
            return Ok(());
        }
        let duration = self.duration(node)?;
        let on = if has("chord") { measure.last_on } else { measure.at };
        if !has("chord") {
            measure.last_on = on;
            measure.advance(duration);
        }
        let pitch = child(node, "pitch").filter(|_| !has("cue") && duration > 0.0);
        let Some(midi) = pitch.and_then(midi) else { return Ok(()) };
        let midi = midi + self.transpose;
        let tied =
            node.children().any(|tie| tie.has_tag_name("tie") && tie.attribute("type") == Some("start"));
        let note = PrintedNote { on, off: on + duration, midi, tied };
        let voice =
            measure.voices.entry(text_at(node, &["voice"]).unwrap_or_else(|| "1".to_owned())).or_default();
        match voice.last_mut() {
            Some(last) if has("chord") && last.on == on => {
                if midi > last.midi {
                    *last = note;
                }
            }
            _ => voice.push(note),
        }
        Ok(())
    }

    fn bar_line(&mut self, node: Node<'_, '_>, measure: &mut Measure) {
        if let Some(ending) = child(node, "ending") {
            let numbers = ending.attribute("number").unwrap_or_default().split([',', ' ']);
            let numbers: Vec<u8> = numbers.filter_map(|n| n.trim_end_matches('.').parse().ok()).collect();
            match ending.attribute("type") {
                Some("start") => {
                    self.ending.clone_from(&numbers);
                    measure.bar.ending = numbers;
                    measure.closes_ending = false;
                }
                _ => {
                    // An ending that nobody opened is one measure long.
                    if self.ending.is_empty() {
                        measure.bar.ending = numbers;
                    }
                    measure.closes_ending = true;
                }
            }
        }
        let Some(repeat) = child(node, "repeat") else { return };
        match repeat.attribute("direction") {
            Some("forward") => measure.bar.starts_repeat = true,
            _ => {
                let times = repeat.attribute("times").and_then(|times| times.parse().ok()).unwrap_or(2);
                measure.bar.ends_repeat = Some(times);
            }
        }
    }
}

impl Measure {
    fn advance(&mut self, beats: f64) {
        self.at += beats;
        self.bar.length = self.bar.length.max(self.at);
    }
}

/// The MIDI key of a `<pitch>`.
fn midi(pitch: Node<'_, '_>) -> Option<i32> {
    let step = harmony::step_semitones(&text_at(pitch, &["step"])?)?;
    let alter = number_at(pitch, &["alter"]).unwrap_or(0.0).clamp(-3.0, 3.0).round() as i32;
    let octave = number_at(pitch, &["octave"])?.clamp(-1.0, 10.0) as i32;
    Some(12 * (octave + 1) + step + alter)
}
