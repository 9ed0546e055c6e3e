//! The roll: melody, chord and bass tones as they sounded, on the grid of bars and beats. Each part has its colour and
//! its shape: round, pointed, square. GUI thread.

use super::{
    marks::{self, Part},
    scene::{Scene, name},
    theme::{SMALL, Theme},
    timeline::Timeline,
    words,
};
use egui::{Align2, Color32, FontId, Painter, Rangef, Rect, Response, Role, Sense, Stroke, Ui, pos2};
use music::{melody::MelodyFrame, pitch::Pitch};

/// A note on the roll.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Note {
    part: Part,
    key: u8,
    from: f64,
    to: f64,
}

/// The fewest keys in sight.
const LEAST_KEYS: i32 = 30;
/// Where an empty roll lies.
const MIDDLE: (i32, i32) = (43, 79);

/// Draws the roll.
pub fn show(ui: &mut Ui, rect: Rect, scene: &Scene, axis: &Timeline) -> Response {
    let theme = scene.theme();
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 0.0, theme.panel);
    let notes = notes(scene, axis);
    let keys = range(&notes);
    let row = rect.height() / (keys.1 - keys.0 + 1) as f32;
    let y_of = |key: i32| rect.bottom() - (key - keys.0) as f32 * row - row / 2.0;
    for key in (keys.0..=keys.1).filter(|key| key.rem_euclid(12) == 0) {
        let y = y_of(key) + row / 2.0;
        painter.hline(rect.x_range(), y, Stroke::new(1.0, theme.line));
    }
    for line in axis.lines(scene.snapshot) {
        let (ink, width) = if line.is_bar { (theme.bar_line, 1.5) } else { (theme.line, 1.0) };
        painter.vline(line.x, rect.y_range(), Stroke::new(width, ink));
    }
    for x in axis.seams(scene.snapshot) {
        seam(&painter, rect, x, theme);
    }
    // The melody last: where a chord tone lies on its key, it is the melody that is seen.
    let (melody, chords): (Vec<_>, Vec<_>) = notes.iter().partition(|note| note.part == Part::Melody);
    for note in chords.into_iter().chain(melody) {
        draw(&painter, theme, axis, note, y_of(i32::from(note.key)), row.clamp(3.0, 12.0));
    }
    let whole = rect.shrink(SMALL * 0.6).y_range();
    for key in (keys.0..=keys.1).filter(|key| key.rem_euclid(12) == 0 && whole.contains(y_of(*key))) {
        octave(&painter, rect, y_of(key), key, theme);
    }
    if notes.is_empty() {
        let words = "Your melody and its chords are written down here";
        marks::before(&painter, rect, axis.now(), words, theme.muted);
    }
    legend(&painter, rect, theme);
    name(&response, Role::Image, &spoken(scene, &notes));
    response.on_hover_text("What you played and what I answered: ● melody, ▲ chord tones, ■ bass")
}

/// The playhead over lane and roll: a line, or the beat that we are in where nothing is to glide.
pub fn playhead(ui: &Ui, rect: Rect, scene: &Scene, axis: &Timeline) {
    let (theme, painter) = (scene.theme(), ui.painter().with_clip_rect(rect));
    let x = axis.now();
    if scene.face.calm {
        let beat = Rect::from_x_y_ranges(Rangef::new(x, x + axis.beat()), rect.y_range());
        painter.rect_filled(beat, 0.0, theme.accent.gamma_multiply(0.14));
    }
    painter.vline(x, rect.y_range(), Stroke::new(2.0, theme.accent));
    for (y, way) in [(rect.top(), 1.0), (rect.bottom(), -1.0)] {
        let tip = vec![pos2(x - 5.0, y), pos2(x + 5.0, y), pos2(x, y + way * 6.0)];
        painter.add(egui::Shape::convex_polygon(tip, theme.accent, Stroke::NONE));
    }
}

