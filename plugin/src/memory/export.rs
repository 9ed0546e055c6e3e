//! What was captured last as a Standard MIDI File: a track of tempo, meters and chord symbols (as markers), one of the
//! melody, one of the chords and one of the bass. GUI and main threads; pure, the caller writes the file.

use super::Capture;
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};
use music::{
    chord::Chord,
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::BarPhase,
    pitch::{OCTAVE, Pitch},
    symbol::{self, Spelling},
};
use std::io;

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
/// How hard notes are struck.
const MELODY_VELOCITY: u8 = 96;
const CHORD_VELOCITY: u8 = 80;
/// Channels of melody, chords and bass.
const CHANNELS: [u8; 3] = [0, 1, 2];

/// The keys a chord is played with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The hands.
    pub hands: Vec<Pitch>,
    /// The bass.
    pub bass: Option<Pitch>,
}

/// Keys for who has no voicing at hand: tones upwards from the root below middle C, and the bass below them.
pub fn plain_keys(chord: Chord) -> Keys {
    let root = i32::from(chord.root.semitones());
    let lowest = 48 + root;
    let hands = chord.quality.row().intervals.iter().map(|tone| Pitch::folded(lowest + i32::from(*tone)));
    let bass = Pitch::folded(36 + i32::from(chord.bass.semitones()) % i32::from(OCTAVE));
    Keys { hands: hands.collect(), bass: Some(bass) }
}

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
    sounding: Vec<u8>,
}

impl Part {
    fn strike(&mut self, tick: u64, channel: u8, keys: impl IntoIterator<Item = Pitch>, velocity: u8) {
        self.end(tick, channel);
        for key in keys.into_iter().map(Pitch::midi) {
            if !self.sounding.contains(&key) {
                self.sounding.push(key);
                self.events.push((tick, What::Down { channel, key, velocity }));
            }
        }
    }

    fn end(&mut self, tick: u64, channel: u8) {
        let ends = self.sounding.drain(..).map(|key| (tick, What::Up { channel, key }));
        self.events.extend(ends);
    }
}

/// The bytes of a MIDI file that begins with the bar in which the capture begins. `keys_of` voices the chords, in
/// their order.
///
/// # Errors
/// Never in practice: what the writer says of bytes in memory.
pub fn midi_file(
    capture: &Capture,
    tempo_bpm: Option<f64>,
    mut keys_of: impl FnMut(Chord) -> Keys,
) -> io::Result<Vec<u8>> {
    let [melody_channel, chord_channel, bass_channel] = CHANNELS;
    let (mut conductor, mut melody, mut hands, mut bass) =
        (Part::default(), Part::default(), Part::default(), Part::default());
    let mut symbols: Vec<String> = Vec::new();
    let mut bar_frames = 0;
    let mut end = 0;
    let mut due: Option<Frame> = None;
    let origin = origin(capture);
    for (frame, captured) in capture.newest() {
        let tick = frame.0.abs_diff(origin.0).saturating_mul(TICKS_PER_FRAME);
        if tick.saturating_add(TICKS_PER_FRAME) > MOST_TICKS {
            break;
        }
        if due != Some(frame) {
            // What sounded at the end of the stretch before.
            melody.end(end, melody_channel);
            hands.end(end, chord_channel);
            bass.end(end, bass_channel);
        }
        if let BarPhase::At { length, .. } = captured.phase
            && length != bar_frames
        {
            let (numerator, power) = meter(length);
            // The first one holds from the beginning, which is a bar line.
            let from = if bar_frames == 0 { 0 } else { tick };
            conductor.events.push((from, What::Meter { numerator, power }));
            bar_frames = length;
        }
        match captured.melody {
            MelodyFrame::Rest => melody.end(tick, melody_channel),
            MelodyFrame::Hold => {}
            MelodyFrame::Onset(pitch) => melody.strike(tick, melody_channel, [pitch], MELODY_VELOCITY),
        }
        match captured.chord {
            ChordFrame::Silence => {
                hands.end(tick, chord_channel);
                bass.end(tick, bass_channel);
            }
            ChordFrame::Hold => {}
            ChordFrame::Onset(chord) => {
                let keys = keys_of(chord);
                hands.strike(tick, chord_channel, keys.hands, CHORD_VELOCITY);
                bass.strike(tick, bass_channel, keys.bass, CHORD_VELOCITY);
                conductor.events.push((tick, What::Marker { idx: symbols.len() }));
                symbols.push(symbol::print(chord, Spelling::Common));
            }
        }
        end = tick + TICKS_PER_FRAME;
        due = Some(frame.plus(1));
    }
    melody.end(end, melody_channel);
    hands.end(end, chord_channel);
    bass.end(end, bass_channel);

    let bpm = tempo_bpm.filter(|bpm| bpm.is_finite() && *bpm > 0.0).unwrap_or(PRESUMED_BPM);
    // A file holds 24 bits of microseconds a quarter note.
    let us_per_beat = (60e6 / bpm).clamp(1.0, f64::from((1u32 << 24) - 1)) as u32;
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
fn meter(bar_frames: u8) -> (u8, u8) {
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
