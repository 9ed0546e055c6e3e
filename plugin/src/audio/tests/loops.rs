//! What a loop's wrap does to what sounds, and what is nudged around it.

use super::*;

/// Samples of a loop of one beat.
const PASS: i64 = 4 * SAMPLES_A_FRAME as i64;

/// A stage in a loop of one beat that has played chord 0 from frame 2 and is told to hold it; `last` samples of the
/// first pass are left.
fn looping(last: u32) -> Stage {
    let mut stage = Stage::new();
    stage.block.transport.cycle = Some(block::Cycle { start: Beats(0.0), end: Beats(1.0) });
    stage.run(1);
    stage.plan(2, chord(0));
    stage.plan(3, ChordFrame::Hold);
    stage.run(PASS as u32 - 1 - last);
    stage
}

/// Goes on into the second pass, whose first frame is planned so; the host turns within a block or at a block's head.
fn turn(stage: &mut Stage, last: u32, first: Option<ChordFrame>) {
    if let Some(chord) = first {
        let (epoch, standing) = (stage.audio.epoch, Standing::Committed);
        stage.worker.plan(Planned { epoch, ordinal: 4, frame: Frame(0), chord, held: None, standing });
    }
    if last > 0 {
        stage.run(last + 100);
        stage.block.transport.position = Some(Beats(100.0 / 24_000.0));
    } else {
        stage.block.transport.position = Some(Beats(0.0));
    }
    // The frame closes, and the next does not start.
    stage.run(SAMPLES_A_FRAME - 200);
}

fn told(stage: &mut Stage, ordinal: i64) -> ChordFrame {
    stage.heard().iter().find(|heard| heard.ordinal == ordinal).expect("it has closed").played
}

#[test]
fn a_chord_that_is_held_is_struck_again_with_the_loops_first_frame() {
    for last in [0, 50] {
        for first in [Some(ChordFrame::Silence), Some(chord(7)), Some(ChordFrame::Hold), None] {
            let mut stage = looping(last);
            stage.switch(Switches { hold: true, ..Switches::default() });
            turn(&mut stage, last, first);
            let ons = [vec![2 * i64::from(SAMPLES_A_FRAME); 3], vec![PASS; 3]].concat();
            assert_eq!((stage.starts(0), stage.ends(0)), (ons, vec![PASS; 3]), "{first:?}, {last}");
            assert_eq!(told(&mut stage, 4), chord(0), "{first:?}, {last}");
            assert_eq!(stage.audio.num_late(), u32::from(first.is_none()));
        }
    }
}

#[test]
fn where_the_first_chord_of_a_pass_is_late_the_last_is_struck_again() {
    for last in [0, 50] {
        let mut stage = looping(last);
        turn(&mut stage, last, None);
        assert_eq!(stage.audio.num_late(), 1);
        assert_eq!((stage.ends(0), stage.starts(0)[3..].to_vec()), (vec![PASS; 3], vec![PASS; 3]), "{last}");
        assert_eq!(told(&mut stage, 4), chord(0));
        // The late chord itself is not played any more.
        let epoch = stage.audio.epoch;
        let late = Planned {
            epoch,
            ordinal: 4,
            frame: Frame(0),
            chord: chord(7),
            held: None,
            standing: Standing::Committed,
        };
        stage.worker.plan(late);
        stage.run(SAMPLES_A_FRAME);
        assert_eq!(stage.starts(0).len(), 6);
    }
}

#[test]
fn a_wrap_is_silent_where_silence_is_planned_or_nobody_plans() {
    let mut stage = looping(0);
    turn(&mut stage, 0, Some(ChordFrame::Silence));
    assert_eq!((stage.num_sounding(), told(&mut stage, 4)), (0, ChordFrame::Silence));
    let mut stage = looping(0);
    stage.audio.links.health.set_worker(WorkerState::Dead);
    turn(&mut stage, 0, None);
    assert_eq!((stage.num_sounding(), told(&mut stage, 4)), (0, ChordFrame::Silence));
}

#[test]
fn what_is_nudged_towards_a_loops_end_sounds_before_it_and_in_order() {
    // Frames of 3000 samples, nudged by 4800: by half of what is left, so that the last two sound too.
    for size in [1, 64, 700, 20_000] {
        let mut stage = Stage::new();
        (stage.block.transport.tempo_bpm, stage.block.transport.position) = (Some(240.0), None);
        stage.block.transport.cycle = Some(block::Cycle { start: Beats(0.0), end: Beats(1.0) });
        stage.block.settings.comping.nudge_ms = 100.0;
        stage.run(1);
        stage.plan(1, ChordFrame::Silence);
        stage.plan(2, chord(0));
        stage.plan(3, chord(5));
        while stage.now < 12_100 {
            stage.run(size);
        }
        let starts: Vec<i64> = stage.starts(0).into_iter().filter(|at| *at < 12_000).collect();
        assert_eq!(starts, [[9_000; 3], [10_500; 3]].concat(), "blocks of {size}");
        assert_eq!(stage.ends(0)[..6], [[10_500; 3], [12_000; 3]].concat(), "blocks of {size}");
    }
}

#[test]
fn the_first_chord_of_a_pass_is_never_early_because_the_wrap_would_end_it() {
    let mut stage = looping(50);
    stage.block.settings.comping.nudge_ms = -30.0;
    turn(&mut stage, 50, Some(chord(7)));
    assert_eq!((stage.ends(0), stage.starts(0)[3..].to_vec()), (vec![PASS; 3], vec![PASS; 3]));
}
