//! The editor's window: parameters come in and go out here; all drawing is in `view`, which knows no framework.
//! GUI thread.

pub mod controls;
pub mod desk;
mod host_desk;
mod take_file;
mod view;

use crate::{
    links::EditorEnd,
    params::{ChordsParams, status},
};
use controls::Controls;
use host_desk::HostDesk;
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::{
    EguiEditor, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, baseview::HandlerError,
    create_egui_editor,
};
use std::{sync::Arc, time::Duration};
use view::Report;

/// The editor's type, for the framework.
pub type ChordsEditor = EguiEditor<Window>;

/// How often the window is drawn while it is open.
const REDRAW: Duration = Duration::from_millis(33);

/// The window's state; it lives on while the window is closed.
pub struct Window {
    end: EditorEnd,
    desk: HostDesk,
    controls: Controls,
}

/// Makes the editor. No window is opened.
pub fn open(params: Arc<ChordsParams>, end: EditorEnd) -> Option<ChordsEditor> {
    let state = params.editor.clone();
    let settings = EguiNiceSettings { title: "ReaLchords".into(), ..EguiNiceSettings::default() };
    let desk = HostDesk::new(params, end.health.clone());
    let window = Window { end, desk, controls: Controls::default() };
    create_egui_editor(state, RepaintNotifier::new(), settings, window)
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        context: egui::Context,
        host: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        view::dress(&context);
        self.desk.open(&context, host);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        let health = &self.end.health;
        let texts = health.texts();
        let report = Report {
            worker: health.worker(),
            status: status(health),
            engine: texts.engine,
            model: texts.model,
            infer_ms: health.infer_ms(),
        };
        let snapshot = self.end.snapshots.read();
        let (controls, desk) = (&mut self.controls, &mut self.desk);
        let panic = egui::CentralPanel::default()
            .show(ui, |ui| view::draw(ui, snapshot, &report, |ui| controls.show(ui, desk)));
        controls.end_pass(desk);
        if panic.inner {
            health.press_panic();
        }
        ui.ctx().request_repaint_after(REDRAW);
    }
}
