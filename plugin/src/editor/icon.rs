//! Our sign: a melody's note above the three notes of the chord that answers it. It is drawn here in the window, and
//! written out as a picture by `cargo xtask pictures`. Pure, but for the painting.

use super::{face::Shade, scene::name, theme::Theme};
use egui::{Color32, Painter, Rect, Response, Role, Sense, Ui, pos2, vec2};

/// The name, and what the sign is called.
const NAME: &str = "ReaLchords";

/// A part of the sign: a rectangle with round corners, in shares of the side of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    round: f32,
    ink: Color32,
}

/// The ground, the melody's note, and the chord's.
fn parts() -> [Part; 5] {
    let theme = Theme::of(Shade::Dark);
    let whole = Part { left: 0.0, top: 0.0, width: 1.0, height: 1.0, round: 0.22, ink: theme.raised };
    let (size, height) = (0.23, 0.105);
    let note =
        Part { left: 0.17, top: 0.15, width: size, height: size, round: size / 2.0, ink: theme.melody };
    let bar =
        |top: f32| Part { left: 0.29, top, width: 0.54, height, round: height / 2.0, ink: theme.accent };
    [whole, note, bar(0.445), bar(0.6), bar(0.755)]
}

/// Paints the sign into a square.
pub fn paint(painter: &Painter, place: Rect) {
    let side = place.width();
    for part in parts() {
        let at = place.min + vec2(part.left, part.top) * side;
        let rect = Rect::from_min_size(at, vec2(part.width, part.height) * side);
        painter.rect_filled(rect, part.round * side, part.ink);
    }
}

/// Draws the sign at the start of a line, with its name.
pub fn show(ui: &mut Ui, line: Rect) -> Response {
    let side = line.height().min(22.0);
    let place = Rect::from_min_size(pos2(line.left(), line.center().y - side / 2.0), vec2(side, side));
    let response = ui.allocate_rect(place, Sense::hover());
    paint(ui.painter(), place);
    name(&response, Role::Image, NAME);
    response.on_hover_text(format!("{NAME} {}", env!("CARGO_PKG_VERSION")))
}

/// The sign as an SVG drawing.
pub fn svg() -> String {
    let side = 512.0;
    let drawn = parts().map(|part| {
        let [left, top, width, height, round] =
            [part.left, part.top, part.width, part.height, part.round].map(|share| (share * side).round());
        let [red, green, blue, _] = part.ink.to_array();
        format!(
            "  <rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\" \
             fill=\"#{red:02x}{green:02x}{blue:02x}\"/>\n"
        )
    });
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\">\n  \
         <title>{NAME}</title>\n{}</svg>\n",
        drawn.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_beside_the_sources_is_the_sign() {
        assert_eq!(svg(), include_str!("../../../assets/icon.svg"), "cargo xtask pictures draws it");
    }
}
