//! A box from which one of a few is chosen. Arrow keys go to the one before and after without opening it.

use super::Gestures;
use crate::editor::{desk::Desk, words};
use egui::{ComboBox, EventFilter, Key, Response, Role, Ui, WidgetInfo};

/// The height that a menu may have before it scrolls, in points.
const MENU_HEIGHT: f32 = 420.0;

/// The parameters whose values are notes: hosts have them in plain letters, we with the signs of music.
const NOTES: [&str; 6] = ["key_tonic", "register", "lowest", "highest", "in_lowest", "in_highest"];

/// A parameter's value as it is shown.
pub fn shown(id: &str, text: String) -> String {
    if NOTES.contains(&id) { words::pretty(&text) } else { text }
}

/// A value without what stands in brackets: that is said at length elsewhere, where there is room.
pub fn short(text: &str) -> &str {
    text.split_once(" (").map_or(text, |(short, _)| short)
}

/// Draws a parameter's box, and sets the parameter to what is chosen.
pub fn choice(
    ui: &mut Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    id: &'static str,
    width: f32,
) -> Response {
    let value = gestures.shown(desk, id);
    let last = desk.num_steps(id).unwrap_or(0).max(1) as f32;
    let chosen = (value * last).round() as usize;
    let mut wished = None;
    let text = shown(id, desk.text(id, value));
    let response = boxed(ui, id, &desk.name(id), (&text, short(&text)), width, |ui| {
        for (idx, text) in desk.choices(id).into_iter().enumerate() {
            if ui.selectable_label(idx == chosen, shown(id, text)).clicked() {
                wished = Some(idx);
                ui.close();
            }
        }
    });
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let (back, on) = ui.input(|input| {
            let presses = |keys: [Key; 2]| keys.map(|key| input.num_presses(key)).iter().sum::<usize>();
            (presses([Key::ArrowLeft, Key::ArrowUp]), presses([Key::ArrowRight, Key::ArrowDown]))
        });
        if back + on > 0 {
            wished = Some((chosen + on).saturating_sub(back).min(last as usize));
        }
    }
    if response.secondary_clicked() {
        gestures.reset(desk, id);
    } else if let Some(idx) = wished.filter(|idx| *idx != chosen) {
        gestures.once(desk, id, idx as f32 / last);
    }
    response
}

/// A box with a name for assistive technology and a text for all, and a menu.
pub fn pick(
    ui: &mut Ui,
    salt: &str,
    name: &str,
    text: &str,
    width: f32,
    menu: impl FnOnce(&mut Ui),
) -> Response {
    boxed(ui, salt, name, (text, text), width, menu)
}

/// The same with a text that is said in full and shown in short.
fn boxed(
    ui: &mut Ui,
    salt: &str,
    name: &str,
    (text, short): (&str, &str),
    width: f32,
    menu: impl FnOnce(&mut Ui),
) -> Response {
    let shown = ComboBox::from_id_salt(salt)
        .selected_text(short)
        .width(width)
        .height(MENU_HEIGHT)
        .truncate()
        .show_ui(ui, menu);
    shown.response.widget_info(|| {
        let mut info = WidgetInfo::new(Role::ComboBox);
        info.enabled = ui.is_enabled();
        info.label = Some(name.to_owned());
        info.current_text_value = Some(text.to_owned());
        info
    });
    shown.response
}
