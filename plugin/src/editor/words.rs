//! What the editor says: the state in a word, the next step in a sentence, names of notes, chords and keys spelled for
//! the key that is heard. Pure.

use super::{desk::Desk, face::Room, scene::Scene};
use crate::{
    audio::{Snapshot, Stage},
    links::WorkerState,
};
use music::{
    chord::Chord,
    grid::FRAMES_PER_BEAT,
    key::{Key, Mode},
    pitch::Pitch,
    symbol::{self, Spelling},
};

/// How urgent a state is; each has a shape of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// All is well and music is made: a filled circle.
    Runs,
    /// It waits for something: a ring.
    Waits,
    /// The player keeps it so: two bars.
    Kept,
    /// Something is wrong: a triangle.
    Wrong,
}

/// What it is about, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// In a word or two.
    pub word: &'static str,
    /// What more there is to say, briefly; may be empty.
    pub detail: String,
    /// How urgent it is.
    pub urgency: Urgency,
}

/// The state.
pub fn state(scene: &Scene) -> State {
    let (glance, report) = (&scene.snapshot.glance, scene.report);
    let say = |word, detail: String, urgency| State { word, detail, urgency };
    match (report.worker, glance.stage) {
        (_, Stage::Bypassed) => say("BYPASSED", "notes pass through".into(), Urgency::Kept),
        (WorkerState::NoModel, _) => say("MODEL MISSING", "notes pass through".into(), Urgency::Wrong),
        (WorkerState::Dead, _) => say("STOPPED", "notes pass through".into(), Urgency::Wrong),
        (WorkerState::Asleep | WorkerState::Loading, _) => {
            say("OPENING THE MODEL", String::new(), Urgency::Waits)
        }
        (_, Stage::Waiting) => say("WAITING FOR TRANSPORT", String::new(), Urgency::Waits),
        (_, Stage::Listening { frames_left }) => {
            say("LISTENING", count(beats_of(frames_left), "beat"), Urgency::Waits)
        }
        (_, Stage::NothingHeard) if scene.snapshot.num_onsets == 0 => {
            say("LISTENING", "no notes yet".into(), Urgency::Waits)
        }
        (_, Stage::NothingHeard) => say("LISTENING", "about to enter".into(), Urgency::Waits),
        (_, Stage::Holding) => say("HOLDING", "the chord goes on".into(), Urgency::Kept),
        (_, Stage::Behind) => say("BEHIND", "holding last chord".into(), Urgency::Wrong),
        (_, Stage::Playing) if glance.mutes => say("PLAYING", "muted".into(), Urgency::Kept),
        (_, Stage::Playing) if glance.silent => say("PLAYING", "chords are silent".into(), Urgency::Kept),
        (_, Stage::Playing) if glance.prints => say("PLAYING", "from the capture".into(), Urgency::Runs),
        (_, Stage::Playing) => say("PLAYING", String::new(), Urgency::Runs),
    }
}

/// What to do next, or what is to be known, in a sentence.
pub fn hint(scene: &Scene, desk: &dyn Desk) -> String {
    let (snapshot, report) = (scene.snapshot, scene.report);
    let said = |id: &str| desk.text(id, desk.normalized(id));
    match (report.worker, snapshot.glance.stage) {
        (_, Stage::Bypassed) => {
            format!("Bypass is on: turn it off {} and I play again", found(scene, "under Output"))
        }
        (WorkerState::NoModel | WorkerState::Dead, _) => {
            format!("Choose another {} – {}", found(scene, "model"), report.status)
        }
        (WorkerState::Asleep, _) => "The host has not started me yet: turn its audio engine on".into(),
        (WorkerState::Loading, _) => "A moment: the model is being read".into(),
        (_, Stage::Waiting) if snapshot.num_onsets == 0 => {
            format!(
                "Press play in your host – or let me run without it: {}",
                found(scene, "React, Run without the host")
            )
        }
        (_, Stage::Waiting) => "Press play in your host to go on".into(),
        (_, Stage::Listening { frames_left }) if snapshot.num_onsets == 0 => format!(
            "No notes yet: play on {}. I come in after {}",
            channel(&said("in_channel")),
            count(beats_of(frames_left), "beat")
        ),
        (_, Stage::Listening { frames_left }) => {
            format!("I hear you. I come in after {}", count(beats_of(frames_left), "beat"))
        }
        (_, Stage::NothingHeard) if snapshot.num_onsets == 0 => {
            format!("No notes yet: play on {}", channel(&said("in_channel")))
        }
        (_, Stage::NothingHeard) => "I hear you. The first chord is about to come".into(),
        (_, Stage::Holding) if desk.normalized("hold") > 0.5 => {
            "This chord goes on. Let go of Hold, and I re-enter on the grid".into()
        }
        (_, Stage::Holding) => "This chord goes on. Press Hold again, and I re-enter on the grid".into(),
        (_, Stage::Behind) => {
            "A chord was not ready in time, so the last one goes on. More Commit gives the model more time"
                .into()
        }
        (_, Stage::Playing) if snapshot.glance.mutes => "Mute is on. The plan goes on underneath".into(),
        (_, Stage::Playing)
            if snapshot.glance.silent && said("bass") == "Off" && said("parts").starts_with("Bass") =>
        {
            format!(
                "Only the bass goes out, and it is off: choose a bass {}, or other parts",
                found(scene, "under Voicing")
            )
        }
        (_, Stage::Playing) if snapshot.glance.silent => {
            "Output lets the melody through only. Choose “Chords only” to hear chords".into()
        }
        (_, Stage::Playing) if desk.model_trouble().is_some() => {
            format!("Something is wrong with the model: what, stands beside its menu{}", elsewhere(scene))
        }
        (_, Stage::Playing) if is_new(snapshot) => format!(
            "Nothing sounds after me? Put an instrument behind the plug-in: chords on channel {}, bass on {}",
            said("chord_channel"),
            said("bass_channel")
        ),
        (_, Stage::Playing) => "Solid chords stand. Hatched ones may still change".into(),
    }
}

