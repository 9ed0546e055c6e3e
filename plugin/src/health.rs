//! How an instance fares: a few numbers and words that any thread may look at, for parameters and editor. The audio
//! thread reads and writes the numbers only; the words are the worker's, and behind a lock.

use music::{
    chord::{Chord, Quality},
    key::{Key, Mode},
    pitch::PitchClass,
};
use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicU8, AtomicU32, Ordering},
};

/// What the worker is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WorkerState {
    /// It was never started.
    Asleep = 0,
    /// It opens the model.
    Loading = 1,
    /// It answers.
    Ready = 2,
    /// There is no model it could use.
    NoModel = 3,
    /// It has failed and is gone.
    Dead = 4,
}

/// What runs the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Engine {
    /// Nothing.
    None = 0,
    /// ONNX Runtime.
    OnnxRuntime = 1,
    /// The engine built into the plugin.
    BuiltIn = 2,
}

/// How the instance fares, for parameters and editor. Atomics because each is one number whose age does not matter:
/// relaxed, no other memory hangs on them. The texts are written by the worker and never read by the audio thread.
#[derive(Debug)]
pub struct Health {
    worker: AtomicU8,
    engine: AtomicU8,
    late: AtomicU32,
    infer_p50_us: AtomicU32,
    infer_p99_us: AtomicU32,
    tempo_millibpm: AtomicU32,
    panics: AtomicU32,
    unanswered: AtomicU32,
    due: AtomicU32,
    now: AtomicU32,
    coming: AtomicU32,
    key: AtomicU32,
    texts: Mutex<Texts>,
    wake: OnceLock<Wake>,
}

/// Wakes whoever draws. Any thread calls it, the audio thread too: it must do no more than set a flag.
struct Wake(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wake")
    }
}

/// What the worker has to say in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The model's name and fingerprint, and what there is to say beside it; or why there is none.
    pub model: String,
    /// The engine, and why a better one is not used.
    pub engine: String,
    /// What has failed just now and is tried again; empty if nothing has.
    pub trouble: String,
    /// Why the model that was chosen does not play while another does; empty where that is not so.
    pub beside: String,
    /// The model that is opened while another plays; empty if none is.
    pub opening: String,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            worker: AtomicU8::new(WorkerState::Asleep as u8),
            engine: AtomicU8::new(Engine::None as u8),
            late: AtomicU32::new(0),
            infer_p50_us: AtomicU32::new(0),
            infer_p99_us: AtomicU32::new(0),
            tempo_millibpm: AtomicU32::new(0),
            panics: AtomicU32::new(0),
            unanswered: AtomicU32::new(0),
            due: AtomicU32::new(0),
            now: AtomicU32::new(0),
            coming: AtomicU32::new(0),
            key: AtomicU32::new(0),
            texts: Mutex::new(Texts::default()),
            wake: OnceLock::new(),
        }
    }
}

impl Health {
    /// From now on this is called where there is something new to draw, by any thread, the audio thread too: it must
    /// do no more than set a flag. Only the first counts.
    pub fn wake_by(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.wake.set(Wake(Box::new(wake)));
    }

