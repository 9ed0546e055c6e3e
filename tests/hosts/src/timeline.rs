//! Plays a song through a host block by block, with stops, seeks and loops, and records what comes out.
//! Sample positions are exact: they come from the tempo map, never from adding up blocks.

use crate::{
    block::{Block, Event, ParamChange, TimedEvent},
    host::{HostError, ParamId, PluginHost},
    layout::Timeline,
    song::Song,
};
use music::grid::Beats;

/// How many samples the blocks have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSizes {
    /// Always so many, at least 1.
    Fixed(u32),
    /// Anything from `least` to `most`, as the seed says.
    Random {
        /// The fewest, at least 1.
        least: u32,
        /// The most.
        most: u32,
        /// Same seed, same sizes.
        seed: u64,
    },
}

/// One stretch of what the host's transport does. Where one starts elsewhere than the last ended, that is a seek.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Passage {
    /// It plays from one place to another.
    Play {
        /// Where it starts.
        from: Beats,
        /// Where it ends; after `from`.
        to: Beats,
    },
    /// It plays a loop, so many times.
    Loop {
        /// The loop's start.
        from: Beats,
        /// The loop's end; after `from`.
        to: Beats,
        /// How often.
        times: u32,
    },
    /// It stands still where it is.
    Stop {
        /// For how long.
        samples: u64,
    },
}

/// How a song is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What the transport does.
    pub passages: Vec<Passage>,
    /// How many samples the blocks have.
    pub blocks: BlockSizes,
    /// Whether a block ends where the loop does. Hosts do either; where not, the loop wraps inside a block.
    pub split_at_wraps: bool,
    /// Whether a block ends where tempo or meter change. Where not, the plugin learns of it one block late.
    pub split_at_changes: bool,
    /// Played by hand, whether or not the transport plays: samples since the script's start. In order.
    pub by_hand: Vec<(u64, Event)>,
    /// Automation: samples since the script's start, parameter, share of its range. In order.
    pub automation: Vec<(u64, ParamId, f64)>,
    /// How many events the host's queue takes in a block; `None` is no limit.
    pub out_capacity: Option<usize>,
}

impl Script {
    /// The whole song once from beat 0, then a stop of a tenth of a second at 48 kHz, so that what sounds can end.
    pub fn whole(song: &Song, blocks: BlockSizes) -> Self {
        Self::of(
            vec![Passage::Play { from: Beats(0.0), to: song.length }, Passage::Stop { samples: 4800 }],
            blocks,
        )
    }

    /// These passages and nothing by hand.
    pub fn of(passages: Vec<Passage>, blocks: BlockSizes) -> Self {
        Self {
            passages,
            blocks,
            split_at_wraps: true,
            split_at_changes: true,
            by_hand: Vec::new(),
            automation: Vec::new(),
            out_capacity: None,
        }
    }
}

/// An event with its place in the recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recorded {
    /// Samples since the script's start.
    pub sample: u64,
    /// The song's position at that sample.
    pub beats: Beats,
    /// Whether the transport played.
    pub playing: bool,
    /// The event.
    pub event: Event,
}

/// What went in and what came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Samples in all.
    pub num_samples: u64,
    /// What the plugin was given, in order of time.
    pub played: Vec<Recorded>,
    /// What the plugin answered, in the order in which it was sent.
    pub heard: Vec<Recorded>,
}

/// A note that came out, with its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardNote {
    /// MIDI channel, 0-based.
    pub channel: u8,
    /// MIDI key.
    pub key: u8,
    /// How hard.
    pub velocity: f32,
    /// Its start, in samples since the script's start.
    pub on_sample: u64,
    /// Its end, alike; the recording's end where none came.
    pub off_sample: u64,
    /// The song's position at its start.
    pub on: Beats,
    /// The song's position at its end.
    pub off: Beats,
}

impl Recording {
    /// The notes that came out, in order of start. A note that starts again ends first.
    pub fn notes(&self) -> Vec<HeardNote> {
        let end = self.heard.last().map_or(Beats(0.0), |last| last.beats);
        let mut notes: Vec<HeardNote> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for heard in &self.heard {
            let ends = |note: &HeardNote| match heard.event {
                Event::NoteOn { channel, key, .. }
                | Event::NoteOff { channel, key, .. }
                | Event::Choke { channel, key } => note.channel == channel && note.key == key,
                Event::ChokeAll => true,
                _ => false,
            };
            open.retain(|idx| {
                let ended = ends(&notes[*idx]);
                if ended {
                    (notes[*idx].off_sample, notes[*idx].off) = (heard.sample, heard.beats);
                }
                !ended
            });
            if let Event::NoteOn { channel, key, velocity } = heard.event {
                open.push(notes.len());
                let (on_sample, on) = (heard.sample, heard.beats);
                notes.push(HeardNote {
                    channel,
                    key,
                    velocity,
                    on_sample,
                    off_sample: self.num_samples,
                    on,
                    off: end,
                });
            }
        }
        notes
    }
}

