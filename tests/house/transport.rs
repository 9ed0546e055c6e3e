//! Whatever a host does to its transport, or leaves out of it, every note ends and playing goes on when sense returns.

use crate::support::{
    alone::{House, alone},
    conductor::{Conductor, off, on},
    grid::frame_at,
    models::{self, TINY},
    stage::{self, BOTH, playing, setup},
    this_test, tunes,
};
use hosts::{
    Block, Event, Rendering, Transport,
    timeline::{BlockSizes, Passage, Script},
};
use music::grid::Beats;

/// The house of these scenes: an untrained model changes its mind on almost every frame.
fn house() -> House {
    House::with_model(models::untrained(TINY, 3))
}

#[test]
fn stopping_and_seeking_end_what_sounds_in_the_same_block() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            let mut host = playing(face, setup(4096, Rendering::Realtime), &[("listen", "0")]);
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            for _ in 0..3 {
                stand.until_chords_sound();
                stand.stop();
                assert_eq!(stand.ledger.num_sounding(), 0);
            }
            for place in [100.0, 3.3, 0.0, -2.0, 1e6] {
                stand.until_chords_sound();
                stand.transport.beats = Some(place);
                let sought = stand.clock;
                stand.block(64, &[]);
                let ended_at_once = stand
                    .heard
                    .iter()
                    .any(|(at, event)| *at == sought && matches!(event, Event::NoteOff { .. }));
                assert!(ended_at_once, "{face:?}: a seek to {place} ended nothing");
            }
            stand.until_chords_sound();
            stand.host.reset().expect("it resets");
            stand.stop();
            stand.close();
        }
        String::new()
    });
}

#[test]
fn playing_may_start_anywhere_in_a_bar() {
    alone(&this_test!(), "untrained", house, || {
        for face in BOTH {
            for start in [0.01, 2.1, 3.99, -1.3] {
                let song = tunes::plain(8, 120.0);
                let mut host = playing(face, setup(512, Rendering::Offline), &[("listen", "1")]);
                let passages = vec![
                    Passage::Play { from: Beats(start), to: Beats(start + 16.0) },
                    Passage::Stop { samples: 480 },
                ];
                let recording =
                    stage::play(host.as_mut(), &song, &Script::of(passages, BlockSizes::Fixed(512)));
                let notes = recording.notes();
                assert!(!notes.is_empty(), "{face:?}: nothing came from {start}");
                let origin = song.tempos.seconds_at(Beats(start));
                for note in &notes {
                    frame_at(&song, 48_000.0, origin, note.on_sample, note.on)
                        .unwrap_or_else(|error| panic!("{face:?}: {error}"));
                }
                let first = notes.iter().map(|n| n.on.0).fold(f64::MAX, f64::min);
                assert!(
                    first >= start + 1.0,
                    "{face:?}: it was to listen for a beat from {start} and played at {first}"
                );
                let on_beat = (first - first.round()).abs() < 1e-3;
                assert!(on_beat, "{face:?}: the first chord entered at {first}, off the beat");
            }
        }
        String::new()
    });
}

#[test]
fn what_a_host_leaves_out_is_done_without() {
    alone(&this_test!(), "untrained", house, || {
        type Spoil = fn(&mut Transport);
        // What is left out, and whether chords can be played all the same.
        let cases: [(&str, Spoil, bool); 6] = [
            ("bar", |t| t.bar_start = None, true),
            ("meter", |t| t.meter = None, true),
            ("meter and bar", |t| (t.meter, t.bar_start) = (None, None), true),
            ("position", |t| (t.beats, t.bar_start) = (None, None), true),
            ("tempo", |t| t.tempo = None, false),
            ("all", |t| *t = Transport { playing: true, ..Transport::default() }, false),
        ];
        for face in BOTH {
            for (what, spoil, plays) in cases {
                let mut host = playing(face, setup(512, Rendering::Realtime), &[("listen", "0")]);
                let mut stand = Conductor::new(host.as_mut(), 120.0);
                stand.transport.playing = true;
                spoil(&mut stand.transport);
                stand.block(512, &[(0, on(60))]);
                for _ in 0..400 {
                    stand.block(512, &[]);
                }
                assert_eq!(stand.num_ons_since(0) > 0, plays, "{face:?} without {what}");
                stand.block(64, &[(0, off(60))]);
                stand.stop();
                // A host without a transport at all.
                stand.send(Block { samples: 512, transport: None, ..Block::default() });
                stand.close();
            }
        }
        String::new()
    });
}

#[test]
fn nonsense_is_waited_out() {
    alone(&this_test!(), "untrained", house, || {
        let tempos = [0.0, -120.0, f64::NAN, f64::INFINITY, 1e-9, 1e12];
        let places = [f64::NAN, f64::INFINITY, -1e300, 1e17];
        let meters = [(0, 0), (0, 4), (4, 0), (65_535, 65_535), (7, 3)];
        let loops = [(f64::NAN, 4.0), (4.0, 4.0), (8.0, 2.0), (0.0, 1e-9), (-1e300, 1e300)];
        for face in BOTH {
            let mut host = playing(face, setup(512, Rendering::Realtime), &[("listen", "0")]);
            let mut stand = Conductor::new(host.as_mut(), 120.0);
            let sane = stand.transport;
            let spoilt = tempos.map(|tempo| Transport { tempo: Some(tempo), ..sane }).into_iter();
            let spoilt = spoilt.chain(places.map(|place| Transport { beats: Some(place), ..sane }));
            let spoilt = spoilt.chain(places.map(|place| Transport { bar_start: Some(place), ..sane }));
            let spoilt = spoilt.chain(meters.map(|meter| Transport { meter: Some(meter), ..sane }));
            let spoilt = spoilt.chain(loops.map(|looped| Transport { looped: Some(looped), ..sane }));
            for transport in spoilt.collect::<Vec<_>>() {
                stand.transport = sane;
                stand.until_chords_sound();
                stand.transport = Transport { playing: true, ..transport };
                for _ in 0..20 {
                    stand.block(512, &[]);
                }
                stand.stop();
                stand.transport = sane;
                // And it plays again.
                stand.until_chords_sound();
                stand.block(64, &[(0, off(60))]);
                stand.stop();
            }
            stand.close();
        }
        String::new()
    });
}
