//! One network, four ways: the trainer's forward pass over a whole crop, its stepper, and the exported file in both of
//! the plugin's engines. Logits agree to a tolerance, over more frames than the context holds and past the place where
//! positions begin anew; tokens drawn from them are the same.

use crate::support::{
    alone::{House, alone},
    models::{self, TINY},
    this_test,
};
use burn::tensor::Device;
use music::{
    grid::{Beats, Frame},
    harmony::ChordFrame,
    melody::{Chroma, MelodyFrame},
    meter::{BarPhase, Meter},
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{CONTEXT_FRAMES, ChordToken, MelodyToken, POSITION_PERIOD, bar_ids},
};
use realchords::worker::{
    builtin::BuiltIn,
    metadata,
    model::{ChordModel, KvRing, StepInput, StepOutput},
    onnx_runtime::OnnxRuntime,
};
use std::fmt::Write;
use trainer::{
    dataset::{Batch, augment::Crop},
    export::{self, Weights},
    model::{
        Shape,
        forward::Leaves,
        stepper::{self, Dense, Streams},
    },
};

/// The worst difference of a logit that is let pass, as a share of the frame's largest logit (at least 1).
const TOLERANCE: f32 = 1e-4;
/// The same where matrices are of bytes: what goes into them is rounded to one of 256 steps, now up, now down, as the last
/// bit of a float has it. Tokens drawn may then differ.
const TOLERANCE_OF_BYTES: f32 = 0.05;
/// What the distribution of chords may be off there on the average, in nats.
const NATS_OF_BYTES: f64 = 1e-3;

/// Logits of some frames, chords then melody.
type Logits = Vec<Vec<f32>>;

/// A walk through both lanes that no music would take, with changing meters and stretches that know no bar.
fn walk(frames: usize) -> Crop {
    let mut crop = Crop::default();
    let meters = [(4, 4), (3, 4), (7, 8)].map(|(n, d)| Meter::new(n, d).expect("a meter"));
    let (mut chord, mut melody) = (ChordToken::START, MelodyToken::START);
    for frame in 0..frames as i64 {
        let at = |purpose| uniform(11, frame, purpose);
        let next = match (at(Draw::Chord) * 10.0) as u32 {
            0..=5 if chord.may_precede(ChordToken::HOLD) => ChordToken::HOLD,
            6 => ChordToken::SILENCE,
            _ => ChordToken::from_id((at(Draw::Performance) * ChordToken::COUNT as f64) as usize)
                .expect("a token"),
        };
        chord = if chord.may_precede(next) { next } else { ChordToken::SILENCE };
        let next = (uniform(12, frame, Draw::Melody) * MelodyToken::COUNT as f64) as usize;
        let next = MelodyToken::from_id(if at(Draw::Melody) < 0.5 { 1 } else { next }).expect("a token");
        melody = if melody.may_precede(next) { next } else { MelodyToken::REST };
        let meter = meters[(frame / 100 % 3) as usize];
        let knows = frame / 40 % 4 != 3;
        crop.chords.push(chord.frame());
        crop.melody.push(melody.frame());
        crop.annotated.push(true);
        crop.phases.push(if knows {
            BarPhase::of(Frame(frame), meter, Beats(0.0))
        } else {
            BarPhase::Unknown
        });
    }
    crop
}

/// What each step is given.
fn inputs(crop: &Crop) -> Vec<StepInput> {
    let mut chroma = Chroma::default();
    let (mut chord, mut melody) = (ChordToken::START, MelodyToken::START);
    let step = |(t, (heard, played)): (usize, (&MelodyFrame, &ChordFrame))| {
        let position = t as i64 % POSITION_PERIOD;
        let input =
            StepInput { chord, melody, bar: bar_ids(crop.phases[t]), position, chroma: chroma.features() };
        (chord, melody) = (ChordToken::of(*played), MelodyToken::of(*heard));
        chroma.hear(*heard);
        input
    };
    crop.melody.iter().zip(&crop.chords).enumerate().map(step).collect()
}

