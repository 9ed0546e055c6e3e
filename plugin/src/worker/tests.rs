//! The worker with a model of the test's own: laws of planning, and whole takes through its thread.

mod loops;
mod steering;

use super::{
    history::History,
    model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
    planner::{Planner, Sink},
    replay::{Player, Recent},
    *,
};
use crate::{
    audio::{
        Audio,
        block::{Block, Cycle, Incoming, Outgoing, Port, Settings, Transport},
        controls::Control,
    },
    links::{ChangeGrid, Coming, Engine, Epoch, Heard, Leading, Planned, Rules, Standing, ToWorker, connect},
};
use music::{
    grid::{Beats, Frame},
    harmony::ChordFrame,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::Pitch,
    sampling::Sampling,
    vocab::CONTEXT_FRAMES,
};
use std::{
    collections::VecDeque,
    hash::Hasher,
    time::{Duration, Instant},
};

pub(super) const DIMS: Dims = Dims { layers: 2, heads: 1, head_size: 3, context: CONTEXT_FRAMES };

/// A model whose answer depends on all it is given, the whole cache included.
pub(super) struct Moody {
    /// Steps until it panics.
    pub patience: usize,
}

impl ChordModel for Moody {
    fn dims(&self) -> Dims {
        DIMS
    }

    fn step(&mut self, input: &StepInput, cache: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        assert!(self.patience > 0, "out of patience");
        self.patience -= 1;
        let mut hash = std::hash::DefaultHasher::new();
        hash.write_usize(input.chord.id());
        hash.write_usize(input.melody.id());
        hash.write_usize(input.bar.0 * 100 + input.bar.1);
        hash.write_i64(input.position);
        for number in input.chroma.iter().chain(cache.keys()).chain(cache.values()).chain(cache.mask()) {
            hash.write_u32(number.to_bits());
        }
        let mut state = hash.finish();
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        output.chord_logits.iter_mut().for_each(|logit| *logit = 4.0 * next());
        output.chord_logits[1] += 5.0;
        output.melody_logits.iter_mut().for_each(|logit| *logit = 4.0 * next());
        output.new_keys.iter_mut().for_each(|number| *number = next());
        output.new_values.iter_mut().for_each(|number| *number = next());
        Ok(())
    }
}

#[derive(Default)]
struct Basket {
    planned: Vec<Planned>,
    waiting: usize,
}

impl Sink for Basket {
    fn plan(&mut self, planned: Planned) {
        self.planned.push(planned);
    }
    fn num_waiting(&self) -> usize {
        self.waiting
    }
    fn committed(&mut self, _is_news: bool) {}
}

fn phase(frame: i64) -> BarPhase {
    BarPhase::of(Frame(frame), Meter::COMMON, Beats(0.0))
}

fn coming(frame: i64) -> Coming {
    Coming { frame: Frame(frame), phase: phase(frame), cut: false, turn: None }
}

/// Plays a melody to a planner and plays what it commits; the chord of each frame, and all that was planned.
fn take(melody: &[MelodyFrame], rules: Rules) -> (Vec<ChordFrame>, Vec<Planned>) {
    let (mut model, mut basket) = (Moody { patience: usize::MAX }, Basket::default());
    let mut planner = Planner::new(History::new(DIMS), Sampling::default());
    let begin = ToWorker::Begin { epoch: Epoch(1), coming: coming(0), seek: false, rules };
    planner.take(&mut model, &begin, &mut basket).unwrap();
    let mut chords = Vec::new();
    for (ordinal, melody) in melody.iter().enumerate() {
        let ordinal = ordinal as i64;
        let mut stands =
            basket.planned.iter().filter(|p| p.ordinal == ordinal && p.standing != Standing::Draft);
        let planned = stands.next().expect("a frame was not committed in time");
        assert!(stands.next().is_none(), "frame {ordinal} was committed twice");
        chords.push(planned.chord);
        let heard = Heard {
            epoch: Epoch(1),
            ordinal,
            frame: Frame(ordinal),
            melody: *melody,
            played: planned.chord,
            leading: Leading::default(),
            coming: coming(ordinal + 1),
            rules,
        };
        planner.take(&mut model, &ToWorker::Heard(heard), &mut basket).unwrap();
        assert_eq!(planner.history().num_steps(), ordinal + 2, "imagined frames were left behind");
    }
    (chords, basket.planned)
}

