//! The readers of files: what they take is music within bounds, all else an error in words.

use crate::tune;
use music::{
    chord::Chord,
    meter::BarPhase,
    symbol,
    vocab::{ChordToken, MelodyToken},
};
use realchords::worker::{
    builtin::BuiltIn,
    history::History,
    metadata,
    model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};
use trainer::corpus::{IMPORTERS, Importer};

/// Weights above this are no trial model of ours, and opening them only costs time.
const MOST_MODEL_BYTES: usize = 4 << 20;

/// The manifest, from the bytes of a model file.
pub fn manifest(bytes: &[u8]) {
    if let Ok(found) = metadata::manifest(bytes) {
        // What was taken says the same when it is written and read again.
        let again = music::manifest::Manifest::parse(&found.to_json());
        assert_eq!(again.as_ref(), Ok(&found));
    }
}

/// An engine of others, which may panic where a file is broken: the worker catches that, and so does this. Panics of our
/// own are none of its.
struct Caught(BuiltIn);

impl ChordModel for Caught {
    fn dims(&self) -> Dims {
        self.0.dims()
    }

    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        let step = AssertUnwindSafe(|| self.0.step(input, cache, output));
        catch_unwind(step)
            .unwrap_or(Err(ModelError::Step { engine: "the engine", reason: "it panicked".into() }))
    }
}

/// A model file, opened and asked twice: how often it answered. What it answers is of the promised sizes.
pub fn answers(bytes: &[u8]) -> usize {
    let Ok(manifest) = metadata::manifest(bytes) else { return 0 };
    let Ok(Ok(model)) = catch_unwind(|| BuiltIn::open(bytes, &manifest)) else { return 0 };
    let mut model = Caught(model);
    let mut history = History::new(model.dims());
    let phase = BarPhase::At { position: 0, length: 16 };
    if history.begin(&mut model, phase).is_err() {
        return 0;
    }
    let heard = history.hear(&mut model, ChordToken::START, MelodyToken::START, phase);
    let StepOutput { chord_logits, melody_logits, new_keys, new_values } = history.answer();
    let row = model.dims().row();
    assert_eq!(
        [chord_logits.len(), melody_logits.len(), new_keys.len(), new_values.len()],
        [ChordToken::COUNT, MelodyToken::COUNT, row, row]
    );
    1 + usize::from(heard.is_ok())
}

/// A model file.
pub fn model(bytes: &[u8]) {
    if bytes.len() <= MOST_MODEL_BYTES {
        answers(bytes);
    }
}

/// A melody for the jam.
pub fn midi(bytes: &[u8]) {
    let Ok(tune) = tune::parse(bytes, "tune", None) else { return };
    let mut before = f64::NEG_INFINITY;
    for note in &tune.song.notes {
        let (on, off) = (note.note.on.0, note.note.off.0);
        assert!(on.is_finite() && off.is_finite() && on < off, "a note from {on} to {off}");
        assert!(on >= before, "a note at {on} after one at {before}");
        before = on;
    }
    assert!(tune.song.length.0.is_finite());
}

/// A song in three files: the bytes before the first `@@` are the MIDI file, then beats, then chords.
pub fn pop909(bytes: &[u8]) {
    let mut parts = split(bytes).into_iter();
    let mut next = || parts.next().unwrap_or_default();
    let (midi, beats, chords) = (next(), next(), next());
    let Ok(folder) = tempfile::tempdir() else { return };
    let song = folder.path().join("001");
    let written = fs::create_dir(&song)
        .and_then(|()| fs::write(song.join("beat_midi.txt"), beats))
        .and_then(|()| fs::write(song.join("chord_midi.txt"), chords));
    if written.is_ok() {
        import("pop909", &song.join("001.mid"), midi);
    }
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"@@") {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

/// A score in MusicXML, or packed where the bytes are a zip archive.
pub fn musicxml(bytes: &[u8]) {
    let name = if bytes.starts_with(b"PK") { "score.mxl" } else { "score.musicxml" };
    import("musicxml", Path::new(name), bytes);
}

/// Tunes in ABC.
pub fn abc(bytes: &[u8]) {
    import("abc", Path::new("tunes.abc"), bytes);
}

/// Songs of our own format, packed or not.
pub fn json_lines(bytes: &[u8]) {
    import("normalised", Path::new("songs.jsonl"), bytes);
}

/// Hooktheory's JSON.
pub fn hooktheory(bytes: &[u8]) {
    import("hooktheory", Path::new("hooktheory.json"), bytes);
}

/// A chord symbol; what is read prints as something that reads as the same chord.
pub fn symbol(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(Some(chord)) = symbol::parse(text) {
        let printed = symbol::print(chord, symbol::Spelling::Common);
        let again: Option<Chord> = symbol::parse(&printed).ok().flatten();
        assert_eq!(again, Some(chord), "{text:?} prints as {printed:?}");
    }
}

/// Imports; each song taken has frames.
fn import(name: &str, path: &Path, bytes: &[u8]) {
    let importer: &dyn Importer = *IMPORTERS.iter().find(|i| i.name() == name).unwrap_or(&IMPORTERS[0]);
    assert_eq!(importer.name(), name);
    let Ok(songs) = importer.import(path, bytes) else { return };
    for song in songs.into_iter().flatten() {
        let frames = song.sheet.frames();
        assert_eq!(frames.melody.len(), frames.chords.len(), "{}: lanes of two lengths", song.id);
    }
}