fn seam(painter: &Painter, rect: Rect, x: f32, theme: &Theme) {
    let line = [pos2(x, rect.top()), pos2(x, rect.bottom())];
    painter.extend(egui::Shape::dashed_line(&line, Stroke::new(1.5, theme.muted), 5.0, 4.0));
    painter.text(
        pos2(x + 3.0, rect.top() + 1.0),
        Align2::LEFT_TOP,
        "⟲",
        FontId::proportional(SMALL + 1.0),
        theme.muted,
    );
}

fn octave(painter: &Painter, rect: Rect, y: f32, key: i32, theme: &Theme) {
    let galley =
        painter.layout_no_wrap(format!("C{}", key / 12 - 1), FontId::proportional(SMALL), theme.muted);
    let at = pos2(rect.left() + 3.0, y - galley.size().y / 2.0);
    let ground = Rect::from_min_size(at, galley.size()).expand2([2.0, 0.0].into());
    painter.rect_filled(ground, 2.0, theme.panel);
    painter.galley(at, galley, theme.muted);
}

fn legend(painter: &Painter, rect: Rect, theme: &Theme) {
    let parts = [(Part::Melody, "melody"), (Part::Chord, "chord"), (Part::Bass, "bass")];
    let mut x = rect.right() - 6.0;
    let y = rect.top() + 9.0;
    for (part, word) in parts.into_iter().rev() {
        let ink = ink_of(part, theme);
        let galley = painter.layout_no_wrap(word.into(), FontId::proportional(SMALL), theme.muted);
        x -= galley.size().x;
        let at = pos2(x, y - galley.size().y / 2.0);
        let ground = Rect::from_min_size(at, galley.size()).expand2([2.0, 0.0].into());
        painter.rect_filled(ground.with_min_x(x - 14.0), 2.0, theme.panel);
        painter.galley(at, galley, theme.muted);
        marks::part(painter, part, pos2(x - 8.0, y), 4.0, ink);
        x -= 22.0;
    }
}

/// A part's colour.
pub fn ink_of(part: Part, theme: &Theme) -> Color32 {
    match part {
        Part::Melody => theme.melody,
        Part::Chord => theme.chord,
        Part::Bass => theme.bass,
    }
}

fn draw(painter: &Painter, theme: &Theme, axis: &Timeline, note: &Note, y: f32, height: f32) {
    let ink = ink_of(note.part, theme);
    let (left, right) = (axis.x(note.from) + 0.5, axis.x(note.to) - 0.5);
    let thickness = if note.part == Part::Melody { height } else { (height * 0.66).max(2.0) };
    let bar = Rect::from_x_y_ranges(
        Rangef::new(left, right.max(left + 2.0)),
        Rangef::new(y - thickness / 2.0, y + thickness / 2.0),
    );
    let radius = if note.part == Part::Melody { thickness / 2.0 } else { 0.0 };
    let fill = if note.part == Part::Melody { ink } else { ink.gamma_multiply(0.75) };
    painter.rect_filled(bar, radius, fill);
    marks::part(painter, note.part, pos2(left + 2.0, y), (height * 0.5).clamp(2.5, 5.0), ink);
}

/// The notes in sight. What sounds now reaches the playhead.
fn notes(scene: &Scene, axis: &Timeline) -> Vec<Note> {
    let snapshot = scene.snapshot;
    let mut past: Vec<_> = axis.past(snapshot).collect();
    past.reverse();
    let mut notes: Vec<Note> = Vec::new();
    let mut melody: Option<usize> = None;
    for (from, trace) in past {
        let to = from + 0.25;
        match trace.melody {
            MelodyFrame::Onset(pitch) => {
                notes.push(Note { part: Part::Melody, key: pitch.midi(), from, to });
                melody = Some(notes.len() - 1);
            }
            MelodyFrame::Hold => {
                if let Some(note) = melody.and_then(|idx| notes.get_mut(idx)) {
                    note.to = to;
                }
            }
            MelodyFrame::Rest => melody = None,
        }
        let tones = trace.hands().map(|tone| (Part::Chord, tone));
        for (part, tone) in tones.chain(trace.bass().map(|tone| (Part::Bass, tone))) {
            lay(&mut notes, part, tone.key.midi(), from, to, tone.is_struck);
        }
    }
    sounding(scene, axis, &mut notes);
    notes
}