fn melody(len: usize) -> Vec<MelodyFrame> {
    (0..len)
        .map(|frame| match frame % 8 {
            0 => MelodyFrame::Onset(Pitch::folded(60 + (frame as i32 * 5) % 13)),
            7 => MelodyFrame::Rest,
            _ => MelodyFrame::Hold,
        })
        .collect()
}

#[test]
fn takes_are_the_same_with_and_without_drafts_at_any_commit() {
    for commit in [1, 4, 16] {
        let rules = Rules { commit, look_ahead: 0, listen: 8, ..Rules::default() };
        let (without, _) = take(&melody(300), rules);
        for other in [Rules { look_ahead: 16, ..rules }, Rules { look_ahead: 16, offline: true, ..rules }] {
            assert_eq!(take(&melody(300), other).0, without, "commit {commit}");
        }
        assert_ne!(take(&melody(300), Rules { seed: 2, ..rules }).0, without);
        assert!(without.iter().any(|chord| matches!(chord, ChordFrame::Onset(_))));
    }
}

#[test]
fn nothing_sounds_while_listening_and_the_first_chord_enters_on_a_beat() {
    for (listen, rests) in [(0, 0), (16, 0), (7, 0), (4, 21), (0, 3)] {
        let mut tune = vec![MelodyFrame::Rest; rests];
        tune.extend(melody(60));
        let rules = Rules { listen, ..Rules::default() };
        let (chords, _) = take(&tune, rules);
        let entry = chords.iter().position(|chord| *chord != ChordFrame::Silence).unwrap();
        assert!(matches!(chords[entry], ChordFrame::Onset(_)));
        // One frame after the first note is heard, or after listening, and then the next beat.
        let earliest = (listen as usize).max(rests + 1);
        assert_eq!(entry, earliest.next_multiple_of(4), "listen {listen}, rests {rests}");
    }
}

#[test]
fn nothing_is_played_to_silence() {
    let (chords, _) = take(&[MelodyFrame::Rest; 64], Rules { listen: 0, ..Rules::default() });
    assert!(chords.iter().all(|chord| *chord == ChordFrame::Silence));
}

#[test]
fn chords_change_only_on_the_grid() {
    let grids =
        [ChangeGrid::Eighth, ChangeGrid::Beat, ChangeGrid::HalfBar, ChangeGrid::Bar, ChangeGrid::TwoBars];
    for grid in grids {
        let (chords, _) = take(&melody(400), Rules { grid, ..Rules::default() });
        let mut onsets = 0;
        for (frame, chord) in chords.iter().enumerate() {
            if matches!(chord, ChordFrame::Onset(_)) {
                onsets += 1;
                assert!(
                    grid.allows(Frame(frame as i64), phase(frame as i64), None),
                    "{grid:?}: onset on frame {frame}"
                );
            }
            let cut = frame > 0 && *chord == ChordFrame::Silence && chords[frame - 1] != ChordFrame::Silence;
            assert!(
                !cut || grid.allows(Frame(frame as i64), phase(frame as i64), None),
                "{grid:?}: end on frame {frame}"
            );
        }
        assert!(onsets > 3, "{grid:?}: {onsets} onsets");
    }
}

#[test]
fn a_hold_never_follows_silence() {
    for commit in [1, 4] {
        let (chords, _) = take(&melody(400), Rules { commit, ..Rules::default() });
        for pair in chords.windows(2) {
            assert!(pair[1] != ChordFrame::Hold || pair[0] != ChordFrame::Silence);
        }
    }
}

#[test]
fn lost_messages_begin_the_history_anew() {
    let (mut model, mut basket) = (Moody { patience: usize::MAX }, Basket::default());
    let mut planner = Planner::new(History::new(DIMS), Sampling::default());
    let rules = Rules { listen: 0, ..Rules::default() };
    for ordinal in [0, 1, 2, 9, 10, 11, 12] {
        let heard = Heard {
            epoch: Epoch(3),
            ordinal,
            frame: Frame(ordinal),
            melody: MelodyFrame::Onset(Pitch::folded(60)),
            played: ChordFrame::Silence,
            leading: Leading::default(),
            coming: coming(ordinal + 1),
            rules,
        };
        planner.take(&mut model, &ToWorker::Heard(heard), &mut basket).unwrap();
    }
    assert_eq!(planner.history().num_steps(), 5, "one first step, and frames 9 to 12");
    assert!(basket.planned.iter().any(|p| p.ordinal == 12 && p.standing == Standing::Committed));
}

