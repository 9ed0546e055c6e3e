//! What the editor shows, as a function of one snapshot and one report. GUI thread; knows no plugin framework.
//! Every state is said in words, not by colour alone: what stands is solid, what may change is outlined.

use crate::{
    audio::{Shown, Snapshot, Stage},
    links::WorkerState,
};
use egui::{Color32, CornerRadius, Frame, Margin, RichText, Stroke, Ui};
use music::{chord::Chord, grid::FRAMES_PER_BEAT, harmony::ChordFrame};

const GROUND: Color32 = Color32::from_rgb(0x14, 0x17, 0x1c);
const TEXT: Color32 = Color32::from_rgb(0xf2, 0xf4, 0xf7);
const MUTED: Color32 = Color32::from_rgb(0xa9, 0xb2, 0xbd);
const CHORD: Color32 = Color32::from_rgb(0x56, 0xb4, 0xe9);
const GHOST: Color32 = Color32::from_rgb(0x6f, 0x8c, 0xa0);
const MELODY: Color32 = Color32::from_rgb(0xe6, 0x9f, 0x00);
const ALARM: Color32 = Color32::from_rgb(0xd5, 0x5e, 0x00);

/// How the worker fares.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about.
    pub worker: WorkerState,
    /// The same in words.
    pub status: String,
    /// What runs the model.
    pub engine: String,
    /// The model's name.
    pub model: String,
    /// Median and 99th percentile of the time to a commit, in milliseconds.
    pub infer_ms: (f64, f64),
}

/// Colours and sizes.
pub fn dress(context: &egui::Context) {
    let mut visuals = egui::Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.override_text_color = Some(TEXT);
    context.set_visuals(visuals);
}

/// Draws the window; whether the panic button was pressed.
pub fn draw(ui: &mut Ui, snapshot: &Snapshot, report: &Report, controls: impl FnOnce(&mut Ui)) -> bool {
    let panic = head(ui, snapshot, report);
    ui.separator();
    now_and_next(ui, snapshot);
    ui.separator();
    controls(ui);
    ui.add_space(6.0);
    ui.label(RichText::new(format!("Model: {}", report.model)).color(MUTED).small());
    ui.label(RichText::new(format!("Engine: {}", report.engine)).color(MUTED).small());
    panic
}

/// The state in words.
pub fn stage_words(snapshot: &Snapshot, report: &Report) -> String {
    match (report.worker, snapshot.stage) {
        (_, Stage::Bypassed) => "BYPASSED".into(),
        (WorkerState::NoModel, _) => format!("MODEL MISSING – {}", report.status),
        (WorkerState::Dead, _) => format!("STOPPED – {}", report.status),
        (WorkerState::Asleep | WorkerState::Loading, _) => "OPENING THE MODEL".into(),
        (_, Stage::Waiting) => "WAITING FOR TRANSPORT – press play in the host".into(),
        (_, Stage::Listening { frames_left }) => {
            let beats = (frames_left + FRAMES_PER_BEAT - 1) / FRAMES_PER_BEAT;
            format!("LISTENING – {beats} {}", if beats == 1 { "beat" } else { "beats" })
        }
        (_, Stage::NothingHeard) if snapshot.num_onsets == 0 => {
            "LISTENING – no notes yet, play a melody".into()
        }
        (_, Stage::NothingHeard) => "LISTENING – the first chord comes on the next beat".into(),
        (_, Stage::Holding) => "HOLDING – the chord goes on until Hold is let go".into(),
        (_, Stage::Behind) => "BEHIND – holding the last chord".into(),
        (_, Stage::Playing) if snapshot.silent => {
            "PLAYING – chords are silent (muted, or melody only)".into()
        }
        (_, Stage::Playing) => "PLAYING".into(),
    }
}

fn head(ui: &mut Ui, snapshot: &Snapshot, report: &Report) -> bool {
    let bad =
        matches!(report.worker, WorkerState::NoModel | WorkerState::Dead) || snapshot.stage == Stage::Behind;
    ui.horizontal_wrapped(|ui| {
        let colour = if bad { ALARM } else { TEXT };
        ui.label(RichText::new(stage_words(snapshot, report)).color(colour).strong().size(18.0));
        if let Some(bpm) = snapshot.tempo_bpm {
            ui.label(RichText::new(format!("{bpm:.1} BPM")).color(MUTED));
        }
        let (p50, p99) = report.infer_ms;
        ui.label(RichText::new(format!("{p50:.1} ms, 99 %: {p99:.1} ms")).color(MUTED));
        let late = RichText::new(format!("late {}", snapshot.late));
        ui.label(late.color(if snapshot.late > 0 { ALARM } else { MUTED }));
        ui.button(RichText::new("PANIC").strong()).on_hover_text("End all notes now").clicked()
    })
    .inner
}

