//! The editor's window: parameters come in and go out here; all drawing is in `view`, which knows no framework.
//! GUI thread.

mod view;

use crate::{
    links::EditorEnd,
    params::{ChordsParams, status},
};
use nice_plug::{context::gui::GuiContext, prelude::ParamSetter};
use nice_plug_egui::{
    EguiEditor, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier, baseview::HandlerError,
    create_egui_editor, widgets::ParamSlider,
};
use std::{sync::Arc, time::Duration};
use view::Report;

/// The editor's type, for the framework.
pub type ChordsEditor = EguiEditor<Window>;

/// How often the window is drawn while it is open.
const REDRAW: Duration = Duration::from_millis(33);

/// A slider's width in points.
const SLIDER_WIDTH: f32 = 165.0;

/// The window's state; it lives on while the window is closed.
pub struct Window {
    params: Arc<ChordsParams>,
    end: EditorEnd,
    host: Option<GuiContext>,
}

/// Makes the editor. No window is opened.
pub fn open(params: Arc<ChordsParams>, end: EditorEnd) -> Option<ChordsEditor> {
    let state = params.editor.clone();
    let settings = EguiNiceSettings { title: "ReaLchords".into(), ..EguiNiceSettings::default() };
    create_egui_editor(state, RepaintNotifier::new(), settings, Window { params, end, host: None })
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        context: egui::Context,
        host: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        view::dress(&context);
        self.host = Some(host);
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
        let (params, host) = (&self.params, &self.host);
        let panic = egui::CentralPanel::default().show(ui, |ui| {
            view::draw(ui, snapshot, &report, |ui| {
                if let Some(host) = host {
                    controls(ui, params, &host.param_setter());
                }
            })
        });
        if panic.inner {
            health.press_panic();
        }
        ui.ctx().request_repaint_after(REDRAW);
    }
}

fn controls(ui: &mut egui::Ui, params: &ChordsParams, setter: &ParamSetter) {
    // Two columns of their own, so that a text that grows moves nothing else.
    ui.columns(2, |columns| {
        macro_rules! column {
            ($ui:expr, $name:literal: $($param:ident)*) => {
                egui::Grid::new($name).num_columns(2).spacing([16.0, 8.0]).show($ui, |ui| {
                    $(
                        ui.label(nice_plug::prelude::Param::name(&params.$param));
                        ui.add(ParamSlider::for_param(&params.$param, setter).with_width(SLIDER_WIDTH));
                        ui.end_row();
                    )*
                });
            };
        }
        column!(&mut columns[0], "left": commit temperature register bass chord_channel look_ahead);
        column!(&mut columns[1], "right": listen grid velocity pass_through bass_channel seed);
    });
}
