//! The look: theme, zoom, motion. GUI thread.

use super::{
    face::{Face, Shade, ZOOMS},
    theme::Theme,
};
use egui::{Key, Modifiers, Stroke, Ui};

/// Draws the menu.
pub fn menu(ui: &mut Ui, face: &mut Face) {
    let look = ui.menu_button("Look", |ui| {
        ui.set_min_width(150.0);
        // A menu takes the edges away, of what is to be ticked too.
        let edge = Stroke::new(1.0, Theme::of(face.shade).edge);
        let widgets = &mut ui.visuals_mut().widgets;
        for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
            state.bg_stroke = edge;
        }
        ui.strong("Theme");
        for (shade, word) in [(Shade::Dark, "Dark"), (Shade::Light, "Light")] {
            if ui.radio(face.shade == shade, word).clicked() {
                face.shade = shade;
            }
        }
        ui.separator();
        ui.strong("Zoom");
        for zoom in ZOOMS {
            let word = format!("{:.0} %", zoom * 100.0);
            if ui.radio((face.zoom - zoom).abs() < 0.005, word).clicked() {
                face.zoom = zoom;
            }
        }
        ui.separator();
        ui.checkbox(&mut face.calm, "Reduced motion")
            .on_hover_text("The timeline steps from beat to beat instead of gliding");
        ui.checkbox(&mut face.folded, "Fold the controls away")
            .on_hover_text("More room for the music; what you press while playing stays");
    });
    look.response.on_hover_text("Theme, zoom and motion; they are saved with your project");
    keys(ui, face);
}

/// Zoom by keys, as everywhere else: Ctrl or Command with plus, minus and nought.
fn keys(ui: &Ui, face: &mut Face) {
    let (more, less, first) = ui.input_mut(|input| {
        let mut pressed = |key: Key| input.consume_key(Modifiers::COMMAND, key);
        (pressed(Key::Plus) | pressed(Key::Equals), pressed(Key::Minus), pressed(Key::Num0))
    });
    if more {
        face.zoom = ZOOMS.into_iter().find(|zoom| *zoom > face.zoom + 0.005).unwrap_or(face.zoom);
    }
    if less {
        face.zoom = ZOOMS.into_iter().rev().find(|zoom| *zoom < face.zoom - 0.005).unwrap_or(face.zoom);
    }
    if first {
        face.zoom = 1.0;
    }
}
