//! How long the worker takes, as percentiles of the last frames. Worker thread.

/// Frames remembered: some half a minute at 120 BPM.
const REMEMBERED: usize = 256;

/// The last times, in microseconds.
#[derive(Debug, Default)]
pub struct Stopwatch {
    times_us: Vec<u32>,
    next: usize,
}

impl Stopwatch {
    /// Takes in a time; the median and the 99th percentile of the last ones.
    pub fn lap(&mut self, time_us: u32) -> (u32, u32) {
        if self.times_us.len() < REMEMBERED {
            self.times_us.push(time_us);
        } else {
            self.times_us[self.next] = time_us;
            self.next = (self.next + 1) % REMEMBERED;
        }
        let mut sorted = self.times_us.clone();
        sorted.sort_unstable();
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        (at(0.5), at(0.99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_last_times() {
        let mut watch = Stopwatch::default();
        assert_eq!(watch.lap(7), (7, 7));
        for _ in 0..REMEMBERED {
            watch.lap(1000);
        }
        let mut last = (0, 0);
        for time in 1..=REMEMBERED as u32 {
            last = watch.lap(time);
        }
        assert_eq!(last, (129, 253));
    }
}
