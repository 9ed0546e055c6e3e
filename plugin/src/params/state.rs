//! What is saved with the project: how the framework reads and writes what is no parameter, and what a project that says
//! less than we know of means. Host main thread.

use super::ChordsParams;
use crate::{
    editor::face::{Face, SharedFace},
    links::{Capture, Health, ModelChoice, ModelWish, SharedCapture},
};
use nice_plug::{
    params::persist::PersistentField,
    plugin::{ParamValue, PluginState},
    prelude::{ParamPtr, Params},
};
use std::{collections::BTreeMap, sync::Arc};

impl ChordsParams {
    /// Takes what was saved, as the framework hands it over: text by field. What is not understood is left out.
    pub fn restore(&self, fields: &BTreeMap<String, String>) {
        self.deserialize_fields(fields);
    }

    /// What is to be saved, alike.
    pub fn saved(&self) -> BTreeMap<String, String> {
        self.serialize_fields()
    }
}

/// Switches whose press counts, by their ids. A press is not saved: in a project they are up.
const PRESSED: [&str; 4] = ["next", "reroll", "undo_reroll", "panic"];

/// Puts in what a project does not say, because it was saved before that was there: as an instance begins. Else a session
/// would hang on what was loaded before it.
pub fn complete(state: &mut PluginState) {
    let params = ChordsParams::new(&Arc::new(Health::default()));
    for (id, param, _) in params.param_map() {
        if PRESSED.contains(&id.as_str()) {
            state.params.insert(id, at_first(&param));
        } else {
            state.params.entry(id).or_insert_with(|| at_first(&param));
        }
    }
    for (key, value) in params.serialize_fields() {
        state.fields.entry(key).or_insert(value);
    }
}

/// The value of a parameter of an instance that was not touched yet, as it is saved.
#[expect(unsafe_code, reason = "the framework hands out its parameters as pointers")]
fn at_first(param: &ParamPtr) -> ParamValue {
    // SAFETY: the parameters that the pointer points into live as long as `complete`, which calls this.
    unsafe {
        match param {
            ParamPtr::FloatParam(_) => ParamValue::F32(param.default_plain_value()),
            ParamPtr::IntParam(_) => ParamValue::I32(param.default_plain_value() as i32),
            ParamPtr::BoolParam(_) => ParamValue::Bool(param.default_plain_value() > 0.5),
            ParamPtr::EnumParam(choice) => match (**choice).unmodulated_plain_id() {
                Some(id) => ParamValue::String(id.to_owned()),
                None => ParamValue::I32(param.default_plain_value() as i32),
            },
        }
    }
}

impl PersistentField<'_, ModelChoice> for Arc<ModelWish> {
    fn set(&self, new_value: ModelChoice) {
        self.choose(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&ModelChoice) -> R,
    {
        f(&self.choice())
    }
}

impl PersistentField<'_, Capture> for Arc<SharedCapture> {
    fn set(&self, new_value: Capture) {
        self.replace(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Capture) -> R,
    {
        // A copy, so that the worker need not wait until all is written down.
        f(&self.copy())
    }
}

impl PersistentField<'_, Face> for Arc<SharedFace> {
    fn set(&self, new_value: Face) {
        self.put(new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Face) -> R,
    {
        f(&self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::complete;
    use crate::{
        editor::face::Face,
        links::{Health, Leading, ModelChoice},
        memory::Captured,
        params::ChordsParams,
    };
    use music::{grid::Frame, harmony::ChordFrame, melody::MelodyFrame, meter::BarPhase};
    use nice_plug::{
        plugin::{ParamValue, PluginState},
        prelude::Params,
    };
    use std::{collections::BTreeMap, sync::Arc};

    #[test]
    fn a_press_is_not_saved_and_what_is_held_is() {
        let saved = ["next", "reroll", "undo_reroll", "panic", "hold"]
            .map(|id| (id.to_owned(), ParamValue::Bool(true)));
        let mut state = PluginState {
            version: String::new(),
            params: saved.into_iter().collect(),
            fields: BTreeMap::new(),
        };
        complete(&mut state);
        let is_on = |id: &str| matches!(state.params[id], ParamValue::Bool(true));
        assert!(!["next", "reroll", "undo_reroll", "panic"].into_iter().any(is_on));
        assert!(is_on("hold"));
    }

    #[test]
    fn a_project_comes_back_and_one_from_elsewhere_does_no_harm() {
        let params = || ChordsParams::new(&Arc::new(Health::default()));
        let before = params();
        before.model.choose(ModelChoice { file: Some("/models/jazz.onnx".into()) });
        let captured = Captured {
            melody: MelodyFrame::Rest,
            chord: ChordFrame::Silence,
            leading: Leading { key: None, touch: 33 },
            phase: BarPhase::Unknown,
            meter: None,
        };
        before.capture.change(|capture| capture.record(Frame(-3), captured));
        before.face.change(|face| face.size = (1280.0, 720.0));
        let saved = before.serialize_fields();
        let after = params();
        after.deserialize_fields(&saved);
        assert_eq!(after.model.choice(), before.model.choice());
        assert_eq!(after.capture.copy(), before.capture.copy());
        assert_eq!(after.face.get(), before.face.get());
        let mut other = saved;
        other.insert("face".into(), "\"a grin\"".into());
        other.insert("model".into(), "[]".into());
        other.insert("capture".into(), r#"{"version":99,"passages":"a later format"}"#.into());
        other.insert("unheard-of".into(), "1".into());
        after.deserialize_fields(&other);
        assert_eq!(after.face.get(), Face::default());
        assert_eq!(after.model.choice(), ModelChoice::default());
        assert!(after.capture.copy().is_empty());
        assert!(after.serialize_fields()["capture"].contains("a later format"), "it is kept");
        // A project from before these were saved leaves them as they are.
        before.deserialize_fields(&Default::default());
        assert_eq!(before.capture.copy().num_frames(), 1);
    }
}
