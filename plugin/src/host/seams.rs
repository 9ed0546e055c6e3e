//! Where the framework cuts a host's block: at each parameter that changes, so that it changes at its sample. What follows
//! a cut comes as a block of its own, and its transport is reckoned on from the block's head by the tempo alone: past the
//! loop's end, its bars counted from the song's start, and what the host said in the middle of the block (CLAP) moved on by
//! what had gone before it. This puts that right. Audio thread. Fixed size.
//!
//! Nobody says whether a call is a cut. So a place that only goes on from the one before, which any cut does and any host
//! may do, changes nothing that was known; and no longer than the longest block of the host, because within that time
//! the host has said something itself.

use crate::audio::block::{Cycle, Transport};
use music::{grid::Beats, meter::Meter};

/// A place this near to a reckoned one is the reckoned one, in beats: less than a sample at any tempo.
const AGREES_BEATS: f64 = 1e-6;
/// The calls of which the lengths are kept: cuts of one block before its host says something in its middle.
const KEPT_CALLS: usize = 32;

/// What is known of the host's transport.
#[derive(Clone, Debug, Default)]
pub struct Seams {
    longest: u32,
    last: Option<Call>,
    /// The lengths of the last calls in samples, the last one first.
    lengths: [u32; KEPT_CALLS],
}

/// A call, as it was said and as it was.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// Its place, as it was said.
    said: f64,
    /// How far on from there it was, in beats.
    moved: f64,
    /// Samples since it was as far on.
    moved_for: u32,
    meter: Option<Meter>,
    bar_start: Option<Beats>,
    /// Samples since the host itself said so.
    bar_for: u32,
    beats_per_sample: f64,
    num_samples: u32,
}

impl Call {
    /// How many beats it lasts.
    fn beats(&self) -> f64 {
        f64::from(self.num_samples) * self.beats_per_sample
    }
}

impl Seams {
    /// The host activates us; its blocks have so many samples at most.
    pub fn activate(&mut self, longest: u32) {
        *self = Self { longest, ..Self::default() };
    }

    /// The host starts anew.
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// A call of so many samples comes with this transport: the transport as it is.
    pub fn mend(&mut self, host: Transport, num_samples: u32, sample_rate: f64) -> Transport {
        let tempo = host.tempo_bpm.filter(|bpm| host.playing && *bpm > 0.0 && sample_rate > 0.0);
        let (Some(tempo), Some(Beats(said))) = (tempo, host.position) else {
            self.last = None;
            return host;
        };
        let beats_per_sample = tempo / 60.0 / sample_rate;
        let mut call = Call {
            said,
            moved: 0.0,
            moved_for: 0,
            meter: host.meter,
            bar_start: host.bar_start,
            bar_for: 0,
            beats_per_sample,
            num_samples,
        };
        if let Some(last) = self.last {
            let goes_on = (said - last.said - last.beats()).abs() <= AGREES_BEATS;
            (call.moved, call.moved_for) = self.moved(&last, &call, host.cycle, goes_on);
            if goes_on || call.moved != 0.0 {
                (call.bar_start, call.bar_for) = self.bar(&last, &call);
            }
        }
        self.last = Some(call);
        self.lengths.rotate_right(1);
        self.lengths[0] = num_samples;
        Transport { position: Some(Beats(said + call.moved)), bar_start: call.bar_start, ..host }
    }

    /// How far on a call is from where it is said to be, and for how long it has been so.
    fn moved(&self, last: &Call, call: &Call, cycle: Option<Cycle>, goes_on: bool) -> (f64, u32) {
        let was = last.said + last.moved;
        let due = was + last.beats();
        if goes_on && last.moved != 0.0 {
            let since = last.moved_for.saturating_add(last.num_samples);
            return if since < self.longest { (last.moved, since) } else { (0.0, 0) };
        }
        let turn =
            cycle.map(|cycle| (cycle, cycle.end.0 - cycle.start.0)).filter(|(_, length)| *length > 0.0);
        if let Some((cycle, length)) = turn.filter(|_| goes_on)
            && (cycle.start.0..cycle.end.0 - AGREES_BEATS).contains(&was)
            && call.said >= cycle.end.0 - AGREES_BEATS
        {
            return (-length * ((call.said + AGREES_BEATS - cycle.start.0) / length).floor(), 0);
        }
        let places = [Some(due), turn.map(|(_, length)| due - length)];
        let before = places.into_iter().flatten().find(|place| self.is_said_late(call, *place));
        before.map_or((0.0, 0), |place| (place - call.said, 0))
    }

    /// Whether the host said in the middle of its block that this is the place: it is said to be as far behind it as calls
    /// of the same block have lasted.
    fn is_said_late(&self, call: &Call, place: f64) -> bool {
        let mut gone = 0;
        self.lengths.iter().take_while(|length| **length > 0).any(|length| {
            gone += u64::from(*length);
            let fits = gone + u64::from(call.num_samples) <= u64::from(self.longest);
            fits && (call.said - place - gone as f64 * call.beats_per_sample).abs() <= AGREES_BEATS
        })
    }

