//! The editor's window: parameters come in and go out here, and the framework ends here; all drawing is in `view`, which
//! knows no framework. GUI thread.
//!
//! It is drawn only when something has changed: whoever changes what is drawn sets the flag of [`Health::wake`], which
//! the window looks at sixty times a second, and never when it is closed.

mod cards;
pub mod controls;
pub mod desk;
pub mod face;
mod folder;
mod history;
mod host_desk;
pub mod icon;
mod keyboard;
mod lane;
mod look;
mod marks;
mod redraw;
pub mod rehearsal;
mod roll;
pub mod scene;
mod stage;
mod status;
mod take_file;
#[cfg(test)]
mod tests;
pub mod theme;
mod timeline;
pub mod view;
#[cfg(test)]
mod window_tests;
mod words;

use crate::{
    links::{EditorEnd, Health},
    params::{ChordsParams, status},
};
use controls::Controls;
use face::{LEAST_SIZE, SharedFace, ZOOMS};
use host_desk::HostDesk;
use nice_plug::{
    context::gui::GuiContext,
    editor::{
        Editor, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor,
        dpi::{LogicalSize, NativeSize, Size},
    },
};
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, RepaintNotifier,
    baseview::{HandlerError, WindowSize},
    create_egui_editor,
};
use scene::{Report, Scene};
use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

/// The editor of an instance. It makes a window each time it is opened, as it was left.
pub struct ChordsEditor {
    face: Arc<SharedFace>,
    rooms: Arc<Mutex<Rooms>>,
    notifier: RepaintNotifier,
    /// Device pixels a point when the window was open last, without the zoom.
    scale: Arc<Mutex<f64>>,
}

/// What lives on while the window is closed.
struct Rooms {
    end: EditorEnd,
    desk: HostDesk,
    controls: Controls,
}

/// A window that is open.
struct Window {
    face: Arc<SharedFace>,
    rooms: Arc<Mutex<Rooms>>,
    scale: Arc<Mutex<f64>>,
}

/// Makes the editor. No window is opened.
pub fn open(params: Arc<ChordsParams>, end: EditorEnd) -> Option<ChordsEditor> {
    let notifier = RepaintNotifier::new();
    let wake = notifier.clone();
    end.health.wake_by(move || wake.request_repaint());
    let face = params.face.clone();
    let desk = HostDesk::new(params, end.health.clone());
    let rooms = Rooms { end, desk, controls: Controls::default() };
    Some(ChordsEditor {
        face,
        rooms: Arc::new(Mutex::new(rooms)),
        notifier,
        scale: Arc::new(Mutex::new(1.0)),
    })
}

impl ChordsEditor {
    /// The framework's editor, for one window: it would not know how the last one was left.
    fn inner(&self) -> Option<EguiEditor<Window>> {
        let face = self.face.get();
        let size = LogicalSize::new(f64::from(face.size.0), f64::from(face.size.1));
        let settings = EguiNiceSettings {
            title: "ReaLchords".into(),
            resize_hint: self.resize_hint(),
            repaint_poll_interval: redraw::LOOK,
            ..EguiNiceSettings::default()
        };
        let state = EguiEditorState::from_size(Size::Logical(size.cast()), face.zoom);
        create_egui_editor(state, self.notifier.clone(), settings, self.window())
    }

    fn window(&self) -> Window {
        Window { face: self.face.clone(), rooms: self.rooms.clone(), scale: self.scale.clone() }
    }

    fn scale(&self) -> f64 {
        *self.scale.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Editor for ChordsEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let inner = self.inner().ok_or("the window cannot be made")?;
        self.notifier.request_repaint();
        inner.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let face = self.face.get();
        let (width, height) = (face.size.0 * face.zoom, face.size.1 * face.zoom);
        let size = LogicalSize::new(f64::from(width).round(), f64::from(height).round());
        NativeSize::from_size(Size::Logical(size.cast()), self.scale())
    }

    fn resize_hint(&self) -> ResizeHint {
        // At the least zoom; what is smaller yet is scrolled.
        let least = LogicalSize::new(LEAST_SIZE.0 * ZOOMS[0], LEAST_SIZE.1 * ZOOMS[0]);
        ResizeHint::RESIZABLE.with_min_logical_size(least)
    }
}

impl Window {
    /// Fonts and colours; once a window.
    fn dress(&self, context: &egui::Context) {
        theme::set_fonts(context);
        theme::dress(context, self.face.get().shade);
        // Its own keys for zooming do not tell us.
        context.options_mut(|options| options.zoom_with_keyboard = false);
    }

    fn draw(&mut self, ui: &mut egui::Ui) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let Rooms { end, desk, controls } = &mut *rooms;
        let report = report(&end.health);
        let before = self.face.get();
        let scene = Scene { snapshot: end.snapshots.read(), report: &report, face: before };
        let after = view::show(ui, &scene, desk, controls);
        controls.end_pass(desk);
        if after != before {
            // The size is the window's own to tell.
            self.face.change(|face| *face = face::Face { size: face.size, ..after });
        }
        if after.zoom != ui.ctx().zoom_factor() {
            ui.ctx().set_zoom_factor(after.zoom);
        }
        if let Some(wait) = redraw::again(report.worker, after != before) {
            ui.ctx().request_repaint_after(wait);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // The framework panics where the instance went before its window.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            let Rooms { desk, controls, .. } = &mut *rooms;
            controls.leave(desk);
        }));
    }
}

impl NiceEguiApp for Window {
    fn build(
        &mut self,
        context: egui::Context,
        host: GuiContext,
        _frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.dress(&context);
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.desk.open(&context, host);
        rooms.controls.begin();
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        self.draw(ui);
    }

    fn resized(&mut self, size: WindowSize) {
        let points = (size.logical.width as f32, size.logical.height as f32);
        self.face.change(|face| {
            face.size = (points.0.max(LEAST_SIZE.0), points.1.max(LEAST_SIZE.1));
            let scale = size.scale_factor / f64::from(face.zoom);
            *self.scale.lock().unwrap_or_else(PoisonError::into_inner) = scale;
        });
    }
}

fn report(health: &Health) -> Report {
    let texts = health.texts();
    Report {
        worker: health.worker(),
        status: status(health),
        engine: health.engine(),
        engine_text: texts.engine,
        model: texts.model,
        infer_ms: health.infer_ms(),
        key: health.key(),
    }
}
