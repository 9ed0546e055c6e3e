//! A condition as a table for the terminal: metrics downwards, systems across, each value with its fraction
//! of the humans'.

use super::{Report, Result, columns::COLUMNS};
use std::fmt::Write;

/// The widest a system's name may be.
const WIDTH: usize = 16;

/// The table.
pub fn table(result: &Result) -> String {
    let mut out = format!("{} ({} songs)\n{:<28}", result.title, result.songs, "");
    for row in &result.rows {
        let name: String = row.system.chars().take(WIDTH - 1).collect();
        let _ = write!(out, "{name:>WIDTH$}");
    }
    out.push('\n');
    let Some(human) = result.rows.first() else { return out };
    for column in COLUMNS.iter().filter(|column| column.is_shown(result)) {
        let unit = if column.unit.is_empty() { String::new() } else { format!(", {}", column.unit) };
        let _ = write!(out, "{:<28}", format!("{}{unit}", column.title));
        for (n, row) in result.rows.iter().enumerate() {
            let fraction = column.fraction(row, human).filter(|_| n > 0);
            let fraction = fraction.map_or(String::new(), |fraction| format!(" ({fraction:.3})"));
            let _ = write!(out, "{:>WIDTH$}", column.text(row) + &fraction);
        }
        out.push('\n');
    }
    out
}

/// The jam and the sweep over commits; nothing where neither was asked for.
pub fn courses(report: &Report) -> String {
    let mut out = String::new();
    let text = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    if !report.drift.is_empty() {
        let _ = writeln!(out, "Drift over a jam ({} jams), fractions of the humans'", report.jam_songs);
        let _ = writeln!(out, "{:<28}{:>WIDTH$}{:>WIDTH$}", "", "first quarter", "last quarter");
        for drift in report.drift.iter().skip(1) {
            let (first, last) = (text(drift.first_quarter), text(drift.last_quarter));
            let _ = writeln!(out, "{:<28}{first:>WIDTH$}{last:>WIDTH$}", drift.system);
        }
    }
    if !report.sweep.is_empty() {
        let _ = writeln!(out, "Committing early ({} songs), note in chord", report.sweep_songs);
        for committed in &report.sweep {
            let name = format!("{}, {} frames", committed.system, committed.commit);
            let _ = writeln!(out, "{name:<28}{:>WIDTH$.3}", committed.metrics.note_in_chord);
        }
    }
    out
}
