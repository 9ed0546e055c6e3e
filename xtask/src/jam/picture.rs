//! Draws melody, chords and bass as a roll that a musician reads: bars and beats across, note names up the side,
//! chord names above, systems of four or eight bars. Colour and shape both tell the parts apart.

use super::{
    answer::{Answer, bars},
    system::{self, Part, Roll, System},
    tune::Tune,
};
use anyhow::{Context, Result, anyhow};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};
use std::fmt::Write;

/// The picture's width, in its own units; a pixel each where it is not too high.
const WIDTH: f64 = 1600.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const HEADER: f64 = 84.0;
const FOOTER: f64 = 20.0;
/// The highest picture in pixels; a longer tune is drawn smaller.
const HIGHEST: f64 = 16_000.0;
/// Tunes of up to so many bars get four bars a system, longer ones eight.
const SHORT: usize = 16;
/// The longest bar, in beats, of which eight go into a system.
const WIDE_BAR: f64 = 4.5;

static FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");
/// The font's family name.
pub const FONT_FAMILY: &str = "DejaVu Sans";

/// The picture as a PNG file's bytes.
///
/// # Errors
/// Where the drawing does not render, which is our bug.
pub fn draw(tune: &Tune, answer: &Answer) -> Result<Vec<u8>> {
    let (svg, height) = svg(tune, answer);
    let mut options = Options { font_family: FONT_FAMILY.to_owned(), ..Options::default() };
    options.fontdb_mut().load_font_data(FONT.to_vec());
    let tree = Tree::from_str(&svg, &options).context("the drawing does not parse")?;
    let scale = (HIGHEST / height).min(1.0);
    let [width, height] = [WIDTH, height].map(|length| (length * scale).ceil() as u32);
    let mut pixmap =
        Pixmap::new(width, height).ok_or_else(|| anyhow!("no picture has {width} × {height} pixels"))?;
    resvg::render(&tree, Transform::from_scale(scale as f32, scale as f32), &mut pixmap.as_mut());
    pixmap.encode_png().context("the picture does not encode")
}

/// The drawing, and its height.
fn svg(tune: &Tune, answer: &Answer) -> (String, f64) {
    let bars = bars(tune);
    let longest = bars.iter().map(|(_, beats)| *beats).fold(1.0, f64::max);
    let a_system = if bars.len() <= SHORT || longest > WIDE_BAR { 4 } else { 8 };
    let roll = roll_of(tune, answer, a_system as f64 * longest);
    let mut body = String::new();
    let mut top = HEADER;
    for first in (0..bars.len()).step_by(a_system) {
        let drawn = System {
            tune,
            answer,
            bars: &bars,
            first,
            last: bars.len().min(first + a_system),
            roll: &roll,
            left: LEFT,
            top,
        };
        top += drawn.draw(&mut body);
    }
    let height = top + FOOTER;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0}" viewBox="0 0 {WIDTH} {height:.0}" font-family="{FONT_FAMILY}"><rect width="100%" height="100%" fill="#ffffff"/>"##
    );
    header(&mut svg, tune);
    svg.push_str(&body);
    svg.push_str("</svg>");
    (svg, height)
}

/// The pitches drawn, with a little room, and how wide a beat is.
fn roll_of(tune: &Tune, answer: &Answer, beats_a_system: f64) -> Roll {
    let melody = tune.song.notes.iter().map(|n| n.note.pitch.midi());
    let heard = answer.chords.iter().chain(&answer.bass).map(|n| n.key);
    let keys: Vec<u8> = melody.chain(heard).collect();
    let lowest = keys.iter().min().copied().unwrap_or(60).saturating_sub(2);
    let highest = keys.iter().max().copied().unwrap_or(72).saturating_add(2).min(127);
    Roll { lowest, highest, beat_width: (WIDTH - LEFT - RIGHT) / beats_a_system.max(1.0) }
}

