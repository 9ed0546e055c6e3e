//! The audio thread's side of an instance: from the host's notes and transport to frames heard, and from frames
//! planned to notes. Allocates nothing, locks nothing, waits only while the host renders offline, never panics.

pub mod block;
pub mod listener;
pub mod performer;
pub mod plan;
pub mod playhead;
mod snapshot;
pub mod sounding;

use crate::links::{AudioEnd, Coming, Epoch, Heard, Standing, ToWorker, WorkerState};
use block::{Block, Incoming, Pass, Port, Settings};
use listener::Listener;
use music::{grid::Frame, harmony::ChordFrame, melody::MelodyFrame};
use performer::Performer;
use plan::Plan;
use playhead::{Change, Moment, Playhead};
pub use snapshot::{MAX_SHOWN, Shown, Snapshot, Stage};
use sounding::{Owner, Sounding};

/// Waits of 10 ms for one frame while rendering offline: 2 s.
const MAX_WAITS: u32 = 200;
/// Waits of 10 ms for the model to be opened while rendering offline: 20 s.
const MAX_LOADING_WAITS: u32 = 2000;
/// Frames waited for in vain until an epoch is no longer waited for.
const MAX_DISAPPOINTMENTS: u32 = 3;
/// Frames after a late one in which we say that we are behind: a beat.
const BEHIND_FRAMES: i64 = 4;

/// The audio side of an instance.
pub struct Audio {
    links: AudioEnd,
    playhead: Playhead,
    listener: Listener,
    plan: Plan,
    performer: Performer,
    sounding: Sounding,
    epoch: Epoch,
    settings: Settings,
    /// What the chords did in the open frame.
    played: ChordFrame,
    /// The first ordinal whose frame was closed with a note heard before or in it.
    first_note: Option<i64>,
    late: u32,
    last_late: Option<i64>,
    disappointments: u32,
    /// How often the editor's panic button had been pressed.
    panics: u32,
    /// Set by `reset`: all notes end at the next block's first sample.
    flush: bool,
    snapshot: Snapshot,
}

impl Audio {
    /// An instance's audio side. Allocates nothing later.
    pub fn new(links: AudioEnd) -> Self {
        Self {
            links,
            playhead: Playhead::default(),
            listener: Listener::default(),
            plan: Plan::default(),
            performer: Performer::default(),
            sounding: Sounding::default(),
            epoch: Epoch::default(),
            settings: Settings::default(),
            played: ChordFrame::Silence,
            first_note: None,
            late: 0,
            last_late: None,
            disappointments: 0,
            panics: 0,
            flush: false,
            snapshot: Snapshot::default(),
        }
    }

    /// Stops; what sounds is ended at the next block, as notes can be sent in blocks only.
    pub fn reset(&mut self) {
        self.playhead.stop();
        self.listener.clear();
        self.end_epoch();
        self.flush = true;
    }

    /// One call of the host.
    pub fn process(&mut self, block: &Block, port: &mut impl Port) {
        self.sounding.settle(port);
        self.take_settings(&block.settings, port);
        match self.playhead.begin_block(block) {
            Change::None => {}
            Change::Begins => self.begin_epoch(port),
            Change::Ends => {
                self.performer.end(port, &mut self.sounding, 0);
                self.end_epoch();
            }
            Change::Wraps => self.wrap(port, 0),
        }
        self.take_plans();
        let mut incoming = port.receive();
        loop {
            match (self.playhead.next_moment(), incoming) {
                (Some((offset, moment)), event) if event.is_none_or(|event| offset <= event.offset()) => {
                    self.pass(moment, offset, port);
                }
                (_, Some(event)) => {
                    self.take_event(event, port);
                    incoming = port.receive();
                }
                (_, None) => break,
            }
        }
        self.show();
        self.playhead.end_block();
    }

    /// Frames whose chord was not there when due.
    pub fn num_late(&self) -> u32 {
        self.late
    }

    /// Whether any note of ours sounds.
    pub fn is_silent(&self) -> bool {
        self.sounding.is_empty()
    }

    fn take_settings(&mut self, settings: &Settings, port: &mut impl Port) {
        let before = std::mem::replace(&mut self.settings, *settings);
        let panics = std::mem::replace(&mut self.panics, self.links.health.panics());
        if self.flush || (settings.panic && !before.panic) || panics != self.panics {
            self.flush = false;
            self.performer.end(port, &mut self.sounding, 0);
            self.sounding.end_all(port, Owner::Melody, 0);
        }
        if before.passes_melody() && !settings.passes_melody() {
            self.sounding.end_all(port, Owner::Melody, 0);
        }
        if before.chords_sound() && !settings.chords_sound() {
            self.sounding.end_all(port, Owner::Chords, 0);
        }
    }

    fn begin_epoch(&mut self, port: &mut impl Port) {
        self.performer.end(port, &mut self.sounding, 0);
        self.end_epoch();
        self.listener.begin();
        if let Some(bpm) = self.playhead.tempo_bpm() {
            self.links.health.set_tempo_bpm(bpm);
        }
        if let Some(coming) = self.playhead.coming() {
            let rules = self.settings.rules;
            self.links.tell(ToWorker::Begin { epoch: self.epoch, coming, rules }, rules.offline);
        }
    }

    /// Nothing of what was planned and heard counts any more.
    fn end_epoch(&mut self) {
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.plan.begin(self.epoch);
        self.performer.forget();
        self.played = ChordFrame::Silence;
        self.first_note = None;
        self.last_late = None;
        self.disappointments = 0;
    }

