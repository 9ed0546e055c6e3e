//! A transport of our own for when the host stands still: it begins with the first note and ends some bars after the
//! last. Audio thread. Fixed size.

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
    /// A note of the melody comes.
    pub comes: bool,
    /// One is held.
    pub holds: bool,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    /// Where this block begins.
    place: f64,
    /// Where a note was last held.
    held: f64,
}

impl FreeRun {
    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
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
        let start = comes.then_some(Running { place: 0.0, held: 0.0 });
        let Some(mut running) = self.running.or(start) else { return host };
        if comes || holds {
            running.held = running.place;
        }
        if running.place - running.held > PATIENCE_BEATS {
            self.running = None;
            return host;
        }
        let place = running.place;
        running.place += bpm / 60.0 * f64::from(num_samples) / sample_rate;
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

    const TOUCH: Touch = Touch { comes: true, holds: true };

    #[test]
    fn it_begins_with_a_note_and_ends_after_four_bars_of_rest() {
        let mut clock = FreeRun::default();
        let mut touched = |touch| clock.follow(Transport::default(), Some(60.0), touch, 48_000, 48_000.0);
        let held = Touch { holds: true, ..Touch::default() };
        assert!(!touched(held).playing, "what is held from before starts nothing");
        let mut beat = |comes| touched(Touch { comes, ..Touch::default() });
        assert!(!beat(false).playing);
        assert_eq!(beat(true).position, Some(Beats(0.0)));
        let places: Vec<bool> = (0..20).map(|_| beat(false).playing).collect();
        assert_eq!(places.iter().filter(|playing| **playing).count(), 16);
        assert_eq!(beat(true).position, Some(Beats(0.0)), "it begins anew");
        assert!((0..40).all(|_| touched(held).playing), "what is held keeps it running");
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
