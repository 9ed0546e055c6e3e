//! Meter and bar phase: where in its bar a frame stands.

use crate::grid::{Beats, FRAMES_PER_BEAT, Frame};
use serde::{Deserialize, Serialize};

/// A time signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Meter {
    /// Beats of the signature in a bar, at least 1.
    pub numerator: u8,
    /// The note value of those, a power of two: 4 is a quarter note.
    pub denominator: u8,
}

impl Meter {
    /// Common time.
    pub const COMMON: Self = Self { numerator: 4, denominator: 4 };

    /// A signature, if it is one: numerator 1..=64, denominator 1, 2, 4, 8, 16 or 32.
    pub const fn new(numerator: u8, denominator: u8) -> Option<Self> {
        if numerator >= 1 && numerator <= 64 && denominator.is_power_of_two() && denominator <= 32 {
            Some(Self { numerator, denominator })
        } else {
            None
        }
    }

    /// The bar's length in quarter notes.
    pub fn bar_beats(self) -> Beats {
        Beats(f64::from(self.numerator) * 4.0 / f64::from(self.denominator))
    }

    /// The bar's length in frames, where it is a whole number of them.
    pub const fn bar_frames(self) -> Option<i64> {
        let sixteenths = self.numerator as i64 * 4 * FRAMES_PER_BEAT;
        if sixteenths % self.denominator as i64 == 0 { Some(sixteenths / self.denominator as i64) } else { None }
    }
}

/// Where a frame stands in its bar. The model is told this of the frame it is to answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarPhase {
    /// Nobody said, or the bar is none the model knows.
    Unknown,
    /// `position` frames after the bar line, in a bar of `length` frames; `position < length <= MAX_BAR_FRAMES`.
    At {
        /// Frames since the bar line.
        position: u8,
        /// Frames in the bar.
        length: u8,
    },
}

/// The longest bar the model is told of, in frames: 8/4 or 4/2. Longer ones are [`BarPhase::Unknown`].
pub const MAX_BAR_FRAMES: u8 = 32;

impl BarPhase {
    /// The phase of `frame` in bars of `meter`, one of which starts at `bar_start`.
    /// Unknown where bar lines fall between frames or the bar is longer than [`MAX_BAR_FRAMES`].
    pub fn of(frame: Frame, meter: Meter, bar_start: Beats) -> Self {
        let Some(length) = meter.bar_frames().filter(|n| (1..=i64::from(MAX_BAR_FRAMES)).contains(n)) else {
            return Self::Unknown;
        };
        let start = bar_start.0 * FRAMES_PER_BEAT as f64;
        if !start.is_finite() || (start - start.round()).abs() > 0.01 {
            return Self::Unknown;
        }
        let position = (frame.0 - start.round() as i64).rem_euclid(length);
        Self::At { position: position as u8, length: length as u8 }
    }

    /// Whether the frame stands on a bar line.
    pub const fn is_bar_line(self) -> bool {
        matches!(self, Self::At { position: 0, .. })
    }

    /// Whether the frame stands on a bar line or in the exact middle of its bar.
    pub const fn is_half_bar(self) -> bool {
        matches!(self, Self::At { position, length } if position == 0 || position * 2 == length)
    }
}

/// The meters of a song: each holds from its place to the next. Never empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterMap(Vec<(Beats, Meter)>);

impl MeterMap {
    /// One meter throughout, its first bar line at beat 0.
    pub fn constant(meter: Meter) -> Self {
        Self(vec![(Beats(0.0), meter)])
    }

    /// Meters with the bar line each begins on. Sorted here; a song without any is in common time.
    pub fn new(mut changes: Vec<(Beats, Meter)>) -> Self {
        changes.retain(|(at, _)| at.0.is_finite());
        changes.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
        if changes.is_empty() {
            changes.push((Beats(0.0), Meter::COMMON));
        }
        Self(changes)
    }

    /// The changes in order of time.
    pub fn changes(&self) -> &[(Beats, Meter)] {
        &self.0
    }

    /// The meter at a position, and a bar line of it.
    pub fn at(&self, position: Beats) -> (Beats, Meter) {
        let idx = self.0.partition_point(|(at, _)| at.0 <= position.0 + 1e-6).saturating_sub(1);
        self.0[idx]
    }

    /// The phase of a frame.
    pub fn phase(&self, frame: Frame) -> BarPhase {
        let (bar_start, meter) = self.at(frame.starts());
        BarPhase::of(frame, meter, bar_start)
    }
}
