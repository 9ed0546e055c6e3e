//! A value that is being typed: taken by Enter or by leaving the field, left alone by Escape or where it means nothing.

use super::Gestures;
use crate::editor::desk::Desk;
use egui::{Key, Role, TextEdit, Ui, WidgetInfo};

/// The value being typed, if one is.
#[derive(Debug, Default)]
pub struct Typed {
    typing: Option<Typing>,
}

#[derive(Debug)]
struct Typing {
    id: &'static str,
    text: String,
    has_focus: bool,
}

impl Typed {
    /// Begins with the value as it stands.
    pub fn begin(&mut self, id: &'static str, text: String) {
        self.typing = Some(Typing { id, text, has_focus: false });
    }

    /// Whether this parameter's value is being typed.
    pub fn is_at(&self, id: &str) -> bool {
        self.typing.as_ref().is_some_and(|typing| typing.id == id)
    }

    /// Draws the field and takes in what was typed.
    pub fn field(&mut self, ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, width: f32) {
        let Some(typing) = &mut self.typing else { return };
        let response = ui.add(TextEdit::singleline(&mut typing.text).desired_width(width));
        if !typing.has_focus {
            response.request_focus();
            typing.has_focus = true;
        }
        let name = format!("{} as text", desk.name(typing.id));
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), &name));
        if !response.lost_focus() {
            return;
        }
        if !ui.input(|input| input.key_pressed(Key::Escape))
            && let Some(value) = desk.read(typing.id, &typing.text)
        {
            gestures.once(desk, typing.id, value);
        }
        self.typing = None;
    }
}
