//! Everything that crosses a thread: the messages, the queues, their capacities and what full means.
//!
//! | thread | may | may not |
//! |---|---|---|
//! | audio | fixed-size state, ring ends, atomics | allocate, free, lock, log, wait (offline excepted), call the model, panic |
//! | worker | allocate, read files, run the engine, wait | touch parameters or host contexts |
//! | GUI | allocate, read snapshots, make parameter gestures | hold a lock the audio thread could want |
//! | host main | create, activate, save, load | open the model (a scan must be instant) |
//!
//! An epoch is a stretch of unbroken playing: play, stop, seek and a grid-breaking jump raise it, and every message
//! bears it; the receiver drops others. A loop wrap goes on in the same epoch, because the chord of the loop's first
//! frame must be committed before the wrap to be on time. So frames are counted by `ordinal` (frames since the
//! epoch began, wraps passed through), and a plan made for another frame than the one that came is dropped.

pub use crate::{
    health::{Engine, Health, Texts, WorkerState},
    memory::{Capture, SharedCapture},
    wish::{ModelChoice, ModelWish},
};

use crate::audio::Snapshot;
use music::{
    chord::Chord,
    grid::{FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    key::Key,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::Pitch,
};
use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Observer, Producer, Split},
};
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Messages from audio to worker: 16 frames a second at 240 BPM, so 16 s of a worker that stands still, less one for
/// each [`ToWorker::Again`], which a player's hand sends.
/// Full: the message is dropped; the worker sees the gap in the ordinals and begins its history anew.
pub const HEARD_CAPACITY: usize = 256;

/// Messages from worker to audio: at most 48 for a frame heard (commit and look-ahead), so some 20 frames of an
/// audio side that does not run. Full: the message is dropped and its frame is late.
pub const PLANNED_CAPACITY: usize = 1024;

/// The farthest commit, in frames: 8 beats.
pub const MAX_COMMIT_FRAMES: i64 = 32;
/// The farthest look-ahead, in frames: 8 beats.
pub const MAX_LOOK_AHEAD_FRAMES: i64 = 32;

/// The least time from a note to the chord that answers it, in beats, with so many frames of commit.
///
/// A note belongs to the frame whose boundary is nearest, so one that is late in frame h comes half a frame after that
/// boundary, just as the frame closes; the frame that is answered for begins `commit` frames after the boundary.
pub fn least_reaction_beats(commit_frames: f64) -> f64 {
    (commit_frames - 0.5).max(0.0) / FRAMES_PER_BEAT as f64
}

/// The number of a stretch of unbroken playing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(pub u32);

/// Where chords may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeGrid {
    /// On every frame.
    #[default]
    Free,
    /// On every second frame of a beat.
    Eighth,
    /// On beats.
    Beat,
    /// On bar lines and where the second half of a bar is felt, if it has halves.
    HalfBar,
    /// On bar lines.
    Bar,
    /// On every second bar line.
    TwoBars,
}

/// What the chosen key means to the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyRule {
    /// Nothing: the model hears the key by itself.
    #[default]
    Auto,
    /// Chords within the key are likelier.
    Lean(Key),
    /// Only chords within the key are struck.
    Lock(Key),
}

