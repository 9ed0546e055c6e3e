//! Which frame a note stands on, to the sample.

use hosts::song::Song;
use music::grid::{Beats, FRAMES_PER_BEAT, Frame};

/// The frame of a note near a place, if its sample is the very one: the first at or after the frame's place.
/// `origin` is where the recording begins in the song, in seconds; `rate` is in samples a second.
pub fn frame_at(song: &Song, rate: f64, origin: f64, sample: u64, near: Beats) -> Result<i64, String> {
    let frame = Frame((near.0 * FRAMES_PER_BEAT as f64 + 1e-3).floor() as i64);
    let exact = (song.tempos.seconds_at(frame.starts()) - origin) * rate;
    // A place this little before a sample counts as on it.
    let due = (exact - 1e-3).ceil() as u64;
    if due == sample {
        Ok(frame.0)
    } else {
        Err(format!("a note at sample {sample} is none of a frame: frame {} is due at {due}", frame.0))
    }
}
