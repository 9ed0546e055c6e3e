//! The worker at work: takes messages, has them answered by the model, and goes on when that fails or another model is
//! wished for. Worker thread.
//!
//! An engine that fails or panics costs the frame it failed at: at the next message it is told again what was heard of
//! late. After [`MOST_FAILURES`] in a row it is set aside and chords are silent; once a beat it is tried again, so that
//! chords are back as soon as it is well, or until another model is chosen. A panic of our own costs its frame too and is
//! said in the editor.
//! Where the rules ask for it, the chords captured before are played and no model is asked.
//! Another model is opened beside and told again what was heard while the old one plays on; then it takes over. One whose
//! opening hangs (a disk that is gone) is left behind as soon as another is wished for, and joined at the end: no thread
//! of ours may outlive the library that it runs in, so that an instance goes only when the system has given that file up.

use super::{
    IDLE_AFTER, IDLE_WAIT, PLAYING_WAIT, Shared,
    opening::{Open, Opened},
    planner::Sink,
    replay::{Player, Recent, guarded},
    stopwatch::Stopwatch,
};
use crate::links::{Engine, Health, ModelChoice, Planned, Rules, Standing, ToWorker, WorkerEnd, WorkerState};
use crate::memory::{Recorder, print::print};
use music::{grid::FRAMES_PER_BEAT, harmony::ChordFrame, key::Key};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

/// Failures without a good answer between after which a model is set aside.
pub const MOST_FAILURES: u32 = 5;
/// Messages from one try of a model that is set aside to the next: a beat.
const RETRY_AFTER: u32 = FRAMES_PER_BEAT as u32;
/// Messages that a model about to take over is told again for each one taken where nobody pauses: while the host renders
/// offline, and where the model that plays is too slow for its frames. More than one, or it would never catch up.
const BUSY_PACE: usize = 4;
/// So many messages are taken without a pause before the model that plays counts as too slow: one hiccup is soon made up.
const TOO_SLOW: u32 = 16;

/// Sends plans, and takes the time from a message to its commit.
struct Post<'a> {
    links: &'a mut WorkerEnd,
    watch: &'a mut Stopwatch,
    since: Instant,
}

impl Sink for Post<'_> {
    fn plan(&mut self, planned: Planned) {
        self.links.plan(planned);
    }

    fn num_waiting(&self) -> usize {
        self.links.num_waiting()
    }

    fn committed(&mut self, is_news: bool) {
        self.links.committed();
        if !is_news {
            return;
        }
        let us = u32::try_from(self.since.elapsed().as_micros()).unwrap_or(u32::MAX);
        let (p50, p99) = self.watch.lap(us);
        self.links.health.set_infer_us(p50, p99);
        self.links.ring_audio();
    }

    fn hear_key(&mut self, key: Option<(Key, f32)>) {
        self.links.health.set_key(key);
    }
}

/// A model about to take over.
struct Newcomer {
    player: Player,
    choice: ModelChoice,
    words: Words,
    /// The number of the next message it is told again.
    next: u64,
    /// The number of the first.
    from: u64,
}

/// A message that a panic of our own has left without an answer.
struct Unanswered {
    message: ToWorker,
    /// How often it was tried.
    tries: u32,
}

/// A model that has failed too often.
struct Patient {
    player: Player,
    choice: ModelChoice,
    words: Words,
    /// Messages until it is tried again.
    rests: u32,
}

/// What is said of a model.
#[derive(Clone, Debug)]
struct Words {
    engine: Engine,
    name: String,
    engine_name: String,
}

impl Words {
    const NONE: Self = Self { engine: Engine::None, name: String::new(), engine_name: String::new() };
}

/// A model that is opened beside.
struct Opening {
    choice: ModelChoice,
    thread: Thread,
}

type Thread = JoinHandle<Result<(Player, Words), String>>;

/// What came of an opening.
fn joined(thread: Thread) -> Result<(Player, Words), String> {
    thread.join().unwrap_or_else(|_| Err("opening the model has failed".into()))
}