    /// There is something new to draw.
    pub fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            (wake.0)();
        }
    }

    /// What the worker is about.
    pub fn worker(&self) -> WorkerState {
        match self.worker.load(Ordering::Relaxed) {
            1 => WorkerState::Loading,
            2 => WorkerState::Ready,
            3 => WorkerState::NoModel,
            4 => WorkerState::Dead,
            _ => WorkerState::Asleep,
        }
    }

    /// Written by the worker, and by whoever starts it.
    pub fn set_worker(&self, state: WorkerState) {
        self.worker.store(state as u8, Ordering::Relaxed);
        self.wake();
    }

    /// What runs the model.
    pub fn engine(&self) -> Engine {
        match self.engine.load(Ordering::Relaxed) {
            1 => Engine::OnnxRuntime,
            2 => Engine::BuiltIn,
            _ => Engine::None,
        }
    }

    /// Written by the worker.
    pub fn set_engine(&self, engine: Engine) {
        self.engine.store(engine as u8, Ordering::Relaxed);
        self.wake();
    }

    /// Frames whose chord was not there when due, since the instance was made.
    pub fn late(&self) -> u32 {
        self.late.load(Ordering::Relaxed)
    }

    /// Written by the audio thread.
    pub fn set_late(&self, late: u32) {
        self.late.store(late, Ordering::Relaxed);
    }

    /// Time from a frame heard to its commit, median and 99th percentile of the last frames, in milliseconds.
    pub fn infer_ms(&self) -> (f64, f64) {
        let ms = |us: &AtomicU32| f64::from(us.load(Ordering::Relaxed)) / 1000.0;
        (ms(&self.infer_p50_us), ms(&self.infer_p99_us))
    }

    /// Written by the worker, in microseconds.
    pub fn set_infer_us(&self, p50: u32, p99: u32) {
        self.infer_p50_us.store(p50, Ordering::Relaxed);
        self.infer_p99_us.store(p99, Ordering::Relaxed);
    }

    /// The host's tempo, if it plays or has played.
    pub fn tempo_bpm(&self) -> Option<f64> {
        let milli = self.tempo_millibpm.load(Ordering::Relaxed);
        (milli > 0).then(|| f64::from(milli) / 1000.0)
    }

    /// Written by the audio thread.
    pub fn set_tempo_bpm(&self, bpm: f64) {
        self.tempo_millibpm.store((bpm * 1000.0) as u32, Ordering::Relaxed);
    }

    /// How often the editor's panic button was pressed.
    pub fn panics(&self) -> u32 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Written by the editor.
    pub fn press_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// The chord that sounds.
    pub fn now(&self) -> Option<Chord> {
        unpack_chord(self.now.load(Ordering::Relaxed))
    }

    /// The next chord that stands.
    pub fn coming(&self) -> Option<Chord> {
        unpack_chord(self.coming.load(Ordering::Relaxed))
    }

    /// Written by the audio thread: the chord that sounds and the next that stands.
    pub fn set_chords(&self, now: Option<Chord>, coming: Option<Chord>) {
        self.now.store(pack_chord(now), Ordering::Relaxed);
        self.coming.store(pack_chord(coming), Ordering::Relaxed);
    }

    /// The key as it is heard, and how sure that is, 0..=1.
    pub fn key(&self) -> Option<(Key, f32)> {
        let packed = self.key.load(Ordering::Relaxed);
        let mode = Mode::ALL.get(((packed >> 8) & 0xff) as usize)?;
        let key = Key::new(PitchClass::new((packed & 0xff) as i32), *mode);
        (packed >> 31 == 1).then_some((key, ((packed >> 16) & 0x7fff) as f32 / 1000.0))
    }

    /// Written by the worker.
    pub fn set_key(&self, key: Option<(Key, f32)>) {
        let packed = key.map_or(0, |(key, sure)| {
            let mode = Mode::ALL.iter().position(|mode| *mode == key.mode).unwrap_or(0) as u32;
            1 << 31
                | ((sure.clamp(0.0, 1.0) * 1000.0) as u32) << 16
                | mode << 8
                | u32::from(key.tonic.semitones())
        });
        self.key.store(packed, Ordering::Relaxed);
    }

    /// The worker is told something.
    pub(crate) fn count_question(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.due.fetch_add(1, Ordering::Relaxed);
    }

    /// The worker has sent what is due, or was not told after all.
    pub(crate) fn count_commit(&self) {
        // Release: as below.
        self.due.fetch_sub(1, Ordering::Release);
    }

    /// The worker has sent all that was asked for, or was not told after all.
    pub(crate) fn count_answer(&self) {
        // Release: who sees this also finds the plans in the queue.
        self.unanswered.fetch_sub(1, Ordering::Release);
    }

    /// Whether the worker has yet to send a chord that is due.
    pub fn is_thinking(&self) -> bool {
        // Acquire: as below.
        self.due.load(Ordering::Acquire) > 0
    }

    /// Whether the worker has yet to send something it was asked for, drafts included.
    pub fn is_drafting(&self) -> bool {
        // Acquire: who sees the last answer counted also finds its plans in the queue.
        self.unanswered.load(Ordering::Acquire) > 0
    }

    /// The texts. Not for the audio thread: locks and allocates.
    pub fn texts(&self) -> Texts {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the texts. Not for the audio thread.
    pub fn write_texts(&self, write: impl FnOnce(&mut Texts)) {
        write(&mut self.texts.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake();
    }
}

/// A chord in one number; 0 is none.
fn pack_chord(chord: Option<Chord>) -> u32 {
    chord.map_or(0, |chord| {
        1 << 31
            | (chord.quality.index() as u32) << 16
            | u32::from(chord.bass.semitones()) << 8
            | u32::from(chord.root.semitones())
    })
}

fn unpack_chord(packed: u32) -> Option<Chord> {
    let quality = Quality::from_index(((packed >> 16) & 0x7fff) as usize)?;
    let class = |number: u32| PitchClass::new((number & 0xff) as i32);
    (packed >> 31 == 1).then(|| Chord::new(class(packed), quality).over(class(packed >> 8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_draws_is_woken_where_something_is_new() {
        let health = Health::default();
        health.wake();
        let woken = std::sync::Arc::new(AtomicU32::new(0));
        let counts = woken.clone();
        health.wake_by(move || {
            counts.fetch_add(1, Ordering::Relaxed);
        });
        health.set_worker(WorkerState::Loading);
        health.set_engine(Engine::BuiltIn);
        health.write_texts(|texts| texts.trouble = "lost".into());
        assert_eq!(woken.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn chords_and_keys_come_back_as_they_were_told() {
        let health = Health::default();
        assert_eq!((health.now(), health.coming(), health.key()), (None, None, None));
        for quality in Quality::all() {
            let chord = Chord::new(PitchClass::new(11), quality).over(PitchClass::new(4));
            health.set_chords(Some(chord), None);
            assert_eq!((health.now(), health.coming()), (Some(chord), None));
        }
        for mode in Mode::ALL {
            health.set_key(Some((Key::new(PitchClass::new(7), mode), 0.5)));
            assert_eq!(health.key(), Some((Key::new(PitchClass::new(7), mode), 0.5)));
        }
        health.set_key(None);
        assert_eq!(health.key(), None);
    }
}