fn now_and_next(ui: &mut Ui, snapshot: &Snapshot) {
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.set_min_width(220.0);
            ui.label(RichText::new("NOW").color(MUTED));
            let now = snapshot.now.map_or("–".into(), |chord| chord.to_string());
            ui.label(RichText::new(now).color(CHORD).strong().size(72.0));
            let melody = snapshot.leading.map_or("no note".into(), |key| pitch_name(key.midi()));
            ui.label(RichText::new(format!("melody: {melody}")).color(MELODY));
        });
        ui.vertical(|ui| {
            ui.label(RichText::new("NEXT – solid stands, outlined may change").color(MUTED));
            ui.horizontal_wrapped(|ui| {
                for (ahead, chord, committed) in changes(snapshot.planned()) {
                    card(ui, ahead, chord, committed);
                }
            });
        });
    });
}

/// The frames ahead at which something changes.
pub fn changes(planned: &[Shown]) -> impl Iterator<Item = (u16, Option<Chord>, bool)> {
    let mut silent = false;
    planned.iter().filter_map(move |shown| match shown.chord {
        ChordFrame::Onset(chord) => {
            silent = false;
            Some((shown.frames_ahead, Some(chord), shown.committed))
        }
        ChordFrame::Silence if !silent => {
            silent = true;
            Some((shown.frames_ahead, None, shown.committed))
        }
        ChordFrame::Silence | ChordFrame::Hold => None,
    })
}

fn card(ui: &mut Ui, frames_ahead: u16, chord: Option<Chord>, committed: bool) {
    let name = chord.map_or("silence".into(), |chord| chord.to_string());
    let beats = f64::from(frames_ahead + 1) / FRAMES_PER_BEAT as f64;
    let (fill, text, edge) = if committed {
        (CHORD, GROUND, Stroke::new(1.0, CHORD))
    } else {
        (Color32::TRANSPARENT, GHOST, Stroke::new(1.0, GHOST))
    };
    Frame::new()
        .fill(fill)
        .stroke(edge)
        .corner_radius(CornerRadius::same(4))
        .inner_margin(Margin::same(6))
        .show(ui, |ui| {
            ui.vertical(|ui| {
                ui.label(RichText::new(name).color(text).strong().size(22.0));
                ui.label(RichText::new(format!("in {beats:.2} beats")).color(text).small());
            });
        });
}

fn pitch_name(midi: u8) -> String {
    let names = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
    format!("{}{}", names[usize::from(midi % 12)], i32::from(midi / 12) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(worker: WorkerState) -> Report {
        Report {
            worker,
            status: "why".into(),
            engine: String::new(),
            model: String::new(),
            infer_ms: (0.0, 0.0),
        }
    }

    #[test]
    fn every_state_has_its_words() {
        let cases = [
            (WorkerState::Ready, Stage::Waiting, "WAITING FOR TRANSPORT"),
            (WorkerState::Ready, Stage::Listening { frames_left: 5 }, "LISTENING – 2 beats"),
            (WorkerState::Ready, Stage::Listening { frames_left: 1 }, "LISTENING – 1 beat"),
            (WorkerState::Ready, Stage::Playing, "PLAYING"),
            (WorkerState::Ready, Stage::Holding, "HOLDING"),
            (WorkerState::Ready, Stage::Behind, "BEHIND"),
            (WorkerState::NoModel, Stage::Playing, "MODEL MISSING – why"),
            (WorkerState::Dead, Stage::Waiting, "STOPPED – why"),
            (WorkerState::Loading, Stage::Waiting, "OPENING"),
            (WorkerState::NoModel, Stage::Bypassed, "BYPASSED"),
        ];
        for (worker, stage, expected) in cases {
            let words = stage_words(&Snapshot { stage, ..Snapshot::default() }, &report(worker));
            assert!(words.starts_with(expected), "{words}");
        }
    }

    #[test]
    fn every_state_can_be_drawn() {
        let planned = [
            Shown {
                frames_ahead: 0,
                chord: ChordFrame::Onset(Chord::new(
                    music::pitch::PitchClass::new(3),
                    music::chord::Quality::MINOR,
                )),
                committed: true,
            },
            Shown { frames_ahead: 4, chord: ChordFrame::Silence, committed: false },
        ];
        let mut snapshot =
            Snapshot { num_shown: planned.len(), tempo_bpm: Some(120.0), late: 2, ..Snapshot::default() };
        snapshot.shown[..planned.len()].copy_from_slice(&planned);
        assert_eq!(changes(snapshot.planned()).count(), 2);
        let stages = [
            Stage::Waiting,
            Stage::Listening { frames_left: 3 },
            Stage::NothingHeard,
            Stage::Playing,
            Stage::Behind,
        ];
        for stage in stages {
            snapshot.stage = stage;
            let mut has_controls = false;
            egui::__run_test_ui(|ui| {
                assert!(!draw(ui, &snapshot, &report(WorkerState::Ready), |_| has_controls = true));
            });
            assert!(has_controls, "{stage:?}");
        }
    }
}
