//! One-line text for frames, both ways, for tests, docs and reports: melody "| C4 - E4 . |", chords "| C - Am7/G . |".
//! One word a frame: an onset by its name, `-` hold, `.` rest or silence. Bar lines are for the eye only.
//! Allocates, so never for the audio thread; no I/O.

mod printed;

pub use printed::print_lead_sheet;

use crate::{
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::BarPhase,
    pitch::{OCTAVE, Pitch},
    symbol::{self, Spelling, SymbolError},
};

const HOLD: &str = "-";
const NOTHING: &str = ".";

/// Why a line is no notation; each names the word and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// A word of a melody is no note.
    #[error(
        "`{word}` in frame {frame} is no note: write one like C4 or Bb3 (C-1 to G9), `-` to hold, `.` to rest"
    )]
    NoNote {
        /// The word.
        word: String,
        /// Its frame; the line's first is 0.
        frame: usize,
    },
    /// A word of a chord line is no chord.
    #[error("frame {frame}: {reason}, `-` to hold, `.` for silence")]
    NoChord {
        /// Its frame; the line's first is 0.
        frame: usize,
        /// What is wrong with the word, which it names.
        reason: SymbolError,
    },
}

/// Reads a melody: note names with octaves (C4 is middle C, MIDI 60), `-` and `.`; bar lines are skipped.
///
/// # Errors
/// The first word that is none of these.
pub fn parse_melody(line: &str) -> Result<Vec<MelodyFrame>, NotationError> {
    let read = |(frame, word)| match word {
        HOLD => Ok(MelodyFrame::Hold),
        NOTHING => Ok(MelodyFrame::Rest),
        _ => {
            let pitch =
                parse_pitch(word).ok_or_else(|| NotationError::NoNote { word: word.to_owned(), frame });
            pitch.map(MelodyFrame::Onset)
        }
    };
    words(line).enumerate().map(read).collect()
}

/// Reads a chord line: chord symbols, `-` and `.`, or `N` for silence; bar lines are skipped.
///
/// # Errors
/// The first word that is none of these.
pub fn parse_chords(line: &str) -> Result<Vec<ChordFrame>, NotationError> {
    let read = |(frame, word)| match word {
        HOLD => Ok(ChordFrame::Hold),
        NOTHING => Ok(ChordFrame::Silence),
        _ => match symbol::parse(word) {
            Ok(chord) => Ok(chord.map_or(ChordFrame::Silence, ChordFrame::Onset)),
            Err(reason) => Err(NotationError::NoChord { frame, reason }),
        },
    };
    words(line).enumerate().map(read).collect()
}

/// Writes a melody, with a bar line before each frame whose phase stands on one; `phases` may be empty.
pub fn print_melody(frames: &[MelodyFrame], phases: &[BarPhase]) -> String {
    let words = frames.iter().map(|frame| match frame {
        MelodyFrame::Rest => NOTHING.to_owned(),
        MelodyFrame::Hold => HOLD.to_owned(),
        MelodyFrame::Onset(pitch) => print_pitch(*pitch),
    });
    line(words, phases)
}

/// Writes a chord line, with a bar line before each frame whose phase stands on one; `phases` may be empty.
pub fn print_chords(frames: &[ChordFrame], phases: &[BarPhase]) -> String {
    let words = frames.iter().map(|frame| match frame {
        ChordFrame::Silence => NOTHING.to_owned(),
        ChordFrame::Hold => HOLD.to_owned(),
        ChordFrame::Onset(chord) => symbol::print(*chord, Spelling::Common),
    });
    line(words, phases)
}

/// A pitch by name and octave; C4 is MIDI 60.
pub fn print_pitch(pitch: Pitch) -> String {
    let octave = i32::from(pitch.midi() / OCTAVE) - 1;
    format!("{}{octave}", symbol::note_name(pitch.class(), Spelling::Common))
}

/// Reads a pitch like "C4", "F#3" or "Bb-1", if it is one from C-1 to G9.
pub fn parse_pitch(word: &str) -> Option<Pitch> {
    let (natural, shift, octave) = symbol::split_note(word)?;
    let octave: i32 = octave.parse().ok().filter(|octave| (-2..=10).contains(octave))?;
    let midi = (octave + 1) * i32::from(OCTAVE) + i32::from(natural.semitones()) + shift;
    u8::try_from(midi).ok().and_then(Pitch::new)
}

