//! Parameters by their ids, without their types: what an editor asks of one and does with it. GUI thread.

use super::ChordsParams;
use nice_plug::prelude::{Param, ParamSetter};

/// A parameter that a player sets. Values are normalised, 0..=1.
pub trait Control {
    /// Its name.
    fn name(&self) -> &str;
    /// How many steps lie between its least and its greatest value; none where it is continuous.
    fn num_steps(&self) -> Option<usize>;
    /// A value in words, with its unit.
    fn text(&self, normalized: f32) -> String;
    /// The value that words mean.
    fn read(&self, text: &str) -> Option<f32>;
    /// What it stands at.
    fn normalized(&self) -> f32;
    /// What it is at first.
    fn default_normalized(&self) -> f32;
    /// The nearest value that it can stand at.
    fn snapped(&self, normalized: f32) -> f32;
    /// The value one step above or below; a finer one where there is any.
    fn beside(&self, from: f32, up: bool, fine: bool) -> f32;
    /// A gesture begins.
    fn begin(&self, setter: &ParamSetter);
    /// Within a gesture.
    fn set(&self, setter: &ParamSetter, normalized: f32);
    /// The gesture ends.
    fn end(&self, setter: &ParamSetter);
}

impl<P: Param> Control for P {
    fn name(&self) -> &str {
        Param::name(self)
    }

    fn num_steps(&self) -> Option<usize> {
        self.step_count()
    }

    fn text(&self, normalized: f32) -> String {
        self.normalized_value_to_string(normalized, true)
    }

    fn read(&self, text: &str) -> Option<f32> {
        let text = text.trim();
        // With the unit and without it.
        let bare = text.strip_suffix(self.unit().trim()).unwrap_or(text);
        let read = self.string_to_normalized_value(bare.trim());
        read.or_else(|| self.string_to_normalized_value(text)).map(|value| value.clamp(0.0, 1.0))
    }

    fn normalized(&self) -> f32 {
        self.unmodulated_normalized_value()
    }

    fn default_normalized(&self) -> f32 {
        self.default_normalized_value()
    }

    fn snapped(&self, normalized: f32) -> f32 {
        self.preview_normalized(self.preview_plain(normalized.clamp(0.0, 1.0)))
    }

    fn beside(&self, from: f32, up: bool, fine: bool) -> f32 {
        if up { self.next_normalized_step(from, fine) } else { self.previous_normalized_step(from, fine) }
    }

    fn begin(&self, setter: &ParamSetter) {
        setter.begin_set_parameter(self);
    }

    fn set(&self, setter: &ParamSetter, normalized: f32) {
        setter.set_parameter_normalized(self, self.snapped(normalized));
    }

    fn end(&self, setter: &ParamSetter) {
        setter.end_set_parameter(self);
    }
}

macro_rules! controls {
    ($($group:ident { $($field:ident $id:literal)+ })+) => {
        impl ChordsParams {
            /// The parameter with this id; none for what is only read.
            pub fn control(&self, id: &str) -> Option<&dyn Control> {
                match id {
                    $($($id => Some(&self.$group.$field),)+)+
                    _ => None,
                }
            }
        }
    };
}

controls! {
    react {
        commit "commit" look_ahead "look_ahead" listen "listen" listen_again "listen_again" grid "grid"
        density "density" loop_memory "loop_memory" free_run "free_run" free_tempo "free_tempo"
    }
    harmony {
        temperature "temperature" top_p "top_p" key_rule "key_rule" key_tonic "key_tonic" key_mode "key_mode"
        seed "seed"
    }
    play {
        hold "hold" mute "mute" next "next" reroll "reroll" undo_reroll "undo_reroll" latching "latching"
        panic "panic"
    }
    voicing {
        style "style" voices "voices" register "register" lowest "lowest" highest "highest"
        inversion "inversion" below_melody "below_melody" bass "bass"
    }
    rhythm {
        pattern "pattern" arp_rate "arp_rate" gate "gate" strum "strum" strum_ms "strum_ms"
        velocity "velocity" follow "follow" humanise "humanise" nudge "nudge"
    }
    input {
        channel "in_channel" lowest "in_lowest" highest "in_highest" leads "leads" sustain "sustain"
    }
    output {
        pass_through "pass_through" parts "parts" chord_channel "chord_channel" bass_channel "bass_channel"
        print "print" bypass "bypass"
    }
}

/// For tests of rooms that know no framework.
#[cfg(test)]
impl ChordsParams {
    /// The ids of all parameters that are not read only, as the framework lists them.
    pub fn ids_to_set(&self) -> Vec<String> {
        use nice_plug::prelude::Params;
        self.param_map().into_iter().filter(|(.., group)| group != "Status").map(|(id, ..)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{links::Health, params::table::table};
    use nice_plug::prelude::Params;
    use std::sync::Arc;

    #[test]
    fn every_parameter_that_can_be_set_is_found_by_its_id() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        let (table, mut num_read_only) = (table(), 0);
        for (id, _, group) in params.param_map() {
            let Some(control) = params.control(&id) else {
                assert_eq!(group, "Status", "{id}");
                num_read_only += 1;
                continue;
            };
            let row = format!("| {} | `{id}` |", control.name());
            assert!(table.contains(&row), "the table has no {row}");
            let text = control.text(control.default_normalized());
            let back = control.read(&text).unwrap_or_else(|| panic!("{id} does not read {text}"));
            assert!((back - control.default_normalized()).abs() < 1e-4, "{id}: {text} is read as {back}");
            assert!((control.snapped(back) - back).abs() < 1e-4, "{id}");
        }
        assert_eq!(num_read_only, 9);
    }

    #[test]
    fn one_step_up_and_down_comes_back() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        for (id, ..) in params.param_map() {
            let Some(control) = params.control(&id) else { continue };
            let middle = control.snapped(0.5);
            let up = control.beside(middle, true, false);
            let back = control.beside(up, false, false);
            if control.num_steps() != Some(1) {
                assert!(up > middle, "{id}: {up} is not above {middle}");
                assert!((back - middle).abs() < 1e-4, "{id}: {back} is not {middle}");
            }
        }
    }
}
