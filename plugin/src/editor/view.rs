//! The window as a function of one scene and the desk: the main view, or the stage view. GUI thread; knows no plugin
//! framework.

use super::{
    cards,
    controls::Controls,
    desk::Desk,
    face::{Face, LEAST_SIZE, Room},
    history, icon, keyboard, lane, look, roll,
    scene::Scene,
    stage, status,
    theme::{SMALL, dress},
    timeline::Timeline,
};
use egui::{Align, Layout, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};

/// The largest type of the chord that sounds in the main view, in points.
const MOST: f32 = 84.0;
/// A window narrower than this leaves out what is not needed, in points.
const NARROW: f32 = 760.0;

/// Draws the window. The look as the player left it.
pub fn show(ui: &mut Ui, scene: &Scene, desk: &mut dyn Desk, controls: &mut Controls) -> Face {
    let room = ui.max_rect();
    ui.painter().rect_filled(room, 0.0, scene.theme().ground);
    let mut view = View { scene, desk, controls, face: scene.face, panic: Panic::Within };
    if room.width() + 0.5 < LEAST_SIZE.0 || room.height() + 0.5 < LEAST_SIZE.1 {
        cramped(ui, &mut view);
    } else {
        room_of(ui, &mut view);
    }
    if view.face.shade != scene.face.shade {
        dress(ui.ctx(), view.face.shade);
    }
    view.face
}

/// What a view shows, and what it is worked by.
pub struct View<'a> {
    /// What is shown.
    pub scene: &'a Scene<'a>,
    /// What the hands do goes there.
    pub desk: &'a mut dyn Desk,
    /// The controls' own state.
    pub controls: &'a mut Controls,
    /// The look, as it is to be from the next pass on.
    pub face: Face,
    /// Where Panic is.
    pub panic: Panic,
}

/// Where Panic is, which never scrolls away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panic {
    /// Where the view has it.
    Within,
    /// Above the view, which scrolls.
    Above,
}

/// A host that gives less room than can be laid out, or so large a zoom: what does not fit is scrolled to, under a line
/// that stays.
fn cramped(ui: &mut Ui, view: &mut View) {
    let room = ui.max_rect();
    let (line, rest) = room.split_top_bottom_at_y(room.top() + 34.0);
    let layout = Layout::right_to_left(Align::Center);
    let mut bar = ui.new_child(UiBuilder::new().max_rect(line.shrink2(vec2(8.0, 2.0))).layout(layout));
    view.controls.panic(&mut bar, view.desk);
    view.panic = Panic::Above;
    let mut rest = ui.new_child(UiBuilder::new().max_rect(rest));
    ScrollArea::both().auto_shrink(false).show(&mut rest, |ui| {
        let (width, height) = (room.width().max(LEAST_SIZE.0), room.height().max(LEAST_SIZE.1));
        let rect = Rect::from_min_size(ui.max_rect().min, vec2(width, height));
        ui.allocate_rect(rect, egui::Sense::hover());
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect));
        room_of(&mut ui, view);
    });
}

fn room_of(ui: &mut Ui, view: &mut View) {
    match view.scene.face.room {
        Room::Studio => studio(ui, view),
        Room::Stage => stage::show(ui, view),
    }
}

/// Where everything lies.
struct Plan {
    status: Rect,
    buttons: Rect,
    hint: Rect,
    now: Rect,
    next: Rect,
    history: Rect,
    lane: Rect,
    roll: Rect,
    keyboard: Rect,
    controls: Rect,
}

