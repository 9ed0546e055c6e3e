//! Gestures that are under way. A widget claims its gesture in each pass in which a hand is on it; what nobody claims
//! ends with the pass: let go, drawn no more, or the editor was closed meanwhile. So no way out is forgotten.

use crate::editor::desk::Desk;

/// The gestures under way, at most one a parameter.
#[derive(Debug, Default)]
pub struct Gestures {
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    id: &'static str,
    /// Where the hand is; the parameter stands at the nearest value it can.
    value: f32,
    /// What was set last.
    sent: f32,
    /// When it began, in seconds of the editor's clock.
    since: f64,
    /// The value to go back to at the end, for what is pressed.
    rest: Option<f32>,
    is_claimed: bool,
}

impl Gestures {
    /// Where the hand on this parameter is, if one is on it.
    pub fn value(&self, id: &str) -> Option<f32> {
        self.open.iter().find(|open| open.id == id).map(|open| open.value)
    }

    /// When the gesture on this parameter began.
    pub fn since(&self, id: &str) -> Option<f64> {
        self.open.iter().find(|open| open.id == id).map(|open| open.since)
    }

    /// What is to be seen of a parameter: where the hand is, else where it stands.
    pub fn shown(&self, desk: &dyn Desk, id: &str) -> f32 {
        self.value(id).map_or_else(|| desk.normalized(id), |value| desk.snapped(id, value))
    }

    /// A hand is on this parameter in this pass; the gesture begins if it has not.
    pub fn claim(&mut self, desk: &mut dyn Desk, id: &'static str, now: f64) {
        if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.is_claimed = true;
            return;
        }
        desk.begin(id);
        let value = desk.normalized(id);
        self.open.push(Open { id, value, sent: value, since: now, rest: None, is_claimed: true });
    }

    /// The hand goes to a value. Claim first.
    pub fn move_to(&mut self, desk: &mut dyn Desk, id: &'static str, value: f32) {
        let Some(open) = self.open.iter_mut().find(|open| open.id == id) else { return };
        open.value = value.clamp(0.0, 1.0);
        let snapped = desk.snapped(id, open.value);
        if (snapped - open.sent).abs() > 1e-6 {
            open.sent = snapped;
            desk.set(id, snapped);
        }
    }

    /// The parameter is pressed in this pass: on, until nobody claims it.
    pub fn press(&mut self, desk: &mut dyn Desk, id: &'static str, now: f64) {
        self.claim(desk, id, now);
        self.move_to(desk, id, 1.0);
        if let Some(open) = self.open.iter_mut().find(|open| open.id == id) {
            open.rest = Some(0.0);
        }
    }

    /// A gesture that is over at once. One under way takes it in.
    pub fn once(&mut self, desk: &mut dyn Desk, id: &'static str, value: f32) {
        if self.value(id).is_some() {
            self.move_to(desk, id, value);
            return;
        }
        let value = desk.snapped(id, value);
        desk.begin(id);
        desk.set(id, value);
        desk.end(id);
    }

    /// Back to the default, at once.
    pub fn reset(&mut self, desk: &mut dyn Desk, id: &'static str) {
        let value = desk.default_of(id);
        self.once(desk, id, value);
    }

    /// The pass is over: what nobody claimed ends.
    pub fn end_pass(&mut self, desk: &mut dyn Desk) {
        self.open.retain_mut(|open| {
            let goes_on = std::mem::take(&mut open.is_claimed);
            if !goes_on {
                end(desk, open);
            }
            goes_on
        });
    }

    /// All gestures end.
    pub fn end_all(&mut self, desk: &mut dyn Desk) {
        for open in self.open.drain(..) {
            end(desk, &open);
        }
    }
}

fn end(desk: &mut dyn Desk, open: &Open) {
    if let Some(rest) = open.rest {
        desk.set(open.id, rest);
    }
    desk.end(open.id);
}