/// The worker's state while it serves.
pub struct Server<O> {
    links: WorkerEnd,
    health: Arc<Health>,
    shared: Shared,
    open: Arc<O>,
    watch: Stopwatch,
    recent: Recent,
    player: Option<Player>,
    /// What plays, in words, without what else there is to say.
    words: Words,
    patient: Option<Patient>,
    /// What was chosen and plays; a refused choice is not remembered, so that it can be tried again.
    playing: Option<ModelChoice>,
    /// The wish that was looked at last.
    generation: u32,
    opening: Option<Opening>,
    /// Openings that nobody waits for any more.
    left: Vec<Thread>,
    newcomer: Option<Newcomer>,
    /// Messages taken since nobody waited.
    in_a_row: u32,
    /// Failures since the last good answer.
    failures: u32,
    /// Whether the player has to be told again what was heard.
    is_stale: bool,
    recorder: Recorder,
    unanswered: Option<Unanswered>,
    /// Whether a panic of our own is said and nothing was answered since.
    is_mended: bool,
    /// Whether captured chords are played instead of asking the model.
    is_printing: bool,
    /// What there is to say of us while no model plays.
    without: WorkerState,
}

impl<O: Open> Server<O> {
    /// A worker without a model.
    pub fn new(links: WorkerEnd, shared: Shared, open: O) -> Self {
        Self {
            health: links.health.clone(),
            links,
            shared,
            open: Arc::new(open),
            watch: Stopwatch::default(),
            recent: Recent::default(),
            player: None,
            words: Words::NONE,
            patient: None,
            playing: None,
            generation: 0,
            opening: None,
            left: Vec::new(),
            newcomer: None,
            in_a_row: 0,
            failures: 0,
            is_stale: false,
            recorder: Recorder::default(),
            unanswered: None,
            is_mended: false,
            is_printing: false,
            without: WorkerState::NoModel,
        }
    }

    /// Opens the model and serves until `stop`.
    pub fn run(&mut self, stop: &AtomicBool) {
        self.open_first(stop);
        self.links.ring_audio();
        let mut last = Instant::now();
        while !stop.load(Ordering::Acquire) {
            let served = guarded(|| {
                self.serve(&mut last);
                Ok(())
            });
            if let Err(why) = served {
                self.mend(&why);
            }
        }
    }

    /// Takes the next message, or waits for one; `last` is when the last one came.
    fn serve(&mut self, last: &mut Instant) {
        self.look_at_wish();
        if let Some(message) = self.next_message() {
            *last = Instant::now();
            self.answer(&message, *last);
            self.unanswered = None;
            if std::mem::take(&mut self.is_mended) && self.is_printing {
                self.health.write_texts(|texts| texts.trouble.clear());
            }
            self.links.answered();
            self.in_a_row = if self.links.num_waiting() > 0 { self.in_a_row.saturating_add(1) } else { 0 };
            let is_busy = rules(&message).offline || self.in_a_row >= TOO_SLOW;
            for _ in 0..if is_busy { BUSY_PACE } else { 0 } {
                self.prepare_newcomer();
            }
        } else if !self.prepare_newcomer() {
            self.links.wait(if last.elapsed() < IDLE_AFTER { PLAYING_WAIT } else { IDLE_WAIT });
        }
    }

    /// The message to answer: offline again the one that was left without.
    fn next_message(&mut self) -> Option<ToWorker> {
        if let Some(Unanswered { message, tries }) = &mut self.unanswered {
            *tries += 1;
            return Some(*message);
        }
        let message = self.links.next_message()?;
        self.unanswered = Some(Unanswered { message, tries: 1 });
        // What is asked again is in the rules of the frames that follow.
        if !matches!(message, ToWorker::Again { .. }) {
            self.recent.push(message);
        }
        self.recorder.keep_time(self.health.tempo_bpm());
        self.recorder.hear(&message, &self.shared.capture);
        Some(message)
    }

