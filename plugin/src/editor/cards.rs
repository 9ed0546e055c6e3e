//! Now and next: the chord that sounds, large, and the one that comes, with the beats until it does. GUI thread.

use super::{
    marks::{self, Part},
    scene::{Scene, name},
    theme::{BODY, SMALL},
    words,
};
use crate::{audio::Stage, links::WorkerState};
use egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use music::{chord::Chord, grid::FRAMES_PER_BEAT, harmony::ChordFrame};

/// The next chord to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Next {
    /// The chord; none is silence.
    pub chord: Option<Chord>,
    /// Beats until it sounds.
    pub beats: f64,
    /// Whether it stands.
    pub stands: bool,
}

/// What comes after the chord that sounds, in order.
pub fn coming(scene: &Scene) -> Vec<Next> {
    let snapshot = scene.snapshot;
    let to_next = snapshot.next.zip(snapshot.place).map_or(0.0, |(next, place)| (next.0 - place.0).max(0.0));
    let mut sounds = snapshot.glance.now;
    let mut coming = Vec::new();
    for shown in snapshot.planned() {
        let chord = match shown.chord {
            ChordFrame::Onset(chord) => Some(chord),
            ChordFrame::Silence if sounds.is_some() => None,
            ChordFrame::Silence | ChordFrame::Hold => continue,
        };
        sounds = chord;
        let beats = to_next + f64::from(shown.frames_ahead) / FRAMES_PER_BEAT as f64;
        coming.push(Next { chord, beats, stands: shown.committed });
    }
    coming
}

/// Draws the chord that sounds.
pub fn now(ui: &mut Ui, rect: Rect, scene: &Scene, most: f32) -> Response {
    let (theme, glance) = (scene.theme(), &scene.snapshot.glance);
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 6.0, theme.panel);
    let inner = rect.shrink2(vec2(12.0, 6.0));
    let chord = glance.now.map(|chord| words::chord(chord, scene.spelling()));
    let is_quiet = glance.silent && chord.is_some();
    let heading = if is_quiet { "NOW · silent" } else { "NOW" };
    let foot_size = small_size(rect);
    heading_of(&painter, inner, heading, theme.muted, foot_size);
    let foot = foot_size * 1.35;
    let room = Rect::from_min_max(
        pos2(inner.left(), inner.top() + foot * 0.9),
        pos2(inner.right(), inner.bottom() - foot),
    );
    let ink = if is_quiet || chord.is_none() { theme.muted } else { theme.chord };
    let text = chord.clone().unwrap_or_else(|| "–".into());
    let large = marks::fit(&painter, &text, room.width(), (room.height() * 0.9).min(most), 18.0, ink);
    let at = pos2(room.left(), room.center().y - large.size().y / 2.0);
    painter.galley(at, large, ink);
    let line = inner.bottom() - foot / 2.0;
    let melody = glance.leading.map(|key| words::key_of(key, scene.spelling()));
    let tones = glance.now.map(|chord| words::tones(chord, scene.spelling()));
    let mut x = inner.left();
    for (part, text, ink) in [(Part::Chord, &tones, theme.chord), (Part::Melody, &melody, theme.melody)] {
        let Some(text) = text else { continue };
        let galley = painter.layout_no_wrap(text.clone(), FontId::proportional(foot_size), theme.text);
        marks::part(&painter, part, pos2(x + foot_size * 0.4, line), foot_size * 0.36, ink);
        x += foot_size * 1.1;
        let size = galley.size();
        painter.galley(pos2(x, line - size.y / 2.0), galley, theme.text);
        x += size.x + foot_size;
    }
    let spoken = match (&chord, &tones) {
        (Some(chord), Some(tones)) => format!("Now: {chord}, tones {tones}"),
        _ => "Now: no chord".into(),
    };
    let melody = melody.map_or_else(String::new, |key| format!("; melody {key}"));
    name(&response, Role::Label, &format!("{spoken}{melody}"));
    response.on_hover_text(
        "The chord that sounds now, spelled for the key that is heard; under it its tones, and your note",
    )
}

