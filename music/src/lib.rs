//! The language both sides of ReaLchords speak: what notes, chords, frames, tokens and model files are.
//!
//! Pure values and functions: no I/O, no thread, no clock. Everything the audio thread touches
//! (pitch, chord, grid, meter, melody, harmony, vocab, sampling) is allocation-free.

pub mod chord;
pub mod grid;
pub mod harmony;
pub mod key;
pub mod lead_sheet;
pub mod manifest;
pub mod melody;
pub mod meter;
pub mod notation;
pub mod pitch;
pub mod sampling;
pub mod symbol;
pub mod vocab;
