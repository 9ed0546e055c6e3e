//! Music time decides: chords start at the exact sample of their frame, and the same notes come at any block size and
//! sample rate, in both formats, live and rendered.

use crate::support::{
    alone::{House, alone},
    grid::frame_at,
    models::{self, TINY},
    stage::{self, BOTH, Face, playing, setup},
    this_test, tunes,
};
use hosts::{
    Rendering, Setup,
    song::{Song, TempoMap},
    timeline::{BlockSizes, Passage, Recording, Script},
};
use music::{
    grid::{Beats, FRAMES_PER_BEAT, Frame},
    meter::{Meter, MeterMap},
};
use std::fmt::Debug;

const SIZES: [BlockSizes; 5] = [
    BlockSizes::Fixed(16),
    BlockSizes::Fixed(64),
    BlockSizes::Fixed(441),
    BlockSizes::Fixed(4096),
    BlockSizes::Random { least: 1, most: 3000, seed: 5 },
];

/// The house of these scenes: an untrained model changes its mind on almost every frame.
fn house() -> House {
    House::with_model(models::untrained(TINY, 3))
}

/// A note in musical time: frames of its start and end, channel and key.
type Placed = (i64, i64, u8, u8);

/// The notes that came out in musical time; each must start at its frame's very sample, and end at one unless the
/// transport stopped.
fn placed(song: &Song, recording: &Recording, rate: f64) -> Vec<Placed> {
    let place = |sample, near| frame_at(song, rate, 0.0, sample, near);
    let notes = recording.notes();
    let end = song.length.0 * FRAMES_PER_BEAT as f64;
    let placed = notes.iter().map(|note| {
        let on = place(note.on_sample, note.on).unwrap_or_else(|error| panic!("{error}"));
        let is_cut = note.off.0 >= song.length.0 - 1e-9;
        let off = if is_cut {
            end.ceil() as i64
        } else {
            place(note.off_sample, note.off).unwrap_or_else(|e| panic!("{e}"))
        };
        (on, off, note.channel, note.key)
    });
    let mut placed: Vec<Placed> = placed.collect();
    placed.sort_unstable();
    placed
}

struct Take<'a> {
    face: Face,
    rate: f64,
    blocks: BlockSizes,
    rendering: Rendering,
    settings: &'a [(&'a str, &'a str)],
}

impl Take<'_> {
    fn notes(&self, song: &Song) -> Vec<Placed> {
        let setup = Setup { sample_rate: self.rate, max_block: 4096, rendering: self.rendering };
        let mut host = playing(self.face, setup, self.settings);
        let recording = stage::play(host.as_mut(), song, &Script::whole(song, self.blocks));
        assert_eq!(stage::late(host.as_mut()), 0, "late with {:?} at {} Hz", self.blocks, self.rate);
        placed(song, &recording, self.rate)
    }
}

/// Fails where two takes differ, by the first note that does.
fn same<T: PartialEq + Debug>(name: &str, found: &[T], reference: &[T]) {
    assert!(reference.len() > 50, "only {} notes came", reference.len());
    let differs = found.iter().zip(reference).find(|(a, b)| a != b);
    assert!(differs.is_none(), "{name}: {differs:?} (on, off, channel, key: here and in the reference)");
    assert_eq!(found.len(), reference.len(), "{name}");
}

#[test]
fn notes_are_the_same_at_any_block_size_and_rate_in_both_formats() {
    alone(&this_test!(), "untrained", house, || {
        // A frame is no whole number of samples.
        let song = tunes::plain(6, 133.7);
        let take =
            |face, rate, blocks| Take { face, rate, blocks, rendering: Rendering::Offline, settings: &[] };
        let reference = take(Face::Clap, 48_000.0, SIZES[1]).notes(&song);
        for face in BOTH {
            for rate in [44_100.0, 48_000.0, 96_000.0] {
                for blocks in SIZES {
                    same(
                        &format!("{face:?} {rate} Hz {blocks:?}"),
                        &take(face, rate, blocks).notes(&song),
                        &reference,
                    );
                }
            }
        }
        String::new()
    });
}

#[test]
fn a_bounce_is_the_live_take() {
    alone(&this_test!(), "untrained", house, || {
        let song = tunes::plain(6, 97.0);
        // Drafts are made live and left out offline: they must not matter. In blocks longer than half a frame no
        // worker could answer live for the next frame, hence the commit.
        for commit in ["1/4 beat", "1 beat", "2 1/2 beats"] {
            let settings = [("commit", commit), ("look_ahead", "1 1/2 beats"), ("listen", "2")];
            let take = |face, blocks, rendering| Take {
                face,
                rate: 48_000.0,
                blocks,
                rendering,
                settings: &settings,
            };
            let reference = take(Face::Clap, BlockSizes::Fixed(256), Rendering::Offline).notes(&song);
            for face in BOTH {
                for blocks in [BlockSizes::Fixed(64), BlockSizes::Fixed(2048)] {
                    let live = take(face, blocks, Rendering::Realtime).notes(&song);
                    same(&format!("{face:?} commit {commit} live {blocks:?}"), &live, &reference);
                }
            }
        }
        String::new()
    });
}

