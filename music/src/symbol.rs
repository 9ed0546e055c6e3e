//! Chord symbols: how a chord is written and read, as musicians do ("Am7/G") and as corpora do ("A:min7/b7").
//! Both read the table of qualities in `chord`. Allocates, so never for the audio thread; no I/O.

mod parser;
mod printer;

#[cfg(test)]
mod corpus_labels;

pub(crate) use parser::split_note;
pub use parser::{SymbolError, harte_intervals, parse};
pub use printer::{Spelling, harte, note_name, print, print_pretty};

/// A chord prints as its symbol in [`Spelling::Common`].
impl std::fmt::Display for crate::chord::Chord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&print(*self, Spelling::Common))
    }
}
