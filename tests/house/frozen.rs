//! What hosts have stored and will ask for again: ids of plugin and classes, of parameters and of their values. None of
//! these literals may change once a version is out; a session saved with it would lose its settings or its plugin.

use crate::support::{
    alone::{House, alone},
    stage::{self, ALL, BOTH, Face},
    this_test,
};
use hosts::{ParamId, Ports};

/// Id, name, number of steps, the text of the default, and whether it is the player's to set.
const PARAMS: [(&str, &str, u32, &str, bool); 20] = [
    ("commit", "Commit", 31, "1/4 beat", true),
    ("listen", "Listen first", 16, "4 beats", true),
    ("temperature", "Temperature", 200, "1.00", true),
    ("grid", "Change every", 5, "Free (16th)", true),
    ("register", "Register", 28, "C4", true),
    ("bass", "Bass", 1, "On", true),
    ("velocity", "Chord velocity", 126, "80", true),
    ("chord_channel", "Chord channel", 15, "1", true),
    ("bass_channel", "Bass channel", 15, "2", true),
    ("pass_through", "Output", 2, "Chords only", true),
    ("look_ahead", "Look ahead", 32, "4 beats", true),
    ("seed", "Seed", 9999, "1", true),
    ("panic", "Panic", 1, "Off", true),
    ("bypass", "Bypass", 1, "Off", true),
    ("status", "Status", 1, "not started", false),
    ("late", "Late frames", 1, "0", false),
    ("engine", "Engine", 1, "none", false),
    ("infer_p50", "Inference, median", 1, "0.00 ms", false),
    ("infer_p99", "Inference, 99 %", 1, "0.00 ms", false),
    ("model", "Model", 1, "not opened yet", false),
];

#[test]
fn names_classes_and_ports_stay() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            let ports = |audio_out| Ports { audio_in: 0, audio_out, notes_in: 1, notes_out: 1 };
            let check = |face: Face, name: &str, id: &str, categories: &[&str], expected: Ports| {
                let host = stage::open(face);
                assert_eq!((host.name(), host.plugin_id().as_str()), (name, id), "{face:?}");
                assert_eq!(host.categories(), categories, "{face:?}");
                assert_eq!(host.ports(), expected, "{face:?}");
            };
            check(
                Face::Clap,
                "ReaLchords",
                "org.realchords.realchords",
                &["note-effect", "utility"],
                ports(0),
            );
            let instrument = "5265614C63686F72647353796E746831";
            check(Face::Vst3, "ReaLchords", instrument, &["Instrument", "Tools"], ports(1));
            let effect = "5265614C63686F7264734D6964694678";
            check(Face::Vst3Effect, "ReaLchords (MIDI FX)", effect, &["Fx", "Tools"], ports(0));
            String::new()
        },
    );
}

#[test]
fn parameters_stay() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            for face in ALL {
                let mut host = stage::open(face);
                let found = host.params().to_vec();
                let ids: Vec<ParamId> = found.iter().map(|param| param.id).collect();
                assert_eq!(ids, PARAMS.map(|(id, ..)| ParamId::of(id)), "{face:?}");
                for (param, (id, name, steps, text, is_players)) in found.into_iter().zip(PARAMS) {
                    assert_eq!(param.name, name, "{face:?} {id}");
                    // Continuous to the host, in steps to us.
                    let expected = (id != "temperature").then_some(steps);
                    assert_eq!(
                        param.num_steps.or(expected.filter(|_| face == Face::Clap)),
                        expected,
                        "{face:?} {id}"
                    );
                    assert_eq!(
                        host.text_of(param.id, param.default).expect("it reads"),
                        text,
                        "{face:?} {id}"
                    );
                    assert_eq!(param.is_automatable, is_players, "{face:?} {id}");
                    assert_eq!(param.is_bypass, id == "bypass", "{face:?} {id}");
                }
            }
            String::new()
        },
    );
}

/// What is stored in a host's automation, in the order of [`PARAMS`].
const NUMBERS: [u32; 20] = [
    792_668_471,
    1_044_975_047,
    321_701_236,
    3_181_382,
    1_457_270_435,
    3_016_415,
    2_134_260_957,
    1_477_121_056,
    1_828_707_235,
    1_559_295_127,
    657_009_697,
    3_526_257,
    106_433_143,
    773_352_680,
    1_255_002_098,
    3_314_342,
    848_820_802,
    962_278_298,
    962_278_431,
    104_069_929,
];

#[test]
fn numbers_of_parameters_stay() {
    assert_eq!(PARAMS.map(|(id, ..)| ParamId::of(id).0), NUMBERS);
}

#[test]
fn choices_are_stored_by_ids_that_stay() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            let grids = [
                ("Free (16th)", "free"),
                ("8th", "eighth"),
                ("Beat", "beat"),
                ("Half bar", "half-bar"),
                ("Bar", "bar"),
                ("2 bars", "two-bars"),
            ];
            let passes = [
                ("Chords only", "chords"),
                ("Melody and chords", "melody-and-chords"),
                ("Melody only (listen)", "melody"),
            ];
            for face in BOTH {
                let mut host = stage::open(face);
                for (param, choices) in [("grid", &grids[..]), ("pass_through", &passes[..])] {
                    let steps = host.param(param).expect("it is there").num_steps;
                    assert_eq!(steps, Some(choices.len() as u32 - 1), "{face:?} {param}");
                    for (text, id) in choices {
                        host.set(param, text).unwrap_or_else(|error| panic!("{face:?}: {error}"));
                        let state = host.save().expect("it saves");
                        let state: String = String::from_utf8_lossy(&state).split_whitespace().collect();
                        let entry = format!("\"{param}\":{{\"string\":\"{id}\"}}");
                        assert!(state.contains(&entry), "{face:?}: no {entry} in {state}");
                    }
                }
            }
            String::new()
        },
    );
}