/// What sounds since the last frame closed.
fn sounding(scene: &Scene, axis: &Timeline, notes: &mut Vec<Note>) {
    let glance = &scene.snapshot.glance;
    if scene.snapshot.place.is_none() {
        return;
    }
    let from = axis.opened(scene.snapshot).min(0.0);
    let keys = |bits: u128| (0..128u8).filter(move |key| bits >> key & 1 == 1);
    for key in keys(glance.keys.hands) {
        lay(notes, Part::Chord, key, from, 0.0, false);
    }
    for key in keys(glance.keys.bass) {
        lay(notes, Part::Bass, key, from, 0.0, false);
    }
    if let Some(key) = glance.leading {
        lay(notes, Part::Melody, key.midi(), from, 0.0, false);
    }
}

/// Adds a stretch of a key: to the note that it goes on from, if there is one.
fn lay(notes: &mut Vec<Note>, part: Part, key: u8, from: f64, to: f64, is_struck: bool) {
    let goes_on = |note: &&mut Note| note.part == part && note.key == key && note.to >= from - 1e-6;
    match notes.iter_mut().rev().take(64).find(goes_on) {
        Some(note) if !is_struck => note.to = note.to.max(to),
        _ => notes.push(Note { part, key, from, to: to.max(from) }),
    }
}

/// The keys in sight: whole octaves around what is played, so that it does not jump about.
fn range(notes: &[Note]) -> (i32, i32) {
    let keys = || notes.iter().map(|note| i32::from(note.key));
    let (Some(least), Some(most)) = (keys().min(), keys().max()) else { return MIDDLE };
    let (low, high) = ((least - 2).div_euclid(6) * 6, ((most + 2).div_euclid(6) + 1) * 6);
    let lacks = (LEAST_KEYS - (high - low)).max(0);
    (low - lacks / 2, high + lacks - lacks / 2)
}

fn spoken(scene: &Scene, notes: &[Note]) -> String {
    let melody = notes.iter().rev().find(|note| note.part == Part::Melody);
    match melody {
        Some(note) => {
            let key = words::key_of(Pitch::folded(i32::from(note.key)), scene.spelling());
            format!("Roll: {} notes, the last of the melody {key}", notes.len())
        }
        None => format!("Roll: {} notes, no melody yet", notes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::rehearsal::Rehearsal;

    fn notes_of(rehearsal: &Rehearsal) -> Vec<Note> {
        notes(&rehearsal.scene(), &Timeline::new(&rehearsal.scene(), Rangef::new(0.0, 900.0)))
    }

    #[test]
    fn all_parts_are_written_down_and_end_at_the_playhead_at_the_latest() {
        let notes = notes_of(&Rehearsal::playing());
        for part in [Part::Melody, Part::Chord, Part::Bass] {
            let num = notes.iter().filter(|note| note.part == part).count();
            assert!(num >= 3, "{part:?}: {num}");
        }
        assert!(notes.iter().all(|note| note.from < note.to && note.to <= 0.26), "{notes:?}");
        let (low, high) = range(&notes);
        assert!(notes.iter().all(|note| (low..=high).contains(&i32::from(note.key))));
        assert!(high - low >= LEAST_KEYS);
    }

    #[test]
    fn a_key_struck_again_is_another_note() {
        let mut notes = Vec::new();
        lay(&mut notes, Part::Chord, 60, 0.0, 0.25, true);
        lay(&mut notes, Part::Chord, 60, 0.25, 0.5, false);
        lay(&mut notes, Part::Chord, 60, 0.5, 0.75, true);
        lay(&mut notes, Part::Chord, 60, 1.0, 1.25, false);
        assert_eq!(
            notes.iter().map(|note| (note.from, note.to)).collect::<Vec<_>>(),
            [(0.0, 0.5), (0.5, 0.75), (1.0, 1.25)]
        );
    }

    #[test]
    fn nothing_played_is_no_note() {
        assert!(notes_of(&Rehearsal::empty()).is_empty());
        assert_eq!(range(&[]), MIDDLE);
    }
}
