//! The window as a player finds it: by accessible names, without a display. Every view, state and size.

use super::{
    controls::{
        Controls,
        sheet::{Kind, PLAY, TABS},
    },
    desk::{Clock, Desk},
    face::{Face, Room, Shade},
    rehearsal::{Done, PaperDesk, Rehearsal},
    theme, view,
};
use crate::{audio::Stage, links::WorkerState};
use egui::{Rect, Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};

struct Bench {
    rehearsal: Rehearsal,
    desk: PaperDesk,
    controls: Controls,
}

type Window = Harness<'static, Bench>;

fn window(rehearsal: Rehearsal) -> Window {
    let size = rehearsal.face.size;
    let mut is_dressed = false;
    let draw = move |ui: &mut egui::Ui, bench: &mut Bench| {
        let ui = &mut whole(ui);
        if !is_dressed {
            theme::set_fonts(ui.ctx());
            theme::dress(ui.ctx(), bench.rehearsal.face.shade);
            is_dressed = true;
        }
        let scene = bench.rehearsal.scene();
        let face = view::show(ui, &scene, &mut bench.desk, &mut bench.controls);
        bench.controls.end_pass(&mut bench.desk);
        bench.rehearsal.face = face;
    };
    let bench = Bench { rehearsal, desk: PaperDesk::new(), controls: Controls::default() };
    let mut window = Harness::builder()
        .with_size(vec2(size.0, size.1))
        .with_step_dt(0.05)
        .with_max_steps(40)
        .build_ui_state(draw, bench);
    window.run();
    window
}

/// All of the window: the harness leaves a margin, our window has none.
pub fn whole(ui: &mut egui::Ui) -> egui::Ui {
    let screen = ui.ctx().content_rect();
    let mut whole = ui.new_child(egui::UiBuilder::new().max_rect(screen));
    whole.set_clip_rect(screen);
    whole
}

fn looking(rehearsal: Rehearsal, face: Face) -> Rehearsal {
    Rehearsal { face, ..rehearsal }
}

/// Every scene there is, with its name.
fn scenes() -> Vec<(&'static str, Rehearsal)> {
    vec![
        ("empty", Rehearsal::empty()),
        ("listening", Rehearsal::listening()),
        ("playing", Rehearsal::playing()),
        ("behind", Rehearsal::behind()),
        ("looping", Rehearsal::looping()),
        ("model missing", Rehearsal::model_missing()),
    ]
}

/// Every look whose layout differs.
fn looks() -> Vec<Face> {
    let plain = Face::default();
    vec![
        plain,
        Face { size: (640.0, 400.0), ..plain },
        Face { size: (1600.0, 1000.0), ..plain },
        Face { size: (640.0, 900.0), ..plain },
        Face { size: (1400.0, 400.0), ..plain },
        Face { folded: true, calm: true, ..plain },
        Face { room: Room::Stage, ..plain },
        Face { room: Room::Stage, size: (640.0, 400.0), ..plain },
        Face { room: Room::Stage, shade: Shade::Light, size: (1920.0, 1080.0), ..plain },
    ]
}

fn done(window: &mut Window) -> Vec<Done> {
    std::mem::take(&mut window.state_mut().desk.done)
}

/// The labels of all nodes that have one, with where they are.
fn labels(window: &Window) -> Vec<(String, Role, Rect)> {
    let nodes = window.root().children_recursive();
    let labels = nodes.filter_map(|node| {
        let inner = node.accesskit_node();
        let label = inner.label().or_else(|| inner.value())?;
        Some((label, inner.role(), node.rect()))
    });
    labels.collect()
}

