//! The lane: chords as they come towards the playhead. What stands is solid and framed, what may change is hatched and
//! dashed. GUI thread.

use super::{
    marks,
    scene::{Scene, name},
    timeline::{Span, Timeline},
    words,
};
use egui::{
    Color32, Galley, Painter, Pos2, Rangef, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2,
};
use std::sync::Arc;

/// The smallest type of a name.
const LEAST: f32 = 9.0;
/// How much of the chords' colour lies under the one that sounds.
const SOUNDS: f32 = 0.34;

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
        marks::before(&painter, rect, axis.now(), words, theme.muted);
    }
    name(&response, Role::Label, &spoken(scene, &spans));
    response.on_hover_text(
        "Chords come from the right and sound where they meet the line. Solid: promised, it will sound whatever you play. \
         Hatched: planned, it may still change",
    )
}

fn chord(painter: &Painter, rect: Rect, scene: &Scene, axis: &Timeline, span: &Span) {
    let theme = scene.theme();
    let across = |from: f64, to: f64| across(rect, axis, from, to);
    let whole = across(span.from, span.to);
    if whole.right() < rect.left() || whole.left() > rect.right() {
        return;
    }
    let (is_past, sounds) = (span.to <= 0.0, sounds(span));
    if span.stands_to > span.from {
        let solid = across(span.from, span.stands_to);
        painter.rect_filled(
            solid,
            3.0,
            theme.tint(
                theme.chord,
                if sounds {
                    SOUNDS
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
    if sounds {
        // Its name stands over the playhead, once that is drawn.
        return;
    }
    let ink = match () {
        () if is_past => theme.muted,
        () if span.stands_to > span.from => theme.chord,
        () => theme.ghost,
    };
    let most = (whole.height() * 0.58).clamp(11.0, 22.0);
    let Some((at, galley)) = written(painter, rect, scene, span, whole, (most, ink)) else { return };
    let ground = Rect::from_min_size(at, galley.size()).expand2([2.0, -1.0].into());
    let solid_to = across(span.from, span.stands_to.max(span.from)).right();
    if ground.right() > solid_to {
        // Hatching would run through the letters.
        painter.rect_filled(ground.with_min_x(ground.left().max(solid_to)), 2.0, theme.panel);
    }
    painter.galley(at, galley, ink);
}

/// Whether it is the chord at the playhead.
fn sounds(span: &Span) -> bool {
    span.from <= 0.0 && span.to > 0.0
}

/// What lies in the lane from one beat to another.
fn across(rect: Rect, axis: &Timeline, from: f64, to: f64) -> Rect {
    let across = Rangef::new(axis.x(from) + 0.5, axis.x(to) - 0.5);
    Rect::from_x_y_ranges(across, rect.shrink2([0.0, 2.0].into()).y_range())
}

/// The name of a chord and where it stands, if there is room for it.
fn written(
    painter: &Painter,
    rect: Rect,
    scene: &Scene,
    span: &Span,
    whole: Rect,
    (most, ink): (f32, Color32),
) -> Option<(Pos2, Arc<Galley>)> {
    let left = whole.left().max(rect.left()) + 5.0;
    let room = whole.right().min(rect.right()) - 3.0 - left;
    let galley = marks::fit(painter, &words::chord(span.chord, scene.spelling()), room, most, LEAST, ink);
    let at = pos2(left, whole.center().y - galley.size().y / 2.0);
    (galley.size().x <= room + 1.0).then_some((at, galley))
}

/// Writes the name of the chord that sounds, as large as the room allows: over the playhead, which is drawn before.
pub fn sounding(ui: &Ui, rect: Rect, scene: &Scene, axis: &Timeline) {
    let (theme, painter) = (scene.theme(), ui.painter().with_clip_rect(rect));
    let spans = axis.chords(scene.snapshot);
    let Some(span) = spans.iter().find(|span| sounds(span)) else { return };
    let whole = across(rect, axis, span.from, span.to);
    let most = (whole.height() * 0.76).clamp(11.0, 36.0);
    let Some((at, galley)) = written(&painter, rect, scene, span, whole, (most, theme.text)) else { return };
    // The playhead is not to run through the letters, nor hatching.
    let ground =
        Rect::from_min_size(at, galley.size()).expand2([2.0, -2.0].into()).intersect(whole.shrink(2.0));
    painter.rect_filled(ground, 2.0, theme.tint(theme.chord, SOUNDS));
    painter.galley(at, galley, theme.text);
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
