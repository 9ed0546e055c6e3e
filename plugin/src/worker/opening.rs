//! Opens models: from a choice to a model in the best engine there is. On the worker thread at first, and beside it
//! while another model plays.

use super::{
    EMBEDDED, MODEL_VARIABLE, builtin::BuiltIn, catalogue, metadata, model::ChordModel,
    onnx_runtime::OnnxRuntime,
};
use crate::links::{Engine, ModelChoice};
use music::{manifest::Manifest, sampling::Sampling};
use std::{env, path::PathBuf};

/// A model that is ready, and how it wants to be sampled.
pub struct Opened {
    /// The model.
    pub model: Box<dyn ChordModel>,
    /// Its own sampling.
    pub sampling: Sampling,
    /// What runs it.
    pub engine: Engine,
    /// The model in words.
    pub name: String,
    /// The engine in words, and why a better one is not used.
    pub engine_name: String,
}

/// A way to come by a model.
pub trait Open: Fn(&ModelChoice) -> Result<Opened, String> + Send + Sync + 'static {}

impl<F: Fn(&ModelChoice) -> Result<Opened, String> + Send + Sync + 'static> Open for F {}

/// Opens the chosen model; with no choice the one named in [`MODEL_VARIABLE`], or else the one built in.
///
/// # Errors
/// Why it cannot be used.
pub fn open(choice: &ModelChoice) -> Result<Opened, String> {
    if let Some(chosen) = &choice.file {
        let path = catalogue::find(chosen);
        let refused = |why| format!("{} is not used: {why}", path.display());
        let (file, manifest) = catalogue::read(&path).map_err(refused)?;
        return open_in_engine(&file, &manifest).map_err(refused);
    }
    match env::var_os(MODEL_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        Some(path) => {
            let refused = |why| format!("{MODEL_VARIABLE} names {}: {why}", path.display());
            let file = catalogue::bytes(&path).map_err(refused)?;
            open_in_engine(&file, &metadata::manifest(&file).map_err(|e| e.to_string())?)
        }
        None => open_in_engine(EMBEDDED, &metadata::manifest(EMBEDDED).map_err(|e| e.to_string())?),
    }
}

fn open_in_engine(file: &[u8], manifest: &Manifest) -> Result<Opened, String> {
    let sampling = Sampling { temperature: manifest.temperature, top_p: manifest.top_p };
    let name = format!(
        "{} ({}, {}, vocabulary {})",
        manifest.name, manifest.stage, manifest.revision, manifest.vocabulary
    );
    let why = match OnnxRuntime::open(file, manifest) {
        Ok(model) => {
            let engine_name = format!("ONNX Runtime ({})", model.library());
            let engine = Engine::OnnxRuntime;
            return Ok(Opened { model: Box::new(model), sampling, engine, name, engine_name });
        }
        Err(error) => error.to_string(),
    };
    match BuiltIn::open(file, manifest) {
        Ok(model) => {
            let engine_name = format!("built-in ({why})");
            Ok(Opened { model: Box::new(model), sampling, engine: Engine::BuiltIn, name, engine_name })
        }
        Err(error) => Err(format!("no engine opens {name}: {why}; {error}")),
    }
}
