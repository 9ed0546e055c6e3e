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
