//! Models that fail, stall and are exchanged in mid-song, played live by a host that goes on whatever happens.

use super::{
    super::{
        Worker,
        model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
        opening,
        tests::{DIMS, Moody, Stage, opened},
    },
    *,
};
use crate::{
    audio::{
        Audio,
        block::{Block, Incoming, Settings, Transport},
    },
    links::{ChangeGrid, Coming, EditorEnd, Epoch, Heard, Leading, Texts, connect},
    params::status,
};
use music::{
    grid::{Beats, Frame},
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::Pitch,
};
use std::{
    sync::{
        Condvar, Mutex,
        atomic::{AtomicI64, AtomicU32},
    },
    time::Duration,
};

/// Samples in a frame at 120 BPM and 48 kHz.
const FRAME: i64 = 6000;
/// How long anything may take in these tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a test makes a model do.
#[derive(Debug, Default)]
struct Script {
    /// Steps that are still to panic.
    panics: AtomicU32,
    /// Steps that are still to fail.
    errors: AtomicU32,
    /// Times that the model still panics where it is not asked to play: as it is measured, and as it goes.
    panics_beside: AtomicU32,
    /// Whether a step waits.
    shut: Mutex<bool>,
    opened: Condvar,
    /// Whether a model that is being opened hangs.
    hangs: Mutex<bool>,
    goes_on: Condvar,
    /// The position of the last step.
    position: AtomicI64,
    /// Openings that hang.
    stuck: AtomicU32,
}

impl Script {
    fn shut(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    fn hang(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
        self.goes_on.notify_all();
    }
}

/// A model that does as a test says.
struct Scripted {
    moody: Moody,
    script: Arc<Script>,
}

fn one_less(number: &AtomicU32) -> bool {
    number.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

impl Drop for Scripted {
    fn drop(&mut self) {
        assert!(!one_less(&self.script.panics_beside), "a bad end");
    }
}

impl ChordModel for Scripted {
    fn dims(&self) -> Dims {
        assert!(!one_less(&self.script.panics_beside), "no measure");
        DIMS
    }

    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        let shut = self.script.shut.lock().unwrap();
        drop(self.script.opened.wait_while(shut, |shut| *shut).unwrap());
        assert!(!one_less(&self.script.panics), "out of tune");
        if one_less(&self.script.errors) {
            return Err(ModelError::Step { engine: "a test", reason: "a string broke".into() });
        }
        self.script.position.store(input.position, Ordering::SeqCst);
        self.moody.step(input, cache, output)
    }
}

/// A live take: the host never waits for us, but lets us answer between its blocks where a test says so.
struct Gig {
    audio: Audio,
    health: Arc<Health>,
    stage: Stage,
    shared: Shared,
    script: Arc<Script>,
    rules: Rules,
    keys_are_pressed: bool,
    editor: EditorEnd,
    _worker: Worker,
}

impl Gig {
    fn begin(choice: Option<&str>) -> Self {
        let gig = Self::begin_with(choice, Script::default());
        gig.until("the model is open", |health| health.worker() != WorkerState::Loading);
        gig
    }

    fn begin_hanging(choice: &str) -> Self {
        let script = Script::default();
        script.hang(true);
        Self::begin_with(Some(choice), script)
    }

    fn begin_with(choice: Option<&str>, script: Script) -> Self {
        let (health, shared) = (Arc::new(Health::default()), Shared::default());
        if choice.is_some() {
            shared.wish.choose(ModelChoice { file: choice.map(Into::into) });
        }
        let (audio_end, worker_end, editor) = connect(health.clone());
        let script = Arc::new(script);
        let open = {
            let script = script.clone();
            move |choice: &ModelChoice| {
                let model = || Scripted { moody: Moody { patience: usize::MAX }, script: script.clone() };
                match choice.file.as_deref() {
                    None => opened(model(), "built in"),
                    Some("mad") => panic!("as this test wants"),
                    Some("stuck") => {
                        script.stuck.fetch_add(1, Ordering::SeqCst);
                        let hangs = script.hangs.lock().unwrap();
                        drop(script.goes_on.wait_while(hangs, |hangs| *hangs).unwrap());
                        opened(model(), "stuck")
                    }
                    Some("wrong") => Err("layers is 3 in the file but 4 here".into()),
                    Some(file) => opened(model(), file),
                }
            }
        };
        let worker = Worker::start_with(worker_end, shared.clone(), open);
        Self {
            audio: Audio::new(audio_end),
            health,
            stage: Stage::default(),
            shared,
            script,
            rules: Rules { listen: 8, ..Rules::default() },
            keys_are_pressed: true,
            editor,
            _worker: worker,
        }
    }

