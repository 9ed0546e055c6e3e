//! How often the player's switches were pressed: counted where their parameters change, so that a press is seen however
//! soon it ends, by a pad, by automation or by a hand. Audio, host main and GUI threads; a few atomics.

use crate::audio::block::Presses;
use nice_plug::prelude::BoolParam;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The counts, wrapping.
#[derive(Debug, Default)]
pub struct Counters {
    hold: AtomicU32,
    mute: AtomicU32,
    next: AtomicU32,
    reroll: AtomicU32,
    undo: AtomicU32,
    panic: AtomicU32,
}

impl Counters {
    /// The counts as they stand.
    pub fn now(&self) -> Presses {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Presses {
            hold: count(&self.hold),
            mute: count(&self.mute),
            next: count(&self.next),
            reroll: count(&self.reroll),
            undo: count(&self.undo),
            panic: count(&self.panic),
        }
    }

    /// The parameters of the switches: hold, mute, next, re-roll, undo, panic.
    pub fn params(self: &Arc<Self>) -> [BoolParam; 6] {
        [
            self.param("Hold", |counters| &counters.hold),
            self.param("Mute", |counters| &counters.mute),
            self.param("Next now", |counters| &counters.next),
            self.param("Re-roll", |counters| &counters.reroll),
            self.param("Undo re-roll", |counters| &counters.undo),
            self.param("Panic", |counters| &counters.panic),
        ]
    }

    fn param(self: &Arc<Self>, name: &str, counter: fn(&Self) -> &AtomicU32) -> BoolParam {
        let counters = self.clone();
        // The framework calls this where the value changes, and only there.
        BoolParam::new(name, false).with_callback(Arc::new(move |is_down| {
            counter(&counters).fetch_add(u32::from(is_down), Ordering::Relaxed);
        }))
    }
}
