//! The status line: the state in words, key, tempo, meter and bar, engine and its time; and the sentence under it that
//! says the next step. GUI thread.

use super::{
    desk::Desk,
    marks,
    scene::{Scene, name},
    theme::{BODY, SMALL},
    words::{self, Urgency},
};
use crate::links::Engine;
use egui::{Align, Color32, FontId, Layout, Rect, Response, Role, Sense, Ui, UiBuilder, pos2, vec2};

/// A stretch of the line.
struct Piece {
    text: String,
    ink: Color32,
    spoken: String,
    tip: &'static str,
}

/// Draws the state and as many of the facts as there is room for, the first ones first.
pub fn line(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    ui.set_clip_rect(rect.intersect(ui.clip_rect()));
    let pill = pill(&mut ui, scene, (rect.width() * 0.62).min(330.0), 15.0);
    let mut x = pill.rect.right() + 12.0;
    for piece in pieces(scene) {
        let font = FontId::proportional(BODY);
        let galley = ui.painter().layout_no_wrap(piece.text.clone(), font, piece.ink);
        let size = galley.size();
        if x + size.x > rect.right() {
            break;
        }
        let place = Rect::from_min_size(pos2(x, rect.center().y - 11.0), vec2(size.x, 22.0));
        let response = ui.allocate_rect(place, Sense::hover());
        ui.painter().galley(pos2(x, rect.center().y - size.y / 2.0), galley, piece.ink);
        name(&response, Role::Label, &piece.spoken);
        response.on_hover_text(piece.tip);
        x += size.x + 14.0;
    }
}

/// Draws the state: its mark, its word, and what more there is to say.
pub fn pill(ui: &mut Ui, scene: &Scene, most: f32, size: f32) -> Response {
    let theme = scene.theme();
    let state = words::state(scene);
    let (ink, ground) = match state.urgency {
        Urgency::Runs => (theme.on_chord, theme.chord),
        Urgency::Wrong => (theme.on_alarm, theme.alarm),
        Urgency::Kept => (theme.on_accent, theme.accent),
        Urgency::Waits => (theme.text, theme.raised),
    };
    let text = match state.detail.as_str() {
        "" => state.word.to_owned(),
        detail => format!("{} – {detail}", state.word),
    };
    let galley = marks::fit(ui.painter(), &text, most - size * 2.2, size, 9.0, ink);
    let height = size * 1.7;
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + size * 2.2, height), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, height / 2.0, ground);
    marks::urgency(painter, state.urgency, rect.left_center() + vec2(size * 0.9, 0.0), size * 0.38, ink);
    painter.galley(pos2(rect.left() + size * 1.6, rect.center().y - galley.size().y / 2.0), galley, ink);
    name(&response, Role::Label, &format!("State: {text}"));
    response
}

/// Draws the next step.
pub fn hint(ui: &mut Ui, rect: Rect, scene: &Scene, desk: &dyn Desk, size: f32) -> Response {
    let response = ui.allocate_rect(rect, Sense::hover());
    let text = words::hint(scene, desk);
    let painter = ui.painter().with_clip_rect(rect);
    let ink = scene.theme().muted;
    let galley = marks::fit(&painter, &text, rect.width() - 4.0, size, 8.0, ink);
    painter.galley(pos2(rect.left() + 2.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    name(&response, Role::Label, &text);
    response.on_hover_text(text)
}

fn pieces(scene: &Scene) -> Vec<Piece> {
    let (theme, snapshot, report) = (scene.theme(), scene.snapshot, scene.report);
    let mut pieces = Vec::new();
    let mut add = |text: String, ink: Color32, spoken: String, tip: &'static str| {
        pieces.push(Piece { text, ink, spoken, tip });
    };
    let key = report.key.map_or_else(
        || "key –".into(),
        |(key, sure)| format!("{} {:.0} %", words::key_name(key, scene.spelling()), sure * 100.0),
    );
    add(key.clone(), theme.text, format!("Key heard: {key}"), "The key as I hear it, and how sure I am");
    let tempo = snapshot.tempo_bpm.map_or_else(|| "– BPM".into(), |bpm| format!("{bpm:.1} BPM"));
    let meter = snapshot
        .meter
        .map_or_else(String::new, |meter| format!(" {}/{}", meter.numerator, meter.denominator));
    let bar = bar(scene).map_or_else(String::new, |(bar, beat)| format!(" · bar {bar}.{beat}"));
    let tempo = format!("{tempo}{meter}{bar}");
    add(
        tempo.clone(),
        theme.text,
        format!("Tempo and place: {tempo}"),
        "Tempo, meter, bar and beat, as the host says",
    );
    let late = snapshot.glance.late;
    if late > 0 {
        let text = format!("▲ late {late}");
        add(
            text,
            theme.alarm,
            format!("Late frames: {late}"),
            "Sixteenths for which no chord was ready in time, since the start; the last chord was held",
        );
    }
    let engine = match report.engine {
        Engine::None => "no engine".into(),
        Engine::OnnxRuntime => format!("ONNX {:.1} ms", report.infer_ms.1),
        Engine::BuiltIn => format!("built-in {:.1} ms", report.infer_ms.1),
    };
    add(
        engine.clone(),
        theme.muted,
        format!("Engine: {engine}, half within {:.1} ms", report.infer_ms.0),
        "What runs the model, and the time in which 99 of 100 answers come. It must be well below half a sixteenth",
    );
    pieces
}

/// Bar and beat, from 1, as the meter now would count them from the song's start.
fn bar(scene: &Scene) -> Option<(i64, i64)> {
    let (place, meter) = scene.snapshot.place.zip(scene.snapshot.meter)?;
    let start = scene.snapshot.bar_start?.0;
    let length = meter.bar_beats().0;
    let bars = ((place.0 - start) / length + 1e-9).floor();
    let number = (start / length).round() + bars;
    let beat = (place.0 - start - bars * length) * f64::from(meter.denominator) / 4.0;
    Some((number as i64 + 1, (beat + 1e-9).floor() as i64 + 1))
}

/// The size of the hint's type at a window's width.
pub fn hint_size(width: f32) -> f32 {
    if width < 760.0 { SMALL } else { BODY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::rehearsal::Rehearsal;
    use music::{grid::Beats, meter::Meter};

    #[test]
    fn bars_and_beats_are_counted_from_one() {
        let mut rehearsal = Rehearsal::playing();
        let mut check = |place: f64, meter: Meter, start: f64, expected: (i64, i64)| {
            rehearsal.snapshot.place = Some(Beats(place));
            rehearsal.snapshot.meter = Some(meter);
            rehearsal.snapshot.bar_start = Some(Beats(start));
            assert_eq!(bar(&rehearsal.scene()), Some(expected), "{place}");
        };
        check(0.0, Meter::COMMON, 0.0, (1, 1));
        check(3.999, Meter::COMMON, 0.0, (1, 4));
        check(4.0, Meter::COMMON, 4.0, (2, 1));
        check(66.5, Meter::COMMON, 64.0, (17, 3));
        check(66.5, Meter::COMMON, 0.0, (17, 3));
        let six = Meter::new(6, 8).unwrap();
        check(4.5, six, 3.0, (2, 4));
        check(-1.0, Meter::COMMON, 0.0, (0, 4));
        rehearsal.snapshot.place = None;
        assert_eq!(bar(&rehearsal.scene()), None);
    }
}
