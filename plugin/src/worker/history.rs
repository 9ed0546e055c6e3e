//! The history a model sees: its cache, position, chroma and last tokens. Frames that were heard stay; frames that
//! are only imagined are taken back, so that drafting never changes what is heard. Worker thread.
//!
//! What was imagined is kept until it turns out otherwise: where it is imagined again, or heard, the step is not asked
//! of the engine once more. The answer is the same to the bit, because a step is a function of what it is given.

use super::model::{ChordModel, Dims, KvRing, ModelError, SavedRow, StepInput, StepOutput};
use music::{
    melody::Chroma,
    meter::BarPhase,
    vocab::{ChordToken, MelodyToken, POSITION_PERIOD, bar_ids},
};
use std::collections::VecDeque;

/// What was known after a frame, but for the cache.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    steps: i64,
    chroma: Chroma,
    chord: ChordToken,
    melody: MelodyToken,
}

const NOTHING: fn() -> Known =
    || Known { steps: 0, chroma: Chroma::default(), chord: ChordToken::START, melody: MelodyToken::START };

/// What a step takes in: chord and melody of a frame, and where the next one stands.
type Given = (ChordToken, MelodyToken, BarPhase);

/// A frame that was imagined.
#[derive(Debug)]
struct Imagined {
    given: Given,
    /// What is known after it.
    known: Known,
    answer: StepOutput,
    /// The row that gave way to its own.
    gave_way: SavedRow,
}

/// The history of one epoch.
#[derive(Debug)]
pub struct History {
    cache: KvRing,
    known: Known,
    answer: StepOutput,
    /// The frames imagined after the last one heard, whose rows are in the cache.
    imagined: VecDeque<Imagined>,
    /// How many of them count now.
    depth: usize,
}

