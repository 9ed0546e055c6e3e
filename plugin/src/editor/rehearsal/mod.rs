//! The editor without a host: scenes and a desk of paper, for tests, pictures and the benchmark of a drawing. The
//! instrument itself never calls this.

mod desk;
mod tune;

use super::{
    face::Face,
    scene::{Report, Scene},
};
use crate::{
    audio::{Glance, Keys, Shown, Snapshot, Stage, Trace},
    links::{Engine, WorkerState},
    voicing::{Arrangement, Voicing, feet, hands},
};
pub use desk::{Done, PaperDesk};
use music::{
    chord::Chord,
    grid::{Beats, FRAMES_PER_BEAT, Frame},
    harmony::ChordFrame,
    key::{Key, Mode},
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::{Pitch, PitchClass},
};

/// All that a scene is made of.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The instant.
    pub snapshot: Snapshot,
    /// How the house fares.
    pub report: Report,
    /// The look.
    pub face: Face,
}

impl Rehearsal {
    /// What is drawn.
    pub fn scene(&self) -> Scene<'_> {
        Scene { snapshot: &self.snapshot, report: &self.report, face: self.face }
    }

    /// Nothing was played yet; the worker is ready.
    pub fn empty() -> Self {
        let report = Report {
            worker: WorkerState::Ready,
            status: "ready".into(),
            engine: Engine::OnnxRuntime,
            engine_text: "ONNX Runtime 1.28.0".into(),
            model: "chords".into(),
            infer_ms: (1.1, 2.3),
            key: None,
        };
        let glance = Glance { commit: 1, look_ahead: 16, ..Glance::default() };
        Self { snapshot: Snapshot { glance, ..Snapshot::default() }, report, face: Face::default() }
    }

    /// The host stands still, and the worker has found no model.
    pub fn model_missing() -> Self {
        let mut rehearsal = Self::empty();
        rehearsal.report.worker = WorkerState::NoModel;
        rehearsal.report.engine = Engine::None;
        rehearsal.report.status =
            "no model: /models/jazz.onnx is cut off; the built-in one was not asked for".into();
        rehearsal
    }

    /// Three frames into the first bar, nothing heard yet.
    pub fn listening() -> Self {
        let mut rehearsal = Self::at(3.4);
        rehearsal.snapshot.glance.stage = Stage::Listening { frames_left: 13 };
        rehearsal
    }

    /// In the twenty-second bar.
    pub fn playing() -> Self {
        let mut rehearsal = Self::at(21.0 * 16.0 + 5.3);
        rehearsal.snapshot.glance.stage = Stage::Playing;
        rehearsal.snapshot.num_onsets = 60;
        let key = Key::new(PitchClass::new(8), Mode::Major);
        rehearsal.report.key = Some((key, 0.82));
        rehearsal.play(0, 21 * 16 + 5);
        rehearsal.plan(21 * 16 + 6, 4, 16);
        rehearsal
    }

    /// The same, two frames after a chord was not there when due.
    pub fn behind() -> Self {
        let mut rehearsal = Self::playing();
        rehearsal.snapshot.glance.stage = Stage::Behind;
        rehearsal.snapshot.glance.late = 3;
        rehearsal.snapshot.num_shown = 0;
        rehearsal.report.infer_ms = (88.0, 240.0);
        rehearsal
    }

    /// A loop of two bars, a beat before its end, for the second time.
    pub fn looping() -> Self {
        let mut rehearsal = Self::playing();
        rehearsal.snapshot = Self::at(28.2).snapshot;
        rehearsal.snapshot.glance.stage = Stage::Playing;
        rehearsal.snapshot.num_onsets = 9;
        rehearsal.snapshot.cycle = Some((Beats(0.0), Beats(8.0)));
        rehearsal.play(16, 32);
        rehearsal.play(0, 28);
        rehearsal.plan(29, 2, 16);
        rehearsal
    }

    /// The host plays and is so many frames into the song.
    fn at(frames: f64) -> Self {
        let mut rehearsal = Self::empty();
        let snapshot = &mut rehearsal.snapshot;
        snapshot.place = Some(Beats(frames / FRAMES_PER_BEAT as f64));
        let open = Frame(frames.floor() as i64);
        snapshot.next = Some(open.plus(1).starts());
        snapshot.open = Some((open, ChordFrame::Silence));
        snapshot.tempo_bpm = Some(92.0);
        snapshot.meter = Some(Meter::COMMON);
        snapshot.bar_start = Some(Beats(0.0));
        rehearsal
    }

    /// The tune was played from a frame to another, which is open now.
    fn play(&mut self, from: i64, to: i64) {
        let arrangement = Arrangement::default();
        let (mut held, mut voicing, mut bass) = (None, None, None);
        let mut keys = Keys::default();
        for frame in (from..=to).map(Frame) {
            let (melody, chord) = (tune::melody(frame), tune::chord(frame));
            match melody {
                MelodyFrame::Onset(pitch) => held = Some(pitch),
                MelodyFrame::Rest => held = None,
                MelodyFrame::Hold => {}
            }
            let mut struck = Keys::default();
            let chord =
                if frame.0 == from { tune::sounding(frame).map_or(chord, ChordFrame::Onset) } else { chord };
            if let ChordFrame::Onset(chord) = chord {
                keys = keys_of(chord, &arrangement, &mut voicing, &mut bass);
                struck = keys;
                self.snapshot.glance.now = Some(chord);
            }
            if frame.0 < to {
                let phase = BarPhase::of(frame, Meter::COMMON, Beats(0.0));
                self.snapshot.trail.push(Trace::new(frame, phase, melody, chord, keys, struck));
            } else {
                self.snapshot.open = Some((frame, chord));
            }
        }
        let glance = &mut self.snapshot.glance;
        glance.leading = held;
        glance.melody = held.map_or(0, |key| 1 << key.midi());
        glance.keys = keys;
    }

    /// The tune is planned from a frame on: so many frames stand, so many are shown.
    fn plan(&mut self, from: i64, num_stand: u16, num: u16) {
        for frames_ahead in 0..num {
            let chord = tune::chord(Frame(from + i64::from(frames_ahead)));
            self.snapshot.push(Shown { frames_ahead, chord, committed: frames_ahead < num_stand });
        }
    }
}

fn keys_of(
    chord: Chord,
    arrangement: &Arrangement,
    voicing: &mut Option<Voicing>,
    bass: &mut Option<Pitch>,
) -> Keys {
    let hands = hands(chord, arrangement, None, voicing.as_ref());
    let feet = feet(chord, arrangement, &hands, *bass);
    (*voicing, *bass) = (Some(hands), feet.lowest());
    let bits = |keys: &[Pitch]| keys.iter().fold(0u128, |bits, key| bits | 1 << key.midi());
    Keys { hands: bits(hands.keys()), bass: feet.lowest().map_or(0, |key| 1 << key.midi()) }
}
