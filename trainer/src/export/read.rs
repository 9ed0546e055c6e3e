//! Back from an exported file to a policy, so that training can go on from a model whose run is gone.
//!
//! The weights of a file stand where the writer puts them; a graph of the same shape is written once to learn the
//! places.

use super::{Place, Weights, Writer, bytes::Bytes, messages};
use crate::model::{Network, Policy, Shape};
use prost::Message;

/// The policy in an exported file. Its moments are not in the file: a stage that starts from it starts afresh.
///
/// # Errors
/// A sentence: the file is no ONNX model, or was exported from a network of another shape.
pub fn policy(file: &[u8], shape: Shape) -> Result<Policy, String> {
    let model = messages::Model::decode(file).map_err(|e| format!("it is no ONNX model: {e}"))?;
    let initializers = model.graph.unwrap_or_default().initializer;
    let mut policy = Policy::build(shape, 0)?;
    let [floats, bytes] = [Weights::Floats, Weights::Bytes].map(|weights| {
        let mut writer = Writer::new(&policy, weights);
        (writer.write().initializer, writer.places)
    });
    let num_in_floats = floats.0.len();
    let (written, places) = if bytes.0.len() == initializers.len() { bytes } else { floats };
    if written.len() != initializers.len() {
        return Err(format!(
            "it holds {} constants, where the recipe's network has {num_in_floats}: it was exported from another shape",
            initializers.len(),
        ));
    }
    let mut parameters = policy.parameters();
    for (idx, place) in places {
        let ((name, values), layout) = (&mut parameters.0[idx], &policy.tied[idx].layout);
        let constant = |nth: usize| {
            let (found, expected) = (&initializers[nth], &written[nth]);
            if found.dims == expected.dims && found.raw_data.len() == expected.raw_data.len() {
                return Ok(&found.raw_data);
            }
            Err(format!("its {name} is {:?}, where the recipe's network has {:?}", found.dims, expected.dims))
        };
        let floats = |nth: usize| -> Result<Vec<f32>, String> {
            Ok(constant(nth)?.as_chunks::<4>().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect())
        };
        let numbers = match place {
            Place::Floats(nth) => floats(nth)?,
            Place::Bytes { numbers, scales } => {
                Bytes { numbers: constant(numbers)?.clone(), scales: floats(scales)? }.floats()
            }
        };
        for (at, number) in layout.iter().zip(numbers) {
            values[*at as usize] = number;
        }
    }
    policy.set_parameters(parameters);
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::onnx;
    use music::manifest::Manifest;

    const SHAPE: Shape = Shape { layers: 2, heads: 2, invariant: 32, pitched: 4, inner: 2 };

    #[test]
    fn what_was_exported_comes_back() {
        let policy = Policy::new(SHAPE, 5).unwrap();
        let manifest = Manifest::sized(SHAPE.layers, SHAPE.heads, SHAPE.head_size());
        let file = onnx(&policy, &manifest, Weights::Floats);
        let back = super::policy(&file, SHAPE).unwrap();
        assert_eq!(back.parameters.0, policy.parameters.0);
        let wider = Shape { pitched: 6, ..SHAPE };
        let error = super::policy(&file, wider).unwrap_err();
        assert_eq!(error, "its chroma_in is [24, 80], where the recipe's network has [24, 104]");
        let deeper = Shape { layers: 3, ..SHAPE };
        assert!(super::policy(&file, deeper).unwrap_err().contains("another shape"));
        assert!(super::policy(b"no model", SHAPE).unwrap_err().contains("no ONNX model"));
        // From bytes comes what they stand for, and that is written as the same bytes.
        let bytes = onnx(&policy, &manifest, Weights::Bytes);
        let back = super::policy(&bytes, SHAPE).unwrap();
        assert!(back.parameters.0 != policy.parameters.0 && bytes.len() * 3 < file.len() * 2);
        assert!(onnx(&back, &manifest, Weights::Bytes) == bytes);
        assert!(super::policy(&bytes, deeper).unwrap_err().contains("another shape"));
    }
}
