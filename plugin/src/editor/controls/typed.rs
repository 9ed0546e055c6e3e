//! A value that is being typed: taken by Enter or by leaving the field, be it that the field is drawn no more; left alone
//! by Escape, where it means nothing, and where it says what stands already.

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
    /// What the parameter stood at.
    stood: f32,
    has_focus: bool,
    /// Whether its field was drawn in this pass, or is to be in the next.
    is_drawn: bool,
}

impl Typed {
    /// Begins with the value as it stands; the field of another is left.
    pub fn begin(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures, id: &'static str, text: String) {
        self.leave(desk, gestures);
        let stood = desk.normalized(id);
        self.typing = Some(Typing { id, text, stood, has_focus: false, is_drawn: true });
    }

    /// The field goes, and nobody has left it: what was typed is taken, if it means anything and the parameter has not
    /// moved meanwhile, as it does where a project is loaded.
    pub fn leave(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures) {
        if self.typing.as_ref().is_some_and(|typing| desk.normalized(typing.id) == typing.stood) {
            self.take(desk, gestures);
        }
        self.typing = None;
    }

    fn take(&mut self, desk: &mut dyn Desk, gestures: &mut Gestures) {
        let Some(Typing { id, text, .. }) = self.typing.take() else { return };
        // A value in words may be rounded: to set it to what it reads as anyway would move it.
        if text.trim() != desk.text(id, desk.normalized(id))
            && let Some(value) = desk.read(id, &text)
        {
            gestures.once(desk, id, value);
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
        self.take(desk, gestures);
    }
}
