//! The numbers of a report that a model's manifest bears: the cold start, beside the humans.

use serde_json::Value;
use std::collections::BTreeMap;

/// Values that stand as they are, with the humans' own beside them.
const SHARES: [&str; 5] = ["note_in_chord", "silence", "on_bar", "changes_per_bar", "pitch_classes"];
/// Values that stand as fractions of the humans'.
const FRACTIONS: [&str; 5] =
    ["note_in_chord", "length_entropy", "chord_entropy", "changes_per_bar", "bar_lock"];

/// Headline numbers of one system in a report written with `--json`, by name; each begins with the split.
///
/// # Errors
/// The report has no cold start, or no such system.
pub fn headline(report: &str, system: &str) -> Result<BTreeMap<String, f64>, String> {
    let report: Value = serde_json::from_str(report).map_err(|e| format!("it is no report: {e}"))?;
    let none = Vec::new();
    let array = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let results = report["results"].as_array().unwrap_or(&none);
    let cold = results
        .iter()
        .find(|result| result["key"] == "cold")
        .ok_or("it has no cold start: evaluate with `--conditions cold`")?;
    let rows = array(&cold["rows"]);
    let names: Vec<&str> = rows.iter().filter_map(|row| row["system"].as_str()).collect();
    let place = names
        .iter()
        .position(|name| *name == system)
        .ok_or_else(|| format!("it has no system {system}, but {}", names.join(", ")))?;
    let value = |row: usize, name: &str| rows[row]["metrics"][name].as_f64();
    let split = report["protocol"]["split"].as_str().unwrap_or("unknown");
    let mut numbers = BTreeMap::new();
    let mut put = |name: String, number: Option<f64>| {
        if let Some(number) = number.filter(|number| number.is_finite()) {
            numbers.insert(format!("{split}.{name}"), (number * 1e3).round() / 1e3);
        }
    };
    put("songs".into(), cold["songs"].as_f64());
    for name in SHARES {
        put(name.into(), value(place, name));
        put(format!("human_{name}"), value(0, name));
    }
    for name in FRACTIONS {
        put(
            format!("{name}_fraction"),
            value(place, name).zip(value(0, name)).map(|(own, human)| own / human),
        );
    }
    let vendi = |row: usize| rows[row]["vendi"].as_f64();
    put("vendi_fraction".into(), vendi(place).zip(vendi(0)).map(|(own, human)| own / human));
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"protocol":{"split":"test"},"results":[{"key":"cold","songs":3,"rows":[
        {"system":"humans","metrics":{"note_in_chord":0.8,"silence":0.0},"vendi":10.0},
        {"system":"kd","metrics":{"note_in_chord":0.6,"silence":0.01},"vendi":9.0}]}]}"#;

    #[test]
    fn by_hand() {
        let numbers = headline(REPORT, "kd").unwrap();
        let expected = [
            ("test.human_note_in_chord", 0.8),
            ("test.human_silence", 0.0),
            ("test.note_in_chord", 0.6),
            ("test.note_in_chord_fraction", 0.75),
            ("test.silence", 0.01),
            ("test.songs", 3.0),
            ("test.vendi_fraction", 0.9),
        ];
        let expected: BTreeMap<String, f64> = expected.map(|(name, number)| (name.into(), number)).into();
        assert_eq!(numbers, expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(headline(REPORT, "rl").unwrap_err().contains("no system rl, but humans, kd"));
        assert!(headline("{}", "kd").unwrap_err().contains("--conditions cold"));
        assert!(headline("kd", "kd").unwrap_err().contains("no report"));
    }
}
