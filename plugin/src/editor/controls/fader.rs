//! A fader: more or less of something. A drag moves it from where it stands, so that a click changes nothing; Shift
//! makes it finer. Arrow keys go step by step, page keys by ten, Home and End to the ends, Delete to the default; Enter
//! or a click on the value lets a value be typed.

use super::{Gestures, choice, typed::Typed};
use crate::editor::desk::Desk;
use egui::{
    EventFilter, Id, Key, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, accesskit, pos2,
    vec2,
};

/// How much finer a drag is with Shift.
const FINE: f32 = 0.1;
/// Steps that a page key makes.
const PAGE: usize = 10;
/// A fader that is typed is written by its value's field.
const KEYS: [Key; 8] = [
    Key::ArrowLeft,
    Key::ArrowDown,
    Key::ArrowRight,
    Key::ArrowUp,
    Key::PageDown,
    Key::PageUp,
    Key::Home,
    Key::End,
];

/// Draws the rail of a parameter's fader, and moves the parameter by what hands and keys do.
pub fn rail(
    ui: &mut Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    typed: &mut Typed,
    id: &'static str,
    width: f32,
) -> Response {
    let size = vec2(width, ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let now = ui.input(|input| input.time);
    if response.drag_started() || response.clicked() {
        response.request_focus();
    }
    if response.double_clicked() || response.secondary_clicked() {
        gestures.reset(desk, id);
    } else if response.dragged_by(egui::PointerButton::Primary) {
        gestures.claim(desk, id, now);
        let fine = if ui.input(|input| input.modifiers.shift) { FINE } else { 1.0 };
        let moved = response.drag_delta().x / (rect.width() - rect.height()).max(1.0) * fine;
        if moved != 0.0 {
            let value = gestures.value(id).unwrap_or_default();
            gestures.move_to(desk, id, value + moved);
        }
    }
    if response.has_focus() {
        keys(ui, desk, gestures, typed, id, response.id, now);
    }
    spoken(ui, desk, gestures, id, response.id);
    paint(ui, &response, gestures.shown(desk, id), desk.default_of(id), rect.size());
    let value = gestures.shown(desk, id);
    let text = choice::shown(id, desk.text(id, value));
    response.widget_info(|| {
        let mut info = WidgetInfo::new(Role::Slider);
        info.enabled = ui.is_enabled();
        info.label = Some(desk.name(id));
        info.value = Some(value.into());
        info.current_text_value = Some(text.clone());
        info
    });
    response
}

/// What keys do to the fader that has the focus. A key held down is one gesture.
fn keys(
    ui: &Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    typed: &mut Typed,
    id: &'static str,
    widget: Id,
    now: f64,
) {
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(widget, filter));
    let (fine, is_held) =
        ui.input(|input| (input.modifiers.shift, KEYS.iter().any(|key| input.key_down(*key))));
    let is_typing = is_held && gestures.value(id).is_some();
    for key in KEYS {
        // A pressed key may come up in the same pass.
        let presses = ui.input(|input| input.num_presses(key));
        for _ in 0..presses {
            let from = gestures.shown(desk, id);
            let walk = |steps: usize, up: bool, fine: bool| {
                (0..steps).fold(from, |at, _| desk.beside(id, at, up, fine))
            };
            let value = match key {
                Key::ArrowLeft | Key::ArrowDown => walk(1, false, fine),
                Key::ArrowRight | Key::ArrowUp => walk(1, true, fine),
                Key::PageDown => walk(PAGE, false, false),
                Key::PageUp => walk(PAGE, true, false),
                Key::Home => 0.0,
                _ => 1.0,
            };
            if value != from {
                gestures.claim(desk, id, now);
                gestures.move_to(desk, id, value);
            }
        }
    }
    if is_typing {
        gestures.claim(desk, id, now);
    }
    if ui.input(|input| input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace)) {
        gestures.reset(desk, id);
    }
    if ui.input(|input| input.key_pressed(Key::Enter)) {
        let text = desk.text(id, gestures.shown(desk, id));
        typed.begin(desk, gestures, id, text);
    }
}

/// What an assistive technology asks for.
fn spoken(ui: &Ui, desk: &mut dyn Desk, gestures: &mut Gestures, id: &'static str, widget: Id) {
    use accesskit::{Action, ActionData};
    let (more, less, set) = ui.input(|input| {
        let set =
            input.accesskit_action_requests(widget, Action::SetValue).find_map(|request| {
                match &request.data {
                    Some(ActionData::NumericValue(value)) => Some(Ok(*value as f32)),
                    Some(ActionData::Value(text)) => Some(Err(text.to_string())),
                    _ => None,
                }
            });
        let count = |action| input.num_accesskit_action_requests(widget, action);
        (count(Action::Increment), count(Action::Decrement), set)
    });
    for (times, up) in [(more, true), (less, false)] {
        for _ in 0..times {
            let value = desk.beside(id, gestures.shown(desk, id), up, false);
            gestures.once(desk, id, value);
        }
    }
    if let Some(value) = set.and_then(|set| set.or_else(|text| desk.read(id, &text).ok_or(())).ok()) {
        gestures.once(desk, id, value);
    }
    ui.ctx().accesskit_node_builder(widget, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
        for action in [Action::Increment, Action::Decrement, Action::SetValue] {
            node.add_action(action);
        }
    });
}

fn paint(ui: &Ui, response: &Response, value: f32, default: f32, size: Vec2) {
    if !ui.is_rect_visible(response.rect) {
        return;
    }
    let visuals = ui.style().interact(response);
    let (rect, radius) = (response.rect, size.y * 0.32);
    let (left, right) = (rect.left() + radius, rect.right() - radius);
    let at = |share: f32| left + (right - left) * share.clamp(0.0, 1.0);
    let (y, painter) = (rect.center().y, ui.painter());
    painter.hline(left..=right, y, Stroke::new(1.0, ui.visuals().weak_text_color()));
    painter.hline(left..=at(value), y, Stroke::new(3.0, ui.visuals().selection.bg_fill));
    // Where the default is, so that it is found again.
    painter.vline(at(default), y - radius..=y + radius, Stroke::new(1.0, ui.visuals().weak_text_color()));
    painter.circle(pos2(at(value), y), radius, visuals.bg_fill, visuals.fg_stroke);
    if response.has_focus() {
        // The accent, which stands out from every ground; the selection's own ink is for texts upon the accent.
        let ring = Stroke::new(1.5, ui.visuals().selection.bg_fill);
        painter.rect_stroke(rect, 3.0, ring, StrokeKind::Outside);
    }
}
