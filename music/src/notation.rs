//! One-line notation.