    fn pass(&mut self, moment: Moment, offset: u32, port: &mut impl Port) {
        match moment {
            Moment::Starts { frame, ordinal } => {
                self.start_frame(frame, ordinal, offset, port);
                self.playhead.pass();
            }
            Moment::Closes { frame, ordinal } => {
                self.close_frame(frame, ordinal, self.playhead.coming());
                self.playhead.pass();
            }
            Moment::Wraps => self.wrap(port, offset),
        }
    }

    fn wrap(&mut self, port: &mut impl Port, offset: u32) {
        // A frame that the wrap cuts is heard before we turn back, so that each frame started is heard once.
        if let Some(Moment::Closes { frame, ordinal }) = self.playhead.open_frame() {
            self.close_frame(frame, ordinal, self.playhead.coming_after_wrap());
        }
        self.playhead.wrap(offset);
        self.performer.end(port, &mut self.sounding, offset);
    }

    fn start_frame(&mut self, frame: Frame, ordinal: i64, offset: u32, port: &mut impl Port) {
        self.take_plans();
        if self.settings.rules.offline {
            self.await_plan(frame, ordinal);
        }
        let planned = self.plan.take(ordinal, frame);
        if planned.is_none() && self.is_due(ordinal) {
            self.late += 1;
            self.last_late = Some(ordinal);
            self.links.health.set_late(self.late);
        }
        let chord = planned.map(|planned| planned.chord);
        self.played = self.performer.play(port, &mut self.sounding, &self.settings, offset, chord);
    }

    fn close_frame(&mut self, frame: Frame, ordinal: i64, coming: Option<Coming>) {
        let melody = self.listener.close();
        if matches!(melody, MelodyFrame::Onset(_)) && self.first_note.is_none() {
            self.first_note = Some(ordinal);
        }
        self.snapshot.heard(melody);
        if let Some(coming) = coming {
            let rules = self.settings.rules;
            let heard =
                Heard { epoch: self.epoch, ordinal, frame, melody, played: self.played, coming, rules };
            self.links.tell(ToWorker::Heard(heard), rules.offline);
        }
    }

    /// Whether the worker should have planned this frame: it listens no more, has heard something and is able to.
    fn is_due(&self, ordinal: i64) -> bool {
        let rules = self.settings.rules;
        let heard = self.first_note.is_some_and(|first| first + rules.commit <= ordinal);
        let able = self.links.health.worker() == WorkerState::Ready;
        able && (self.plan.has_entered(ordinal) || (heard && ordinal >= rules.listen))
    }

    fn take_plans(&mut self) {
        while let Some(planned) = self.links.next_planned() {
            self.plan.accept(planned);
        }
    }

    /// Offline only: waits for the frame's plan, so that a bounce equals a perfect live take.
    fn await_plan(&mut self, frame: Frame, ordinal: i64) {
        let (mut waits, mut loading_waits) = (0, 0);
        while self.disappointments < MAX_DISAPPOINTMENTS && !self.plan.is_settled(ordinal, frame) {
            match self.links.health.worker() {
                WorkerState::Ready if waits < MAX_WAITS => waits += u32::from(!self.links.wait_offline()),
                WorkerState::Loading if loading_waits < MAX_LOADING_WAITS => {
                    loading_waits += u32::from(!self.links.wait_offline());
                }
                WorkerState::Ready | WorkerState::Loading => {
                    self.disappointments += 1;
                    return;
                }
                WorkerState::Asleep | WorkerState::NoModel | WorkerState::Dead => return,
            }
            self.take_plans();
        }
    }

    fn take_event(&mut self, event: Incoming, port: &mut impl Port) {
        let passes = self.settings.passes_melody();
        match event {
            Incoming::On { offset, channel, key, velocity } => {
                self.listener.press(channel, key, self.playhead.sample_at(offset));
                if passes {
                    self.sounding.start(port, Owner::Melody, offset, channel, key, velocity);
                }
            }
            Incoming::Off { offset, channel, key } => {
                self.listener.release(channel, key);
                self.sounding.end_matching(port, Owner::Melody, offset, channel, key);
            }
            Incoming::AllOff { offset, channel } => {
                self.listener.release(Some(channel), None);
                self.sounding.end_matching(port, Owner::Melody, offset, Some(channel), None);
                if passes {
                    port.forward();
                }
            }
            Incoming::Other { .. } if passes => port.forward(),
            Incoming::Other { .. } => {}
        }
    }

    fn show(&mut self) {
        let settings = self.settings;
        let next = self.playhead.next_ordinal();
        self.snapshot.stage = match next {
            _ if settings.bypass => Stage::Bypassed,
            None => Stage::Waiting,
            Some(next) if self.last_late.is_some_and(|late| next - late <= BEHIND_FRAMES) => Stage::Behind,
            Some(next) if self.plan.has_entered(next) => Stage::Playing,
            Some(next) if next < settings.rules.listen => {
                Stage::Listening { frames_left: settings.rules.listen - next }
            }
            Some(_) => Stage::NothingHeard,
        };
        self.snapshot.silent = settings.pass == Pass::MelodyOnly;
        self.snapshot.place = self.playhead.place_at(0);
        self.snapshot.tempo_bpm = self.playhead.tempo_bpm();
        self.snapshot.late = self.late;
        self.snapshot.now = self.performer.current();
        self.snapshot.leading = self.listener.leading();
        self.snapshot.num_shown = 0;
        if let Some(next) = next {
            for ordinal in next..next + MAX_SHOWN as i64 {
                if let Some(planned) = self.plan.at(ordinal) {
                    self.snapshot.push(Shown {
                        frames_ahead: (ordinal - next) as u16,
                        chord: planned.chord,
                        committed: planned.standing != Standing::Draft,
                    });
                }
            }
        }
        self.links.show(&self.snapshot);
    }
}

#[cfg(test)]
mod tests;