/// Where the recording stands after a block, for whoever paces or watches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Samples played so far.
    pub samples: u64,
    /// The song's position.
    pub beats: Beats,
    /// Whether the transport plays.
    pub playing: bool,
}

/// Plays a script through an active host.
///
/// # Errors
/// What the host says; a recording cut short is not given back.
pub fn play(host: &mut dyn PluginHost, song: &Song, script: &Script) -> Result<Recording, HostError> {
    play_watched(host, song, script, &mut |_, _| {})
}

/// Plays a script through an active host and calls `after_block` after each block, which may set or read
/// parameters, or wait.
///
/// # Errors
/// What the host says.
pub fn play_watched(
    host: &mut dyn PluginHost,
    song: &Song,
    script: &Script,
    after_block: &mut dyn FnMut(&mut dyn PluginHost, Progress),
) -> Result<Recording, HostError> {
    let setup =
        host.active().ok_or(HostError::WrongState { call: "play", needs: "active", todo: "activate" })?;
    let timeline = Timeline::lay_out(song, script, setup.sample_rate);
    let mut recording = Recording::default();
    let mut sizes = Sizes::new(script.blocks, setup.max_block);
    let (mut played, mut automated) = (0, 0);
    let mut clock = 0;
    while clock < timeline.num_samples() {
        let stretch = timeline.stretch_at(clock);
        let mut end = (clock + u64::from(sizes.next())).min(timeline.num_samples());
        if let Some(cut) = timeline.cuts.iter().find(|cut| **cut > clock) {
            end = end.min(*cut);
        }
        let mut block = Block {
            samples: (end - clock) as u32,
            transport: Some(stretch.transport(song, clock, setup.sample_rate)),
            out_capacity: script.out_capacity,
            ..Block::default()
        };
        while let Some((sample, event)) = timeline.events.get(played).filter(|(sample, _)| *sample < end) {
            block.events.push(TimedEvent { offset: (sample - clock) as u32, event: *event });
            recording.played.push(timeline.place(song, *sample, *event));
            played += 1;
        }
        while let Some((sample, id, normalized)) =
            script.automation.get(automated).filter(|(sample, ..)| *sample < end)
        {
            let offset = sample.saturating_sub(clock) as u32;
            block.params.push(ParamChange { offset, id: *id, normalized: *normalized });
            automated += 1;
        }
        for TimedEvent { offset, event } in host.process(&block)? {
            recording.heard.push(timeline.place(song, clock + u64::from(offset), event));
        }
        clock = end;
        host.idle();
        let now = timeline.place(song, clock.saturating_sub(1), Event::ChokeAll);
        after_block(host, Progress { samples: clock, beats: now.beats, playing: now.playing });
    }
    recording.num_samples = clock;
    Ok(recording)
}

/// Block sizes, one after the other.
struct Sizes {
    sizes: BlockSizes,
    max: u32,
    state: u64,
}

impl Sizes {
    fn new(sizes: BlockSizes, max: u32) -> Self {
        let state = if let BlockSizes::Random { seed, .. } = sizes { seed } else { 0 };
        Self { sizes, max, state }
    }

