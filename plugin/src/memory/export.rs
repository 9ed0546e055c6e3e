//! What lies to hand of a capture as a Standard MIDI File: a track of tempo, meters and chord symbols (as markers), one of the
//! melody, one of the chords and one of the bass, as they are played (`memory::rendition`). GUI and main threads; pure,
//! the caller writes the file.

use super::{
    Capture, Captured,
    rendition::{self, Note},
};
use crate::audio::{block::Settings, sounding::Owner};
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};
use music::{
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::Pitch,
    symbol::{self, Spelling},
};
use std::{collections::BTreeSet, io};

/// Ticks in a quarter note.
const TICKS_PER_BEAT: u16 = 480;
/// Ticks in a frame.
const TICKS_PER_FRAME: u64 = TICKS_PER_BEAT as u64 / FRAMES_PER_BEAT.unsigned_abs();
/// The longest time between two events that a file can hold.
const MOST_TICKS: u64 = (1 << 28) - 1;
/// The bar where none is known: common time.
const PRESUMED_BAR_FRAMES: i64 = 4 * FRAMES_PER_BEAT;
/// The tempo where none is known, in quarter notes a minute.
const PRESUMED_BPM: f64 = 120.0;
/// How hard the melody's notes are struck.
const MELODY_VELOCITY: u8 = 96;

/// What happens at a tick; in the order of events at the same tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Up { channel: u8, key: u8 },
    Down { channel: u8, key: u8, velocity: u8 },
    Meter { numerator: u8, power: u8 },
    Marker { idx: usize },
}

/// A track that is being written: what happens at which tick.
#[derive(Default)]
struct Part {
    events: Vec<(u64, What)>,
    /// The channel of a line of one voice, and its key that is down.
    channel: u8,
    sounding: Option<u8>,
}

impl Part {
    /// A line of one voice strikes a key.
    fn strike(&mut self, tick: u64, key: Pitch) {
        self.end(tick);
        let (channel, key, velocity) = (self.channel, key.midi(), MELODY_VELOCITY);
        self.sounding = Some(key);
        self.events.push((tick, What::Down { channel, key, velocity }));
    }

    /// Its key goes up.
    fn end(&mut self, tick: u64) {
        let (key, channel) = (self.sounding.take(), self.channel);
        self.events.extend(key.map(|key| (tick, What::Up { channel, key })));
    }

    /// A note from its start to its end. One that lasts no tick is none.
    fn note(&mut self, note: &Note) {
        let tick = |frames: f64| (frames * TICKS_PER_FRAME as f64).round().max(0.0) as u64;
        let (from, until) = (tick(note.from), tick(note.until).min(MOST_TICKS));
        let (channel, key) = (note.channel % 16, note.key.midi());
        let velocity = (note.velocity * 127.0).round().clamp(1.0, 127.0) as u8;
        if from < until {
            self.events.push((from, What::Down { channel, key, velocity }));
            self.events.push((until, What::Up { channel, key }));
        }
    }

    /// Lets go a tick sooner of each key that another part strikes just when it would: who plays both as one may meet
    /// the strike first, and would cut it.
    fn give_way(&mut self, other: &Self) {
        let strikes = |part: &Self| -> BTreeSet<(u64, u8, u8)> {
            let strike = |(tick, what): &(u64, What)| match *what {
                What::Down { channel, key, .. } => Some((*tick, channel, key)),
                _ => None,
            };
            part.events.iter().filter_map(strike).collect()
        };
        let (own, others) = (strikes(self), strikes(other));
        for (tick, what) in &mut self.events {
            // A note of a single tick stays.
            if let What::Up { channel, key } = *what
                && others.contains(&(*tick, channel, key))
                && !own.contains(&(*tick - 1, channel, key))
            {
                *tick -= 1;
            }
        }
    }
}