/// Where something in the controls is found from here.
fn found(scene: &Scene, where_it_is: &str) -> String {
    format!("{where_it_is}{}", elsewhere(scene))
}

/// Where the controls are, if they are not in sight.
fn elsewhere(scene: &Scene) -> &'static str {
    match scene.face.room {
        Room::Stage => " in the main view",
        Room::Studio if scene.face.folded => " (Look unfolds the controls)",
        Room::Studio => "",
    }
}

/// Whether so little was played that the player may not yet hear anything: eight bars of common time.
fn is_new(snapshot: &Snapshot) -> bool {
    snapshot.trail.num_ever() < 128
}

/// Whole beats of so many frames, the last one counted whole.
pub fn beats_of(frames: i64) -> i64 {
    (frames + FRAMES_PER_BEAT - 1).div_euclid(FRAMES_PER_BEAT)
}

/// "1 beat", "2 beats".
pub fn count(num: i64, thing: &str) -> String {
    if num == 1 { format!("1 {thing}") } else { format!("{num} {thing}s") }
}

/// A channel as the parameter says it, in a sentence.
fn channel(text: &str) -> String {
    if text.parse::<u8>().is_ok() { format!("channel {text}") } else { "any channel".into() }
}

/// How black keys are named in a key.
pub fn spelling(key: Option<Key>) -> Spelling {
    key.map_or(Spelling::Common, |key| Spelling::in_key(key.tonic, key.mode.is_minor()))
}

/// A chord's symbol.
pub fn chord(chord: Chord, spelling: Spelling) -> String {
    symbol::print_pretty(chord, spelling)
}

/// A pitch class by name.
pub fn note(pitch: Pitch, spelling: Spelling) -> String {
    pretty(symbol::note_name(pitch.class(), spelling))
}

/// A key of the keyboard by name, with its octave; 60 is C4.
pub fn key_of(pitch: Pitch, spelling: Spelling) -> String {
    format!("{}{}", note(pitch, spelling), i32::from(pitch.midi() / 12) - 1)
}

/// The tones of a chord from the root up, by name.
pub fn tones(chord: Chord, spelling: Spelling) -> String {
    let root = i32::from(chord.root.semitones());
    let names = chord
        .quality
        .row()
        .intervals
        .iter()
        .map(|interval| note(Pitch::folded(root + i32::from(*interval)), spelling));
    names.collect::<Vec<_>>().join(" ")
}

/// A key's name.
pub fn key_name(key: Key, spelling: Spelling) -> String {
    let mode = match key.mode {
        Mode::Major => "major",
        Mode::Minor => "minor",
        Mode::HarmonicMinor => "harmonic minor",
        Mode::Dorian => "dorian",
        Mode::Phrygian => "phrygian",
        Mode::Lydian => "lydian",
        Mode::Mixolydian => "mixolydian",
    };
    format!("{} {mode}", pretty(symbol::note_name(key.tonic, spelling)))
}

