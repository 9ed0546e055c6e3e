//! Where a chord may change, which tokens may come in a frame, and which of them are favoured. Worker thread; pure.

use crate::links::{ChangeGrid, Coming, KeyRule, Rules, Turn};
use music::{
    chord::Chord,
    grid::{FRAMES_PER_BEAT, Frame},
    meter::{BarPhase, Meter},
    pitch::{OCTAVE, PitchClass},
    vocab::ChordToken,
};

/// The bar where the host tells of none: common time from frame 0.
const PRESUMED_BAR_FRAMES: i64 = 4 * FRAMES_PER_BEAT;
/// What the ends of the density add to the logit of a change, in nats.
const DENSITY_NATS: f32 = 2.5;
/// What leaning on a key takes from chords outside it, in nats: one in twenty of what they were.
const LEAN_NATS: f32 = 3.0;

/// The frame after this one, its phase and the loop it stands in.
pub fn after(coming: Coming) -> Coming {
    match coming.turn {
        Some(Turn { last, first, first_phase }) if coming.frame == last => {
            Coming { frame: first, phase: first_phase, cut: true, ..coming }
        }
        _ => Coming { frame: coming.frame.plus(1), phase: later(coming.phase), cut: false, ..coming },
    }
}

fn later(phase: BarPhase) -> BarPhase {
    match phase {
        BarPhase::Unknown => BarPhase::Unknown,
        BarPhase::At { position, length } => {
            BarPhase::At { position: (position + 1) % length.max(1), length }
        }
    }
}

/// Frames since the bar line and frames in the bar.
fn in_bar(frame: Frame, phase: BarPhase) -> (i64, i64) {
    match phase {
        BarPhase::At { position, length } => (i64::from(position), i64::from(length.max(1))),
        BarPhase::Unknown => (frame.0.rem_euclid(PRESUMED_BAR_FRAMES), PRESUMED_BAR_FRAMES),
    }
}

/// Whether the frame stands on a beat.
pub fn is_on_beat(frame: Frame, phase: BarPhase) -> bool {
    in_bar(frame, phase).0 % FRAMES_PER_BEAT == 0
}

/// Frames from a bar line of this meter to where the bar's second half is felt: the middle of an even bar, a dotted
/// quarter in 6/8; the larger part first where a bar is counted in two parts, 3 + 2 in 5/4 and 4 + 3 in 7/8. Bars of three
/// and nine, which are counted in three, have none, nor has one where that falls between frames.
fn half_bar(meter: Meter) -> Option<i64> {
    let Meter { numerator, denominator } = meter;
    let counted_in_three = numerator % 2 == 1 && numerator % 3 == 0;
    if counted_in_three || numerator < 2 {
        return None;
    }
    let whole_notes = i64::from(numerator.div_ceil(2)) * 4 * FRAMES_PER_BEAT;
    (whole_notes.checked_rem(i64::from(denominator)) == Some(0)).then(|| whole_notes / i64::from(denominator))
}

impl ChangeGrid {
    /// Whether a chord may change on this frame, where the host tells this meter. Bars are counted from frame 0 for every
    /// second one.
    pub fn allows(self, frame: Frame, phase: BarPhase, meter: Option<Meter>) -> bool {
        let (position, length) = in_bar(frame, phase);
        let half = || match meter.filter(|meter| meter.bar_frames() == Some(length)) {
            Some(meter) => half_bar(meter),
            None => (length % 2 == 0).then_some(length / 2),
        };
        match self {
            Self::Free => true,
            Self::Eighth => position % (FRAMES_PER_BEAT / 2) == 0,
            Self::Beat => position % FRAMES_PER_BEAT == 0,
            Self::HalfBar => position == 0 || half() == Some(position),
            Self::Bar => position == 0,
            Self::TwoBars => position == 0 && (frame.0.div_euclid(length)) % 2 == 0,
        }
    }
}

/// Whether a chord may change on the frame that comes: on the grid, and with the first frame of a loop, which is where a
/// player starts to count; every second bar is counted from there too.
pub fn may_change(grid: ChangeGrid, coming: &Coming, meter: Option<Meter>) -> bool {
    let Some(Turn { first, first_phase, .. }) = coming.turn else {
        return grid.allows(coming.frame, coming.phase, meter);
    };
    let bar_line = first.0.saturating_sub(in_bar(first, first_phase).0);
    coming.frame == first || grid.allows(Frame(coming.frame.0.saturating_sub(bar_line)), coming.phase, meter)
}