impl Plan {
    fn new(room: Rect, folded: bool) -> Self {
        let room = room.shrink(8.0);
        let gap = 6.0;
        let low = room.height() < 470.0;
        let controls = if folded { 28.0 } else { (room.height() * 0.285).clamp(122.0, 214.0) };
        let cards = (room.height() * 0.205).clamp(72.0, 190.0);
        let keyboard = if low { 30.0 } else { (room.height() * 0.08).clamp(40.0, 70.0) };
        let mut top = room.top();
        let mut line = |height: f32, gap: f32| {
            let rect = Rect::from_min_max(pos2(room.left(), top), pos2(room.right(), top + height));
            top += height + gap;
            rect
        };
        let head = line(30.0, 0.0);
        let hint = line(20.0, 2.0);
        let cards = line(cards, gap);
        let music = room.bottom() - controls - gap - keyboard - gap - (cards.bottom() + gap);
        let lane = line((music * 0.26).clamp(26.0, 44.0), 0.0);
        let roll = line(music - lane.height(), gap);
        let keyboard = line(keyboard, gap);
        let controls = Rect::from_min_max(pos2(room.left(), keyboard.bottom() + gap), room.max);
        let buttons = head.with_min_x(head.right() - if room.width() < NARROW { 200.0 } else { 210.0 });
        let now = cards.with_max_x(cards.left() + cards.width() * 0.30);
        let next = Rect::from_min_max(
            pos2(now.right() + gap, cards.top()),
            pos2(cards.left() + cards.width() * 0.53, cards.bottom()),
        );
        let history = cards.with_min_x(next.right() + gap);
        let status = head.with_max_x(buttons.left() - 6.0);
        Self { status, buttons, hint, now, next, history, lane, roll, keyboard, controls }
    }
}

fn studio(ui: &mut Ui, view: &mut View) {
    let View { scene, desk, controls, face, panic } = view;
    let plan = Plan::new(ui.max_rect(), scene.face.folded);
    let mut line = plan.status;
    // A narrow window needs the room for what is said.
    if ui.max_rect().width() >= NARROW {
        line.min.x = icon::show(ui, line).rect.right() + 8.0;
    }
    status::line(ui, line, scene);
    let layout = Layout::right_to_left(Align::Center);
    let mut buttons = ui.new_child(UiBuilder::new().max_rect(plan.buttons).layout(layout));
    if *panic == Panic::Within {
        controls.panic(&mut buttons, *desk);
    }
    if buttons.button("Stage view").on_hover_text("Now and next, to be read from two metres").clicked() {
        face.room = Room::Stage;
    }
    look::menu(&mut buttons, face);
    status::hint(ui, plan.hint, scene, *desk, status::hint_size(plan.hint.width()));
    cards::now(ui, plan.now, scene, MOST);
    cards::next(ui, plan.next, scene, MOST * 0.6);
    past(ui, plan.history, scene, *desk, controls);
    let axis = Timeline::new(scene, plan.roll.x_range());
    lane::show(ui, plan.lane, scene, &axis);
    roll::show(ui, plan.roll, scene, &axis);
    roll::playhead(ui, plan.lane.union(plan.roll), scene, &axis);
    lane::sounding(ui, plan.lane, scene, &axis);
    keyboard::show(ui, plan.keyboard, scene);
    let mut foot =
        ui.new_child(UiBuilder::new().max_rect(plan.controls).layout(Layout::top_down(Align::Min)));
    foot.set_clip_rect(plan.controls.expand(3.0).intersect(ui.clip_rect()));
    controls.keep(scene.snapshot.glance.holds, scene.snapshot.glance.mutes);
    controls.hear(scene.report.key);
    controls.play(&mut foot, *desk);
    if !scene.face.folded {
        controls.turn_to(face.page);
        controls.pages(&mut foot, *desk);
        face.page = controls.page();
    }
}

/// The history, and under it what becomes of it.
fn past(ui: &mut Ui, rect: Rect, scene: &Scene, desk: &mut dyn Desk, controls: &mut Controls) {
    let foot = 22.0;
    let chart = rect.with_max_y(rect.bottom() - foot - 3.0);
    history::show(ui, chart, scene);
    let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - foot), rect.max);
    let layout = Layout::left_to_right(Align::Center);
    let mut foot = ui.new_child(UiBuilder::new().max_rect(foot).layout(layout));
    foot.style_mut().override_font_id = Some(egui::FontId::proportional(SMALL));
    foot.spacing_mut().button_padding = vec2(5.0, 2.0);
    foot.spacing_mut().item_spacing.x = 4.0;
    controls.take(&mut foot, desk);
}
