//! The audio thread's side of an instance: from the host's notes and transport to frames heard, and from frames
//! planned to notes. Allocates nothing, locks nothing, waits only while the host renders offline, never panics.

mod agenda;
pub mod block;
pub mod comping;
pub mod controls;
mod free_run;
pub mod listener;
pub mod performer;
pub mod plan;
pub mod playhead;
mod snapshot;
pub mod sounding;
mod switches;
mod trail;

use crate::{
    links::{AudioEnd, Coming, Epoch, Heard, Leading, Rules, Standing, ToWorker, WorkerState},
    voicing::Bass,
};
use block::{Block, Incoming, Port, Settings};
use controls::{Control, Controls};
use free_run::{FreeRun, Touch};
use listener::Listener;
use music::{
    grid::{Beats, Frame},
    harmony::ChordFrame,
    melody::MelodyFrame,
};
use performer::{Cue, Performer};
use plan::Plan;
use playhead::{Change, Moment, Playhead};
pub use snapshot::{Glance, MAX_SHOWN, Shown, Snapshot, Stage};
use sounding::{Owner, Sounding};
use switches::{Console, Wishes};
pub use trail::{Keys, TRAIL_FRAMES, Tone, Trace, Trail};

/// Waits of 10 ms for one frame while rendering offline: 2 s.
const MAX_WAITS: u32 = 200;
/// Waits of 10 ms for the model to be opened while rendering offline: 20 s.
const MAX_LOADING_WAITS: u32 = 2000;
/// Frames waited for in vain until an epoch is no longer waited for.
const MAX_DISAPPOINTMENTS: u32 = 3;
/// Frames after a late one in which we say that we are behind: a beat.
const BEHIND_FRAMES: i64 = 4;
/// The farthest that chords are nudged forwards, in milliseconds.
pub const MAX_NUDGE_MS: f64 = 30.0;
/// How often the editor is shown an instant while nothing but time goes on.
const SHOWN_HZ: f64 = 60.0;

/// The audio side of an instance.
pub struct Audio {
    links: AudioEnd,
    playhead: Playhead,
    free_run: FreeRun,
    /// Whether the epoch is of our own clock.
    own_clock: bool,
    listener: Listener,
    console: Console,
    wishes: Wishes,
    plan: Plan,
    performer: Performer,
    sounding: Sounding,
    /// What of the melody's pedals and wheels was passed on.
    controls: Controls,
    epoch: Epoch,
    settings: Settings,
    sample_rate: f64,
    /// Which of the plans is asked for, and how often another chord was.
    roll: u32,
    force: u32,
    /// Whether hands and bass were let out in the block before.
    let_out: [bool; 2],
    /// The frame that was played before it started, and what it did.
    early: Option<(i64, ChordFrame)>,
    /// What the chords did in the open frame.
    played: ChordFrame,
    /// What the melody was when they did.
    leading: Leading,
    /// The first ordinal whose frame was closed with a note heard before or in it.
    first_note: Option<i64>,
    /// Whether a note was heard since the host began to play, seeks passed through.
    heard_player: bool,
    /// Whether the epoch began with a seek after that.
    sought: bool,
    late: u32,
    last_late: Option<i64>,
    disappointments: u32,
    /// For how many frames the worker was last asked to commit.
    told_commit: i64,
    /// How often the editor's panic button had been pressed.
    panics: u32,
    /// Set by `reset`: all notes end at the next block's first sample.
    flush: bool,
    /// The keys of ours struck since the last frame closed.
    struck_keys: Keys,
    /// The sample, of the instance's own count, at which a key first went down in the block before while nothing ran:
    /// enough for a clock of our own to begin.
    touched_at: Option<i64>,
    snapshot: Snapshot,
    /// Samples since the editor was shown an instant.
    unshown_samples: u32,
}

impl Audio {
    /// An instance's audio side. Allocates nothing later.
    pub fn new(links: AudioEnd) -> Self {
        Self {
            links,
            playhead: Playhead::default(),
            free_run: FreeRun::default(),
            own_clock: false,
            console: Console::default(),
            wishes: Wishes::default(),
            listener: Listener::default(),
            plan: Plan::default(),
            performer: Performer::default(),
            sounding: Sounding::default(),
            controls: Controls::default(),
            epoch: Epoch::default(),
            settings: Settings::default(),
            sample_rate: 48_000.0,
            roll: 0,
            force: 0,
            let_out: [true; 2],
            early: None,
            played: ChordFrame::Silence,
            leading: Leading::default(),
            first_note: None,
            heard_player: false,
            sought: false,
            late: 0,
            last_late: None,
            disappointments: 0,
            told_commit: 1,
            panics: 0,
            flush: false,
            struck_keys: Keys::default(),
            touched_at: None,
            snapshot: Snapshot::default(),
            unshown_samples: 0,
        }
    }