/// The bytes of a MIDI file that begins with the bar in which what lies to hand begins, the chords played by these settings.
///
/// # Errors
/// Never in practice: what the writer says of bytes in memory.
pub fn midi_file(capture: &Capture, tempo_bpm: Option<f64>, settings: &Settings) -> io::Result<Vec<u8>> {
    let origin = origin(capture);
    let tick_of = |frame: Frame| frame.0.abs_diff(origin.0).saturating_mul(TICKS_PER_FRAME);
    let fits = |(frame, _): &(Frame, Captured)| tick_of(*frame).saturating_add(TICKS_PER_FRAME) <= MOST_TICKS;
    let frames: Vec<(Frame, Captured)> = capture.newest().take_while(fits).collect();
    let bpm = tempo_bpm.filter(|bpm| bpm.is_finite() && *bpm > 0.0).unwrap_or(PRESUMED_BPM);
    // A file holds 24 bits of microseconds a quarter note.
    let us_per_beat = (60e6 / bpm).clamp(1.0, f64::from((1u32 << 24) - 1)) as u32;

    // A channel of its own, or where all is played by one instrument the melody would cut the chords' keys short.
    let taken = [settings.chord_channel, settings.bass_channel];
    let channel = (0..16).find(|channel| !taken.contains(channel)).unwrap_or(0);
    let (mut conductor, mut melody) = (Part::default(), Part { channel, ..Part::default() });
    let mut symbols: Vec<String> = Vec::new();
    let mut bar = None;
    let mut end = 0;
    for (frame, captured) in &frames {
        let tick = tick_of(*frame);
        if end != tick {
            // What sounded at the end of the stretch before.
            melody.end(end);
        }
        if let BarPhase::At { length, .. } = captured.phase
            // Where no meter is known, that of bars as long goes on.
            && (captured.meter.is_some() || bar.is_none_or(|(known, _)| known != length))
            && bar != Some((length, signature(length, captured.meter)))
        {
            let (numerator, power) = signature(length, captured.meter);
            // The first one holds from the beginning, which is a bar line.
            let from = if bar.is_none() { 0 } else { tick };
            conductor.events.push((from, What::Meter { numerator, power }));
            bar = Some((length, (numerator, power)));
        }
        match captured.melody {
            MelodyFrame::Rest => melody.end(tick),
            MelodyFrame::Hold => {}
            MelodyFrame::Onset(pitch) => melody.strike(tick, pitch),
        }
        if let ChordFrame::Onset(chord) = captured.chord {
            conductor.events.push((tick, What::Marker { idx: symbols.len() }));
            symbols.push(symbol::print(chord, Spelling::Common));
        }
        end = tick + TICKS_PER_FRAME;
    }
    melody.end(end);
    let (mut hands, mut bass) = (Part::default(), Part::default());
    for note in &rendition::notes(&frames, origin, 60e6 / f64::from(us_per_beat), settings) {
        if note.owner == Owner::Bass { bass.note(note) } else { hands.note(note) }
    }
    bass.give_way(&hands);
    hands.give_way(&bass);

    let tempo = MetaMessage::Tempo(u24::new(us_per_beat));
    let tracks = vec![
        track("ReaLchords", vec![tempo], conductor, &symbols),
        track("Melody", Vec::new(), melody, &symbols),
        track("Chords", Vec::new(), hands, &symbols),
        track("Bass", Vec::new(), bass, &symbols),
    ];
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::new(TICKS_PER_BEAT)));
    let mut bytes = Vec::new();
    Smf { header, tracks }.write_std(&mut bytes)?;
    Ok(bytes)
}

/// The bar line from which the file counts.
fn origin(capture: &Capture) -> Frame {
    capture.newest().next().map_or(Frame(0), |(frame, captured)| {
        let position = match captured.phase {
            BarPhase::At { position, .. } => i64::from(position),
            BarPhase::Unknown => frame.0.rem_euclid(PRESUMED_BAR_FRAMES),
        };
        Frame(frame.0.saturating_sub(position))
    })
}

/// The signature of a bar of so many frames: its numerator and its denominator's power of two.
fn signature(bar_frames: u8, meter: Option<Meter>) -> (u8, u8) {
    if let Some(Meter { numerator, denominator }) = meter {
        return (numerator, denominator.trailing_zeros() as u8);
    }
    match bar_frames {
        n if n % 4 == 0 => (n / 4, 2),
        n if n % 2 == 0 => (n / 2, 3),
        n => (n, 4),
    }
}

fn track<'a>(name: &'a str, first: Vec<MetaMessage<'a>>, mut part: Part, symbols: &'a [String]) -> Track<'a> {
    part.events.sort_unstable();
    let meta = |message| TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(message) };
    let mut track: Track = vec![meta(MetaMessage::TrackName(name.as_bytes()))];
    track.extend(first.into_iter().map(meta));
    let mut now = 0;
    for (tick, what) in part.events {
        let midi = |channel, message| TrackEventKind::Midi { channel: u4::new(channel), message };
        let kind = match what {
            What::Up { channel, key } => {
                midi(channel, MidiMessage::NoteOff { key: u7::new(key), vel: u7::new(0) })
            }
            What::Down { channel, key, velocity } => {
                midi(channel, MidiMessage::NoteOn { key: u7::new(key), vel: u7::new(velocity) })
            }
            What::Meter { numerator, power } => {
                TrackEventKind::Meta(MetaMessage::TimeSignature(numerator, power, 24, 8))
            }
            What::Marker { idx } => {
                let Some(symbol) = symbols.get(idx) else { continue };
                TrackEventKind::Meta(MetaMessage::Marker(symbol.as_bytes()))
            }
        };
        track.push(TrackEvent { delta: u28::new((tick - now) as u32), kind });
        now = tick;
    }
    track.push(meta(MetaMessage::EndOfTrack));
    track
}