#[test]
fn what_a_model_has_promised_stands_when_another_goes_on() {
    for commit in [1, 4, 16] {
        let rules = Rules { commit, listen: 8, ..Rules::default() };
        let tune = melody(80);
        let mut before = Player::new(Box::new(Moody { patience: usize::MAX }), Sampling::default());
        let (mut recent, mut basket) = (Recent::default(), Basket::default());
        let begin = ToWorker::Begin { epoch: Epoch(1), coming: coming(0), seek: false, rules };
        let heard = |ordinal: i64, basket: &Basket| {
            let stands = |p: &&Planned| p.ordinal == ordinal && p.standing != Standing::Draft;
            let played = basket.planned.iter().find(stands).unwrap().chord;
            let (frame, melody) = (Frame(ordinal), tune[ordinal as usize]);
            let (coming, epoch, leading) = (coming(ordinal + 1), Epoch(1), Leading::default());
            ToWorker::Heard(Heard { epoch, ordinal, frame, melody, played, leading, coming, rules })
        };
        recent.push(begin);
        before.take(&begin, &mut basket).unwrap();
        for ordinal in 0..60 {
            let message = heard(ordinal, &basket);
            recent.push(message);
            before.take(&message, &mut basket).unwrap();
        }
        // Another takes over, and then it is told again itself.
        let mut after = Player::new(Box::new(Moody { patience: usize::MAX }), Sampling::default());
        let from = recent.next() - 40;
        for number in from..recent.next() {
            after.take_again(&recent.again(number, from).unwrap()).unwrap();
        }
        after.go_on_from(&before);
        for ordinal in 60..80 {
            let message = heard(ordinal, &basket);
            recent.push(message);
            if ordinal == 70 {
                after.recover(&recent, recent.next() - 40, &mut basket).unwrap();
            } else {
                after.take(&message, &mut basket).unwrap();
            }
        }
        let mut stood: Vec<_> =
            basket.planned.iter().filter(|p| p.standing != Standing::Draft).map(|p| p.ordinal).collect();
        let len = stood.len();
        stood.dedup();
        assert_eq!(stood.len(), len, "commit {commit}: a frame was committed twice");
        assert_eq!(stood, (0..80 + commit).collect::<Vec<_>>(), "commit {commit}");
    }
}

#[test]
fn a_backlog_is_worked_off_without_planning_what_is_over() {
    let (mut model, mut basket) =
        (Moody { patience: usize::MAX }, Basket { waiting: 1, ..Basket::default() });
    let mut planner = Planner::new(History::new(DIMS), Sampling::default());
    let rules = Rules { listen: 8, ..Rules::default() };
    let begin = ToWorker::Begin { epoch: Epoch(1), coming: coming(0), seek: false, rules };
    planner.take(&mut model, &begin, &mut basket).unwrap();
    for ordinal in 0..20 {
        let heard = Heard {
            epoch: Epoch(1),
            ordinal,
            frame: Frame(ordinal),
            melody: MelodyFrame::Onset(Pitch::folded(60)),
            played: ChordFrame::Silence,
            leading: Leading::default(),
            coming: coming(ordinal + 1),
            rules,
        };
        planner.take(&mut model, &ToWorker::Heard(heard), &mut basket).unwrap();
    }
    // While it listens it draws for itself, late or not; the first chord is the last that is worth it.
    assert_eq!(basket.planned.iter().map(|p| p.ordinal).collect::<Vec<_>>(), (0..=8).collect::<Vec<_>>());
}

/// A note that came out: sample, channel, key, whether it goes down.
pub(super) type Sent = (i64, u8, u8, bool);

/// A host that plays a tune offline to a whole instance.
#[derive(Default)]
pub(super) struct Stage {
    pub incoming: VecDeque<Incoming>,
    pub sent: Vec<Sent>,
    pub now: i64,
}

impl Port for Stage {
    fn receive(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }
    fn forward(&mut self) -> bool {
        true
    }
    fn rest(&mut self, _: u32, _: u8, _: Control) -> bool {
        true
    }
    fn send(&mut self, note: Outgoing) -> bool {
        self.sent.push((
            self.now + i64::from(note.offset),
            note.channel,
            note.key.midi(),
            note.velocity.is_some(),
        ));
        true
    }
}

pub(super) fn opened(model: impl ChordModel + 'static, name: &str) -> Result<Opened, String> {
    Ok(Opened {
        model: Box::new(model),
        sampling: Sampling::default(),
        engine: Engine::BuiltIn,
        name: name.into(),
        engine_name: "a test's".into(),
    })
}