    /// After a panic of our own: what was being done is dropped, and the model is told again what was heard.
    fn mend(&mut self, why: &str) {
        self.health.write_texts(|texts| texts.trouble = why.into());
        (self.is_stale, self.is_mended) = (true, true);
        self.recorder = Recorder::default();
        // Live the next message is soon there; offline everything waits for this one.
        self.unanswered.take_if(|left| !rules(&left.message).offline || left.tries >= MOST_FAILURES);
        if self.unanswered.is_none() {
            self.links.answered();
            self.links.ring_audio();
        }
        if self.newcomer.take().is_some() {
            self.say_beside(&format!("the model that was chosen is not used: {why}"));
        }
        self.links.wait(PLAYING_WAIT);
    }

    /// Lets an audio side that waits offline look again.
    pub fn ring_audio(&self) {
        self.links.ring_audio();
    }

    /// The first model is waited for: until it is there, nothing could be answered. Another may be wished for meanwhile.
    fn open_first(&mut self, stop: &AtomicBool) {
        let (choice, opened) = loop {
            self.generation = self.shared.wish.generation();
            let choice = self.shared.wish.choice();
            match self.open_or_leave(&choice, stop) {
                Some(opened) => break (choice, opened),
                None if stop.load(Ordering::Acquire) => return,
                None => {}
            }
        };
        let (choice, opened, refused) = match opened {
            Err(why) if choice.file.is_some() => {
                let built_in = ModelChoice::default();
                let opened = guarded(|| Ok((self.open)(&built_in).map(seat))).and_then(|opened| opened);
                (built_in, opened, Some(why))
            }
            opened => (choice, opened, None),
        };
        match opened {
            Ok((player, words)) => {
                self.begin_with(player, choice, words);
                if let Some(why) = refused {
                    self.say_beside(&why);
                }
            }
            Err(why) => {
                let why = refused.into_iter().chain([why]).collect::<Vec<_>>().join("; ");
                self.health.write_texts(|texts| texts.model = why);
                self.lose_player(WorkerState::NoModel);
            }
        }
    }

    /// Opens a model and waits for it; nothing where the wait is over because another was wished for, or at the end.
    fn open_or_leave(
        &mut self,
        choice: &ModelChoice,
        stop: &AtomicBool,
    ) -> Option<Result<(Player, Words), String>> {
        let thread = match self.begin_to_open(choice) {
            Ok(thread) => thread,
            Err(e) => return Some(Err(format!("no thread to open the model in: {e}"))),
        };
        while !thread.is_finished() {
            // A project that is loaded wishes for the same once more.
            let is_wished_for =
                || self.shared.wish.generation() == self.generation || self.shared.wish.choice() == *choice;
            if stop.load(Ordering::Acquire) || !is_wished_for() {
                self.left.push(thread);
                return None;
            }
            std::thread::park_timeout(PLAYING_WAIT);
        }
        Some(joined(thread))
    }

    /// Opens a model in a thread of its own.
    fn begin_to_open(&self, choice: &ModelChoice) -> std::io::Result<Thread> {
        let (open, choice) = (self.open.clone(), choice.clone());
        let name = "realchords opening".to_owned();
        std::thread::Builder::new().name(name).spawn(move || open(&choice).map(seat))
    }

    /// A model plays from now on.
    fn begin_with(&mut self, player: Player, choice: ModelChoice, words: Words) {
        self.health.write_texts(|texts| {
            texts.model.clone_from(&words.name);
            texts.engine.clone_from(&words.engine_name);
            [&mut texts.trouble, &mut texts.beside, &mut texts.opening].into_iter().for_each(String::clear);
        });
        self.health.set_engine(words.engine);
        self.health.set_worker(WorkerState::Ready);
        let before = self.player.replace(player);
        (self.playing, self.words) = (Some(choice), words);
        (self.failures, self.is_stale, self.patient) = (0, false, None);
        // An engine may fail as it goes, too: then all of this is already so.
        drop(before);
    }