/// Draws the chord that comes, with the beats until it does.
pub fn next(ui: &mut Ui, rect: Rect, scene: &Scene, most: f32) -> Response {
    let theme = scene.theme();
    let response = ui.allocate_rect(rect, Sense::hover());
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect_filled(rect, 6.0, theme.panel);
    let inner = rect.shrink2(vec2(12.0, 6.0));
    let coming = coming(scene);
    let foot_size = small_size(rect);
    let foot = foot_size * 1.35;
    let room = Rect::from_min_max(
        pos2(inner.left(), inner.top() + foot * 0.9),
        pos2(inner.right(), inner.bottom() - foot),
    );
    let line = inner.bottom() - foot / 2.0;
    // Who passes everything through plays nothing of what was planned.
    let is_bypassed = scene.snapshot.glance.stage == Stage::Bypassed;
    let spoken = match coming.first().filter(|_| !is_bypassed) {
        Some(first) => {
            let ink = if first.stands { theme.chord } else { theme.ghost };
            if first.stands {
                painter.rect_stroke(rect, 6.0, Stroke::new(1.5, ink), StrokeKind::Inside);
            } else {
                marks::dashed(&painter, rect, ink);
            }
            let heading = if first.stands { "NEXT · stands" } else { "PLAN · may change" };
            heading_of(&painter, inner, heading, theme.muted, foot_size);
            let text =
                first.chord.map_or_else(|| "silence".into(), |chord| words::chord(chord, scene.spelling()));
            let large =
                marks::fit(&painter, &text, room.width(), (room.height() * 0.86).min(most), 14.0, ink);
            let at = pos2(room.left(), room.center().y - large.size().y / 2.0);
            painter.galley(at, large, ink);
            let beats = first.beats.ceil().max(1.0) as i64;
            dots(&painter, pos2(inner.left(), line), beats, foot_size, ink);
            let count = words::count(beats, "beat");
            painter.text(
                pos2(inner.right(), line),
                Align2::RIGHT_CENTER,
                format!("in {count}"),
                FontId::proportional(foot_size),
                theme.text,
            );
            let standing = if first.stands { "stands" } else { "may change" };
            format!("Next: {text} in {count}, {standing}")
        }
        None => {
            heading_of(&painter, inner, "NEXT", theme.muted, foot_size);
            let (large, small) = waiting(scene);
            let galley = marks::fit(
                &painter,
                &large,
                room.width(),
                (room.height() * 0.86).min(most),
                14.0,
                theme.muted,
            );
            painter.galley(pos2(room.left(), room.center().y - galley.size().y / 2.0), galley, theme.muted);
            let galley = marks::fit(&painter, &small, inner.width(), foot_size, 8.0, theme.muted);
            painter.galley(pos2(inner.left(), line - galley.size().y / 2.0), galley, theme.muted);
            format!("Next: {large} {small}")
        }
    };
    name(&response, Role::Label, spoken.trim());
    response.on_hover_text(
        "The next chord. Solid frame: promised, it will sound. Dashed frame: planned, it may still change until it is promised",
    )
}

/// What stands where no other chord is planned: why not, or the countdown, where there is one.
fn waiting(scene: &Scene) -> (String, String) {
    let glance = &scene.snapshot.glance;
    let is_planned = !scene.snapshot.planned().is_empty();
    match (scene.report.worker, glance.stage) {
        (_, Stage::Bypassed) => ("–".into(), "notes pass through".into()),
        (WorkerState::NoModel | WorkerState::Dead, _) => ("–".into(), "no model plays".into()),
        (WorkerState::Asleep | WorkerState::Loading, _) => ("…".into(), "the model is being opened".into()),
        (_, Stage::Listening { frames_left }) => {
            (words::beats_of(frames_left).to_string(), "beats of listening left".into())
        }
        (_, Stage::NothingHeard) if scene.snapshot.num_onsets == 0 => {
            ("…".into(), "waiting for your first note".into())
        }
        (_, Stage::Waiting) => ("–".into(), "nothing planned yet".into()),
        (_, Stage::Holding) => ("–".into(), "the chord is held".into()),
        _ if is_planned => match glance.now {
            Some(chord) => (words::chord(chord, scene.spelling()), "goes on".into()),
            None => ("–".into(), "silence goes on".into()),
        },
        _ => ("…".into(), "thinking".into()),
    }
}

/// The size of what is read second on a card.
fn small_size(card: Rect) -> f32 {
    (card.height() * 0.13).clamp(SMALL, 34.0)
}

fn heading_of(painter: &Painter, inner: Rect, text: &str, ink: Color32, size: f32) {
    let size = (size * 0.92).clamp(SMALL, BODY * 1.6);
    painter.galley(inner.left_top(), marks::fit(painter, text, inner.width(), size, 8.0, ink), ink);
}

/// A dot a beat that is left, up to eight.
fn dots(painter: &Painter, at: egui::Pos2, beats: i64, size: f32, ink: Color32) {
    for nth in 0..beats.clamp(0, 8) {
        let at = at + vec2(size * (0.4 + 0.95 * nth as f32), 0.0);
        painter.circle_filled(at, size * 0.3, ink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audio::Shown, editor::rehearsal::Rehearsal};

    #[test]
    fn who_plans_nothing_else_says_why() {
        let said = |worker, stage, keeps: bool| {
            let mut rehearsal = Rehearsal::playing();
            rehearsal.report.worker = worker;
            rehearsal.snapshot.glance.stage = stage;
            let now = rehearsal.snapshot.glance.now;
            assert!(now.is_some());
            rehearsal.snapshot.num_shown = 0;
            if keeps {
                rehearsal.snapshot.push(Shown { frames_ahead: 1, chord: ChordFrame::Hold, committed: true });
            }
            let (large, small) = waiting(&rehearsal.scene());
            if small == "goes on" {
                assert_eq!(now.map(|chord| words::chord(chord, rehearsal.scene().spelling())), Some(large));
            }
            small
        };
        let ready = WorkerState::Ready;
        assert_eq!(said(ready, Stage::Playing, true), "goes on");
        assert_eq!(said(ready, Stage::Playing, false), "thinking");
        assert_eq!(said(ready, Stage::Bypassed, false), "notes pass through");
        for worker in [WorkerState::NoModel, WorkerState::Dead] {
            for stage in [Stage::Playing, Stage::Listening { frames_left: 4 }, Stage::Behind] {
                assert_eq!(said(worker, stage, false), "no model plays");
            }
        }
    }

    #[test]
    fn what_comes_is_told_in_order_with_its_beats() {
        let rehearsal = Rehearsal::playing();
        let coming = coming(&rehearsal.scene());
        assert!(coming.len() >= 2, "{coming:?}");
        assert!(coming.windows(2).all(|pair| pair[0].beats < pair[1].beats));
        assert!(coming[0].stands && !coming[coming.len() - 1].stands);
        assert!(super::coming(&Rehearsal::empty().scene()).is_empty());
    }
}