/// A note's name with the signs of music.
pub fn pretty(name: &str) -> String {
    name.replace('b', "♭").replace('#', "♯")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor::rehearsal::{PaperDesk, Rehearsal};
    use music::pitch::PitchClass;

    #[test]
    fn every_state_has_its_word_and_its_next_step() {
        let desk = PaperDesk::new();
        let check = |worker: WorkerState, stage: Stage, word: &str, detail: &str, step: &str| {
            let mut rehearsal = Rehearsal::empty();
            rehearsal.report.worker = worker;
            rehearsal.snapshot.glance.stage = stage;
            let state = state(&rehearsal.scene());
            assert_eq!((state.word, state.detail.as_str()), (word, detail), "{worker:?} {stage:?}");
            let hint = hint(&rehearsal.scene(), &desk);
            assert!(hint.contains(step), "{worker:?} {stage:?}: {hint}");
        };
        let ready = WorkerState::Ready;
        check(ready, Stage::Waiting, "WAITING FOR TRANSPORT", "", "Press play in your host");
        check(ready, Stage::Listening { frames_left: 13 }, "LISTENING", "4 beats", "after 4 beats");
        check(ready, Stage::Listening { frames_left: 4 }, "LISTENING", "1 beat", "No notes yet");
        check(ready, Stage::NothingHeard, "LISTENING", "no notes yet", "play on any channel");
        check(ready, Stage::Playing, "PLAYING", "", "Nothing sounds after me? Put an instrument behind");
        check(ready, Stage::Holding, "HOLDING", "the chord goes on", "Press Hold again");
        check(ready, Stage::Behind, "BEHIND", "holding last chord", "More Commit");
        check(ready, Stage::Bypassed, "BYPASSED", "notes pass through", "turn it off");
        check(WorkerState::NoModel, Stage::Playing, "MODEL MISSING", "notes pass through", "Choose another");
        check(WorkerState::Dead, Stage::Waiting, "STOPPED", "notes pass through", "Choose another model");
        check(WorkerState::Loading, Stage::Waiting, "OPENING THE MODEL", "", "A moment");
        check(WorkerState::Asleep, Stage::Waiting, "OPENING THE MODEL", "", "audio engine");
    }

    #[test]
    fn how_to_let_go_hangs_on_whether_hold_is_down_or_latched() {
        let (mut desk, mut rehearsal) = (PaperDesk::new(), Rehearsal::playing());
        rehearsal.snapshot.glance.stage = Stage::Holding;
        assert!(hint(&rehearsal.scene(), &desk).contains("Press Hold again"));
        desk.set("hold", 1.0);
        assert!(hint(&rehearsal.scene(), &desk).contains("Let go of Hold"));
    }

    #[test]
    fn silence_is_explained() {
        let desk = PaperDesk::new();
        let mut rehearsal = Rehearsal::playing();
        assert!(hint(&rehearsal.scene(), &desk).starts_with("Solid chords stand"));
        rehearsal.snapshot.glance.silent = true;
        assert_eq!(state(&rehearsal.scene()).detail, "chords are silent");
        assert!(hint(&rehearsal.scene(), &desk).contains("Choose “Chords only”"));
        rehearsal.snapshot.glance.mutes = true;
        assert_eq!(state(&rehearsal.scene()).detail, "muted");
        assert!(hint(&rehearsal.scene(), &desk).starts_with("Mute is on"));
        rehearsal.snapshot.glance.mutes = false;
        let mut bass_alone = PaperDesk::new();
        bass_alone.set("parts", 1.0);
        bass_alone.set("bass", 0.0);
        assert!(hint(&rehearsal.scene(), &bass_alone).starts_with("Only the bass goes out, and it is off"));
        rehearsal = Rehearsal::empty();
        rehearsal.snapshot.glance.stage = Stage::NothingHeard;
        rehearsal.snapshot.num_onsets = 1;
        assert_eq!(state(&rehearsal.scene()).detail, "about to enter");
    }

    #[test]
    fn names_suit_the_key() {
        let flats = spelling(Some(Key::new(PitchClass::new(8), Mode::Major)));
        let sharps = spelling(Some(Key::new(PitchClass::new(4), Mode::Major)));
        let key = Pitch::folded(61);
        assert_eq!((key_of(key, flats), key_of(key, sharps)), ("D♭4".into(), "C♯4".into()));
        let chord_of = |text: &str| symbol::parse(text).unwrap().unwrap();
        assert_eq!(tones(chord_of("Bbm7"), flats), "B♭ D♭ F A♭");
        assert_eq!(chord(chord_of("Bm7b5"), flats), "Bø7");
        assert_eq!(chord(chord_of("Ebmaj7"), flats), "E♭Δ7");
        assert_eq!(key_name(Key::new(PitchClass::new(8), Mode::Dorian), flats), "A♭ dorian");
        assert_eq!(spelling(None), Spelling::Common);
    }
}
