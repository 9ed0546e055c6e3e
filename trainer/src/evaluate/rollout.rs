//! Lets a player accompany whole melodies it has not seen, as it would live: one frame at a time.
//!
//! The contract is the instrument's: hearing frame h commits frame h + commit, so that the chord of frame t
//! is drawn knowing the melody through t - commit and no more. What lies between the model imagines with its
//! own melody head, and takes back afterwards. With a commit of one frame nothing is imagined.

use crate::model::{
    Policy,
    stepper::{Dense, StepInput, Streams},
    teacher::Teacher,
};
use music::{
    grid::FRAMES_PER_BEAT,
    harmony::ChordFrame,
    melody::{Chroma, MelodyFrame},
    meter::BarPhase,
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{ChordToken, MelodyToken, bar_ids},
};
use rayon::prelude::*;
use std::convert::Infallible;

/// A melody to accompany.
#[derive(Clone, Copy, Debug)]
pub struct Melody<'a> {
    /// Its frames.
    pub frames: &'a [MelodyFrame],
    /// Their bar phases.
    pub phases: &'a [BarPhase],
    /// Chords of the first frames that are given and not chosen; empty for a cold start.
    pub given: &'a [ChordFrame],
}

/// The terms on which a player plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Hearing frame h commits frame h + this; at least 1.
    pub commit: usize,
    /// Frames of listening, as the instrument listens: the model draws for itself, inaudibly, and nothing
    /// before the first note; then it enters with a chord's onset on a beat. `None` plays from the first
    /// frame on.
    pub listen: Option<usize>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { commit: 1, listen: None }
    }
}

/// A network that answers frame by frame for some streams at once, and can take back what it imagined.
pub trait Engine {
    /// Why a step fails.
    type Error;
    /// Answers for the next frame of every stream. `beside`, of [stream, width], is what the teacher's ears
    /// add.
    ///
    /// # Errors
    /// What the engine says.
    fn step(&mut self, inputs: &[StepInput], beside: Option<&[f32]>) -> Result<(), Self::Error>;
    /// Chord logits of a stream's next frame, [`ChordToken::COUNT`].
    fn chord_logits(&self, stream: usize) -> &[f32];
    /// Melody logits of a stream's next frame, [`MelodyToken::COUNT`].
    fn melody_logits(&self, stream: usize) -> &[f32];
    /// Steps from here on are imagined.
    fn imagine(&mut self);
    /// Takes back all imagined steps.
    fn undo(&mut self);
}

/// The trainer's own network, all streams together.
struct Batched<'a> {
    dense: &'a Dense,
    streams: Streams,
}

impl Engine for Batched<'_> {
    type Error = Infallible;

    fn step(&mut self, inputs: &[StepInput], beside: Option<&[f32]>) -> Result<(), Infallible> {
        self.streams.step(self.dense, inputs, beside);
        Ok(())
    }

    fn chord_logits(&self, stream: usize) -> &[f32] {
        &self.streams.chord_logits[stream * ChordToken::COUNT..(stream + 1) * ChordToken::COUNT]
    }

    fn melody_logits(&self, stream: usize) -> &[f32] {
        &self.streams.melody_logits[stream * MelodyToken::COUNT..(stream + 1) * MelodyToken::COUNT]
    }

    fn imagine(&mut self) {
        self.streams.imagine();
    }

    fn undo(&mut self) {
        self.streams.undo();
    }
}

/// Streams that one thread takes along together: enough to fill its matrix products, few enough for its cache.
const STREAMS: usize = 8;

/// What answers with chords: the policy, or the teacher, who has heard the whole melody before.
pub struct Player {
    dense: Dense,
    teacher: Option<Teacher>,
}

impl From<&Policy> for Player {
    fn from(policy: &Policy) -> Self {
        Self { dense: Dense::new(policy), teacher: None }
    }
}

impl From<&Teacher> for Player {
    fn from(teacher: &Teacher) -> Self {
        Self { dense: Dense::new(&teacher.decoder), teacher: Some(teacher.clone()) }
    }
}

impl Player {
    /// Whether it has heard the whole melody before it answers.
    pub fn is_offline(&self) -> bool {
        self.teacher.is_some()
    }

    /// What the whole of each melody says to each of its frames, [time, width]; nothing for a policy.
    pub fn hear(&self, melodies: &[Melody]) -> Option<Vec<Vec<f32>>> {
        let teacher = self.teacher.as_ref()?;
        Some(melodies.par_iter().map(|m| teacher.hear(m.frames, m.phases)).collect())
    }

