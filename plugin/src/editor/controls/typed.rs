//! A value that is being typed: taken by Enter or by leaving the field, be it that the field is drawn no more; left alone
//! by Escape or where it means nothing.

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
    /// Whether its field was drawn in this pass, or is to be in the next.
    is_drawn: bool,
}

impl Typed {
    /// Begins with the value as it stands; the field of another is left.
    pub fn begin(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures, id: &'static str, text: String) {
        self.leave(desk, gestures);
        self.typing = Some(Typing { id, text, has_focus: false, is_drawn: true });
    }

    /// The field is left: what was typed is taken, if it means anything.
    pub fn leave(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures) {
        if let Some(typing) = self.typing.take()
            && let Some(value) = desk.read(typing.id, &typing.text)
        {
            gestures.once(desk, typing.id, value);
        }
    }

    /// The pass is over: a field that was not drawn in it, which never tells that it lost the focus, is left.
    pub fn end_pass(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures) {
        if self.typing.as_mut().is_some_and(|typing| !std::mem::take(&mut typing.is_drawn)) {
            self.leave(desk, gestures);
        }
    }

    /// Whether this parameter's value is being typed.
    pub fn is_at(&self, id: &str) -> bool {
        self.typing.as_ref().is_some_and(|typing| typing.id == id)
    }

    /// Draws the field and takes in what was typed.
    pub fn field(&mut self, ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, width: f32) {
        let Some(typing) = &mut self.typing else { return };
        typing.is_drawn = true;
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
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.typing = None;
        }
        self.leave(desk, gestures);
    }
}
