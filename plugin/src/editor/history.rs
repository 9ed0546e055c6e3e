//! The history: the bars that were played last, as a lead sheet that stays. GUI thread.

use super::{
    marks,
    scene::{Scene, name},
    theme::SMALL,
    timeline::step,
    words,
};
use crate::audio::Snapshot;
use egui::{Align2, FontId, Rangef, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2};
use music::{chord::Chord, grid::Frame, harmony::ChordFrame, meter::BarPhase};

/// The narrowest bar, in points.
const LEAST_WIDTH: f32 = 62.0;
/// The lowest bar.
const LEAST_HEIGHT: f32 = 21.0;
/// The most bars in sight.
const MOST_BARS: usize = 32;
/// Frames of a bar where the host tells no meter.
const PRESUMED_BAR_FRAMES: usize = 16;

/// A bar that was played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// The chord that goes on from the bar before.
    pub before: Option<Chord>,
    /// The chords struck in it, in order.
    pub chords: Vec<Chord>,
    /// Frames that were played of it.
    pub num_frames: usize,
}

/// The bars of the trail, the oldest first, and the one under way.
pub fn bars(snapshot: &Snapshot) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    let (mut current, mut last): (Option<Chord>, Option<Frame>) = (None, None);
    for trace in snapshot.trail.iter() {
        let goes_on = last.is_some_and(|last| trace.frame == last.plus(1));
        let is_full = match trace.phase {
            BarPhase::At { position, .. } => position == 0,
            BarPhase::Unknown => bars.last().is_none_or(|bar| bar.num_frames >= PRESUMED_BAR_FRAMES),
        };
        if is_full || !goes_on {
            bars.push(Bar { before: current, ..Bar::default() });
        }
        last = Some(trace.frame);
        step(&mut current, trace.chord);
        if let Some(bar) = bars.last_mut() {
            bar.num_frames += 1;
            if let ChordFrame::Onset(chord) = trace.chord
                && bar.chords.last() != Some(&chord)
            {
                bar.chords.push(chord);
            }
        }
    }
    bars
}

/// Draws as many of the last bars as there is room for.
pub fn show(ui: &mut Ui, rect: Rect, scene: &Scene) -> Response {
    let theme = scene.theme();
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    let num_columns = ((rect.width() / LEAST_WIDTH) as usize).clamp(1, 4);
    let num_rows = ((rect.height() / LEAST_HEIGHT) as usize).clamp(1, 8);
    let all = bars(scene.snapshot);
    // A row that is full moves up whole, so that a bar stays in its column.
    let shown = num_columns * num_rows;
    let surplus = all.len().saturating_sub(shown).div_ceil(num_columns) * num_columns;
    let bars = &all[surplus.min(all.len())..];
    let (width, height) = (rect.width() / num_columns as f32, rect.height() / num_rows as f32);
    for place in 0..shown {
        let (row, column) = (place / num_columns, place % num_columns);
        let cell = Rect::from_min_size(
            rect.min + egui::vec2(column as f32 * width, row as f32 * height),
            egui::vec2(width, height),
        )
        .shrink(1.5);
        let bar = bars.get(place);
        painter.rect_filled(cell, 2.0, if bar.is_some() { theme.raised } else { theme.ground });
        let Some(bar) = bar else { continue };
        if place + 1 == bars.len() && scene.snapshot.place.is_some() {
            painter.rect_stroke(cell, 2.0, Stroke::new(1.5, theme.accent), StrokeKind::Inside);
        }
        fill(&painter, cell, bar, scene);
    }
    if bars.is_empty() {
        let words = "Your last bars will stay here";
        painter.text(
            rect.center(),
            Align2::CENTER_CENTER,
            words,
            FontId::proportional(SMALL + 1.0),
            theme.muted,
        );
    }
    name(&response, Role::Label, &spoken(&all, scene));
    response.on_hover_text(
        "The bars that were played last, newest at the end. – is the chord of the bar before, going on",
    )
}

/// Writes a bar: as many of its chords as there is room for.
fn fill(painter: &egui::Painter, cell: Rect, bar: &Bar, scene: &Scene) {
    let theme = scene.theme();
    let ink = if bar.chords.is_empty() { theme.muted } else { theme.text };
    let most = (cell.height() * 0.62).clamp(9.0, 14.0);
    let lay = |text: &str| marks::fit(painter, text, cell.width() - 8.0, most, 8.0, ink);
    let mut galley = lay(&in_words(bar, scene));
    let mut fewer = bar.clone();
    while galley.size().x > cell.width() - 8.0 && fewer.chords.len() > 1 {
        fewer.chords.pop();
        galley = lay(&format!("{} …", in_words(&fewer, scene)));
    }
    let y = cell.center().y - galley.size().y / 2.0;
    let clip = Rect::from_x_y_ranges(Rangef::new(cell.left() + 2.0, cell.right() - 2.0), cell.y_range());
    painter.with_clip_rect(clip).galley(pos2(cell.left() + 4.0, y), galley, ink);
}

fn in_words(bar: &Bar, scene: &Scene) -> String {
    if bar.chords.is_empty() {
        return if bar.before.is_some() { "–".into() } else { String::new() };
    }
    let names: Vec<_> = bar.chords.iter().map(|chord| words::chord(*chord, scene.spelling())).collect();
    names.join(" ")
}

fn spoken(bars: &[Bar], scene: &Scene) -> String {
    if bars.is_empty() {
        return "History: nothing played yet".into();
    }
    let last = bars.iter().skip(bars.len().saturating_sub(MOST_BARS.min(8))).map(|bar| in_words(bar, scene));
    format!(
        "History: {}; the last: {}",
        words::count(bars.len() as i64, "bar"),
        last.collect::<Vec<_>>().join(" | ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::rehearsal::Rehearsal;

    #[test]
    fn bars_begin_on_bar_lines_and_keep_their_chords() {
        let bars = bars(&Rehearsal::playing().snapshot);
        assert!(bars.len() >= 16, "{}", bars.len());
        assert!(bars[..bars.len() - 1].iter().all(|bar| bar.num_frames == 16));
        assert!(bars[1..].iter().all(|bar| !bar.chords.is_empty() || bar.before.is_some()));
    }

    #[test]
    fn a_loop_begins_a_bar_anew() {
        let bars = bars(&Rehearsal::looping().snapshot);
        assert!(bars.len() >= 2, "{bars:?}");
        assert!(super::bars(&Rehearsal::empty().snapshot).is_empty());
    }
}