/// The words of a line, bar lines left out.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c == '|' || c.is_whitespace()).filter(|word| !word.is_empty())
}

/// Words to a line with its bar lines.
fn line(words: impl Iterator<Item = String>, phases: &[BarPhase]) -> String {
    let mut line = "|".to_owned();
    for (idx, word) in words.enumerate() {
        if idx > 0 && phases.get(idx).is_some_and(|phase| phase.is_bar_line()) {
            line.push_str(" |");
        }
        line.push(' ');
        line.push_str(&word);
    }
    line.push_str(" |");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chord::{Chord, Quality},
        grid::Frame,
        meter::{Meter, MeterMap},
        pitch::PitchClass,
    };
    use proptest::prelude::*;

    fn phases(meter: Meter, num: usize) -> Vec<BarPhase> {
        let meters = MeterMap::constant(meter);
        (0..num as i64).map(|n| meters.phase(Frame(n))).collect()
    }

    #[test]
    fn melodies_print_and_parse() {
        let short = Meter::new(1, 4).unwrap();
        let text = "| C4 - E4 . | F#3 Bb-1 G9 - | . |";
        let frames = parse_melody(text).unwrap();
        assert_eq!(frames[0], MelodyFrame::Onset(Pitch::new(60).unwrap()));
        assert_eq!(frames[5], MelodyFrame::Onset(Pitch::new(10).unwrap()));
        assert_eq!(frames[6], MelodyFrame::Onset(Pitch::new(127).unwrap()));
        assert_eq!(print_melody(&frames, &phases(short, frames.len())), text);
        assert_eq!(print_melody(&frames, &[]), "| C4 - E4 . F#3 Bb-1 G9 - . |");
        assert_eq!(parse_melody("|C4 -||E4|.|").unwrap(), frames[..4]);
        assert_eq!(parse_melody("B#3 Cb5").unwrap(), parse_melody("C4 B4").unwrap());
        assert_eq!(print_melody(&[], &[]), "| |");
    }

    #[test]
    fn chord_lines_print_and_parse() {
        let text = "| C - - Am7/G | - . F#m7b5 - |";
        let frames = parse_chords(text).unwrap();
        assert_eq!(print_chords(&frames, &phases(Meter::new(1, 4).unwrap(), 8)), text);
        assert_eq!(parse_chords("A:min7/b7 N.C. N").unwrap(), parse_chords("Am7/G . .").unwrap());
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let said = |error: NotationError| error.to_string();
        for word in ["H4", "C", "G#9", "Cb-1", "C99999999999", "C4-"] {
            let error = said(parse_melody(&format!("| C4 - | {word} |")).unwrap_err());
            assert!(error.starts_with(&format!("`{word}` in frame 2 is no note")), "{error}");
        }
        let error = said(parse_chords("| C - | Hm |").unwrap_err());
        assert!(error.starts_with("frame 2: `Hm` does not begin with a note"), "{error}");
    }

    prop_compose! {
        fn a_chord()(root in 0..12, quality in 0..Quality::COUNT, bass in 0..12) -> Chord {
            let quality = Quality::from_index(quality).unwrap();
            Chord::new(PitchClass::new(root), quality).over(PitchClass::new(bass))
        }
    }

    proptest! {
        #[test]
        fn any_frames_survive_the_round_trip(
            melody in prop::collection::vec(prop_oneof![
                Just(MelodyFrame::Rest), Just(MelodyFrame::Hold),
                (0u8..128).prop_map(|midi| MelodyFrame::Onset(Pitch::new(midi).unwrap())),
            ], 0..80),
            chords in prop::collection::vec(prop_oneof![
                Just(ChordFrame::Silence), Just(ChordFrame::Hold), a_chord().prop_map(ChordFrame::Onset),
            ], 0..80),
            numerator in 1u8..12,
        ) {
            let phases = phases(Meter::new(numerator, 8).unwrap(), 80);
            prop_assert_eq!(parse_melody(&print_melody(&melody, &phases)).unwrap(), melody);
            prop_assert_eq!(parse_chords(&print_chords(&chords, &phases)).unwrap(), chords);
        }

        #[test]
        fn any_line_is_read_or_refused_without_panic(line in "[A-H#b0-9 |.♭-]{0,20}") {
            let _ = parse_melody(&line);
            let _ = parse_chords(&line);
        }
    }
}
