//! A host plays to the playhead in blocks of any size; what fires, and when, must not depend on them.

use super::*;
use music::meter::Meter;
use proptest::prelude::*;

const SAMPLE_RATE: f64 = 48_000.0;

fn transport(place: f64, bpm: f64) -> Transport {
    Transport {
        playing: true,
        position: Some(Beats(place)),
        tempo_bpm: Some(bpm),
        meter: Some(Meter::COMMON),
        bar_start: Some(Beats(0.0)),
        cycle: None,
    }
}

fn block(transport: Transport, num_samples: u32) -> Block {
    Block { transport, num_samples, sample_rate: SAMPLE_RATE, ..Block::default() }
}

/// What fired, with its sample; an epoch's begin is a frame of `i64::MIN`.
type Fired = Vec<(i64, Moment)>;

/// Plays one block and notes what fires.
fn step(playhead: &mut Playhead, block: &Block, fired: &mut Fired) -> Change {
    let change = playhead.begin_block(block);
    if change == Change::Wraps {
        playhead.wrap(0);
    }
    while let Some((offset, moment)) = playhead.next_moment() {
        fired.push((playhead.sample_at(offset), moment));
        assert!(fired.len() < 5000, "{:?} {playhead:?}", &fired[fired.len() - 8..]);
        match moment {
            Moment::Wraps => playhead.wrap(offset),
            _ => playhead.pass(offset),
        }
    }
    playhead.end_block();
    change
}

