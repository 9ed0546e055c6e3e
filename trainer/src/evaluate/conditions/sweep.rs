//! How much does it cost to commit early? Cold start again, with the chord of a frame drawn 1, 4, 8 and 16
//! frames after the last note that was heard.

use crate::evaluate::metrics::Metrics;
use serde::Serialize;

/// Frames committed ahead.
pub const COMMITS: [usize; 4] = [1, 4, 8, 16];

/// A system at one commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Committed {
    /// Its name.
    pub system: String,
    /// Frames committed ahead.
    pub commit: usize,
    /// Its metrics.
    pub metrics: Metrics,
}
