//! A window within ours to find a model file in. It is drawn by egui: a dialog of the system's would open GTK or D-Bus
//! within the host's process (rfd does), and egui-file-dialog knows no egui 0.37. A folder is read when it is gone to,
//! never for a drawing; on Windows another drive is reached by typing its path.

use crate::editor::{
    desk::{Desk, Listing},
    scene,
};
use egui::{Align, Button, Id, Label, Layout, Modal, Role, ScrollArea, Ui};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Its greatest width, in points, and what it leaves free around it.
const MOST_WIDTH: f32 = 460.0;
const MARGIN: f32 = 48.0;
/// The height of all but the list, and the list's least and greatest.
const FRAME_HEIGHT: f32 = 190.0;
const LIST_HEIGHT: std::ops::RangeInclusive<f32> = 80.0..=360.0;
/// How often it asks whether a folder is read.
const PATIENCE: Duration = Duration::from_millis(50);

/// The chooser; it remembers its folder while it is closed.
#[derive(Debug, Default)]
pub struct Chooser {
    folder: Option<PathBuf>,
    is_open: bool,
    /// Whether the keyboard has yet to be led to the first thing that lies here.
    leads: bool,
}

/// What a player does in it.
enum Wish {
    GoTo(PathBuf),
    Take(PathBuf),
}

impl Chooser {
    /// Opens it: where it was last, else beside the file that is typed or chosen, else at home.
    pub fn open(&mut self, desk: &mut dyn Desk, typed: &str) {
        let beside =
            |file: &str| Path::new(file).parent().filter(|folder| folder.is_absolute()).map(Path::to_owned);
        let chosen = || desk.chosen_model().and_then(|file| beside(&file));
        let folder = self.folder.clone().or_else(|| beside(typed)).or_else(chosen);
        let folder = folder.or_else(|| desk.home()).or_else(|| desk.models_folder());
        self.is_open = true;
        self.go_to(desk, folder.unwrap_or_else(|| "/".into()));
    }

    /// Closes it, as the window is that it lies in.
    pub fn close(&mut self) {
        self.is_open = false;
    }

    fn go_to(&mut self, desk: &mut dyn Desk, folder: PathBuf) {
        desk.look_into(&folder);
        (self.folder, self.leads) = (Some(folder), true);
    }

    /// Draws it where it is open. The path of the file that is taken.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut dyn Desk) -> Option<String> {
        let folder = self.folder.clone().filter(|_| self.is_open)?;
        let room = ui.ctx().content_rect().size();
        let mut wish = None;
        let shown = Modal::new(Id::unique("model chooser")).show(ui.ctx(), |ui| {
            ui.set_width((room.x - MARGIN).min(MOST_WIDTH));
            ui.strong("Choose a model file");
            ui.add(Label::new(folder.display().to_string()).truncate());
            ways(ui, desk, &folder, &mut wish);
            ui.separator();
            let height = (room.y - FRAME_HEIGHT).clamp(*LIST_HEIGHT.start(), *LIST_HEIGHT.end());
            ScrollArea::vertical().id_salt(&folder).max_height(height).auto_shrink([false, true]).show(
                ui,
                |ui| match desk.seen() {
                    None => {
                        ui.weak("Looking…");
                        ui.ctx().request_repaint_after(PATIENCE);
                    }
                    Some(Err(why)) => {
                        ui.colored_label(ui.visuals().error_fg_color, why);
                    }
                    Some(Ok(listing)) => list(ui, listing, &folder, &mut self.leads, &mut wish),
                },
            );
            ui.separator();
            if ui.button("Cancel").clicked() {
                ui.close();
            }
        });
        self.is_open = !shown.should_close();
        match wish? {
            Wish::GoTo(folder) => {
                self.go_to(desk, folder);
                None
            }
            Wish::Take(file) => {
                self.is_open = false;
                Some(file.to_string_lossy().into_owned())
            }
        }
    }
}

/// The ways to other folders.
fn ways(ui: &mut Ui, desk: &dyn Desk, folder: &Path, wish: &mut Option<Wish>) {
    let up = folder.parent().map(Path::to_owned);
    let ways = [
        ("Up", "The folder that this one lies in", up),
        ("Home", "Your own folder", desk.home()),
        ("Models folder", "The folder that model files are dropped into", desk.models_folder()),
    ];
    ui.horizontal(|ui| {
        for (name, tip, to) in ways {
            let button = ui.add_enabled(to.is_some(), Button::new(name)).on_hover_text(tip);
            if button.clicked() {
                *wish = to.map(Wish::GoTo);
            }
        }
    });
}

/// What lies in a folder; the keyboard is led to the first of it once.
fn list(ui: &mut Ui, listing: &Listing, folder: &Path, leads: &mut bool, wish: &mut Option<Wish>) {
    if listing.folders.is_empty() && listing.files.is_empty() {
        ui.weak("No folders and no .onnx files lie here");
    }
    let folders = listing.folders.iter().map(|name| (name, true));
    let files = listing.files.iter().map(|name| (name, false));
    ui.with_layout(Layout::top_down_justified(Align::Min), |ui| {
        for (name, is_folder) in folders.chain(files) {
            let text = name.to_string_lossy();
            let shown = if is_folder { format!("{text}/") } else { text.clone().into_owned() };
            // A project keeps a model's path as text.
            let can = is_folder || folder.join(name).to_str().is_some();
            let entry = ui
                .add_enabled(can, Button::selectable(false, shown).truncate())
                .on_disabled_hover_text("A project cannot keep this name; give the file another");
            let kind = if is_folder { "Folder" } else { "Model file" };
            scene::name(&entry, Role::Button, &format!("{kind} {text}"));
            if std::mem::take(leads) {
                entry.request_focus();
            }
            if entry.clicked() {
                let path = folder.join(name);
                *wish = Some(if is_folder { Wish::GoTo(path) } else { Wish::Take(path) });
            }
        }
    });
    if listing.num_left_out > 0 {
        ui.weak(format!("{} more are not shown; type the path of one", listing.num_left_out));
    }
}
