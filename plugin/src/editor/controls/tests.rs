//! The controls as hands find them: by their names, through a window without a screen.

#[cfg(test)]
mod finding;

use super::{
    Controls,
    sheet::{self, Kind, PLAY, Row, TABS},
};
use crate::{
    editor::{
        desk::{Clock, Desk},
        rehearsal::{Done, PaperDesk},
    },
    links::Health,
    params::ChordsParams,
};
use egui::{Key, Modifiers, Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use std::{collections::BTreeSet, sync::Arc};

type Bench = Harness<'static, (Controls, PaperDesk)>;

fn bench(width: f32) -> Bench {
    let mut has_fonts = false;
    let draw = move |ui: &mut egui::Ui, state: &mut (Controls, PaperDesk)| {
        if !std::mem::replace(&mut has_fonts, true) {
            crate::editor::theme::set_fonts(ui.ctx());
        }
        let (controls, desk) = state;
        controls.panic(ui, desk);
        controls.play(ui, desk);
        controls.take(ui, desk);
        controls.pages(ui, desk);
        controls.end_pass(desk);
    };
    let state = (Controls::default(), PaperDesk::new());
    Harness::builder()
        .with_size([width, 1400.0])
        .with_step_dt(0.01)
        .with_max_steps(40)
        .build_ui_state(draw, state)
}

fn on_tab(bench: &mut Bench, tab_idx: usize) {
    bench.get_by_role_and_label(Role::Button, TABS[tab_idx].name).click();
    bench.run();
    bench.state_mut().1.done.clear();
}

/// Rows of a kind, with the tab they stand on.
fn rows(kind: Kind) -> impl Iterator<Item = (usize, &'static Row)> {
    let on_tab = |(idx, tab): (usize, &'static sheet::Tab)| {
        tab.sections.iter().flat_map(|section| section.rows).map(move |row| (idx, row))
    };
    TABS.iter().enumerate().flat_map(on_tab).filter(move |(_, row)| row.kind == kind)
}

fn role(kind: Kind) -> Role {
    match kind {
        Kind::Switch => Role::CheckBox,
        Kind::Choice => Role::ComboBox,
        Kind::Fader => Role::Slider,
        Kind::Press => Role::Button,
    }
}

/// What hands and keys can do something with.
const FOCUSABLE: [Role; 6] =
    [Role::Button, Role::CheckBox, Role::ComboBox, Role::Slider, Role::TextInput, Role::SpinButton];

fn done(bench: &mut Bench) -> Vec<Done> {
    std::mem::take(&mut bench.state_mut().1.done)
}

/// That one gesture was made, and where it ended.
fn one_gesture(bench: &mut Bench, id: &str) -> f32 {
    let done = done(bench);
    let [Done::Begin(begun), sets @ .., Done::End(ended)] = done.as_slice() else {
        panic!("{id}: no gesture: {done:?}")
    };
    assert_eq!((*begun, *ended), (id, id));
    assert!(sets.iter().all(|set| matches!(set, Done::Set(set, _) if *set == id)), "{id}: {done:?}");
    match sets.last() {
        Some(Done::Set(_, value)) => *value,
        _ => panic!("{id}: nothing was set"),
    }
}

#[test]
fn no_parameter_is_missing_and_each_has_the_widget_that_suits_it() {
    let params = ChordsParams::new(&Arc::new(Health::default()));
    let mut seen = BTreeSet::new();
    for row in sheet::rows() {
        assert!(seen.insert(row.id), "{} stands twice", row.id);
        let control = params.control(row.id).unwrap_or_else(|| panic!("no parameter {}", row.id));
        assert!(row.tip.len() > 15 && !row.tip.ends_with('.'), "{}: {}", row.id, row.tip);
        let suits = match (row.kind, control.num_steps()) {
            (Kind::Switch | Kind::Press, steps) => steps == Some(1),
            (Kind::Choice, steps) => steps.is_some_and(|steps| (2..=16).contains(&steps)),
            (Kind::Fader, steps) => steps != Some(1),
        };
        assert!(suits, "{}", row.id);
    }
    let ids = params.ids_to_set();
    assert_eq!(seen, ids.iter().map(String::as_str).collect());
    assert_eq!(seen.len(), 50);
}

#[test]
fn every_control_is_found_by_its_name_at_every_width() {
    for width in [320.0, 640.0, 900.0, 1400.0] {
        let mut bench = bench(width);
        for (tab_idx, tab) in TABS.iter().enumerate() {
            on_tab(&mut bench, tab_idx);
            for row in tab.sections.iter().flat_map(|section| section.rows).chain(PLAY) {
                let name = bench.state().1.name(row.id);
                let rect = bench.get_by_role_and_label(role(row.kind), &name).rect();
                assert!(rect.left() >= 0.0 && rect.right() <= width, "{name} at {width}: {rect:?}");
            }
        }
    }
}

#[test]
fn nothing_that_takes_the_focus_is_without_a_name() {
    let mut bench = bench(900.0);
    for tab_idx in 0..TABS.len() {
        on_tab(&mut bench, tab_idx);
        let mut num_named = 0;
        for node in bench.root().children_recursive() {
            let node = node.accesskit_node();
            if FOCUSABLE.contains(&node.role()) {
                assert!(node.label().is_some_and(|label| !label.is_empty()), "{:?}", node.role());
                num_named += 1;
            }
        }
        assert!(num_named > 15, "{num_named}");
    }
}

#[test]
fn a_click_turns_a_switch_over_in_one_gesture() {
    let mut bench = bench(900.0);
    for (tab_idx, row) in rows(Kind::Switch) {
        on_tab(&mut bench, tab_idx);
        let before = bench.state().1.normalized(row.id);
        let name = bench.state().1.name(row.id);
        bench.get_by_label(&name).click();
        bench.run();
        assert_eq!(one_gesture(&mut bench, row.id), 1.0 - before);
        bench.get_by_label(&name).click_secondary();
        bench.run();
        assert_eq!(one_gesture(&mut bench, row.id), bench.state().1.default_of(row.id));
    }
}

#[test]
fn every_box_lists_all_choices_and_each_is_taken() {
    let mut bench = bench(900.0);
    for (tab_idx, row) in rows(Kind::Choice) {
        on_tab(&mut bench, tab_idx);
        let name = bench.state().1.name(row.id);
        let said = |text: String| super::choice::shown(row.id, text);
        let choices: Vec<String> = bench.state().1.choices(row.id).into_iter().map(said).collect();
        bench.get_by_role_and_label(Role::ComboBox, &name).click();
        bench.run();
        let listed: Vec<String> = choices.clone();
        for choice in &listed {
            assert!(
                bench.query_all_by_role_and_label(Role::Button, choice).next().is_some(),
                "{name}: {choice}"
            );
        }
        let now = bench.state().1.normalized(row.id);
        let last = choices.len() - 1;
        let wished = if now > 0.5 { 0 } else { last };
        bench.get_all_by_role_and_label(Role::Button, &choices[wished]).last().unwrap().click();
        bench.run();
        assert_eq!(one_gesture(&mut bench, row.id), wished as f32 / last as f32);
        // The box has the focus again or is given it; an arrow key goes one on, without opening it.
        bench.get_by_role_and_label(Role::ComboBox, &name).focus();
        bench.run();
        bench.run();
        bench.key_press(if wished == 0 { Key::ArrowDown } else { Key::ArrowUp });
        bench.run();
        let beside = if wished == 0 { 1 } else { last - 1 };
        let value = one_gesture(&mut bench, row.id);
        assert!((value - beside as f32 / last as f32).abs() < 1e-5, "{name}: {value}");
    }
}

#[test]
fn a_drag_is_one_gesture_even_when_it_ends_outside() {
    let mut bench = bench(900.0);
    for (tab_idx, row) in rows(Kind::Fader) {
        on_tab(&mut bench, tab_idx);
        let name = bench.state().1.name(row.id);
        let before = bench.state().1.normalized(row.id);
        let from = bench.get_by_role_and_label(Role::Slider, &name).rect().center();
        let way = if before > 0.5 { -1.0 } else { 1.0 };
        bench.drag_at(from);
        bench.run();
        for way_far in [20.0, 40.0] {
            bench.hover_at(from + vec2(way * way_far, 3.0));
            bench.run();
        }
        assert!(!done(&mut bench).iter().any(|done| matches!(done, Done::End(_))), "{name}: let go early");
        bench.hover_at(from + vec2(way * 2000.0, 900.0));
        bench.run();
        bench.remove_cursor();
        bench.drop_at(from + vec2(way * 2000.0, 900.0));
        bench.run();
        let last = done(&mut bench);
        assert_eq!(last.last(), Some(&Done::End(row.id)), "{name}");
        assert_eq!(bench.state().1.normalized(row.id), if way > 0.0 { 1.0 } else { 0.0 }, "{name}");
        // A click changes nothing; a second one goes back to the default.
        bench.get_by_role_and_label(Role::Slider, &name).click_secondary();
        bench.run();
        assert_eq!(one_gesture(&mut bench, row.id), before, "{name}");
    }
}

#[test]
fn keys_move_a_fader() {
    let mut bench = bench(900.0);
    for (tab_idx, row) in rows(Kind::Fader) {
        on_tab(&mut bench, tab_idx);
        let name = bench.state().1.name(row.id);
        bench.get_by_role_and_label(Role::Slider, &name).focus();
        bench.run();
        bench.run();
        let press = |bench: &mut Bench, key: Key| {
            bench.key_press(key);
            bench.run();
            one_gesture(bench, row.id)
        };
        if bench.state().1.default_of(row.id) == 1.0 {
            assert_eq!(press(&mut bench, Key::Home), 0.0, "{name}");
        }
        assert_eq!(press(&mut bench, Key::End), 1.0, "{name}");
        let below = bench.state().1.beside(row.id, 1.0, false, false);
        assert!((press(&mut bench, Key::ArrowLeft) - below).abs() < 1e-5, "{name}");
        assert_eq!(press(&mut bench, Key::Home), 0.0, "{name}");
        let above = bench.state().1.beside(row.id, 0.0, true, false);
        assert!((press(&mut bench, Key::ArrowRight) - above).abs() < 1e-5, "{name}");
        assert_eq!(press(&mut bench, Key::Delete), bench.state().1.default_of(row.id), "{name}");
    }
}

/// Opens a fader for text, by keys, and types over what stands there, without Enter.
fn type_over(bench: &mut Bench, name: &str, text: &str) {
    bench.get_by_role_and_label(Role::Slider, name).focus();
    bench.run();
    bench.key_press(Key::Enter);
    bench.run();
    bench.run();
    bench.key_press_modifiers(Modifiers::COMMAND, Key::A);
    bench.run();
    bench.get_by_label(&format!("{name} as text")).type_text(text);
    bench.run();
}

/// The same, and Enter.
fn type_into(bench: &mut Bench, name: &str, text: &str) {
    type_over(bench, name, text);
    bench.key_press(Key::Enter);
    bench.run();
}

#[test]
fn a_value_is_typed() {
    let mut bench = bench(900.0);
    on_tab(&mut bench, 1);
    type_into(&mut bench, "Seed", "4711");
    let value = one_gesture(&mut bench, "seed");
    assert_eq!(bench.state().1.text("seed", value), "4711");
}

/// Opens the Seed for text and types, without Enter.
fn type_a_seed(bench: &mut Bench) {
    on_tab(bench, 1);
    type_over(bench, "Seed", "4711");
    assert_eq!(done(bench), []);
}

#[test]
fn a_value_that_is_being_typed_is_taken_when_its_field_goes() {
    type Way = fn(&mut Bench);
    let ways: [(&str, Way); 3] = [
        ("another tab", |bench| bench.get_by_role_and_label(Role::Button, TABS[2].name).click()),
        // The tab lies open that was saved, as where a project is loaded.
        ("another page", |bench| bench.state_mut().0.turn_to(0)),
        ("the window closed", |bench| {
            let (controls, desk) = bench.state_mut();
            controls.leave(desk);
        }),
    ];
    for (way, go) in ways {
        let mut bench = bench(900.0);
        type_a_seed(&mut bench);
        go(&mut bench);
        bench.run();
        let value = one_gesture(&mut bench, "seed");
        assert_eq!(bench.state().1.text("seed", value), "4711", "{way}");
        // It is taken once, and the field is open no more.
        on_tab(&mut bench, 1);
        bench.run();
        assert!(bench.query_by_label("Seed as text").is_none(), "{way}");
        assert_eq!(done(&mut bench), [], "{way}");
    }
}

#[test]
fn a_value_that_is_being_typed_is_taken_when_another_is_typed() {
    let (mut controls, mut desk) = (Controls::default(), PaperDesk::new());
    controls.typed.begin(&mut desk, &mut controls.gestures, "seed", "4711".into());
    controls.typed.begin(&mut desk, &mut controls.gestures, "temperature", "1".into());
    let [Done::Begin("seed"), Done::Set("seed", value), Done::End("seed")] = desk.done[..] else {
        panic!("{:?}", desk.done)
    };
    assert_eq!(desk.text("seed", value), "4711");
    assert!(controls.typed.is_at("temperature"));
}

#[test]
fn keys_are_shown_with_the_signs_of_music_and_read_with_any() {
    for (typed, sent) in [("D#4", "D#4"), ("D♯4", "D#4"), ("eb 4", "D#4"), ("♯", "C4")] {
        let mut bench = bench(900.0);
        on_tab(&mut bench, 2);
        type_into(&mut bench, "Register", typed);
        let value = bench.state().1.normalized("register");
        assert_eq!(bench.state().1.text("register", value), sent, "{typed}");
        let said = bench.get_by_role_and_label(Role::Slider, "Register").accesskit_node().value();
        assert_eq!(said, Some(sent.replace('#', "♯")));
    }
}

#[test]
fn a_button_is_down_while_it_is_held_and_long_enough() {
    let mut bench = bench(900.0);
    for row in PLAY.iter().filter(|row| row.kind == Kind::Press) {
        let name = bench.state().1.name(row.id);
        let at = bench.get_by_label(&name).rect().center();
        bench.state_mut().1.done.clear();
        bench.drag_at(at);
        // For two seconds, with a hand that is not quite still.
        bench.run_steps(100);
        bench.hover_at(at + vec2(3.0, 40.0));
        bench.run_steps(100);
        assert_eq!(done(&mut bench), [Done::Begin(row.id), Done::Set(row.id, 1.0)], "{name}");
        bench.drop_at(at);
        bench.run_steps(2);
        assert_eq!(done(&mut bench), [Done::Set(row.id, 0.0), Done::End(row.id)], "{name}");
        // A click is short: the press outlasts it.
        bench.get_by_label(&name).click();
        bench.run_steps(2);
        assert_eq!(done(&mut bench), [Done::Begin(row.id), Done::Set(row.id, 1.0)], "{name}");
        bench.run_steps(30);
        assert_eq!(done(&mut bench), [Done::Set(row.id, 0.0), Done::End(row.id)], "{name}");
        bench.get_by_label(&name).focus();
        bench.run();
        bench.key_down(Key::Space);
        bench.run_steps(100);
        assert_eq!(done(&mut bench), [Done::Begin(row.id), Done::Set(row.id, 1.0)], "{name}");
        bench.key_up(Key::Space);
        bench.run_steps(2);
        assert_eq!(done(&mut bench), [Done::Set(row.id, 0.0), Done::End(row.id)], "{name}");
    }
}

#[test]
fn a_drag_ends_where_its_fader_is_drawn_no_more() {
    let (mut controls, mut desk) = (Controls::default(), PaperDesk::new());
    controls.gestures.claim(&mut desk, "commit", 0.0);
    controls.gestures.move_to(&mut desk, "commit", 1.0);
    controls.end_pass(&mut desk);
    assert_eq!(desk.done, [Done::Begin("commit"), Done::Set("commit", 1.0)]);
    // The next pass is another view's, or that of a window opened anew.
    controls.end_pass(&mut desk);
    controls.end_pass(&mut desk);
    assert_eq!(desk.done.last(), Some(&Done::End("commit")));
    assert_eq!(desk.done.len(), 3);
}

#[test]
fn presets_and_models_are_chosen() {
    let mut bench = bench(900.0);
    bench.get_by_role_and_label(Role::ComboBox, "Preset").click();
    bench.run();
    for preset in crate::presets::PRESETS {
        assert!(bench.query_by_role_and_label(Role::Button, preset.name).is_some(), "{}", preset.name);
    }
    bench.get_by_role_and_label(Role::Button, "Wild").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::Preset(crate::presets::PRESETS.len() - 1)]);

    let open = |bench: &mut Bench| {
        bench.get_by_role_and_label(Role::ComboBox, "Model").click();
        bench.run();
    };
    open(&mut bench);
    assert!(bench.get_by_label_contains("cut – cannot be used").accesskit_node().is_disabled());
    bench.get_by_label("jazz").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::Model(Some("/models/jazz.onnx".into()))]);
    open(&mut bench);
    bench.get_by_label("Path of a model file").focus();
    bench.run();
    bench.get_by_label("Path of a model file").type_text("\"/else/where.onnx\"");
    bench.run();
    bench.get_by_label("Open the file").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::Model(Some("/else/where.onnx".into()))]);
    open(&mut bench);
    bench.get_by_label("The one built in").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::Model(None)]);
}