#[test]
fn chords_stay_on_the_grid_when_the_tempo_changes() {
    alone(&this_test!(), "untrained", house, || {
        let mut song = tunes::plain(8, 120.0);
        let ramp = (0..20).map(|n| (Beats(6.0 + f64::from(n) * 0.37), 120.0 + f64::from(n) * 7.3));
        let jumps = [(Beats(20.0), 61.0), (Beats(24.0), 240.0)];
        song.tempos = TempoMap::new([(Beats(0.0), 120.0)].into_iter().chain(ramp).chain(jumps).collect());
        let waltz = Meter::new(3, 4).expect("a meter");
        song.meters = MeterMap::new(vec![(Beats(0.0), Meter::COMMON), (Beats(16.0), waltz)]);
        let take = |face, blocks| {
            let rendering = Rendering::Offline;
            Take { face, rate: 48_000.0, blocks, rendering, settings: &[("listen", "2")] }
        };
        let reference = take(Face::Clap, SIZES[1]).notes(&song);
        for face in BOTH {
            for blocks in SIZES {
                same(&format!("{face:?} {blocks:?}"), &take(face, blocks).notes(&song), &reference);
            }
        }
        String::new()
    });
}

#[test]
fn a_tempo_learnt_a_block_late_hangs_and_doubles_nothing() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut song = tunes::plain(8, 120.0);
            song.tempos = TempoMap::new(
                (0..32).map(|n| (Beats(f64::from(n)), 80.0 + f64::from(n * 37 % 90))).collect(),
            );
            let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "0")]);
            let mut script = Script::whole(&song, BlockSizes::Fixed(512));
            script.split_at_changes = false;
            let recording = stage::play(host.as_mut(), &song, &script);
            // Within a block's worth of the grid, and each frame once.
            let mut last = (0, 0);
            for note in recording.notes() {
                let frame = (note.on.0 * FRAMES_PER_BEAT as f64).round();
                let off = (note.on.0 * FRAMES_PER_BEAT as f64 - frame).abs();
                assert!(off < 0.25, "{face:?}: a note {off} frames off the grid, at beat {}", note.on.0);
                assert!(
                    frame as i64 > last.0 || note.on_sample == last.1,
                    "{face:?}: frame {frame} came twice"
                );
                last = (frame as i64, note.on_sample);
            }
        }
        String::new()
    });
}

#[test]
fn loops_wrap_in_mid_block_on_the_very_sample() {
    alone(&this_test!(), "untrained", house, || {
        for (bpm, from, to) in [(120.0, 4.0, 8.0), (133.7, 2.0, 5.0), (90.0, 1.25, 3.5)] {
            let song = tunes::plain(4, bpm);
            let mut reference: Option<Vec<(u64, u64, u8, u8)>> = None;
            for face in BOTH {
                for (split, blocks) in SIZES.into_iter().flat_map(|size| [(true, size), (false, size)]) {
                    let passages = vec![
                        Passage::Loop { from: Beats(from), to: Beats(to), times: 6 },
                        Passage::Stop { samples: 4800 },
                    ];
                    let mut script = Script::of(passages, blocks);
                    script.split_at_wraps = split;
                    // The first half second of VST3 counts as live, and these blocks are long: so it listens first.
                    let mut host = playing(face, setup(4096, Rendering::Offline), &[("listen", "2")]);
                    let name = format!("{bpm} BPM {face:?} {blocks:?} split {split}");
                    let recording = stage::play(host.as_mut(), &song, &script);
                    let samples_a_beat = 48_000.0 * 60.0 / bpm;
                    let pass_samples = (to - from) * samples_a_beat;
                    for note in recording.notes() {
                        let at = note.on_sample as f64;
                        let pass = ((at + 1e-3) / pass_samples).floor();
                        let samples_of = |frame: i64| {
                            pass * pass_samples + (Frame(frame).starts().0 - from) * samples_a_beat
                        };
                        let frame = ((note.on.0 + 1e-6) * FRAMES_PER_BEAT as f64).floor() as i64;
                        let due = (samples_of(frame) - 1e-3).ceil();
                        assert_eq!(at, due, "{name}: pass {pass}, frame {frame}");
                    }
                    let notes: Vec<_> = recording
                        .notes()
                        .iter()
                        .map(|n| (n.on_sample, n.off_sample, n.channel, n.key))
                        .collect();
                    match &reference {
                        None => reference = Some(notes),
                        Some(reference) => same(&name, &notes, reference),
                    }
                }
            }
        }
        String::new()
    });
}