/// The settings the worker goes by; they travel with each message, so that a take depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How many frames after the one heard are committed, 1..=[`MAX_COMMIT_FRAMES`].
    pub commit: i64,
    /// How many frames after the one heard are planned, 0..=[`MAX_LOOK_AHEAD_FRAMES`].
    pub look_ahead: i64,
    /// Frames at the head of an epoch in which the model only listens: none after a seek while playing, unless
    /// `listen_again`. The audio side sees to that, so that both sides go by one number.
    pub listen: i64,
    /// What the model's own sampling temperature is multiplied by; at 0 what is struck is the likeliest.
    pub temperature: f32,
    /// The share of the likeliest chords that are drawn from, 0..=1; the model's own is narrowed, never widened.
    pub top_p: f32,
    /// Where chords may change.
    pub grid: ChangeGrid,
    /// Sparser or denser than the model by itself, -1..=1: how readily a chord that sounds gives way to another.
    pub density: f32,
    /// What the chosen key means.
    pub key: KeyRule,
    /// The seed of every draw.
    pub seed: u64,
    /// Which of the plans is asked for: 0 at first, another number for each re-roll; the number before is its undoing.
    pub roll: u32,
    /// Another number: the next frame that does not stand starts another chord than the one that sounds, whatever
    /// the change grid says. Before the first chord it means nothing.
    pub force: u32,
    /// A seek while playing lets the model listen again; else it enters as soon as it has heard a note.
    pub listen_again: bool,
    /// In a loop the melody of the pass before stands in for the imagined one, as long as the player keeps to it.
    pub loop_memory: bool,
    /// The chords captured before are played again instead of asking the model.
    pub print: bool,
    /// The meter that the host tells; the audio side says so. A bar's length alone does not tell 3/4 from 6/8.
    pub meter: Option<Meter>,
    /// It is played on our own clock while the host stands still: no place in the song. The audio side says so.
    pub own_clock: bool,
    /// The host renders offline: the audio side waits, so drafts are left out.
    pub offline: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            commit: 1,
            look_ahead: 16,
            listen: 16,
            temperature: 1.0,
            top_p: 1.0,
            grid: ChangeGrid::Free,
            density: 0.0,
            key: KeyRule::Auto,
            seed: 1,
            roll: 0,
            force: 0,
            listen_again: false,
            loop_memory: true,
            print: false,
            meter: None,
            own_clock: false,
            offline: false,
        }
    }
}

/// The host's loop on the frame grid: after `last` comes `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The last frame that starts before the loop's end.
    pub last: Frame,
    /// The first frame that starts at or after the loop's start.
    pub first: Frame,
    /// Where `first` stands in its bar.
    pub first_phase: BarPhase,
}

/// The frame to answer for, as far as the audio side can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coming {
    /// Its number.
    pub frame: Frame,
    /// Where it stands in its bar.
    pub phase: BarPhase,
    /// Whether what sounds ends before it, because the loop starts again with it.
    pub cut: bool,
    /// The loop, where one is on.
    pub turn: Option<Turn>,
}

/// From audio to worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToWorker {
    /// An epoch begins: forget history and loop, `coming` has ordinal 0.
    Begin {
        /// The new epoch.
        epoch: Epoch,
        /// Its first frame.
        coming: Coming,
        /// It is a seek while playing, and the player was heard before it: the key heard still counts.
        seek: bool,
        /// The settings.
        rules: Rules,
    },
    /// The plan from here anew, by other rules, without waiting for a frame to close: drafts are drawn again, what
    /// stands stays. The rules must come with every later message too.
    Again {
        /// The epoch; the worker ignores another than the one it plans for.
        epoch: Epoch,
        /// The settings.
        rules: Rules,
    },
    /// A frame has closed.
    Heard(Heard),
}

/// What a frame's chord is voiced and touched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leading {
    /// The melody's note.
    pub key: Option<Pitch>,
    /// How hard it was last played, 0..=127.
    pub touch: u8,
}

impl Default for Leading {
    fn default() -> Self {
        Self { key: None, touch: 80 }
    }
}

/// What happened in a frame that has closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// The epoch.
    pub epoch: Epoch,
    /// Frames of the epoch before this one.
    pub ordinal: i64,
    /// The frame.
    pub frame: Frame,
    /// What the melody did.
    pub melody: MelodyFrame,
    /// What the chords really did.
    pub played: ChordFrame,
    /// What the melody was when they did.
    pub leading: Leading,
    /// The frame after it.
    pub coming: Coming,
    /// The settings.
    pub rules: Rules,
}

/// How firmly a planned chord stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It will sound, whatever is heard.
    Committed,
    /// The model still listens: it is silent, whatever is heard.
    Listening,
    /// It may change.
    Draft,
}

/// From worker to audio: the chord of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// The epoch.
    pub epoch: Epoch,
    /// Frames of the epoch before this one.
    pub ordinal: i64,
    /// The frame.
    pub frame: Frame,
    /// Its chord.
    pub chord: ChordFrame,
    /// What a hold holds, where it is to be struck if nothing sounds: what is printed may be started in mid-chord.
    pub held: Option<Chord>,
    /// How firmly it stands.
    pub standing: Standing,
}

/// A bell one side rings and the other waits for. The audio thread touches it only while the host renders offline.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Wakes the waiter, or lets its next wait return at once.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Waits for the bell; whether it rang in time.
    pub fn wait(&self, at_most: Duration) -> bool {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        if !*rung {
            rung = self.changed.wait_timeout(rung, at_most).unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut *rung)
    }
}

