//! A button that is on while it is held, by mouse or by key. A short press lasts long enough for the audio side to see
//! it, which looks once a block.

use super::Gestures;
use crate::editor::desk::Desk;
use egui::{Button, Key, Response, Sense, Ui};
use std::time::Duration;

/// The shortest press, in seconds: longer than any usual block.
pub const SHORTEST: f64 = 0.2;

/// Draws a parameter's button, and presses the parameter while it is down. It is lit while it is down, and while what it
/// switches is kept on without it.
pub fn button(
    ui: &mut Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    id: &'static str,
    is_kept: bool,
) -> Response {
    let now = ui.input(|input| input.time);
    let is_on = is_kept || gestures.shown(desk, id) > 0.5;
    // A widget that is only clicked is let go of after a second.
    let button = Button::new(desk.name(id)).selected(is_on).sense(Sense::click_and_drag());
    let response = ui.add(button);
    let is_key_down =
        response.has_focus() && ui.input(|input| input.key_down(Key::Space) || input.key_down(Key::Enter));
    let is_down = response.is_pointer_button_down_on()
        && ui.input(|input| input.pointer.button_down(egui::PointerButton::Primary));
    if is_down || is_key_down || response.clicked() {
        gestures.press(desk, id, now);
    } else if let Some(since) = gestures.since(id) {
        let left = since + SHORTEST - now;
        if left > 0.0 {
            gestures.claim(desk, id, now);
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
        }
    }
    response
}