    /// A bar line of a call that goes on, and for how long the host has not said so itself.
    fn bar(&self, last: &Call, call: &Call) -> (Option<Beats>, u32) {
        let since = last.bar_for.saturating_add(last.num_samples);
        let is_reckoned =
            call.meter.zip(call.bar_start).zip(last.bar_start).is_some_and(|((meter, bar), known)| {
                let length = meter.bar_beats().0;
                let bars = (bar.0 - known.0) / length;
                let is_from_start = (bar.0 - (call.said / length).floor() * length).abs() <= AGREES_BEATS;
                last.meter == Some(meter) && is_from_start && (bars - bars.round()).abs() > AGREES_BEATS
            });
        if is_reckoned && since < self.longest { (last.bar_start, since) } else { (call.bar_start, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 48_000.0;
    const LONGEST: u32 = 4096;

    /// A host at 120 BPM that is somewhere in a song: a beat is 24,000 samples.
    fn at(place: f64) -> Transport {
        Transport {
            playing: true,
            position: Some(Beats(place)),
            tempo_bpm: Some(120.0),
            meter: Some(Meter::COMMON),
            bar_start: Some(Beats((place / 4.0).floor() * 4.0)),
            cycle: None,
        }
    }

    fn beats(num_samples: u32) -> f64 {
        f64::from(num_samples) / 24_000.0
    }

    fn seams() -> Seams {
        let mut seams = Seams::default();
        seams.activate(LONGEST);
        seams
    }

    fn place(seams: &mut Seams, host: Transport, num_samples: u32) -> f64 {
        seams.mend(host, num_samples, RATE).position.map_or(f64::NAN, |place| place.0)
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
    }

    #[test]
    fn what_is_plain_stays_as_it_is() {
        let mut seams = seams();
        let mut now = 0;
        for num_samples in [512, 100, 1, 4096, 412, 0, 512] {
            let host = at(beats(now));
            assert_eq!(seams.mend(host, num_samples, RATE), host);
            now += num_samples;
        }
        for host in [at(77.0), at(3.0), Transport::default(), at(f64::NAN)] {
            let mended = seams.mend(host, 512, RATE);
            assert_eq!(format!("{mended:?}"), format!("{host:?}"));
        }
    }

    #[test]
    fn a_cut_after_the_loops_end_is_in_the_loop() {
        let cycle = Some(Cycle { start: Beats(4.0), end: Beats(8.0) });
        let mut seams = seams();
        let host = |place| Transport { cycle, ..at(place) };
        near(place(&mut seams, host(7.99), 200), 7.99);
        // Reckoned on from the block's head: the loop has turned 40 samples after the first cut.
        near(place(&mut seams, host(7.99 + beats(200)), 100), 7.99 + beats(200));
        near(place(&mut seams, host(7.99 + beats(300)), 700), 3.99 + beats(300));
        near(place(&mut seams, host(7.99 + beats(1000)), 24), 3.99 + beats(1000));
        // The host's own word.
        near(place(&mut seams, host(3.99 + beats(1024)), 1024), 3.99 + beats(1024));
        // A host that plays on past its loop's end is believed when the longest block is over.
        let mut seams = self::seams();
        let found: Vec<f64> =
            (0..12).map(|block| place(&mut seams, host(7.99 + beats(512 * block)), 512)).collect();
        near(found[1], 3.99 + beats(512));
        near(found[11], 7.99 + beats(512 * 11));
    }

    #[test]
    fn bars_go_on_as_the_host_counts_them() {
        // Three beats of upbeat.
        let host = |place: f64, bar_start: f64| Transport { bar_start: Some(Beats(bar_start)), ..at(place) };
        let mut seams = seams();
        assert_eq!(seams.mend(host(8.0, 7.0), 512, RATE).bar_start, Some(Beats(7.0)));
        for cut in 1..8 {
            let cut = host(8.0 + beats(512 * cut), 8.0);
            assert_eq!(seams.mend(cut, 512, RATE).bar_start, Some(Beats(7.0)));
        }
        // The longest block is over, so these are the host's bars.
        assert_eq!(seams.mend(host(8.0 + beats(4096), 8.0), 512, RATE).bar_start, Some(Beats(8.0)));
        assert_eq!(seams.mend(host(8.0 + beats(4608), 7.0), 512, RATE).bar_start, Some(Beats(7.0)));
        let waltz = Transport { meter: Meter::new(3, 4), ..host(8.0 + beats(5120), 6.0) };
        assert_eq!(seams.mend(waltz, 512, RATE).bar_start, Some(Beats(6.0)));
    }

    #[test]
    fn what_a_host_says_in_the_middle_of_a_block_is_of_that_place() {
        let mut seams = seams();
        near(place(&mut seams, at(10.0), 300), 10.0);
        near(place(&mut seams, at(10.0 + beats(300)), 200), 10.0 + beats(300));
        // Another tempo from here on, and the framework adds the 500 samples before it once more.
        let faster = |place: f64| Transport { tempo_bpm: Some(240.0), ..at(place) };
        let (here, more) = (10.0 + beats(500), beats(1000));
        near(place(&mut seams, faster(here + more), 100), here);
        near(place(&mut seams, faster(here + more + beats(200)), 424), here + beats(200));
        near(place(&mut seams, faster(here + beats(1048)), 1024), here + beats(1048));
        // Any other jump is a jump, and so is one as far as a block is long.
        near(place(&mut seams, faster(20.0), 4096), 20.0);
        near(place(&mut seams, faster(20.0 + beats(4 * 4096)), 4096), 20.0 + beats(4 * 4096));
    }
}
