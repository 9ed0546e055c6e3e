//! From frames heard to chords planned. Hearing frame h extends the committed stretch to frame h + commit; what the
//! model needs to know of the melody between, it imagines; frames up to the look-ahead are drafts. Worker thread.
//!
//! Everything that is drawn is a function of the messages and the seed: not of time, nor of how often we asked.
//! While the model listens it draws for itself, inaudibly, so that it enters with a context of its own. Before the
//! first note nothing is played. The first chord enters on a beat that the change grid allows.

use super::{
    history::History,
    model::{ChordModel, ModelError},
    rules::{self, Legal},
};
use crate::links::{Coming, Epoch, Heard, Planned, Rules, Standing, ToWorker};
use music::{
    harmony::ChordFrame,
    melody::MelodyFrame,
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{ChordToken, MelodyToken},
};
use std::collections::VecDeque;

/// Where plans go, and what else the planner must know of the world.
pub trait Sink {
    /// Sends a plan.
    fn plan(&mut self, planned: Planned);
    /// Messages that wait.
    fn num_waiting(&self) -> usize;
    /// Everything is committed that this message commits.
    fn committed(&mut self);
}

/// A chord that stands.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    ordinal: i64,
    coming: Coming,
    token: ChordToken,
    standing: Standing,
}

/// Plans chords for one instance.
pub struct Planner {
    history: History,
    sampling: Sampling,
    epoch: Option<Epoch>,
    /// The next frame to be heard.
    next_heard: i64,
    /// Whether a note was heard in this epoch.
    heard_note: bool,
    /// Whether the first audible chord is committed.
    entered: bool,
    /// Frames not yet heard whose chord stands, in order.
    stands: VecDeque<Drawn>,
}

impl Planner {
    /// A planner with nothing heard. `sampling` is what the model is meant to be sampled with.
    pub fn new(history: History, sampling: Sampling) -> Self {
        Self {
            history,
            sampling,
            epoch: None,
            next_heard: 0,
            heard_note: false,
            entered: false,
            stands: VecDeque::new(),
        }
    }

    /// Takes in a message and plans.
    ///
    /// # Errors
    /// What the engine says.
    pub fn take(
        &mut self,
        model: &mut dyn ChordModel,
        message: &ToWorker,
        sink: &mut dyn Sink,
    ) -> Result<(), ModelError> {
        match message {
            ToWorker::Begin { epoch, coming, rules } => {
                self.begin(model, *epoch, *coming, 0)?;
                self.extend(model, *coming, rules, sink)
            }
            ToWorker::Heard(heard) => self.hear(model, heard, sink),
        }
    }

