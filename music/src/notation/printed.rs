//! A lead sheet as people read it: chord symbols over their beats, the melody below, four numbered bars a line.
//! For reports and the jam; allocates, so never for the audio thread; no I/O.

use super::{HOLD, NOTHING, print_pitch};
use crate::{
    chord::Chord,
    grid::FRAMES_PER_BEAT,
    harmony::sounding,
    lead_sheet::Frames,
    melody::MelodyFrame,
    meter::BarPhase,
    symbol::{self, Spelling},
};
use std::ops::Range;

const BARS_A_LINE: usize = 4;
/// Frames in a column of the sheet: a beat.
const BEAT: usize = FRAMES_PER_BEAT as usize;
/// Frames in a group where nobody told the bar: as many as in common time.
const UNTOLD: usize = 4 * BEAT;

/// The lead sheet as text, a column a beat (a quarter note), for example
/// ```text
///   1 | C     /     Am7   /     | F     /     ,G    /     |
///     | C4    E4-G4 A4    -     | .     A4    G4-F4 E4    |
/// ```
/// Chords: a symbol where the chord changes, `/` where it goes on, `.` where none sounds; a comma comes before
/// what enters after the beat. Melody: a note name is an onset, `-` a held frame, `.` a rest; the last sign of
/// a beat lasts to the beat's end. Bars before the first whole one are numbered 0; where the bar is not known
/// (`BarPhase::Unknown`), beats stand in fours between colons.
pub fn print_lead_sheet(frames: &Frames) -> String {
    let chords = sounding(&frames.chords);
    let bars = bars(&frames.phases, frames.len());
    let with_melody = frames.melody.iter().any(|frame| matches!(frame, MelodyFrame::Onset(_)));
    let upper: Vec<Vec<String>> =
        bars.iter().map(|bar| cells(bar, |beat| chord_cell(&chords, beat))).collect();
    let lower: Vec<Vec<String>> =
        bars.iter().map(|bar| cells(bar, |beat| melody_cell(&frames.melody, beat))).collect();
    let shown = upper.iter().chain(lower.iter().filter(|_| with_melody));
    let width = shown.flatten().map(|cell| cell.chars().count()).fold(3, usize::max);

    let first_number = usize::from(bars.first().is_none_or(|bar| bar.first_position == 0));
    let numbers_width = (bars.len() + first_number).to_string().len().max(3);
    let mut sheet = String::new();
    for line in (0..bars.len()).step_by(BARS_A_LINE) {
        let here = line..bars.len().min(line + BARS_A_LINE);
        sheet.push_str(&format!("{:>numbers_width$} ", line + first_number));
        sheet.push_str(&row(&bars[here.clone()], &upper[here.clone()], width));
        if with_melody {
            sheet.push_str(&" ".repeat(numbers_width + 1));
            sheet.push_str(&row(&bars[here.clone()], &lower[here], width));
        }
    }
    sheet
}

/// The frames of a bar, and where in the bar the first of them stands.
struct Bar {
    frames: Range<usize>,
    first_position: usize,
    told: bool,
}

/// Parts the frames at their bar lines.
fn bars(phases: &[BarPhase], num: usize) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for frame in 0..num {
        let (told, position, length) = match phases.get(frame) {
            Some(BarPhase::At { position, length }) => (true, usize::from(*position), usize::from(*length)),
            Some(BarPhase::Unknown) | None => (false, 0, UNTOLD),
        };
        match bars.last_mut() {
            Some(bar)
                if bar.told == told
                    && bar.frames.len() + bar.first_position < length
                    && (!told || position == bar.first_position + bar.frames.len()) =>
            {
                bar.frames.end = frame + 1;
            }
            _ => bars.push(Bar { frames: frame..frame + 1, first_position: position, told }),
        }
    }
    bars
}

/// One cell a beat of the bar; beats begin at the bar line, so the first and last may be cut short.
fn cells(bar: &Bar, cell: impl Fn(Range<usize>) -> String) -> Vec<String> {
    let mut cells = Vec::new();
    let mut start = bar.frames.start;
    let mut position = bar.first_position;
    while start < bar.frames.end {
        let end = bar.frames.end.min(start + BEAT - position % BEAT);
        cells.push(cell(start..end));
        position += end - start;
        start = end;
    }
    cells
}

/// The chords of a beat: each one that is not the one before it.
fn chord_cell(chords: &[Option<Chord>], beat: Range<usize>) -> String {
    let name =
        |chord: Option<Chord>| chord.map_or(NOTHING.to_owned(), |c| symbol::print(c, Spelling::Common));
    let mut cell = String::new();
    for frame in beat.clone() {
        let before = frame.checked_sub(1).and_then(|f| chords.get(f).copied()).flatten();
        let now = chords.get(frame).copied().flatten();
        if now == before {
            continue;
        }
        if frame > beat.start {
            cell.push(',');
        }
        cell.push_str(&name(now));
    }
    if cell.is_empty() {
        let sounds = chords.get(beat.start).copied().flatten().is_some();
        cell.push_str(if sounds { "/" } else { NOTHING });
    }
    cell
}

