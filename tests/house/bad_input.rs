//! What is broken, missing or too much is said in words and costs itself alone: the host lives, and where any engine is
//! left it plays.

use crate::support::{
    alone::{House, Model, Runtime, alone, pinned_runtime},
    conductor::{Conductor, off, on},
    models::{self, TINY},
    stage::{self, BOTH, playing, says, setup},
    this_test, tunes,
};
use hosts::{
    Block, Event, ParamChange, Rendering, TimedEvent,
    timeline::{BlockSizes, Script},
};
use music::vocab::fingerprint;

/// Plays a melody with both formats; chords must not come, the melody must come through, and `status` says why.
fn passes_through_and_says(why: &[&str]) -> String {
    for face in BOTH {
        let mut host = playing(
            face,
            setup(512, Rendering::Offline),
            &[("pass_through", "Melody and chords"), ("listen", "0")],
        );
        let status = says(host.as_mut(), "status");
        println!("{face:?}: {status}");
        assert!(status.starts_with("no model: "), "{face:?}: the status is {status:?}");
        for part in why {
            assert!(status.contains(part), "{face:?}: no {part:?} in {status:?}");
        }
        assert_eq!(says(host.as_mut(), "engine"), "none", "{face:?}");
        let song = tunes::plain(2, 120.0);
        let notes = stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
        assert_eq!(notes.len(), song.notes.len(), "{face:?}");
        assert_eq!(stage::late(host.as_mut()), 0, "{face:?}: who has no model is not late");
    }
    String::new()
}

/// Chords come from the built-in engine, which says why it serves.
fn the_builtin_engine_serves(why: &[&str]) -> String {
    for face in BOTH {
        let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "0")]);
        assert_eq!(says(host.as_mut(), "status"), "ready", "{face:?}");
        let engine = says(host.as_mut(), "engine");
        println!("{face:?}: {engine}");
        assert!(engine.starts_with("built-in"), "{face:?}: the engine is {engine:?}");
        for part in why {
            assert!(engine.contains(part), "{face:?}: no {part:?} in {engine:?}");
        }
        let song = tunes::plain(2, 120.0);
        let notes = stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
        assert!(!notes.is_empty(), "{face:?}: no chord came");
    }
    String::new()
}

#[test]
fn a_model_cut_off_anywhere_is_refused() {
    let test = this_test!();
    for label in ["0", "1", "100", "half", "tail", "last"] {
        let house = || {
            let file = models::untrained(TINY, 1);
            let len = match label {
                "half" => file.len() / 2,
                "tail" => file.len() - 200,
                "last" => file.len() - 1,
                number => number.parse().expect("a number"),
            };
            House::with_model(file[..len].to_vec())
        };
        alone(&test, label, house, || passes_through_and_says(&[]));
    }
}