/// Plays eighths at 120 BPM and 48 kHz for `beats` through audio side and worker thread, in blocks of these sizes.
fn render(
    sizes: &[u32],
    beats: i64,
    rules: Rules,
    cycle: Option<Cycle>,
    patience: usize,
) -> (Vec<Sent>, Arc<Health>) {
    let health = Arc::new(Health::default());
    let (audio_end, worker_end, _editor) = connect(health.clone());
    let worker =
        Worker::start_with(worker_end, Shared::default(), move |_: &_| opened(Moody { patience }, "moody"));
    let mut audio = Audio::new(audio_end);
    let mut stage = Stage::default();
    let settings = Settings { rules: Rules { offline: true, ..rules }, ..Settings::default() };
    let end = beats * 24_000;
    for size in sizes.iter().cycle() {
        let num_samples = (end - stage.now).min(i64::from(*size));
        if num_samples <= 0 {
            break;
        }
        for at in
            (stage.now..stage.now + num_samples).filter(|at| at % 12_000 == 100 || at % 12_000 == 11_000)
        {
            let (offset, key) = ((at - stage.now) as u32, Pitch::folded(60 + (at / 12_000 * 7 % 12) as i32));
            stage.incoming.push_back(if at % 12_000 == 100 {
                Incoming::On { offset, channel: 0, key, velocity: 0.7 }
            } else {
                Incoming::Off { offset, channel: Some(0), key: Some(key) }
            });
        }
        let place = stage.now as f64 / 24_000.0;
        let place = cycle.map_or(place, |c| c.start.0 + (place - c.start.0).rem_euclid(c.end.0 - c.start.0));
        let transport = Transport {
            playing: true,
            position: Some(Beats(place)),
            tempo_bpm: Some(120.0),
            meter: Some(Meter::COMMON),
            bar_start: Some(Beats(0.0)),
            cycle,
        };
        let block = Block { transport, num_samples: num_samples as u32, sample_rate: 48_000.0, settings };
        audio.process(&block, &mut stage);
        stage.now += num_samples;
    }
    let stop = Block { num_samples: 64, sample_rate: 48_000.0, settings, ..Block::default() };
    audio.process(&stop, &mut stage);
    assert!(audio.is_silent());
    drop(worker);
    (stage.sent, health)
}

#[test]
fn a_take_is_the_same_at_any_block_size() {
    for commit in [1, 4, 16] {
        let rules = Rules { commit, listen: 8, ..Rules::default() };
        let (whole, health) = render(&[24_000], 24, rules, None, usize::MAX);
        assert!(whole.len() > 40, "{whole:?}");
        assert!(
            whole.iter().filter(|note| note.3).all(|note| note.0 % 6000 == 0),
            "a chord fell off the grid"
        );
        assert_eq!(health.late(), 0);
        for sizes in [&[64][..], &[512], &[1, 4000, 333]] {
            assert_eq!(
                render(sizes, 24, rules, None, usize::MAX).0,
                whole,
                "commit {commit}, blocks {sizes:?}"
            );
        }
    }
}

#[test]
fn a_loop_is_the_same_at_any_block_size_and_plays_from_its_first_frame() {
    let cycle = Some(Cycle { start: Beats(0.0), end: Beats(4.0) });
    let rules = Rules { listen: 8, temperature: 0.5, ..Rules::default() };
    let (whole, health) = render(&[96_000], 32, rules, cycle, usize::MAX);
    assert_eq!(health.late(), 0);
    for sizes in [&[512][..], &[7000, 1]] {
        assert_eq!(render(sizes, 32, rules, cycle, usize::MAX).0, whole, "blocks {sizes:?}");
    }
    let wraps = (1..8).filter(|pass| whole.iter().any(|note| note.3 && note.0 == pass * 96_000)).count();
    assert!(wraps >= 4, "chords began on {wraps} of 7 loop starts");
}

#[test]
fn a_model_that_panics_leaves_the_host_alone() {
    let (_, health) = render(&[512], 16, Rules::default(), None, 20);
    assert_eq!(health.worker(), WorkerState::Dead);
    assert!(health.texts().model.contains("out of patience"), "{}", health.texts().model);
}

#[test]
fn no_model_is_silence() {
    let health = Arc::new(Health::default());
    let (_audio, worker_end, _editor) = connect(health.clone());
    let worker = Worker::start_with(worker_end, Shared::default(), |_: &_| Err("none here".into()));
    let begun = Instant::now();
    while health.worker() == WorkerState::Loading && begun.elapsed() < Duration::from_secs(60) {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    drop(worker);
    assert_eq!((health.worker(), health.texts().model.as_str()), (WorkerState::NoModel, "none here"));
}