/// The melody of a beat, a sign a frame; equal signs at its end are written once, holds after an onset not at all.
fn melody_cell(melody: &[MelodyFrame], beat: Range<usize>) -> String {
    let sign = |frame: &MelodyFrame| match frame {
        MelodyFrame::Rest => NOTHING.to_owned(),
        MelodyFrame::Hold => HOLD.to_owned(),
        MelodyFrame::Onset(pitch) => print_pitch(*pitch),
    };
    let mut signs: Vec<String> = melody.get(beat).unwrap_or_default().iter().map(sign).collect();
    while signs.len() > 1 && signs.last().is_some_and(|s| s == HOLD || s == NOTHING) {
        let last = signs.pop();
        if signs.last() == last.as_ref() {
            continue;
        }
        let note_rings_on = last.as_deref() == Some(HOLD) && signs.last().is_some_and(|s| s != NOTHING);
        if !note_rings_on {
            signs.extend(last);
        }
        break;
    }
    signs.concat()
}

/// A line of bars.
fn row(bars: &[Bar], cells: &[Vec<String>], width: usize) -> String {
    let bar_line = |bar: &Bar| if bar.told { '|' } else { ':' };
    let mut row = String::new();
    for (bar, cells) in bars.iter().zip(cells) {
        row.push(bar_line(bar));
        for cell in cells {
            row.push_str(&format!(" {cell:width$}"));
        }
        row.push(' ');
    }
    row.extend(bars.last().map(bar_line));
    row.push('\n');
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grid::{Beats, Frame},
        meter::{Meter, MeterMap},
        notation::{parse_chords, parse_melody},
    };

    fn sheet(melody: &str, chords: &str, meter: (u8, u8), bar_line: f64) -> String {
        let meters = MeterMap::new(vec![(Beats(bar_line), Meter::new(meter.0, meter.1).unwrap())]);
        let chords = parse_chords(chords).unwrap();
        let mut melody = parse_melody(melody).unwrap();
        melody.resize(chords.len(), MelodyFrame::Rest);
        let phases = (0..chords.len() as i64).map(|f| meters.phase(Frame(f))).collect();
        print_lead_sheet(&Frames { melody, annotated: vec![true; chords.len()], chords, phases })
    }

    #[test]
    fn chords_stand_over_their_beats_and_the_melody_below() {
        let chords = "| C - - - - - - - Am7 - - - - - - - | F - - - Dm - G7/B - - - - - C - - . |";
        let melody = "| C4 - - - E4 - G4 - A4 - - - - - - - | - - . . A4 B4 C5 D5 . . . . . . E4 - |";
        let expected = [
            "  1 | C        /        Am7      /        | F        Dm,G7/B  /        C,.      |\n",
            "    | C4       E4-G4    A4       -        | --.      A4B4C5D5 .        ..E4     |\n",
        ]
        .concat();
        assert_eq!(sheet(melody, chords, (4, 4), 0.0), expected);
    }

    #[test]
    fn four_bars_a_line_and_a_repeated_chord_is_named_once() {
        let chords = "G - - - G - - - D7 - - - ".repeat(5);
        let expected = "  1 | G   /   D7  | G   /   D7  | G   /   D7  | G   /   D7  |\n  5 | G   /   D7  |\n";
        assert_eq!(sheet("", &chords, (3, 4), 0.0), expected);
    }

    #[test]
    fn a_pickup_is_bar_nought_and_odd_meters_have_a_short_beat() {
        let chords = "C - - - | F - - - - - - - - - - - - - | G7";
        // The pickup lasts a beat but begins on the second half of the bar's third.
        assert_eq!(sheet("", chords, (7, 8), 1.0), "  0 | C   /   | F   /   /   /   | G7  |\n");
        let chords = "C - - - | F - - - - - - - - - - -";
        assert_eq!(sheet("", chords, (3, 4), 1.0), "  0 | C   | F   /   /   |\n");
    }

    #[test]
    fn unknown_bars_are_fours_between_colons() {
        let chords = format!("C {}", "- ".repeat(19));
        assert_eq!(sheet("", &chords, (33, 32), 0.0), "  1 : C   /   /   /   : /   :\n");
        assert_eq!(print_lead_sheet(&Frames::default()), "");
    }

    #[test]
    fn what_enters_after_the_beat_has_a_comma() {
        assert_eq!(sheet("", "C - F - . . Am -", (2, 4), 0.0), "  1 | C,F  .,Am |\n");
        assert_eq!(sheet("", ". . . . . . Am -", (2, 4), 0.0), "  1 | .   ,Am |\n");
    }
}
