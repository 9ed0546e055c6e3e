//! What the player's rules make of a plan: density, key, roll, force, nucleus and the memory of a loop.

use super::*;
use crate::links::{KeyRule, Turn};
use music::{
    chord::Chord,
    harmony::sounding,
    key::{Key, Mode},
    pitch::PitchClass,
};
use std::collections::BTreeMap;

/// What the worker says to a player who can change the rules at any time.
struct Session {
    model: Moody,
    planner: Planner,
    heard: Ears,
    rules: Rules,
    epoch: Epoch,
    /// A loop from frame 0 of so many frames.
    loop_frames: Option<i64>,
    chords: Vec<ChordFrame>,
}

#[derive(Default)]
struct Ears {
    planned: Vec<Planned>,
    key: Option<(Key, f32)>,
}

impl Sink for Ears {
    fn plan(&mut self, planned: Planned) {
        self.planned.push(planned);
    }
    fn num_waiting(&self) -> usize {
        0
    }
    fn committed(&mut self, _is_news: bool) {}
    fn hear_key(&mut self, key: Option<(Key, f32)>) {
        self.key = key;
    }
}

impl Session {
    fn new(rules: Rules) -> Self {
        Self::sampled(rules, Sampling::default(), None)
    }

    fn sampled(rules: Rules, sampling: Sampling, loop_frames: Option<i64>) -> Self {
        let mut session = Self {
            model: Moody { patience: usize::MAX },
            planner: Planner::new(History::new(DIMS), sampling),
            heard: Ears::default(),
            rules,
            epoch: Epoch(0),
            loop_frames,
            chords: Vec::new(),
        };
        session.begin(false);
        session
    }

    fn begin(&mut self, seek: bool) {
        self.epoch.0 += 1;
        self.heard.planned.clear();
        self.chords.clear();
        let (epoch, coming, rules) = (self.epoch, self.at(0), self.rules);
        self.tell(&ToWorker::Begin { epoch, coming, seek, rules });
    }

    fn tell(&mut self, message: &ToWorker) {
        self.planner.take(&mut self.model, message, &mut self.heard).unwrap();
    }

    /// The frame with an ordinal.
    fn at(&self, ordinal: i64) -> Coming {
        let Some(len) = self.loop_frames else { return coming(ordinal) };
        let turn = Some(Turn { last: Frame(len - 1), first: Frame(0), first_phase: phase(0) });
        Coming { cut: ordinal > 0 && ordinal % len == 0, turn, ..coming(ordinal % len) }
    }

    fn hear(&mut self, melody: MelodyFrame) {
        let ordinal = self.chords.len() as i64;
        let stands = |p: &&Planned| p.ordinal == ordinal && p.standing != Standing::Draft;
        let standing: Vec<&Planned> = self.heard.planned.iter().filter(stands).collect();
        assert_eq!(standing.len(), 1, "frame {ordinal}");
        let chord = standing[0].chord;
        self.chords.push(chord);
        let (epoch, frame, rules) = (self.epoch, self.at(ordinal).frame, self.rules);
        let (coming, leading) = (self.at(ordinal + 1), Leading::default());
        let played = chord;
        self.tell(&ToWorker::Heard(Heard { epoch, ordinal, frame, melody, played, leading, coming, rules }));
    }

    fn hear_all(&mut self, melody: &[MelodyFrame]) -> &mut Self {
        melody.iter().for_each(|frame| self.hear(*frame));
        self
    }

    fn again(&mut self, rules: Rules) {
        self.rules = rules;
        self.tell(&ToWorker::Again { epoch: self.epoch, rules });
    }

    /// What is planned and not heard: the newest word on each frame, and whether it stands.
    fn ahead(&self) -> Vec<(ChordFrame, bool)> {
        let mut newest = BTreeMap::new();
        for planned in self.heard.planned.iter().filter(|p| p.ordinal >= self.chords.len() as i64) {
            newest.insert(planned.ordinal, (planned.chord, planned.standing != Standing::Draft));
        }
        newest.into_values().collect()
    }
}

