//! The whole evaluation on songs made by hand.

use super::{conditions::tests::song, metrics::vendi::ChordUse, *};
use crate::{
    model::{Network, Policy, Shape, teacher::Teacher},
    run::checkpoint::Checkpoint,
};
use music::sampling::Sampling;

const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };

fn songs() -> Songs {
    let tune = "| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - | G4 - - - B4 - D5 - | C5 - - - - - . . |";
    let chords = "| C - - - - - - - | F - - - - - - - | G7 - - - - - - - | C - - - - - - - |";
    let other = chords.replace('F', "Dm");
    Songs(vec![
        song("one", &tune.repeat(8), &chords.repeat(8)),
        song("one", &tune.repeat(9), &other.repeat(9)),
        song("two", &tune.repeat(3), &chords.repeat(3)),
    ])
}

fn systems(folder: &std::path::Path) -> Vec<System> {
    let policy = folder.join("policy.safetensors");
    let teacher = folder.join("teacher.safetensors");
    std::fs::write(&policy, Checkpoint::start(Policy::build(SMALL, 1).unwrap()).to_bytes().unwrap()).unwrap();
    std::fs::write(&teacher, Checkpoint::start(Teacher::build(SMALL, 1).unwrap()).to_bytes().unwrap())
        .unwrap();
    let open = |path: &std::path::Path, name: &str| {
        System::open(&format!("{name}={}@0.8", path.display()), Sampling::default()).unwrap()
    };
    vec![System::humans(), System::trivial(), open(&policy, "p"), open(&teacher, "t")]
}

#[test]
fn every_system_meets_every_condition_and_all_of_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let systems = systems(folder.path());
    let protocol = Protocol { seeds: 2, jams: 1, sweep_songs: 1, frames: 128, ..Protocol::default() };
    let progress = ProgressBar::hidden();
    let report = evaluate(&systems, &songs(), &protocol, &ChordUse, &progress).unwrap();
    assert_eq!(progress.position(), progress.length().unwrap(), "the bar's length is the work that was done");
    let keys: Vec<&str> = report.results.iter().map(|r| r.key.as_str()).collect();
    assert_eq!(keys, CONDITIONS[..5]);
    for result in &report.results {
        let names: Vec<&str> = result.rows.iter().map(|row| row.system.as_str()).collect();
        assert_eq!(names, ["humans", "trivial", "p", "t"]);
        let songs = [1, 1, 2, 2].map(|seeds| seeds * result.songs);
        assert_eq!(result.rows.iter().map(|row| row.metrics.songs).collect::<Vec<_>>(), songs);
    }
    let cold = &report.results[0];
    assert_eq!((cold.songs, cold.frames), (3, 128 + 128 + 96));
    assert_eq!(cold.rows[0].onset_frames, Some(0.0));
    assert_eq!(cold.rows[2].corpora.keys().collect::<Vec<_>>(), ["one", "two"]);
    // The long songs alone take part where the key jumps; the teacher neither jams nor commits ahead.
    assert_eq!(report.results[3].songs, 2);
    assert!(report.results[3].rows.iter().all(|row| row.curve.len() == 46));
    assert_eq!(
        report.drift.iter().map(|d| d.system.as_str()).collect::<Vec<_>>(),
        ["humans", "trivial", "p"]
    );
    assert_eq!(report.drift[0].fraction, vec![Some(1.0); 20]);
    assert_eq!(report.sweep.iter().map(|c| c.commit).collect::<Vec<_>>(), [1, 1, 4, 8, 16]);
    let again = evaluate(&systems, &songs(), &protocol, &ChordUse, &progress).unwrap();
    assert_eq!(report.json().unwrap(), again.json().unwrap());

    let page = report::html::page(&report);
    for word in ["<svg", "humans", "trivial", "Cold start", "bootstrap", "Vendi"] {
        assert!(page.contains(word), "the report lacks {word}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(!page.contains("NaN") && !page.contains("http://") && !page.contains("https://"));
    let table = report::table::table(cold);
    assert!(table.contains("note in chord") && table.contains("trivial"), "{table}");
}

#[test]
fn conditions_can_be_chosen() {
    let protocol = Protocol { conditions: vec!["tritone".into()], ..Protocol::default() };
    let systems = [System::humans(), System::trivial()];
    let report = evaluate(&systems, &songs(), &protocol, &ChordUse, &ProgressBar::hidden()).unwrap();
    assert_eq!(report.results.iter().map(|r| r.key.as_str()).collect::<Vec<_>>(), ["tritone"]);
    assert!(report.drift.is_empty() && report.sweep.is_empty());
    // Humans' chords carried along are found back at once: the tune fits as well after the jump as before.
    let recovery = report.results[0].rows[0].recovery.unwrap();
    assert_eq!((recovery.songs, recovery.never), (2, 0.0));
}
