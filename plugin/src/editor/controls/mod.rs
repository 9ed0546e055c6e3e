//! The controls of the editor: every parameter that can be set, the presets, the models and the capture. GUI thread;
//! knows no plugin framework, all it does goes through [`Desk`].

mod bar;
mod cell;
mod choice;
mod chooser;
mod fader;
mod gestures;
mod heard_key;
mod press;
mod reaction;
pub mod sheet;
mod take;
mod typed;

use super::desk::Desk;
use bar::ModelPath;
use egui::{Direction, FontId, Layout, Rect, Response, ScrollArea, Ui, UiBuilder};
pub use gestures::Gestures;
use music::key::Key;
use sheet::{Kind, PLAY, Row, TABS, Tab};
use take::Take;
use typed::Typed;

/// The button that is always in sight.
const PANIC: &str = "panic";
/// The least width of a control, in points.
const LEAST_WIDTH: f32 = 272.0;
/// The most columns of controls.
const MOST_COLUMNS: usize = 4;

/// The controls' own state; it lives on while the window is closed.
#[derive(Debug, Default)]
pub struct Controls {
    tab_idx: usize,
    gestures: Gestures,
    typed: Typed,
    take: Take,
    path: ModelPath,
    /// Whether Hold and Mute are kept on, their switches down or latched.
    kept: (bool, bool),
    /// The key that is heard, and how sure that is.
    heard: Option<(Key, f32)>,
}

impl Controls {
    /// Says what is kept on, so that its button is lit though no hand is on it.
    pub fn keep(&mut self, holds: bool, mutes: bool) {
        self.kept = (holds, mutes);
    }

    /// Says which key is heard, and how sure that is, so that it can be taken.
    pub fn hear(&mut self, key: Option<(Key, f32)>) {
        self.heard = key;
    }

    /// A window is opened: nothing lies open in it yet.
    pub fn begin(&mut self) {
        self.path.close();
        self.typed = Typed::default();
        self.take.begin();
    }

    /// The window closes: a value that is being typed is taken.
    pub fn leave(&mut self, desk: &mut dyn Desk) {
        self.typed.leave(desk, &mut self.gestures);
    }

    /// Opens a page.
    pub fn turn_to(&mut self, page: usize) {
        self.tab_idx = page;
    }

    /// The page that lies open.
    pub fn page(&self) -> usize {
        self.tab_idx
    }

    fn is_kept(&self, id: &str) -> bool {
        match id {
            "hold" => self.kept.0,
            "mute" => self.kept.1,
            _ => false,
        }
    }

    /// Draws presets, models, and a tab of parameters that scrolls in the height that is left. Works from some 300
    /// points of width.
    pub fn pages(&mut self, ui: &mut Ui, desk: &mut dyn Desk) {
        ui.horizontal_wrapped(|ui| {
            for (idx, tab) in TABS.iter().enumerate() {
                if ui.selectable_label(idx == self.tab_idx, tab.name).clicked() {
                    self.tab_idx = idx;
                }
            }
            ui.separator();
            bar::show(ui, desk, &mut self.gestures, &mut self.path);
        });
        if let Some(tab) = TABS.get(self.tab_idx) {
            // Each tab remembers where it was scrolled to.
            ScrollArea::vertical().id_salt(tab.name).auto_shrink([false, true]).show(ui, |ui| {
                self.tab(ui, desk, tab);
            });
        }
    }

    /// Draws the capture: how much there is, and what is to become of it.
    pub fn take(&mut self, ui: &mut Ui, desk: &mut dyn Desk) {
        self.take.show(ui, desk);
    }

    /// Draws the buttons that are pressed while playing but for Panic, in a line that wraps, and
    /// what became of the capture.
    pub fn play(&mut self, ui: &mut Ui, desk: &mut dyn Desk) {
        ui.horizontal_wrapped(|ui| {
            for row in PLAY.iter().filter(|row| row.id != PANIC) {
                if row.kind == Kind::Press {
                    self.press(ui, desk, row.id);
                } else {
                    let response = cell::switch(ui, desk, &mut self.gestures, row.id);
                    cell::explain(desk, row, response);
                }
            }
            self.take.outcome(ui);
        });
    }

