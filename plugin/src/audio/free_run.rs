//! A transport of our own for when the host stands still: its first beat falls on the first note, wherever in a block that
//! comes, and it ends some bars after the last. Audio thread. Fixed size.

use super::block::Transport;
use music::{grid::Beats, meter::Meter};

/// Beats of rest after which the clock stops: four bars.
const PATIENCE_BEATS: f64 = 16.0;

/// Our own clock.
#[derive(Clone, Debug, Default)]
pub struct FreeRun {
    running: Option<Running>,
}

/// What the player does in a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Touch {
    /// A note of the melody comes, or came in the block before: so many samples after this block's first.
    pub comes: Option<i64>,
    /// One is held.
    pub holds: bool,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    /// Where this block begins.
    place: f64,
    /// Where a note was last held.
    held: f64,
    /// Whether it began with the last block.
    new: bool,
}

impl FreeRun {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether it began with this block. Its first frame is then the first of all, though it may begin before the block
    /// does, or some frames after.
    pub fn begins(&self) -> bool {
        self.running.is_some_and(|running| running.new)
    }

    /// The transport to go by: the host's while it plays or says nothing of our own tempo; ours from the block in which a
    /// note comes. What is held from before keeps it running, but does not start it.
    pub fn follow(
        &mut self,
        host: Transport,
        own_bpm: Option<f64>,
        Touch { comes, holds }: Touch,
        num_samples: u32,
        sample_rate: f64,
    ) -> Transport {
        let Some(bpm) = own_bpm.filter(|bpm| !host.playing && bpm.is_finite() && sample_rate >= 1.0) else {
            self.running = None;
            return host;
        };
        let beats_per_sample = bpm / 60.0 / sample_rate;
        let goes_on = self.running.map(|running| Running { new: false, ..running });
        let begins = comes.map(|samples| {
            let place = -samples as f64 * beats_per_sample;
            Running { place, held: place, new: true }
        });
        let Some(mut running) = goes_on.or(begins) else { return host };
        if comes.is_some() || holds {
            running.held = running.place;
        }
        if running.place - running.held > PATIENCE_BEATS {
            self.running = None;
            return host;
        }
        let place = running.place;
        running.place += f64::from(num_samples) * beats_per_sample;
        self.running = Some(running);
        Transport {
            playing: true,
            position: Some(Beats(place)),
            tempo_bpm: Some(bpm),
            meter: Some(host.meter.unwrap_or(Meter::COMMON)),
            bar_start: Some(Beats(0.0)),
            cycle: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOUCH: Touch = Touch { comes: Some(0), holds: true };

    #[test]
    fn it_begins_with_a_note_and_ends_after_four_bars_of_rest() {
        let mut clock = FreeRun::default();
        let mut touched = |touch| clock.follow(Transport::default(), Some(60.0), touch, 48_000, 48_000.0);
        let held = Touch { holds: true, ..Touch::default() };
        assert!(!touched(held).playing, "what is held from before starts nothing");
        let mut beat = |comes| touched(Touch { comes, ..Touch::default() });
        assert!(!beat(None).playing);
        assert_eq!(beat(Some(0)).position, Some(Beats(0.0)));
        let places: Vec<bool> = (0..20).map(|_| beat(None).playing).collect();
        assert_eq!(places.iter().filter(|playing| **playing).count(), 16);
        assert_eq!(beat(Some(0)).position, Some(Beats(0.0)), "it begins anew");
        assert!((0..40).all(|_| touched(held).playing), "what is held keeps it running");
    }

    #[test]
    fn its_first_beat_falls_on_the_note() {
        for (samples, place) in [(12_000, -0.25), (-480, 0.01)] {
            let mut clock = FreeRun::default();
            let mut follow = |comes| {
                let touch = Touch { comes, holds: true };
                let place = clock.follow(Transport::default(), Some(60.0), touch, 24_000, 48_000.0).position;
                (place, clock.begins())
            };
            assert_eq!(follow(Some(samples)), (Some(Beats(place)), true));
            assert_eq!(follow(Some(5)), (Some(Beats(place + 0.5)), false), "a further note moves nothing");
        }
    }

    #[test]
    fn the_host_goes_first() {
        let mut clock = FreeRun::default();
        let host = Transport { playing: true, position: Some(Beats(7.0)), ..Transport::default() };
        assert_eq!(clock.follow(host, Some(60.0), TOUCH, 64, 48_000.0), host);
        let still = Transport::default();
        assert_eq!(clock.follow(still, None, TOUCH, 64, 48_000.0), still);
        assert_eq!(clock.follow(still, Some(f64::NAN), TOUCH, 64, 48_000.0), still);
    }
}
