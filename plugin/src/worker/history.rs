//! The history a model sees: its cache, position, chroma and last tokens. Frames that were heard stay; frames that
//! are only imagined are undone, so that drafting never changes what is heard. Worker thread.

use super::model::{ChordModel, Dims, KvRing, ModelError, SavedRow, StepInput, StepOutput};
use music::{
    melody::Chroma,
    meter::BarPhase,
    vocab::{ChordToken, MelodyToken, POSITION_PERIOD, bar_ids},
};

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

/// The history of one epoch.
#[derive(Debug)]
pub struct History {
    cache: KvRing,
    known: Known,
    answer: StepOutput,
    /// What was known before the first imagined frame, the answer of then, and the rows that gave way since.
    real: Option<(Known, StepOutput)>,
    gave_way: Vec<SavedRow>,
}

impl History {
    /// An empty history.
    pub fn new(dims: Dims) -> Self {
        Self {
            cache: KvRing::new(dims),
            known: NOTHING(),
            answer: StepOutput::new(dims),
            real: None,
            gave_way: Vec::new(),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cache.clear();
        self.known = NOTHING();
        self.real = None;
        self.gave_way.clear();
    }

    /// The first step of a history: answers for its first frame.
    ///
    /// # Errors
    /// What the engine says.
    pub fn begin(&mut self, model: &mut dyn ChordModel, phase: BarPhase) -> Result<(), ModelError> {
        self.clear();
        self.step(model, phase)
    }

    /// A frame was heard: answers for the next one, which stands at `phase`.
    ///
    /// # Errors
    /// What the engine says.
    pub fn hear(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
    ) -> Result<(), ModelError> {
        self.undo();
        self.take_in(chord, melody);
        self.step(model, phase)
    }

    /// A frame is imagined: answers for the next one. [`Self::undo`] takes all imagined frames back.
    ///
    /// # Errors
    /// What the engine says.
    pub fn imagine(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
    ) -> Result<(), ModelError> {
        self.suppose(chord, melody);
        self.step(model, phase)
    }

    /// As [`Self::imagine`], for what nobody waits for: whether it was done before `stop` said no. Where it was not, what
    /// is known is of no use until [`Self::undo`].
    ///
    /// # Errors
    /// What the engine says.
    pub fn imagine_unless(
        &mut self,
        model: &mut dyn ChordModel,
        chord: ChordToken,
        melody: MelodyToken,
        phase: BarPhase,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, ModelError> {
        self.suppose(chord, melody);
        let input = self.input(phase);
        let is_done = model.step_unless(&input, &self.cache, &mut self.answer, stop)?;
        if is_done {
            self.keep_step();
        }
        Ok(is_done)
    }

    /// Takes back all imagined frames.
    pub fn undo(&mut self) {
        for saved in self.gave_way.drain(..).rev() {
            self.cache.restore(&saved);
        }
        if let Some((known, answer)) = self.real.take() {
            self.known = known;
            self.answer = answer;
        }
    }

    /// The model's answer for the next frame.
    pub fn answer(&self) -> &StepOutput {
        &self.answer
    }

    /// The chord token of the last frame.
    pub fn last_chord(&self) -> ChordToken {
        self.known.chord
    }

    /// The melody token of the last frame.
    pub fn last_melody(&self) -> MelodyToken {
        self.known.melody
    }

    /// The cache.
    pub fn cache(&self) -> &KvRing {
        &self.cache
    }

    fn take_in(&mut self, chord: ChordToken, melody: MelodyToken) {
        self.known.chord = chord;
        self.known.melody = melody;
        self.known.chroma.hear(melody.frame());
    }

    /// Takes in a frame that can be taken back.
    fn suppose(&mut self, chord: ChordToken, melody: MelodyToken) {
        if self.real.is_none() {
            self.real = Some((self.known, self.answer.clone()));
        }
        let row = self.row();
        self.gave_way.push(self.cache.save(row));
        self.take_in(chord, melody);
    }

    fn row(&self) -> usize {
        (self.known.steps as usize) % self.cache.dims().context
    }

    fn step(&mut self, model: &mut dyn ChordModel, phase: BarPhase) -> Result<(), ModelError> {
        let input = self.input(phase);
        model.step(&input, &self.cache, &mut self.answer)?;
        self.keep_step();
        Ok(())
    }

    /// What the step for a frame at `phase` is given.
    fn input(&self, phase: BarPhase) -> StepInput {
        StepInput {
            chord: self.known.chord,
            melody: self.known.melody,
            bar: bar_ids(phase),
            position: self.known.steps % POSITION_PERIOD,
            chroma: self.known.chroma.features(),
        }
    }

    /// Keeps what the step that was answered leaves.
    fn keep_step(&mut self) {
        let row = self.row();
        self.cache.put(row, &self.answer.new_keys, &self.answer.new_values);
        self.known.steps += 1;
    }
}
