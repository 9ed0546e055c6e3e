//! Presets on the parameters: what each says, parameter by parameter, and how it is set through the host. GUI thread.

use super::ChordsParams;
use crate::presets::Preset;
use nice_plug::prelude::{Param, ParamSetter};

/// Calls a function for each parameter in [`crate::presets::SCOPE`], with its id.
macro_rules! in_scope {
    ($params:expr, |$id:ident, $param:ident| $act:expr) => {
        in_scope!(@ $params, $id, $param, $act,
            react { commit grid density }
            harmony { temperature top_p }
            voicing { style voices register inversion below_melody bass }
            rhythm { pattern arp_rate gate strum strum_ms velocity follow humanise nudge }
            output { parts })
    };
    (@ $params:expr, $id:ident, $param:ident, $act:expr, $($group:ident { $($field:ident)+ })+) => {
        $($({
            let ($id, $param) = (stringify!($field), &$params.$group.$field);
            $act
        })+)+
    };
}

impl ChordsParams {
    /// Puts all parameters that presets set to what this one says, as gestures that the host can record and undo. What
    /// stands so already is not touched.
    pub fn choose_preset(&self, preset: &Preset, setter: &ParamSetter) {
        for (id, value) in self.changes(preset) {
            let Some(control) = self.control(id) else { continue };
            control.begin(setter);
            control.set(setter, value);
            control.end(setter);
        }
    }

    /// Whether all parameters that presets set stand as this one says.
    pub fn is_preset(&self, preset: &Preset) -> bool {
        self.changes(preset).is_empty()
    }

    /// The parameters that stand otherwise than this preset says, and the normalised values that it says.
    fn changes(&self, preset: &Preset) -> Vec<(&'static str, f32)> {
        let mut changes = Vec::new();
        in_scope!(self, |id, param| {
            let value = value(param, preset.setting(id));
            if (param.unmodulated_normalized_value() - value).abs() >= 1e-4 {
                changes.push((id, value));
            }
        });
        changes
    }
}

/// The normalised value that a preset's words mean; without words, or with words not understood, the default.
fn value<P: Param>(param: &P, said: Option<&str>) -> f32 {
    said.and_then(|said| param.string_to_normalized_value(said)).unwrap_or(param.default_normalized_value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        links::Health,
        presets::{PRESETS, SCOPE},
    };
    use nice_plug::prelude::Params;
    use std::{collections::BTreeSet, sync::Arc};

    #[test]
    fn presets_say_what_parameters_understand() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        let mut scope = Vec::new();
        in_scope!(params, |id, param| {
            scope.push(id);
            for preset in PRESETS {
                let Some(said) = preset.setting(id) else { continue };
                let normalized = param.string_to_normalized_value(said);
                let normalized = normalized.unwrap_or_else(|| panic!("{}: {id} is no {said}", preset.name));
                // What is out of range would come back as another value.
                let back = param.normalized_value_to_string(normalized, true);
                let number =
                    |text: &str| text.split_whitespace().next().and_then(|word| word.parse::<f32>().ok());
                let is_same = match (number(&back), number(said)) {
                    (Some(back), Some(said)) => (back - said).abs() < 1e-3,
                    _ => back == said,
                };
                assert!(is_same, "{}: {id} is {back}, not {said}", preset.name);
                let default = param.default_normalized_value();
                assert!((normalized - default).abs() > 1e-4, "{}: {id} is {said} anyway", preset.name);
            }
        });
        assert_eq!(scope, SCOPE);
        let known: BTreeSet<String> = params.param_map().into_iter().map(|(id, ..)| id).collect();
        let names: BTreeSet<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for preset in PRESETS {
            for (id, _) in preset.settings {
                assert!(SCOPE.contains(id) && known.contains(*id), "{}: {id}", preset.name);
                assert_eq!(preset.settings.iter().filter(|(other, _)| other == id).count(), 1);
            }
        }
        assert!(params.is_preset(&PRESETS[0]) && !params.is_preset(&PRESETS[1]));
    }

    #[test]
    fn a_preset_changes_what_stands_otherwise_and_nothing_else() {
        let params = ChordsParams::new(&Arc::new(Health::default()));
        for preset in PRESETS {
            let ids: BTreeSet<&str> = params.changes(preset).into_iter().map(|(id, _)| id).collect();
            let said: BTreeSet<&str> = preset.settings.iter().map(|(id, _)| *id).collect();
            assert_eq!(ids, said, "{}", preset.name);
            assert!(ids.iter().all(|id| params.control(id).is_some()), "{}", preset.name);
        }
    }

    #[test]
    fn no_preset_touches_what_is_the_sessions() {
        let sessions = "chord_channel bass_channel in_channel seed key_rule key_tonic key_mode hold mute next reroll \
                        undo_reroll latching panic print bypass pass_through free_run listen";
        for id in sessions.split_whitespace() {
            assert!(!SCOPE.contains(&id), "{id}");
        }
    }
}
