//! The lane: chords as they come towards the playhead. What stands is solid and framed, what may change is hatched and
//! dashed. GUI thread.

use super::{
    marks,
    scene::{Scene, name},
    theme::{SMALL, Theme},
    timeline::{Span, Timeline},
    words,
};
use egui::{Align2, FontId, Painter, Rangef, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2};

/// The smallest type of a name.
const LEAST: f32 = 9.0;

/// Draws the lane.
pub fn show(ui: &mut Ui, rect: Rect, scene: &Scene, axis: &Timeline) -> Response {
    let theme = scene.theme();
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 0.0, theme.panel);
    let spans = axis.chords(scene.snapshot);
    for span in &spans {
        chord(&painter, rect, scene, axis, span);
    }
    if spans.is_empty() {
        let words = "Chords come from the right and sound where they meet this line";
        let at = pos2(rect.center().x, rect.center().y);
        painter.text(at, Align2::CENTER_CENTER, words, FontId::proportional(SMALL + 1.0), theme.muted);
    }
    name(&response, Role::Label, &spoken(scene, &spans));
    response.on_hover_text(
        "Chords come from the right and sound where they meet the line. Solid: promised, it will sound whatever you play. \
         Hatched: planned, it may still change",
    )
}

fn chord(painter: &Painter, rect: Rect, scene: &Scene, axis: &Timeline, span: &Span) {
    let theme = scene.theme();
    let across = |from: f64, to: f64| {
        Rect::from_x_y_ranges(
            Rangef::new(axis.x(from) + 0.5, axis.x(to) - 0.5),
            rect.shrink2([0.0, 2.0].into()).y_range(),
        )
    };
    let whole = across(span.from, span.to);
    if whole.right() < rect.left() || whole.left() > rect.right() {
        return;
    }
    let is_past = span.to <= 0.0;
    let sounds = span.from <= 0.0 && !is_past;
    if span.stands_to > span.from {
        let solid = across(span.from, span.stands_to);
        painter.rect_filled(
            solid,
            3.0,
            theme.tint(
                theme.chord,
                if sounds {
                    0.34
                } else if is_past {
                    0.10
                } else {
                    0.24
                },
            ),
        );
        let edge = if is_past { theme.bar_line } else { theme.chord };
        painter.rect_stroke(
            solid,
            3.0,
            Stroke::new(if sounds { 2.0 } else { 1.0 }, edge),
            StrokeKind::Inside,
        );
    }
    if span.stands_to < span.to {
        let draft = across(span.stands_to, span.to);
        marks::hatch(painter, draft, theme.tint(theme.ghost, 0.30));
        marks::dashed(painter, draft, theme.ghost);
    }
    let ink = match () {
        () if sounds => theme.text,
        () if is_past => theme.muted,
        () if span.stands_to > span.from => theme.chord,
        () => theme.ghost,
    };
    let mut left = whole.left().max(rect.left()) + 5.0;
    let right = whole.right().min(rect.right()) - 3.0;
    let text = words::chord(span.chord, scene.spelling());
    let mut right = right;
    // The playhead is not to run through the name of the chord that it is in: it goes to the side with more room.
    let end = left + marks::fit(painter, &text, right - left, most(whole), LEAST, ink).size().x;
    if sounds && left < axis.now() + 6.0 && end > axis.now() - 4.0 {
        if axis.now() - left > right - axis.now() {
            right = axis.now() - 4.0;
        } else {
            left = axis.now() + 8.0;
        }
    }
    label(painter, theme, &text, left, right, whole, ink);
}

/// The largest type of a name.
fn most(whole: Rect) -> f32 {
    (whole.height() * 0.58).clamp(11.0, 22.0)
}

/// The name, where there is room for it, on a ground that lets it be read.
fn label(
    painter: &Painter,
    theme: &Theme,
    text: &str,
    left: f32,
    right: f32,
    whole: Rect,
    ink: egui::Color32,
) {
    let galley = marks::fit(painter, text, right - left, most(whole), LEAST, ink);
    if galley.size().x > right - left + 1.0 {
        return;
    }
    let at = pos2(left, whole.center().y - galley.size().y / 2.0);
    if ink == theme.ghost {
        // Hatching would run through the letters.
        let ground = Rect::from_min_size(at, galley.size()).expand2([2.0, -1.0].into());
        painter.rect_filled(ground, 2.0, theme.panel);
    }
    painter.galley(at, galley, ink);
}

/// The lane in words.
fn spoken(scene: &Scene, spans: &[Span]) -> String {
    let said: Vec<String> = spans
        .iter()
        .filter(|span| span.begins && span.from > 0.0)
        .map(|span| {
            let standing = if span.stands_to > span.from { "stands" } else { "may change" };
            let beats = (span.from * 4.0).round() / 4.0;
            format!("{} in {beats} beats, {standing}", words::chord(span.chord, scene.spelling()))
        })
        .collect();
    if said.is_empty() {
        "Coming chords: none yet".into()
    } else {
        format!("Coming chords: {}", said.join("; "))
    }
}