fn of_stepper(dense: &Dense, inputs: &[StepInput]) -> Logits {
    let mut stream = Streams::new(dense, 1);
    let step = |input: &StepInput| {
        let StepInput { chord, melody, bar: (bar_position, bar_length), chroma, .. } = *input;
        stream.step(dense, &[stepper::StepInput { chord, melody, bar_position, bar_length, chroma }], None);
        [&stream.chord_logits[..], &stream.melody_logits[..]].concat()
    };
    inputs.iter().map(step).collect()
}

fn of_engine(model: &mut dyn ChordModel, inputs: &[StepInput]) -> Logits {
    let mut cache = KvRing::new(model.dims());
    let mut output = StepOutput::new(model.dims());
    let mut logits = Logits::new();
    for (t, input) in inputs.iter().enumerate() {
        model.step(input, &cache, &mut output).unwrap_or_else(|error| panic!("frame {t}: {error}"));
        cache.put(t % CONTEXT_FRAMES, &output.new_keys, &output.new_values);
        logits.push([&output.chord_logits[..], &output.melody_logits[..]].concat());
    }
    logits
}

/// Both of the plugin's engines with the same file.
fn of_both(file: &[u8], inputs: &[StepInput]) -> [Logits; 2] {
    let manifest = metadata::manifest(file).expect("the file keeps the contract");
    let mut runtime = OnnxRuntime::open(file, &manifest).unwrap_or_else(|error| panic!("{error}"));
    let mut builtin = BuiltIn::open(file, &manifest).unwrap_or_else(|error| panic!("{error}"));
    [of_engine(&mut runtime, inputs), of_engine(&mut builtin, inputs)]
}

/// The chord and melody tokens drawn from a frame's logits.
fn drawn(logits: &[f32], input: &StepInput, frame: usize) -> [Option<usize>; 2] {
    let (chords, melody) = logits.split_at(ChordToken::COUNT);
    let chord_fits = |id: usize| ChordToken::from_id(id).is_some_and(|next| input.chord.may_precede(next));
    let melody_fits = |id: usize| MelodyToken::from_id(id).is_some_and(|next| input.melody.may_precede(next));
    let at = |purpose| uniform(7, frame as i64, purpose);
    [
        draw(chords, ChordToken::FIRST_ONSET, chord_fits, Sampling::default(), at(Draw::Chord)),
        draw(melody, MelodyToken::FIRST_ONSET, melody_fits, Sampling::default(), at(Draw::Melody)),
    ]
}

/// The worst difference from the reference, and in words.
fn compare(name: &str, found: &Logits, reference: &Logits) -> (f32, String) {
    let mut worst = (0.0f32, 0);
    for (t, (found, reference)) in found.iter().zip(reference).enumerate() {
        let scale = reference.iter().fold(1.0f32, |scale, x| scale.max(x.abs()));
        let off = found.iter().zip(reference).map(|(a, b)| (a - b).abs() / scale).fold(0.0f32, f32::max);
        assert!(found.iter().all(|logit| logit.is_finite()), "{name}: no number in frame {t}");
        if off > worst.0 {
            worst = (off, t);
        }
    }
    let said = format!("{name}: worst difference {:.2e} of the largest logit, in frame {}", worst.0, worst.1);
    println!("{said}");
    (worst.0, said)
}

/// Holds logits against the reference, and the tokens drawn from them too.
fn check(name: &str, found: &Logits, reference: &Logits, inputs: &[StepInput]) -> String {
    let (worst, said) = compare(name, found, reference);
    assert!(worst < TOLERANCE, "{said}; at most {TOLERANCE:e}");
    let differs = (0..found.len())
        .find(|t| drawn(&found[*t], &inputs[*t], *t) != drawn(&reference[*t], &inputs[*t], *t));
    if let Some(t) = differs {
        let [ours, theirs] = [found, reference].map(|logits| drawn(&logits[t], &inputs[t], t));
        panic!("{said}; in frame {t} the tokens {ours:?} were drawn where the reference draws {theirs:?}");
    }
    said
}

