//! The stage view: now, next and the countdown, to be read from two metres, and four large targets. GUI thread.

use super::{
    cards,
    face::Room,
    status,
    view::{Panic, View},
};
use egui::{Align, Layout, Rect, Ui, UiBuilder, pos2, vec2};

/// What is pressed on stage; Panic is the last.
const BUTTONS: [&str; 4] = ["hold", "mute", "next", "panic"];
/// The largest type of the chord that sounds, in points.
const MOST: f32 = 240.0;

/// Draws the view.
pub fn show(ui: &mut Ui, view: &mut View) {
    let View { scene, desk, controls, face, panic } = view;
    let rect = ui.max_rect().shrink(10.0);
    let gap = 10.0;
    let head = Rect::from_min_size(rect.min, vec2(rect.width(), 44.0));
    let foot_height = (rect.height() * 0.2).clamp(72.0, 150.0);
    let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - foot_height), rect.max);
    let middle =
        Rect::from_min_max(pos2(rect.left(), head.bottom() + 30.0), pos2(rect.right(), foot.top() - gap));
    let now = middle.with_max_x(middle.left() + middle.width() * 0.6 - gap / 2.0);
    let next = middle.with_min_x(now.right() + gap);
    let size = (rect.width() / 34.0).clamp(18.0, 30.0);
    let mut bar = ui.new_child(UiBuilder::new().max_rect(head).layout(Layout::left_to_right(Align::Center)));
    status::pill(&mut bar, scene, head.width() - 150.0, size);
    bar.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if ui.button("Main view").on_hover_text("Back to everything").clicked() {
            face.room = Room::Studio;
        }
    });
    let hint = Rect::from_min_max(pos2(rect.left(), head.bottom()), pos2(rect.right(), middle.top() - 4.0));
    status::hint(ui, hint, scene, *desk, (size * 0.62).max(13.0));
    cards::now(ui, now, scene, MOST);
    cards::next(ui, next, scene, MOST * 0.55);
    let buttons = if *panic == Panic::Within { &BUTTONS[..] } else { &BUTTONS[..BUTTONS.len() - 1] };
    let num = buttons.len() as f32;
    let width = (foot.width() - gap * (num - 1.0)) / num;
    controls.keep(scene.snapshot.glance.holds, scene.snapshot.glance.mutes);
    for (nth, id) in buttons.iter().enumerate() {
        let left = foot.left() + nth as f32 * (width + gap);
        let place = Rect::from_min_size(pos2(left, foot.top()), vec2(width, foot.height()));
        controls.large(ui, *desk, id, place);
    }
}
