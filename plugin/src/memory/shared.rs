//! The capture of an instance, and those whose place it took, so that nothing is lost by a preset of the host's, its
//! undo, or a slip of the hand. All threads but the audio thread.

use super::Capture;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The capture of an instance, for all threads but the audio thread.
#[derive(Debug, Default)]
pub struct SharedCapture(Mutex<Held>);

/// How many are kept to be brought back.
pub(super) const MOST_FORMER: usize = 4;

/// What is behind the lock.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub capture: Capture,
    /// Whether it is no longer as a project said: nobody else has it.
    pub is_changed: bool,
    /// Counts the captures that took another's place.
    pub generation: u32,
    /// Those to bring back, the last of them first. They are not saved.
    former: Vec<Capture>,
}

impl Held {
    /// Keeps one to be brought back, if there is something in it; gives back what there is no room for.
    fn keep(&mut self, gone: Capture) -> Option<Capture> {
        if !gone.says_anything() {
            return Some(gone);
        }
        self.former.push(gone);
        (self.former.len() > MOST_FORMER).then(|| self.former.remove(0))
    }
}

impl SharedCapture {
    /// A copy of what is captured now.
    pub fn copy(&self) -> Capture {
        self.with(Capture::clone)
    }

    /// The capture of a project takes the place of this one, which can be brought back. One that a project has said too
    /// is kept only where there is no other: a host that undoes loads many.
    pub fn replace(&self, capture: Capture) {
        let mut held = self.lock();
        let has_changed = std::mem::replace(&mut held.is_changed, false);
        let gone = std::mem::replace(&mut held.capture, capture);
        if gone.is_like(&held.capture) {
            return;
        }
        held.generation = held.generation.wrapping_add(1);
        // What has come back by itself is not to be brought back.
        let (back, former): (Vec<_>, Vec<_>) =
            std::mem::take(&mut held.former).into_iter().partition(|former| former.is_like(&held.capture));
        held.former = former;
        let gone = if has_changed || held.former.is_empty() { held.keep(gone) } else { Some(gone) };
        drop(held);
        // Freed while nobody waits.
        drop((back, gone));
    }

    /// Forgets what lies to hand, as [`Capture::clear_newest`] does; all that was there before can be brought back.
    pub fn clear_newest(&self) {
        let held = &mut *self.lock();
        if held.capture.extent().0 == 0 {
            return;
        }
        drop(held.keep(held.capture.clone()));
        held.capture.clear_newest();
        held.is_changed = true;
        held.generation = held.generation.wrapping_add(1);
    }

    /// Whether there is a capture to bring back.
    pub fn has_former(&self) -> bool {
        !self.lock().former.is_empty()
    }

    /// The capture that was there before comes back, and this one can be brought back in its turn, after all the others.
    pub fn bring_back(&self) {
        let held = &mut *self.lock();
        let Some(former) = held.former.pop() else { return };
        let gone = std::mem::replace(&mut held.capture, former);
        if gone.says_anything() {
            held.former.insert(0, gone);
        }
        held.is_changed = true;
        held.generation = held.generation.wrapping_add(1);
    }

    /// Counts the captures that took another's place.
    pub fn generation(&self) -> u32 {
        self.lock().generation
    }

    /// Looks at the capture. The worker waits meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&Capture) -> T) -> T {
        look(&self.lock().capture)
    }

    /// Lays the other to hand, as [`Capture::turn`] does.
    pub fn turn(&self) {
        self.lock().capture.turn();
    }

    /// Changes the capture. The worker waits meanwhile.
    pub fn change(&self, change: impl FnOnce(&mut Capture)) {
        let held = &mut *self.lock();
        change(&mut held.capture);
        held.is_changed = true;
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
