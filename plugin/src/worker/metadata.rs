//! Reads a model file's manifest from its bytes, before any engine sees the file. Whatever is cut off or malformed is an
//! error, not a panic.

use super::wire::{self, Fields, Malformed};
use music::manifest::{METADATA_KEY, Manifest, ManifestError};

/// `ModelProto.metadata_props`.
const METADATA_PROPS: u64 = 14;
/// `StringStringEntryProto.key` and `.value`.
const KEY: u64 = 1;
const VALUE: u64 = 2;

/// Why a file is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MetadataError {
    /// There are no bytes.
    #[error(
        "the model file is empty: name a whole one in REALCHORDS_MODEL, or unset it for the one built in"
    )]
    Empty,
    /// It is not an ONNX file, or a part of one.
    #[error("the file is no whole ONNX model (byte {at} of {len}): get it again")]
    Malformed {
        /// Where reading failed.
        at: usize,
        /// The file's length.
        len: usize,
    },
    /// Its promises do not hold.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// The manifest in a model file, held to the contract.
///
/// # Errors
/// The file is malformed, carries no manifest, or one this build cannot serve.
pub fn manifest(file: &[u8]) -> Result<Manifest, MetadataError> {
    if file.is_empty() {
        return Err(MetadataError::Empty);
    }
    let found = wire::check(file)
        .and_then(|()| property(file))
        .map_err(|Malformed(at)| MetadataError::Malformed { at, len: file.len() })?;
    let json = std::str::from_utf8(found.ok_or(ManifestError::Missing)?)
        .map_err(|e| ManifestError::Unreadable(e.to_string()))?;
    Ok(Manifest::parse(json)?)
}

/// The bytes of the property in which the manifest stands; of several the last.
fn property(file: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut found = None;
    let mut fields = Fields::of(file);
    while let Some(field) = fields.next_field()? {
        if let (METADATA_PROPS, Some(entry)) = field {
            let mut entry_fields = Fields::of(entry);
            let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
            while let Some(field) = entry_fields.next_field()? {
                match field {
                    (KEY, Some(bytes)) => key = bytes,
                    (VALUE, Some(bytes)) => value = bytes,
                    _ => {}
                }
            }
            if key == METADATA_KEY.as_bytes() {
                found = Some(value);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{super::wire::field, *};
    use music::vocab::fingerprint;
    use proptest::prelude::*;

    fn example() -> Manifest {
        Manifest {
            name: "example".into(),
            stage: "mle".into(),
            recipe: "example".into(),
            seed: 1,
            revision: "none".into(),
            steps: 1,
            ..Manifest::sized(2, 2, 4)
        }
    }

    fn file(manifest: &str) -> Vec<u8> {
        let mut entry = field(1, METADATA_KEY.as_bytes());
        entry.extend(field(2, manifest.as_bytes()));
        // ir_version = 8, a graph, another property, ours, and a fixed field at the end.
        let mut bytes = vec![1 << 3, 8];
        bytes.extend(field(7, &field(2, &[b'g'; 300])));
        bytes.extend(field(14, &[field(1, b"other"), field(2, b"thing")].concat()));
        bytes.extend(field(14, &entry));
        bytes.extend([15 << 3 | 5, 1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn the_manifest_is_found_among_other_fields() {
        assert_eq!(manifest(&file(&example().to_json())), Ok(example()));
    }

    #[test]
    fn a_file_without_a_manifest_is_refused() {
        assert_eq!(manifest(&[]), Err(MetadataError::Empty));
        assert_eq!(manifest(&[1 << 3, 8]), Err(MetadataError::Manifest(ManifestError::Missing)));
    }

    #[test]
    fn another_vocabulary_is_refused_with_both_values() {
        let other = Manifest { vocabulary: "0123".into(), ..example() };
        let message = manifest(&file(&other.to_json())).unwrap_err().to_string();
        assert!(message.contains("0123") && message.contains(&fingerprint()), "{message}");
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused() {
        let whole = file(&example().to_json());
        let tail = whole.len() - 5;
        for len in 0..tail {
            assert!(
                manifest(&whole[..len]).is_err(),
                "{len} of {} bytes were taken for a model",
                whole.len()
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = manifest(&bytes);
        }
    }
}
