//! How many instructions is a block of 64 samples? Counted by Valgrind: unlike time, the same at every run, on a busy
//! machine too.

use super::Figure;
use crate::place;
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// Kinds of block, as the benchmark calls them, and how many are played in the shorter of two runs: what is done once is
/// in both, and goes out of the difference.
const KINDS: [(&str, u32); 3] = [("idle", 2_000), ("busy", 2_000), ("flood", 50)];
/// So many times as many blocks are in the longer one.
const LONGER: u32 = 3;

/// Counts, where Valgrind is here; else says that it is not.
///
/// # Errors
/// The benchmark does not build or run, or Valgrind's words are not understood.
pub fn count() -> Result<Vec<Figure>> {
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !valgrind.is_ok_and(|status| status.success()) {
        eprintln!("instructions are not counted: Valgrind does not run here");
        return Ok(Vec::new());
    }
    KINDS
        .iter()
        .map(|(kind, blocks)| {
            let (few, more) = (counted(kind, *blocks)?, counted(kind, blocks * LONGER)?);
            let value = more.saturating_sub(few) as f64 / f64::from(blocks * (LONGER - 1));
            let name = format!("block of 64, {kind}: instructions");
            Ok(Figure { name, value: value.round(), unit: "instr".into() })
        })
        .collect()
}

/// Instructions of a whole run of so many blocks.
fn counted(kind: &str, blocks: u32) -> Result<u64> {
    let mut cargo = place::cargo();
    let runner = r#"["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]"#;
    cargo.args(["--config", &format!("target.'cfg(all())'.runner = {runner}")]);
    cargo.args(["bench", "--package", "realchords", "--bench", "block"]);
    let output = cargo.env("REALCHORDS_BLOCKS", format!("{kind} {blocks}")).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "instructions are not counted:\n{said}");
    instructions(&said).with_context(|| format!("Valgrind does not say how many instructions ran:\n{said}"))
}

/// The number in Valgrind's summary, as in `==1== I   refs:      1,234,567`.
fn instructions(said: &str) -> Option<u64> {
    let line = said.lines().rev().find(|line| line.contains(" I ") && line.contains("refs:"))?;
    let digits: String = line.split_once("refs:")?.1.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_valgrind_says() {
        let said = "==7== Command: bench\n==7==\n==7== I   refs:      1,234,567\n";
        assert_eq!(instructions(said), Some(1_234_567));
        assert_eq!(instructions("==7== Process terminating\n"), None);
    }
}