    fn next(&mut self) -> u32 {
        let size = match self.sizes {
            BlockSizes::Fixed(size) => size,
            BlockSizes::Random { least, most, .. } => {
                self.state = self.state.wrapping_add(1);
                let share = music::sampling::uniform(self.state, 0, music::sampling::Draw::Performance);
                least + (share * f64::from(most.saturating_sub(least) + 1)) as u32
            }
        };
        size.clamp(1, self.max.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{echo::EchoHost, host::Setup, ledger};
    use music::{
        lead_sheet::Note,
        meter::{Meter, MeterMap},
        pitch::Pitch,
    };

    fn note(on: f64, off: f64, midi: u8) -> Note {
        Note { on: Beats(on), off: Beats(off), pitch: Pitch::new(midi).expect("a pitch") }
    }

    fn recorded(song: &Song, script: &Script) -> (EchoHost, Recording) {
        let mut host = EchoHost::default();
        host.activate(Setup { sample_rate: 48_000.0, max_block: 1024, ..Setup::default() })
            .expect("activates");
        let recording = play(&mut host, song, script).expect("plays");
        (host, recording)
    }

    const SIZES: [BlockSizes; 5] = [
        BlockSizes::Fixed(1024),
        BlockSizes::Fixed(1),
        BlockSizes::Fixed(509),
        BlockSizes::Random { least: 1, most: 300, seed: 7 },
        BlockSizes::Random { least: 16, most: 1024, seed: 8 },
    ];

    #[test]
    fn block_size_moves_no_note() {
        let song = Song::melody([note(0.0, 0.5, 60), note(0.5, 1.0, 62), note(1.25, 1.5, 64)], 133.7);
        let (_, reference) = recorded(&song, &Script::whole(&song, SIZES[0]));
        assert_eq!(ledger::faults(&reference), []);
        assert_eq!(reference.notes().len(), 3);
        assert_eq!(reference.notes()[2].on_sample, (1.25 * 60.0 / 133.7 * 48_000.0f64).ceil() as u64);
        assert!((reference.notes()[2].on.0 - 1.25).abs() < 1e-4);
        for blocks in SIZES {
            let (_, recording) = recorded(&song, &Script::whole(&song, blocks));
            assert_eq!(recording.heard, reference.heard, "{blocks:?}");
            assert_eq!(recording.num_samples, reference.num_samples, "{blocks:?}");
        }
    }

    #[test]
    fn loops_wrap_where_they_should_and_end_what_sounds() {
        let song = Song::melody([note(0.0, 4.0, 60), note(1.0, 2.0, 64)], 120.0);
        for split in [true, false] {
            let mut script =
                Script::of(vec![Passage::Loop { from: Beats(0.0), to: Beats(2.5), times: 3 }], SIZES[0]);
            script.split_at_wraps = split;
            let (host, recording) = recorded(&song, &script);
            assert_eq!(recording.num_samples, 180_000);
            let ons: Vec<u64> = recording.notes().iter().map(|n| n.on_sample).collect();
            assert_eq!(ons, [0, 24_000, 60_000, 84_000, 120_000, 144_000], "split {split}");
            let long: Vec<u64> =
                recording.notes().iter().filter(|n| n.key == 60).map(|n| n.off_sample).collect();
            assert_eq!(long, [60_000, 120_000, 180_000]);
            assert_eq!(host.starts().contains(&60_000), split);
            assert!(host.transports().all(|t| t.looped == Some((0.0, 2.5)) && t.playing));
            assert!(host.transports().all(|t| t.beats.is_some_and(|beats| (0.0..2.5).contains(&beats))));
        }
    }

    #[test]
    fn stops_stand_still_and_seeks_jump() {
        let song = Song::melody([note(0.0, 8.0, 60)], 60.0);
        let passages = vec![
            Passage::Play { from: Beats(0.0), to: Beats(1.0) },
            Passage::Stop { samples: 4096 },
            Passage::Play { from: Beats(6.0), to: Beats(6.5) },
        ];
        let mut script = Script::of(passages, BlockSizes::Fixed(1000));
        script.by_hand = vec![(49_000, Event::NoteOn { channel: 3, key: 70, velocity: 1.0 })];
        let (host, recording) = recorded(&song, &script);
        let long = recording.notes()[0];
        assert_eq!((long.on_sample, long.off_sample, long.off), (0, 48_000, Beats(1.0)));
        let by_hand = recording.notes()[1];
        assert_eq!((by_hand.key, by_hand.on_sample, by_hand.on), (70, 49_000, Beats(1.0)));
        let stopped: Vec<f64> = host.transports().filter(|t| !t.playing).filter_map(|t| t.beats).collect();
        assert_eq!(stopped, [1.0; 5]);
        assert_eq!(host.transports().filter(|t| t.playing).filter_map(|t| t.beats).nth(48), Some(6.0));
    }

    #[test]
    fn tempo_and_meter_changes_fall_on_block_starts() {
        let mut song = Song::melody([note(0.0, 1.0, 60), note(6.0, 7.0, 62)], 120.0);
        song.tempos = crate::song::TempoMap::new(vec![(Beats(0.0), 120.0), (Beats(4.0), 90.0)]);
        let waltz = Meter::new(3, 4).expect("a meter");
        song.meters = MeterMap::new(vec![(Beats(0.0), Meter::COMMON), (Beats(4.0), waltz)]);
        song.length = Beats(10.0);
        let (host, recording) = recorded(&song, &Script::whole(&song, SIZES[4]));
        assert_eq!(recording.notes()[1].on_sample, 96_000 + 64_000);
        let changed = host
            .blocks
            .iter()
            .find(|(_, b)| b.transport.is_some_and(|t| t.tempo == Some(90.0)))
            .expect("the change");
        assert_eq!(changed.0, 96_000);
        let transport = changed.1.transport.expect("a transport");
        assert_eq!((transport.meter, transport.bar_start), (Some((3, 4)), Some(4.0)));
        let last = host.transports().filter(|t| t.playing).last().expect("a last block");
        assert_eq!(last.bar_start, Some(7.0));
    }

    #[test]
    fn automation_reaches_its_block() {
        let song = Song::melody([], 120.0);
        let mut script = Script::of(vec![Passage::Stop { samples: 3000 }], BlockSizes::Fixed(1000));
        script.automation = vec![(1500, ParamId(9), 0.25)];
        let (host, _) = recorded(&song, &script);
        let changes: Vec<_> =
            host.blocks.iter().map(|(start, block)| (*start, block.params.clone())).collect();
        let change = ParamChange { offset: 500, id: ParamId(9), normalized: 0.25 };
        assert_eq!(changes, [(0, vec![]), (1000, vec![change]), (2000, vec![])]);
    }

    #[test]
    fn an_inactive_host_is_refused() {
        let song = Song::melody([], 120.0);
        let script = Script::of(vec![], BlockSizes::Fixed(1));
        assert!(matches!(play(&mut EchoHost::default(), &song, &script), Err(HostError::WrongState { .. })));
    }
}