fn played(rules: Rules) -> Vec<ChordFrame> {
    Session::new(rules).hear_all(&melody(400)).chords.clone()
}

fn onsets(chords: &[ChordFrame]) -> Vec<Chord> {
    let onset = |chord: &ChordFrame| if let ChordFrame::Onset(chord) = chord { Some(*chord) } else { None };
    chords.iter().filter_map(onset).collect()
}

#[test]
fn the_nucleus_is_narrowed_and_never_widened() {
    let narrow = Sampling { top_p: 0.2, ..Sampling::default() };
    let take = |rules: Rules, sampling: Sampling| {
        Session::sampled(rules, sampling, None).hear_all(&melody(200)).chords.clone()
    };
    let open = Rules::default();
    assert_eq!(take(Rules { top_p: 0.2, ..open }, Sampling::default()), take(open, narrow));
    assert_eq!(take(Rules { top_p: 0.9, ..open }, narrow), take(open, narrow));
    assert_eq!(take(Rules { top_p: 0.0, ..open }, narrow), take(Rules { temperature: 0.0, ..open }, narrow));
    assert_ne!(take(open, narrow), take(open, Sampling::default()));
}

#[test]
fn density_thins_and_thickens_within_the_change_grid() {
    for grid in [ChangeGrid::Free, ChangeGrid::Beat, ChangeGrid::Bar] {
        let counts = [-1.0, 0.0, 1.0].map(|density| {
            let chords = played(Rules { density, grid, ..Rules::default() });
            for (frame, chord) in chords.iter().enumerate() {
                let on_grid = grid.allows(Frame(frame as i64), phase(frame as i64), None);
                assert!(on_grid || !matches!(chord, ChordFrame::Onset(_)), "{grid:?}, onset on {frame}");
            }
            onsets(&chords).len()
        });
        println!("{grid:?}: {counts:?} onsets in 400 frames");
        assert!(counts.is_sorted() && counts[0] < counts[2], "{grid:?}: {counts:?}");
    }
}

#[test]
fn what_a_loops_end_cuts_is_struck_again_where_nothing_may_change() {
    // From the middle of a bar on, by a host that tells of no loop.
    let (first, length) = (8, 32);
    let at = |ordinal: i64| {
        let cut = ordinal > 0 && ordinal % length == 0;
        Coming { cut, ..coming(first + ordinal % length) }
    };
    let mut session = Session::new(Rules { grid: ChangeGrid::Bar, listen: 0, ..Rules::default() });
    session.tell(&ToWorker::Begin { epoch: Epoch(9), coming: at(0), seek: false, rules: session.rules });
    for (ordinal, melody) in (0..8 * length).zip(melody(8 * length as usize)) {
        let planned = session.heard.planned.iter().find(|planned| {
            (planned.epoch, planned.ordinal) == (Epoch(9), ordinal) && planned.standing != Standing::Draft
        });
        let (played, rules) = (planned.unwrap().chord, session.rules);
        session.chords.push(played);
        let (epoch, frame, leading) = (Epoch(9), at(ordinal).frame, Leading::default());
        let coming = at(ordinal + 1);
        session.tell(&ToWorker::Heard(Heard {
            epoch,
            ordinal,
            frame,
            melody,
            played,
            leading,
            coming,
            rules,
        }));
    }
    let sounds = sounding(&session.chords);
    let mut num_struck = 0;
    for wrap in (1..8).map(|pass| (pass * length) as usize) {
        assert_eq!(sounds[wrap], sounds[wrap - 1], "pass {}", wrap as i64 / length);
        if let Some(chord) = sounds[wrap] {
            assert_eq!(session.chords[wrap], ChordFrame::Onset(chord));
            num_struck += 1;
        }
    }
    assert!(num_struck > 3, "{num_struck}");
}