    /// Says beside what plays why another does not.
    fn say_beside(&self, why: &str) {
        self.health.write_texts(|texts| {
            texts.model = self.named_with(why);
            texts.beside = why.into();
            texts.opening.clear();
        });
    }

    /// Says beside what plays that another is opened.
    fn say_opening(&self, name: &str) {
        self.health.write_texts(|texts| {
            texts.model = self.named_with(&format!("opening {name}"));
            texts.beside.clear();
            texts.opening = name.into();
        });
    }

    /// What plays by name, with what else there is to say.
    fn named_with(&self, what: &str) -> String {
        let name = &self.words.name;
        if name.is_empty() { what.into() } else { format!("{name}; {what}") }
    }

    /// Begins to open what is wished for, and looks whether what was begun is done.
    fn look_at_wish(&mut self) {
        for idx in (0..self.left.len()).rev() {
            if self.left[idx].is_finished() {
                drop(self.left.swap_remove(idx).join());
            }
        }
        if self.opening.as_ref().is_some_and(|opening| opening.thread.is_finished())
            && let Some(Opening { choice, thread }) = self.opening.take()
        {
            match joined(thread) {
                Ok((player, words)) => {
                    let from = self.recent.from_full();
                    self.newcomer = Some(Newcomer { player, choice, words, next: from, from });
                }
                Err(why) => self.say_beside(&why),
            }
        }
        let generation = self.shared.wish.generation();
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        let choice = self.shared.wish.choice();
        let is_under_way = self.opening.as_ref().is_some_and(|opening| opening.choice == choice)
            || self.newcomer.as_ref().is_some_and(|newcomer| newcomer.choice == choice);
        if is_under_way {
            return;
        }
        self.newcomer = None;
        // It may hang, and what it comes to is not wished for any more.
        self.left.extend(self.opening.take().map(|opening| opening.thread));
        if self.playing.as_ref() == Some(&choice) && self.player.is_some() {
            self.say_beside_nothing();
            return;
        }
        let name = choice.file.clone().unwrap_or_else(|| "the model that is built in".into());
        self.say_opening(&name);
        match self.begin_to_open(&choice) {
            Ok(thread) => self.opening = Some(Opening { choice, thread }),
            Err(e) => self.say_beside(&format!("no thread to open {name} in: {e}")),
        }
    }

    fn say_beside_nothing(&self) {
        self.health.write_texts(|texts| {
            texts.model.clone_from(&self.words.name);
            texts.beside.clear();
            texts.opening.clear();
        });
    }

    /// Tells the model about to take over one message more, or lets it take over; whether there was anything to do.
    fn prepare_newcomer(&mut self) -> bool {
        let Some(newcomer) = &mut self.newcomer else { return false };
        let message = self.recent.again(newcomer.next, newcomer.from);
        let told = message.map(|message| newcomer.player.take_again(&message));
        newcomer.next += 1;
        match told {
            Some(Ok(())) => {}
            Some(Err(why)) => {
                self.newcomer = None;
                self.say_beside(&format!("the model that was chosen is not used: {why}"));
            }
            None => {
                if let Some(Newcomer { mut player, choice, words, .. }) = self.newcomer.take() {
                    let before =
                        self.player.as_ref().or(self.patient.as_ref().map(|patient| &patient.player));
                    before.into_iter().for_each(|before| player.go_on_from(before));
                    self.begin_with(player, choice, words);
                    self.links.ring_audio();
                }
            }
        }
        true
    }

    /// Answers a message.
    fn answer(&mut self, message: &ToWorker, since: Instant) {
        if rules(message).print {
            self.print(message);
            return;
        }
        if std::mem::take(&mut self.is_printing) && self.player.is_none() {
            self.health.set_worker(self.without);
        }
        self.try_patient();
        let is_offline = rules(message).offline;
        while let Some(player) = &mut self.player {
            // Not the median: what was imagined and came true costs nothing, and told again it does.
            let from = self.recent.from_in_time(self.health.infer_ms().1);
            let mut post = Post { links: &mut self.links, watch: &mut self.watch, since };
            let taken = if self.is_stale {
                player.recover(&self.recent, from, &mut post)
            } else {
                player.take(message, &mut post)
            };
            match taken {
                Ok(()) => {
                    if self.is_stale {
                        self.health.write_texts(|texts| texts.trouble.clear());
                    }
                    (self.failures, self.is_stale) = (0, false);
                    return;
                }
                Err(why) => self.fail(&why),
            }
            // Live the next message is soon there; offline everything waits for this one.
            if !is_offline {
                return;
            }
        }
        self.silence(message);
    }

