//! What the plugin answered, as music: its notes, the chords they spell, and how well these fit the melody.
//! Chords are named from the notes that came out, not from what the plugin says it played.

use super::{take::Take, tune::Tune};
use hosts::{
    block::Event,
    timeline::{HeardNote, Recorded},
};
use music::{
    chord::{Chord, Quality},
    grid::Beats,
    lead_sheet::{ChordSpan, LeadSheet, Note},
    pitch::{PitchClass, PitchClassSet},
};

/// Divisions of a beat to which places are rounded.
pub const DIVISIONS: f64 = 960.0;

/// The answer to a tune.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The chords' notes.
    pub chords: Vec<HeardNote>,
    /// The bass notes.
    pub bass: Vec<HeardNote>,
    /// The chords they spell, in order; a struck chord starts a new one.
    pub spans: Vec<ChordSpan>,
    /// Of the time in which both sound, the share in which the melody's note is in the chord; `None` where
    /// they never sound together.
    pub note_in_chord: Option<f64>,
}

impl Answer {
    /// The answer in a take.
    pub fn of(tune: &Tune, take: &Take) -> Self {
        let heard: Vec<HeardNote> = take
            .recording
            .notes()
            .into_iter()
            .filter(|note| !(take.passes_melody && is_passed_through(note, &take.recording.played)))
            .map(on_divisions)
            .collect();
        let (bass, chords): (Vec<_>, Vec<_>) = heard
            .into_iter()
            .partition(|note| note.channel == take.bass_channel && take.bass_channel != take.chord_channel);
        let spans = spell(&chords, &bass);
        let note_in_chord = note_in_chord(tune, &spans);
        Self { chords, bass, spans, note_in_chord }
    }

    /// Melody and chords together.
    pub fn lead_sheet(&self, tune: &Tune) -> LeadSheet {
        LeadSheet {
            title: tune.title.clone(),
            meters: tune.song.meters.clone(),
            bpm: tune.song.tempos.changes().next().map(|(_, bpm)| bpm),
            length: tune.song.length,
            melody: melody_line(tune),
            chords: self.spans.clone(),
        }
    }
}

/// The note with its places on whole divisions of a beat: a sample is seldom exactly on one, and the rest of a
/// sample would show as a sliver on the wrong side of a bar line.
fn on_divisions(note: HeardNote) -> HeardNote {
    let nearest = |place: Beats| Beats((place.0 * DIVISIONS).round() / DIVISIONS);
    HeardNote { on: nearest(note.on), off: nearest(note.off), ..note }
}

/// The melody as one line: each note ends where the next starts, for the lead sheet.
fn melody_line(tune: &Tune) -> Vec<Note> {
    let mut notes: Vec<Note> = tune.song.notes.iter().map(|n| n.note).collect();
    notes.sort_by(|a, b| a.on.0.total_cmp(&b.on.0));
    for idx in 1..notes.len() {
        let next = notes[idx].on;
        if notes[idx - 1].off.0 > next.0 {
            notes[idx - 1].off = next;
        }
    }
    notes.retain(|note| note.off.0 > note.on.0);
    notes
}

/// Whether a note is the melody's own, let through.
fn is_passed_through(note: &HeardNote, played: &[Recorded]) -> bool {
    let from = played.partition_point(|p| p.sample < note.on_sample);
    let at_once = played[from..].iter().take_while(|p| p.sample == note.on_sample);
    let is_it = |event: &Event| matches!(event, Event::NoteOn { channel, key, .. } if (*channel, *key) == (note.channel, note.key));
    at_once.into_iter().any(|p| is_it(&p.event))
}

/// The chords that notes spell: a new one wherever what sounds changes, or is struck again.
fn spell(chords: &[HeardNote], bass: &[HeardNote]) -> Vec<ChordSpan> {
    let all = || chords.iter().chain(bass);
    let mut changes: Vec<u64> = all().flat_map(|note| [note.on_sample, note.off_sample]).collect();
    changes.sort_unstable();
    changes.dedup();
    let mut spans: Vec<ChordSpan> = Vec::new();
    for pair in changes.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let sounding = |notes: &[HeardNote]| -> Vec<HeardNote> {
            notes.iter().filter(|n| n.on_sample <= start && n.off_sample >= end).copied().collect()
        };
        let (chord_notes, bass_notes) = (sounding(chords), sounding(bass));
        let Some(chord) = name(&keys(&chord_notes), keys(&bass_notes).first().copied()) else { continue };
        let place = |at: u64| {
            all().flat_map(|n| [(n.on_sample, n.on), (n.off_sample, n.off)]).find(|(sample, _)| *sample == at)
        };
        let (Some((_, on)), Some((_, off))) = (place(start), place(end)) else { continue };
        let struck = chord_notes.iter().any(|n| n.on_sample == start);
        match spans.last_mut() {
            Some(last) if !struck && last.chord == Some(chord) && last.off == on => last.off = off,
            _ => spans.push(ChordSpan { on, off, chord: Some(chord) }),
        }
    }
    spans
}

/// MIDI keys, ascending.
fn keys(notes: &[HeardNote]) -> Vec<u8> {
    let mut keys: Vec<u8> = notes.iter().map(|note| note.key).collect();
    keys.sort_unstable();
    keys
}

