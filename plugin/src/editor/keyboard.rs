//! The keyboard: what is down now, melody, chord and bass told apart by shape as well as by colour. GUI thread.

use super::{
    marks::{self, Part},
    roll::ink_of,
    scene::{Scene, name},
    theme::SMALL,
    words,
};
use egui::{Align2, FontId, Painter, Rangef, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2};
use music::pitch::Pitch;

/// The keys of a grand piano.
const KEYS: std::ops::RangeInclusive<u8> = 21..=108;

/// Draws the keyboard.
pub fn show(ui: &mut Ui, rect: Rect, scene: &Scene) -> Response {
    let theme = scene.theme();
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    // What shows between white keys.
    painter.rect_filled(rect, 2.0, theme.black_key);
    let white = rect.width() / KEYS.filter(|key| !is_black(*key)).count() as f32;
    let place = |key: u8| place(rect, white, key);
    for key in KEYS.filter(|key| !is_black(*key)) {
        let key_rect = place(key).shrink2([0.5, 0.0].into());
        painter.rect_filled(key_rect, 2.0, theme.white_key);
        if key % 12 == 0 && key_rect.width() >= 9.0 {
            let at = pos2(key_rect.center().x, rect.bottom() - 1.0);
            let size = (key_rect.width() * 0.62).clamp(7.0, SMALL);
            let ink = theme.text;
            painter.text(
                at,
                Align2::CENTER_BOTTOM,
                format!("C{}", key / 12 - 1),
                FontId::proportional(size),
                ink,
            );
        }
    }
    for key in KEYS.filter(|key| is_black(*key)) {
        painter.rect_filled(place(key), 2.0, theme.black_key);
    }
    let glance = &scene.snapshot.glance;
    let parts =
        [(Part::Bass, glance.keys.bass), (Part::Chord, glance.keys.hands), (Part::Melody, glance.melody)];
    // White keys first, so that black ones lie over them.
    for black in [false, true] {
        for key in KEYS.filter(|key| is_black(*key) == black) {
            let down = parts.into_iter().filter(|(_, bits)| bits >> key & 1 == 1).map(|(part, _)| part);
            press(&painter, scene, place(key), down);
        }
    }
    name(&response, Role::Image, &spoken(scene));
    response.on_hover_text("Keys that are down now: ● your melody, ▲ the chord, ■ the bass")
}

/// Lights a key that is down, with a mark a part.
fn press(painter: &Painter, scene: &Scene, key: Rect, parts: impl Iterator<Item = Part>) {
    let theme = scene.theme();
    for (nth, part) in parts.enumerate() {
        let ink = ink_of(part, theme);
        if nth == 0 {
            painter.rect_filled(key, 2.0, theme.tint(ink, 0.55));
            painter.rect_stroke(key, 2.0, Stroke::new(1.5, ink), StrokeKind::Inside);
        }
        let radius = (key.width() * 0.34).clamp(2.5, 5.0);
        let at = pos2(key.center().x, key.bottom() - 6.0 - nth as f32 * (2.0 * radius + 2.0));
        painter.circle_filled(at, radius + 2.0, theme.ground);
        marks::part(painter, part, at, radius, ink);
    }
}

fn is_black(key: u8) -> bool {
    matches!(key % 12, 1 | 3 | 6 | 8 | 10)
}

/// Where a key lies.
fn place(rect: Rect, white: f32, key: u8) -> Rect {
    let whites_before = |key: u8| (*KEYS.start()..key).filter(|key| !is_black(*key)).count() as f32;
    let left = rect.left() + whites_before(key) * white;
    if is_black(key) {
        let width = white * 0.64;
        let across = Rangef::new(left - width / 2.0, left + width / 2.0);
        Rect::from_x_y_ranges(across, Rangef::new(rect.top(), rect.top() + rect.height() * 0.62))
    } else {
        Rect::from_x_y_ranges(Rangef::new(left, left + white), rect.y_range())
    }
}

fn spoken(scene: &Scene) -> String {
    let glance = &scene.snapshot.glance;
    let names = |bits: u128| {
        let down = (0..128).filter(|key| bits >> key & 1 == 1);
        let names: Vec<_> = down.map(|key| words::key_of(Pitch::folded(key), scene.spelling())).collect();
        if names.is_empty() { "none".into() } else { names.join(" ") }
    };
    format!(
        "Keys down: melody {}; chord {}; bass {}",
        names(glance.melody),
        names(glance.keys.hands),
        names(glance.keys.bass)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_side_by_side_and_black_ones_between() {
        let rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(520.0, 40.0));
        let white = 10.0;
        assert_eq!(place(rect, white, 21).left(), 0.0);
        assert_eq!(place(rect, white, 108).right(), 520.0);
        for key in KEYS.filter(|key| is_black(*key)) {
            let (before, black) = (place(rect, white, key - 1), place(rect, white, key));
            assert_eq!(before.right(), black.center().x, "{key}");
        }
    }
}
