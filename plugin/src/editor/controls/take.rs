//! The capture: how much there is, saved as a MIDI file, forgotten, or brought back.

use crate::editor::{
    desk::{Clock, Desk},
    words,
};
use egui::{Button, Label, Response, RichText, Role, TextStyle, TextWrapMode, Ui, WidgetInfo, WidgetText};
use std::path::PathBuf;

/// How long the question whether to forget the capture stands, in seconds.
const ASKED_FOR: f64 = 4.0;

/// What became of the capture.
#[derive(Debug, Default)]
pub struct Take {
    saved: Option<Result<PathBuf, String>>,
    /// When it was asked to be forgotten, in seconds of the editor's clock, and which one, where there are two.
    asked: Option<(f64, Option<Clock>)>,
}

/// A name, and what is shown of it where there is little room.
struct Words {
    whole: String,
    short: String,
}

impl Words {
    fn new(whole: impl Into<String>, short: impl Into<String>) -> Self {
        Self { whole: whole.into(), short: short.into() }
    }

    fn shown(&self, is_short: bool) -> &str {
        if is_short { &self.short } else { &self.whole }
    }
}

impl Take {
    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut dyn Desk) {
        let now = ui.input(|input| input.time);
        let (num_bars, by) = (desk.num_captured_bars(), desk.captured_by());
        // Another may have come to lie there since.
        let is_asked = self.asked.is_some_and(|(asked, of)| now - asked < ASKED_FOR && of == by);
        let count = count(num_bars, by);
        let save = Words::new("Save as MIDI", "Save as MIDI");
        let clear = if is_asked { ("Really clear it?", "Really?") } else { ("Clear capture", "Clear") };
        let clear = Words::new(clear.0, clear.1);
        let back = desk.has_former_capture().then(|| Words::new("Bring back", "Bring back"));
        let is_short = !fits(ui, &[Some(&count), Some(&save), Some(&clear), back.as_ref()]);
        ui.horizontal_wrapped(|ui| {
            match by {
                None => {
                    let label = ui.label(count.shown(is_short));
                    label.widget_info(|| WidgetInfo::labeled(Role::Label, true, &count.whole));
                }
                Some(by) => self.turn(ui, desk, &count, is_short, by),
            }
            let save = button(ui, num_bars > 0, &save, is_short).on_hover_text(
                "Writes melody, chords and bass to a MIDI file that you can drag into your song",
            );
            if save.clicked() {
                self.saved = Some(desk.save_capture());
            }
            let clear = button(ui, num_bars > 0, &clear, is_short)
                .on_hover_text("Forgets what is counted beside it; it asks once more first");
            if clear.clicked() {
                self.asked = if is_asked { None } else { Some((now, by)) };
                if is_asked {
                    desk.clear_capture();
                    self.saved = None;
                }
            }
            if let Some(back) = back {
                let back = button(ui, true, &back, is_short).on_hover_text(
                    "The capture as it was before it was cleared, or before the host loaded another; what is here now is \
                     kept in its place. It is not saved with the project",
                );
                if back.clicked() {
                    self.asked = None;
                    desk.bring_back_capture();
                }
            }
        });
    }

    /// Says what lies to hand, where there is something by either clock; a click turns to the other.
    fn turn(&mut self, ui: &mut Ui, desk: &mut dyn Desk, count: &Words, is_short: bool, by: Clock) {
        let (here, there) = match by {
            Clock::Host => ("in the song", "without the host"),
            Clock::Own => ("without the host", "in the song"),
        };
        let tip =
            format!("Played {here}: this is saved or cleared. A click turns to what was played {there}");
        if button(ui, true, count, is_short).on_hover_text(tip).clicked() {
            self.asked = None;
            desk.turn_capture();
        }
    }

    /// A window is opened, with a clock of its own: nothing was asked in it.
    pub fn begin(&mut self) {
        self.asked = None;
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

/// What is said of so many bars, and by which clock, where there is something by either.
fn count(num_bars: usize, by: Option<Clock>) -> Words {
    let bars = words::count(num_bars as i64, "bar");
    match (by, num_bars) {
        (Some(Clock::Host), _) => Words::new(format!("{bars} of the song"), format!("Song: {num_bars}")),
        (Some(Clock::Own), _) => {
            Words::new(format!("{bars} without the host"), format!("No host: {num_bars}"))
        }
        (None, 0) => Words::new("Nothing captured yet", "Nothing yet"),
        (None, _) => Words::new(format!("{bars} captured"), bars),
    }
}

/// Whether all of it can be said in a line, each word in a button.
fn fits(ui: &Ui, all: &[Option<&Words>]) -> bool {
    let (gap, edges) = (ui.spacing().item_spacing.x, 2.0 * ui.spacing().button_padding.x);
    let widths = all.iter().flatten().map(|words| {
        let text = WidgetText::from(words.whole.as_str());
        let galley = text.into_galley(ui, Some(TextWrapMode::Extend), f32::INFINITY, TextStyle::Button);
        galley.size().x + edges + gap
    });
    widths.sum::<f32>() - gap <= ui.available_width()
}

/// A button that is found by its whole name, whatever is shown of it.
fn button(ui: &mut Ui, is_enabled: bool, words: &Words, is_short: bool) -> Response {
    let response = ui.add_enabled(is_enabled, Button::new(words.shown(is_short)));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, &words.whole));
    response
}
