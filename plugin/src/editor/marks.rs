//! Small shapes and strokes that double what colours say: marks of the parts, hatching of what may change, dashes.
//! GUI thread.

use super::{theme::SMALL, words::Urgency};
use egui::{Color32, FontId, Galley, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};
use std::sync::Arc;

/// A part of the music; each has a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A circle.
    Melody,
    /// A triangle.
    Chord,
    /// A square.
    Bass,
}

/// The distance of hatching lines, in points.
const HATCH: f32 = 6.0;

/// Draws a part's mark.
pub fn part(painter: &Painter, part: Part, at: Pos2, radius: f32, ink: Color32) {
    match part {
        Part::Melody => {
            painter.circle_filled(at, radius, ink);
        }
        Part::Chord => {
            painter.add(triangle(at, radius * 1.2, ink));
        }
        Part::Bass => {
            painter.rect_filled(Rect::from_center_size(at, vec2(1.75, 1.75) * radius), 0.0, ink);
        }
    }
}

/// Draws a state's mark.
pub fn urgency(painter: &Painter, urgency: Urgency, at: Pos2, radius: f32, ink: Color32) {
    match urgency {
        Urgency::Runs => {
            painter.circle_filled(at, radius, ink);
        }
        Urgency::Waits => {
            painter.circle_stroke(at, radius - 1.0, Stroke::new(2.0, ink));
        }
        Urgency::Kept => {
            for x in [-0.5, 0.5] {
                let bar = Rect::from_center_size(at + vec2(x * radius, 0.0), vec2(0.5, 1.8) * radius);
                painter.rect_filled(bar, 1.0, ink);
            }
        }
        Urgency::Wrong => {
            painter.add(triangle(at, radius * 1.2, ink));
        }
    }
}

fn triangle(at: Pos2, radius: f32, ink: Color32) -> Shape {
    let corner = |x: f32, y: f32| at + vec2(x, y) * radius;
    Shape::convex_polygon(vec![corner(0.0, -0.9), corner(0.9, 0.7), corner(-0.9, 0.7)], ink, Stroke::NONE)
}

/// Hatches a rectangle.
pub fn hatch(painter: &Painter, rect: Rect, ink: Color32) {
    let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    // Lines stand on a grid of their own, so that neighbours hatch on and nothing swims but with the rectangle.
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            Stroke::new(1.0, ink),
        );
        x += HATCH;
    }
}

/// A dashed frame.
pub fn dashed(painter: &Painter, rect: Rect, ink: Color32) {
    let rect = rect.shrink(0.5);
    let corners =
        [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    painter.extend(Shape::dashed_line(&corners, Stroke::new(1.0, ink), 4.0, 3.0));
}

/// A text as large as it may be within a width, between two sizes.
pub fn fit(painter: &Painter, text: &str, width: f32, most: f32, least: f32, ink: Color32) -> Arc<Galley> {
    let lay = |size: f32| painter.layout_no_wrap(text.to_owned(), FontId::proportional(size), ink);
    let full = lay(most);
    if full.size().x <= width {
        return full;
    }
    lay((most * width / full.size().x.max(1.0)).floor().clamp(least, most))
}

/// A sentence in the middle of what lies before the playhead, which is not to run through it.
pub fn before(painter: &Painter, rect: Rect, playhead: f32, text: &str, ink: Color32) {
    let room = rect.with_max_x(playhead.clamp(rect.left(), rect.right())).shrink2(vec2(24.0, 0.0));
    let galley = fit(painter, text, room.width(), SMALL + 1.0, 8.0, ink);
    painter.galley(room.center() - galley.size() / 2.0, galley, ink);
}