    /// Stops; what sounds is ended at the next block, as notes can be sent in blocks only. Shown at once: no block may come
    /// for long.
    pub fn reset(&mut self) {
        self.playhead.stop();
        self.free_run = FreeRun::default();
        self.touched_at = None;
        self.listener.clear();
        self.console.begin();
        self.end_take();
        self.flush = true;
        self.publish(Glance { keys: Keys::default(), ..self.glance() });
    }

    /// One call of the host.
    pub fn process(&mut self, block: &Block, port: &mut impl Port) {
        self.sounding.settle(port);
        self.controls.settle(port);
        let mut incoming = port.receive();
        let touching = incoming.filter(|event| event.is_melody(&block.settings.hearing));
        let touched_at = touching.map(|event| self.playhead.sample_at(event.offset()));
        let touched_at = self.touched_at.take().or(touched_at);
        let comes = touched_at.map(|sample| sample - self.playhead.sample_at(0));
        let touch = Touch { comes, holds: self.listener.holds_any() };
        let own_bpm = block.settings.free_run_bpm;
        let transport =
            self.free_run.follow(block.transport, own_bpm, touch, block.num_samples, block.sample_rate);
        let block = &Block { transport, ..*block };
        if playhead::RATES_HZ.contains(&block.sample_rate) {
            self.sample_rate = block.sample_rate;
        }
        self.take_settings(block, port);
        let mut cut = self.playhead.open_frame().zip(self.playhead.coming());
        let is_confirmed = self.playhead.is_confirmed();
        let changes_clock = self.own_clock != self.free_run.is_running();
        if changes_clock && block.transport.playing && self.playhead.tempo_bpm().is_some() {
            // Though it may be at the same place, it is another take.
            self.stop(cut.take(), port);
            self.playhead.stop();
        }
        match self.playhead.begin_block(block) {
            Change::None => {}
            Change::Begins => {
                self.hear_cut(cut.filter(|_| is_confirmed));
                self.own_clock = self.free_run.is_running();
                let touched_at = touched_at.filter(|_| self.free_run.begins());
                if touched_at.is_some() {
                    self.playhead.begin_with(Frame(0));
                }
                self.begin_epoch(touched_at.unwrap_or(self.playhead.sample_at(0)), port);
            }
            Change::Ends => self.stop(cut, port),
            Change::Wraps => self.wrap(port, 0),
        }
        if let Some(bpm) = self.playhead.tempo_bpm() {
            self.links.health.set_tempo_bpm(bpm);
        }
        self.take_plans();
        self.take_wishes();
        let end = self.playhead.sample_at(block.num_samples);
        loop {
            let moment = self.playhead.next_moment();
            let due = self.performer.due(end).map(|item| self.playhead.offset_of(item.at));
            let before = |offset: u32, other: Option<u32>| other.is_none_or(|other| offset <= other);
            let heard = incoming.map(|event| event.offset());
            // What is played on a frame's line is known to how its chord is played. A frame closes, and a loop wraps,
            // before it.
            let is_next = |(offset, moment): (u32, Moment)| match moment {
                Moment::Starts { .. } => heard.is_none_or(|heard| offset < heard),
                Moment::Nears { .. } | Moment::Closes { .. } | Moment::Wraps => before(offset, heard),
            };
            match (moment, due, incoming) {
                // A frame first: it may call off what is due.
                (Some((offset, moment)), due, _) if before(offset, due) && is_next((offset, moment)) => {
                    self.pass(moment, offset, port);
                }
                (_, Some(offset), _)
                    if before(offset, heard) && moment.is_none_or(|(moment, _)| offset < moment) =>
                {
                    let before = self.keys();
                    self.performer.act(port, &mut self.sounding, offset);
                    let after = self.keys();
                    self.struck_keys = self.struck_keys.or(after.minus(before));
                }
                (_, _, Some(event)) => {
                    self.take_event(event, port);
                    incoming = port.receive();
                }
                (_, _, None) => break,
            }
        }
        self.show(block);
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

    fn take_settings(&mut self, block: &Block, port: &mut impl Port) {
        let settings = &block.settings;
        let before = std::mem::replace(&mut self.settings, *settings);
        self.wishes = self.console.take(settings.switches);
        self.listener.obey(settings.hearing);
        let panics = std::mem::replace(&mut self.panics, self.links.health.panics());
        let is_panic = self.wishes.panic || panics != self.panics;
        if is_panic {
            // A key whose end was lost is no melody any more.
            self.listener.clear();
        }
        if self.flush || is_panic {
            self.flush = false;
            self.performer.end(port, &mut self.sounding, 0);
            self.end_melody(port);
        }
        if before.passes_melody() && !settings.passes_melody() {
            self.end_melody(port);
        }
        self.settings.muted = self.wishes.mute;
        Owner::OURS.into_iter().for_each(|owner| self.let_out(owner, before.channel_of(owner), port));
        self.settings.rules.roll = self.roll;
        self.settings.rules.force = self.force;
        let lead = (-f64::from(settings.comping.nudge_ms)).clamp(0.0, MAX_NUDGE_MS) * 1e-3 * self.sample_rate;
        self.playhead.set_lead(lead as i64);
    }

    /// A part that is let out no more ends at the block's first sample; on another channel than before it is struck there.
    fn let_out(&mut self, owner: Owner, before: u8, port: &mut impl Port) {
        let (lets_out, channel) = (self.settings.lets_out(owner), self.settings.channel_of(owner));
        let did = std::mem::replace(&mut self.let_out[usize::from(owner == Owner::Bass)], lets_out);
        if did && !lets_out {
            self.performer.hush(port, &mut self.sounding, owner, 0);
        }
        if before != channel {
            self.performer.change_channel(port, &mut self.sounding, owner, (before, channel));
        }
        // What a player has silenced by a word of ours, not by a chord's end, comes back by it too.
        if lets_out
            && !did
            && let Some(cue) = self.cue_now()
        {
            self.performer.resume(&self.settings, owner, &cue);
        }
    }

    /// The melody passed on ends at the block's first sample, and nothing keeps it sounding behind us.
    fn end_melody(&mut self, port: &mut impl Port) {
        self.sounding.end_all(port, Owner::Melody, 0);
        self.controls.release(port, 0);
    }

    /// What was pressed in this block.
    fn take_wishes(&mut self) {
        // Before the dice are rolled again: what comes now is of the plan that was seen.
        if self.wishes.next {
            self.bring_next();
        }
        let roll = self.roll.wrapping_add(self.wishes.rerolls).saturating_sub(self.wishes.undos);
        // Where nothing plays there is no plan to do without, and the take that comes is the one that the project plays.
        if roll != self.roll && self.playhead.tempo_bpm().is_some() {
            self.roll = roll;
            self.settings.rules.roll = roll;
            self.ask_again(self.rules());
        }
    }

    fn ask_again(&mut self, rules: Rules) {
        if self.playhead.tempo_bpm().is_some() {
            self.links.tell(ToWorker::Again { epoch: self.epoch, rules }, self.settings.rules.offline);
        }
    }

    /// Offline only: nobody has drafted, so that is asked for and waited for.
    fn await_drafts(&mut self) {
        self.ask_again(Rules { offline: false, ..self.rules() });
        let mut waits = 0;
        while self.links.health.is_drafting()
            && self.links.health.worker() == WorkerState::Ready
            && waits < MAX_WAITS
        {
            waits += u32::from(!self.links.wait_offline());
        }
        self.take_plans();
    }

    /// The next chord of the plan comes now; where none is planned, the worker is asked for one.
    fn bring_next(&mut self) {
        let Some(next) = self.playhead.next_ordinal() else { return };
        // Where silence stands next, as before the first chord, a chord brought now would end with that frame.
        let is_silent = self.plan.at(next).is_some_and(|planned| {
            planned.chord == ChordFrame::Silence && planned.standing != Standing::Draft
        });
        if !self.plan.has_entered(next) || (is_silent && self.performer.is_idle()) {
            return;
        }
        if self.settings.rules.offline {
            self.await_drafts();
        }
        let Some(cue) = self.cue_now() else { return };
        let current = self.performer.current();
        let planned =
            (next..next + plan::ROOM as i64).find_map(|ordinal| match self.plan.at(ordinal)?.chord {
                ChordFrame::Onset(chord) if current != Some(chord) => Some(chord),
                _ => None,
            });
        match planned {
            Some(chord) => {
                let open = self.playhead.open_frame().is_some();
                self.performer.bring(&self.settings, &self.sounding, &cue, chord, open);
                if open {
                    self.played = ChordFrame::Onset(chord);
                    self.leading = cue.leading();
                }
            }
            None => {
                self.force = self.force.wrapping_add(1);
                self.settings.rules.force = self.force;
                self.ask_again(self.rules());
            }
        }
    }

    /// The block's first sample as a cue.
    fn cue_now(&self) -> Option<Cue> {
        let frame = self.playhead.frame()?;
        self.cue(frame, self.playhead.next_ordinal()?, self.playhead.sample_at(0))
    }

    fn cue(&self, frame: Frame, ordinal: i64, at: i64) -> Option<Cue> {
        Some(Cue {
            frame,
            phase: self.playhead.phase_of(frame),
            at,
            length: self.playhead.frame_length()?,
            sample_rate: self.sample_rate,
            melody: self.listener.leading(),
            touch: self.listener.velocity(),
            next: self.plan.next_onset(ordinal),
        })
    }

    /// What plays begins here; of the melody, what was pressed from a sample of the instance's own count on is of it.
    fn begin_epoch(&mut self, from: i64, port: &mut impl Port) {
        self.performer.end(port, &mut self.sounding, 0);
        self.end_epoch();
        self.sought = self.heard_player;
        self.listener.begin(from);
        if let Some(coming) = self.playhead.coming() {
            let (rules, seek) = (self.rules(), self.sought);
            self.told_commit = rules.commit.max(1);
            self.links.tell(ToWorker::Begin { epoch: self.epoch, coming, seek, rules }, rules.offline);
        }
    }

    /// The rules of this epoch: after a seek while playing the model does not listen first, unless it is to; on our own
    /// clock nothing is printed, because what is captured lies in the song.
    fn rules(&self) -> Rules {
        let (rules, own_clock) = (self.settings.rules, self.own_clock);
        let listen = if self.sought && !rules.listen_again { 0 } else { rules.listen };
        let meter = self.playhead.meter();
        Rules { listen, own_clock, meter, print: rules.print && !own_clock, ..rules }
    }

    /// What played ends here. A frame that a stop or a seek cuts is heard, or what it played would be missing from the
    /// capture.
    fn stop(&mut self, cut: Option<(Moment, Coming)>, port: &mut impl Port) {
        self.hear_cut(cut);
        self.performer.end(port, &mut self.sounding, 0);
        self.end_take();
    }

    fn hear_cut(&mut self, cut: Option<(Moment, Coming)>) {
        if let Some((Moment::Closes { frame, ordinal }, coming)) = cut {
            self.close_frame(frame, ordinal, Some(coming));
        }
    }

    /// The host has stopped: the next take begins as the first did, or what a project plays would hang on how often it
    /// was played.
    fn end_take(&mut self) {
        self.end_epoch();
        self.heard_player = false;
        (self.roll, self.force) = (0, 0);
    }

    /// Nothing of what was planned and heard counts any more.
    fn end_epoch(&mut self) {
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.plan.begin(self.epoch);
        self.performer.forget();
        self.played = ChordFrame::Silence;
        self.early = None;
        self.first_note = None;
        self.last_late = None;
        self.disappointments = 0;
    }

    fn pass(&mut self, moment: Moment, offset: u32, port: &mut impl Port) {
        match moment {
            Moment::Nears { frame, ordinal } => {
                self.near_frame(frame, ordinal, offset);
                self.playhead.near();
            }
            Moment::Starts { frame, ordinal } => {
                self.start_frame(frame, ordinal, offset);
                self.playhead.pass(offset);
            }
            Moment::Closes { frame, ordinal } => {
                self.close_frame(frame, ordinal, self.playhead.coming());
                self.playhead.pass(offset);
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
        self.performer.wrap(port, &mut self.sounding, offset);
        // Another frame starts than the one that had neared.
        self.early = None;
    }

    /// Chords that are nudged forwards are played before their frame, where its plan is there in time.
    fn near_frame(&mut self, frame: Frame, ordinal: i64, offset: u32) {
        self.take_plans();
        if self.settings.rules.offline {
            self.await_plan(frame, ordinal);
        }
        if self.plan.is_settled(ordinal, frame) {
            let at = self.playhead.sample_at(offset);
            let played = self.perform(frame, ordinal, at);
            self.early = Some((ordinal, played));
        }
    }

    fn start_frame(&mut self, frame: Frame, ordinal: i64, offset: u32) {
        if let Some((_, played)) = self.early.take().filter(|(early, _)| *early == ordinal) {
            self.played = played;
            return;
        }
        self.take_plans();
        if self.settings.rules.offline {
            self.await_plan(frame, ordinal);
        }
        self.played = self.perform(frame, ordinal, self.playhead.sample_at(offset) + self.lag(offset));
    }

    /// Samples by which a frame that starts at `offset` is played later. Towards a loop's end it gives way, so that what
    /// is played there sounds, and in its order.
    fn lag(&self, offset: u32) -> i64 {
        let nudge = f64::from(self.settings.comping.nudge_ms).max(0.0) * 1e-3 * self.sample_rate;
        let left = self.playhead.left_in_loop(offset).unwrap_or(i64::MAX);
        (nudge as i64).min(left.max(0) / 2)
    }

    /// Plays a frame's chord at a sample of the instance's own count.
    fn perform(&mut self, frame: Frame, ordinal: i64, at: i64) -> ChordFrame {
        let planned = self.plan.take(ordinal, frame);
        let is_late = planned.is_none() && self.is_due(ordinal);
        if is_late {
            self.late += 1;
            self.last_late = Some(ordinal);
            self.links.health.set_late(self.late);
        }
        let chord = planned.map(|planned| match (planned.chord, planned.held) {
            // Its beginning was not played.
            (ChordFrame::Hold, Some(chord)) if self.performer.is_idle() => ChordFrame::Onset(chord),
            (chord, _) => chord,
        });
        match self.cue(frame, ordinal + 1, at) {
            Some(cue) => {
                self.leading = cue.leading();
                let keeps = self.wishes.hold || is_late;
                self.performer.play(&self.settings, &self.sounding, keeps, &cue, chord)
            }
            None => ChordFrame::Silence,
        }
    }

    fn close_frame(&mut self, frame: Frame, ordinal: i64, coming: Option<Coming>) {
        let melody = self.listener.close();
        if matches!(melody, MelodyFrame::Onset(_)) {
            self.heard_player = true;
            self.first_note.get_or_insert(ordinal);
        }
        self.snapshot.heard(melody);
        self.leave_trace(frame, melody);
        if let Some(coming) = coming {
            let rules = self.rules();
            self.told_commit = rules.commit.max(1);
            let (epoch, played, leading) = (self.epoch, self.played, self.leading);
            let heard = Heard { epoch, ordinal, frame, melody, played, leading, coming, rules };
            self.links.tell(ToWorker::Heard(heard), rules.offline);
        }
    }

    /// Whether the worker should have planned this frame: it listens no more, has heard something and is able to.
    fn is_due(&self, ordinal: i64) -> bool {
        let rules = self.rules();
        let heard = self.first_note.is_some_and(|first| first + rules.commit <= ordinal);
        let able = self.links.health.worker() == WorkerState::Ready;
        able && (self.plan.has_entered(ordinal) || (heard && ordinal >= rules.listen))
    }

    fn take_plans(&mut self) {
        while let Some(planned) = self.links.next_planned() {
            self.plan.accept(planned);
        }
    }

    /// Offline only: waits for the frame's plan, so that a bounce equals a perfect live take. A bass that walks towards
    /// the next chord looks at all that stands by then.
    fn await_plan(&mut self, frame: Frame, ordinal: i64) {
        let walks = self.settings.arrangement.bass == Bass::Walking;
        let last = ordinal + if walks { self.told_commit - 1 } else { 0 };
        let is_there = |plan: &Plan| plan.is_settled(ordinal, frame) && plan.stands(last);
        let (mut waits, mut loading_waits) = (0, 0);
        while self.disappointments < MAX_DISAPPOINTMENTS && !is_there(&self.plan) {
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
                let at = self.playhead.sample_at(offset);
                if self.playhead.tempo_bpm().is_none() && event.is_melody(&self.settings.hearing) {
                    self.touched_at.get_or_insert(at);
                }
                self.listener.press(channel, key, velocity, at);
                if passes {
                    self.sounding.start(port, Owner::Melody, offset, channel, key, velocity);
                }
            }
            Incoming::Off { offset, channel, key } => {
                self.listener.release(channel, key);
                self.sounding.end_matching(port, Owner::Melody, offset, channel, key);
            }
            Incoming::AllOff { offset, channel, sound } => {
                self.listener.silence(channel);
                self.sounding.end_matching(port, Owner::Melody, offset, Some(channel), None);
                // Some keyboards send this with the last key that rises; chords on the same channel are not meant.
                let is_shared = Owner::OURS.into_iter().any(|owner| self.sounding.keys(owner, channel) != 0);
                if passes && (sound || !is_shared) {
                    port.forward();
                }
            }
            Incoming::Control { channel, control, value, .. } => {
                if control == Control::Sustain {
                    self.listener.pedal(channel, value >= 0.5);
                }
                if passes {
                    self.controls.pass(port, channel, control, value);
                }
            }
            Incoming::ControlsOff { channel, .. } => {
                self.listener.pedal(channel, false);
                if passes {
                    self.controls.pass_reset(port, channel);
                }
            }
            Incoming::Other { .. } => {
                if passes {
                    port.forward();
                }
            }
        }
    }

    /// The keys of ours that sound.
    fn keys(&self) -> Keys {
        let [hands, bass] =
            Owner::OURS.map(|owner| self.sounding.keys(owner, self.settings.channel_of(owner)));
        Keys { hands, bass }
    }

    /// A frame that has closed is kept for the editor.
    fn leave_trace(&mut self, frame: Frame, melody: MelodyFrame) {
        let phase = self.playhead.phase_of(frame);
        // What ended as the frame began is the frame before's.
        let struck = std::mem::take(&mut self.struck_keys);
        let sounded = struck.or(self.keys());
        self.snapshot.trail.push(Trace::new(frame, phase, melody, self.played, sounded, struck));
    }

    fn glance(&self) -> Glance {
        let settings = &self.settings;
        let stage = match self.playhead.next_ordinal() {
            _ if settings.bypass => Stage::Bypassed,
            None => Stage::Waiting,
            Some(next) if self.last_late.is_some_and(|late| next - late <= BEHIND_FRAMES) => Stage::Behind,
            Some(_) if self.wishes.hold && self.performer.current().is_some() => Stage::Holding,
            Some(next) if self.plan.has_entered(next) => Stage::Playing,
            Some(next) if next < self.rules().listen => {
                Stage::Listening { frames_left: self.rules().listen - next }
            }
            Some(_) => Stage::NothingHeard,
        };
        Glance {
            stage,
            silent: !Owner::OURS.into_iter().any(|owner| settings.lets_out(owner)),
            holds: self.wishes.hold,
            mutes: self.wishes.mute,
            now: self.performer.current(),
            leading: self.listener.leading(),
            melody: self.listener.keys(),
            keys: self.keys(),
            late: self.late,
            commit: settings.rules.commit,
            look_ahead: settings.rules.look_ahead,
            prints: self.rules().print,
        }
    }

    /// Shows the editor this instant: where something has changed, and so often while time goes on.
    fn show(&mut self, block: &Block) {
        let glance = self.glance();
        self.unshown_samples = self.unshown_samples.saturating_add(block.num_samples);
        let runs = self.playhead.tempo_bpm().is_some();
        let is_due = runs && f64::from(self.unshown_samples) * SHOWN_HZ >= block.sample_rate;
        if glance == self.snapshot.glance && !is_due && runs == self.snapshot.tempo_bpm.is_some() {
            return;
        }
        self.snapshot.meter = block.transport.meter;
        self.snapshot.bar_start = block.transport.bar_start;
        self.publish(glance);
    }

    /// Shows the editor and the parameters this instant.
    fn publish(&mut self, glance: Glance) {
        self.unshown_samples = 0;
        self.snapshot.glance = glance;
        // The block in which our own clock begins lies before its first beat, in part.
        let shown = |place: Beats| if self.own_clock { Beats(place.0.max(0.0)) } else { place };
        self.snapshot.place = self.playhead.place_at(0).map(shown);
        self.snapshot.next = self.playhead.next_start();
        self.snapshot.tempo_bpm = self.playhead.tempo_bpm();
        self.snapshot.cycle = self.playhead.inside().map(|cycle| (cycle.start, cycle.end));
        self.snapshot.open = match self.playhead.open_frame() {
            Some(Moment::Closes { frame, .. }) => Some((frame, self.played)),
            _ => None,
        };
        self.snapshot.num_shown = 0;
        let next = self.playhead.next_ordinal();
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
        let coming = next.and_then(|next| self.plan.next_onset(next)).map(|(_, chord)| chord);
        self.links.health.set_chords(glance.now, coming);
        self.links.show(&self.snapshot);
    }
}

#[cfg(test)]
mod tests;
