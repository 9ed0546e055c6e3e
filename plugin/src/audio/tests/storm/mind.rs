//! A worker without a thread: a planner that answers when it is let, stalls, is begun anew, and prints.

use super::super::*;
use crate::{
    links::Planned,
    memory::{Recorder, SharedCapture, print::print},
    worker::{
        history::History,
        model::{ChordModel, Dims, KvRing, ModelError, StepInput, StepOutput},
        planner::{Planner, Sink},
    },
};
use music::{sampling::Sampling, vocab::CONTEXT_FRAMES};
use std::collections::BTreeMap;

const DIMS: Dims = Dims { layers: 1, heads: 1, head_size: 1, context: CONTEXT_FRAMES };

/// Changes its mind on every few frames.
struct Whim;

impl ChordModel for Whim {
    fn dims(&self) -> Dims {
        DIMS
    }

    fn step(&mut self, input: &StepInput, _: &KvRing, output: &mut StepOutput) -> Result<(), ModelError> {
        let given = input.chord.id() * 311 + input.melody.id() * 17 + input.bar.0;
        let mut state = (given as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ input.position as u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        };
        output.chord_logits.iter_mut().for_each(|logit| *logit = 3.0 * next());
        output.chord_logits[1] += 5.0;
        output.melody_logits.iter_mut().for_each(|logit| *logit = 4.0 * next());
        Ok(())
    }
}

/// What stands of which frame of which epoch: every word that was ever said of it.
pub type Words = BTreeMap<(u32, i64, i64), Vec<ChordFrame>>;

struct Mail<'a> {
    links: &'a mut WorkerEnd,
    words: &'a mut Words,
}

impl Sink for Mail<'_> {
    fn plan(&mut self, planned: Planned) {
        if planned.standing != Standing::Draft {
            let Planned { epoch, ordinal, frame, chord, .. } = planned;
            self.words.entry((epoch.0, ordinal, frame.0)).or_default().push(chord);
        }
        self.links.plan(planned);
    }

    fn num_waiting(&self) -> usize {
        self.links.num_waiting()
    }

    fn committed(&mut self, _is_news: bool) {}
}

/// The worker's part.
pub struct Mind {
    planner: Planner,
    recorder: Recorder,
    capture: SharedCapture,
    /// All that was committed.
    pub words: Words,
    /// Frames that were heard, oldest first; whoever looks at them takes them.
    pub heard: Vec<Heard>,
}

impl Mind {
    pub fn new() -> Self {
        Self {
            planner: Planner::new(History::new(DIMS), Sampling::default()),
            recorder: Recorder::default(),
            capture: SharedCapture::default(),
            words: Words::new(),
            heard: Vec::new(),
        }
    }

    /// As after an engine that failed: nothing is known any more.
    pub fn begin_anew(&mut self) {
        self.planner = Planner::new(History::new(DIMS), Sampling::default());
    }

    /// Answers all that waits, or so many messages.
    pub fn answer(&mut self, links: &mut WorkerEnd, at_most: usize) {
        for _ in 0..at_most {
            let Some(message) = links.next_message() else { return };
            let rules = match &message {
                ToWorker::Begin { rules, .. } | ToWorker::Again { rules, .. } => *rules,
                ToWorker::Heard(heard) => {
                    self.heard.push(*heard);
                    heard.rules
                }
            };
            self.recorder.hear(&message, &self.capture);
            let mut mail = Mail { links, words: &mut self.words };
            if rules.print {
                self.capture.with(|capture| print(capture, &message, |planned| mail.plan(planned)));
                // The planner was not told, as in the worker.
                self.begin_anew();
            } else {
                self.planner.take(&mut Whim, &message, &mut mail).expect("it does not fail");
            }
            links.answered();
        }
    }
}
