//! From frames heard to chords planned. Hearing frame h extends the committed stretch to frame h + commit; what the
//! model needs to know of the melody between, it imagines, or recalls from the last pass of a loop; frames up to the
//! look-ahead are drafts. Worker thread.
//!
//! Everything that is drawn is a function of the messages and the seed: not of time, nor of how often we asked.
//! While the model listens it draws for itself, inaudibly, so that it enters with a context of its own. Before the
//! first note nothing is played. The first chord enters on a beat that the change grid allows.

use super::{
    history::History,
    key_finder::KeyFinder,
    loop_memory::LoopMemory,
    model::{ChordModel, ModelError},
    rules::{self, Legal},
};
use crate::links::{Coming, Epoch, Heard, Planned, Rules, Standing, ToWorker};
use music::{
    harmony::ChordFrame,
    key::Key,
    melody::MelodyFrame,
    sampling::{Draw, Sampling, draw, rolled, uniform},
    vocab::{ChordToken, MelodyToken},
};
use std::collections::VecDeque;

/// Where plans go, and what else the planner must know of the world.
pub trait Sink {
    /// Sends a plan.
    fn plan(&mut self, planned: Planned);
    /// Messages that wait.
    fn num_waiting(&self) -> usize;
    /// Everything is committed that this message commits; whether any of it was drawn only now.
    fn committed(&mut self, is_news: bool);
    /// The key heard and how sure that is, 0..=1; told once a frame heard.
    fn hear_key(&mut self, _key: Option<(Key, f32)>) {}
}

/// A chord that stands.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    ordinal: i64,
    coming: Coming,
    token: ChordToken,
    standing: Standing,
}

/// Where planning has come to.
#[derive(Clone, Copy, Debug)]
struct Place {
    ordinal: i64,
    coming: Coming,
    /// The chord that sounds through the frame before: its onset, or silence.
    sounding: ChordToken,
    /// Whether the first audible chord is drawn.
    entered: bool,
    /// Whether the player asks for another chord here.
    forced: bool,
}

/// Plans chords for one instance.
pub struct Planner {
    history: History,
    sampling: Sampling,
    epoch: Option<Epoch>,
    /// The ordinal of the next frame to be heard.
    next_heard: i64,
    /// That frame.
    coming: Option<Coming>,
    /// The chord that sounded through the last frame heard: its onset, or silence.
    sounding: ChordToken,
    /// Whether a note was heard in this epoch.
    heard_note: bool,
    /// Whether the first audible chord is committed.
    entered: bool,
    /// [`Rules::force`] as it was when last obeyed.
    forced: u32,
    /// Frames not yet heard whose chord stands, in order.
    stands: VecDeque<Drawn>,
    loop_memory: LoopMemory,
    key_finder: KeyFinder,
}

impl Planner {
    /// A planner with nothing heard. `sampling` is what the model is meant to be sampled with.
    pub fn new(history: History, sampling: Sampling) -> Self {
        Self {
            history,
            sampling,
            epoch: None,
            next_heard: 0,
            coming: None,
            sounding: ChordToken::SILENCE,
            heard_note: false,
            entered: false,
            forced: 0,
            stands: VecDeque::new(),
            loop_memory: LoopMemory::default(),
            key_finder: KeyFinder::default(),
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
            ToWorker::Begin { epoch, coming, seek, rules } => {
                if !seek {
                    self.key_finder.forget();
                    sink.hear_key(None);
                }
                self.begin(model, *epoch, *coming, 0, rules)?;
                self.extend(model, *coming, rules, sink)
            }
            ToWorker::Again { epoch, rules } => match self.coming {
                Some(coming) if self.epoch == Some(*epoch) => self.extend(model, coming, rules, sink),
                _ => Ok(()),
            },
            ToWorker::Heard(heard) => self.hear(model, heard, sink),
        }
    }

