//! Checkpoints: every bit that training goes on from, in one safetensors file.

use crate::{
    model::{Network, Policy, Shape},
    optimizer::{Moments, Parameters},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::HashMap, path::Path};

/// Where training stands.
#[derive(Clone, Debug)]
pub struct Checkpoint<N = Policy> {
    /// The network.
    pub network: N,
    /// The optimiser's moments.
    pub moments: Moments,
}

/// Why a checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system's word.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The file is none of ours, or broken.
    #[error("{file} is not a checkpoint: {reason}; delete it to start anew")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

const PARTS: [&str; 3] = ["parameter", "mean", "square"];

impl<N: Network> Checkpoint<N> {
    /// A network before the first update of a stage.
    pub fn start(network: N) -> Self {
        let moments = Moments::new(&network.parameters());
        Self { network, moments }
    }

    /// The checkpoint as a file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let parts = [&self.network.parameters(), &self.moments.mean, &self.moments.square];
        let mut bytes = Vec::new();
        for (part, values) in PARTS.iter().zip(parts) {
            for (name, values) in &values.0 {
                let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
                bytes.push((format!("{part}/{name}"), values.len(), raw));
            }
        }
        let views = bytes
            .iter()
            .map(|(name, len, raw)| {
                TensorView::new(Dtype::F32, vec![*len], raw).map(|view| (name.clone(), view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| e.to_string())?;
        let shape = serde_json::to_string(&self.network.shape()).map_err(|e| e.to_string())?;
        let metadata = HashMap::from([
            ("shape".to_string(), shape),
            ("updates".to_string(), self.moments.updates.to_string()),
        ]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// A file that cannot be read, is not ours, or lacks a parameter.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|e| CheckpointError::Io(path.display().to_string(), e))?;
        Self::from_bytes(&bytes)
            .map_err(|reason| CheckpointError::Broken { file: path.display().to_string(), reason })
    }

    /// Reads a checkpoint from a file's bytes.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let field = |name: &str| metadata.get(name).ok_or(format!("no `{name}` in its header"));
        let shape: Shape = serde_json::from_str(field("shape")?).map_err(|e| e.to_string())?;
        let mut network = N::build(shape, 0)?;
        let mut parameters = network.parameters();
        let mut moments = Moments::new(&parameters);
        moments.updates = field("updates")?.parse().map_err(|_| "its count of updates is no number")?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        for (part, target) in PARTS.iter().zip([&mut parameters, &mut moments.mean, &mut moments.square]) {
            fill(target, part, &tensors)?;
        }
        network.set_parameters(parameters);
        Ok(Self { network, moments })
    }
}

fn fill(target: &mut Parameters, part: &str, tensors: &SafeTensors) -> Result<(), String> {
    for (name, values) in &mut target.0 {
        let tensor = tensors.tensor(&format!("{part}/{name}")).map_err(|e| e.to_string())?;
        if tensor.data().len() != values.len() * 4 {
            return Err(format!(
                "{part}/{name} holds {} numbers, expected {}",
                tensor.data().len() / 4,
                values.len()
            ));
        }
        for (value, raw) in values.iter_mut().zip(tensor.data().as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*raw);
        }
    }
    Ok(())
}
