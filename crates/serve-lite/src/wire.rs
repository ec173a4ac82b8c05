//! How much of an ONNX file is weights, before it is decoded.
//!
//! Two bytes of a file can become an operator of 168 bytes in memory, so that 256 MiB of them would be more than most
//! machines have. Weights take as much memory as in the file; everything else is small in any real model.
//!
//! The encoding is <https://protobuf.dev/programming-guides/encoding>, the fields are those of
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.

/// A message that can contain weights, at some depth.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
}

/// The bytes of a file that are not the values of weights.
pub(crate) fn structure_bytes(model: &[u8]) -> usize {
    model.len() - weight_bytes(model, Message::Model)
}

fn weight_bytes(mut rest: &[u8], message: Message) -> usize {
    let mut total = 0;
    while let Some((field, content)) = next_field(&mut rest) {
        total += match (message, field) {
            (Message::Model, 7) => weight_bytes(content, Message::Graph),
            (Message::Graph, 1) => weight_bytes(content, Message::Node),
            (Message::Node, 5) => weight_bytes(content, Message::Attribute),
            (Message::Graph | Message::Attribute, 5) => weight_bytes(content, Message::Tensor),
            // `float_data`, packed, and `raw_data`
            (Message::Tensor, 4 | 9) => content.len(),
            _ => 0,
        };
    }
    total
}

/// The next field that has a length, and its content; `None` at the end, or where the bytes are no message.
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    loop {
        let key = varint(rest)?;
        let length = match key & 7 {
            0 => {
                varint(rest)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(rest)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        *rest = after;
        if key & 7 == 2 {
            return Some((key >> 3, content));
        }
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of up to 16,383 bytes.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = [content.len() as u8 | 0x80, (content.len() >> 7) as u8];
        [&[number << 3 | 2], &length[..], content].concat()
    }

    #[test]
    fn only_values_of_tensors_are_weights() {
        let tensor =
            [vec![2 << 3, 1], field(9, &[0; 1000]), field(4, &[0; 200]), field(8, b"name")]
                .concat();
        let constant = field(1, &field(5, &field(5, &tensor)));
        let graph =
            [field(5, &tensor), constant, field(1, &[0; 300]), vec![3 << 3 | 5, 0, 0, 0, 0]]
                .concat();
        let model = [field(7, &graph), field(14, &[0; 500])].concat();
        assert_eq!(structure_bytes(&model), model.len() - 2400);
        // Nothing is read twice or beyond the end of a damaged file.
        for length in 0..model.len() {
            assert!(structure_bytes(&model[..length]) <= length);
        }
        assert_eq!(structure_bytes(&[0xff; 100]), 100);
    }
}
