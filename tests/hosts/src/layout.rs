//! Lays a script out in samples: where the transport is at each, where blocks must end, what is played when.

use crate::{
    block::{Event, Transport},
    song::Song,
    timeline::{Passage, Recorded, Script},
};
use music::grid::Beats;

/// A stretch of samples in which the position moves on without a jump.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    /// Its first sample.
    start: u64,
    /// Samples from its exact start to its first sample: less than one, since loops wrap between samples.
    lead: f64,
    /// Where the song is at its exact start.
    from: Beats,
    /// Whether the transport plays.
    playing: bool,
    /// The active loop.
    looped: Option<(f64, f64)>,
}

impl Stretch {
    /// The song's position at a sample.
    fn beats(&self, song: &Song, sample: u64, rate: f64) -> Beats {
        if !self.playing {
            return self.from;
        }
        let seconds = song.tempos.seconds_at(self.from) + ((sample - self.start) as f64 + self.lead) / rate;
        song.tempos.beats_at(seconds)
    }

    /// What the host says at a sample.
    pub fn transport(&self, song: &Song, sample: u64, rate: f64) -> Transport {
        let position = self.beats(song, sample, rate);
        let (bar, meter) = song.meters.at(position);
        let length = meter.bar_beats().0;
        Transport {
            playing: self.playing,
            recording: false,
            tempo: Some(song.tempos.bpm_at(position)),
            beats: Some(position.0),
            bar_start: Some(bar.0 + ((position.0 - bar.0) / length + 1e-9).floor() * length),
            meter: Some((u16::from(meter.numerator), u16::from(meter.denominator))),
            looped: self.looped,
        }
    }
}

/// A script laid out in samples.
pub(crate) struct Timeline {
    rate: f64,
    num_samples: u64,
    /// Where blocks must end, ascending.
    pub cuts: Vec<u64>,
    /// In order of first sample; the first starts at 0.
    stretches: Vec<Stretch>,
    /// What is played, in order of sample.
    pub events: Vec<(u64, Event)>,
}

impl Timeline {
    pub fn lay_out(song: &Song, script: &Script, rate: f64) -> Self {
        let mut timeline =
            Self { rate, num_samples: 0, cuts: Vec::new(), stretches: Vec::new(), events: Vec::new() };
        let mut place = Beats(0.0);
        for passage in &script.passages {
            let start = timeline.num_samples;
            match *passage {
                Passage::Play { from, to } => {
                    timeline.num_samples =
                        start + timeline.run(song, script, start as f64, (from, to), None).ceil() as u64;
                    place = to;
                }
                Passage::Loop { from, to, times } => {
                    let mut exact = start as f64;
                    for pass in 0..times {
                        if pass > 0 && script.split_at_wraps {
                            timeline.cuts.push(exact.ceil() as u64);
                        }
                        exact += timeline.run(song, script, exact, (from, to), Some((from.0, to.0)));
                    }
                    timeline.num_samples = exact.ceil() as u64;
                    place = to;
                }
                Passage::Stop { samples } => {
                    timeline.stretches.push(Stretch {
                        start,
                        lead: 0.0,
                        from: place,
                        playing: false,
                        looped: None,
                    });
                    timeline.num_samples = start + samples;
                }
            }
            timeline.cuts.push(timeline.num_samples);
        }
        let last = timeline.num_samples;
        timeline.events.extend(script.by_hand.iter().copied());
        timeline.events.retain(|(sample, _)| *sample < last);
        // Offs first, so that a note that starts where another ends is not cut off by it.
        timeline.events.sort_by_key(|(sample, event)| (*sample, !matches!(event, Event::NoteOff { .. })));
        timeline.cuts.sort_unstable();
        timeline
    }

    /// Lays out one run through a range of the song that starts at an exact (fractional) sample, and returns
    /// its exact length in samples.
    fn run(
        &mut self,
        song: &Song,
        script: &Script,
        exact: f64,
        range: (Beats, Beats),
        looped: Option<(f64, f64)>,
    ) -> f64 {
        let (from, to) = range;
        let origin = song.tempos.seconds_at(from);
        let samples = |at: Beats| (song.tempos.seconds_at(at) - origin) * self.rate;
        let at = |place: Beats| (exact + samples(place) - 1e-6).ceil().max(0.0) as u64;
        let start = exact.ceil() as u64;
        self.stretches.push(Stretch { start, lead: start as f64 - exact, from, playing: true, looped });
        let within = |place: Beats| place.0 >= from.0 - 1e-9 && place.0 < to.0 - 1e-9;
        for played in &song.notes {
            if within(played.note.on) {
                let (channel, key) = (played.channel, played.note.pitch.midi());
                self.events
                    .push((at(played.note.on), Event::NoteOn { channel, key, velocity: played.velocity }));
                // What still sounds when the run ends is ended there, as hosts do.
                let off = at(Beats(played.note.off.0.min(to.0))).max(at(played.note.on) + 1);
                self.events.push((off, Event::NoteOff { channel, key, velocity: 0.0 }));
            }
        }
        for (place, event) in &song.events {
            if within(*place) {
                self.events.push((at(*place), *event));
            }
        }
        if script.split_at_changes {
            let changes = song
                .tempos
                .changes()
                .map(|(place, _)| place)
                .chain(song.meters.changes().iter().map(|(place, _)| *place));
            let cuts: Vec<u64> = changes.filter(|place| within(*place) && place.0 > from.0).map(at).collect();
            self.cuts.extend(cuts);
        }
        samples(to)
    }

    pub fn num_samples(&self) -> u64 {
        self.num_samples
    }

    pub fn stretch_at(&self, sample: u64) -> &Stretch {
        let idx = self.stretches.partition_point(|stretch| stretch.start <= sample).saturating_sub(1);
        &self.stretches[idx]
    }

    pub fn place(&self, song: &Song, sample: u64, event: Event) -> Recorded {
        let stretch = self.stretch_at(sample);
        Recorded { sample, beats: stretch.beats(song, sample, self.rate), playing: stretch.playing, event }
    }
}
