//! The whole way: two tunes of our own are learnt by the trainer, its checkpoint becomes a file, the plugin opens the file
//! in ONNX Runtime, a melody goes in and chords come out.

use crate::support::{
    alone::{House, alone},
    stage::{self, BOTH, playing, says, setup},
    this_test, tunes,
};
use hosts::{
    Rendering,
    timeline::{BlockSizes, Script},
};
use music::{
    grid::{Beats, Frame},
    lead_sheet::Frames,
    meter::{BarPhase, Meter},
    notation::{parse_chords, parse_melody},
};
use std::collections::BTreeMap;
use trainer::{
    dataset::{Song, Songs},
    export::{self, Weights},
    model::Policy,
    pretrain::Training,
    run::recipe::Recipe,
};

const RECIPE: &str = r#"
name = "two tunes"
seed = 7
sources = []
[model]
layers = 2
heads = 2
invariant = 32
pitched = 4
inner = 2
[pretrain]
updates = 30
batch = 4
time = 64
[pretrain.optimizer]
rate = 0.01
warmup = 4
final_share = 0.1
beta1 = 0.9
beta2 = 0.95
decay = 0.0
clip = 1.0
"#;

fn song(id: &str, melody: &str, chords: &str) -> Song {
    let melody = parse_melody(melody).expect("a melody");
    let chords = parse_chords(chords).expect("chords");
    assert_eq!(melody.len(), chords.len());
    let phases =
        (0..melody.len() as i64).map(|frame| BarPhase::of(Frame(frame), Meter::COMMON, Beats(0.0))).collect();
    let annotated = vec![true; melody.len()];
    Song { id: id.into(), source: "own".into(), frames: Frames { melody, chords, annotated, phases } }
}

fn songs() -> Songs {
    Songs(vec![
        song(
            "up and down",
            "| C4 - D4 - E4 - F4 - G4 - - - E4 - C4 - | F4 - G4 - A4 - B4 - C5 - - - - - . . |",
            "| C  - -  - -  - -  - G  - - - C  - -  - | F  - -  - G  - -  - C  - - - - - - - |",
        ),
        song(
            "in minor",
            "| A4 - - - C5 - B4 - A4 - G4 - A4 - - - | E4 - - - G4 - F#4 - E4 - D4 - E4 - - - |",
            "| Am - - - -  - -  - F  - -  - G  - - - | Em - - - -  - -   - C  - D  - Em - - - |",
        ),
    ])
}

fn trained() -> Vec<u8> {
    let recipe = Recipe::parse(RECIPE).expect("a recipe");
    let songs = songs();
    let mut training = Training::<Policy>::new(&recipe, &songs, None).expect("training begins");
    let losses: Vec<f32> = (0..recipe.pretrain.updates).map(|_| training.update().chord_loss).collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    println!("chord loss {first:.3} to {last:.3} nats in {} updates", losses.len());
    assert!(last < 0.9 * first, "nothing was learnt: {first} to {last}");
    let corpora = BTreeMap::from([("own".to_owned(), "CC0-1.0".to_owned())]);
    let manifest =
        export::manifest(&training.checkpoint, "mle", &recipe, corpora, BTreeMap::new(), "test".into());
    export::onnx(&training.checkpoint.network, &manifest, Weights::Bytes)
}

#[test]
fn what_the_trainer_learns_the_plugin_plays() {
    alone(
        &this_test!(),
        "trained",
        || House::with_model(trained()),
        || {
            for face in BOTH {
                let mut host = playing(face, setup(512, Rendering::Offline), &[]);
                let (engine, model) = (says(host.as_mut(), "engine"), says(host.as_mut(), "model"));
                println!("{face:?}: {model} in {engine}");
                assert!(engine.starts_with("ONNX Runtime"), "{face:?}: the engine is {engine:?}");
                assert!(model.contains("two tunes"), "{face:?}: the model is {model:?}");
                let song = tunes::plain(12, 120.0);
                let notes =
                    stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512))).notes();
                assert!(notes.iter().any(|n| n.channel == 0), "{face:?}: no chord came");
                assert_eq!(stage::late(host.as_mut()), 0, "{face:?}");
            }
            String::new()
        },
    );
}
