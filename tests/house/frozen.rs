//! What hosts have stored and will ask for again: ids of plugin and classes, of parameters and of their values. None of
//! these literals may change once a version is out; a session saved with it would lose its settings or its plugin.

use crate::support::{
    alone::{House, alone},
    stage::{self, ALL, BOTH, Face},
    this_test,
};
use hosts::{ClapHost, ParamId, Ports};
use std::collections::BTreeSet;

/// Id, name, number of steps (0: it is continuous to the host), the text of the default, and whether it is the player's
/// to set.
const PARAMS: [(&str, &str, u32, &str, bool); 59] = [
    ("commit", "Commit", 31, "1/4 beat", true),
    ("look_ahead", "Look ahead", 32, "4 beats", true),
    ("listen", "Listen first", 16, "4 beats", true),
    ("listen_again", "Listen again after a seek", 1, "Off", true),
    ("grid", "Change every", 5, "Free (16th)", true),
    ("density", "Density", 0, "0 %", true),
    ("loop_memory", "Loop memory", 1, "On", true),
    ("free_run", "Run without the host", 1, "Off", true),
    ("free_tempo", "Own tempo", 0, "100.0 BPM", true),
    ("temperature", "Adventure", 0, "1.00", true),
    ("top_p", "Likeliest share (top-p)", 0, "100 %", true),
    ("key_rule", "Key", 2, "Auto", true),
    ("key_tonic", "Tonic", 11, "C", true),
    ("key_mode", "Mode", 6, "Major", true),
    ("seed", "Seed", 9999, "1", true),
    ("hold", "Hold", 1, "Off", true),
    ("mute", "Mute", 1, "Off", true),
    ("next", "Next now", 1, "Off", true),
    ("reroll", "Re-roll", 1, "Off", true),
    ("undo_reroll", "Undo re-roll", 1, "Off", true),
    ("latching", "Switches latch", 1, "Off", true),
    ("panic", "Panic", 1, "Off", true),
    ("style", "Style", 6, "Close", true),
    ("voices", "Voices", 4, "As the chord", true),
    ("register", "Register", 28, "C4", true),
    ("lowest", "Lowest key", 36, "E2", true),
    ("highest", "Highest key", 48, "C6", true),
    ("inversion", "Inversion", 3, "Nearest", true),
    ("below_melody", "Below the melody", 1, "Off", true),
    ("bass", "Bass", 4, "Slash", true),
    ("pattern", "Rhythm", 10, "Sustained", true),
    ("arp_rate", "Arpeggio pace", 3, "8th", true),
    ("gate", "Gate", 0, "90 %", true),
    ("strum", "Strum", 2, "Up", true),
    ("strum_ms", "Strum time", 120, "0 ms", true),
    ("velocity", "Chord velocity", 126, "80", true),
    ("follow", "Follow the melody's touch", 0, "0 %", true),
    ("humanise", "Humanise", 0, "0 %", true),
    ("nudge", "Nudge", 130, "0 ms", true),
    ("in_channel", "Input channel", 16, "All", true),
    ("in_lowest", "Lowest melody key", 127, "C-1", true),
    ("in_highest", "Highest melody key", 127, "G9", true),
    ("leads", "The melody is the", 2, "Last note", true),
    ("sustain", "Sustain pedal", 1, "On", true),
    ("pass_through", "Output", 2, "Chords only", true),
    ("parts", "Parts", 2, "Chords and bass", true),
    ("chord_channel", "Chord channel", 15, "1", true),
    ("bass_channel", "Bass channel", 15, "2", true),
    ("print", "Print", 1, "Off", true),
    ("bypass", "Bypass", 1, "Off", true),
    ("status", "Status", 1, "not started", false),
    ("now", "Chord now", 1, "none", false),
    ("coming", "Next chord", 1, "none", false),
    ("key", "Key heard", 1, "not known yet", false),
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
                    let expected = (steps > 0).then_some(steps);
                    assert_eq!(
                        param.num_steps.or(expected.filter(|_| face == Face::Clap)),
                        expected,
                        "{face:?} {id}"
                    );
                    let value = host.text_of(param.id, param.default).expect("it reads");
                    assert_eq!(value + &param.unit, text, "{face:?} {id}");
                    assert_eq!(param.is_automatable, is_players, "{face:?} {id}");
                    assert_eq!(param.is_bypass, id == "bypass", "{face:?} {id}");
                }
            }
            String::new()
        },
    );
}

/// What is stored in a host's automation for some of [`PARAMS`]; the others follow from their ids by the same rule.
const NUMBERS: [(&str, u32); 20] = [
    ("commit", 792_668_471),
    ("listen", 1_044_975_047),
    ("temperature", 321_701_236),
    ("grid", 3_181_382),
    ("register", 1_457_270_435),
    ("bass", 3_016_415),
    ("velocity", 2_134_260_957),
    ("chord_channel", 1_477_121_056),
    ("bass_channel", 1_828_707_235),
    ("pass_through", 1_559_295_127),
    ("look_ahead", 657_009_697),
    ("seed", 3_526_257),
    ("panic", 106_433_143),
    ("bypass", 773_352_680),
    ("status", 1_255_002_098),
    ("late", 3_314_342),
    ("engine", 848_820_802),
    ("infer_p50", 962_278_298),
    ("infer_p99", 962_278_431),
    ("model", 104_069_929),
];

#[test]
fn numbers_of_parameters_stay() {
    for (id, number) in NUMBERS {
        assert_eq!(ParamId::of(id).0, number, "{id}");
    }
    let all: BTreeSet<u32> = PARAMS.iter().map(|(id, ..)| ParamId::of(id).0).collect();
    assert_eq!(all.len(), PARAMS.len(), "two parameters share a number");
}

#[test]
fn the_readme_lists_the_parameters_as_they_are() {
    let readme = include_str!("../../README.md");
    let table = realchords::params::table::table();
    assert!(readme.contains(table.trim()), "the README's table of parameters must read:\n{table}");
}

#[test]
fn controllers_with_eight_knobs_have_pages() {
    alone(
        &this_test!(),
        "shipped",
        || House::SHIPPED,
        || {
            let mut host = ClapHost::load(stage::library()).expect("it loads");
            let pages = host.pages();
            assert!(pages.len() >= 8, "{} pages", pages.len());
            let known: BTreeSet<u32> = PARAMS.iter().map(|(id, ..)| ParamId::of(id).0).collect();
            let mut missing = known.clone();
            for page in &pages {
                println!("{} / {}: {} knobs", page.section, page.name, page.params.len());
                assert!((1..=8).contains(&page.params.len()), "{page:?}");
                for param in &page.params {
                    assert!(known.contains(&param.0), "{page:?}");
                    missing.remove(&param.0);
                }
            }
            let missing: Vec<&str> = PARAMS
                .iter()
                .filter(|(id, ..)| missing.contains(&ParamId::of(id).0))
                .map(|row| row.0)
                .collect();
            assert_eq!(missing, ["infer_p50"], "parameters on no page");
            String::new()
        },
    );
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
