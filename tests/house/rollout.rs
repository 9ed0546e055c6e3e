//! What the plugin plays live is what the trainer's own network answers, chord by chord: the same history, the same bar
//! phases, the same draws. The reference is the trainer's stepper under the plugin's rules of entering, written down anew.

use crate::support::{
    alone::{House, Model, Runtime, alone},
    models::{self, TINY},
    stage::{self, BOTH, playing, setup},
    this_test, tunes,
};
use hosts::{
    Rendering,
    song::Song,
    timeline::{BlockSizes, HeardNote, Script},
};
use music::{
    grid::{FRAMES_PER_BEAT, Frame},
    lead_sheet::{Frames, LeadSheet},
    melody::{Chroma, MelodyFrame},
    pitch::{Pitch, PitchClassSet},
    sampling::{Draw, Sampling, draw, uniform},
    vocab::{ChordToken, MelodyToken, bar_ids},
};
use trainer::model::stepper::{Dense, StepInput, Streams};

/// Frames of listening, and the seed, as the settings below say.
const LISTEN: usize = 8;
const SEED: u64 = 21;
const SETTINGS: [(&str, &str); 2] = [("listen", "2 beats"), ("seed", "21")];

/// The tune on the frame grid.
fn frames(song: &Song) -> Frames {
    let sheet = LeadSheet {
        title: String::new(),
        meters: song.meters.clone(),
        bpm: None,
        length: song.length,
        melody: song.notes.iter().map(|played| played.note).collect(),
        chords: Vec::new(),
    };
    sheet.frames()
}

/// The chord token of each frame, and whether it is heard.
fn reference(frames: &Frames) -> Vec<(ChordToken, bool)> {
    let dense = Dense::new(&models::policy(TINY, 3));
    let mut stream = Streams::new(&dense, 1);
    let (mut chroma, mut melody, mut chord) = (Chroma::default(), MelodyToken::START, ChordToken::START);
    let (mut heard_note, mut entered) = (false, false);
    let mut answer = Vec::new();
    for (t, heard) in frames.melody.iter().enumerate() {
        let (bar_position, bar_length) = bar_ids(frames.phases[t]);
        stream.step(
            &dense,
            &[StepInput { chord, melody, bar_position, bar_length, chroma: chroma.features() }],
            None,
        );
        let enters = !entered && heard_note && t >= LISTEN && t % FRAMES_PER_BEAT as usize == 0;
        let last = chord;
        chord = if heard_note {
            let fits = |id: usize| {
                ChordToken::from_id(id)
                    .is_some_and(|next| if enters { next.chord().is_some() } else { last.may_precede(next) })
            };
            let drawn = draw(
                &stream.chord_logits,
                ChordToken::FIRST_ONSET,
                fits,
                Sampling::default(),
                uniform(SEED, t as i64, Draw::Chord),
            );
            drawn.and_then(ChordToken::from_id).expect("a chord is drawn")
        } else {
            ChordToken::SILENCE
        };
        entered |= enters;
        answer.push((chord, entered));
        heard_note |= matches!(heard, MelodyFrame::Onset(_));
        melody = MelodyToken::of(*heard);
        chroma.hear(*heard);
    }
    answer
}

/// Holds the notes of one frame against its token.
fn check(name: &str, frame: usize, (token, is_heard): (ChordToken, bool), notes: &[HeardNote]) {
    let at = Frame(frame as i64).starts().0;
    let classes = |of: &mut dyn Iterator<Item = &HeardNote>| {
        of.fold(PitchClassSet::EMPTY, |set, note| set.with(Pitch::new(note.key).expect("a key").class()))
    };
    let is_struck = |note: &&HeardNote| (note.on.0 - at).abs() < 1e-3;
    let struck = classes(&mut notes.iter().filter(is_struck).filter(|note| note.channel == 0));
    let bass = classes(&mut notes.iter().filter(is_struck).filter(|note| note.channel == 1));
    let sounds = notes.iter().any(|note| note.on.0 < at + 1e-3 && note.off.0 > at + 1e-2);
    match token.chord().filter(|_| is_heard) {
        Some(chord) => {
            let missing = chord.pitch_classes().minus(struck).len();
            let foreign = struck.minus(chord.pitch_classes()).len();
            // A chord of six tones is voiced without its fifth.
            let omits = u32::from(chord.pitch_classes().len() > 5);
            assert!(
                foreign == 0 && missing == omits,
                "{name}: frame {frame} is {chord}, and {struck:?} was struck"
            );
            assert_eq!(
                bass,
                PitchClassSet::EMPTY.with(chord.bass),
                "{name}: the bass of frame {frame}, {chord}"
            );
        }
        None => {
            assert!(
                struck.is_empty() && bass.is_empty(),
                "{name}: frame {frame} strikes nothing, and {struck:?} was"
            );
            let holds = is_heard && token == ChordToken::HOLD;
            assert_eq!(sounds, holds, "{name}: whether anything sounds in frame {frame}");
        }
    }
}

#[test]
fn the_plugin_plays_what_the_trainers_network_answers() {
    let test = this_test!();
    for (label, runtime) in [("ONNX Runtime", Runtime::Pinned), ("built-in", Runtime::Nowhere)] {
        let house = || House { model: Model::Bytes(models::untrained(TINY, 3)), runtime };
        alone(&test, label, house, || {
            // More frames than the context holds.
            let song = tunes::plain(20, 120.0);
            let frames = frames(&song);
            let reference = reference(&frames);
            for face in BOTH {
                let mut host = playing(face, setup(512, Rendering::Offline), &SETTINGS);
                let engine = stage::says(host.as_mut(), "engine");
                assert!(engine.starts_with(label), "{face:?}: the engine is {engine:?}");
                let recording =
                    stage::play(host.as_mut(), &song, &Script::whole(&song, BlockSizes::Fixed(512)));
                let notes = recording.notes();
                for (frame, expected) in reference.iter().enumerate() {
                    check(&format!("{face:?}, {label}"), frame, *expected, &notes);
                }
            }
            String::new()
        });
    }
}