impl History {
    /// An empty history.
    pub fn new(dims: Dims) -> Self {
        Self {
            cache: KvRing::new(dims),
            known: NOTHING(),
            answer: StepOutput::new(dims),
            imagined: VecDeque::new(),
            depth: 0,
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cache.clear();
        self.known = NOTHING();
        self.imagined.clear();
        self.depth = 0;
    }

    /// The first step of a history: answers for its first frame.
    ///
    /// # Errors
    /// What the engine says.
    pub fn begin(&mut self, model: &mut dyn ChordModel, phase: BarPhase) -> Result<(), ModelError> {
        self.clear();
        self.step(model, self.known, phase)
    }

    /// A frame was heard: answers for the next one, which stands at `phase`.
    ///
    /// # Errors
    /// What the engine says; then the frame was not heard.
    pub fn hear(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
    ) -> Result<(), ModelError> {
        self.rewind();
        if let Some(first) = self.imagined.pop_front_if(|first| first.given == (chord, melody, phase)) {
            (self.known, self.answer) = (first.known, first.answer);
            return Ok(());
        }
        self.forget_imagined();
        self.step(model, self.known.after(chord, melody), phase)
    }

    /// A frame is imagined: answers for the next one. [`Self::rewind`] takes all imagined frames back.
    ///
    /// # Errors
    /// What the engine says; then the frame was not imagined.
    pub fn imagine(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
    ) -> Result<(), ModelError> {
        self.suppose((chord, melody, phase), |input, cache, output| {
            model.step(input, cache, output).map(|()| true)
        })?;
        Ok(())
    }

    /// As [`Self::imagine`], for what nobody waits for: whether it was done before `stop` said no.
    ///
    /// # Errors
    /// What the engine says; then the frame was not imagined.
    pub fn imagine_unless(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, ModelError> {
        self.suppose((chord, melody, phase), |input, cache, output| {
            model.step_unless(input, cache, output, stop)
        })
    }

    /// Takes back all imagined frames.
    pub fn rewind(&mut self) {
        self.depth = 0;
    }

    /// The model's answer for the next frame.
    pub fn answer(&self) -> &StepOutput {
        self.last_imagined().map_or(&self.answer, |last| &last.answer)
    }

    /// The chord token of the last frame.
    pub fn last_chord(&self) -> ChordToken {
        self.known().chord
    }

    /// The melody token of the last frame.
    pub fn last_melody(&self) -> MelodyToken {
        self.known().melody
    }

    /// Steps since the history began, without imagined ones.
    pub fn num_steps(&self) -> i64 {
        self.known.steps
    }

    fn last_imagined(&self) -> Option<&Imagined> {
        self.imagined.get(self.depth.checked_sub(1)?)
    }

    fn known(&self) -> Known {
        self.last_imagined().map_or(self.known, |last| last.known)
    }

    /// Imagines a frame, by what was kept or by a step; whether the step was done.
    fn suppose(
        &mut self,
        given: Given,
        step: impl FnOnce(&StepInput, &KvRing, &mut StepOutput) -> Result<bool, ModelError>,
    ) -> Result<bool, ModelError> {
        if self.imagined.get(self.depth).is_none_or(|kept| kept.given != given) {
            self.forget_imagined();
            let (chord, melody, phase) = given;
            let mut known = self.known().after(chord, melody);
            let mut answer = StepOutput::new(self.cache.dims());
            if !step(&known.input(phase), &self.cache, &mut answer)? {
                return Ok(false);
            }
            let row = known.row(self.cache.dims());
            let gave_way = self.cache.save(row);
            self.cache.put(row, &answer.new_keys, &answer.new_values);
            known.steps += 1;
            self.imagined.push_back(Imagined { given, known, answer, gave_way });
        }
        self.depth += 1;
        Ok(true)
    }

    /// Forgets the imagined frames that do not count now.
    fn forget_imagined(&mut self) {
        for forgotten in self.imagined.drain(self.depth..).rev() {
            self.cache.restore(&forgotten.gave_way);
        }
    }

    fn step(&mut self, model: &mut dyn ChordModel, known: Known, phase: BarPhase) -> Result<(), ModelError> {
        model.step(&known.input(phase), &self.cache, &mut self.answer)?;
        let row = known.row(self.cache.dims());
        self.cache.put(row, &self.answer.new_keys, &self.answer.new_values);
        self.known = Known { steps: known.steps + 1, ..known };
        Ok(())
    }
}

impl Known {
    /// With one frame more, before its step.
    fn after(mut self, chord: ChordToken, melody: MelodyToken) -> Self {
        (self.chord, self.melody) = (chord, melody);
        self.chroma.hear(melody.frame());
        self
    }

    /// The row of the next step.
    fn row(&self, dims: Dims) -> usize {
        (self.steps as usize) % dims.context
    }

    /// What the step for a frame at `phase` is given.
    fn input(&self, phase: BarPhase) -> StepInput {
        StepInput {
            chord: self.chord,
            melody: self.melody,
            bar: bar_ids(phase),
            position: self.steps % POSITION_PERIOD,
            chroma: self.chroma.features(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::Moody, *};
    use proptest::prelude::*;

    const PHASE: BarPhase = BarPhase::Unknown;

    fn moody() -> Moody {
        Moody { patience: usize::MAX }
    }

    fn tokens(nth: usize) -> (ChordToken, MelodyToken) {
        let chord = if nth.is_multiple_of(2) { ChordToken::SILENCE } else { ChordToken::from_id(5).unwrap() };
        (chord, MelodyToken::from_id(1 + nth / 2 % 2).unwrap())
    }

    #[test]
    fn what_was_imagined_and_comes_true_is_not_asked_again() {
        let mut model = moody();
        let mut history = History::new(model.dims());
        history.begin(&mut model, PHASE).unwrap();
        let ahead = |history: &mut History, model: &mut Moody, of: &[usize]| {
            let before = model.patience;
            for nth in of {
                let (chord, melody) = tokens(*nth);
                history.imagine(model, chord, melody, PHASE).unwrap();
            }
            history.rewind();
            before - model.patience
        };
        assert_eq!(ahead(&mut history, &mut model, &[0, 1, 2]), 3);
        assert_eq!(ahead(&mut history, &mut model, &[0, 1, 2, 3]), 1);
        let (chord, melody) = tokens(0);
        history.hear(&mut model, chord, melody, PHASE).unwrap();
        assert_eq!((ahead(&mut history, &mut model, &[1, 2, 3]), history.num_steps()), (0, 2));
        assert_eq!(ahead(&mut history, &mut model, &[1, 3]), 1);
        let (chord, melody) = tokens(1);
        history.hear(&mut model, chord, melody, BarPhase::At { position: 1, length: 16 }).unwrap();
        assert_eq!(
            ahead(&mut history, &mut model, &[3]),
            1,
            "in another place of the bar it is another frame"
        );
    }

    #[test]
    fn a_frame_given_up_or_failed_is_as_if_it_had_not_been_imagined() {
        let mut model = moody();
        let mut history = History::new(model.dims());
        history.begin(&mut model, PHASE).unwrap();
        let (chord, melody) = tokens(1);
        history.imagine(&mut model, chord, melody, PHASE).unwrap();
        let (cache, answer) = (history.cache.clone(), history.answer().clone());
        assert!(!history.imagine_unless(&mut model, chord, melody, PHASE, &|| true).unwrap());
        assert_eq!((&history.cache, history.answer(), history.last_chord()), (&cache, &answer, chord));
        assert!(history.imagine_unless(&mut model, chord, melody, PHASE, &|| false).unwrap());
        history.rewind();
        assert_eq!((history.num_steps(), history.last_chord()), (1, ChordToken::START));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        /// Beside a history that keeps nothing of what was imagined.
        #[test]
        fn keeping_what_was_imagined_changes_no_answer(
            heard in prop_oneof![Just(0), 240..280usize],
            acts in prop::collection::vec((0..4u8, 0..4usize), 1..60),
        ) {
            let mut model = moody();
            let (mut keeps, mut forgets) = (History::new(model.dims()), History::new(model.dims()));
            for history in [&mut keeps, &mut forgets] {
                history.begin(&mut model, PHASE).unwrap();
                for nth in 0..heard {
                    let (chord, melody) = tokens(nth * nth / 3);
                    history.hear(&mut model, chord, melody, PHASE).unwrap();
                }
            }
            let mut ahead = Vec::new();
            for (act, nth) in acts {
                let (chord, melody) = tokens(nth);
                forgets.rewind();
                forgets.forget_imagined();
                match act {
                    0 => {
                        ahead.clear();
                        for history in [&mut keeps, &mut forgets] {
                            history.hear(&mut model, chord, melody, PHASE).unwrap();
                        }
                    }
                    1 => {
                        ahead.clear();
                        keeps.rewind();
                    }
                    _ => {
                        ahead.push((chord, melody));
                        keeps.imagine(&mut model, chord, melody, PHASE).unwrap();
                    }
                }
                for (chord, melody) in &ahead {
                    forgets.imagine(&mut model, *chord, *melody, PHASE).unwrap();
                }
                prop_assert_eq!(keeps.answer(), forgets.answer());
                prop_assert_eq!((keeps.last_chord(), keeps.last_melody()), (forgets.last_chord(), forgets.last_melody()));
            }
            keeps.rewind();
            keeps.forget_imagined();
            forgets.rewind();
            forgets.forget_imagined();
            prop_assert_eq!(keeps.cache, forgets.cache);
        }
    }
}
