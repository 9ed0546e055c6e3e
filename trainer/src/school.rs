//! A recipe from its first stage to its last: likelihood, teacher, judges, finetuning. Each stage reads what the stages before
//! it left in the run folder and leaves a checkpoint there; a run that was killed goes on where it stood.

use crate::{
    dataset::Lessons,
    finetune,
    model::{Network, Policy, Shape, teacher::Teacher},
    pretrain::{self, Learner},
    reward::judge::{
        Judge, Kind,
        exam::tables,
        network::{Contrastive, Discriminative},
        training,
    },
    run::{
        RunFolder,
        checkpoint::Checkpoint,
        progress::{Planned, Progress},
        recipe::{AnchorChoice, Finetune, Recipe},
    },
};
use anyhow::bail;

/// A stage of a recipe.
#[derive(Clone, Copy, Debug)]
enum Stage<'a> {
    Policy(&'a Recipe),
    Teacher(&'a Recipe),
    Judge(&'a Recipe, Judge),
    Finetune(&'a Recipe, &'a Finetune),
}

/// Work of a pass forwards through the policy, which other work is counted in.
const FORWARD: u64 = 1;
/// Of a pass forwards and backwards.
const UPDATE: u64 = 3 * FORWARD;
/// Of playing a frame by frame.
const PLAY: u64 = 2 * FORWARD;

fn updates_made<N: Network>(folder: &RunFolder, name: &str) -> anyhow::Result<u64> {
    let path = folder.file(name);
    Ok(if path.exists() { Checkpoint::<N>::load(&path)?.moments.updates } else { 0 })
}

impl<'a> Stage<'a> {
    fn all(recipe: &'a Recipe) -> Vec<Self> {
        let mut stages = vec![Self::Policy(recipe)];
        if recipe.finetune.iter().any(|settings| settings.anchor == AnchorChoice::Teacher) {
            stages.push(Self::Teacher(recipe));
        }
        let needed = recipe
            .judges
            .judge
            .iter()
            .filter(|judge| recipe.finetune.iter().any(|settings| settings.rewards.need(judge)));
        stages.extend(needed.map(|judge| Self::Judge(recipe, *judge)));
        stages.extend(recipe.finetune.iter().map(|settings| Self::Finetune(recipe, settings)));
        stages
    }

    fn name(&self) -> String {
        match self {
            Self::Policy(_) => Policy::STAGE.into(),
            Self::Teacher(_) => Teacher::STAGE.into(),
            Self::Judge(_, judge) => judge.name(),
            Self::Finetune(_, settings) => settings.name.clone(),
        }
    }

    fn planned(&self, folder: &RunFolder) -> anyhow::Result<Planned> {
        let (updates, done, frames, work) = match self {
            Self::Policy(recipe) => {
                let s = &recipe.pretrain;
                (s.updates, updates_made::<Policy>(folder, Policy::CHECKPOINT)?, s.batch * s.time, UPDATE)
            }
            Self::Teacher(recipe) => {
                let s = &recipe.teacher;
                (
                    s.updates,
                    updates_made::<Teacher>(folder, Teacher::CHECKPOINT)?,
                    s.batch * s.time,
                    2 * UPDATE,
                )
            }
            Self::Judge(recipe, judge) => {
                let s = &recipe.judges;
                let done = match judge.kind {
                    Kind::Contrastive => updates_made::<Contrastive>(folder, &judge.checkpoint())?,
                    Kind::Discriminative => updates_made::<Discriminative>(folder, &judge.checkpoint())?,
                };
                // A judge that was trained but not reported yet, because it was killed between the two, is not done.
                let is_reported = training::reports(folder)?.contains_key(&judge.name());
                let done = if is_reported { done } else { done.min(s.updates.saturating_sub(1)) };
                // Its encoder against the policy's.
                let size = |shape: Shape| (shape.layers * shape.width() * shape.width()) as u64;
                let work = UPDATE * s.batch as u64 * judge.frames as u64 * size(s.model) / size(recipe.model);
                (s.updates, done, 1, work.max(1))
            }
            Self::Finetune(_, s) => {
                let work = PLAY + 2 * FORWARD + UPDATE;
                (s.updates, updates_made::<Policy>(folder, &s.checkpoint())?, s.batch * s.time, work)
            }
        };
        Ok(Planned { name: self.name(), updates, done, cost: frames as u64 * work })
    }

    fn run(&self, lessons: &Lessons, folder: &RunFolder, progress: &Progress) -> anyhow::Result<()> {
        let Lessons { train, valid, .. } = lessons;
        match self {
            Self::Policy(recipe) => {
                pretrain::run::<Policy>(recipe, train, valid, folder, progress)?;
            }
            Self::Teacher(recipe) => {
                pretrain::run::<Teacher>(recipe, train, valid, folder, progress)?;
            }
            Self::Judge(recipe, judge) => training::run(recipe, *judge, lessons, folder, progress)?,
            Self::Finetune(recipe, settings) => finetune::run(recipe, settings, lessons, folder, progress)?,
        }
        Ok(())
    }
}

/// Runs every stage of a recipe that is not done yet, or the stage `only` alone.
///
/// # Errors
/// A broken checkpoint, a stage that the recipe does not have, or what the file system says.
pub fn run(recipe: &Recipe, lessons: &Lessons, folder: &RunFolder, only: Option<&str>) -> anyhow::Result<()> {
    if lessons.train.0.is_empty() {
        bail!("no song of the corpora is in the train split: there is nothing to learn from");
    }
    let mut stages = Stage::all(recipe);
    if let Some(only) = only {
        let known: Vec<_> = stages.iter().map(Stage::name).collect();
        if !known.iter().any(|name| name == only) {
            bail!("the recipe has no stage {only}: it has {}", known.join(", "));
        }
        stages.retain(|stage| stage.name() == only);
    }
    let planned = stages.iter().map(|stage| stage.planned(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let progress = Progress::new(planned.clone());
    for (stage, planned) in stages.iter().zip(planned) {
        if planned.done < planned.updates {
            stage.run(lessons, folder, &progress)?;
        }
    }
    drop(progress);
    let reports = training::reports(folder)?;
    if !reports.is_empty() {
        println!("{}", tables(&reports.into_values().collect::<Vec<_>>()));
    }
    Ok(())
}