/// Plays straight on, in blocks of these sizes over and over.
fn play(
    sizes: &[u32],
    total: i64,
    place_of: impl Fn(i64) -> f64,
    bpm: f64,
    cycle: Option<Cycle>,
) -> (Fired, u32) {
    let (mut playhead, mut fired, mut begun) = (Playhead::default(), Fired::new(), 0);
    let mut now = 0;
    for size in sizes.iter().cycle() {
        let size = i64::from(*size).min(total - now);
        if size <= 0 {
            break;
        }
        let block = block(Transport { cycle, ..transport(place_of(now), bpm) }, size as u32);
        begun += u32::from(step(&mut playhead, &block, &mut fired) == Change::Begins);
        now += size;
    }
    (fired, begun)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_start_at_the_first_sample_at_or_after_their_place(
        bpm in 20.0..400.0f64,
        start in -9.0..40.0f64,
        sizes in proptest::collection::vec(1..3000u32, 1..20),
    ) {
        let place = |sample: i64| start + sample as f64 * bpm / 60.0 / SAMPLE_RATE;
        let (fired, begun) = play(&sizes, 100_000, place, bpm, None);
        prop_assert_eq!(begun, 1);
        let (whole, _) = play(&[100_000], 100_000, place, bpm, None);
        prop_assert_eq!(&fired, &whole);
        let mut frame = next_boundary(Beats(start - START_SLACK_BEATS));
        for (idx, pair) in fired.chunks(2).enumerate() {
            let at = |place: Beats| ((place.0 - start) * 60.0 * SAMPLE_RATE / bpm).max(0.0);
            let (sample, moment) = pair[0];
            prop_assert_eq!(moment, Moment::Starts { frame, ordinal: idx as i64 });
            prop_assert!((sample as f64 - at(frame.starts())).abs() < 1.01 && sample as f64 > at(frame.starts()) - 0.01);
            if let Some((sample, moment)) = pair.get(1) {
                prop_assert_eq!(*moment, Moment::Closes { frame, ordinal: idx as i64 });
                prop_assert!((*sample as f64 - at(frame.closes())).abs() < 1.01);
            }
            frame = frame.plus(1);
        }
    }

    #[test]
    fn a_host_that_rounds_starts_each_frame_once(bpm in 40.0..300.0f64, size in 16..2048u32) {
        let rounded = |sample: i64| (sample as f64 * bpm / 60.0 / SAMPLE_RATE * 1920.0).round() / 1920.0;
        let (fired, begun) = play(&[size], 400_000, rounded, bpm, None);
        prop_assert_eq!(begun, 1);
        let starts: Vec<(i64, Frame)> = fired.iter().filter_map(|(at, moment)| match moment {
            Moment::Starts { frame, .. } => Some((*at, *frame)),
            _ => None,
        }).collect();
        for (idx, (at, frame)) in starts.iter().enumerate() {
            prop_assert_eq!(frame.0, idx as i64);
            let ideal = frame.starts().0 * 60.0 * SAMPLE_RATE / bpm;
            let beat = 60.0 * SAMPLE_RATE / bpm;
            prop_assert!((*at as f64 - ideal).abs() < beat / 960.0 + 2.0, "frame {} at {at}, ideally {ideal}", frame.0);
        }
    }

    #[test]
    fn loops_wrap_at_the_same_sample_in_any_blocks(
        sizes in proptest::collection::vec(1..5000u32, 1..12),
        start in 0..8i64,
        len in 1..16i64,
    ) {
        let bpm = 120.0;
        let (start, end) = (start as f64 / 4.0, (start + len) as f64 / 4.0);
        let cycle = Some(Cycle { start: Beats(start), end: Beats(end) });
        let place = |sample: i64| start + (sample as f64 / 24_000.0).rem_euclid(end - start);
        let (fired, begun) = play(&sizes, 300_000, place, bpm, cycle);
        prop_assert_eq!(begun, 1);
        let starts = fired.iter().filter(|(_, moment)| matches!(moment, Moment::Starts { .. }));
        for (idx, (at, moment)) in starts.enumerate() {
            let frame = Frame((start * 4.0) as i64 + idx as i64 % len);
            prop_assert_eq!((*at, *moment), (idx as i64 * 6000, Moment::Starts { frame, ordinal: idx as i64 }));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_loop_at_any_tempo_of_a_host_that_rounds_or_not_is_one_epoch(
        bpm in 60.0..200.0f64,
        size in 32..1500u32,
        rounds in proptest::bool::ANY,
        end_ticks in 3650..4320u32,
    ) {
        // Loops end on ticks: a frame that would last less than a sample may be left out.
        let end = f64::from(end_ticks) / 480.0;
        let cycle = Some(Cycle { start: Beats(4.0), end: Beats(end) });
        let place = |sample: i64| {
            let straight = 4.0 + sample as f64 * bpm / 60.0 / SAMPLE_RATE;
            let place = 4.0 + (straight - 4.0).rem_euclid(end - 4.0);
            if rounds { (place * 1920.0).round() / 1920.0 } else { place }
        };
        let (fired, begun) = play(&[size], 1_500_000, place, bpm, cycle);
        prop_assert_eq!(begun, 1);
        // In every pass each frame of the loop starts once, in order.
        let last = ((end - START_SLACK_BEATS) * 4.0).ceil() as i64 - 1;
        let mut expected = 16;
        for (_, moment) in &fired {
            if let Moment::Starts { frame, .. } = moment {
                prop_assert_eq!(frame.0, expected);
                expected = if frame.0 == last { 16 } else { frame.0 + 1 };
            }
        }
    }
}

#[test]
fn a_clock_a_hair_from_the_loops_end_at_a_blocks_head_turns_there() {
    // Found by the property above: the loop's end fell within a rounding of a block's first sample, and a frame
    // beyond the loop was started.
    let (bpm, end) = (158.330_684_666_432_6, 8.695_726_855_986_202);
    let cycle = Some(Cycle { start: Beats(4.0), end: Beats(end) });
    let place = |sample: i64| 4.0 + (sample as f64 * bpm / 60.0 / SAMPLE_RATE).rem_euclid(end - 4.0);
    let (fired, begun) = play(&[1228], 1_500_000, place, bpm, cycle);
    let beyond = |moment: &Moment| matches!(moment, Moment::Starts { frame, .. } if frame.0 > 34);
    assert!(begun == 1 && !fired.iter().any(|(_, moment)| beyond(moment)));
}

#[test]
fn a_wrap_at_a_blocks_head_knows_the_frame_it_leads_to() {
    // The loop ends in the middle of an open frame, at a block's first sample.
    let cycle = Some(Cycle { start: Beats(0.0), end: Beats(4.1) });
    let mut playhead = Playhead::default();
    let samples = (4.1 * 24_000.0) as u32;
    let mut fired = Fired::new();
    step(&mut playhead, &block(Transport { cycle, ..transport(0.0, 120.0) }, samples), &mut fired);
    let wrapped = playhead.begin_block(&block(Transport { cycle, ..transport(0.0, 120.0) }, 512));
    assert!(playhead.open_frame().is_some() && wrapped == Change::Wraps);
    let coming = playhead.coming_after_wrap().unwrap();
    assert_eq!((coming.frame, coming.cut), (Frame(0), true));
}

#[test]
fn a_tempo_change_is_no_jump() {
    let (mut playhead, mut fired, mut place) = (Playhead::default(), Fired::new(), 0.0);
    let mut begun = 0;
    for idx in 0..400 {
        // The host changes tempo in the middle of blocks and says so at the next.
        let (before, after) = (60.0 + f64::from(idx), 60.0 + f64::from(idx + 1));
        let change = step(&mut playhead, &block(transport(place, before), 512), &mut fired);
        begun += u32::from(change == Change::Begins);
        place += (before + after) / 2.0 * 512.0 / 60.0 / SAMPLE_RATE;
    }
    assert_eq!(begun, 1);
    let starts = fired.iter().filter(|(_, moment)| matches!(moment, Moment::Starts { .. })).count();
    assert_eq!(starts as f64, (place * 4.0).floor() + 1.0);
}

#[test]
fn a_seek_begins_an_epoch_and_a_stop_ends_it() {
    let (mut playhead, mut fired) = (Playhead::default(), Fired::new());
    let changes = [
        (transport(0.0, 120.0), Change::Begins),
        (transport(512.0 / 24_000.0, 120.0), Change::None),
        (transport(9.0, 120.0), Change::Begins),
        (transport(0.0, 120.0), Change::Begins),
        (Transport { playing: false, ..transport(1.0, 120.0) }, Change::Ends),
        (Transport { playing: false, ..transport(1.0, 120.0) }, Change::None),
        (transport(0.5, 120.0), Change::Begins),
        (Transport { tempo_bpm: Some(f64::NAN), ..transport(0.6, 120.0) }, Change::Ends),
    ];
    for (transport, expected) in changes {
        assert_eq!(step(&mut playhead, &block(transport, 512), &mut fired), expected, "{transport:?}");
    }
}

#[test]
fn madness_is_no_harm() {
    let mad =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300, -1e300, f64::MIN_POSITIVE, 1e8, 999.0];
    for first in mad {
        for second in mad {
            let (mut playhead, mut fired) = (Playhead::default(), Fired::new());
            let cycle = Some(Cycle { start: Beats(first), end: Beats(second) });
            for place in [Some(first), None, Some(second), Some(0.0)] {
                for bpm in [Some(second), None, Some(120.0), Some(first)] {
                    for (num_samples, sample_rate) in [(0, 48_000.0), (512, first), (4096, 48_000.0)] {
                        let transport = Transport {
                            position: place.map(Beats),
                            tempo_bpm: bpm,
                            bar_start: Some(Beats(second)),
                            cycle,
                            ..transport(0.0, 120.0)
                        };
                        let block = Block { sample_rate, ..block(transport, num_samples) };
                        fired.clear();
                        step(&mut playhead, &block, &mut fired);
                        assert!(fired.len() < 10_000);
                        let _ = playhead.coming();
                    }
                }
            }
        }
    }
}

#[test]
fn without_a_place_the_clock_runs_by_itself() {
    let (mut playhead, mut fired) = (Playhead::default(), Fired::new());
    for _ in 0..100 {
        let transport = Transport { position: None, ..transport(0.0, 120.0) };
        step(&mut playhead, &block(transport, 480), &mut fired);
    }
    let starts: Vec<i64> = fired
        .iter()
        .filter(|(_, moment)| matches!(moment, Moment::Starts { .. }))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(starts, (0..8).map(|frame| frame * 6000).collect::<Vec<_>>());
}

#[test]
fn the_coming_frame_knows_its_loop() {
    let mut playhead = Playhead::default();
    let cycle = Some(Cycle { start: Beats(4.0), end: Beats(8.0) });
    playhead.begin_block(&block(Transport { cycle, ..transport(7.75, 120.0) }, 1));
    playhead.pass(0);
    let coming = playhead.coming().unwrap();
    assert_eq!(
        (coming.frame, coming.cut, coming.phase),
        (Frame(16), true, BarPhase::At { position: 0, length: 16 })
    );
    let turn = Turn { last: Frame(31), first: Frame(16), first_phase: coming.phase };
    assert_eq!(coming.turn, Some(turn));
}

#[test]
fn a_loop_of_one_frame_turns_in_blocks_of_one_sample() {
    let cycle = Some(Cycle { start: Beats(0.0), end: Beats(0.25) });
    let (fired, begun) = play(&[1], 20_000, |sample| (sample % 6000) as f64 / 24_000.0, 120.0, cycle);
    let starts = fired.iter().filter(|(_, moment)| matches!(moment, Moment::Starts { frame: Frame(0), .. }));
    assert_eq!((starts.map(|(at, _)| *at).collect::<Vec<_>>(), begun), (vec![0, 6000, 12_000, 18_000], 1));
}

#[test]
fn who_goes_back_by_a_loops_length_from_elsewhere_than_its_end_has_sought() {
    // (the loop, from, to, what that is)
    let cases = [
        ((0.0, 16.0), 16.0, 0.0, Change::Wraps),
        ((0.0, 16.0), 20.0, 4.0, Change::Begins),
        ((0.0, 16.0), 52.0, 36.0, Change::Begins),
        ((64.0, 80.0), 52.0, 36.0, Change::Begins),
    ];
    for ((start, end), from, to, expected) in cases {
        let cycle = Some(Cycle { start: Beats(start), end: Beats(end) });
        let (mut playhead, mut fired) = (Playhead::default(), Fired::new());
        // The loop is switched on only now, so that it is the host alone who turns back.
        step(&mut playhead, &block(transport(from - 1.0, 120.0), 24_000), &mut fired);
        fired.clear();
        let back = block(Transport { cycle, ..transport(to, 120.0) }, 512);
        assert_eq!(step(&mut playhead, &back, &mut fired), expected, "{from} to {to}");
        let frame = Frame((to * 4.0) as i64);
        let starts = |(_, moment): &&(i64, Moment)| matches!(moment, Moment::Starts { .. });
        let began: Vec<_> = fired.iter().filter(starts).collect();
        assert!(
            matches!(began[..], [(24_000, Moment::Starts { frame: begun, .. })] if *begun == frame),
            "{fired:?}"
        );
    }
}

#[test]
fn a_sudden_tempo_is_followed_though_the_block_before_came_in_pieces() {
    let (mut playhead, mut fired) = (Playhead::default(), Fired::new());
    let beat = |samples: f64, bpm: f64| samples * bpm / 60.0 / SAMPLE_RATE;
    // The host's block of 1024: another tempo from its sample 100 on, which it tells with the next; and a cut near its end.
    step(&mut playhead, &block(transport(0.0, 120.0), 1024), &mut fired);
    step(&mut playhead, &block(transport(beat(1024.0, 120.0), 120.0), 1000), &mut fired);
    step(&mut playhead, &block(transport(beat(2024.0, 120.0), 120.0), 24), &mut fired);
    let place = beat(1124.0, 120.0) + beat(924.0, 140.0);
    let change = step(&mut playhead, &block(transport(place, 140.0), 1024), &mut fired);
    assert_eq!(change, Change::None);
    assert!((playhead.place_at(0).expect("it runs").0 - place - beat(1024.0, 140.0)).abs() < 1e-9);
}
