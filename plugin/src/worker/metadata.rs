//! Reads a model file's manifest from its bytes, before any engine sees the file. Knows of protobuf's wire format
//! only what it takes to walk over an ONNX `ModelProto`; whatever is cut off or malformed is an error, not a panic.

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
    let mut found = None;
    let mut fields = Fields { bytes: file, at: 0 };
    while let Some(field) = fields.next()? {
        if let (METADATA_PROPS, Some(entry)) = field {
            let mut entry_fields = Fields { bytes: entry, at: 0 };
            let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
            while let Some(field) = entry_fields.next()? {
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
    let json = std::str::from_utf8(found.ok_or(ManifestError::Missing)?)
        .map_err(|e| ManifestError::Unreadable(e.to_string()))?;
    Ok(Manifest::parse(json)?)
}

/// A field: its number, and its bytes if it is length-delimited.
type Field<'a> = (u64, Option<&'a [u8]>);

/// Walks over the fields of one message.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The next field, if there is one.
    fn next(&mut self) -> Result<Option<Field<'a>>, MetadataError> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        let skip = match tag & 7 {
            0 => {
                self.varint()?;
                return Ok(Some((number, None)));
            }
            1 => 8,
            5 => 4,
            2 => self.varint()?,
            _ => return Err(self.malformed()),
        };
        let end = usize::try_from(skip)
            .ok()
            .and_then(|n| self.at.checked_add(n))
            .filter(|end| *end <= self.bytes.len());
        let Some(end) = end.filter(|_| number > 0) else { return Err(self.malformed()) };
        let content = &self.bytes[self.at..end];
        self.at = end;
        Ok(Some((number, (tag & 7 == 2).then_some(content))))
    }

    fn varint(&mut self) -> Result<u64, MetadataError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes.get(self.at) else { return Err(self.malformed()) };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.malformed())
    }

    fn malformed(&self) -> MetadataError {
        MetadataError::Malformed { at: self.at, len: self.bytes.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut len = content.len();
        while len >= 128 {
            bytes.push((len & 127 | 128) as u8);
            len >>= 7;
        }
        bytes.push(len as u8);
        bytes.extend_from_slice(content);
        bytes
    }

    fn file(manifest: &str) -> Vec<u8> {
        let mut entry = field(1, METADATA_KEY.as_bytes());
        entry.extend(field(2, manifest.as_bytes()));
        // ir_version = 8, a graph, another property, ours, and a fixed field at the end.
        let mut bytes = vec![1 << 3, 8];
        bytes.extend(field(7, &[7; 300]));
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
