//! How often the editor is told: where something has changed, and while time goes on, but never without a reason.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts how often whoever draws is woken.
fn counted(stage: &Stage) -> Arc<AtomicU32> {
    let num = Arc::new(AtomicU32::new(0));
    let counts = num.clone();
    stage.audio.links.health.wake_by(move || {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    num
}

#[test]
fn nobody_is_woken_while_the_host_stands_still_and_nothing_is_played() {
    let mut stage = Stage::new();
    stage.block.transport.playing = false;
    stage.run(64);
    let woken = counted(&stage);
    (0..2000).for_each(|_| stage.run(64));
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    // A key that goes down is seen, once; that it stays down is nothing new.
    stage.press(0, 60);
    (0..2000).for_each(|_| stage.run(64));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[test]
fn after_a_reset_all_is_told_to_stand_still_though_no_block_comes() {
    let mut stage = Stage::new();
    let chord = Chord::new(PitchClass::new(0), Quality::MAJOR);
    stage.press(0, 72);
    stage.run(64);
    stage.plan(1, ChordFrame::Onset(chord));
    stage.plan(2, ChordFrame::Onset(chord.over(PitchClass::new(7))));
    stage.run(SAMPLES_A_FRAME);
    let health = stage.audio.links.health.clone();
    assert!(health.now() == Some(chord) && health.coming().is_some());
    let shown = stage.editor.snapshots.read();
    assert!(shown.glance.stage == crate::audio::Stage::Playing && shown.tempo_bpm.is_some());
    stage.audio.reset();
    assert_eq!((health.now(), health.coming()), (None, None));
    let shown = stage.editor.snapshots.read();
    let glance = shown.glance;
    assert_eq!(
        (glance.stage, glance.now, glance.leading, glance.melody, glance.keys),
        (crate::audio::Stage::Waiting, None, None, 0, Keys::default())
    );
    assert_eq!((shown.place, shown.tempo_bpm, shown.open, shown.planned()), (None, None, None, &[][..]));
    // It plays on as from the beginning.
    stage.run(64);
    assert_eq!(stage.editor.snapshots.read().tempo_bpm, Some(120.0));
}

#[test]
fn chords_are_told_to_be_silent_wherever_no_part_goes_out() {
    let bass_alone = |bass| {
        let mut settings = Settings { parts: block::Parts::BassOnly, ..Settings::default() };
        settings.arrangement.bass = bass;
        settings
    };
    for (settings, is_silent) in [
        (Settings::default(), false),
        (Settings { pass: Pass::MelodyOnly, ..Settings::default() }, true),
        (bass_alone(Bass::Root), false),
        (bass_alone(Bass::Off), true),
    ] {
        let mut stage = Stage::new();
        stage.block.settings = settings;
        stage.run(64);
        assert_eq!(stage.editor.snapshots.read().glance.silent, is_silent, "{settings:?}");
    }
}

#[test]
fn while_time_goes_on_the_editor_is_woken_sixty_times_a_second_at_most() {
    for size in [16, 64, 480, 4800] {
        let mut stage = Stage::new();
        stage.run(size);
        let woken = counted(&stage);
        let num_blocks = 48_000 / size;
        (0..num_blocks).for_each(|_| stage.run(size));
        let woken = woken.load(Ordering::Relaxed);
        assert!((1..=60.min(num_blocks)).contains(&woken), "blocks of {size}: {woken} times");
    }
}
