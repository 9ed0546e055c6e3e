//! The short pass: every target bears its seeds and some broken copies of them.

use fuzz::{TARGETS, answers, mutated, target};
use realchords::{links::Health, params::ChordsParams};
use std::sync::Arc;

/// Broken copies of each seed.
const COPIES: u64 = 150;

#[test]
fn no_target_minds_broken_seeds() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (idx, seed) in seeds.iter().enumerate() {
            (target.run)(seed);
            let copies = if seed.len() > 100_000 { COPIES / 10 } else { COPIES };
            for copy in 0..copies {
                let broken = mutated(&seeds, idx, copy);
                let outcome = std::panic::catch_unwind(|| (target.run)(&broken));
                assert!(outcome.is_ok(), "{}: copy {copy} of seed {idx} broke it", target.name);
            }
        }
    }
}

#[test]
fn the_same_number_breaks_a_seed_the_same_way() {
    let seeds = [b"one seed".to_vec(), b"another".to_vec()];
    assert_eq!(mutated(&seeds, 0, 7), mutated(&seeds, 0, 7));
    assert!((0..50).any(|copy| mutated(&seeds, 0, copy) != seeds[0]));
}

#[test]
fn names_are_found_and_stand_once() {
    for (idx, one) in TARGETS.iter().enumerate() {
        assert_eq!(TARGETS.iter().position(|other| other.name == one.name), Some(idx));
        assert!(target(one.name).is_some());
    }
    assert!(target("no such").is_none());
}

#[test]
fn the_seed_of_a_project_is_one_that_is_read() {
    let seeds = (target("state").unwrap().seeds)();
    let instance = ChordsParams::new(&Arc::new(Health::default()));
    instance.restore(&serde_json::from_slice(&seeds[0]).unwrap());
    assert_eq!(instance.shared().capture.copy().num_frames(), 18);
    assert!(instance.saved()["capture"].contains("touch"));
}

#[test]
fn the_whole_models_among_the_seeds_play() {
    let seeds = (target("model").unwrap().seeds)();
    let answered: Vec<usize> = seeds.iter().map(|seed| answers(seed)).collect();
    assert_eq!(answered, [2, 2, 0], "of floats, of bytes, and a manifest alone");
}