    fn fail(&mut self, why: &str) {
        self.failures += 1;
        self.is_stale = true;
        if self.failures < MOST_FAILURES {
            self.health.write_texts(|texts| texts.trouble = why.into());
            return;
        }
        let words = std::mem::replace(&mut self.words, Words::NONE);
        if let (Some(player), Some(choice)) = (self.player.take(), self.playing.take()) {
            self.patient = Some(Patient { player, choice, words, rests: RETRY_AFTER });
        }
        self.lose_player(WorkerState::Dead);
        self.health.write_texts(|texts| {
            texts.model = why.into();
            texts.trouble.clear();
        });
        self.links.ring_audio();
    }

    /// Once a beat the model that was set aside is told a little of what was heard; if it takes that, it plays again.
    fn try_patient(&mut self) {
        let Some(patient) = &mut self.patient else { return };
        patient.rests = patient.rests.saturating_sub(1);
        if patient.rests > 0 {
            return;
        }
        patient.rests = RETRY_AFTER;
        if patient.player.is_well()
            && let Some(Patient { player, choice, words, .. }) = self.patient.take()
        {
            self.begin_with(player, choice, words);
            self.is_stale = true;
        }
    }

    /// No model plays any more, or none could be opened.
    fn lose_player(&mut self, without: WorkerState) {
        (self.player, self.playing, self.without) = (None, None, without);
        self.words = Words::NONE;
        self.health.set_engine(Engine::None);
        self.health.set_worker(without);
    }

    /// Plays what was captured. For that no model is needed.
    fn print(&mut self, message: &ToWorker) {
        if !std::mem::replace(&mut self.is_printing, true) {
            // Nobody listens for it now.
            self.health.set_key(None);
            self.health.set_worker(WorkerState::Ready);
            // What the model had is of no matter now.
            self.health.write_texts(|texts| texts.trouble.clear());
        }
        let Self { links, shared, .. } = self;
        shared.capture.with(|capture| print(capture, message, |planned| links.plan(planned)));
        self.links.ring_audio();
        self.is_stale = true;
    }

    /// Nobody answers: what sounds ends with the frame that comes.
    fn silence(&mut self, message: &ToWorker) {
        let (epoch, ordinal, coming) = match *message {
            ToWorker::Begin { epoch, coming, .. } => (epoch, 0, coming),
            ToWorker::Heard(heard) => (heard.epoch, heard.ordinal + 1, heard.coming),
            ToWorker::Again { .. } => return,
        };
        let (chord, standing) = (ChordFrame::Silence, Standing::Listening);
        self.links.plan(Planned { epoch, ordinal, frame: coming.frame, chord, held: None, standing });
    }
}

impl<O> Drop for Server<O> {
    fn drop(&mut self) {
        // No thread of ours may outlive the library that it runs in.
        let last = self.opening.take().map(|opening| opening.thread);
        for thread in self.left.drain(..).chain(last) {
            let _ = thread.join();
        }
    }
}

/// A model that was told nothing yet, and what is said of it.
fn seat(opened: Opened) -> (Player, Words) {
    let Opened { model, sampling, engine, name, engine_name } = opened;
    (Player::new(model, sampling), Words { engine, name, engine_name })
}

fn rules(message: &ToWorker) -> Rules {
    match message {
        ToWorker::Begin { rules, .. } | ToWorker::Again { rules, .. } => *rules,
        ToWorker::Heard(heard) => heard.rules,
    }
}

#[cfg(test)]
mod tests;
