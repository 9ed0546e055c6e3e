//! What all instances of a process share: a model file's weights lie in memory once an engine, however many instances
//! play them, and go with the last of these. Worker threads only; the audio thread never comes here.
//!
//! An engine that can run one step at a time only is shared through [`Turns`]: who has a chord due goes before those that
//! only draft, and else whoever asked first is served first; who waits to draft leaves the line when a chord of its own
//! comes due. An ordinary lock may be taken again and again by one instance that drafts while another's commit is due,
//! and wakes all that wait for it.

use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

/// How often one who waits without hurry looks whether to go on waiting.
const LOOK: Duration = Duration::from_millis(1);

/// What a model file is known by: the SHA-256 of its bytes.
pub type Fingerprint = [u8; 32];

/// The fingerprint of a model file's bytes.
pub fn fingerprint(file: &[u8]) -> Fingerprint {
    Sha256::digest(file).into()
}

/// What is open in this process in one engine, by the file it came from.
pub struct Shelf<T>(Mutex<BTreeMap<Fingerprint, Weak<T>>>);

impl<T> Shelf<T> {
    /// An empty shelf, for a static.
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// What was opened from this file, or opens it. Others wait meanwhile, so that no file is opened twice.
    ///
    /// # Errors
    /// What `open` says.
    pub fn take<E>(&self, file: &[u8], open: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let fingerprint = fingerprint(file);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = held.get(&fingerprint).and_then(Weak::upgrade) {
            return Ok(opened);
        }
        held.retain(|_, weak| weak.strong_count() > 0);
        let opened = Arc::new(open()?);
        held.insert(fingerprint, Arc::downgrade(&opened));
        Ok(opened)
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Something that one thread uses at a time: those in a hurry first, in the order in which they asked.
pub struct Turns<T> {
    thing: Mutex<T>,
    queue: Mutex<Queue>,
}

/// Who waits, as at a counter.
#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    hurried: VecDeque<Arc<Ticket>>,
    patient: VecDeque<Arc<Ticket>>,
}

/// One who waits.
#[derive(Debug)]
struct Ticket {
    is_called: AtomicBool,
    thread: Thread,
}

impl<T> Turns<T> {
    /// Nobody uses it yet.
    pub fn new(thing: T) -> Self {
        Self { thing: Mutex::new(thing), queue: Mutex::default() }
    }

    /// Waits for our turn, which lasts until the answer is dropped; before all who are not in a hurry.
    pub fn take_turn(&self) -> Turn<'_, T> {
        if let Some(ticket) = self.ask(|queue| &mut queue.hurried) {
            while !ticket.is_called() {
                thread::park();
            }
        }
        self.begin()
    }

    /// Waits for our turn without hurry, and no longer than `stop` allows, which may be asked at any moment.
    pub fn take_turn_unless(&self, stop: &dyn Fn() -> bool) -> Option<Turn<'_, T>> {
        if stop() {
            return None;
        }
        if let Some(ticket) = self.ask(|queue| &mut queue.patient) {
            while !ticket.is_called() {
                thread::park_timeout(LOOK);
                if stop() {
                    self.leave(&ticket);
                    return None;
                }
            }
        }
        Some(self.begin())
    }

    /// Stands in line; with no ticket it is our turn at once.
    fn ask(&self, line: impl FnOnce(&mut Queue) -> &mut VecDeque<Arc<Ticket>>) -> Option<Arc<Ticket>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut queue.is_taken, true).then(|| {
            let ticket = Arc::new(Ticket { is_called: AtomicBool::new(false), thread: thread::current() });
            line(&mut queue).push_back(ticket.clone());
            ticket
        })
    }

    /// Leaves the line of the patient; one who was called meanwhile calls the next.
    fn leave(&self, ticket: &Arc<Ticket>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.patient.retain(|other| !Arc::ptr_eq(other, ticket));
        drop(queue);
        // Tickets are called under the lock of the queue: ours is out of it, so that this does not change any more.
        if ticket.is_called() {
            drop(CallNext(self));
        }
    }

    /// Our turn begins.
    fn begin(&self) -> Turn<'_, T> {
        // Made before the lock is taken: were it never taken, the next would be called all the same.
        let call = CallNext(self);
        Turn { thing: self.thing.lock().unwrap_or_else(PoisonError::into_inner), _call: call }
    }
}

