//! A voice of an ABC tune while it is read: what sounds where, in which bar. Pure.

use super::{
    super::score::{Bar, PrintedChord, PrintedNote},
    key::Key,
    music_line::{BarLine, Word, Written},
    symbol::{self, Quoted},
};
use music::meter::Meter;
use std::collections::HashMap;

/// Semitones of the letters A..=G above C.
const LETTERS: [i32; 7] = [9, 11, 0, 2, 4, 5, 7];

/// What was heard last in the bar, for `<` and `>`.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// Its length in beats.
    length: f64,
    /// Whether it is the bar's last note, rather than a rest.
    is_note: bool,
}

/// A voice.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Its name; empty in a tune without voices.
    pub name: String,
    bars: Vec<Bar>,
    bar: Bar,
    meter: Option<Meter>,
    is_free: bool,
    unit: f64,
    key: Key,
    /// Accidentals written in this bar, by letter and octave.
    accidentals: HashMap<(char, i32), i32>,
    /// The note heard last.
    written: Option<Written>,
    /// A note that is tied to the next, and its key.
    tie: Option<(Written, i32)>,
    /// Length factor of a tuplet's notes, and how many are left.
    tuplet: (f64, u32),
    /// What the mark before it makes of the next note's length.
    broken: f64,
    last: Option<Last>,
    ending: Vec<u8>,
    is_overlay: bool,
}

impl Voice {
    /// A voice at its start. `unit` is the unit note's length in beats.
    pub fn new(name: String, meter: Option<Meter>, is_free: bool, unit: f64, key: Key) -> Self {
        Self {
            name,
            bars: Vec::new(),
            bar: Bar::new(meter.unwrap_or(Meter::COMMON)),
            meter,
            is_free,
            unit,
            key,
            accidentals: HashMap::new(),
            written: None,
            tie: None,
            tuplet: (1.0, 0),
            broken: 1.0,
            last: None,
            ending: Vec::new(),
            is_overlay: false,
        }
    }

    /// A meter from here on; from the next bar where this one has begun.
    pub fn set_meter(&mut self, meter: Option<Meter>, is_free: bool) {
        (self.meter, self.is_free) = (meter, is_free);
        if self.bar.length == 0.0 {
            self.bar.meter = meter.unwrap_or(Meter::COMMON);
        }
    }

    /// A unit note of this many beats from here on.
    pub fn set_unit(&mut self, unit: Option<f64>) {
        self.unit = unit.unwrap_or(self.unit);
    }

    /// A key from here on.
    pub fn set_key(&mut self, key: Option<Key>) {
        self.key = key.unwrap_or(self.key);
        self.accidentals.clear();
    }

    /// The next word of the voice.
    pub fn hear(&mut self, word: &Word) {
        if self.is_overlay && !matches!(word, Word::Bar(_)) {
            return;
        }
        match word {
            Word::Notes(notes, length) => self.notes(notes, *length),
            Word::Rest(length) => {
                self.tie = None;
                self.advance(*length, false);
            }
            Word::BarsRest(bars) => {
                for _ in 0..*bars {
                    self.bar.length = self.meter.unwrap_or(Meter::COMMON).bar_beats().0;
                    self.close_bar(&BarLine::default());
                }
            }
            Word::Tie => {
                if let (true, Some(note)) =
                    (self.last.is_some_and(|last| last.is_note), self.bar.notes.last_mut())
                {
                    note.tied = true;
                    self.tie = self.written.map(|written| (written, note.midi));
                }
            }
            Word::Broken(marks) => self.break_rhythm(*marks),
            Word::Tuplet(p, q, r) => {
                let p = (*p).clamp(1, 64);
                let is_compound = self.meter.is_some_and(|m| m.numerator % 3 == 0 && m.denominator >= 8);
                let usual = match p {
                    2 | 4 | 8 => 3,
                    3 | 6 => 2,
                    _ if is_compound => 3,
                    _ => 2,
                };
                self.tuplet = (f64::from(q.unwrap_or(usual).clamp(1, 64)) / f64::from(p), r.unwrap_or(p));
            }
            Word::Bar(line) => self.close_bar(line),
            Word::Quoted(text) => {
                if let Quoted::Symbol(chord) = symbol::read(text) {
                    self.bar.chords.push(PrintedChord { at: self.bar.length, chord });
                }
            }
            Word::Overlay => self.is_overlay = true,
            Word::Field(..) => {}
        }
    }

