//! A host's transport by hand, block by block, for what no song describes. Keeps book of every note.

use super::stage;
use hosts::{Block, Event, PluginHost, TimedEvent, Transport, ledger::Ledger};

/// Conducts one host.
pub struct Conductor<'a> {
    /// The host.
    pub host: &'a mut dyn PluginHost,
    /// Whether it waits for the worker after each block.
    pub paced: bool,
    /// Samples a second.
    pub rate: f64,
    /// The transport at the next block's first sample; its position moves on by itself while it plays.
    pub transport: Transport,
    /// Samples so far.
    pub clock: u64,
    /// What came out, by sample.
    pub heard: Vec<(u64, Event)>,
    /// The book of all notes that came out.
    pub ledger: Ledger,
}

impl<'a> Conductor<'a> {
    /// Stands at beat 0 in common time, and waits for answers.
    pub fn new(host: &'a mut dyn PluginHost, bpm: f64) -> Self {
        let rate = host.active().expect("an active host").sample_rate;
        let transport = Transport::common_time(false, bpm, 0.0);
        Self { host, paced: true, rate, transport, clock: 0, heard: Vec::new(), ledger: Ledger::new() }
    }

    /// Plays a block of so many samples with these events.
    pub fn block(&mut self, samples: u32, events: &[(u32, Event)]) {
        let events =
            events.iter().map(|(offset, event)| TimedEvent { offset: *offset, event: *event }).collect();
        self.send(Block { samples, transport: Some(self.transport), events, ..Block::default() });
    }

    /// Plays this block.
    pub fn send(&mut self, block: Block) {
        let out = self.host.process(&block).unwrap_or_else(|error| panic!("{error}"));
        for TimedEvent { offset, event } in out {
            assert!(offset < block.samples.max(1), "an event at sample {offset} of {}", block.samples);
            let sample = self.clock + u64::from(offset);
            self.ledger.hear(sample, &event);
            self.heard.push((sample, event));
        }
        self.clock += u64::from(block.samples);
        if self.transport.playing
            && let (Some(beats), Some(bpm)) = (self.transport.beats.as_mut(), self.transport.tempo)
        {
            *beats += f64::from(block.samples) / self.rate * bpm / 60.0;
        }
        self.host.idle();
        if self.paced {
            stage::drafted(self.host);
        }
    }

    /// Plays with a key down until chords sound.
    pub fn until_chords_sound(&mut self) {
        self.transport.playing = true;
        self.block(512, &[(0, on(60))]);
        for _ in 0..2000 {
            self.block(512, &[]);
            if self.ledger.num_sounding() > 0 {
                return;
            }
        }
        panic!("no chord came");
    }

    /// How many note-ons came out since a sample.
    pub fn num_ons_since(&self, sample: u64) -> usize {
        self.heard.iter().filter(|(at, event)| *at >= sample && matches!(event, Event::NoteOn { .. })).count()
    }

    /// Stops; all that sounds must end in this very block.
    pub fn stop(&mut self) {
        self.transport.playing = false;
        self.block(64, &[]);
        let sounding: Vec<(u8, u8)> = self.ledger.sounding().collect();
        assert_eq!(sounding, [], "still sounding after a stop");
    }

    /// Closes the book.
    pub fn close(self) {
        assert_eq!(self.ledger.close(), []);
    }
}

/// A key goes down on channel 1.
pub fn on(key: u8) -> Event {
    Event::NoteOn { channel: 0, key, velocity: 0.8 }
}

/// A key goes up on channel 1.
pub fn off(key: u8) -> Event {
    Event::NoteOff { channel: 0, key, velocity: 0.0 }
}
