//! The key that is heard, taken as the player's own.

use super::Gestures;
use crate::editor::{desk::Desk, words};
use egui::{Button, Ui};
use music::key::{Key, Mode};

/// The parameter of a key's tonic.
const TONIC: &str = "key_tonic";
/// The parameter of a key's mode, whose values are in the order of [`Mode::ALL`]; the button stands under it.
pub const MODE: &str = "key_mode";

/// Draws the button; with a key that is heard, and how sure that is, it sets tonic and mode.
pub fn button(ui: &mut Ui, desk: &mut dyn Desk, gestures: &mut Gestures, heard: Option<(Key, f32)>) {
    let button = ui.add_enabled(heard.is_some(), Button::new("Take the heard key").small());
    let Some((key, sure)) = heard else {
        button.on_disabled_hover_text("No key is heard yet; play on");
        return;
    };
    let name = words::key_name(key, words::spelling(Some(key)));
    let tip = format!("Sets tonic and mode to {name}, which is heard by {:.0} %", sure * 100.0);
    if button.on_hover_text(tip).clicked() {
        let mode_idx = Mode::ALL.iter().position(|mode| *mode == key.mode).unwrap_or(0);
        for (id, idx) in [(TONIC, usize::from(key.tonic.semitones())), (MODE, mode_idx)] {
            let last = desk.num_steps(id).unwrap_or(0).max(1);
            gestures.once(desk, id, idx as f32 / last as f32);
        }
    }
}
