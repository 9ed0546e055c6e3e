//! Two kinds of picture, as SVG text that stands in the page itself: lines over beats or frames, and bars
//! over bins.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 42.0;

/// The humans, the trivial accompanist, then everyone else.
const COLOURS: [&str; 8] =
    ["#1f2933", "#9aa5b1", "#2563eb", "#d9480f", "#2b8a3e", "#862e9c", "#c2255c", "#0b7285"];

/// The colour of the `n`th system.
pub fn colour(n: usize) -> &'static str {
    match n.checked_sub(COLOURS.len()) {
        None => COLOURS[n],
        Some(more) => COLOURS[2 + more % (COLOURS.len() - 2)],
    }
}

/// Text that may stand in a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// The system whose colour it has.
    pub system: usize,
    /// Where it goes; a gap where a value is missing.
    pub points: Vec<(f64, Option<f64>)>,
}

/// Lines over one axis.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    /// What is below.
    pub x_label: &'a str,
    /// What is at the side.
    pub y_label: &'a str,
    /// The lines.
    pub lines: Vec<Line>,
    /// Places at which something happens, and what.
    pub marks: Vec<(f64, String)>,
    /// Whether points stand out, for few of them.
    pub has_dots: bool,
}

/// A round distance between ticks, for about `num` of them.
fn tick(span: f64, num: f64) -> f64 {
    let rough = (span / num).max(1e-9);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(rough)
}

/// Decimals that a tick distance needs.
fn decimals(step: f64) -> usize {
    (-step.log10().floor()).clamp(0.0, 6.0) as usize
}

/// Frame, ticks and labels; `x` and `y` are the ranges.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let across = (x - self.x.0) / (self.x.1 - self.x.0).max(1e-9);
        let up = (y - self.y.0) / (self.y.1 - self.y.0).max(1e-9);
        (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM))
    }

    fn draw(&self, out: &mut String, x_label: &str, y_label: &str) {
        let step = tick(self.y.1 - self.y.0, 5.0);
        let mut y = (self.y.0 / step).ceil() * step;
        while y <= self.y.1 + step * 1e-6 {
            let (_, at) = self.at(self.x.0, y);
            let _ = write!(
                out,
                "<line class='grid' x1='{LEFT}' x2='{:.1}' y1='{at:.1}' y2='{at:.1}'/>\
                 <text class='tick' x='{:.1}' y='{:.1}' text-anchor='end'>{y:.*}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                decimals(step)
            );
            y += step;
        }
        let step = tick(self.x.1 - self.x.0, 9.0);
        let mut x = (self.x.0 / step).ceil() * step;
        while x <= self.x.1 + step * 1e-6 {
            let (at, _) = self.at(x, self.y.0);
            let _ = write!(
                out,
                "<text class='tick' x='{at:.1}' y='{:.1}' text-anchor='middle'>{:.*}</text>",
                HEIGHT - BOTTOM + 17.0,
                decimals(step),
                x + 0.0
            );
            x += step;
        }
        let floor = HEIGHT - BOTTOM;
        let _ = write!(
            out,
            "<line class='axis' x1='{LEFT}' x2='{:.1}' y1='{floor:.1}' y2='{floor:.1}'/>\
             <text class='label' x='{:.1}' y='{:.1}' text-anchor='middle'>{}</text>\
             <text class='label' x='{LEFT}' y='11'>{}</text>",
            WIDTH - RIGHT,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 6.0,
            escaped(x_label),
            escaped(y_label)
        );
    }
}

fn begin(title: &str) -> String {
    format!("<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{}'>", escaped(title))
}

/// The key to the colours, for above a picture.
pub fn legend(names: &[(usize, String)]) -> String {
    let item = |(system, name): &(usize, String)| {
        format!("<span><i style='background:{}'></i>{}</span>", colour(*system), escaped(name))
    };
    format!("<p class='legend'>{}</p>", names.iter().map(item).collect::<String>())
}