/// The same for a file of bytes: near, and on the average as good as equal.
fn check_bytes(name: &str, found: &Logits, reference: &Logits) -> String {
    let (worst, said) = compare(name, found, reference);
    assert!(worst < TOLERANCE_OF_BYTES, "{said}; at most {TOLERANCE_OF_BYTES:e}");
    let chances = |logits: &[f32]| -> Vec<f64> {
        let most = logits.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f64> = logits.iter().map(|logit| f64::from(logit - most).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|power| power / sum).collect()
    };
    let divergence = |(found, reference): (&Vec<f32>, &Vec<f32>)| -> f64 {
        let [found, reference] = [found, reference].map(|logits| chances(&logits[..ChordToken::COUNT]));
        reference.iter().zip(&found).map(|(p, q)| p * (p / q).ln()).sum()
    };
    let nats = found.iter().zip(reference).map(divergence).sum::<f64>() / found.len() as f64;
    assert!(nats < NATS_OF_BYTES, "{said}; {nats:.1e} nats on the average, at most {NATS_OF_BYTES:e}");
    format!("{said}; {nats:.1e} nats on the average\n")
}

#[test]
fn forward_stepper_and_both_engines_agree_over_a_full_ring() {
    let report = alone(
        &this_test!(),
        "default shape",
        || House::SHIPPED,
        || {
            let shape = Shape::default();
            let policy = models::policy(shape, 5);
            let crop = walk(CONTEXT_FRAMES * 2 + 100);
            let inputs = inputs(&crop);
            let stepped = of_stepper(&Dense::new(&policy), &inputs);

            let device = Device::flex();
            let leaves = Leaves::new(&policy.parameters, &device, false);
            let outputs = policy.forward(&leaves, &Batch::of(std::slice::from_ref(&crop)).inputs, &device);
            let [chords, melody] = [outputs.chords, outputs.melody]
                .map(|logits| logits.into_data().try_to_vec::<f32>().expect("numbers"));
            let forward: Logits = chords
                .chunks(ChordToken::COUNT)
                .zip(melody.chunks(MelodyToken::COUNT))
                .map(|(chords, melody)| [chords, melody].concat())
                .collect();
            assert_eq!(forward.len(), inputs.len());

            let [runtime, builtin] = of_both(&models::file(&policy, &models::manifest(shape)), &inputs);
            let mut report = String::new();
            for (name, logits) in [("forward", &forward), ("ONNX Runtime", &runtime), ("built-in", &builtin)]
            {
                let _ = writeln!(report, "{}", check(name, logits, &stepped, &inputs));
            }
            report
        },
    );
    println!("{report}");
}

#[test]
fn positions_begin_anew_without_a_seam() {
    alone(
        &this_test!(),
        "tiny shape",
        || House::SHIPPED,
        || {
            let policy = models::policy(TINY, 6);
            let inputs = inputs(&walk(POSITION_PERIOD as usize + CONTEXT_FRAMES + 44));
            let stepped = of_stepper(&Dense::new(&policy), &inputs);
            let [runtime, builtin] = of_both(&models::file(&policy, &models::manifest(TINY)), &inputs);
            // The whole way is compared; what matters is the stretch in which the cache straddles the seam.
            check("ONNX Runtime", &runtime, &stepped, &inputs)
                + &check("built-in", &builtin, &stepped, &inputs)
        },
    );
}

#[test]
fn a_file_of_bytes_answers_nearly_as_the_floats_do() {
    alone(
        &this_test!(),
        "default shape",
        || House::SHIPPED,
        || {
            let policy = models::policy(Shape::default(), 7);
            let inputs = inputs(&walk(CONTEXT_FRAMES + 64));
            let stepped = of_stepper(&Dense::new(&policy), &inputs);
            let file = export::onnx(&policy, &models::manifest(Shape::default()), Weights::Bytes);
            let [runtime, builtin] = of_both(&file, &inputs);
            check_bytes("ONNX Runtime", &runtime, &stepped) + &check_bytes("built-in", &builtin, &stepped)
        },
    );
}

#[test]
fn the_shipped_model_is_nearly_the_same_in_both_engines() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/model/chords.onnx");
            let file = std::fs::read(path).expect("the shipped model is read");
            let inputs = inputs(&walk(CONTEXT_FRAMES + 64));
            let [runtime, builtin] = of_both(&file, &inputs);
            check_bytes("built-in against ONNX Runtime", &builtin, &runtime)
        },
    );
}
