//! What is played through a host: notes in beats, a tempo map and a meter map. Pure values.

use crate::block::Event;
use music::{
    grid::Beats,
    lead_sheet::Note,
    meter::{Meter, MeterMap},
};

/// Tempos of a song: each holds from its place to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct TempoMap(Vec<TempoChange>);

/// A tempo and where it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TempoChange {
    at: f64,
    seconds: f64,
    bpm: f64,
}

/// The tempo where a song names none, in quarter notes a minute.
pub const DEFAULT_BPM: f64 = 120.0;

impl TempoMap {
    /// One tempo throughout, in quarter notes a minute.
    pub fn constant(bpm: f64) -> Self {
        Self::new(vec![(Beats(0.0), bpm)])
    }

    /// Tempos with the beat each begins on, in any order. What is before the first has the first's tempo.
    /// Tempos that are not above 0 are left out; where none remains it is [`DEFAULT_BPM`].
    pub fn new(mut changes: Vec<(Beats, f64)>) -> Self {
        changes.retain(|(at, bpm)| at.0.is_finite() && bpm.is_finite() && *bpm > 0.0);
        changes.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
        if changes.is_empty() {
            changes.push((Beats(0.0), DEFAULT_BPM));
        }
        let mut map: Vec<TempoChange> = Vec::with_capacity(changes.len());
        for (at, bpm) in changes {
            let seconds = match map.last() {
                None => at.0 * 60.0 / bpm,
                Some(last) => last.seconds + (at.0 - last.at) * 60.0 / last.bpm,
            };
            map.push(TempoChange { at: at.0, seconds, bpm });
        }
        Self(map)
    }

    /// Each tempo and where it begins.
    pub fn changes(&self) -> impl Iterator<Item = (Beats, f64)> + '_ {
        self.0.iter().map(|change| (Beats(change.at), change.bpm))
    }

    /// The tempo at a position.
    pub fn bpm_at(&self, position: Beats) -> f64 {
        let idx = self.0.partition_point(|change| change.at <= position.0 + 1e-9).saturating_sub(1);
        self.0[idx].bpm
    }

    /// Seconds from beat 0 to a position; negative before it.
    pub fn seconds_at(&self, position: Beats) -> f64 {
        let idx = self.0.partition_point(|change| change.at <= position.0).saturating_sub(1);
        let change = self.0[idx];
        change.seconds + (position.0 - change.at) * 60.0 / change.bpm
    }

    /// The position so many seconds after beat 0.
    pub fn beats_at(&self, seconds: f64) -> Beats {
        let idx = self.0.partition_point(|change| change.seconds <= seconds).saturating_sub(1);
        let change = self.0[idx];
        Beats(change.at + (seconds - change.seconds) * change.bpm / 60.0)
    }
}

/// A note to be played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SongNote {
    /// When and which.
    pub note: Note,
    /// How hard, 0..=1.
    pub velocity: f32,
    /// On which MIDI channel, 0-based.
    pub channel: u8,
}

/// Something to be played through a plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Song {
    /// Its notes, in any order.
    pub notes: Vec<SongNote>,
    /// Anything else that is tied to the song's time: pedal, wheel, pressure.
    pub events: Vec<(Beats, Event)>,
    /// Its tempos.
    pub tempos: TempoMap,
    /// Its meters.
    pub meters: MeterMap,
    /// Its length; a recording of the whole song ends here.
    pub length: Beats,
}

impl Song {
    /// A melody on channel 1 in common time; its length is the end of the bar in which the last note ends.
    pub fn melody(notes: impl IntoIterator<Item = Note>, bpm: f64) -> Self {
        let notes: Vec<SongNote> =
            notes.into_iter().map(|note| SongNote { note, velocity: 0.8, channel: 0 }).collect();
        let meters = MeterMap::constant(Meter::COMMON);
        let length = bar_end(&meters, notes.iter().map(|n| n.note.off.0).fold(0.0, f64::max));
        Self { notes, events: Vec::new(), tempos: TempoMap::constant(bpm), meters, length }
    }
}

/// The first bar line at or after a position.
pub fn bar_end(meters: &MeterMap, position: f64) -> Beats {
    let (start, meter) = meters.at(Beats(position));
    let bar = meter.bar_beats().0;
    Beats(start.0 + ((position - start.0) / bar - 1e-6).ceil().max(0.0) * bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tempo_map_is_its_own_inverse() {
        let map = TempoMap::new(vec![(Beats(8.0), 60.0), (Beats(0.0), 120.0), (Beats(16.0), 240.0)]);
        assert_eq!(map.seconds_at(Beats(8.0)), 4.0);
        assert_eq!(map.seconds_at(Beats(16.0)), 12.0);
        assert_eq!(map.seconds_at(Beats(20.0)), 13.0);
        assert_eq!(map.seconds_at(Beats(-2.0)), -1.0);
        for quarter in -20..120 {
            let position = f64::from(quarter) / 4.0;
            let back = map.beats_at(map.seconds_at(Beats(position))).0;
            assert!((back - position).abs() < 1e-9, "{position} came back as {back}");
        }
        assert_eq!(map.bpm_at(Beats(7.999)), 120.0);
        assert_eq!(map.bpm_at(Beats(8.0)), 60.0);
    }

    #[test]
    fn nonsense_tempos_are_left_out() {
        assert_eq!(
            TempoMap::new(vec![(Beats(0.0), 0.0), (Beats(1.0), f64::NAN)]),
            TempoMap::constant(DEFAULT_BPM)
        );
    }

    #[test]
    fn bars_end_on_bar_lines() {
        let waltz = Meter::new(3, 4).expect("a meter");
        let meters = MeterMap::new(vec![(Beats(0.0), Meter::COMMON), (Beats(8.0), waltz)]);
        assert_eq!(bar_end(&meters, 0.0), Beats(0.0));
        assert_eq!(bar_end(&meters, 3.5), Beats(4.0));
        assert_eq!(bar_end(&meters, 8.5), Beats(11.0));
        assert_eq!(bar_end(&meters, 11.0), Beats(11.0));
    }
}
