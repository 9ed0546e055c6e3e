//! What a run shows while it goes: the stage, how far it is, and how long the whole run will still take.
//!
//! On a terminal these are two live bars. Elsewhere (a log file) they are plain lines, one a minute.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{
    cell::Cell,
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// A stage as the display knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Updates it takes.
    pub updates: u64,
    /// Updates made already.
    pub done: u64,
    /// What one update costs, in any unit that all stages share.
    pub cost: u64,
}

/// The display of a run.
pub struct Progress {
    bars: Option<(MultiProgress, ProgressBar)>,
    stages: Vec<Planned>,
    started: Instant,
    /// Cost paid since the display began.
    paid: Cell<u64>,
}

/// The display of one stage.
pub struct StageProgress<'a> {
    progress: &'a Progress,
    stage: Planned,
    bar: Option<ProgressBar>,
    spoken: Cell<Instant>,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn minutes(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) }
}

impl Progress {
    /// A display of all stages of a run.
    pub fn new(stages: Vec<Planned>) -> Self {
        let left: u64 = stages.iter().map(|s| s.cost * s.updates.saturating_sub(s.done)).sum();
        let bars = std::io::stderr().is_terminal().then(|| {
            let multi = MultiProgress::new();
            let total = multi.add(ProgressBar::new(left));
            total.set_style(style("whole run {wide_bar} {percent} %, {eta} left"));
            (multi, total)
        });
        Self { bars, stages, started: Instant::now(), paid: Cell::new(0) }
    }

    /// A display of nothing, for tests and for stages that stand alone.
    pub fn silent() -> Self {
        Self { bars: None, stages: Vec::new(), started: Instant::now(), paid: Cell::new(0) }
    }

    /// The display of the stage `name`, which stands at `done` of `updates`.
    pub fn stage(&self, name: &str, updates: u64, done: u64) -> StageProgress<'_> {
        let planned = self.stages.iter().find(|s| s.name == name).cloned();
        let stage = Planned {
            updates,
            done,
            ..planned.unwrap_or(Planned { name: name.into(), updates, done, cost: 0 })
        };
        let bar = self.bars.as_ref().map(|(multi, _)| {
            let bar = multi.add(ProgressBar::new(updates).with_position(done));
            bar.set_style(style("{prefix} {wide_bar} {pos}/{len} updates, {eta} left, {msg}"));
            bar.set_prefix(stage.name.clone());
            bar
        });
        // The first line comes soon: someone may be watching.
        let spoken = Cell::new(Instant::now().checked_sub(LINE_EVERY * 9 / 10).unwrap_or_else(Instant::now));
        StageProgress { progress: self, stage, bar, spoken }
    }

    /// How long the whole run will still take, by what was paid so far.
    fn left(&self, current: &Planned, at: u64) -> Option<Duration> {
        let paid = self.paid.get();
        let mut reached = false;
        let mut ahead = current.cost * current.updates.saturating_sub(at);
        for stage in &self.stages {
            if reached {
                ahead += stage.cost * stage.updates.saturating_sub(stage.done);
            }
            reached |= stage.name == current.name;
        }
        (paid > 0).then(|| self.started.elapsed().mul_f64(ahead as f64 / paid as f64))
    }
}

impl StageProgress<'_> {
    /// An update was made.
    pub fn at(&self, update: u64, message: &str) {
        let progress = self.progress;
        progress.paid.set(progress.paid.get() + self.stage.cost);
        if let (Some(bar), Some((_, total))) = (&self.bar, &progress.bars) {
            bar.set_position(update);
            bar.set_message(message.to_string());
            total.set_position(progress.paid.get());
        } else if self.stage.cost > 0 && self.spoken.get().elapsed() > LINE_EVERY {
            self.spoken.set(Instant::now());
            let left = progress
                .left(&self.stage, update)
                .map_or(String::new(), |l| format!("; whole run: {} left", minutes(l)));
            eprintln!("{}: update {update} of {}, {message}{left}", self.stage.name, self.stage.updates);
        }
    }

    /// Says something worth a line of its own.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("{}: {text}", self.stage.name)),
            None if self.stage.cost > 0 => eprintln!("{}: {text}", self.stage.name),
            None => {}
        }
    }
}

impl Drop for StageProgress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_the_stages_ahead_alone() {
        let stage = |name: &str, updates, done, cost| Planned { name: name.into(), updates, done, cost };
        let mut progress = Progress::silent();
        progress.stages = vec![stage("a", 10, 10, 1), stage("b", 10, 4, 2), stage("c", 5, 0, 4)];
        assert_eq!(progress.left(&progress.stages[1].clone(), 6), None);
        progress.started = Instant::now() - Duration::from_secs(40);
        progress.paid.set(4);
        // Ahead: 4 updates of b at 2 and 5 of c at 4, 28 in all; 4 took 40 s.
        let left = progress.left(&progress.stages[1].clone(), 6).unwrap().as_secs_f64();
        assert!((left - 280.0).abs() < 1.0, "{left}");
        assert_eq!(
            (minutes(Duration::from_secs(280)), minutes(Duration::from_secs(7300))),
            ("4 min".into(), "2 h 1 min".into())
        );
    }
}