    /// Draws Panic, which looks like itself.
    pub fn panic(&mut self, ui: &mut Ui, desk: &mut dyn Desk) -> Response {
        ui.scope(|ui| {
            let (ink, ground) = (ui.visuals().panel_fill, ui.visuals().error_fg_color);
            let visuals = ui.visuals_mut();
            visuals.override_text_color = Some(ink);
            visuals.widgets.inactive.weak_bg_fill = ground;
            visuals.widgets.hovered.weak_bg_fill = ground;
            visuals.widgets.active.weak_bg_fill = ground;
            self.press(ui, desk, PANIC)
        })
        .inner
    }

    /// Draws the button of a parameter of [`PLAY`] as large as a place.
    pub fn large(&mut self, ui: &mut Ui, desk: &mut dyn Desk, id: &'static str, place: Rect) {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(place));
        ui.style_mut().override_font_id =
            Some(FontId::proportional((place.height() * 0.3).clamp(18.0, 34.0)));
        ui.spacing_mut().interact_size = place.size();
        if self.is_kept(id) {
            let lit = ui.visuals().selection;
            let visuals = ui.visuals_mut();
            visuals.override_text_color = Some(lit.stroke.color);
            visuals.widgets.inactive.weak_bg_fill = lit.bg_fill;
            visuals.widgets.hovered.weak_bg_fill = lit.bg_fill;
        }
        ui.with_layout(Layout::centered_and_justified(Direction::LeftToRight), |ui| {
            if id == PANIC { self.panic(ui, desk) } else { self.press(ui, desk, id) }
        });
    }

    /// Draws the button of one parameter of [`PLAY`], for a view that wants it elsewhere: `hold`, `mute`, `next`,
    /// `reroll`, `undo_reroll` or `panic`. A parameter has one button in a pass.
    pub fn press(&mut self, ui: &mut Ui, desk: &mut dyn Desk, id: &'static str) -> Response {
        let is_kept = self.is_kept(id);
        let response = press::button(ui, desk, &mut self.gestures, id, is_kept);
        if let Some(row) = sheet::row(id) {
            cell::explain(desk, row, response.clone());
        }
        response
    }

    /// To be called once at the end of each pass, whatever was drawn: gestures that no hand is on any more end, and a
    /// value whose field is drawn no more is taken.
    pub fn end_pass(&mut self, desk: &mut dyn Desk) {
        self.typed.end_pass(desk, &mut self.gestures);
        self.gestures.end_pass(desk);
    }

    fn tab(&mut self, ui: &mut Ui, desk: &mut dyn Desk, tab: &Tab) {
        for section in tab.sections {
            if let Some(heading) = section.heading {
                ui.strong(heading);
            }
            let gap = ui.spacing().item_spacing.x;
            let room = ui.available_width();
            let num_columns = ((room / LEAST_WIDTH) as usize).clamp(1, MOST_COLUMNS);
            let width = (room - gap * (num_columns - 1) as f32) / num_columns as f32;
            for line in section.rows.chunks(num_columns) {
                ui.horizontal(|ui| {
                    for row in line {
                        self.one(ui, desk, row, width);
                    }
                });
            }
        }
    }

    fn one(&mut self, ui: &mut Ui, desk: &mut dyn Desk, row: &Row, width: f32) {
        ui.vertical(|ui| {
            cell::cell(ui, desk, &mut self.gestures, &mut self.typed, row, width);
            if row.id == "commit" {
                let commit = self.gestures.shown(desk, row.id);
                let frames = desk.num_steps(row.id).map_or(1.0, |num| 1.0 + (commit * num as f32).round());
                ui.weak(reaction::words(frames, desk.tempo_bpm()));
            }
            if row.id == heard_key::MODE {
                heard_key::button(ui, desk, &mut self.gestures, self.heard);
            }
        });
    }
}

#[cfg(test)]
mod tests;