#[test]
fn every_state_says_its_word_and_its_next_step_in_both_views() {
    let ready = WorkerState::Ready;
    let cases = [
        (ready, Stage::Waiting, "WAITING FOR TRANSPORT", "Press play in your host"),
        (
            ready,
            Stage::Listening { frames_left: 13 },
            "LISTENING – 4 beats",
            "No notes yet: play on any channel",
        ),
        (ready, Stage::NothingHeard, "LISTENING – no notes yet", "No notes yet: play on any channel"),
        (ready, Stage::Playing, "PLAYING", "Nothing sounds after me? Put an instrument behind the plug-in"),
        (ready, Stage::Holding, "HOLDING – the chord goes on", "Press Hold again"),
        (ready, Stage::Behind, "BEHIND – holding last chord", "was not ready in time"),
        (ready, Stage::Bypassed, "BYPASSED – notes pass through", "Bypass is on"),
        (WorkerState::NoModel, Stage::Waiting, "MODEL MISSING – notes pass through", "Choose another model"),
        (WorkerState::Dead, Stage::Waiting, "STOPPED – notes pass through", "Choose another model"),
        (WorkerState::Loading, Stage::Waiting, "OPENING THE MODEL", "A moment"),
    ];
    for room in [Room::Studio, Room::Stage] {
        for (worker, stage, word, step) in cases {
            let mut rehearsal = looking(Rehearsal::empty(), Face { room, ..Face::default() });
            rehearsal.report.worker = worker;
            rehearsal.snapshot.glance.stage = stage;
            let window = window(rehearsal);
            assert!(window.query_by_label(&format!("State: {word}")).is_some(), "{word} in {room:?}");
            assert!(window.query_by_label_contains(step).is_some(), "{step} in {room:?}");
        }
    }
}

#[test]
fn the_main_view_says_who_it_is() {
    for face in looks().into_iter().filter(|face| face.room == Room::Studio && face.size.0 >= 800.0) {
        let window = window(looking(Rehearsal::playing(), face));
        let sign = window.get_by_role_and_label(Role::Image, "ReaLchords").rect();
        assert!(sign.width() >= 20.0 && sign.left() >= 0.0 && sign.top() >= 0.0, "{face:?}: {sign:?}");
    }
}

#[test]
fn a_song_played_again_and_a_model_that_fails_are_told() {
    let mut rehearsal = Rehearsal::playing();
    rehearsal.snapshot.glance.prints = true;
    for room in [Room::Studio, Room::Stage] {
        let window = window(looking(rehearsal.clone(), Face { room, ..Face::default() }));
        assert!(window.query_by_label("State: PLAYING – from the capture").is_some(), "{room:?}");
    }
    for size in [(640.0, 400.0), (900.0, 560.0)] {
        let mut window = window(looking(Rehearsal::playing(), Face { size, ..Face::default() }));
        assert!(window.query_by_label_contains("jazz.onnx").is_none());
        window.state_mut().desk.trouble = Some("/models/jazz.onnx is cut off; the one before goes on".into());
        window.run();
        let is_in_sight = |window: &Window, text: &str| {
            let said = window.get_by_label_contains(text).rect();
            let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(size.0, size.1));
            assert!(screen.contains_rect(said), "{text}: {said:?}");
            assert!(cut(window).is_empty(), "{:?}", cut(window));
        };
        is_in_sight(&window, "/models/jazz.onnx is cut off");
        assert!(window.query_by_label_contains("Something is wrong with the model").is_some());
        let desk = &mut window.state_mut().desk;
        (desk.trouble, desk.opening) = (None, Some("/models/of/last/year/jazz.onnx".into()));
        window.run();
        is_in_sight(&window, "Opening jazz.onnx");
        window.state_mut().desk.opening = None;
        window.run();
        assert!(window.query_by_label_contains("jazz.onnx").is_none());
    }
}

/// Sets every choice, and every fader, to the value that is the longest in words.
fn say_the_longest(window: &mut Window) {
    let rows: Vec<_> = TABS.iter().flat_map(|tab| tab.sections).flat_map(|section| section.rows).collect();
    for row in rows {
        let desk = &mut window.state_mut().desk;
        let steps = match row.kind {
            Kind::Choice => desk.num_steps(row.id).unwrap_or(0),
            Kind::Fader => desk.num_steps(row.id).unwrap_or(100).min(200),
            Kind::Switch | Kind::Press => continue,
        };
        let values = (0..=steps).map(|step| step as f32 / steps.max(1) as f32);
        let longest = values.max_by_key(|value| desk.text(row.id, *value).chars().count());
        desk.set(row.id, longest.unwrap_or_default());
    }
    let desk = &mut window.state_mut().desk;
    // More bars are not kept.
    (desk.num_bars, desk.captured_by, desk.former_bars) = (1024, Some(Clock::Own), 1);
    let presets = desk.presets();
    desk.preset = (0..presets.len()).max_by_key(|idx| presets[*idx].len());
}