/// What may come in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legal {
    /// Whatever the vocabulary lets follow.
    Anything,
    /// Nothing changes here: a chord goes on, silence stays.
    NoChange,
    /// A chord starts here.
    OnsetOnly,
    /// Another chord than this one starts here.
    OnsetOtherThan(ChordToken),
}

impl Legal {
    /// Whether `next` may follow `last` in such a frame.
    pub fn allows(self, last: ChordToken, next: ChordToken) -> bool {
        let silent = last == ChordToken::SILENCE || last == ChordToken::START;
        match self {
            Self::Anything => last.may_precede(next),
            Self::NoChange => next == if silent { ChordToken::SILENCE } else { ChordToken::HOLD },
            Self::OnsetOnly => next.chord().is_some(),
            Self::OnsetOtherThan(sounding) => next.chord().is_some() && next != sounding,
        }
    }
}

/// The model's logits as the rules would have them. `goes_on`: a chord sounds that could be held.
///
/// The key says which chords are struck, not how often: what those outside it lose goes to those within. The density
/// says how often a chord gives way to another, not which; in silence it says nothing.
pub fn weigh(rules: &Rules, logits: &[f32], goes_on: bool) -> Vec<f32> {
    let mut weighed = logits.to_vec();
    let onsets = weighed.get_mut(ChordToken::FIRST_ONSET..).unwrap_or_default();
    match rules.key {
        KeyRule::Auto => {}
        KeyRule::Lean(key) => favour(onsets, |chord| if key.contains(chord) { 0.0 } else { -LEAN_NATS }),
        KeyRule::Lock(key) => {
            favour(onsets, |chord| if key.contains(chord) { 0.0 } else { f32::NEG_INFINITY })
        }
    }
    let shift = DENSITY_NATS * rules.density.clamp(-1.0, 1.0);
    if goes_on && shift.is_finite() && shift != 0.0 {
        onsets.iter_mut().for_each(|logit| *logit += shift);
    }
    weighed
}

/// How many frames of a remembered melody speak for the chord that begins or goes on in the first of them: a half bar.
pub const HORIZON: usize = 8;
/// How likely a note of the melody is one of the chord it sounds over, as in the songs of the training set.
const IN_CHORD: f32 = 0.77;
/// What a frame of a note counts: a beat of it is one note.
const FRAME_WEIGHT: f32 = 1.0 / FRAMES_PER_BEAT as f32;

/// The logits given the notes that will sound over the chord, a pitch class a frame: the model's own as the prior, times
/// how likely those notes are over each chord. The chord that sounds speaks for the hold; silence takes no side.
pub fn foresee(logits: &mut [f32], sounding: ChordToken, notes: impl Iterator<Item = PitchClass>) {
    let mut counts = [0.0; OCTAVE as usize];
    notes.for_each(|note| counts[usize::from(note.semitones())] += FRAME_WEIGHT);
    let all: f32 = counts.iter().sum();
    if all == 0.0 {
        return;
    }
    let worth = |chord: Chord| {
        let tones = chord.pitch_classes();
        let size = tones.len() as f32;
        let within: f32 = tones.iter().map(|tone| counts[usize::from(tone.semitones())]).sum();
        let (inside, outside) = (IN_CHORD / size, (1.0 - IN_CHORD) / (f32::from(OCTAVE) - size));
        within * inside.ln() + (all - within) * outside.ln()
    };
    let none = -all * f32::from(OCTAVE).ln();
    for (id, logit) in logits.iter_mut().enumerate() {
        let token =
            ChordToken::from_id(id).map(|token| if token == ChordToken::HOLD { sounding } else { token });
        *logit += token.and_then(ChordToken::chord).map_or(none, worth);
    }
}

/// Adds to the logits of onsets what each chord is worth, and to all so much that an onset is as likely as before.
fn favour(onsets: &mut [f32], worth: impl Fn(Chord) -> f32) {
    let before = log_sum_exp(onsets);
    for (idx, logit) in onsets.iter_mut().enumerate() {
        let chord = ChordToken::from_id(ChordToken::FIRST_ONSET + idx).and_then(ChordToken::chord);
        *logit += chord.map_or(0.0, &worth);
    }
    let made_up = before - log_sum_exp(onsets);
    // Where nothing is left to strike, nothing is struck: what sounds goes on.
    if made_up.is_finite() {
        onsets.iter_mut().for_each(|logit| *logit += made_up);
    }
}