    /// Accompanies all melodies together; `numbers` seeds each stream's random numbers, and `heard` is what
    /// [`Self::hear`] said of each melody. A player who has heard everything commits frame by frame.
    pub fn accompany(
        &self,
        melodies: &[Melody],
        numbers: &[u64],
        heard: Option<&[&[f32]]>,
        sampling: Sampling,
        terms: Terms,
    ) -> Vec<Vec<ChordFrame>> {
        let commit = if self.is_offline() { 1 } else { terms.commit };
        melodies
            .par_chunks(STREAMS)
            .zip(numbers.par_chunks(STREAMS))
            .enumerate()
            .flat_map_iter(|(part, (melodies, numbers))| {
                let streams = Streams::new(&self.dense, melodies.len());
                let heard = heard.map(|heard| &heard[part * STREAMS..part * STREAMS + melodies.len()]);
                let ears = heard.map(|heard| Ears { heard, width: self.dense.width() });
                let terms = Terms { commit, ..terms };
                let engine = Batched { dense: &self.dense, streams };
                let Ok(chords) = roll_out(engine, melodies, numbers, ears, sampling, terms);
                chords
            })
            .collect()
    }
}

/// Accompanies all melodies together; a policy's chord of frame t is drawn from frames before t alone.
/// `seed` and a melody's place in the list give its random numbers.
pub fn accompany(
    player: &Player,
    melodies: &[Melody],
    sampling: Sampling,
    seed: u64,
) -> Vec<Vec<ChordFrame>> {
    let numbers: Vec<u64> = (0..melodies.len()).map(|n| stream_seed(seed, n)).collect();
    let heard = player.hear(melodies);
    let heard: Option<Vec<&[f32]>> = heard.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
    player.accompany(melodies, &numbers, heard.as_deref(), sampling, Terms::default())
}

/// The seed of the `n`th melody's random numbers.
pub const fn stream_seed(seed: u64, n: usize) -> u64 {
    seed.wrapping_mul(0x1_0000).wrapping_add(n as u64)
}

/// What the teacher's ears add, for each stream [time, width].
pub struct Ears<'a> {
    /// Of each stream.
    pub heard: &'a [&'a [f32]],
    /// Numbers a frame.
    pub width: usize,
}

impl Ears<'_> {
    /// [stream, width] for frame t; zeros where a melody is over.
    fn beside(&self, t: usize) -> Vec<f32> {
        let mut out = vec![0.0; self.heard.len() * self.width];
        for (out, heard) in out.chunks_exact_mut(self.width).zip(self.heard) {
            if let Some(row) = heard.get(t * self.width..(t + 1) * self.width) {
                out.copy_from_slice(row);
            }
        }
        out
    }
}

/// What a stream knows after a frame.
#[derive(Clone, Copy)]
struct Known {
    chord: ChordToken,
    melody: MelodyToken,
    chroma: Chroma,
}

impl Known {
    const NOTHING: fn() -> Self =
        || Self { chord: ChordToken::START, melody: MelodyToken::START, chroma: Chroma::default() };

    fn take_in(&mut self, chord: ChordToken, melody: MelodyToken, frame: MelodyFrame) {
        (self.chord, self.melody) = (chord, melody);
        self.chroma.hear(frame);
    }
}

/// One melody on its way.
struct Stream<'a> {
    melody: Melody<'a>,
    number: u64,
    sampling: Sampling,
    listen: Option<usize>,
    heard_note: bool,
    entered: bool,
    /// Chord tokens drawn so far, frame by frame.
    tokens: Vec<ChordToken>,
    /// Those that are heard.
    audible: Vec<ChordFrame>,
}

impl Stream<'_> {
    fn phase(&self, t: usize) -> BarPhase {
        self.melody.phases.get(t).copied().unwrap_or(BarPhase::Unknown)
    }

    fn frame(&self, t: usize) -> MelodyFrame {
        self.melody.frames.get(t).copied().unwrap_or_default()
    }

    fn is_done(&self) -> bool {
        self.tokens.len() >= self.melody.frames.len()
    }

    /// The chord of frame t, drawn if it does not stand yet. `last` is the chord before it.
    fn settle(&mut self, t: usize, last: ChordToken, logits: &[f32]) -> ChordToken {
        if let Some(token) = self.tokens.get(t) {
            return *token;
        }
        let token = match self.melody.given.get(t) {
            Some(chord) => ChordToken::of(*chord),
            None => self.draw(t, last, logits),
        };
        self.tokens.push(token);
        self.audible.push(if self.entered { token.frame() } else { ChordFrame::Silence });
        token
    }

    fn draw(&mut self, t: usize, last: ChordToken, logits: &[f32]) -> ChordToken {
        let mut onset_only = false;
        if let Some(listen) = self.listen {
            if !self.heard_note {
                return ChordToken::SILENCE;
            }
            onset_only = !self.entered && t >= listen && is_on_beat(t, self.phase(t));
            self.entered |= onset_only;
        }
        let legal = |id: usize| {
            ChordToken::from_id(id).is_some_and(|next| match onset_only {
                true => next.chord().is_some(),
                false => last.may_precede(next),
            })
        };
        let at = uniform(self.number, t as i64, Draw::Chord);
        draw(logits, ChordToken::FIRST_ONSET, legal, self.sampling, at)
            .and_then(ChordToken::from_id)
            .unwrap_or(ChordToken::SILENCE)
    }

    fn imagine_melody(&self, t: usize, last: MelodyToken, logits: &[f32]) -> MelodyToken {
        let legal = |id: usize| MelodyToken::from_id(id).is_some_and(|next| last.may_precede(next));
        let at = uniform(self.number, t as i64, Draw::Melody);
        draw(logits, MelodyToken::FIRST_ONSET, legal, self.sampling, at)
            .and_then(MelodyToken::from_id)
            .unwrap_or(MelodyToken::REST)
    }
}

