//! Walks over an ONNX file as protobuf writes it, before any engine sees the file. An engine's own reader may take a broken
//! one ill: the built-in engine's turns for ever on a number that does not end, and graphs nested deep enough would use up
//! its stack. What is cut off or malformed is an error here.

/// Where reading failed, in bytes from the start of the message that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub usize);

/// A field: its number, and its bytes if it is length-delimited.
pub type Field<'a> = (u64, Option<&'a [u8]>);

/// Walks over the fields of one message.
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a message with these bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field, if there is one.
    ///
    /// # Errors
    /// It does not lie within the message.
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, Malformed> {
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
            _ => return Err(Malformed(self.at)),
        };
        let end = usize::try_from(skip)
            .ok()
            .and_then(|n| self.at.checked_add(n))
            .filter(|end| *end <= self.bytes.len());
        let Some(end) = end.filter(|_| number > 0) else { return Err(Malformed(self.at)) };
        let content = &self.bytes[self.at..end];
        self.at = end;
        Ok(Some((number, (tag & 7 == 2).then_some(content))))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes.get(self.at) else { return Err(Malformed(self.at)) };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed(self.at))
    }

    /// Where the walk stands.
    pub fn at(&self) -> usize {
        self.at
    }
}

/// The most that messages may lie within each other: a graph needs seven, one within a node's attribute three more.
const DEEPEST: u32 = 16;

/// What a field of bytes holds, as far as engines read it.
#[derive(Clone, Copy)]
enum Holds {
    Message(Message),
    /// Numbers of the length that each says itself, one after the other.
    Varints,
}

/// The messages of an ONNX file that hold others.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    /// Text and numbers alone.
    Flat,
}

impl Message {
    /// What the field of a number holds, by onnx.proto3; nothing where it is text or raw.
    fn field(self, number: u64) -> Option<Holds> {
        let message = match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 8 | 14) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Flat,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) | (Self::SequenceType, 1) | (Self::Attribute, 14 | 15) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::Type, 4) => Self::SequenceType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Attribute, 8) | (Self::Tensor, 1 | 5 | 7 | 11) => return Some(Holds::Varints),
            _ => return None,
        };
        Some(Holds::Message(message))
    }

    fn check(self, bytes: &[u8], depth: u32) -> Result<(), Malformed> {
        let mut fields = Fields::of(bytes);
        while let Some((number, content)) = fields.next_field()? {
            let Some(content) = content else { continue };
            // From the message's own start.
            let within = |Malformed(at): Malformed| Malformed(fields.at() - content.len() + at);
            match self.field(number) {
                Some(Holds::Message(_)) if depth == DEEPEST => return Err(within(Malformed(0))),
                Some(Holds::Message(message)) => message.check(content, depth + 1).map_err(within)?,
                Some(Holds::Varints) => {
                    let mut numbers = Fields::of(content);
                    while numbers.at() < content.len() {
                        numbers.varint().map_err(within)?;
                    }
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Sees that a file is whole as far as engines read it.
///
/// # Errors
/// It is no ONNX file, or a broken one: where.
pub fn check(file: &[u8]) -> Result<(), Malformed> {
    Message::Model.check(file, 0)
}

/// A field of bytes, as a file holds it.
#[cfg(test)]
pub(super) fn field(number: u8, content: &[u8]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_is_whole_and_cut_anywhere_it_is_not() {
        let file = super::super::EMBEDDED;
        assert_eq!(check(file), Ok(()));
        let cuts = (1..file.len()).step_by(9973).filter(|len| check(&file[..*len]).is_ok()).count();
        assert!(cuts <= 2, "{cuts}: between two fields of the model itself alone");
    }

    #[test]
    fn a_number_that_does_not_end_is_found_wherever_an_engine_would_read_it() {
        let endless = [0xd0; 12];
        let graph = |inner: &[u8]| field(7, inner);
        for file in [
            graph(&endless),
            graph(&field(1, &endless)),
            graph(&field(1, &field(5, &endless))),
            graph(&field(1, &field(5, &field(8, &endless)))),
            graph(&field(5, &field(1, &endless))),
            graph(&field(5, &field(7, &endless))),
            graph(&field(11, &field(2, &field(1, &field(2, &field(1, &endless)))))),
            field(8, &endless),
        ] {
            assert!(check(&file).is_err(), "{file:?}");
        }
        // Weights are no numbers of that kind.
        assert_eq!(check(&graph(&field(5, &field(9, &endless)))), Ok(()));
    }

    #[test]
    fn graphs_within_graphs_come_to_an_end() {
        let nested = |times: usize| {
            let inner = (0..times).fold(Vec::new(), |graph, _| field(1, &field(5, &field(6, &graph))));
            field(7, &inner)
        };
        assert_eq!(check(&nested(2)), Ok(()));
        assert!(check(&nested(2000)).is_err());
    }

    #[test]
    fn it_is_said_where_a_file_is_broken() {
        let file = field(7, &field(1, &[0xd0; 12]));
        assert_eq!(check(&file), Err(Malformed(14)));
    }
}
