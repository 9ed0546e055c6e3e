//! The bar of presets and models.

use super::{Gestures, choice::pick, chooser::Chooser};
use crate::editor::desk::Desk;
use egui::{Role, TextEdit, Ui, WidgetInfo};

/// What the model box says of no file.
const OWN_MODEL: &str = "The one built in";
/// What the preset box says where parameters stand as in none.
const NO_PRESET: &str = "Your own settings";
/// Widths in points.
const PRESET_WIDTH: f32 = 130.0;
const MODEL_WIDTH: f32 = 180.0;
/// The share of these that there is room for in a narrow window, and how wide that is.
const NARROW: (f32, f32) = (0.68, 760.0);
const PATH_WIDTH: f32 = 220.0;

/// The path of a model file, as it is typed or found.
#[derive(Debug, Default)]
pub struct ModelPath {
    text: String,
    chooser: Chooser,
}

impl ModelPath {
    /// A window is opened: nothing lies open in it yet.
    pub fn close(&mut self) {
        self.chooser.close();
    }
}

/// Draws the bar.
pub fn show(ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, path: &mut ModelPath) {
    let share = if ui.max_rect().width() < NARROW.1 { NARROW.0 } else { 1.0 };
    presets(ui, desk, gestures, PRESET_WIDTH * share);
    models(ui, desk, path, MODEL_WIDTH * share);
    if let Some(file) = desk.model_opening() {
        ui.label(format!("Opening {}", file_name(&file))).on_hover_text(file);
    }
    if let Some(trouble) = desk.model_trouble() {
        ui.colored_label(ui.visuals().error_fg_color, trouble);
    }
}

fn presets(ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, width: f32) {
    let (names, standing) = (desk.presets(), desk.standing_preset());
    let text = standing.and_then(|idx| names.get(idx)).map_or(NO_PRESET, String::as_str);
    let mut wished = None;
    let label = ui.label("Preset");
    pick(ui, "preset", "Preset", text, width, |ui| {
        for (idx, name) in names.iter().enumerate() {
            if ui.selectable_label(standing == Some(idx), name).clicked() {
                wished = Some(idx);
                ui.close();
            }
        }
    })
    .labelled_by(label.id)
    .on_hover_text(
        "A way to play: sets rhythm, voicing and daring, and leaves key, seed and channels as they are",
    );
    if let Some(idx) = wished {
        gestures.end_all(desk);
        desk.choose_preset(idx);
    }
}

fn models(ui: &mut Ui, desk: &mut dyn Desk, path: &mut ModelPath, width: f32) {
    let chosen = desk.chosen_model();
    let files = desk.models().to_vec();
    let known = files.iter().find(|file| Some(&file.path) == chosen.as_ref()).map(|file| file.name.clone());
    let text = match &chosen {
        None => OWN_MODEL.into(),
        Some(file) => known.unwrap_or_else(|| file_name(file).to_owned()),
    };
    let (mut wished, mut browses) = (None, false);
    let label = ui.label("Model");
    let response = pick(ui, "model", "Model", &text, width, |ui| {
        if ui.selectable_label(chosen.is_none(), OWN_MODEL).clicked() {
            wished = Some(None);
            ui.close();
        }
        for file in &files {
            let is_chosen = chosen.as_ref() == Some(&file.path);
            match &file.refused {
                None => {
                    let entry = ui.selectable_label(is_chosen, &file.name).on_hover_text(&file.path);
                    if entry.clicked() {
                        wished = Some(Some(file.path.clone()));
                        ui.close();
                    }
                }
                Some(why) => {
                    let name = format!("{} – cannot be used", file.name);
                    ui.add_enabled(false, egui::Button::selectable(false, name)).on_disabled_hover_text(why);
                }
            }
        }
        ui.separator();
        if let Some(folder) = desk.models_folder() {
            ui.weak("Drop model files into").on_hover_text(folder.display().to_string());
            ui.weak(folder.display().to_string());
        }
        typed(ui, path, &mut wished, &mut browses);
    })
    .labelled_by(label.id)
    .on_hover_text("Which model answers; the music goes on while another is opened");
    if response.clicked() {
        desk.look_for_models();
    }
    if browses {
        path.chooser.open(desk, &path.text);
    }
    if let Some(file) = path.chooser.show(ui, desk) {
        path.text.clone_from(&file);
        wished = Some(Some(file));
    }
    if let Some(file) = wished {
        desk.choose_model(file);
    }
}

/// The field for the path of a file that lies elsewhere.
fn typed(ui: &mut Ui, path: &mut ModelPath, wished: &mut Option<Option<String>>, browses: &mut bool) {
    ui.horizontal(|ui| {
        let field = ui.add(
            TextEdit::singleline(&mut path.text).desired_width(PATH_WIDTH).hint_text("path of an .onnx file"),
        );
        field.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), "Path of a model file");
            info.current_text_value = Some(path.text.clone());
            info
        });
        let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        // A path that was copied in a file browser comes with quotes.
        let text = path.text.trim().trim_matches('"').to_owned();
        let button = ui.add_enabled(!text.is_empty(), egui::Button::new("Open the file"));
        if (button.clicked() || is_entered) && !text.is_empty() {
            *wished = Some(Some(text));
            ui.close();
        }
        if ui.button("Browse…").on_hover_text("Find a model file in your folders").clicked() {
            *browses = true;
            ui.close();
        }
    });
}

/// The last part of a path of any system.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