    fn until(&self, what: &str, is_so: impl Fn(&Health) -> bool) {
        let begun = Instant::now();
        while !is_so(&self.health) {
            assert!(begun.elapsed() < PATIENCE, "never {what}: {:?}", self.health);
            std::thread::yield_now();
        }
    }

    fn choose(&self, file: &str) {
        self.shared.wish.choose(ModelChoice { file: Some(file.into()) });
    }

    /// Plays eighths on for so many frames.
    fn play(&mut self, num_frames: i64, lets_us_answer: bool) {
        let end = self.stage.now + num_frames * FRAME;
        while self.stage.now < end {
            let at = self.stage.now;
            let num_samples = 500;
            let key = Pitch::folded(60 + (at / (2 * FRAME) * 7 % 12) as i32);
            if !self.keys_are_pressed {
            } else if at % (2 * FRAME) == 0 {
                self.stage.incoming.push_back(Incoming::On { offset: 9, channel: 0, key, velocity: 0.7 });
            } else if at % (2 * FRAME) == 11_000 {
                self.stage.incoming.push_back(Incoming::Off { offset: 9, channel: Some(0), key: Some(key) });
            }
            let settings = Settings { rules: self.rules, ..Settings::default() };
            let transport = Transport {
                playing: true,
                position: Some(Beats(at as f64 / (4 * FRAME) as f64)),
                tempo_bpm: Some(120.0),
                meter: Some(Meter::COMMON),
                bar_start: Some(Beats(0.0)),
                cycle: None,
            };
            let block = Block { transport, num_samples, sample_rate: 48_000.0, settings };
            self.audio.process(&block, &mut self.stage);
            self.stage.now += i64::from(num_samples);
            if lets_us_answer {
                self.until("answered", |health| !health.is_drafting());
            }
        }
    }

    /// The transport stops and goes back to the beginning.
    fn stop(&mut self) {
        let block = Block { num_samples: 64, sample_rate: 48_000.0, ..Block::default() };
        self.audio.process(&block, &mut self.stage);
        self.stage.now = 0;
    }

