//! Writes melody, chords and bass as a type 1 MIDI file, with tempos, meters and chord names as markers.

use super::{
    answer::{Answer, DIVISIONS},
    tune::Tune,
};
use anyhow::{Context, Result};
use hosts::timeline::HeardNote;
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind};
use music::{
    grid::Beats,
    symbol::{self, Spelling},
};

/// Divisions of a beat in the file.
const PER_BEAT: u16 = DIVISIONS as u16;

/// The file's bytes.
///
/// # Errors
/// Where the MIDI writer does not take it; tunes of sensible length always go.
pub fn write(tune: &Tune, answer: &Answer) -> Result<Vec<u8>> {
    let mut smf = Smf::new(Header::new(Format::Parallel, Timing::Metrical(PER_BEAT.into())));
    let names: Vec<(u32, String)> = answer
        .spans
        .iter()
        .filter_map(|span| Some((division(span.on), symbol::print(span.chord?, Spelling::Common))))
        .collect();
    smf.tracks.push(conductor(tune, &names));
    let melody =
        tune.song.notes.iter().map(|n| (n.note.on, n.note.off, n.channel, n.note.pitch.midi(), n.velocity));
    let heard = |note: &HeardNote| (note.on, note.off, note.channel, note.key, note.velocity);
    smf.tracks.push(part(b"melody", melody));
    smf.tracks.push(part(b"chords", answer.chords.iter().map(heard)));
    smf.tracks.push(part(b"bass", answer.bass.iter().map(heard)));
    let mut bytes = Vec::new();
    smf.write_std(&mut bytes).context("the answer does not go into a MIDI file")?;
    Ok(bytes)
}

fn division(place: Beats) -> u32 {
    (place.0 * f64::from(PER_BEAT)).round().max(0.0) as u32
}

/// Title, tempos, meters and chord names.
fn conductor<'a>(tune: &'a Tune, names: &'a [(u32, String)]) -> Track<'a> {
    let mut events: Vec<(u32, TrackEventKind<'a>)> =
        vec![(0, TrackEventKind::Meta(MetaMessage::TrackName(tune.title.as_bytes())))];
    for (place, meter) in tune.song.meters.changes() {
        let power = meter.denominator.trailing_zeros() as u8;
        let message = MetaMessage::TimeSignature(meter.numerator, power, 24, 8);
        events.push((division(*place), TrackEventKind::Meta(message)));
    }
    for (place, bpm) in tune.song.tempos.changes() {
        let micros = (60e6 / bpm).round().clamp(1.0, f64::from((1 << 24) - 1)) as u32;
        events.push((division(place), TrackEventKind::Meta(MetaMessage::Tempo(micros.into()))));
    }
    for (at, name) in names {
        events.push((*at, TrackEventKind::Meta(MetaMessage::Marker(name.as_bytes()))));
    }
    track(events, division(tune.song.length))
}

/// A track of notes: (on, off, channel, key, velocity 0..=1).
fn part<'a>(name: &'a [u8], notes: impl Iterator<Item = (Beats, Beats, u8, u8, f32)>) -> Track<'a> {
    let mut events = vec![(0, TrackEventKind::Meta(MetaMessage::TrackName(name)))];
    let mut end = 0;
    for (on, off, channel, key, velocity) in notes {
        let (on, off) = (division(on), division(off).max(division(on) + 1));
        let key = key.min(127).into();
        let velocity = (velocity.clamp(0.0, 1.0) * 127.0).round().max(1.0) as u8;
        let channel = (channel & 15).into();
        events.push((
            on,
            TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel: velocity.into() } },
        ));
        events.push((
            off,
            TrackEventKind::Midi { channel, message: MidiMessage::NoteOff { key, vel: 0.into() } },
        ));
        end = end.max(off);
    }
    track(events, end)
}

/// Events in order, offs before ons at one place, with the track's end.
fn track<'a>(mut events: Vec<(u32, TrackEventKind<'a>)>, end: u32) -> Track<'a> {
    let is_on = |kind: &TrackEventKind<'_>| {
        matches!(kind, TrackEventKind::Midi { message: MidiMessage::NoteOn { .. }, .. })
    };
    events.sort_by_key(|(at, kind)| (*at, is_on(kind)));
    let end = events.last().map_or(end, |(last, _)| end.max(*last));
    events.push((end, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
    let mut last = 0;
    let mut track = Track::with_capacity(events.len());
    for (at, kind) in events {
        track.push(TrackEvent { delta: (at - last).into(), kind });
        last = at;
    }
    track
}

#[cfg(test)]
mod tests {
    use super::*;
    use hosts::song::{Song, TempoMap};
    use music::{
        chord::{Chord, Quality},
        lead_sheet::{ChordSpan, Note},
        meter::{Meter, MeterMap},
        pitch::{Pitch, PitchClass},
    };

    #[test]
    fn what_is_written_is_read_again() {
        let melody = [(0.0, 1.5, 60), (1.5, 1.75, 62), (4.0, 6.0, 64)];
        let notes =
            melody.map(|(on, off, key)| Note { on: Beats(on), off: Beats(off), pitch: Pitch::folded(key) });
        let mut song = Song::melody(notes, 100.0);
        song.tempos = TempoMap::new(vec![(Beats(0.0), 100.0), (Beats(3.0), 80.0)]);
        song.meters = MeterMap::constant(Meter::new(3, 4).expect("a meter"));
        song.length = Beats(6.0);
        let tune = Tune { title: "A tune".to_owned(), part: String::new(), song };
        let chord = Some(Chord::new(PitchClass::new(9), Quality::MINOR));
        let heard = |on: f64, key: u8, channel: u8| HeardNote {
            channel,
            key,
            velocity: 0.5,
            on_sample: 0,
            off_sample: 1,
            on: Beats(on),
            off: Beats(6.0),
        };
        let answer = Answer {
            chords: vec![heard(3.0, 57, 0), heard(3.0, 60, 0)],
            bass: vec![heard(3.0, 45, 1)],
            spans: vec![ChordSpan { on: Beats(3.0), off: Beats(6.0), chord }],
            note_in_chord: None,
        };
        let bytes = write(&tune, &answer).expect("a file");
        let smf = Smf::parse(&bytes).expect("it parses");
        assert_eq!((smf.header.format, smf.tracks.len()), (Format::Parallel, 4));
        let markers: Vec<_> = smf.tracks[0]
            .iter()
            .filter(|e| matches!(e.kind, TrackEventKind::Meta(MetaMessage::Marker(b"Am"))))
            .collect();
        assert_eq!(markers.len(), 1);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tune.mid");
        std::fs::write(&file, &bytes).expect("written");
        let again = super::super::tune::read(&file, None).expect("a tune");
        assert_eq!(again.title, "A tune");
        assert_eq!(again.part, "track 2 \"melody\", channel 1");
        assert_eq!(again.song.meters, tune.song.meters);
        let places = |tune: &Tune| {
            tune.song.notes.iter().map(|n| (n.note.on, n.note.off, n.note.pitch)).collect::<Vec<_>>()
        };
        assert_eq!(places(&again), places(&tune));
        for ((at, bpm), (expected_at, expected)) in
            again.song.tempos.changes().zip(tune.song.tempos.changes())
        {
            assert!(at == expected_at && (bpm - expected).abs() < 0.01, "{bpm} is not {expected}");
        }
    }
}