#[test]
fn a_locked_key_is_kept_and_a_leaned_on_one_mostly() {
    let key = Key::new(PitchClass::new(3), Mode::Major);
    let outside = |rule: KeyRule| {
        let struck = onsets(&played(Rules { key: rule, ..Rules::default() }));
        assert!(struck.len() > 40, "{rule:?}: {}", struck.len());
        struck.iter().filter(|chord| !key.contains(**chord)).count() as f64 / struck.len() as f64
    };
    let [auto, lean, lock] = [KeyRule::Auto, KeyRule::Lean(key), KeyRule::Lock(key)].map(outside);
    println!("outside the key: {auto:.2} by itself, {lean:.2} leaning, {lock:.2} locked");
    assert!(lock == 0.0 && lean > 0.0 && lean < auto * 0.7, "{auto} {lean} {lock}");
}

#[test]
fn another_roll_is_another_plan_and_the_one_before_comes_back() {
    for commit in [1, 4] {
        let rules = Rules { commit, listen: 4, ..Rules::default() };
        let mut session = Session::new(rules);
        session.hear_all(&melody(60));
        let before = session.ahead();
        let num_stand = before.iter().filter(|(_, stands)| *stands).count();
        assert!(num_stand == commit as usize && before.len() == 16);
        session.again(Rules { roll: 1, ..rules });
        let rolled = session.ahead();
        assert_ne!(rolled, before);
        assert_eq!(rolled[..num_stand], before[..num_stand], "what stands stays");
        session.again(Rules { roll: 2, ..rules });
        assert!(session.ahead() != before && session.ahead() != rolled);
        session.again(Rules { roll: 1, ..rules });
        assert_eq!(session.ahead(), rolled);
        session.again(rules);
        assert_eq!(session.ahead(), before);
        session.tell(&ToWorker::Again { epoch: Epoch(77), rules: Rules { roll: 5, ..rules } });
        assert_eq!(session.ahead(), before, "another epoch's word counts for nothing");
    }
}

#[test]
fn asking_again_shows_sooner_what_the_rules_bring_anyway() {
    let rules = Rules { commit: 4, listen: 4, ..Rules::default() };
    let changes = [Rules { roll: 3, ..rules }, Rules { force: 1, ..rules }, Rules { density: 1.0, ..rules }];
    for changed in changes {
        let take = |asks: bool, offline: bool| {
            let mut session = Session::new(Rules { offline, ..rules });
            session.hear_all(&melody(60));
            session.rules = Rules { offline, ..changed };
            if asks {
                session.again(session.rules);
                session.again(session.rules);
            }
            session.hear_all(&melody(60)).chords.clone()
        };
        let plain = take(false, false);
        assert_eq!(take(true, false), plain);
        assert_eq!(take(true, true), plain);
        assert_eq!(plain.len(), 120);
    }
}

#[test]
fn a_forced_change_comes_on_the_next_frame_that_does_not_stand_and_once() {
    let key = Key::new(PitchClass::new(0), Mode::Major);
    for (commit, at, rule) in [(1, 45, KeyRule::Auto), (4, 45, KeyRule::Auto), (1, 62, KeyRule::Lock(key))] {
        let rules = Rules { commit, listen: 4, grid: ChangeGrid::TwoBars, key: rule, ..Rules::default() };
        let plain = Session::new(rules).hear_all(&melody(128)).chords.clone();
        let mut session = Session::new(rules);
        session.hear_all(&melody(128)[..at]);
        session.again(Rules { force: 9, ..rules });
        let due = at + commit as usize;
        let draft = session.ahead()[commit as usize];
        assert!(matches!(draft, (ChordFrame::Onset(_), false)), "{draft:?}");
        session.hear_all(&melody(128)[at..]);
        let chords = &session.chords;
        assert_eq!(chords[..due], plain[..due]);
        let sounds = sounding(chords);
        assert!(matches!(chords[due], ChordFrame::Onset(_)), "commit {commit}: {chords:?}");
        assert_ne!(sounds[due], sounds[due - 1]);
        assert!(rule == KeyRule::Auto || onsets(chords).iter().all(|chord| key.contains(*chord)));
        let off_grid = |frame: &usize| !rules.grid.allows(Frame(*frame as i64), phase(*frame as i64), None);
        let changes = (8..chords.len()).filter(off_grid).filter(|frame| sounds[*frame] != sounds[frame - 1]);
        assert_eq!(changes.collect::<Vec<_>>(), [due], "commit {commit}");
    }
}

