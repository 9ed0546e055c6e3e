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
use egui::{Align, Color32, FontId, Galley, Layout, Rect, Response, Role, Sense, Ui, UiBuilder, pos2, vec2};
use std::sync::Arc;

/// Between two facts, in points.
const GAP: f32 = 14.0;

/// A stretch of the line.
struct Piece {
    /// The lowest ones go first where there is not room for all.
    rank: u8,
    text: String,
    ink: Color32,
    spoken: String,
    tip: String,
}

/// Draws the state and as many of the facts as there is room for: what explains trouble before all.
pub fn line(ui: &mut Ui, rect: Rect, scene: &Scene) {
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    ui.set_clip_rect(rect.intersect(ui.clip_rect()));
    let pill = pill(&mut ui, scene, (rect.width() * 0.56).min(330.0), 15.0);
    let mut x = pill.rect.right() + 12.0;
    let pieces = pieces(scene).into_iter().map(|piece| {
        let font = FontId::proportional(BODY);
        let galley = ui.painter().layout_no_wrap(piece.text.clone(), font, piece.ink);
        (piece, galley)
    });
    let mut pieces: Vec<_> = pieces.collect();
    let room = rect.right() - x;
    let width = |pieces: &[(Piece, Arc<Galley>)]| {
        pieces.iter().map(|(_, galley)| galley.size().x + GAP).sum::<f32>() - GAP
    };
    while !pieces.is_empty() && width(&pieces) > room {
        let least = pieces.iter().enumerate().min_by_key(|(_, (piece, _))| piece.rank).map(|(idx, _)| idx);
        least.map(|idx| pieces.remove(idx));
    }
    for (piece, galley) in pieces {
        let size = galley.size();
        let place = Rect::from_min_size(pos2(x, rect.center().y - 11.0), vec2(size.x, 22.0));
        let response = ui.allocate_rect(place, Sense::hover());
        ui.painter().galley(pos2(x, rect.center().y - size.y / 2.0), galley, piece.ink);
        name(&response, Role::Label, &piece.spoken);
        response.on_hover_text(piece.tip);
        x += size.x + GAP;
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
    let mut add = |rank: u8, text: String, ink: Color32, spoken: String, tip: &str| {
        pieces.push(Piece { rank, text, ink, spoken, tip: tip.into() });
    };
    let late = snapshot.glance.late;
    // Who is late looks at the engine, who is not at the key.
    let (of_key, of_engine) = if late > 0 { (1, 2) } else { (2, 1) };
    let key = report.key.map_or_else(
        || "key –".into(),
        |(key, sure)| format!("{} {:.0} %", words::key_name(key, scene.spelling()), sure * 100.0),
    );
    add(
        of_key,
        key.clone(),
        theme.text,
        format!("Key heard: {key}"),
        "The key as I hear it, and how sure I am",
    );
    let tempo = snapshot.tempo_bpm.map_or_else(|| "– BPM".into(), |bpm| format!("{bpm:.1} BPM"));
    let meter = snapshot
        .meter
        .map_or_else(String::new, |meter| format!(" {}/{}", meter.numerator, meter.denominator));
    let bar = bar(scene).map_or_else(String::new, |(bar, beat)| format!(" · bar {bar}.{beat}"));
    let tempo = format!("{tempo}{meter}{bar}");
    add(
        0,
        tempo.clone(),
        theme.text,
        format!("Tempo and place: {tempo}"),
        "Tempo, meter, bar and beat, as the host says",
    );
    if late > 0 {
        let text = format!("▲ late {late}");
        add(
            3,
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
    let what = "What runs the model, and the time in which 99 of 100 answers come. It must be well below half a sixteenth";
    // Why nothing better does, too.
    let said = [what, &report.engine_text, &report.model].into_iter().filter(|said| !said.is_empty());
    add(
        of_engine,
        engine.clone(),
        theme.muted,
        format!("Engine: {engine}, half within {:.1} ms", report.infer_ms.0),
        &said.collect::<Vec<_>>().join("\n"),
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