#[test]
fn what_is_no_model_is_refused() {
    let test = this_test!();
    let text = || House::with_model(b"a letter to the editor".repeat(1000));
    alone(&test, "text", text, || passes_through_and_says(&["no whole ONNX model"]));
    let zeros = || House::with_model(vec![0; 100_000]);
    alone(&test, "zeros", zeros, || passes_through_and_says(&[]));
    let noise =
        || House::with_model((0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect());
    alone(&test, "noise", noise, || passes_through_and_says(&[]));
    let absent = || House { model: Model::At("/no/such/model.onnx".into()), runtime: Runtime::Pinned };
    alone(&test, "absent", absent, || passes_through_and_says(&["/no/such/model.onnx", "REALCHORDS_MODEL"]));
    let folder = || House { model: Model::At(env!("CARGO_MANIFEST_DIR").into()), runtime: Runtime::Pinned };
    alone(&test, "folder", folder, || passes_through_and_says(&["REALCHORDS_MODEL"]));
}

#[test]
fn a_model_of_another_vocabulary_is_refused_with_both_values() {
    let house = || House::with_model(models::of_another_vocabulary());
    alone(&this_test!(), "vocabulary", house, || {
        passes_through_and_says(&["0123456789abcdef", &fingerprint()])
    });
}

#[test]
fn a_graph_that_breaks_its_manifest_is_refused() {
    // The manifest promises one more layer than the graph has.
    let house = || {
        let manifest = music::manifest::Manifest { layers: TINY.layers + 1, ..models::manifest(TINY) };
        House::with_model(models::file(&models::policy(TINY, 1), &manifest))
    };
    alone(&this_test!(), "layers", house, || {
        for face in BOTH {
            let mut host = playing(
                face,
                setup(512, Rendering::Offline),
                &[("pass_through", "Melody and chords"), ("listen", "0")],
            );
            let song = tunes::plain(2, 120.0);
            let notes =
                stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
            assert_eq!(notes.len(), song.notes.len(), "{face:?}");
            let status = says(host.as_mut(), "status");
            println!("{face:?}: {status}");
            assert!(
                status.starts_with("no model: ") || status.starts_with("failed: "),
                "{face:?}: {status:?}"
            );
        }
        String::new()
    });
}

fn tiny() -> Model {
    Model::Bytes(models::untrained(TINY, 3))
}

#[test]
fn without_a_runtime_the_builtin_engine_serves() {
    let house = || House { model: tiny(), runtime: Runtime::Nowhere };
    alone(&this_test!(), "nowhere", house, || the_builtin_engine_serves(&["onnxruntime"]));
    let house = || House { model: tiny(), runtime: Runtime::File("/no/such/library.so".into()) };
    alone(&this_test!(), "absent", house, || the_builtin_engine_serves(&["/no/such/library.so"]));
    let house = || House { model: tiny(), runtime: Runtime::File("none".into()) };
    alone(&this_test!(), "none", house, || the_builtin_engine_serves(&["none"]));
}

#[test]
fn a_truncated_runtime_is_not_loaded() {
    let test = this_test!();
    for (label, share) in [("half", 0.5), ("most", 0.98), ("all but one", 1.0)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("libonnxruntime.so");
        let house = || {
            let whole = std::fs::read(pinned_runtime()).expect("the runtime is read");
            let len = ((whole.len() as f64 * share) as usize).min(whole.len() - 1);
            std::fs::write(&path, &whole[..len]).expect("a part of it is written");
            House { model: tiny(), runtime: Runtime::File(path.clone()) }
        };
        alone(&test, label, house, || the_builtin_engine_serves(&["no whole library"]));
    }
}

#[test]
fn another_library_is_not_taken_for_the_runtime() {
    // The plugin itself: a whole library, and no ONNX Runtime.
    let house = || House { model: tiny(), runtime: Runtime::File(stage::library()) };
    alone(&this_test!(), "plugin", house, || the_builtin_engine_serves(&["cannot be loaded"]));
}

#[test]
fn ten_thousand_notes_in_a_block_are_borne() {
    alone(
        &this_test!(),
        "tiny",
        || House::with_model(models::untrained(TINY, 3)),
        || {
            for face in BOTH {
                let mut host = playing(
                    face,
                    setup(512, Rendering::Realtime),
                    &[("pass_through", "Melody and chords"), ("listen", "0")],
                );
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                stand.transport.playing = true;
                let keys = |n: u32| (n * 37 % 128) as u8;
                let burst: Vec<(u32, Event)> = (0..10_000).map(|n| (n * 512 / 10_000, on(keys(n)))).collect();
                stand.block(512, &burst);
                assert_eq!(stand.ledger.num_sounding(), 128, "{face:?}: every key is down");
                let ends: Vec<(u32, Event)> = (0..10_000).map(|n| (n * 512 / 10_000, off(keys(n)))).collect();
                stand.block(512, &ends);
                for _ in 0..100 {
                    stand.block(512, &[]);
                }
                stand.stop();
                stand.close();
            }
            String::new()
        },
    );
}

#[test]
fn parameters_that_change_at_every_sample_are_borne_and_change_no_take() {
    let tiny = || House::with_model(models::untrained(TINY, 3));
    alone(&this_test!(), "tiny", tiny, || {
        for face in BOTH {
            let take = |storms: bool| {
                let mut host = playing(
                    face,
                    setup(4096, Rendering::Realtime),
                    &[("listen", "1 beat"), ("commit", "1 beat")],
                );
                let id = host.param("lowest").expect("it is there").id;
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                stand.transport.playing = true;
                for block in 0..30u32 {
                    let events = vec![
                        TimedEvent { offset: 7, event: on(60 + (block % 12) as u8) },
                        TimedEvent { offset: 4000, event: off(60 + (block % 12) as u8) },
                    ];
                    // To and fro below every voicing: it cuts the block, and says nothing.
                    let change =
                        |offset: u32| ParamChange { offset, id, normalized: f64::from(offset % 2) / 36.0 };
                    let params = (0..4096).filter(|_| storms).map(change).collect();
                    let transport = Some(stand.transport);
                    stand.send(Block { samples: 4096, transport, events, params, ..Block::default() });
                }
                stand.stop();
                let heard = std::mem::take(&mut stand.heard);
                stand.close();
                heard
            };
            let calm = take(false);
            assert!(calm.len() > 20 && take(true) == calm, "{face:?}: {} events", calm.len());
        }
        String::new()
    });
}

#[test]
fn empty_blocks_and_full_queues_are_borne() {
    alone(
        &this_test!(),
        "tiny",
        || House::with_model(models::untrained(TINY, 3)),
        || {
            for face in BOTH {
                let mut host = playing(
                    face,
                    setup(512, Rendering::Realtime),
                    &[("pass_through", "Melody and chords"), ("listen", "0")],
                );
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                stand.transport.playing = true;
                for n in 0..600u32 {
                    let key = 60 + (n % 12) as u8;
                    let event = if n % 2 == 0 { on(key) } else { off(key - 1) };
                    let samples = if n % 5 == 0 { 0 } else { 256 };
                    let events = if samples > 0 { vec![TimedEvent { offset: 7, event }] } else { Vec::new() };
                    let transport = Some(stand.transport);
                    let out_capacity = [None, Some(0), Some(1), Some(3)][(n / 7 % 4) as usize];
                    stand.send(Block { samples, transport, events, out_capacity, ..Block::default() });
                }
                let ends: Vec<(u32, Event)> = (0..128).map(|key| (0, off(key))).collect();
                stand.block(256, &ends);
                stand.stop();
                stand.close();
            }
            String::new()
        },
    );
}
