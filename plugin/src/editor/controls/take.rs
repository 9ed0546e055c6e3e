//! The capture: how much there is, saved as a MIDI file, or forgotten.

use crate::editor::desk::Desk;
use egui::{Button, Label, RichText, Ui};
use std::path::PathBuf;

/// How long the question whether to forget the capture stands, in seconds.
const ASKED_FOR: f64 = 4.0;

/// What became of the capture.
#[derive(Debug, Default)]
pub struct Take {
    saved: Option<Result<PathBuf, String>>,
    /// When it was asked to be forgotten, in seconds of the editor's clock.
    asked: Option<f64>,
}

impl Take {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut dyn Desk) {
        ui.horizontal_wrapped(|ui| {
            let num_bars = desk.num_captured_bars();
            let is_empty = num_bars == 0;
            ui.label(match num_bars {
                0 => "Nothing captured yet".into(),
                1 => "1 bar captured".into(),
                num => format!("{num} bars captured"),
            });
            let save = ui.add_enabled(!is_empty, Button::new("Save as MIDI"));
            if save
                .on_hover_text(
                    "Writes melody, chords and bass to a MIDI file that you can drag into your song",
                )
                .clicked()
            {
                self.saved = Some(desk.save_capture());
            }
            self.forget(ui, desk, is_empty);
        });
    }

    fn forget(&mut self, ui: &mut Ui, desk: &mut dyn Desk, is_empty: bool) {
        let now = ui.input(|input| input.time);
        let is_asked = self.asked.is_some_and(|asked| now - asked < ASKED_FOR);
        let text = if is_asked { "Really clear it?" } else { "Clear capture" };
        let clear = ui.add_enabled(!is_empty, Button::new(text));
        if clear.on_hover_text("Forgets what was captured; it asks once more first").clicked() {
            self.asked = if is_asked { None } else { Some(now) };
            if is_asked {
                desk.clear_capture();
                self.saved = None;
            }
        }
    }

    /// Draws what became of the last saving, in the width that is left.
    pub fn outcome(&mut self, ui: &mut Ui) {
        match &self.saved {
            None => {}
            Some(Ok(path)) => {
                let path = path.display().to_string();
                if ui.button("Copy path").on_hover_text("Copies the file's path").clicked() {
                    ui.ctx().copy_text(path.clone());
                }
                ui.add(Label::new(format!("Saved: {path}")).truncate());
            }
            Some(Err(why)) => {
                let text = RichText::new(format!("Not saved: {why}")).color(ui.visuals().error_fg_color);
                ui.add(Label::new(text).truncate());
            }
        }
    }
}