    /// All bars of the voice.
    pub fn finish(mut self) -> Vec<Bar> {
        self.close_bar(&BarLine::default());
        self.bars
    }

    fn notes(&mut self, notes: &[Written], length: f64) {
        let tie = self.tie.take();
        let sounding = notes.iter().map(|note| (self.midi(note, tie), *note)).max_by_key(|(midi, _)| *midi);
        let Some((midi, note)) = sounding else { return };
        let on = self.bar.length;
        self.advance(length, true);
        self.bar.notes.push(PrintedNote { on, off: self.bar.length, midi, tied: false });
        self.written = Some(note);
    }

    /// The key of a note: its accidental, else the tie's, the bar's, the key signature's.
    fn midi(&mut self, note: &Written, tie: Option<(Written, i32)>) -> i32 {
        let place = (note.letter, note.octave);
        let natural =
            12 * (note.octave + 1) + LETTERS[(note.letter as usize).saturating_sub('A' as usize).min(6)];
        match (note.accidental, tie) {
            (Some(accidental), _) => {
                self.accidentals.insert(place, accidental);
                natural + accidental
            }
            (None, Some((before, midi))) if (before.letter, before.octave) == place => midi,
            _ => {
                natural
                    + self
                        .accidentals
                        .get(&place)
                        .copied()
                        .unwrap_or_else(|| self.key.accidental(note.letter))
            }
        }
    }

    /// Moves on by a length in unit notes.
    fn advance(&mut self, length: f64, is_note: bool) {
        let (factor, left) = self.tuplet;
        let mut beats = length * self.unit * std::mem::replace(&mut self.broken, 1.0);
        if left > 0 {
            beats *= factor;
            self.tuplet.1 = left - 1;
        }
        self.bar.length += beats;
        self.last = Some(Last { length: beats, is_note });
    }

    /// `>`: the note before is longer by as much as the next is shorter; `<` the other way round.
    fn break_rhythm(&mut self, marks: i32) {
        let Some(last) = self.last else { return };
        let short = 0.5f64.powi(marks.abs());
        let (before, after) = if marks > 0 { (2.0 - short, short) } else { (short, 2.0 - short) };
        self.bar.length += last.length * (before - 1.0);
        if let (true, Some(note)) = (last.is_note, self.bar.notes.last_mut()) {
            note.off = self.bar.length;
        }
        self.broken = after;
    }

    /// A bar line: what it says of the bar before it, and of the one after.
    fn close_bar(&mut self, line: &BarLine) {
        self.accidentals.clear();
        self.last = None;
        self.is_overlay = false;
        let meter = self.meter.unwrap_or(Meter::COMMON);
        if self.bar.length > 0.0 {
            let mut bar = std::mem::replace(&mut self.bar, Bar::new(meter));
            if self.is_free {
                // Without a meter each bar is its own: as many quarters as it has.
                bar.meter = Meter::new(bar.length.round().clamp(1.0, 64.0) as u8, 4).unwrap_or(Meter::COMMON);
            }
            bar.ending.clone_from(&self.ending);
            self.bars.push(bar);
        }
        if let (Some(_), Some(bar)) = (line.ends_repeat, self.bars.last_mut()) {
            bar.ends_repeat = line.ends_repeat;
        }
        if line.is_heavy {
            self.ending.clear();
        }
        if !line.ending.is_empty() {
            self.ending.clone_from(&line.ending);
        }
        self.bar.starts_repeat |= line.starts_repeat;
    }
}
