//! The window over the real house, without the framework: what wakes it, what it leaves alone while it is closed, and
//! that it opens again as it was left.

use super::{ChordsEditor, Window, controls::sheet::TABS, face::Room, open};
use crate::{
    audio::{Snapshot, Stage},
    links::{AudioEnd, Health, ModelChoice, WorkerEnd, WorkerState, connect},
    params::{ChordsParams, status},
    worker::Worker,
};
use egui::{Role, ViewportId, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT, Queryable},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

struct House {
    params: Arc<ChordsParams>,
    audio: AudioEnd,
    worker: WorkerEnd,
    editor: ChordsEditor,
    /// How often whoever draws was woken.
    woken: Arc<AtomicU32>,
}

fn house() -> House {
    let health = Arc::new(Health::default());
    let params = Arc::new(ChordsParams::new(&health));
    let woken = Arc::new(AtomicU32::new(0));
    let counts = woken.clone();
    // The first who asks to be woken is: the editor's own asking goes nowhere, as nothing of the framework is here.
    health.wake_by(move || {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    let (audio, worker, end) = connect(health);
    let editor = open(params.clone(), end).unwrap();
    House { params, audio, worker, editor, woken }
}

type Opened = Harness<'static, Window>;

/// A window of the editor, dressed as the framework has it dressed.
fn opened(editor: &ChordsEditor) -> Opened {
    let (width, height) = editor.face.get().size;
    let mut is_dressed = false;
    let draw = move |ui: &mut egui::Ui, window: &mut Window| {
        if !std::mem::replace(&mut is_dressed, true) {
            window.dress(ui.ctx());
        }
        window.draw(&mut super::tests::whole(ui));
    };
    let mut opened = Harness::builder()
        .with_size(vec2(width, height))
        .with_step_dt(0.05)
        .with_max_steps(40)
        .build_ui_state(draw, editor.window());
    opened.run();
    opened
}

fn click(opened: &mut Opened, role: Role, label: &str) {
    opened.get_by_role_and_label(role, label).click();
    opened.run();
}

fn wait(opened: &Opened) -> Duration {
    opened.output().viewport_output[&ViewportId::ROOT].repaint_delay
}

#[test]
fn the_window_is_woken_by_what_changes_and_by_nothing_else() {
    let mut house = house();
    let woken = |house: &House| house.woken.swap(0, Ordering::Relaxed);
    house.editor.rooms.lock().unwrap().end.health.set_worker(WorkerState::Ready);
    assert_eq!(woken(&house), 1);
    let mut opened = opened(&house.editor);
    for _ in 0..5 {
        opened.run_steps(1);
        assert_eq!((wait(&opened), woken(&house)), (Duration::MAX, 0));
    }
    let mut snapshot = Snapshot::default();
    snapshot.glance.stage = Stage::Holding;
    house.audio.show(&snapshot);
    assert_eq!(woken(&house), 1);
    opened.run_steps(1);
    assert!(opened.query_by_label_contains("State: HOLDING").is_some());
    assert_eq!((wait(&opened), woken(&house)), (Duration::MAX, 0));
    // What it asks for by itself while the worker reads a model is patient.
    house.editor.rooms.lock().unwrap().end.health.set_worker(WorkerState::Loading);
    opened.run_steps(2);
    assert!(
        (Duration::from_millis(100)..Duration::from_secs(1)).contains(&wait(&opened)),
        "{:?}",
        wait(&opened)
    );
}

#[test]
fn a_model_that_is_refused_is_said_on_the_screen_until_another_is_chosen() {
    let House { params, editor, worker, audio: _audio, .. } = house();
    params.model.choose(ModelChoice { file: Some("/no/such/jazz.onnx".into()) });
    let health = worker.health.clone();
    let _worker = Worker::start(worker, params.shared());
    let begun = Instant::now();
    let until = |is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{health:?}");
            std::thread::yield_now();
        }
    };
    until(&|| health.worker() != WorkerState::Loading);
    let mut window = opened(&editor);
    let said = "/no/such/jazz.onnx is not used: it cannot be read";
    assert!(window.query_by_label_contains(said).is_some());
    assert!(status(&health).starts_with(&format!("ready; {said}")), "{}", status(&health));
    // What plays, and why in this engine.
    window.get_by_label_contains("Engine: ").hover();
    window.run_steps(30);
    let engine = health.texts().engine;
    assert!(!engine.is_empty() && window.query_by_label_contains(&engine).is_some(), "{engine}");
    params.model.choose(ModelChoice::default());
    until(&|| health.texts().beside.is_empty());
    window.run_steps(2);
    assert!(window.query_by_label_contains("jazz.onnx").is_none());
}

