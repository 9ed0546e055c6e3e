//! How values are written and read: beats, milliseconds, percentages, channels. Allocates.

use crate::links::least_reaction_beats;
use music::{grid::FRAMES_PER_BEAT, notation};
use nice_plug::prelude::{FloatParam, FloatRange, IntParam, IntRange, formatters};
use std::sync::Arc;

/// Frames as beats: "1/4 beat", "1 beat", "2 1/2 beats".
pub(super) fn beats(frames: i32) -> String {
    let (whole, quarters) = (frames / FRAMES_PER_BEAT as i32, frames % FRAMES_PER_BEAT as i32);
    let part = ["", "1/4", "1/2", "3/4"][quarters.rem_euclid(4) as usize];
    let unit = if frames > FRAMES_PER_BEAT as i32 || frames == 0 { "beats" } else { "beat" };
    match (whole, part) {
        (whole, "") => format!("{whole} {unit}"),
        (0, part) => format!("{part} {unit}"),
        (whole, part) => format!("{whole} {part} {unit}"),
    }
}

/// Frames of commit as beats, and the least time in which a note is answered: "1/4 beat (≥ 62 ms)".
pub(super) fn beats_and_reaction(frames: i32, tempo_bpm: Option<f64>) -> String {
    match tempo_bpm {
        Some(bpm) => {
            let ms = least_reaction_beats(f64::from(frames)) * 60_000.0 / bpm;
            format!("{} (≥ {ms:.0} ms)", beats(frames))
        }
        None => beats(frames),
    }
}

/// Beats as frames; takes what [`beats_and_reaction`] prints, and decimals.
pub(super) fn parse_beats(text: &str) -> Option<i32> {
    let mut total = 0.0;
    let mut any = false;
    for word in text.split('(').next()?.split_whitespace() {
        let number = match word.split_once('/') {
            Some((over, under)) => over.parse::<f64>().ok()? / under.parse::<f64>().ok()?,
            None if word.starts_with("beat") => continue,
            None => word.parse().ok()?,
        };
        total += number;
        any = true;
    }
    (any && total.is_finite()).then(|| (total * FRAMES_PER_BEAT as f64).round() as i32)
}

/// A share from `least` to 1, said in percent.
pub(super) fn percent(name: &str, default: f32, least: f32) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min: least, max: 1.0 })
        .with_step_size(0.01)
        .with_unit(" %")
        .with_value_to_string(Arc::new(|value| format!("{:.0}", value * 100.0)))
        .with_string_to_value(Arc::new(|text| Some(first_number(text)? / 100.0)))
}

/// A time in whole milliseconds.
pub(super) fn milliseconds(name: &str, default: i32, min: i32, max: i32) -> IntParam {
    IntParam::new(name, default, IntRange::Linear { min, max }).with_unit(" ms")
}

/// A key of the keyboard.
pub(super) fn key(name: &str, default: i32, min: i32, max: i32) -> IntParam {
    IntParam::new(name, default, IntRange::Linear { min, max })
        .with_value_to_string(formatters::v2s_i32_key_formatter())
        .with_string_to_value(Arc::new(parse_key))
}

/// A key by name, with any signs, as "C#4", "c♯ 4" or "Db4". The framework's own reading panics at signs of music.
fn parse_key(text: &str) -> Option<i32> {
    let mut word: String = text.split_whitespace().collect();
    word.get_mut(..1)?.make_ascii_uppercase();
    notation::parse_pitch(&word).map(|pitch| pitch.midi().into())
}

/// A MIDI channel, from 1.
pub(super) fn channel(name: &str, default: i32) -> IntParam {
    IntParam::new(name, default, IntRange::Linear { min: 1, max: 16 })
}

/// A whole number, of which one value has a word of its own.
pub(super) fn or_word(name: &str, default: i32, max: i32, special: i32, word: &'static str) -> IntParam {
    IntParam::new(name, default, IntRange::Linear { min: special, max })
        .with_value_to_string(Arc::new(
            move |value| {
                if value == special { word.into() } else { value.to_string() }
            },
        ))
        .with_string_to_value(Arc::new(move |text| {
            if text.trim().eq_ignore_ascii_case(word) { Some(special) } else { text.trim().parse().ok() }
        }))
}

fn first_number(text: &str) -> Option<f32> {
    text.trim().trim_end_matches('%').trim().parse().ok().filter(|number: &f32| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::MAX_COMMIT_FRAMES;
    use nice_plug::prelude::Param as _;

    #[test]
    fn every_commit_reads_back_as_it_is_written() {
        for frames in 0..=MAX_COMMIT_FRAMES as i32 {
            for tempo in [None, Some(120.0), Some(61.7)] {
                let text = beats_and_reaction(frames, tempo);
                assert_eq!(parse_beats(&text), Some(frames), "{text}");
            }
        }
        assert_eq!(beats_and_reaction(1, Some(120.0)), "1/4 beat (≥ 62 ms)");
        assert_eq!(beats(10), "2 1/2 beats");
        assert_eq!(parse_beats("1.5"), Some(6));
        assert_eq!(parse_beats("soon"), None);
    }

    #[test]
    fn keys_are_read_however_they_are_signed() {
        let key = key("key", 60, 0, 127);
        for midi in 0..=127 {
            let text = key.normalized_value_to_string(key.preview_normalized(midi), true);
            assert_eq!(parse_key(&text), Some(midi), "{text}");
            assert_eq!(parse_key(&text.replace('#', "♯")), Some(midi), "{text}");
        }
        for text in ["C#4", "c#4", "C♯4", " C♯ 4 ", "Db4", "d♭4"] {
            assert_eq!(parse_key(text), Some(61), "{text}");
        }
        for text in ["", "♯", "♯4", "C", "H4", "C♯", "C♯♯♯♯♯♯99", "é4", "4"] {
            assert_eq!(parse_key(text), None, "{text}");
        }
    }

    #[test]
    fn every_value_reads_back_as_it_is_written() {
        let share = percent("share", 0.5, -1.0);
        for value in [-1.0, -0.25, 0.0, 0.07, 1.0] {
            let text = share.normalized_value_to_string(share.preview_normalized(value), true);
            assert_eq!(text, format!("{:.0} %", value * 100.0));
            let back = share.string_to_normalized_value(&text).map(|n| share.preview_plain(n));
            assert!(back.is_some_and(|back| (back - value).abs() < 1e-6), "{text}: {back:?}");
        }
        let voices = or_word("voices", 1, 5, 1, "As the chord");
        for (value, text) in [(1, "As the chord"), (3, "3")] {
            assert_eq!(voices.normalized_value_to_string(voices.preview_normalized(value), true), text);
            let back = voices.string_to_normalized_value(text).map(|n| voices.preview_plain(n));
            assert_eq!(back, Some(value));
        }
    }
}
