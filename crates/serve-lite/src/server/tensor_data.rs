//! The `data` of an input tensor in JSON: bytes, in one array or nested as the shape says.

use std::fmt;

use images::ImageShape;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// The levels of brackets of a tensor `[n, channels, height, width]`, and of a flat array.
const NESTED: usize = 4;
const FLAT: usize = 1;

/// Reads the values of `n` images; the error describes what is wrong.
pub(super) fn parse(json: &str, n: usize, shape: ImageShape) -> Result<Vec<u8>, String> {
    let [channels, height, width] = shape.dimensions();
    let length = n * shape.size();
    // A value takes at least two characters with its separator: what a short text announces is not allocated.
    let values = Vec::with_capacity(length.min(json.len() / 2 + 1));
    let mut tensor = Tensor { values, length, dims: [n, channels, height, width], depth: None };
    let mut json = serde_json::Deserializer::from_str(json);
    Element { tensor: &mut tensor, depth: 0 }
        .deserialize(&mut json)
        .map_err(|error| format!("data does not match the shape of {n} images: {error}"))?;
    let found = tensor.values.len();
    match found == length {
        true => Ok(tensor.values),
        false => Err(format!("the shape of {n} images has {length} values, data has {found}")),
    }
}

/// The tensor while it is read.
struct Tensor {
    values: Vec<u8>,
    /// The product of `dims`.
    length: usize,
    dims: [usize; NESTED],
    /// The depth of the first value, which all others must have.
    depth: Option<usize>,
}

/// A value or an array inside `depth` brackets.
struct Element<'a> {
    tensor: &'a mut Tensor,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("whole numbers from 0 to 255, in one array or nested as the shape says")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let Self { tensor, depth } = self;
        let value = u8::try_from(value)
            .map_err(|_| E::custom(format!("the value {value} is not from 0 to 255")))?;
        if !matches!(depth, FLAT | NESTED) || *tensor.depth.get_or_insert(depth) != depth {
            return Err(E::custom("numbers are not nested as the shape says"));
        }
        if tensor.values.len() == tensor.length {
            return Err(E::custom(format!("more than {} numbers", tensor.length)));
        }
        tensor.values.push(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { tensor, depth } = self;
        if depth == NESTED {
            return Err(A::Error::custom("arrays are nested deeper than the shape says"));
        }
        let mut length = 0;
        while array.next_element_seed(Element { tensor, depth: depth + 1 })?.is_some() {
            length += 1;
        }
        let expected = match tensor.depth {
            Some(FLAT) => tensor.length,
            _ => tensor.dims[depth],
        };
        match length == expected {
            true => Ok(()),
            false => {
                let message = format!("an array has length {length}, the shape says {expected}");
                Err(A::Error::custom(message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// An image's values, and its data in one array and nested.
    fn image(shape: ImageShape) -> (Vec<u8>, String, String) {
        let values: Vec<u8> = (0..shape.size()).map(|i| (i % 256) as u8).collect();
        let rows = |channel: &[u8]| {
            let rows: Vec<_> = channel.chunks(shape.width).map(|row| format!("{row:?}")).collect();
            format!("[{}]", rows.join(","))
        };
        let channels: Vec<_> = values.chunks(shape.height * shape.width).map(rows).collect();
        (values.clone(), format!("{values:?}"), format!("[[{}]]", channels.join(",")))
    }

    #[test]
    fn flat_and_nested_data_are_the_same() {
        for shape in [ImageShape::DIGIT, ImageShape { channels: 3, height: 2, width: 5 }] {
            let (values, flat, nested) = image(shape);
            assert_eq!(parse(&flat, 1, shape).unwrap(), values);
            assert_eq!(parse(&nested, 1, shape).unwrap(), values);
            let inside = &nested[1..nested.len() - 1];
            let two = parse(&format!("[{inside},{inside}]"), 2, shape).unwrap();
            assert_eq!(two, values.repeat(2));
        }
    }

    #[test]
    fn data_of_another_shape_or_type_is_refused() {
        let (_, flat, nested) = image(ImageShape::DIGIT);
        let long = flat.replacen('[', "[0,", 1);
        let short = flat.replacen("0,", "", 1);
        let ragged = nested.replacen("27]", "27,0]", 1);
        let mixed = nested.replacen("[[[[0", "[0,[[[0", 1);
        let twice = format!("[{flat}]");
        for (what, data) in [
            ("one too many", long.as_str()),
            ("one too few", &short),
            ("ragged", &ragged),
            ("mixed", &mixed),
            ("nested twice", &twice),
            ("empty", "[]"),
            ("a number", "7"),
            ("too bright", &flat.replacen('1', "256", 1)),
            ("negative", &flat.replacen('1', "-1", 1)),
            ("a fraction", &flat.replacen('1', "1.5", 1)),
            ("infinite", &flat.replacen('1', "1e400", 1)),
            ("text", &flat.replacen('1', "\"1\"", 1)),
            ("null", &flat.replacen('1', "null", 1)),
            ("an object", "{}"),
            ("deep", &"[".repeat(100_000)),
        ] {
            assert!(parse(data, 1, ImageShape::DIGIT).is_err(), "{what}");
        }
    }
}