#[test]
fn while_the_window_is_closed_nothing_is_read_and_nothing_drawn() {
    let mut house = house();
    let is_unread = |house: &House| house.editor.rooms.lock().unwrap().end.snapshots.updated();
    // None but the editor itself has the rooms: there is no window, and nobody else to draw one.
    assert_eq!(Arc::strong_count(&house.editor.rooms), 1);
    house.audio.show(&Snapshot::default());
    assert!(is_unread(&house));
    let window = opened(&house.editor);
    assert_eq!(Arc::strong_count(&house.editor.rooms), 2);
    assert!(!is_unread(&house));
    drop(window);
    assert_eq!(Arc::strong_count(&house.editor.rooms), 1);
    (0..100).for_each(|_| house.audio.show(&Snapshot::default()));
    assert!(is_unread(&house));
}

#[test]
fn the_window_opens_again_as_it_was_left() {
    let house = house();
    house.editor.face.change(|face| face.size = (1000.0, 700.0));
    let mut first = opened(&house.editor);
    click(&mut first, Role::Button, TABS[2].name);
    for (role, label) in
        [(Role::RadioButton, "Light"), (Role::RadioButton, "125 %"), (Role::CheckBox, "Reduced motion")]
    {
        if first.query_by_role_and_label(role, label).is_none() {
            click(&mut first, Role::Button, "Look");
        }
        click(&mut first, role, label);
    }
    let left = house.editor.face.get();
    assert_eq!((left.page, left.zoom, left.calm, left.size), (2, 1.25, true, (1000.0, 700.0)));
    drop(first);
    // The host shows another track and comes back; again and again.
    for _ in 0..3 {
        let again = opened(&house.editor);
        assert_eq!(house.editor.face.get(), left);
        assert_eq!(again.ctx.zoom_factor(), 1.25);
        let tab = again.get_by_role_and_label(Role::Button, TABS[2].name);
        assert!(tab.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True));
        assert!(again.query_by_role_and_label(Role::ComboBox, "Style").is_some());
    }
    let mut again = opened(&house.editor);
    click(&mut again, Role::Button, "Stage view");
    drop(again);
    let again = opened(&house.editor);
    assert!(again.query_by_role_and_label(Role::Button, "Main view").is_some());
    assert_eq!(house.editor.face.get().room, Room::Stage);
}

#[test]
fn a_value_that_is_being_typed_is_not_open_in_the_next_window() {
    let house = house();
    let mut window = opened(&house.editor);
    click(&mut window, Role::Button, TABS[1].name);
    window.get_by_role_and_label(Role::Slider, "Seed").focus();
    window.run();
    window.key_press(egui::Key::Enter);
    window.run();
    assert!(window.query_by_label("Seed as text").is_some());
    drop(window);
    let again = opened(&house.editor);
    assert!(again.query_by_role_and_label(Role::Slider, "Seed").is_some());
    assert!(again.query_by_label("Seed as text").is_none());
}

#[test]
fn a_project_that_is_loaded_opens_the_window_as_it_was_saved() {
    let before = house();
    let mut window = opened(&before.editor);
    click(&mut window, Role::Button, TABS[3].name);
    click(&mut window, Role::Button, "Look");
    click(&mut window, Role::RadioButton, "Light");
    let saved = before.params.saved();
    // Into an instance of its own, and into one whose window stands open.
    let after = house();
    after.params.restore(&saved);
    let loaded = opened(&after.editor);
    assert_eq!(after.editor.face.get(), before.editor.face.get());
    assert!(loaded.query_by_role_and_label(Role::CheckBox, "Bypass").is_some());
    let open_already = house();
    let mut window = opened(&open_already.editor);
    open_already.params.restore(&saved);
    window.run_steps(2);
    assert!(window.query_by_role_and_label(Role::CheckBox, "Bypass").is_some());
    assert_eq!(open_already.editor.face.get(), before.editor.face.get());
}