impl Lines<'_> {
    /// The picture with its legend; nothing where there is no point at all.
    pub fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let ys: Vec<f64> = points().filter_map(|(_, y)| *y).filter(|y| y.is_finite()).collect();
        if ys.is_empty() {
            return String::new();
        }
        let range = |values: &[f64]| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, high)
        };
        let xs: Vec<f64> = points().map(|(x, _)| *x).collect();
        let (low, high) = range(&ys);
        let margin = ((high - low) * 0.08).max(0.02);
        let axes = Axes { x: range(&xs), y: ((low - margin).max(0.0), high + margin) };
        let mut out = legend(&self.lines.iter().map(|l| (l.system, l.name.clone())).collect::<Vec<_>>());
        out += &begin(self.y_label);
        axes.draw(&mut out, self.x_label, self.y_label);
        for (x, what) in &self.marks {
            let (at, _) = axes.at(*x, axes.y.0);
            let _ = write!(
                out,
                "<line class='mark' x1='{at:.1}' x2='{at:.1}' y1='{TOP}' y2='{:.1}'/>\
                 <text class='tick' x='{:.1}' y='{:.1}'>{}</text>",
                HEIGHT - BOTTOM,
                at + 4.0,
                TOP + 10.0,
                escaped(what)
            );
        }
        for line in &self.lines {
            let mut path = String::new();
            let mut pen_is_down = false;
            for (x, y) in &line.points {
                let Some(y) = y.filter(|y| y.is_finite()) else {
                    pen_is_down = false;
                    continue;
                };
                let (x, y) = axes.at(*x, y);
                let _ = write!(path, "{}{x:.1} {y:.1}", if pen_is_down { "L" } else { "M" });
                pen_is_down = true;
                if self.has_dots {
                    let _ = write!(
                        out,
                        "<circle cx='{x:.1}' cy='{y:.1}' r='3.5' fill='{}'/>",
                        colour(line.system)
                    );
                }
            }
            let dash = if line.system == 0 { " stroke-dasharray='5 3'" } else { "" };
            let _ = write!(out, "<path class='line' d='{path}' stroke='{}'{dash}/>", colour(line.system));
        }
        out + "</svg>"
    }
}

/// A histogram as bars, bin n about the tick of n, with another as an outline of steps over it.
pub fn bars(title: &str, x_label: &str, system: usize, shares: &[f64], outline: &[f64], top: f64) -> String {
    let axes = Axes { x: (-0.5, shares.len() as f64 - 0.5), y: (0.0, top.max(1e-3)) };
    let mut out = begin(title);
    axes.draw(&mut out, x_label, "share of chords");
    for (bin, share) in shares.iter().enumerate() {
        let ((left, y), (right, bottom)) =
            (axes.at(bin as f64 - 0.5, *share), axes.at(bin as f64 + 0.5, 0.0));
        let _ = write!(
            out,
            "<rect x='{:.1}' y='{y:.1}' width='{:.1}' height='{:.1}' fill='{}' fill-opacity='.75'/>",
            left + 1.0,
            right - left - 2.0,
            bottom - y,
            colour(system)
        );
    }
    let mut path = String::new();
    for (bin, share) in outline.iter().enumerate() {
        let ((left, y), (right, _)) = (axes.at(bin as f64 - 0.5, *share), axes.at(bin as f64 + 0.5, *share));
        let _ = write!(path, "{}{left:.1} {y:.1}L{right:.1} {y:.1}", if bin == 0 { "M" } else { "L" });
    }
    let _ = write!(out, "<path class='line' d='{path}' stroke='{}' stroke-width='1.4'/>", colour(0));
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let check = |span: f64, num: f64, step: f64, digits: usize| {
            assert!((tick(span, num) - step).abs() < 1e-12, "{span}: {}", tick(span, num));
            assert_eq!(decimals(tick(span, num)), digits, "{span}");
        };
        check(64.0, 9.0, 10.0, 0);
        check(0.4, 5.0, 0.1, 1);
        check(0.11, 5.0, 0.05, 2);
        check(10_000.0, 9.0, 2000.0, 0);
    }

    #[test]
    fn a_line_breaks_where_a_value_is_missing() {
        let line = |points: &[Option<f64>]| Lines {
            x_label: "beat",
            y_label: "share",
            lines: vec![Line {
                name: "<a>".into(),
                system: 2,
                points: points.iter().enumerate().map(|(n, y)| (n as f64, *y)).collect(),
            }],
            marks: vec![(1.0, "+6".into())],
            has_dots: false,
        };
        let svg = line(&[Some(0.5), Some(0.6), None, Some(0.4)]).svg();
        let path = svg.split("class='line' d='").nth(1).unwrap().split('\'').next().unwrap();
        assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
        assert!(svg.contains("&lt;a&gt;") && svg.contains("+6") && !svg.contains("NaN"));
        assert_eq!(line(&[None, None]).svg(), "");
        // One point alone, and equal ones, have a picture too.
        assert!(!line(&[Some(0.5)]).svg().contains("NaN") && !line(&[Some(0.5); 3]).svg().contains("inf"));
    }
}