    /// The history, for tests.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn begin(
        &mut self,
        model: &mut dyn ChordModel,
        epoch: Epoch,
        coming: Coming,
        ordinal: i64,
    ) -> Result<(), ModelError> {
        self.epoch = Some(epoch);
        self.next_heard = ordinal;
        self.heard_note = false;
        self.entered = false;
        self.stands.clear();
        self.history.begin(model, coming.phase)
    }

    fn hear(
        &mut self,
        model: &mut dyn ChordModel,
        heard: &Heard,
        sink: &mut dyn Sink,
    ) -> Result<(), ModelError> {
        if self.epoch != Some(heard.epoch) || self.next_heard != heard.ordinal {
            // Messages were lost: what is left of the history would be a lie.
            let here = Coming { frame: heard.frame, ..heard.coming };
            self.begin(model, heard.epoch, here, heard.ordinal)?;
        }
        let mut token = ChordToken::of(heard.played);
        while self.stands.front().is_some_and(|drawn| drawn.ordinal <= heard.ordinal) {
            if let Some(drawn) = self.stands.pop_front().filter(|drawn| drawn.ordinal == heard.ordinal)
                && drawn.standing == Standing::Listening
            {
                token = drawn.token;
            }
        }
        if token == ChordToken::HOLD && !self.history.last_chord().may_precede(token) {
            token = ChordToken::SILENCE;
        }
        self.heard_note |= matches!(heard.melody, MelodyFrame::Onset(_));
        let mut melody = MelodyToken::of(heard.melody);
        if !self.history.last_melody().may_precede(melody) {
            melody = MelodyToken::REST;
        }
        self.history.hear(model, token, melody, heard.coming.phase)?;
        self.next_heard = heard.ordinal + 1;
        // The host may have turned back elsewhere than we were told.
        if self.stands.front().is_some_and(|drawn| drawn.coming.frame != heard.coming.frame) {
            self.stands.clear();
        }
        // Were the last frame to commit now already over, it would only make us later. Nothing is over while we listen:
        // what is drawn then is for ourselves.
        let overdue = self.entered && !heard.rules.offline && sink.num_waiting() as i64 >= heard.rules.commit;
        if overdue { Ok(()) } else { self.extend(model, heard.coming, &heard.rules, sink) }
    }

    /// Commits and drafts from the frame that comes next.
    fn extend(
        &mut self,
        model: &mut dyn ChordModel,
        coming: Coming,
        rules: &Rules,
        sink: &mut dyn Sink,
    ) -> Result<(), ModelError> {
        let planned = self.plan_on(model, coming, rules, sink);
        self.history.undo();
        planned
    }

    fn plan_on(
        &mut self,
        model: &mut dyn ChordModel,
        coming: Coming,
        rules: &Rules,
        sink: &mut dyn Sink,
    ) -> Result<(), ModelError> {
        let (mut ordinal, mut coming) = (self.next_heard, coming);
        let last_commit = self.next_heard + rules.commit.max(1) - 1;
        let last_draft = if rules.offline { last_commit } else { self.next_heard + rules.look_ahead - 1 };
        let mut entered = self.entered;
        loop {
            let standing = self.stands.iter().find(|drawn| drawn.ordinal == ordinal).copied();
            let token = match standing {
                Some(drawn) => drawn.token,
                None => {
                    let (token, standing) = self.draw(ordinal, coming, rules, &mut entered);
                    self.settle(ordinal, coming, token, standing, ordinal <= last_commit, sink);
                    token
                }
            };
            if ordinal == last_commit {
                self.entered = entered;
                sink.committed();
            }
            let done = ordinal >= last_commit.max(last_draft);
            if done || (ordinal >= last_commit && sink.num_waiting() > 0) {
                return Ok(());
            }
            let melody = self.imagine_melody(coming, rules);
            let next = rules::after(coming);
            self.history.imagine(model, token, melody, next.phase)?;
            (ordinal, coming) = (ordinal + 1, next);
        }
    }

    /// The chord of a frame, and whether it is to be heard.
    fn draw(
        &self,
        ordinal: i64,
        coming: Coming,
        rules: &Rules,
        entered: &mut bool,
    ) -> (ChordToken, Standing) {
        if !self.heard_note {
            return (ChordToken::SILENCE, Standing::Listening);
        }
        let on_grid = rules.grid.allows(coming.frame, coming.phase);
        let may_enter = ordinal >= rules.listen && on_grid && rules::is_on_beat(coming.frame, coming.phase);
        let legal = match (*entered, may_enter) {
            (false, true) => Legal::OnsetOnly,
            _ if on_grid => Legal::Anything,
            _ => Legal::NoChange,
        };
        *entered |= may_enter;
        let standing = if *entered { Standing::Committed } else { Standing::Listening };
        let last = if coming.cut { ChordToken::SILENCE } else { self.history.last_chord() };
        let fits = |id: usize| ChordToken::from_id(id).is_some_and(|next| legal.allows(last, next));
        let sampling =
            Sampling { temperature: self.sampling.temperature * rules.temperature.max(0.0), ..self.sampling };
        let number = uniform(rules.seed, coming.frame.0, Draw::Chord);
        let drawn =
            draw(&self.history.answer().chord_logits, ChordToken::FIRST_ONSET, fits, sampling, number);
        // A model that answers with no number at all goes on as it was.
        let token = drawn.and_then(ChordToken::from_id).unwrap_or_else(|| {
            if last.may_precede(ChordToken::HOLD) { ChordToken::HOLD } else { ChordToken::SILENCE }
        });
        (token, standing)
    }

    fn settle(
        &mut self,
        ordinal: i64,
        coming: Coming,
        token: ChordToken,
        standing: Standing,
        commits: bool,
        sink: &mut dyn Sink,
    ) {
        if commits {
            self.stands.push_back(Drawn { ordinal, coming, token, standing });
        }
        let chord = if standing == Standing::Listening { ChordFrame::Silence } else { token.frame() };
        let standing = if commits { standing } else { Standing::Draft };
        let Some(epoch) = self.epoch else { return };
        sink.plan(Planned { epoch, ordinal, frame: coming.frame, chord, standing });
    }

    fn imagine_melody(&self, coming: Coming, rules: &Rules) -> MelodyToken {
        let last = self.history.last_melody();
        let fits = |id: usize| MelodyToken::from_id(id).is_some_and(|next| last.may_precede(next));
        let number = uniform(rules.seed, coming.frame.0, Draw::Melody);
        let drawn =
            draw(&self.history.answer().melody_logits, MelodyToken::FIRST_ONSET, fits, self.sampling, number);
        drawn.and_then(MelodyToken::from_id).unwrap_or(MelodyToken::REST)
    }
}