/// The chord that keys spell over a bass key, or over their own lowest. An exact chord wins over a near one, one
/// with its root in the bass over others, then the order of the table of qualities. `None` where no key
/// sounds, a bass alone being no chord.
fn name(keys: &[u8], bass: Option<u8>) -> Option<Chord> {
    let class = |key: u8| PitchClass::new(i32::from(key));
    let bass_class = class(bass.or_else(|| keys.first().copied())?);
    let tones = keys.iter().fold(PitchClassSet::EMPTY, |set, key| set.with(class(*key)));
    if tones.is_empty() {
        return None;
    }
    let above = |root: PitchClass, set: PitchClassSet| set.transposed(12 - root.semitones());
    let exact = |set: PitchClassSet| {
        let fits = set.iter().filter_map(|root| Some((root, Quality::exact(above(root, set))?)));
        fits.min_by_key(|(root, quality)| (*root != bass_class, quality.index()))
    };
    let near = || {
        let distance = |root: PitchClass| {
            let quality = Quality::nearest(above(root, tones));
            let off = quality.pitch_classes().symmetric_difference(above(root, tones)).len();
            (off, root != bass_class, quality.index())
        };
        let root = tones.iter().min_by_key(|root| distance(*root))?;
        Some((root, Quality::nearest(above(root, tones))))
    };
    let (root, quality) = exact(tones).or_else(|| exact(tones.with(bass_class))).or_else(near)?;
    Some(Chord::new(root, quality).over(bass_class))
}

/// See [`Answer::note_in_chord`].
fn note_in_chord(tune: &Tune, spans: &[ChordSpan]) -> Option<f64> {
    let (mut both, mut inside) = (0.0, 0.0);
    for note in melody_line(tune) {
        for span in spans {
            let shared = note.off.0.min(span.off.0) - note.on.0.max(span.on.0);
            if let (Some(chord), true) = (span.chord, shared > 0.0) {
                both += shared;
                inside += if chord.pitch_classes().contains(note.pitch.class()) { shared } else { 0.0 };
            }
        }
    }
    (both > 0.0).then(|| inside / both)
}

/// The bars of a tune: where each starts, and its length in beats.
pub fn bars(tune: &Tune) -> Vec<(Beats, f64)> {
    let mut bars = Vec::new();
    let mut at = 0.0;
    while at < tune.song.length.0 - 1e-6 {
        let (_, meter) = tune.song.meters.at(Beats(at));
        let next_change =
            tune.song.meters.changes().iter().map(|(place, _)| place.0).find(|place| *place > at + 1e-6);
        let length = meter.bar_beats().0.min(next_change.unwrap_or(f64::INFINITY) - at);
        bars.push((Beats(at), length));
        at += length;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::symbol::{self, Spelling};

    fn symbol_of(keys: &[u8], bass: Option<u8>) -> String {
        name(keys, bass).map_or_else(String::new, |chord| symbol::print(chord, Spelling::Common))
    }

    #[test]
    fn keys_spell_chords() {
        let rows: &[(&[u8], Option<u8>, &str)] = &[
            (&[60, 64, 67], Some(36), "C"),
            (&[60, 64, 67], Some(40), "C/E"),
            (&[60, 64, 67, 69], Some(36), "C6"),
            (&[60, 64, 67, 69], Some(45), "Am7"),
            (&[59, 65, 67, 74], Some(43), "G7"),
            (&[57, 60, 64], Some(43), "Am/G"),
            (&[60, 64, 68], Some(44), "Abaug"),
            (&[62, 67, 69], None, "Dsus4"),
            (&[], Some(48), ""),
            (&[60, 61, 62], None, "Csus2"),
            (&[], None, ""),
        ];
        for (keys, bass, expected) in rows {
            assert_eq!(symbol_of(keys, *bass), *expected, "{keys:?} over {bass:?}");
        }
    }

    #[test]
    fn every_chord_of_the_table_is_named_from_its_notes() {
        for quality in Quality::all() {
            for root in PitchClass::all() {
                let keys: Vec<u8> =
                    quality.row().intervals.iter().map(|i| 60 + root.semitones() + i).collect();
                let chord = name(&keys, Some(36 + root.semitones())).expect("a chord");
                assert_eq!(chord, Chord::new(root, quality), "{keys:?}");
            }
        }
    }

    fn note(on: f64, off: f64, key: u8, channel: u8) -> HeardNote {
        let sample = |beats: f64| (beats * 24_000.0) as u64;
        HeardNote {
            channel,
            key,
            velocity: 0.8,
            on_sample: sample(on),
            off_sample: sample(off),
            on: Beats(on),
            off: Beats(off),
        }
    }

    #[test]
    fn a_struck_chord_starts_anew_and_a_held_one_goes_on() {
        let triad = |on: f64, off: f64| [60, 64, 67].map(|key| note(on, off, key, 0)).to_vec();
        let chords = [triad(0.0, 2.0), triad(2.0, 4.0)].concat();
        let bass = [note(0.0, 1.0, 36, 1), note(1.0, 4.0, 36, 1)];
        let spans = spell(&chords, &bass);
        let places: Vec<_> = spans.iter().map(|span| (span.on.0, span.off.0)).collect();
        assert_eq!(places, [(0.0, 2.0), (2.0, 4.0)]);
    }

    #[test]
    fn note_in_chord_is_weighted_by_time() {
        let melody = [(0.0, 3.0, 60), (3.0, 4.0, 62), (4.0, 8.0, 62)];
        let notes = melody.map(|(on, off, key)| Note {
            on: Beats(on),
            off: Beats(off),
            pitch: music::pitch::Pitch::folded(key),
        });
        let tune =
            Tune { title: String::new(), part: String::new(), song: hosts::song::Song::melody(notes, 120.0) };
        let spans = [ChordSpan { on: Beats(0.0), off: Beats(4.0), chord: name(&[60, 64, 67], None) }];
        assert_eq!(note_in_chord(&tune, &spans), Some(0.75));
        assert_eq!(note_in_chord(&tune, &[]), None);
        assert_eq!(bars(&tune).len(), 2);
    }
}
