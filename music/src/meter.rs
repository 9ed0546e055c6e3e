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
        let whole_notes = self.numerator as i64 * 4 * FRAMES_PER_BEAT;
        match whole_notes.checked_rem(self.denominator as i64) {
            Some(0) => Some(whole_notes / self.denominator as i64),
            _ => None,
        }
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
        let position = frame.0.saturating_sub(start.round() as i64).rem_euclid(length);
        Self::At { position: position as u8, length: length as u8 }
    }

    /// Whether the bar is as long as those of this meter.
    pub fn is_of(self, meter: Meter) -> bool {
        matches!(self, Self::At { length, .. } if meter.bar_frames() == Some(i64::from(length)))
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
#[serde(from = "Vec<(Beats, Meter)>")]
pub struct MeterMap(Vec<(Beats, Meter)>);

impl From<Vec<(Beats, Meter)>> for MeterMap {
    fn from(changes: Vec<(Beats, Meter)>) -> Self {
        Self::new(changes)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meter(numerator: u8, denominator: u8) -> Meter {
        Meter::new(numerator, denominator).unwrap()
    }

    fn at(position: u8, length: u8) -> BarPhase {
        BarPhase::At { position, length }
    }

    #[test]
    fn bars_have_their_lengths() {
        let check = |n, d, frames| assert_eq!(meter(n, d).bar_frames(), frames, "{n}/{d}");
        check(4, 4, Some(16));
        check(3, 4, Some(12));
        check(6, 8, Some(12));
        check(7, 8, Some(14));
        check(2, 2, Some(16));
        check(5, 16, Some(5));
        check(3, 32, None);
        assert_eq!(meter(7, 8).bar_beats(), Beats(3.5));
    }

    #[test]
    fn what_is_no_meter_is_refused_or_unknown() {
        assert_eq!(Meter::new(4, 64), None);
        for (n, d) in [(0, 4), (65, 4), (4, 0), (4, 3)] {
            assert_eq!(Meter::new(n, d), None, "{n}/{d}");
            // Built past `new`, as a host's numbers may be: unknown, and no division by zero.
            let phase = BarPhase::of(Frame(5), Meter { numerator: n, denominator: d }, Beats(0.0));
            assert_eq!(phase, BarPhase::Unknown, "{n}/{d}");
        }
    }

    #[test]
    fn phases_of_the_common_meters() {
        let check =
            |n, d, frame, expected| assert_eq!(BarPhase::of(Frame(frame), meter(n, d), Beats(0.0)), expected);
        check(4, 4, 0, at(0, 16));
        check(4, 4, 17, at(1, 16));
        check(4, 4, -1, at(15, 16));
        check(3, 4, 11, at(11, 12));
        check(6, 8, 12, at(0, 12));
        check(7, 8, 15, at(1, 14));
        check(8, 4, 31, at(31, 32));
        check(9, 4, 0, BarPhase::Unknown);
        check(3, 32, 0, BarPhase::Unknown);
    }

    #[test]
    fn bar_lines_and_half_bars() {
        assert!(at(0, 14).is_bar_line() && at(0, 14).is_half_bar());
        assert!(at(8, 16).is_half_bar() && !at(8, 16).is_bar_line());
        assert!(at(6, 12).is_half_bar() && at(7, 14).is_half_bar() && !at(2, 5).is_half_bar());
        assert!(!BarPhase::Unknown.is_bar_line() && !BarPhase::Unknown.is_half_bar());
    }

    #[test]
    fn bar_starts_between_frames_or_nowhere_are_unknown() {
        let phase = |start| BarPhase::of(Frame(3), Meter::COMMON, Beats(start));
        assert_eq!(phase(0.5), at(1, 16));
        assert_eq!(phase(0.1), BarPhase::Unknown);
        assert_eq!(phase(f64::NAN), BarPhase::Unknown);
        assert_eq!(phase(f64::INFINITY), BarPhase::Unknown);
        let far = BarPhase::of(Frame(i64::MIN), Meter::COMMON, Beats(1e300));
        assert!(matches!(far, BarPhase::At { length: 16, .. }));
    }

    #[test]
    fn a_change_of_meter_begins_a_bar() {
        let meters = MeterMap::new(vec![(Beats(8.0), meter(3, 4)), (Beats(0.0), meter(4, 4))]);
        assert_eq!(meters.phase(Frame(31)), at(15, 16));
        assert_eq!(meters.phase(Frame(32)), at(0, 12));
        assert_eq!(meters.phase(Frame(45)), at(1, 12));
        // A pickup counts in the first meter.
        assert_eq!(meters.phase(Frame(-2)), at(14, 16));
    }

    #[test]
    fn no_map_is_empty() {
        assert_eq!(MeterMap::new(vec![]), MeterMap::constant(Meter::COMMON));
        assert_eq!(MeterMap::new(vec![(Beats(f64::NAN), meter(3, 4))]).changes().len(), 1);
        assert_eq!(serde_json::from_str::<MeterMap>("[]").unwrap(), MeterMap::constant(Meter::COMMON));
        let map = MeterMap::new(vec![(Beats(0.0), meter(6, 8)), (Beats(9.0), meter(4, 4))]);
        assert_eq!(serde_json::from_str::<MeterMap>(&serde_json::to_string(&map).unwrap()).unwrap(), map);
    }

    proptest! {
        #[test]
        fn a_frame_later_is_a_position_later(n in 1u8..=16, d in 0u32..=4, frame in -10_000..10_000i64, start in -400..400i64) {
            let meter = meter(n, 1 << d);
            let start = Frame(start).starts();
            match (BarPhase::of(Frame(frame), meter, start), BarPhase::of(Frame(frame + 1), meter, start)) {
                (BarPhase::At { position, length }, BarPhase::At { position: next, length: same }) => {
                    prop_assert!(position < length && length <= MAX_BAR_FRAMES && same == length);
                    prop_assert_eq!((position + 1) % length, next);
                    prop_assert_eq!(Some(i64::from(length)), meter.bar_frames());
                }
                (BarPhase::Unknown, BarPhase::Unknown) => {
                    prop_assert!(meter.bar_frames().is_none_or(|frames| frames > i64::from(MAX_BAR_FRAMES)));
                }
                (here, next) => prop_assert!(false, "{:?} {:?}", here, next),
            }
        }
    }
}
