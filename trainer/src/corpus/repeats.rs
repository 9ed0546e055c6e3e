//! Repeats and numbered endings: the order in which printed bars are played. Pure.
//!
//! Jumps (D.C., D.S., to Coda) are not followed: their bars stay in printed order, so that a line is never heard
//! in another place than the one annotated.

use super::score::Bar;

/// The most bars that a song may unfold to.
const MAX_BARS: usize = 8192;

/// The most times that a passage is repeated, whatever the source says.
const MAX_PASSES: u8 = 8;

/// The order in which the bars are played, as indices. Each passage of a repeat is played as often as its
/// end or the highest of its endings' numbers says.
pub fn unfold(bars: &[Bar]) -> Vec<usize> {
    let mut order = Vec::new();
    let (mut passage, mut pass) = (0, 1);
    let mut idx = 0;
    while idx < bars.len() && order.len() < MAX_BARS {
        let bar = &bars[idx];
        let after_ending = idx > 0 && bar.ending.is_empty() && !bars[idx - 1].ending.is_empty();
        if (bar.starts_repeat || after_ending) && idx > passage {
            (passage, pass) = (idx, 1);
        }
        if !bar.ending.is_empty() && !bar.ending.contains(&pass) {
            idx += 1;
            continue;
        }
        order.push(idx);
        if pass < passes(bars, idx) {
            pass += 1;
            idx = passage;
            continue;
        }
        let before_ending = bars.get(idx + 1).is_some_and(|next| !next.ending.is_empty());
        if bar.ends_repeat.is_some() && bar.ending.is_empty() && !before_ending {
            (passage, pass) = (idx + 1, 1);
        }
        idx += 1;
    }
    order
}

/// The bracket over an ending is often drawn over its first bar alone. The bars from there to a repeat sign that
/// another ending follows belong to it.
pub fn close_endings(bars: &mut [Bar]) {
    let mut open = None;
    for idx in 0..bars.len() {
        if !bars[idx].ending.is_empty() {
            open = (bars[idx].ends_repeat.is_none()).then_some(idx);
        } else if bars[idx].starts_repeat {
            open = None;
        } else if let (Some(first), Some(_)) = (open, bars[idx].ends_repeat) {
            if bars
                .get(idx + 1)
                .is_some_and(|next| !next.ending.is_empty() && next.ending != bars[first].ending)
            {
                let numbers = bars[first].ending.clone();
                bars[first + 1..=idx].iter_mut().for_each(|bar| bar.ending.clone_from(&numbers));
            }
            open = None;
        }
    }
}

/// How often the passage that ends with this bar is played; 0 where none ends.
fn passes(bars: &[Bar], idx: usize) -> u8 {
    let bar = &bars[idx];
    if bar.ending.is_empty() {
        return bar.ends_repeat.map_or(0, |times| times.min(MAX_PASSES));
    }
    let run = bars[idx..].iter().take_while(|bar| !bar.ending.is_empty());
    let highest = run.flat_map(|bar| bar.ending.iter().copied()).max().unwrap_or(0);
    let followed = bars.get(idx + 1).is_some_and(|next| !next.ending.is_empty() && next.ending != bar.ending);
    let passes = match bar.ends_repeat {
        // A lone first ending: what comes after it is the unnumbered second one.
        Some(_) if bar.ending.contains(&1) && bar.ending.contains(&highest) => highest.saturating_add(1),
        Some(_) => highest,
        // An ending that another one follows goes back without a repeat sign too.
        None if followed => highest,
        None => 0,
    };
    passes.min(MAX_PASSES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::meter::Meter;

    /// `:` around a letter is a repeat sign, a digit before it an ending: `a |: b` is written `a :b`.
    fn bars(text: &str) -> Vec<Bar> {
        text.split_whitespace()
            .map(|word| {
                let mut bar = Bar { length: 4.0, ..Bar::new(Meter::COMMON) };
                bar.starts_repeat = word.starts_with(':');
                bar.ends_repeat = word.ends_with(':').then_some(2);
                bar.ending = word.chars().filter_map(|c| c.to_digit(10).map(|n| n as u8)).collect();
                bar
            })
            .collect()
    }

    #[test]
    fn repeats_and_endings_unfold() {
        let check = |text: &str, expected: &[usize]| assert_eq!(unfold(&bars(text)), expected, "{text}");
        check("a b c", &[0, 1, 2]);
        check("a b: c", &[0, 1, 0, 1, 2]);
        check("a :b c: d", &[0, 1, 2, 1, 2, 3]);
        check("a: b:", &[0, 0, 1, 1]);
        check("a 1b: 2c d", &[0, 1, 0, 2, 3]);
        check("a 1b: 2c d 1e: 2f", &[0, 1, 0, 2, 3, 4, 3, 5]);
        check("a 12b: 3c", &[0, 1, 0, 1, 0, 2]);
        check("a 1b 1c: 2d 2e: f:", &[0, 1, 2, 0, 3, 4, 5, 5]);
        check("a 1b: c", &[0, 1, 0, 2]);
        check("a 1b 2c d", &[0, 1, 0, 2, 3]);
        check("a 1b: 2c: 3d e", &[0, 1, 0, 2, 0, 3, 4]);
        check("", &[]);
    }

    #[test]
    fn an_ending_reaches_to_its_repeat_sign() {
        let check = |text: &str, expected: &[usize]| {
            let mut bars = bars(text);
            close_endings(&mut bars);
            assert_eq!(unfold(&bars), expected, "{text}");
        };
        check("a 1b c: 2d e", &[0, 1, 2, 0, 3, 4]);
        check("a 1b: 2c d e:", &[0, 1, 0, 2, 3, 4, 3, 4]);
        check("a 1b :c d: 2e", &[0, 1, 2, 3, 2, 3, 4]);
    }

    #[test]
    fn a_wild_repeat_is_bounded() {
        let mut wild = bars("a:");
        wild[0].ends_repeat = Some(255);
        assert_eq!(unfold(&wild).len(), usize::from(MAX_PASSES));
    }
}