    /// The frames, from this one on, in which a chord is struck.
    fn struck(&self, from_frame: i64) -> Vec<i64> {
        let downs = self.stage.sent.iter().filter(|sent| sent.3);
        let mut frames: Vec<i64> = downs
            .map(|sent| {
                assert_eq!(sent.0 % FRAME, 0, "a chord fell off the grid");
                sent.0 / FRAME
            })
            .filter(|frame| *frame >= from_frame)
            .collect();
        frames.dedup();
        frames
    }
}

impl Drop for Gig {
    fn drop(&mut self) {
        // A worker that waits for the model would be waited for.
        self.script.shut(false);
        self.script.hang(false);
    }
}

#[test]
fn a_failure_costs_the_frames_it_lasts_and_the_history_is_told_again() {
    let fails: [fn(&Script) -> &AtomicU32; 2] = [|script| &script.panics, |script| &script.errors];
    for fail in fails {
        for num_failures in [1, 3] {
            let mut gig = Gig::begin(None);
            gig.play(64, true);
            assert_eq!(gig.health.late(), 0);
            fail(&gig.script).store(num_failures, Ordering::SeqCst);
            gig.play(1, true);
            let said = status(&gig.health);
            assert!(
                said.starts_with("recovering: ") && said.contains("tune") | said.contains("string"),
                "{said}"
            );
            gig.play(31, true);
            assert_eq!(status(&gig.health), "ready");
            assert!(gig.health.late() <= num_failures, "{} frames late", gig.health.late());
            assert!(gig.script.position.load(Ordering::SeqCst) >= 95, "the history was not told again");
            assert!(!gig.struck(65).is_empty());
        }
    }
}

#[test]
fn a_model_that_always_fails_is_given_up_and_chords_fall_silent() {
    let mut gig = Gig::begin(None);
    gig.play(64, true);
    assert!(!gig.struck(0).is_empty());
    gig.script.errors.store(u32::MAX, Ordering::SeqCst);
    gig.play(4, true);
    assert_eq!(gig.health.worker(), WorkerState::Ready);
    gig.play(4, true);
    assert_eq!(gig.health.worker(), WorkerState::Dead);
    assert!(gig.health.texts().model.contains("a string broke"));
    assert!(gig.audio.is_silent());
    // Another model brings it back to life.
    gig.script.errors.store(0, Ordering::SeqCst);
    gig.choose("spare");
    gig.until("ready", |health| health.worker() == WorkerState::Ready);
    let late = gig.health.late();
    gig.play(32, true);
    assert_eq!((gig.health.texts().model.as_str(), gig.health.late()), ("spare", late));
    assert!(!gig.struck(72).is_empty());
}

#[test]
fn a_model_that_is_set_aside_is_back_within_a_beat_of_being_well() {
    let fails: [fn(&Script) -> &AtomicU32; 2] = [|script| &script.panics, |script| &script.errors];
    for fail in fails {
        let mut gig = Gig::begin(None);
        gig.play(64, true);
        fail(&gig.script).store(u32::MAX, Ordering::SeqCst);
        gig.play(24, true);
        assert_eq!(gig.health.worker(), WorkerState::Dead);
        assert!(gig.audio.is_silent());
        fail(&gig.script).store(0, Ordering::SeqCst);
        let from = gig.stage.now / FRAME;
        // A beat, and the frame that is open.
        gig.play(5, true);
        assert_eq!((status(&gig.health).as_str(), gig.health.texts().model.as_str()), ("ready", "built in"));
        let late = gig.health.late();
        gig.play(32, true);
        assert_eq!(gig.health.late(), late);
        assert!(!gig.struck(from).is_empty());
        assert!(gig.script.position.load(Ordering::SeqCst) > 100, "the history was told again");
    }
}

#[test]
fn a_chord_that_sounds_is_not_cut_short_where_a_model_is_told_again_what_was_heard() {
    // A note held for long, chords that change on every second bar, and a model so slow that little is told again.
    for hands_over in [false, true] {
        let mut gig = Gig::begin(None);
        gig.rules = Rules { grid: ChangeGrid::TwoBars, listen: 0, ..gig.rules };
        gig.play(36, true);
        gig.keys_are_pressed = false;
        gig.play(18, true);
        assert!(!gig.audio.is_silent());
        let from = gig.stage.sent.len();
        if hands_over {
            gig.choose("jazz");
            gig.until("opened", |health| !health.texts().model.starts_with("opening"));
        } else {
            gig.health.set_infer_us(50_000, 50_000);
            gig.script.errors.store(1, Ordering::SeqCst);
        }
        gig.play(8, true);
        assert_eq!(status(&gig.health), "ready");
        assert_eq!(gig.stage.sent[from..], [], "hands over: {hands_over}");
        assert!(!gig.audio.is_silent());
    }
}

#[test]
fn a_panic_of_the_workers_own_costs_a_frame_and_is_said() {
    let mut gig = Gig::begin(None);
    gig.play(64, true);
    // As the model is told again what was heard, after a failure.
    gig.script.errors.store(1, Ordering::SeqCst);
    gig.script.panics_beside.store(1, Ordering::SeqCst);
    gig.play(2, true);
    let said = status(&gig.health);
    assert!(said.starts_with("recovering: ") && said.contains("no measure"), "{said}");
    let late = gig.health.late();
    assert!((1..=2).contains(&late), "{late} frames late");
    gig.play(4, true);
    assert_eq!(status(&gig.health), "ready");
    // As another model takes over: the one that goes fails at that. The new one plays.
    let from = gig.stage.now / FRAME;
    gig.choose("jazz");
    let begun = Instant::now();
    while gig.health.texts().model != "jazz" {
        assert!(begun.elapsed() < PATIENCE, "{:?}", gig.health.texts());
        // One that is opened is measured too.
        let is_opened = gig.health.texts().model.starts_with("opening");
        gig.script.panics_beside.store(u32::from(is_opened), Ordering::SeqCst);
        gig.play(1, true);
    }
    gig.play(32, true);
    assert_eq!(status(&gig.health), "ready");
    assert_eq!(gig.script.panics_beside.load(Ordering::SeqCst), 0, "it never happened");
    assert!(gig.health.late() <= late + 4);
    assert!(!gig.struck(from + 4).is_empty());
    assert!(gig.script.position.load(Ordering::SeqCst) >= 95, "the history was not told again");
}

#[test]
fn in_a_stall_of_up_to_two_seconds_the_chord_is_held_and_within_a_beat_after_it_all_is_well() {
    for commit in [1, 4] {
        for stalled in [0, 2, 5, 16] {
            let mut gig = Gig::begin(None);
            (gig.rules.commit, gig.rules.look_ahead) = (commit, 4);
            gig.play(32, true);
            gig.script.shut(true);
            // The host is never waited for: else this would not come back before the model is let go.
            gig.play(stalled, false);
            // What was committed before the stall may still sound on its frame; nothing else starts or ends.
            let (promised, place) = (32 + commit, 32 + stalled);
            let stray = gig.stage.sent.iter().find(|sent| sent.0 >= promised * FRAME);
            assert_eq!(stray, None, "commit {commit}, {stalled} frames");
            let is_behind = gig.editor.snapshots.read().glance.stage == crate::audio::Stage::Behind;
            assert_eq!(is_behind, place > promised, "commit {commit}, {stalled} frames");
            if place > promised {
                assert!(!gig.audio.is_silent(), "the last chord is held");
                assert_eq!(status(&gig.health), "thinking");
            }
            gig.script.shut(false);
            gig.play(4, true);
            let late = gig.health.late();
            assert!(late <= 4 + stalled as u32);
            gig.play(24, true);
            assert_eq!(gig.health.late(), late, "commit {commit}, {stalled} frames: late again");
            assert!(!gig.struck(place + 4).is_empty());
            assert_eq!(status(&gig.health), "ready");
            assert_eq!(gig.editor.snapshots.read().glance.stage, crate::audio::Stage::Playing);
        }
    }
}

#[test]
fn another_model_takes_over_without_a_frame_missed_and_a_refused_one_does_not() {
    let mut gig = Gig::begin(None);
    gig.play(64, true);
    for (file, said) in [
        ("jazz", "jazz"),
        ("wrong", "jazz; layers is 3 in the file but 4 here"),
        ("mad", "jazz; opening the model has failed"),
        ("jazz", "jazz"),
        ("folk", "folk"),
    ] {
        gig.choose(file);
        let from = gig.stage.now / FRAME;
        let begun = Instant::now();
        while gig.health.texts().model != said {
            assert!(begun.elapsed() < PATIENCE, "{file}: {:?}", gig.health.texts());
            gig.play(4, true);
        }
        gig.play(32, true);
        assert_eq!((gig.health.late(), gig.health.texts().model.as_str()), (0, said));
        let Texts { beside, opening, .. } = gig.health.texts();
        assert_eq!(
            (beside.as_str(), opening.as_str()),
            (said.split_once("; ").map_or("", |both| both.1), "")
        );
        let status = status(&gig.health);
        assert_eq!(status.strip_prefix("ready").unwrap().trim_start_matches("; "), beside);
        assert!(!gig.struck(from + 4).is_empty());
    }
    assert!(gig.script.position.load(Ordering::SeqCst) > 100, "the history was told again");
}

#[test]
fn a_model_whose_opening_hangs_is_left_behind_for_the_next_that_is_chosen() {
    let mut gig = Gig::begin(None);
    gig.play(32, true);
    gig.script.hang(true);
    gig.choose("stuck");
    gig.until("opening", |health| health.texts().opening == "stuck");
    for file in ["jazz", "folk"] {
        gig.choose(file);
        gig.until("opened", |health| health.texts().model == file);
        gig.play(8, true);
        assert_eq!((gig.health.late(), gig.health.texts().opening.as_str()), (0, ""));
    }
    // Let go, it does not take over.
    gig.script.hang(false);
    gig.play(32, true);
    assert_eq!((gig.health.late(), gig.health.texts().model.as_str()), (0, "folk"));
}

#[test]
fn a_first_model_whose_opening_hangs_is_left_behind_too() {
    let mut gig = Gig::begin_hanging("stuck");
    gig.until("opening", |health| health.worker() == WorkerState::Loading);
    gig.choose("jazz");
    gig.until("opened", |health| health.texts().model == "jazz");
    gig.play(32, true);
    gig.script.hang(false);
    gig.play(32, true);
    assert_eq!((gig.health.late(), gig.health.texts().model.as_str()), (0, "jazz"));
}

#[test]
fn the_same_wish_again_does_not_begin_its_opening_anew() {
    let mut gig = Gig::begin(None);
    gig.play(8, true);
    gig.script.hang(true);
    for _ in 0..3 {
        gig.choose("stuck");
        gig.until("opening", |health| health.texts().opening == "stuck");
        gig.play(8, true);
    }
    assert_eq!(gig.script.stuck.load(Ordering::SeqCst), 1);
    gig.script.hang(false);
    gig.until("opened", |health| health.texts().model == "stuck");
}

#[test]
fn a_model_too_slow_for_its_frames_is_exchanged_while_the_host_plays() {
    let (health, shared) = (Arc::new(Health::default()), Shared::default());
    let (mut audio, worker_end, _editor) = connect(health.clone());
    let open = |choice: &ModelChoice| {
        opened(Moody { patience: usize::MAX }, choice.file.as_deref().unwrap_or("built in"))
    };
    let mut server = Server::new(worker_end, shared.clone(), open);
    server.open_first(&AtomicBool::new(false));
    let (epoch, mut last) = (Epoch(1), Instant::now());
    let coming = |frame| Coming { frame: Frame(frame), phase: BarPhase::Unknown, cut: false, turn: None };
    let rules = Rules { look_ahead: 0, ..Rules::default() };
    audio.tell(ToWorker::Begin { epoch, coming: coming(0), seek: false, rules }, false);
    let (mut ordinal, begun) = (0, Instant::now());
    while health.texts().model != "jazz" {
        assert!(begun.elapsed() < PATIENCE, "never exchanged: {:?}", health.texts());
        // Always one frame more has closed than is answered.
        for _ in 0..if ordinal == 0 { 2 } else { 1 } {
            let (played, melody) = (ChordFrame::Silence, MelodyFrame::Rest);
            let (frame, leading, coming) = (Frame(ordinal), Leading::default(), coming(ordinal + 1));
            let heard = Heard { epoch, ordinal, frame, melody, played, leading, coming, rules };
            assert!(audio.tell(ToWorker::Heard(heard), false));
            ordinal += 1;
        }
        server.serve(&mut last);
        while audio.next_planned().is_some() {}
        if ordinal == 100 {
            shared.wish.choose(ModelChoice { file: Some("jazz".into()) });
        }
    }
}

#[test]
fn no_key_is_said_to_be_heard_while_what_was_captured_is_printed() {
    let mut gig = Gig::begin(None);
    gig.play(96, true);
    assert!(gig.health.key().is_some());
    gig.rules.print = true;
    gig.play(8, true);
    assert_eq!(gig.health.key(), None);
    gig.stop();
    gig.play(32, true);
    assert_eq!(gig.health.key(), None);
    gig.rules.print = false;
    gig.play(96, true);
    assert!(gig.health.key().is_some());
}

#[test]
fn a_project_whose_model_is_missing_plays_the_one_built_in_and_says_so() {
    let gig = Gig::begin(Some("wrong"));
    assert_eq!(gig.health.worker(), WorkerState::Ready);
    assert_eq!(gig.health.texts().model, "built in; layers is 3 in the file but 4 here");
    let missing = opening::open(&ModelChoice { file: Some("/no/such.onnx".into()) });
    let why = missing.map(|_| ()).unwrap_err();
    assert!(why.contains("/no/such.onnx is not used") && why.contains("cannot be read"), "{why}");
}

#[test]
fn what_was_captured_is_printed_again_with_any_seed_and_without_a_model() {
    for commit in [1, 4] {
        let mut take = Gig::begin(None);
        take.rules.commit = commit;
        take.play(96, true);
        let captured = take.shared.capture.copy();
        // A pass begins with its first note, and the frame that is open is not heard yet.
        assert_eq!(captured.num_frames(), 96);
        for (choice, errors) in [(None, 0), (None, u32::MAX), (Some("jazz"), 0)] {
            let mut print = Gig::begin(choice);
            print.script.errors.store(errors, Ordering::SeqCst);
            print.shared.capture.replace(captured.clone());
            print.rules = Rules { print: true, seed: 99, commit, ..take.rules };
            print.play(96, true);
            assert_eq!(print.stage.sent, take.stage.sent, "commit {commit}");
            assert_eq!(print.shared.capture.copy(), captured, "printing captures nothing");
            assert_eq!((print.health.worker(), print.health.late()), (WorkerState::Ready, 0));
            // Printed no more: the model goes on from there, or nobody does.
            print.rules.print = false;
            print.play(32, true);
            let dead = errors > 0;
            assert_eq!(print.health.worker() == WorkerState::Dead, dead);
            assert_eq!(print.struck(97).is_empty(), dead);
        }
    }
}

#[test]
fn the_newest_pass_is_kept_and_silence_wipes_nothing_out() {
    let mut gig = Gig::begin(None);
    gig.play(32, true);
    let first = gig.shared.capture.copy();
    // From the beginning with another seed: a new pass.
    gig.stop();
    gig.rules.seed = 7;
    gig.play(32, true);
    let second = gig.shared.capture.copy();
    assert!(second.num_frames() == first.num_frames() && second != first);
    gig.stop();
    gig.keys_are_pressed = false;
    gig.play(32, true);
    assert_eq!(gig.shared.capture.copy(), second);
}
