//! One control in its place: name, widget, value.

use super::{
    Gestures, choice, fader, press,
    sheet::{Kind, Row},
    typed::Typed,
};
use crate::editor::desk::Desk;
use egui::{Align, Color32, Label, Layout, Response, Sense, TextStyle, Ui, vec2};

/// What widths a cell's parts have, in points.
#[derive(Clone, Copy, Debug)]
struct Widths {
    name: f32,
    widget: f32,
    value: f32,
}

/// Draws a control into so much width.
pub fn cell(
    ui: &mut Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    typed: &mut Typed,
    row: &Row,
    width: f32,
) {
    let id = row.id;
    let height = ui.spacing().interact_size.y;
    ui.allocate_ui_with_layout(vec2(width, height), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(vec2(width, height));
        let gap = ui.spacing().item_spacing.x;
        // A long name takes from its widget what it needs.
        let font = TextStyle::Body.resolve(ui.style());
        let laid = ui.painter().layout_no_wrap(desk.name(id), font, Color32::PLACEHOLDER);
        // A box says more than a fader.
        let least = if row.kind == Kind::Choice { 0.30 } else { 0.36 };
        let for_name = (laid.size().x + 2.0).clamp(width * least, width * 0.58);
        let for_value = if for_name > width * 0.48 { width * 0.2 } else { width * 0.3 };
        let widget = width - for_name - for_value - gap;
        let widths = Widths { name: for_name, widget, value: for_value - gap };
        match row.kind {
            Kind::Switch => {
                let response = switch(ui, desk, gestures, id);
                explain(desk, row, response);
            }
            Kind::Press => {
                let response = press::button(ui, desk, gestures, id, false);
                explain(desk, row, response);
            }
            Kind::Choice => {
                let name = name(ui, &desk.name(id), widths.name);
                let response = choice::choice(ui, desk, gestures, id, widths.widget + widths.value);
                explain(desk, row, response.labelled_by(name.id) | name);
            }
            Kind::Fader => {
                let name = name(ui, &desk.name(id), widths.name);
                let rail = fader::rail(ui, desk, gestures, typed, id, widths.widget);
                let rail = rail.labelled_by(name.id);
                explain(desk, row, rail | name);
                value(ui, desk, gestures, typed, id, widths.value);
            }
        }
    });
}

/// A switch: a click turns it over.
pub fn switch(ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, id: &'static str) -> Response {
    let is_on = gestures.shown(desk, id) > 0.5;
    let mut wished = is_on;
    let response = ui.checkbox(&mut wished, desk.name(id));
    if response.secondary_clicked() {
        gestures.reset(desk, id);
    } else if wished != is_on {
        gestures.once(desk, id, f32::from(u8::from(wished)));
    }
    response
}

fn name(ui: &mut Ui, name: &str, width: f32) -> Response {
    let size = vec2(width, ui.spacing().interact_size.y);
    let label = Label::new(name).truncate().show_tooltip_when_elided(false).selectable(false);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(label)
    })
    .inner
}

/// The value in words; a click lets another be typed.
fn value(
    ui: &mut Ui,
    desk: &mut dyn Desk,
    gestures: &mut Gestures,
    typed: &mut Typed,
    id: &'static str,
    width: f32,
) {
    if typed.is_at(id) {
        typed.field(ui, desk, gestures, width);
        return;
    }
    let text = desk.text(id, gestures.shown(desk, id));
    let said = choice::shown(id, text.clone());
    let short = choice::short(&said);
    // Without the focus: the fader's Enter does the same, and each control is one stop of the tab key.
    let label = Label::new(short).truncate().selectable(false).sense(Sense::CLICK);
    let response = ui.add(label);
    if response.clicked() {
        typed.begin(desk, gestures, id, text);
    }
}

pub fn explain(desk: &dyn Desk, row: &Row, response: Response) {
    response.on_hover_ui(|ui| {
        ui.set_max_width(320.0);
        ui.strong(desk.name(row.id));
        ui.label(row.tip);
        if row.kind != Kind::Press {
            let default = choice::shown(row.id, desk.text(row.id, desk.default_of(row.id)));
            let how = if row.kind == Kind::Fader { "double-click or right-click" } else { "right-click" };
            ui.weak(format!("At first: {default} ({how} to go back)"));
        }
    });
}