/// The audio thread's ends.
pub struct AudioEnd {
    to_worker: HeapProd<ToWorker>,
    from_worker: HeapCons<Planned>,
    snapshots: triple_buffer::Input<Snapshot>,
    worker_bell: Arc<Bell>,
    audio_bell: Arc<Bell>,
    /// How the instance fares.
    pub health: Arc<Health>,
}

impl AudioEnd {
    /// Tells the worker; whether there was room. Offline the worker is woken, live it looks by itself.
    pub fn tell(&mut self, message: ToWorker, offline: bool) -> bool {
        // Counted first, so that an answer never comes before its question.
        self.health.count_question();
        let told = self.to_worker.try_push(message).is_ok();
        if !told {
            self.health.count_commit();
            self.health.count_answer();
        }
        if offline {
            self.worker_bell.ring();
        }
        told
    }

    /// The next plan, if there is one.
    pub fn next_planned(&mut self) -> Option<Planned> {
        self.from_worker.try_pop()
    }

    /// Waits up to 10 ms for the worker; whether it rang. Only while the host renders offline.
    pub fn wait_offline(&self) -> bool {
        self.audio_bell.wait(Duration::from_millis(10))
    }

    /// Shows the editor this instant.
    pub fn show(&mut self, snapshot: &Snapshot) {
        self.snapshots.input_buffer_mut().clone_from(snapshot);
        self.snapshots.publish();
        self.health.wake();
    }
}

/// The worker thread's ends.
pub struct WorkerEnd {
    from_audio: HeapCons<ToWorker>,
    to_audio: HeapProd<Planned>,
    bell: Arc<Bell>,
    audio_bell: Arc<Bell>,
    /// Whether a message was taken that is not answered yet.
    is_asked: bool,
    /// Whether what is due after the last message has been sent.
    has_committed: bool,
    /// How the instance fares.
    pub health: Arc<Health>,
}

impl WorkerEnd {
    /// The next message, if there is one.
    pub fn next_message(&mut self) -> Option<ToWorker> {
        let message = self.from_audio.try_pop();
        self.is_asked |= message.is_some();
        message
    }

    /// How many messages wait.
    pub fn num_waiting(&self) -> usize {
        self.from_audio.occupied_len()
    }

    /// What is due after the last message has been sent; drafts may follow.
    pub fn committed(&mut self) {
        if !std::mem::replace(&mut self.has_committed, true) {
            self.health.count_commit();
        }
    }

    /// Everything that the last message asks for has been sent.
    pub fn answered(&mut self) {
        if std::mem::take(&mut self.is_asked) {
            self.committed();
            self.has_committed = false;
            self.health.count_answer();
        }
    }

    /// Sends a plan; a full queue drops it, and its frame is late.
    pub fn plan(&mut self, planned: Planned) {
        let _ = self.to_audio.try_push(planned);
    }

    /// Lets an audio side that waits offline look again.
    pub fn ring_audio(&self) {
        self.audio_bell.ring();
    }

    /// Waits until rung or `at_most` long.
    pub fn wait(&self, at_most: Duration) {
        self.bell.wait(at_most);
    }

    /// The bell that wakes the worker.
    pub fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }
}

/// The editor's end.
pub struct EditorEnd {
    /// The newest snapshot.
    pub snapshots: triple_buffer::Output<Snapshot>,
    /// How the instance fares.
    pub health: Arc<Health>,
}

/// Makes every link of an instance.
pub fn connect(health: Arc<Health>) -> (AudioEnd, WorkerEnd, EditorEnd) {
    let (to_worker, from_audio) = HeapRb::new(HEARD_CAPACITY).split();
    let (to_audio, from_worker) = HeapRb::new(PLANNED_CAPACITY).split();
    let (input, output) = triple_buffer::triple_buffer(&Snapshot::default());
    let (worker_bell, audio_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    (
        AudioEnd {
            to_worker,
            from_worker,
            snapshots: input,
            worker_bell: worker_bell.clone(),
            audio_bell: audio_bell.clone(),
            health: health.clone(),
        },
        WorkerEnd {
            from_audio,
            to_audio,
            bell: worker_bell,
            audio_bell,
            is_asked: false,
            has_committed: false,
            health: health.clone(),
        },
        EditorEnd { snapshots: output, health },
    )
}
