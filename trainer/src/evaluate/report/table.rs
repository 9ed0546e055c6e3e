//! A condition as a table for the terminal: metrics downwards, systems across, each value with its fraction
//! of the humans'.

use super::{Result, columns::COLUMNS};
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
