//! Chord symbols.