fn is_on_beat(t: usize, phase: BarPhase) -> bool {
    let position = match phase {
        BarPhase::At { position, .. } => i64::from(position),
        BarPhase::Unknown => t as i64,
    };
    position % FRAMES_PER_BEAT == 0
}

fn input(stream: &Stream, known: &Known, t: usize) -> StepInput {
    let (bar_position, bar_length) = bar_ids(stream.phase(t));
    StepInput {
        chord: known.chord,
        melody: known.melody,
        bar_position,
        bar_length,
        chroma: known.chroma.features(),
    }
}

/// Accompanies all melodies on one engine, whose streams they are. With `ears`, the engine's melody input is
/// the frame to be answered for, and not the one before it: the teacher knows it.
///
/// # Errors
/// What the engine says.
pub fn roll_out<E: Engine>(
    mut engine: E,
    melodies: &[Melody],
    numbers: &[u64],
    ears: Option<Ears>,
    sampling: Sampling,
    terms: Terms,
) -> Result<Vec<Vec<ChordFrame>>, E::Error> {
    let commit = terms.commit.max(1);
    let mut streams: Vec<Stream> = melodies
        .iter()
        .zip(numbers)
        .map(|(melody, number)| Stream {
            melody: *melody,
            number: *number,
            sampling,
            listen: terms.listen,
            heard_note: false,
            entered: terms.listen.is_none(),
            tokens: Vec::with_capacity(melody.frames.len()),
            audible: Vec::with_capacity(melody.frames.len()),
        })
        .collect();
    let mut known: Vec<Known> = streams.iter().map(|_| Known::NOTHING()).collect();
    let mut t = 0;
    while !streams.iter().all(Stream::is_done) {
        let mut inputs: Vec<StepInput> =
            streams.iter().zip(&known).map(|(stream, known)| input(stream, known, t)).collect();
        if ears.is_some() {
            for (input, stream) in inputs.iter_mut().zip(&streams) {
                input.melody = MelodyToken::of(stream.frame(t));
            }
        }
        engine.step(&inputs, ears.as_ref().map(|ears| ears.beside(t)).as_deref())?;
        let mut dream = known.clone();
        for ahead in t..t + commit {
            if ahead > t {
                engine.imagine();
                let inputs: Vec<StepInput> =
                    streams.iter().zip(&dream).map(|(stream, known)| input(stream, known, ahead)).collect();
                engine.step(&inputs, None)?;
            }
            for (n, (stream, dream)) in streams.iter_mut().zip(&mut dream).enumerate() {
                let chord = stream.settle(ahead, dream.chord, engine.chord_logits(n));
                if ahead + 1 < t + commit {
                    let melody = stream.imagine_melody(ahead, dream.melody, engine.melody_logits(n));
                    dream.take_in(chord, melody, melody.frame());
                }
            }
        }
        engine.undo();
        for (stream, known) in streams.iter_mut().zip(&mut known) {
            let frame = stream.frame(t);
            stream.heard_note |= matches!(frame, MelodyFrame::Onset(_));
            known.take_in(stream.tokens[t], MelodyToken::of(frame), frame);
        }
        t += 1;
    }
    Ok(streams
        .into_iter()
        .map(|mut stream| {
            stream.audible.truncate(stream.melody.frames.len());
            stream.audible
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{Batch, augment::Crop},
        model::{Network, Shape, forward::Leaves},
    };
    use burn::tensor::Device;
    use music::notation::{parse_chords, parse_melody};

    const SMALL: Shape = Shape { layers: 1, heads: 1, invariant: 16, pitched: 2, inner: 2 };
    const TUNE: &str = "| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - |";

    #[test]
    fn the_teacher_frame_by_frame_is_the_teacher_of_whole_crops() {
        let teacher = Teacher::build(SMALL, 5).unwrap();
        let melody = parse_melody(TUNE).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let tune = Melody { frames: &melody, phases: &phases, given: &[] };
        // At temperature 0 the chords are the likeliest legal ones: the whole-crop logits must agree at each
        // frame.
        let greedy = Sampling { temperature: 0.0, top_p: 1.0 };
        let chords = accompany(&Player::from(&teacher), &[tune], greedy, 1).remove(0);
        let crop = Crop {
            melody: melody.clone(),
            chords: chords.clone(),
            annotated: vec![true; melody.len()],
            phases,
            played: None,
        };
        let batch = Batch::of(&[crop]);
        let device = Device::flex();
        let leaves = Leaves::new(&teacher.parameters(), &device, false);
        let logits = teacher.forward(&leaves, &batch.inputs, &batch.melody_targets, &device);
        let logits = logits.into_data().try_to_vec::<f32>().unwrap();
        let mut before = ChordToken::START;
        for (t, row) in logits.chunks(ChordToken::COUNT).enumerate() {
            let legal = |id: usize| ChordToken::from_id(id).is_some_and(|next| before.may_precede(next));
            let at = uniform(stream_seed(1, 0), t as i64, Draw::Chord);
            let best = draw(row, ChordToken::FIRST_ONSET, legal, greedy, at).unwrap();
            assert_eq!(best as u32, batch.chord_targets[t], "frame {t}");
            before = ChordToken::from_id(best).unwrap();
        }
    }

    #[test]
    fn given_chords_are_kept() {
        let policy = Policy::new(SMALL, 5).unwrap();
        let melody = parse_melody(TUNE).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let given = parse_chords("| F - - - |").unwrap();
        let tune = Melody { frames: &melody, phases: &phases, given: &given };
        let chords = accompany(&Player::from(&policy), &[tune], Sampling::default(), 1).remove(0);
        assert_eq!((chords.len(), &chords[..4]), (16, &given[..]));
    }

    fn policy_on(melody: &str, terms: Terms, seed: u64) -> (Vec<ChordFrame>, usize) {
        let player = Player::from(&Policy::new(SMALL, 5).unwrap());
        let melody = parse_melody(melody).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let tune = Melody { frames: &melody, phases: &phases, given: &[] };
        let chords = player.accompany(&[tune], &[seed], None, Sampling::default(), terms).remove(0);
        (chords, melody.len())
    }

    #[test]
    fn a_commit_of_n_frames_knows_the_melody_through_n_frames_before() {
        // Tunes that differ from frame 8 on: chords may differ from frame 8 + commit on, and do somewhere.
        let other = "| C4 - E4 . G4 - - - | F#4 D#4 C#4 - A#4 - F#4 - | - - . . D#4 - - - |";
        let tune = "| C4 - E4 . G4 - - - | A4 - F4 - E4 - D4 - | C4 - - - . . G3 - |";
        for commit in [1, 4, 8] {
            let mut differed = false;
            for seed in 0..8 {
                let terms = Terms { commit, listen: None };
                let ((a, len), (b, _)) = (policy_on(tune, terms, seed), policy_on(other, terms, seed));
                assert_eq!(a.len(), len);
                assert_eq!(a[..8 + commit], b[..8 + commit], "commit {commit}, seed {seed}");
                differed |= a != b;
            }
            assert!(differed, "commit {commit}: nothing was heard at all");
        }
    }

    #[test]
    fn imagined_frames_draw_nothing_anew() {
        // With a commit of one frame nothing is imagined: both doors to the same room.
        let player = Player::from(&Policy::new(SMALL, 5).unwrap());
        let melody = parse_melody(TUNE).unwrap();
        let phases = vec![BarPhase::Unknown; melody.len()];
        let tune = Melody { frames: &melody, phases: &phases, given: &[] };
        let chords = accompany(&player, &[tune, tune], Sampling::default(), 3);
        let one = policy_on(TUNE, Terms::default(), stream_seed(3, 1)).0;
        assert_eq!(chords[1], one);
    }

    #[test]
    fn a_listener_is_silent_and_enters_on_a_beat_with_an_onset() {
        let terms = Terms { commit: 1, listen: Some(6) };
        for seed in 0..8 {
            let (chords, _) = policy_on(TUNE, terms, seed);
            assert!(chords[..8].iter().all(|c| *c == ChordFrame::Silence), "{chords:?}");
            assert!(matches!(chords[8], ChordFrame::Onset(_)), "{chords:?}");
            // The first note is heard in frame 12, so that it may enter in frame 16.
            let (chords, _) = policy_on("| . . . . . . . . . . . . C4 - - - D4 - - - |", terms, seed);
            assert!(chords[..16].iter().all(|c| *c == ChordFrame::Silence), "{chords:?}");
            assert!(matches!(chords[16], ChordFrame::Onset(_)), "{chords:?}");
        }
    }
}