/// The logarithm of the sum of what the finite ones stand for.
fn log_sum_exp(logits: &[f32]) -> f32 {
    let finite = || logits.iter().copied().filter(|logit| logit.is_finite());
    let highest = finite().fold(f32::NEG_INFINITY, f32::max);
    highest + finite().map(|logit| (logit - highest).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use music::{
        key::{Key, Mode},
        pitch::PitchClass,
        sampling::{Sampling, draw},
    };
    use proptest::prelude::*;

    fn logits() -> impl Strategy<Value = Vec<f32>> {
        let logit = prop_oneof![20 => -8.0..8.0f32, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)];
        prop::collection::vec(logit, ChordToken::COUNT)
    }

    fn keys() -> impl Strategy<Value = Key> {
        (0..12i32, 0..Mode::ALL.len())
            .prop_map(|(tonic, idx)| Key::new(PitchClass::new(tonic), Mode::ALL[idx]))
    }

    fn drawn(logits: &[f32], uniform: f64) -> ChordToken {
        let id = draw(logits, ChordToken::FIRST_ONSET, |_| true, Sampling::default(), uniform);
        ChordToken::from_id(id.unwrap()).unwrap()
    }

    fn outside(logits: &[f32], key: Key) -> f32 {
        let is_outside = |id: usize| {
            ChordToken::from_id(id).and_then(ChordToken::chord).is_some_and(|chord| !key.contains(chord))
        };
        let within = |outside: bool| -> Vec<f32> {
            (ChordToken::FIRST_ONSET..logits.len())
                .filter(|id| is_outside(*id) == outside)
                .map(|id| logits[id])
                .collect()
        };
        log_sum_exp(&within(true)) - log_sum_exp(&within(false))
    }

    proptest! {
        #[test]
        fn without_rules_the_logits_are_the_models_own(logits in logits(), goes_on: bool) {
            let bits = |logits: &[f32]| logits.iter().map(|logit| logit.to_bits()).collect::<Vec<u32>>();
            prop_assert_eq!(bits(&weigh(&Rules::default(), &logits, goes_on)), bits(&logits));
        }

        #[test]
        fn denser_never_strikes_less_and_sparser_never_more(logits in logits(), uniform in 0.0..1.0f64) {
            let strikes = |density: f32, goes_on: bool| {
                drawn(&weigh(&Rules { density, ..Rules::default() }, &logits, goes_on), uniform).chord().is_some()
            };
            let struck = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0].map(|density| strikes(density, true));
            prop_assert!(struck.is_sorted(), "{:?}", struck);
            prop_assert_eq!((struck[0], struck[6]), (struck[1], struck[5]));
            prop_assert_eq!(strikes(f32::NAN, true), struck[3]);
            prop_assert_eq!(strikes(1.0, false), struck[3]);
        }

        #[test]
        fn a_locked_key_strikes_as_often_and_only_within(logits in logits(), key in keys(), uniform in 0.0..1.0f64) {
            let locked = weigh(&Rules { key: KeyRule::Lock(key), ..Rules::default() }, &logits, true);
            let (free, token) = (drawn(&logits, uniform), drawn(&locked, uniform));
            // Rounding may move what is drawn at the very edge.
            let edge = drawn(&logits, (uniform - 1e-4).max(0.0)).chord().is_some()
                != drawn(&logits, (uniform + 1e-4).min(0.999_999)).chord().is_some();
            prop_assert!(edge || free.chord().is_some() == token.chord().is_some());
            prop_assert!(token.chord().is_none_or(|chord| key.contains(chord)));
        }

        #[test]
        fn leaning_takes_as_much_from_each_chord_outside(logits in logits(), key in keys()) {
            let leaned = weigh(&Rules { key: KeyRule::Lean(key), ..Rules::default() }, &logits, true);
            prop_assert!((outside(&logits, key) - outside(&leaned, key) - LEAN_NATS).abs() < 1e-3);
            let finite = |logits: &[f32]| logits.iter().map(|logit| logit.is_finite()).collect::<Vec<bool>>();
            prop_assert_eq!(finite(&leaned), finite(&logits), "every colour stays possible");
        }
    }

    #[test]
    fn half_bars_are_where_musicians_feel_them() {
        let check = |numerator: u8, denominator: u8, expected: &[i64]| {
            let meter = Meter::new(numerator, denominator).unwrap();
            let length = meter.bar_frames().unwrap();
            let phase = |frame| BarPhase::of(Frame(frame), meter, music::grid::Beats(0.0));
            let allowed = |frame: &i64| ChangeGrid::HalfBar.allows(Frame(*frame), phase(*frame), Some(meter));
            let found: Vec<i64> = (length..2 * length).filter(allowed).map(|frame| frame - length).collect();
            assert_eq!(found, expected, "{numerator}/{denominator}");
        };
        check(4, 4, &[0, 8]);
        check(2, 4, &[0, 4]);
        check(2, 2, &[0, 8]);
        check(3, 4, &[0]);
        check(3, 8, &[0]);
        check(9, 8, &[0]);
        check(1, 4, &[0]);
        check(6, 8, &[0, 6]);
        check(12, 8, &[0, 12]);
        check(6, 4, &[0, 12]);
        check(5, 4, &[0, 12]);
        check(5, 8, &[0, 6]);
        check(7, 8, &[0, 8]);
        check(7, 4, &[0, 16]);
        check(11, 8, &[0, 12]);
        // The second half would begin between frames.
        check(6, 32, &[0]);
        // Where no meter is told, common time is presumed, and of a bar of some length the middle.
        let unknown = |frame| ChangeGrid::HalfBar.allows(Frame(frame), BarPhase::Unknown, Meter::new(9, 4));
        assert_eq!((0..16).filter(|frame| unknown(*frame)).collect::<Vec<_>>(), [0, 8]);
        let middle = BarPhase::At { position: 6, length: 12 };
        assert!(ChangeGrid::HalfBar.allows(Frame(6), middle, None));
    }

    #[test]
    fn a_loop_begins_with_a_change_and_counts_its_bars_from_there() {
        let changes = |grid: ChangeGrid, first: i64, num: i64| -> Vec<i64> {
            let phase = |frame| BarPhase::of(Frame(frame), Meter::COMMON, music::grid::Beats(0.0));
            let turn = Turn { last: Frame(first + num - 1), first: Frame(first), first_phase: phase(first) };
            let coming =
                |frame| Coming { frame: Frame(frame), phase: phase(frame), cut: false, turn: Some(turn) };
            (first..first + num)
                .filter(|frame| may_change(grid, &coming(*frame), Some(Meter::COMMON)))
                .map(|frame| frame - first)
                .collect()
        };
        // Four bars from the second bar on, and one alone.
        assert_eq!(changes(ChangeGrid::TwoBars, 16, 64), [0, 32]);
        assert_eq!(changes(ChangeGrid::TwoBars, 16, 16), [0]);
        assert_eq!(changes(ChangeGrid::TwoBars, 32, 64), [0, 32]);
        // From the middle of a bar on.
        assert_eq!(changes(ChangeGrid::Bar, 8, 32), [0, 8, 24]);
        assert_eq!(changes(ChangeGrid::Bar, 4, 8), [0]);
        assert_eq!(changes(ChangeGrid::Beat, 8, 8), [0, 4]);
    }

    #[test]
    fn coming_notes_speak_for_the_chords_they_fit() {
        let class = PitchClass::new;
        let onset = |root: i32| ChordToken::onset(class(root), music::chord::Quality::MAJOR);
        let (c, f, g) = (onset(0), onset(5), onset(7));
        let said = |sounding: ChordToken, notes: &[i32]| {
            let mut logits = vec![0.0; ChordToken::COUNT];
            foresee(&mut logits, sounding, notes.iter().map(|note| class(*note)));
            logits
        };
        let logits = said(c, &[5, 5, 9, 9]);
        assert!(logits[f.id()] > logits[c.id()] && logits[f.id()] > logits[g.id()]);
        assert_eq!(logits[ChordToken::HOLD.id()], logits[c.id()], "the hold is what sounds");
        assert!(logits[f.id()] > logits[0] && logits[0] > logits[c.id()], "silence takes no side");
        // A chord of more tones is not the better for having them all.
        let seventh = music::symbol::parse("Fmaj7").unwrap().unwrap();
        let seventh = ChordToken::onset(seventh.root, seventh.quality);
        assert!(logits[seventh.id()] < logits[f.id()]);
        let longer = said(c, &[5, 5, 5, 5, 9, 9, 9, 9]);
        assert!(longer[f.id()] - longer[g.id()] > logits[f.id()] - logits[g.id()]);
        assert!(said(c, &[]).iter().all(|logit| *logit == 0.0), "nothing is known, nothing is said");
    }

    #[test]
    fn a_key_that_admits_nothing_lets_what_sounds_go_on() {
        let mut logits = vec![f32::NEG_INFINITY; ChordToken::COUNT];
        (logits[0], logits[1]) = (0.0, 0.0);
        // F# major is all there is.
        logits[ChordToken::onset(PitchClass::new(6), music::chord::Quality::MAJOR).id()] = 5.0;
        let rules =
            Rules { key: KeyRule::Lock(Key::new(PitchClass::new(0), Mode::Major)), ..Rules::default() };
        for uniform in [0.0, 0.3, 0.6, 0.99] {
            assert!(drawn(&weigh(&rules, &logits, true), uniform).chord().is_none());
        }
        assert!(weigh(&rules, &[], true).is_empty());
    }
}
