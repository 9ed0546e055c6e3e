//! The parameters as a table for people, made from the parameters themselves. Not called in a host.

use super::ChordsParams;
use crate::links::Health;
use nice_plug::prelude::{ParamFlags, ParamPtr, Params};
use std::{fmt::Write, sync::Arc};

/// More choices than these are not listed one by one.
const MAX_LISTED: usize = 12;

/// A Markdown table a group, in the order of the editor: name, id, what it may be, what it is at first.
pub fn table() -> String {
    let params = ChordsParams::new(&Arc::new(Health::default()));
    let mut out = String::new();
    let mut last = String::new();
    for (id, param, group) in params.param_map() {
        if group != last {
            let _ =
                write!(out, "\n**{group}**\n\n| parameter | id | values | at first |\n|---|---|---|---|\n");
            last = group;
        }
        let row = Row::of(&param);
        let _ = writeln!(out, "| {} | `{id}` | {} | {} |", row.name, row.values, row.default);
    }
    out
}

struct Row {
    name: String,
    values: String,
    default: String,
}

impl Row {
    #[expect(unsafe_code, reason = "the framework hands out its parameters as pointers")]
    fn of(param: &ParamPtr) -> Self {
        // SAFETY: the parameters that the pointer points into live as long as `table`, which calls this.
        let (name, steps, default, read_only, say) = unsafe {
            (
                param.name().to_string(),
                param.step_count(),
                param.default_normalized_value(),
                param.flags().contains(ParamFlags::HIDE_IN_GENERIC_UI),
                |normalized: f32| param.normalized_value_to_string(normalized, true),
            )
        };
        if read_only {
            return Self { name, values: "read-only text".into(), default: "–".into() };
        }
        let listed = steps.filter(|steps| *steps < MAX_LISTED && *steps > 0);
        let are_words = |texts: &[String]| texts.iter().all(|text| text.parse::<f32>().is_err());
        let texts: Vec<String> = listed
            .map(|steps| (0..=steps).map(|step| say(step as f32 / steps as f32)).collect())
            .unwrap_or_default();
        let values = if !texts.is_empty() && are_words(&texts) {
            texts.join(", ")
        } else {
            format!("{} … {}", say(0.0), say(1.0))
        };
        Self { name, values, default: say(default) }
    }
}