#[test]
fn a_force_from_before_the_first_chord_or_the_epoch_is_none() {
    let rules = Rules { listen: 32, grid: ChangeGrid::TwoBars, ..Rules::default() };
    let plain = played(rules);
    let mut session = Session::new(rules);
    session.hear_all(&melody(400)[..20]);
    session.again(Rules { force: 1, ..rules });
    session.hear_all(&melody(400)[20..]);
    assert_eq!(session.chords, plain);
    session.begin(true);
    session.hear_all(&melody(400));
    assert_eq!(session.chords, plain);
}

#[test]
fn a_loop_played_as_before_leaves_no_draft_to_change() {
    let tune = &melody(130)[2..];
    let changed = |loop_memory: bool, passes: usize, commit: i64| {
        let rules = Rules { commit, listen: 8, loop_memory, ..Rules::default() };
        let mut session = Session::sampled(rules, Sampling::default(), Some(tune.len() as i64));
        let mut changed = 0;
        for frame in tune.iter().cycle().take(passes * tune.len()) {
            let before = session.ahead();
            session.hear(*frame);
            let after = session.ahead();
            changed += before[1..].iter().zip(&after).filter(|(b, a)| b.0 != a.0).count();
        }
        changed
    };
    for commit in [1, 4] {
        // In the second pass nothing changes, but for the look-ahead of the first that saw no further than the loop.
        let (once, twice) = (changed(true, 1, commit), changed(true, 2, commit));
        assert_eq!(once, twice, "commit {commit}");
        assert!(changed(false, 2, commit) > changed(false, 1, commit) + 100);
    }
}

#[test]
fn who_departs_from_the_loop_is_followed_as_if_there_were_none() {
    let tune = melody(128);
    let rules = Rules { commit: 4, listen: 8, ..Rules::default() };
    let mut session = Session::sampled(rules, Sampling::default(), Some(128));
    session.hear_all(&tune).hear_all(&tune[..40]);
    let differs = |session: &mut Session| {
        session.again(rules);
        let with = session.ahead();
        session.again(Rules { loop_memory: false, ..rules });
        let without = session.ahead();
        session.again(rules);
        with != without
    };
    assert!(differs(&mut session));
    // Frame 40 has a note in the memory.
    session.hear(MelodyFrame::Rest);
    assert!(!differs(&mut session));
    session.hear_all(&tune[41..56]);
    assert!(!differs(&mut session));
    session.hear(tune[56]);
    assert!(differs(&mut session), "a bar as before is trusted again");
}

#[test]
fn the_key_is_told_and_outlasts_a_seek() {
    let tune =
        music::notation::parse_melody(&"| C4 - E4 - G4 - E4 - F4 - D4 - B3 - C4 - ".repeat(4)).unwrap();
    let mut session = Session::new(Rules { listen: 1000, ..Rules::default() });
    assert_eq!(session.heard.key, None);
    session.hear_all(&tune);
    let key = session.heard.key.map(|key| key.0);
    assert_eq!(key, Some(Key::new(PitchClass::new(0), Mode::Major)));
    session.begin(true);
    session.hear(MelodyFrame::Rest);
    assert_eq!(session.heard.key.map(|key| key.0), key);
    session.begin(false);
    assert_eq!(session.heard.key, None);
}
