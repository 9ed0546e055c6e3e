//! What was heard of late, and a planner that is told of it again: after an engine has failed, after a stretch in which
//! the model was not asked, and before a newly opened model takes over. Worker thread.

use super::{
    history::History,
    model::{ChordModel, ModelError},
    planner::{Planner, Sink},
};
use crate::links::{Heard, Planned, Rules, ToWorker};
use music::{
    harmony::ChordFrame, melody::MelodyFrame, meter::BarPhase, sampling::Sampling, vocab::CONTEXT_FRAMES,
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// Messages kept: twice what the model sees.
const MOST_MESSAGES: usize = 2 * CONTEXT_FRAMES;
/// How long telling a planner again may take while chords are missed: half a beat at 120 BPM.
const PATIENCE: Duration = Duration::from_millis(250);
/// What is told again however slow the model is: a bar.
const LEAST_FRAMES: usize = 16;
/// More messages than any queue holds: with these waiting, nothing is planned that need not be.
const MANY: usize = 1 << 20;

/// The last messages, numbered since the worker began.
#[derive(Debug, Default)]
pub struct Recent {
    messages: VecDeque<ToWorker>,
    forgotten: u64,
}

impl Recent {
    /// Takes in the newest.
    pub fn push(&mut self, message: ToWorker) {
        if self.messages.len() == MOST_MESSAGES {
            self.messages.pop_front();
            self.forgotten += 1;
        }
        self.messages.push_back(message);
    }

    /// The number that the next message will have.
    pub fn next(&self) -> u64 {
        self.forgotten + self.messages.len() as u64
    }

    /// The message of a number.
    pub fn at(&self, number: u64) -> Option<&ToWorker> {
        self.messages.get(usize::try_from(number.checked_sub(self.forgotten)?).ok()?)
    }

    /// The message of a number for a model that is told again from number `from` on.
    pub fn again(&self, number: u64, from: u64) -> Option<ToWorker> {
        if number == from { self.first(number) } else { self.at(number).copied() }
    }

    /// The message of a number as the first that a model is told: what goes on in it begins in it.
    fn first(&self, number: u64) -> Option<ToWorker> {
        let ToWorker::Heard(mut heard) = *self.at(number)? else { return self.at(number).copied() };
        let before = || {
            let told = (self.forgotten..number).rev().filter_map(|number| self.at(number));
            told.map_while(|message| match message {
                ToWorker::Heard(earlier) => (earlier.epoch == heard.epoch).then_some(Some(earlier)),
                ToWorker::Again { .. } => Some(None),
                ToWorker::Begin { .. } => None,
            })
            .flatten()
        };
        let chord = before().map(|heard| heard.played).find(|played| *played != ChordFrame::Hold);
        let melody = before().map(|heard| heard.melody).find(|melody| *melody != MelodyFrame::Hold);
        if heard.played == ChordFrame::Hold {
            heard.played = chord.unwrap_or(heard.played);
        }
        if heard.melody == MelodyFrame::Hold {
            heard.melody = melody.unwrap_or(heard.melody);
        }
        Some(ToWorker::Heard(heard))
    }

    /// The number of the message from which to tell a model again, so that its history is full.
    pub fn from_full(&self) -> u64 {
        self.from(CONTEXT_FRAMES)
    }

    /// The same where there is little time and a frame costs `frame_ms`.
    pub fn from_in_time(&self, frame_ms: f64) -> u64 {
        let frames = (PATIENCE.as_secs_f64() * 1000.0 / frame_ms.max(0.01)) as usize;
        self.from(frames.clamp(LEAST_FRAMES, CONTEXT_FRAMES))
    }

    fn from(&self, frames: usize) -> u64 {
        self.forgotten + self.messages.len().saturating_sub(frames) as u64
    }
}

/// A model and what it was told.
pub struct Player {
    model: Box<dyn ChordModel>,
    sampling: Sampling,
    planner: Planner,
}

impl Player {
    /// A model that was told nothing.
    pub fn new(model: Box<dyn ChordModel>, sampling: Sampling) -> Self {
        let planner = Planner::new(History::new(model.dims()), sampling);
        Self { model, sampling, planner }
    }

    /// Takes in a message and plans.
    ///
    /// # Errors
    /// What the engine says, or why it panicked. What was told before is then lost.
    pub fn take(&mut self, message: &ToWorker, sink: &mut dyn Sink) -> Result<(), String> {
        let Self { model, planner, .. } = self;
        guarded(|| planner.take(model.as_mut(), message, sink))
    }

    /// Takes in a message of before: nothing that follows from it is heard.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_again(&mut self, message: &ToWorker) -> Result<(), String> {
        let quietly = |rules: Rules| Rules { commit: 1, look_ahead: 0, offline: false, ..rules };
        let message = match *message {
            ToWorker::Begin { epoch, coming, rules, seek } => {
                ToWorker::Begin { epoch, coming, rules: quietly(rules), seek }
            }
            ToWorker::Heard(heard) => ToWorker::Heard(Heard { rules: quietly(heard.rules), ..heard }),
            ToWorker::Again { .. } => return Ok(()),
        };
        self.take(&message, &mut Nobody)
    }

    /// Whether the engine answers at all. What was told before is forgotten.
    pub fn is_well(&mut self) -> bool {
        let mut history = History::new(self.model.dims());
        guarded(|| history.begin(self.model.as_mut(), BarPhase::Unknown)).is_ok()
    }

    /// Begins anew: is told the messages from number `from` on again, and plans from the last. What stood stands.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn recover(&mut self, recent: &Recent, from: u64, sink: &mut dyn Sink) -> Result<(), String> {
        let fresh = Planner::new(History::new(self.model.dims()), self.sampling);
        let stood = std::mem::replace(&mut self.planner, fresh);
        let last = recent.next().saturating_sub(1);
        if let Err(why) = self.retell(recent, from, last) {
            self.planner = stood;
            return Err(why);
        }
        self.planner.go_on_from(&stood);
        recent.at(last).map_or(Ok(()), |message| self.take(message, sink))
    }

    /// Is told the messages from one number to before another again.
    fn retell(&mut self, recent: &Recent, from: u64, to: u64) -> Result<(), String> {
        for number in from..to {
            recent.again(number, from).map_or(Ok(()), |message| self.take_again(&message))?;
        }
        Ok(())
    }

    /// Goes on where another model's planner stops: what that has promised stands.
    pub fn go_on_from(&mut self, before: &Self) {
        self.planner.go_on_from(&before.planner);
    }
}

/// Runs what may panic.
pub fn guarded<T>(act: impl FnOnce() -> Result<T, ModelError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("the worker has failed: {}", said.unwrap_or("for no stated reason")))
        }
    }
}

/// A sink for what nobody waits for.
struct Nobody;

impl Sink for Nobody {
    fn plan(&mut self, _planned: Planned) {}

    fn num_waiting(&self) -> usize {
        MANY
    }

    fn committed(&mut self, _is_news: bool) {}
}
