//! Which model file is to play: the project and the GUI wish, the worker follows. Never the audio thread: it locks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

/// The model a project asks for. What it was saved as by another version is read as far as it is understood, and else
/// is no choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct ModelChoice {
    /// The model file's path; none is the model that is built in, or the one that the environment names.
    pub file: Option<String>,
}

impl From<Value> for ModelChoice {
    fn from(saved: Value) -> Self {
        let file = saved.get("file").and_then(Value::as_str).filter(|file| !file.is_empty());
        Self { file: file.map(str::to_owned) }
    }
}

/// What is wished for, and how often that changed.
#[derive(Debug, Default)]
pub struct ModelWish {
    choice: Mutex<ModelChoice>,
    generation: AtomicU32,
}

impl ModelWish {
    /// Asks for a model. Main and GUI threads.
    pub fn choose(&self, choice: ModelChoice) {
        *self.choice.lock().unwrap_or_else(PoisonError::into_inner) = choice;
        // Release: who sees the number also finds the choice.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// What was asked for last.
    pub fn choice(&self) -> ModelChoice {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another number after each choice.
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_back_and_what_is_not_understood_is_none() {
        let check = |saved: &str, file: Option<&str>| {
            let choice: ModelChoice = serde_json::from_str(saved).unwrap();
            assert_eq!(choice.file.as_deref(), file, "{saved}");
            let again: ModelChoice = serde_json::from_str(&serde_json::to_string(&choice).unwrap()).unwrap();
            assert_eq!(again, choice);
        };
        check(r#"{"file":"/models/jazz.onnx"}"#, Some("/models/jazz.onnx"));
        check(r#"{"file":"a.onnx","since":"a later version"}"#, Some("a.onnx"));
        check(r#"{"file":null}"#, None);
        check(r#"{"file":7}"#, None);
        check("[1, 2]", None);
        check("null", None);
    }
}