/// Texts that are drawn with an end that is not to be seen.
fn cut(window: &Window) -> Vec<String> {
    let mut cut = Vec::new();
    // A bar of many chords shows as many as there is room for.
    let history = window.get_by_label_contains("History: ").rect();
    for egui::epaint::ClippedShape { clip_rect, shape, .. } in &window.output().shapes {
        texts(shape, &mut |text| {
            let rect = text.visual_bounding_rect();
            // What lies wholly outside is scrolled to.
            let is_seen = rect.intersects(*clip_rect);
            let runs_out = rect.left() < clip_rect.left() - 0.6 || rect.right() > clip_rect.right() + 0.6;
            let is_short = text.galley.text().ends_with('…') && !history.contains_rect(rect);
            let is_elided = text.galley.elided || is_short;
            if is_elided || (is_seen && runs_out) {
                let why = if is_elided { "shortened".into() } else { format!("{rect:?} in {clip_rect:?}") };
                cut.push(format!("{}: {why}", text.galley.text()));
            }
        });
    }
    cut
}

fn texts(shape: &egui::Shape, found: &mut impl FnMut(&egui::epaint::TextShape)) {
    match shape {
        egui::Shape::Text(text) => found(text),
        egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts(shape, found)),
        _ => {}
    }
}

