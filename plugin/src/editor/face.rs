//! How the window looks, as the player left it: size, zoom, theme, which view and page, whether it moves. Saved with the project.
//! GUI and host main thread. What is missing, unknown or out of range in a saved state reads as it is at first.

use super::controls::sheet::TABS;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// The window's size at first, in points.
pub const FIRST_SIZE: (f32, f32) = (900.0, 560.0);
/// The least size that is laid out, in points.
pub const LEAST_SIZE: (f32, f32) = (640.0, 400.0);
/// The greatest size that is taken over from a saved state, in points.
const MOST_SIZE: (f32, f32) = (8000.0, 6000.0);
/// The zooms a player chooses from.
pub const ZOOMS: [f32; 7] = [0.75, 0.9, 1.0, 1.25, 1.5, 1.75, 2.0];

/// Light on dark, or dark on light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shade {
    /// Light on dark.
    #[default]
    Dark,
    /// Dark on light.
    Light,
}

/// Which view is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Everything.
    #[default]
    Studio,
    /// What is read from two metres, and four large buttons.
    Stage,
}

/// The look of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct Face {
    /// Width and height in points, before the zoom.
    pub size: (f32, f32),
    /// How large a point is: one of [`ZOOMS`], or what lies between.
    pub zoom: f32,
    /// The theme.
    pub shade: Shade,
    /// The view.
    pub room: Room,
    /// Reduced motion: the timeline steps from beat to beat instead of gliding.
    pub calm: bool,
    /// Whether the controls are folded away, so that the music has the room.
    pub folded: bool,
    /// The page of controls that lies open, from 0.
    pub page: usize,
}

impl Default for Face {
    fn default() -> Self {
        Self {
            size: FIRST_SIZE,
            zoom: 1.0,
            shade: Shade::Dark,
            room: Room::Studio,
            calm: false,
            folded: false,
            page: 0,
        }
    }
}

impl From<Value> for Face {
    fn from(saved: Value) -> Self {
        let first = Self::default();
        let number = |value: Option<&Value>, within: std::ops::RangeInclusive<f32>| {
            value.and_then(Value::as_f64).map(|number| number as f32).filter(|number| within.contains(number))
        };
        let side = |idx: usize, within| number(saved.get("size").and_then(|size| size.get(idx)), within);
        let is = |name: &str, word: &str| saved.get(name).and_then(Value::as_str) == Some(word);
        let flag = |name: &str| saved.get(name).and_then(Value::as_bool).unwrap_or(false);
        let width = side(0, LEAST_SIZE.0..=MOST_SIZE.0);
        let height = side(1, LEAST_SIZE.1..=MOST_SIZE.1);
        let page = saved.get("page").and_then(Value::as_u64).and_then(|page| usize::try_from(page).ok());
        Self {
            size: width.zip(height).unwrap_or(first.size),
            zoom: number(saved.get("zoom"), ZOOMS[0]..=ZOOMS[ZOOMS.len() - 1]).unwrap_or(first.zoom),
            shade: if is("shade", "light") { Shade::Light } else { Shade::Dark },
            room: if is("room", "stage") { Room::Stage } else { Room::Studio },
            calm: flag("calm"),
            folded: flag("folded"),
            page: page.filter(|page| *page < TABS.len()).unwrap_or(first.page),
        }
    }
}

/// The look of an instance's window, for host and GUI thread.
#[derive(Debug, Default)]
pub struct SharedFace(Mutex<Face>);

impl SharedFace {
    /// As it is now.
    pub fn get(&self) -> Face {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another look.
    pub fn put(&self, face: Face) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = face;
    }

    /// The same but for what is changed.
    pub fn change(&self, change: impl FnOnce(&mut Face)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_comes_back_and_what_is_not_understood_is_as_at_first() {
        let face = Face {
            size: (1280.0, 720.5),
            zoom: 1.25,
            shade: Shade::Light,
            room: Room::Stage,
            calm: true,
            folded: true,
            page: TABS.len() - 1,
        };
        let saved = serde_json::to_string(&face).unwrap();
        assert_eq!(serde_json::from_str::<Face>(&saved).unwrap(), face);
        let check = |saved: &str, expected: Face| {
            assert_eq!(serde_json::from_str::<Face>(saved).unwrap(), expected, "{saved}");
        };
        let first = Face::default();
        for strange in
            ["{}", "[]", "null", "7", r#"{"size":[1,1],"zoom":0.01,"shade":"plaid","room":3,"page":99}"#]
        {
            check(strange, first);
        }
        check(r#"{"size":[640,400],"zoom":2}"#, Face { size: LEAST_SIZE, zoom: 2.0, ..first });
        check(r#"{"size":[1e9,400],"calm":true,"later":[]}"#, Face { calm: true, ..first });
    }
}
