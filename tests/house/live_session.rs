//! First light: a melody goes into the plugin and chords come out on the host's grid, from a model that matters.

use crate::support::{
    alone::{House, Model, Runtime, alone},
    models,
    stage::{self, ALL, BOTH, Face, playing, says, setup},
    this_test, tunes,
};
use hosts::{
    Rendering,
    song::Song,
    timeline::{BlockSizes, HeardNote, Recording, Script},
};
use music::{grid::FRAMES_PER_BEAT, manifest::Manifest, pitch::Pitch};
use trainer::model::Shape;

/// Plays a tune offline.
fn session(face: Face, song: &Song, settings: &[(&str, &str)]) -> Recording {
    let mut host = playing(face, setup(512, Rendering::Offline), settings);
    stage::play(host.as_mut(), song, &Script::whole(song, BlockSizes::Fixed(512)))
}

/// The share of the melody's time, of that in which a chord sounds, whose pitch class is among what sounds.
fn note_in_chord(song: &Song, answer: &[HeardNote]) -> f64 {
    let (mut both, mut inside) = (0, 0);
    // Looked at in the middle of each frame.
    for frame in 0..(song.length.0 * FRAMES_PER_BEAT as f64) as i64 {
        let now = (frame as f64 + 0.5) / FRAMES_PER_BEAT as f64;
        let class = |key: u8| Pitch::new(key).expect("a key").class();
        let melody = song.notes.iter().find(|n| n.note.on.0 <= now && now < n.note.off.0);
        let mut sounding = answer.iter().filter(|n| n.on.0 <= now && now < n.off.0).peekable();
        if let (Some(melody), Some(_)) = (melody, sounding.peek()) {
            both += 1;
            inside += u32::from(sounding.any(|n| class(n.key) == melody.note.pitch.class()));
        }
    }
    if both == 0 { 0.0 } else { f64::from(inside) / f64::from(both) }
}

#[test]
fn a_melody_goes_in_and_chords_come_out() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            for face in ALL {
                let mut host = playing(face, setup(512, Rendering::Offline), &[]);
                let engine = says(host.as_mut(), "engine");
                assert!(engine.starts_with("ONNX Runtime"), "{face:?}: the engine is {engine:?}");
                assert_eq!(says(host.as_mut(), "status"), "ready", "{face:?}");
                assert_eq!(host.latency_samples(), 0);

                let song = tunes::plain(16, 120.0);
                let recording =
                    stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512)));
                let notes = recording.notes();
                assert!(notes.iter().any(|n| n.channel == 0), "{face:?}: no chord came");
                assert!(notes.iter().any(|n| n.channel == 1), "{face:?}: no bass came");
                assert!(notes.iter().all(|n| n.channel < 2), "{face:?}: the melody came through");
                assert!(notes.iter().all(|n| (24..=100).contains(&n.key)), "{face:?}: out of range");
                let first = notes.iter().map(|n| n.on.0).fold(f64::MAX, f64::min);
                assert!(first >= 4.0, "{face:?}: it was to listen for 4 beats and played at {first}");
                assert_eq!(stage::late(host.as_mut()), 0, "{face:?}");
                assert_eq!(host.loudest(), 0.0, "{face:?}: it sends sound");
                println!(
                    "{face:?}: {} notes, note in chord {:.2}",
                    notes.len(),
                    note_in_chord(&song, &notes)
                );
            }
            String::new()
        },
    );
}

#[test]
fn chords_change_only_where_they_may() {
    alone(
        &this_test!(),
        "untrained",
        || House::with_model(models::untrained(models::TINY, 3)),
        || {
            for face in BOTH {
                for (grid, beats) in
                    [("8th", 0.5), ("Beat", 1.0), ("Half bar", 2.0), ("Bar", 4.0), ("2 bars", 8.0)]
                {
                    let song = tunes::plain(12, 140.0);
                    let recording = session(face, &song, &[("grid", grid), ("listen", "0")]);
                    let notes = recording.notes();
                    assert!(!notes.is_empty(), "{face:?} {grid}: nothing came");
                    for note in notes {
                        // A sample at 140 BPM is 5e-5 beats; a note comes at the first sample at or after its place.
                        let off = note.on.0.rem_euclid(beats);
                        assert!(off.min(beats - off) < 1e-4, "{face:?} {grid}: a note at beat {}", note.on.0);
                    }
                }
            }
            String::new()
        },
    );
}

/// Means over the tunes of the project, one a line: the format, and how well its chords fit.
fn fits() -> String {
    let mut report = String::new();
    for face in BOTH {
        let tunes = tunes::shipped();
        let mut sum = 0.0;
        for (name, song) in &tunes {
            let fit = note_in_chord(song, &session(face, song, &[]).notes());
            println!("{face:?} {name}: note in chord {fit:.3}");
            sum += fit;
        }
        report += &format!("{} ", sum / tunes.len() as f64);
    }
    report
}

#[test]
fn the_models_choice_matters() {
    let test = this_test!();
    let untrained = || {
        // The same contract and the same size as the shipped model, but nothing was learnt.
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/model/chords.onnx");
        let file = std::fs::read(path).expect("the shipped model is read");
        let shipped: Manifest = realchords::worker::metadata::manifest(&file).expect("it keeps the contract");
        println!("the shipped model: {} after {} updates", shipped.name, shipped.steps);
        House { model: Model::Bytes(models::untrained(Shape::default(), 1)), runtime: Runtime::Pinned }
    };
    let reports =
        [alone(&test, "shipped", || House::SHIPPED, fits), alone(&test, "untrained", untrained, fits)];
    let [shipped, untrained] = reports.map(|report| -> Vec<f64> {
        report.split_whitespace().map(|number| number.parse().expect("a number")).collect()
    });
    println!(
        "note in chord over the tunes: {shipped:.3?} with the shipped model, {untrained:.3?} without training"
    );
    for (shipped, untrained) in shipped.iter().zip(&untrained) {
        assert!(
            *shipped > 0.45,
            "the shipped model's chords hold the melody's note {shipped:.3} of the time"
        );
        assert!(shipped - untrained > 0.1, "{shipped:.3} against {untrained:.3} without training");
    }
    assert!((shipped[0] - shipped[1]).abs() < 1e-9, "the formats differ: {shipped:?}");
}