#[test]
fn no_name_and_no_value_is_cut() {
    let mut found = Vec::new();
    // The same widths higher, so that all rows are in sight.
    for size in [(640.0, 400.0), (640.0, 1200.0), (900.0, 560.0), (900.0, 1200.0), (1400.0, 900.0)] {
        for (page, tab) in TABS.iter().enumerate() {
            for longest in [false, true] {
                let mut window =
                    window(looking(Rehearsal::playing(), Face { size, page, ..Face::default() }));
                if longest {
                    say_the_longest(&mut window);
                    window.run();
                }
                let cut = cut(&window);
                if !cut.is_empty() {
                    found.push(format!("{} in {size:?}, longest {longest}: {cut:?}", tab.name));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_becomes_of_the_capture_stands_in_one_line_beside_the_history() {
    for size in [(640.0, 400.0), (900.0, 560.0), (1400.0, 900.0)] {
        for (num_bars, captured_by) in
            [(0, None), (1024, None), (1024, Some(Clock::Host)), (1024, Some(Clock::Own))]
        {
            let mut window = window(looking(Rehearsal::playing(), Face { size, ..Face::default() }));
            let desk = &mut window.state_mut().desk;
            (desk.num_bars, desk.captured_by, desk.former_bars) = (num_bars, captured_by, 1);
            window.run();
            let count = match (num_bars, captured_by) {
                (0, _) => "Nothing captured yet",
                (_, None) => "1024 bars captured",
                (_, Some(Clock::Host)) => "1024 bars of the song",
                (_, Some(Clock::Own)) => "1024 bars without the host",
            };
            let mut clear = "Clear capture";
            for _ in 0..2 {
                let rects =
                    [count, "Save as MIDI", clear, "Bring back"].map(|name| window.get_by_label(name).rect());
                let what = format!("{count}, {clear} at {size:?}: {rects:?}");
                assert!(rects.is_sorted_by(|one, next| one.right() <= next.left()), "{what}");
                assert!(
                    rects.iter().all(|rect| (rect.center().y - rects[1].center().y).abs() < 1.0),
                    "{what}"
                );
                assert!(rects[3].right() <= size.0 - 8.0, "{what}");
                assert!(cut(&window).is_empty(), "{what}: {:?}", cut(&window));
                if num_bars == 0 {
                    break;
                }
                window.get_by_label(clear).click();
                window.run_steps(2);
                clear = "Really clear it?";
            }
        }
    }
}

#[test]
fn a_value_that_is_being_typed_is_taken_when_the_controls_go() {
    let ways: [fn(&mut Face); 2] = [|face| face.folded = true, |face| face.room = Room::Stage];
    for go in ways {
        let mut window = window(looking(Rehearsal::playing(), Face { page: 1, ..Face::default() }));
        window.get_by_role_and_label(Role::Slider, "Seed").focus();
        window.run();
        window.key_press(egui::Key::Enter);
        window.run_steps(3);
        window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        window.run();
        window.get_by_label("Seed as text").type_text("4711");
        window.run();
        done(&mut window);
        go(&mut window.state_mut().rehearsal.face);
        window.run();
        let done = done(&mut window);
        let [Done::Begin("seed"), Done::Set("seed", value), Done::End("seed")] = done[..] else {
            panic!("{done:?}")
        };
        assert_eq!(window.state().desk.text("seed", value), "4711");
    }
}

#[test]
fn an_empty_window_says_what_will_stand_where() {
    let window = window(Rehearsal::empty());
    for label in [
        "Now: no chord",
        "Next: – nothing planned yet",
        "History: nothing played yet",
        "Coming chords: none yet",
        "Roll: 0 notes, no melody yet",
        "Keys down: melody none; chord none; bass none",
        "Key heard: key –",
    ] {
        assert!(window.query_by_label(label).is_some(), "{label}: {:?}", labels(&window));
    }
}

#[test]
fn what_is_played_is_told_spelled_for_the_key() {
    let window = window(Rehearsal::playing());
    let all: Vec<String> = labels(&window).into_iter().map(|(label, ..)| label).collect();
    let has = |start: &str| all.iter().any(|label| label.starts_with(start));
    assert!(has("Now: B♭m7/A♭, tones B♭ D♭ F A♭; melody G4"), "{all:?}");
    assert!(has("Key heard: A♭ major 82 %"), "{all:?}");
    assert!(has("Tempo and place: 92.0 BPM 4/4 · bar 22.2"), "{all:?}");
    assert!(has("Engine: ONNX 2.3 ms, half within 1.1 ms"), "{all:?}");
    assert!(has("History: 22 bars"), "{all:?}");
    let next = all.iter().find(|label| label.starts_with("Next: ")).unwrap();
    assert!(next.contains("beat") && next.ends_with("stands"), "{next}");
    let coming = all.iter().find(|label| label.starts_with("Coming chords: ")).unwrap();
    assert!(coming.contains(", stands") && coming.contains(", may change"), "{coming}");
}

#[test]
fn late_frames_are_told() {
    let window = window(Rehearsal::behind());
    assert!(window.query_by_label("Late frames: 3").is_some());
}

#[test]
fn nothing_is_nameless_and_nothing_lies_outside_or_over_another() {
    for (scene, rehearsal) in scenes() {
        for face in looks() {
            let window = window(looking(rehearsal.clone(), face));
            let what = format!("{scene}, {face:?}");
            let unnamed = window.unnamed_widgets();
            assert!(unnamed.is_empty(), "{what}: {unnamed:?}");
            let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(face.size.0, face.size.1)).expand(0.6);
            let starts = [
                "State: ",
                "Now: ",
                "Next: ",
                "History: ",
                "Coming chords: ",
                "Roll: ",
                "Keys down: ",
                "Panic",
            ];
            let mut painted: Vec<(String, Rect)> = Vec::new();
            for (label, role, rect) in labels(&window) {
                if starts.iter().any(|start| label.starts_with(start)) && role != Role::TextRun {
                    assert!(screen.contains_rect(rect), "{what}: {label} {rect:?}");
                    assert!(rect.width() > 20.0 && rect.height() > 14.0, "{what}: {label} {rect:?}");
                    for (other, place) in &painted {
                        let over = rect.intersect(*place);
                        assert!(
                            label == *other || over.width() < 1.0 || over.height() < 1.0,
                            "{what}: {label} lies over {other}"
                        );
                    }
                    painted.push((label, rect));
                }
            }
            let num_expected = if face.room == Room::Stage { 4 } else { starts.len() };
            assert!(painted.len() >= num_expected, "{what}: {painted:?}");
        }
    }
}

#[test]
fn every_control_is_in_the_main_view() {
    for size in [(640.0, 400.0), (900.0, 560.0), (1400.0, 1100.0)] {
        let mut window = window(looking(Rehearsal::playing(), Face { size, ..Face::default() }));
        for tab in TABS {
            window.get_by_role_and_label(Role::Button, tab.name).click();
            window.run();
            for row in tab.sections.iter().flat_map(|section| section.rows).chain(PLAY) {
                let role = match row.kind {
                    Kind::Switch => Role::CheckBox,
                    Kind::Choice => Role::ComboBox,
                    Kind::Fader => Role::Slider,
                    Kind::Press => Role::Button,
                };
                let name = window.state().desk.name(row.id);
                assert!(window.query_by_role_and_label(role, &name).is_some(), "{name} at {size:?}");
            }
        }
        for (role, label) in [
            (Role::ComboBox, "Preset"),
            (Role::ComboBox, "Model"),
            (Role::Button, "Save as MIDI"),
            (Role::Button, "Stage view"),
            (Role::Button, "Look"),
        ] {
            assert!(window.query_by_role_and_label(role, label).is_some(), "{label} at {size:?}");
        }
    }
}

#[test]
fn every_control_of_the_main_view_is_reached_by_keys_and_changes_its_parameter() {
    let mut window = window(Rehearsal::playing());
    for tab in TABS {
        window.get_by_role_and_label(Role::Button, tab.name).click();
        window.run();
        for row in tab.sections.iter().flat_map(|section| section.rows).chain(PLAY) {
            let (name, before) = (window.state().desk.name(row.id), window.state().desk.normalized(row.id));
            let (role, key) = match row.kind {
                Kind::Switch => (Role::CheckBox, egui::Key::Space),
                Kind::Press => (Role::Button, egui::Key::Space),
                Kind::Choice if before < 1.0 => (Role::ComboBox, egui::Key::ArrowDown),
                Kind::Choice => (Role::ComboBox, egui::Key::ArrowUp),
                Kind::Fader if before < 1.0 => (Role::Slider, egui::Key::ArrowRight),
                Kind::Fader => (Role::Slider, egui::Key::ArrowLeft),
            };
            window.get_by_role_and_label(role, &name).focus();
            window.run_steps(2);
            done(&mut window);
            window.key_press(key);
            window.run_steps(30);
            let done = done(&mut window);
            let [Done::Begin(begun), Done::Set(set, value), rest @ .., Done::End(ended)] = done.as_slice()
            else {
                panic!("{name}: {done:?}")
            };
            assert_eq!((*begun, *set, *ended), (row.id, row.id, row.id));
            match row.kind {
                Kind::Switch => assert_eq!((*value, rest), (1.0 - before, [].as_slice()), "{name}"),
                Kind::Press => {
                    assert_eq!((*value, rest), (1.0, [Done::Set(row.id, 0.0)].as_slice()), "{name}")
                }
                Kind::Choice | Kind::Fader => {
                    assert!(*value != before && rest.is_empty(), "{name}: {before}, {done:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_kept_on_without_a_hand_is_lit() {
    for room in [Room::Studio, Room::Stage] {
        for (id, kept) in [("hold", true), ("hold", false), ("mute", true), ("mute", false)] {
            let mut rehearsal = looking(Rehearsal::playing(), Face { room, ..Face::default() });
            let glance = &mut rehearsal.snapshot.glance;
            *(if id == "hold" { &mut glance.holds } else { &mut glance.mutes }) = kept;
            let window = window(rehearsal);
            assert_eq!(window.state().desk.normalized(id), 0.0);
            let name = window.state().desk.name(id);
            let node = window.get_by_role_and_label(Role::Button, &name);
            let is_lit = node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True);
            assert_eq!(is_lit, kept, "{id} in {room:?}");
        }
    }
}

#[test]
fn trouble_is_told_in_the_smallest_window() {
    let face = Face { size: (640.0, 400.0), ..Face::default() };
    let window = window(looking(Rehearsal::behind(), face));
    let all: Vec<String> = labels(&window).into_iter().map(|(label, ..)| label).collect();
    assert!(all.iter().any(|label| label.starts_with("Late frames: ")), "{all:?}");
    assert!(all.iter().any(|label| label.starts_with("Engine: ")), "{all:?}");
}

#[test]
fn nothing_comes_while_everything_passes_through() {
    let mut rehearsal = Rehearsal::playing();
    assert!(!rehearsal.snapshot.planned().is_empty());
    rehearsal.snapshot.glance.stage = Stage::Bypassed;
    let window = window(rehearsal);
    assert!(window.query_by_label("Next: – notes pass through").is_some(), "{:?}", labels(&window));
}

#[test]
fn a_hint_says_where_from_here() {
    let mut face = Face::default();
    let said = |face: Face| {
        let window = window(looking(Rehearsal::model_missing(), face));
        labels(&window).into_iter().map(|(label, ..)| label).find(|label| label.starts_with("Choose another"))
    };
    assert!(said(face).is_some_and(|hint| hint.starts_with("Choose another model – ")));
    face.folded = true;
    assert!(said(face).is_some_and(|hint| hint.contains("(Look unfolds the controls)")));
    face.room = Room::Stage;
    assert!(said(face).is_some_and(|hint| hint.contains("in the main view")));
}

#[test]
fn the_tab_key_reaches_every_control_once_and_comes_round() {
    let mut window = window(Rehearsal::playing());
    let desk = &mut window.state_mut().desk;
    (desk.captured_by, desk.former_bars) = (Some(Clock::Host), 1);
    for tab in TABS {
        window.get_by_role_and_label(Role::Button, tab.name).click();
        window.run();
        let (mut reached, mut seen) = (Vec::new(), Vec::new());
        for _ in 0..80 {
            window.key_press(egui::Key::Tab);
            window.run_steps(2);
            let focused = window.root().children_recursive().find(|node| node.accesskit_node().is_focused());
            let focused = focused.expect("nothing has the focus");
            let node = focused.accesskit_node();
            // A tab may be called as a parameter is.
            if seen.contains(&(node.role(), node.label())) {
                break;
            }
            seen.push((node.role(), node.label()));
            reached.extend(node.label());
        }
        for row in tab.sections.iter().flat_map(|section| section.rows).chain(PLAY) {
            let name = window.state().desk.name(row.id);
            assert!(reached.contains(&name), "{name} is not reached on {}: {reached:?}", tab.name);
        }
        let take = ["12 bars of the song", "Save as MIDI", "Clear capture", "Bring back"];
        for label in ["Preset", "Model", "Stage view", "Look", "Panic"].into_iter().chain(take) {
            assert!(reached.iter().any(|reached| reached == label), "{label}: {reached:?}");
        }
    }
}

#[test]
fn stage_has_four_large_buttons_that_press_their_parameters() {
    for size in [(640.0, 400.0), (900.0, 560.0), (1920.0, 1080.0)] {
        let face = Face { room: Room::Stage, size, ..Face::default() };
        let mut window = window(looking(Rehearsal::playing(), face));
        for id in ["hold", "mute", "next", "panic"] {
            let name = window.state().desk.name(id);
            let rect = window.get_by_role_and_label(Role::Button, &name).rect();
            assert!(rect.width() > 130.0 && rect.height() > 60.0, "{name} at {size:?}: {rect:?}");
            done(&mut window);
            window.get_by_role_and_label(Role::Button, &name).click();
            window.run_steps(2);
            let done_now = done(&mut window);
            assert_eq!(
                done_now.get(..2),
                Some(&[Done::Begin(id), Done::Set(id, 1.0)][..]),
                "{name} at {size:?}"
            );
            window.run_steps(20);
            assert_eq!(done(&mut window), [Done::Set(id, 0.0), Done::End(id)], "{name}");
        }
        assert!(window.query_by_label_contains("Next: ").is_some());
        window.get_by_role_and_label(Role::Button, "Main view").click();
        window.run();
        assert_eq!(window.state().rehearsal.face.room, Room::Studio);
        window.get_by_role_and_label(Role::Button, "Stage view").click();
        window.run();
        assert_eq!(window.state().rehearsal.face.room, Room::Stage);
    }
}

#[test]
fn panic_is_in_sight_whatever_happens() {
    for (scene, rehearsal) in scenes() {
        for face in looks() {
            let mut window = window(looking(rehearsal.clone(), face));
            window.get_by_role_and_label(Role::Button, "Panic").click();
            window.run_steps(2);
            assert_eq!(done(&mut window)[..2], [Done::Begin("panic"), Done::Set("panic", 1.0)], "{scene}");
        }
    }
}

#[test]
fn panic_never_scrolls_away() {
    for room in [Room::Studio, Room::Stage] {
        for (width, height) in [(640.0, 400.0), (900.0, 560.0), (1400.0, 900.0)] {
            for zoom in [0.75, 1.0, 2.0] {
                // A host may follow the zoom with its window, or keep the window as it is.
                for points in [(width, height), (width / zoom, height / zoom)] {
                    let face = Face { room, zoom, size: points, ..Face::default() };
                    let mut window = window(looking(Rehearsal::playing(), face));
                    let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(points.0, points.1));
                    for _ in 0..2 {
                        let panic = window.get_by_role_and_label(Role::Button, "Panic").rect();
                        assert!(screen.contains_rect(panic), "{room:?} in {points:?}: {panic:?}");
                        // However far the rest is scrolled.
                        window.hover_at(screen.center());
                        window.event(egui::Event::MouseWheel {
                            unit: egui::MouseWheelUnit::Point,
                            delta: vec2(-500.0, -500.0),
                            phase: egui::TouchPhase::Move,
                            source: egui::MouseWheelSource::Unknown,
                            modifiers: egui::Modifiers::NONE,
                        });
                        window.run();
                    }
                }
            }
        }
    }
}

#[test]
fn the_look_is_chosen() {
    let mut window = window(Rehearsal::playing());
    let choose = |window: &mut Window, role: Role, label: &str| {
        if window.query_by_role_and_label(role, label).is_none() {
            window.get_by_role_and_label(Role::Button, "Look").click();
            window.run();
        }
        window.get_by_role_and_label(role, label).click();
        window.run();
        window.state().rehearsal.face
    };
    assert_eq!(choose(&mut window, Role::RadioButton, "Light").shade, Shade::Light);
    assert_eq!(choose(&mut window, Role::RadioButton, "150 %").zoom, 1.5);
    assert!(choose(&mut window, Role::CheckBox, "Reduced motion").calm);
    assert!(choose(&mut window, Role::CheckBox, "Fold the controls away").folded);
    assert_eq!(choose(&mut window, Role::RadioButton, "Dark").shade, Shade::Dark);
}

/// Whether a shape has an edge that is seen on the grounds of a theme, and lies in a place.
fn has_edge(shape: &egui::Shape, place: Rect, theme: &theme::Theme) -> bool {
    let (rect, stroke) = match shape {
        egui::Shape::Rect(rect) => (rect.rect, rect.stroke),
        egui::Shape::Circle(circle) => (circle.visual_bounding_rect(), circle.stroke),
        egui::Shape::Vec(shapes) => return shapes.iter().any(|shape| has_edge(shape, place, theme)),
        _ => return false,
    };
    let stands_out = [theme.ground, theme.panel].map(|ground| theme::contrast(stroke.color, ground) >= 3.0);
    place.expand(1.0).contains_rect(rect) && stroke.width >= 1.0 && stands_out == [true, true]
}

#[test]
fn what_is_to_be_ticked_has_an_edge_that_is_seen_in_menus_too() {
    for shade in [Shade::Dark, Shade::Light] {
        let face = Face { shade, size: (1400.0, 1400.0), ..Face::default() };
        let mut window = window(looking(Rehearsal::playing(), face));
        window.get_by_role_and_label(Role::Button, "Look").click();
        window.run();
        let ticked = labels(&window)
            .into_iter()
            .filter(|(_, role, _)| matches!(role, Role::CheckBox | Role::RadioButton));
        let ticked: Vec<_> = ticked.collect();
        assert!(ticked.len() > 12, "{ticked:?}");
        for (label, _, place) in ticked {
            let shapes = &window.output().shapes;
            let is_seen =
                shapes.iter().any(|clipped| has_edge(&clipped.shape, place, theme::Theme::of(shade)));
            assert!(is_seen, "{label} in {shade:?}");
        }
    }
}

#[test]
fn keys_zoom() {
    let mut window = window(Rehearsal::playing());
    let press = |window: &mut Window, key| {
        window.key_press_modifiers(egui::Modifiers::COMMAND, key);
        window.run();
        window.state().rehearsal.face.zoom
    };
    assert_eq!(press(&mut window, egui::Key::Plus), 1.25);
    assert_eq!(press(&mut window, egui::Key::Minus), 1.0);
    assert_eq!(press(&mut window, egui::Key::Minus), 0.9);
    assert_eq!(press(&mut window, egui::Key::Num0), 1.0);
}

#[test]
fn nothing_is_drawn_again_while_nothing_changes() {
    for (scene, rehearsal) in scenes() {
        for face in looks() {
            let window = window(looking(rehearsal.clone(), face));
            let output = &window.output().viewport_output[&egui::ViewportId::ROOT];
            assert_eq!(output.repaint_delay, std::time::Duration::MAX, "{scene}, {face:?}");
        }
    }
}

#[test]
fn a_window_that_is_too_small_is_scrolled() {
    let mut rehearsal = Rehearsal::playing();
    rehearsal.face.size = (400.0, 300.0);
    let window = window(rehearsal);
    let roll = window.get_by_label_contains("Roll: ").rect();
    assert!(roll.width() > 600.0, "{roll:?}");
}