    /// Lets stand what another planner has promised in the same epoch.
    pub fn go_on_from(&mut self, before: &Self) {
        if self.epoch == before.epoch {
            self.stands.clone_from(&before.stands);
            self.entered |= before.entered;
            self.heard_note |= before.heard_note;
            self.forced = before.forced;
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
        rules: &Rules,
    ) -> Result<(), ModelError> {
        self.epoch = Some(epoch);
        self.next_heard = ordinal;
        self.coming = Some(coming);
        self.sounding = ChordToken::SILENCE;
        self.heard_note = false;
        self.entered = false;
        self.forced = rules.force;
        self.stands.clear();
        self.loop_memory.forget();
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
            self.begin(model, heard.epoch, here, heard.ordinal, &heard.rules)?;
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
        // Who has forgotten hears it by this: what sounds has entered.
        if heard.played != ChordFrame::Silence {
            (self.heard_note, self.entered) = (true, true);
        }
        let mut melody = MelodyToken::of(heard.melody);
        if !self.history.last_melody().may_precede(melody) {
            melody = MelodyToken::REST;
        }
        self.sounding = sounding_after(self.sounding, token);
        self.loop_memory.hear(heard.frame, MelodyToken::of(heard.melody), &heard.coming);
        self.key_finder.hear(heard.melody, self.sounding);
        sink.hear_key(self.key_finder.key());
        self.history.hear(model, token, melody, heard.coming.phase)?;
        self.next_heard = heard.ordinal + 1;
        self.coming = Some(heard.coming);
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
        self.history.rewind();
        planned
    }

    fn plan_on(
        &mut self,
        model: &mut dyn ChordModel,
        coming: Coming,
        rules: &Rules,
        sink: &mut dyn Sink,
    ) -> Result<(), ModelError> {
        let mut place = Place {
            ordinal: self.next_heard,
            coming,
            sounding: self.sounding,
            entered: self.entered,
            forced: self.forced != rules.force,
        };
        let last_commit = self.next_heard + rules.commit.max(1) - 1;
        let last_draft = if rules.offline { last_commit } else { self.next_heard + rules.look_ahead - 1 };
        let mut news = false;
        loop {
            let commits = place.ordinal <= last_commit;
            let standing = self.stands.iter().find(|drawn| drawn.ordinal == place.ordinal).copied();
            let token = match standing {
                Some(drawn) => drawn.token,
                None => {
                    let (token, standing) = self.draw(&mut place, rules);
                    if commits {
                        (news, self.forced) = (true, rules.force);
                    }
                    self.settle(place, token, standing, commits, sink);
                    token
                }
            };
            if place.ordinal == last_commit {
                self.entered = place.entered;
                sink.committed(news);
            }
            if place.ordinal >= last_commit.max(last_draft) {
                return Ok(());
            }
            let melody = self.foresee_melody(place.coming, rules);
            let next = rules::after(place.coming);
            if place.ordinal < last_commit {
                self.history.imagine(model, token, melody, next.phase)?;
            } else {
                // What is drafted is for show: it gives way to chords that are due, ours and other instances'.
                let stop = || sink.num_waiting() > 0;
                if !self.history.imagine_unless(model, token, melody, next.phase, &stop)? {
                    return Ok(());
                }
            }
            place.sounding = sounding_after(place.sounding, token);
            (place.ordinal, place.coming) = (place.ordinal + 1, next);
        }
    }

    /// The chord of a place, and whether it is to be heard.
    fn draw(&self, place: &mut Place, rules: &Rules) -> (ChordToken, Standing) {
        let forced = std::mem::take(&mut place.forced) && place.entered;
        if !self.heard_note {
            return (ChordToken::SILENCE, Standing::Listening);
        }
        let coming = place.coming;
        let on_grid = rules::may_change(rules.grid, &coming, rules.meter);
        let may_enter =
            place.ordinal >= rules.listen && on_grid && rules::is_on_beat(coming.frame, coming.phase);
        let legal = match (place.entered, may_enter) {
            (false, true) => Legal::OnsetOnly,
            _ if forced => Legal::OnsetOtherThan(place.sounding),
            _ if on_grid => Legal::Anything,
            _ => Legal::NoChange,
        };
        place.entered |= may_enter;
        let standing = if place.entered { Standing::Committed } else { Standing::Listening };
        // What a loop's end cuts goes on by being struck again, though nothing may change there.
        if coming.cut && legal == Legal::NoChange && place.sounding != ChordToken::SILENCE {
            return (place.sounding, standing);
        }
        let last = if coming.cut { ChordToken::SILENCE } else { self.history.last_chord() };
        let goes_on = last.may_precede(ChordToken::HOLD);
        let mut logits = rules::weigh(rules, &self.history.answer().chord_logits, goes_on);
        if rules.loop_memory {
            rules::foresee(&mut logits, place.sounding, self.loop_memory.ahead(coming, rules::HORIZON));
        }
        let fits = |id: usize| ChordToken::from_id(id).is_some_and(|next| legal.allows(last, next));
        let sampling = Sampling {
            temperature: self.sampling.temperature * rules.temperature.max(0.0),
            top_p: rules.top_p.min(self.sampling.top_p).max(0.0),
        };
        let number = uniform(rolled(rules.seed, rules.roll), coming.frame.0, Draw::Chord);
        let drawn = draw(&logits, ChordToken::FIRST_ONSET, fits, sampling, number);
        // A model that answers with no number at all goes on as it was, and so does a key that admits no chord.
        let as_it_was = if goes_on { ChordToken::HOLD } else { ChordToken::SILENCE };
        (drawn.and_then(ChordToken::from_id).unwrap_or(as_it_was), standing)
    }

    fn settle(
        &mut self,
        place: Place,
        token: ChordToken,
        standing: Standing,
        commits: bool,
        sink: &mut dyn Sink,
    ) {
        let Place { ordinal, coming, .. } = place;
        if commits {
            self.stands.push_back(Drawn { ordinal, coming, token, standing });
        }
        let chord = if standing == Standing::Listening { ChordFrame::Silence } else { token.frame() };
        let standing = if commits { standing } else { Standing::Draft };
        let Some(epoch) = self.epoch else { return };
        sink.plan(Planned { epoch, ordinal, frame: coming.frame, chord, held: None, standing });
    }

    /// What the melody will do in a frame: as in the last pass of the loop, or as the model has it.
    fn foresee_melody(&self, coming: Coming, rules: &Rules) -> MelodyToken {
        let last = self.history.last_melody();
        if let Some(before) = self.loop_memory.recall(&coming).filter(|_| rules.loop_memory) {
            return if last.may_precede(before) { before } else { MelodyToken::REST };
        }
        let fits = |id: usize| MelodyToken::from_id(id).is_some_and(|next| last.may_precede(next));
        let number = uniform(rolled(rules.seed, rules.roll), coming.frame.0, Draw::Melody);
        let drawn =
            draw(&self.history.answer().melody_logits, MelodyToken::FIRST_ONSET, fits, self.sampling, number);
        drawn.and_then(MelodyToken::from_id).unwrap_or(MelodyToken::REST)
    }
}

/// The chord that sounds after a frame, by its onset; silence is none.
fn sounding_after(before: ChordToken, token: ChordToken) -> ChordToken {
    if token == ChordToken::HOLD { before } else { token }
}