impl Ticket {
    /// Acquire: what the one before did with the thing is seen.
    fn is_called(&self) -> bool {
        self.is_called.load(Ordering::Acquire)
    }
}

/// Calls the next in line when dropped, a panic included.
struct CallNext<'a, T>(&'a Turns<T>);

impl<T> Drop for CallNext<'_, T> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.hurried.pop_front().or_else(|| queue.patient.pop_front()) {
            // It goes from hand to hand: nobody comes between.
            Some(ticket) => {
                ticket.is_called.store(true, Ordering::Release);
                ticket.thread.unpark();
            }
            None => queue.is_taken = false,
        }
    }
}

/// A turn at what is shared.
pub struct Turn<'a, T> {
    // Dropped in this order: the lock is free before the next is called.
    thing: MutexGuard<'a, T>,
    _call: CallNext<'a, T>,
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.thing
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.thing
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            EMBEDDED, builtin::BuiltIn, history::History, metadata, model::ChordModel,
            onnx_runtime::OnnxRuntime,
        },
        *,
    };
    use music::{
        melody::MelodyFrame,
        meter::BarPhase,
        pitch::Pitch,
        vocab::{ChordToken, MelodyToken},
    };

    #[test]
    fn a_file_is_opened_once_and_goes_with_the_last_who_holds_it() {
        let shelf = Shelf::new();
        let open = |file: &[u8]| shelf.take(file, || Ok::<_, ()>(file.to_vec())).unwrap();
        let (first, second, other) = (open(b"a"), open(b"a"), open(b"b"));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
        let seen = Arc::downgrade(&first);
        drop((first, second));
        assert!(seen.upgrade().is_none());
        assert!(!Arc::ptr_eq(&open(b"a"), &other));
        assert_eq!(shelf.take(b"c", || Err("torn")).map(|_| ()), Err("torn"));
        assert_eq!(shelf.0.lock().unwrap().len(), 1, "what is gone is forgotten");
    }

    fn take<T>(turns: &Turns<T>, in_hurry: bool) -> Turn<'_, T> {
        if in_hurry { turns.take_turn() } else { turns.take_turn_unless(&|| false).unwrap() }
    }

    #[test]
    fn turns_are_taken_one_at_a_time_and_a_panic_ends_one() {
        let turns = Turns::new(0u32);
        thread::scope(|scope| {
            for nth in 0..4 {
                let turns = &turns;
                scope.spawn(move || {
                    for _ in 0..500 {
                        let mut turn = take(turns, nth % 2 == 0);
                        let before = *turn;
                        thread::yield_now();
                        *turn = before + 1;
                    }
                });
            }
            let fails = scope.spawn(|| {
                let _turn = turns.take_turn();
                panic!("as this test wants");
            });
            assert!(fails.join().is_err());
        });
        assert_eq!(*turns.take_turn(), 2000);
    }

    #[test]
    fn who_is_in_a_hurry_goes_before_all_who_are_not() {
        let turns = Turns::new(Vec::new());
        let num_waiting = || {
            let queue = turns.queue.lock().unwrap();
            queue.hurried.len() + queue.patient.len()
        };
        thread::scope(|scope| {
            let held = turns.take_turn();
            for (nth, in_hurry) in [false, false, true, false, true].into_iter().enumerate() {
                let turns = &turns;
                scope.spawn(move || take(turns, in_hurry).push(nth));
                while num_waiting() <= nth {
                    thread::yield_now();
                }
            }
            drop(held);
        });
        assert_eq!(*turns.take_turn(), [2, 4, 0, 1, 3]);
    }

    #[test]
    fn who_waits_without_hurry_can_leave_and_nobody_is_forgotten() {
        let turns = Turns::new(0u32);
        assert!(turns.take_turn_unless(&|| true).is_none());
        thread::scope(|scope| {
            for nth in 0..6 {
                let turns = &turns;
                scope.spawn(move || {
                    // Some leave while they wait, some as they are called, some never.
                    for round in 0..300 {
                        let asked = std::cell::Cell::new(0);
                        let stop = || asked.replace(asked.get() + 1) > (nth + round) % 3;
                        if let Some(mut turn) = turns.take_turn_unless(&stop) {
                            *turn += 1;
                            thread::yield_now();
                        }
                        *turns.take_turn() += 1;
                    }
                });
            }
        });
        let queue = turns.queue.lock().unwrap();
        assert!(!queue.is_taken && queue.hurried.is_empty() && queue.patient.is_empty());
        drop(queue);
        assert!((1800..=3600).contains(&*turns.take_turn()));
    }

    /// The answers to a tune, one hash a frame.
    fn answers(model: &mut dyn ChordModel, transposed: i32, frames: i32) -> Vec<u64> {
        let mut history = History::new(model.dims());
        history.begin(model, BarPhase::Unknown).unwrap();
        (0..frames)
            .map(|frame| {
                let melody = MelodyFrame::Onset(Pitch::folded(60 + (frame * 5 + transposed) % 12));
                let chord = if frame % 8 == 0 { ChordToken::from_id(2).unwrap() } else { ChordToken::HOLD };
                history.hear(model, chord, MelodyToken::of(melody), BarPhase::Unknown).unwrap();
                let numbers = history.answer().chord_logits.iter().map(|logit| u64::from(logit.to_bits()));
                numbers.fold(7u64, |hash, bits| hash.wrapping_mul(0x0100_0000_01b3) ^ bits)
            })
            .collect()
    }

    /// Sixteen models of one file, and what they answer at the same time.
    fn sixteen<M: ChordModel + 'static>(name: &str, open: impl Fn() -> M, num_sharing: impl Fn(&M) -> usize) {
        let mut first = open();
        let alone: Vec<_> = (0..16).map(|idx| answers(&mut first, idx, 12)).collect();
        assert_ne!(alone[0], alone[1]);
        let before = resident_kib();
        let mut models: Vec<M> = (0..16).map(|_| open()).collect();
        assert_eq!(num_sharing(&first), 17, "{name}");
        let together: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = models
                .iter_mut()
                .zip(0..)
                .map(|(model, idx)| scope.spawn(move || answers(model, idx, 12)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(together, alone, "{name}");
        // With a full history each, as instances have.
        let histories: Vec<_> = models
            .iter_mut()
            .map(|model| {
                let mut history = History::new(model.dims());
                history.begin(model, BarPhase::Unknown).unwrap();
                history
            })
            .collect();
        if let (Some(before), Some(after)) = (before, resident_kib()) {
            let extra_mib = after.saturating_sub(before) as f64 / 1024.0 / 16.0;
            println!("{name}: {extra_mib:.2} MiB for each further instance");
            assert!(extra_mib < 8.0, "{name}: {extra_mib:.2} MiB for each further instance");
        }
        drop(histories);
        drop(models);
        assert_eq!(num_sharing(&first), 1, "{name}");
    }

    /// The process's resident memory.
    fn resident_kib() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    // One test for both engines, so that neither's memory counts for the other.
    #[test]
    fn sixteen_instances_share_a_files_weights() {
        let manifest = metadata::manifest(EMBEDDED).unwrap();
        sixteen("built-in", || BuiltIn::open(EMBEDDED, &manifest).unwrap(), BuiltIn::num_sharing);
        match OnnxRuntime::open(EMBEDDED, &manifest).map(drop) {
            Ok(()) => sixteen(
                "ONNX Runtime",
                || OnnxRuntime::open(EMBEDDED, &manifest).unwrap(),
                OnnxRuntime::num_sharing,
            ),
            Err(why) => println!("not tried: {why}"),
        }
    }
}
