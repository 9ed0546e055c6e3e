//! When the window is drawn again. Whoever changes what is drawn wakes it; what it asks for by itself is decided here.
//! Pure.

use crate::links::WorkerState;
use std::time::Duration;

/// How often the window looks whether it was woken: so it is not drawn more often than a screen shows.
pub const LOOK: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// How often it is drawn while the worker is about something that it cannot tell when it is over.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long after a drawing the window is drawn again though nobody wakes it; never, where nothing is under way.
pub fn again(worker: WorkerState, has_changed: bool) -> Option<Duration> {
    if has_changed {
        Some(LOOK)
    } else if worker == WorkerState::Loading {
        Some(PATIENCE)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_asks_for_itself_only_while_something_is_under_way() {
        use WorkerState::*;
        for worker in [Asleep, Loading, Ready, NoModel, Dead] {
            let patience = if worker == Loading { Some(PATIENCE) } else { None };
            assert_eq!(again(worker, false), patience, "{worker:?}");
            assert_eq!(again(worker, true), Some(LOOK), "{worker:?}");
        }
        assert!(LOOK.min(PATIENCE) >= Duration::from_millis(16));
    }
}