#[test]
fn the_capture_is_saved_or_says_why_not_and_is_cleared_when_asked_twice() {
    let mut bench = bench(900.0);
    bench.run();
    assert!(bench.query_by_label("12 bars captured").is_some());
    bench.get_by_label("Save as MIDI").click();
    bench.run();
    assert!(bench.query_by_label("Saved: /music/take.mid").is_some());
    assert!(bench.query_by_label("Copy path").is_some());
    bench.state_mut().1.save = Err("the disk is full".into());
    bench.get_by_label("Save as MIDI").click();
    bench.run();
    assert!(bench.query_by_label("Not saved: the disk is full").is_some());
    bench.get_by_label("Clear capture").click();
    bench.run();
    assert_eq!(done(&mut bench), []);
    bench.get_by_label("Really clear it?").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::Cleared]);
    assert!(bench.query_by_label("Nothing captured yet").is_some());
    assert!(bench.get_by_label("Save as MIDI").accesskit_node().is_disabled());
    bench.get_by_label("Bring back").click();
    bench.run();
    assert_eq!(done(&mut bench), [Done::BroughtBack]);
    assert!(bench.query_by_label("12 bars captured").is_some());
    assert!(bench.query_by_label("Bring back").is_none(), "there was nothing in what it took the place of");
}

#[test]
fn where_both_are_captured_the_player_turns_to_either() {
    let mut bench = bench(900.0);
    bench.state_mut().1.captured_by = Some(Clock::Own);
    bench.run();
    // A question about the one is none about the other.
    bench.get_by_label("Clear capture").click();
    bench.run_steps(2);
    assert!(bench.query_by_label("Really clear it?").is_some());
    bench.get_by_role_and_label(Role::Button, "12 bars without the host").click();
    bench.run_steps(2);
    assert_eq!(done(&mut bench), [Done::Turned]);
    assert!(bench.query_by_label("Clear capture").is_some());
    bench.get_by_role_and_label(Role::Button, "12 bars of the song").click();
    bench.run_steps(2);
    assert_eq!(done(&mut bench), [Done::Turned]);
    assert!(bench.query_by_label("12 bars without the host").is_some());
}

#[test]
fn commit_says_how_soon_it_reacts() {
    let mut bench = bench(900.0);
    bench.run();
    assert!(bench.query_by_label("reacts in ≥ 62 ms").is_some());
}