/// Title, tempo and meter, and what the colours and shapes mean.
fn header(svg: &mut String, tune: &Tune) {
    let meter = tune
        .song
        .meters
        .changes()
        .first()
        .map_or_else(String::new, |(_, m)| format!("{}/{}", m.numerator, m.denominator));
    let bpm = tune.song.tempos.changes().next().map_or(0.0, |(_, bpm)| bpm);
    let _ = write!(
        svg,
        r##"<text x="{LEFT}" y="40" font-size="26" fill="#14171c" stroke="#14171c" stroke-width="0.6">{}</text><text x="{LEFT}" y="64" font-size="14" fill="#4a5462">{meter}, {bpm:.0} quarter notes a minute</text>"##,
        system::escape(&tune.title)
    );
    for (idx, part) in [Part::Melody, Part::Chord, Part::Bass].into_iter().enumerate() {
        let x = WIDTH - RIGHT - 360.0 + 120.0 * idx as f64;
        part.note(svg, x, 38.0, 36.0, true);
        let _ = write!(
            svg,
            r##"<text x="{:.1}" y="43" font-size="14" fill="#14171c">{}</text>"##,
            x + 44.0,
            part.name()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hosts::{song::Song, timeline::HeardNote};
    use music::{
        chord::{Chord, Quality},
        grid::Beats,
        lead_sheet::{ChordSpan, Note},
        pitch::{Pitch, PitchClass},
    };

    fn tune(num_bars: usize, title: &str) -> (Tune, Answer) {
        let notes = (0..num_bars * 4).map(|beat| Note {
            on: Beats(beat as f64),
            off: Beats(beat as f64 + 1.0),
            pitch: Pitch::folded(60 + (beat % 12) as i32),
        });
        let tune = Tune { title: title.to_owned(), part: String::new(), song: Song::melody(notes, 120.0) };
        let quality = Quality::all().nth(9).unwrap_or_default();
        let mut answer = Answer::default();
        for bar in 0..num_bars {
            let [on, off] = [bar as f64 * 4.0, bar as f64 * 4.0 + 6.0].map(Beats);
            let heard = |key: u8, channel: u8| HeardNote {
                channel,
                key,
                velocity: 0.5,
                on_sample: 0,
                off_sample: 0,
                on,
                off,
            };
            answer.chords.extend([55, 58, 63].map(|key| heard(key, 0)));
            answer.bass.push(heard(39, 1));
            answer.spans.push(ChordSpan { on, off, chord: Some(Chord::new(PitchClass::new(3), quality)) });
        }
        (tune, answer)
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let field = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
        (field(16), field(20))
    }

    #[test]
    fn a_tune_is_drawn() {
        let (tune, answer) = tune(9, "Tune <&> \"B♭\"");
        let png = draw(&tune, &answer).expect("a picture");
        assert!(png.starts_with(b"\x89PNG"));
        assert_eq!(size(&png).0, 1600);
        let (svg, _) = svg(&tune, &answer);
        assert!(svg.contains("E♭ø7"), "chord names are set with musical signs");
        assert!(svg.contains(">C4<") && svg.contains(">9<"), "note names and bar numbers are there");
    }

    #[test]
    fn names_are_in_ink() {
        let (tune, answer) = tune(4, "");
        let with = draw(&tune, &answer).expect("a picture");
        let without = draw(&tune, &Answer { spans: Vec::new(), ..answer }).expect("a picture");
        assert_ne!(with, without);
    }

    #[test]
    fn nothing_at_all_and_very_long_tunes_are_drawn_too() {
        let (empty, _) = tune(0, "");
        assert!(draw(&empty, &Answer::default()).is_ok());
        let (long, answer) = tune(900, "Long");
        let (width, height) = size(&draw(&long, &answer).expect("a picture"));
        assert!(f64::from(height) <= HIGHEST && width > 100, "{width} × {height}");
    }
}
