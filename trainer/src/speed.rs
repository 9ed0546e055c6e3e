//! How fast this machine trains a recipe's networks: frames a second of whole updates and of rollouts, on made
//! music, so that no corpus is needed.

use crate::{
    dataset::{Batches, Song, Songs, augment::Augmentation},
    evaluate::rollout::{Melody, Player, accompany},
    model::{Policy, teacher::Teacher},
    pretrain::{Learner, Training},
    run::recipe::Recipe,
};
use music::{
    chord::Chord,
    grid::{Beats, Frame},
    harmony::ChordFrame,
    lead_sheet::Frames,
    melody::MelodyFrame,
    meter::{BarPhase, Meter},
    pitch::{Pitch, PitchClass},
    sampling::Sampling,
};
use std::time::{Duration, Instant};

/// Frames a second of each kind of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Updates of the policy by maximum likelihood.
    pub policy: f64,
    /// Updates of the teacher.
    pub teacher: f64,
    /// The policy playing frame by frame, as many melodies as a batch holds.
    pub rollout: f64,
}

/// A song of `num` frames: broken chords over a circle of fifths.
pub fn made_song(num: usize) -> Song {
    let root = |t: usize| PitchClass::new((t / 16 * 7) as i32);
    let melody = (0..num)
        .map(|t| match t % 4 {
            0 => MelodyFrame::Onset(Pitch::folded(
                60 + i32::from(root(t).semitones()) + [0, 4, 7, 4][t / 4 % 4],
            )),
            _ => MelodyFrame::Hold,
        })
        .collect();
    let chords = (0..num)
        .map(|t| match t % 16 {
            0 => ChordFrame::Onset(Chord::new(root(t), music::chord::Quality::default())),
            _ => ChordFrame::Hold,
        })
        .collect();
    let phases = (0..num as i64).map(|t| BarPhase::of(Frame(t), Meter::COMMON, Beats(0.0))).collect();
    let frames = Frames { melody, chords, annotated: vec![true; num], phases };
    Song { id: "made".into(), source: "made".into(), frames }
}

/// Work repeated for about `time`, after one round that is not counted; frames a second.
fn timed(time: Duration, frames: usize, mut work: impl FnMut()) -> f64 {
    work();
    let (started, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || started.elapsed() < time {
        work();
        rounds += 1;
    }
    (rounds * frames) as f64 / started.elapsed().as_secs_f64()
}

fn updates<N: Learner>(recipe: &Recipe, songs: &Songs, time: Duration) -> Result<f64, String> {
    let mut training = Training::<N>::new(recipe, songs, None)?;
    let settings = N::settings(recipe);
    Ok(timed(time, settings.batch * settings.time, || {
        training.update();
    }))
}

/// Measures each kind of work for about `time`.
///
/// # Errors
/// A shape whose parts do not fit.
pub fn measure(recipe: &Recipe, time: Duration) -> Result<Speed, String> {
    let songs = Songs(vec![made_song(2048)]);
    let player = Player::from(&Policy::new(recipe.model, recipe.seed)?);
    let settings = &recipe.pretrain;
    let crops = Batches::new(&songs, settings.batch, settings.time, Augmentation::NONE, 1).crops(0);
    let melodies: Vec<Melody> =
        crops.iter().map(|c| Melody { frames: &c.melody, phases: &c.phases, given: &[] }).collect();
    let rollout = timed(time, settings.batch * settings.time, || {
        accompany(&player, &melodies, Sampling::default(), 1);
    });
    Ok(Speed {
        policy: updates::<Policy>(recipe, &songs, time)?,
        teacher: updates::<Teacher>(recipe, &songs, time)?,
        rollout,
    })
}
