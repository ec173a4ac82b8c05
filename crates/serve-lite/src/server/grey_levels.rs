//! The `data` of an input as JSON: grey levels, in one row or nested as the shape says.

use std::fmt;

use images::SIDE;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::classifier::PIXELS;

/// `[n, 1, 28, 28]` has so many levels of brackets, and a row of numbers one.
const NESTED: usize = 4;
const FLAT: usize = 1;

/// Reads the grey levels of `n` pictures; the error says in words what is wrong.
pub(crate) fn parse(json: &str, n: usize) -> Result<Vec<u8>, String> {
    let mut levels = Levels { values: Vec::with_capacity(n * PIXELS), n, depth: None };
    let mut json = serde_json::Deserializer::from_str(json);
    Element { levels: &mut levels, depth: 0 }
        .deserialize(&mut json)
        .map_err(|error| format!("data is not that of {n} pictures: {error}"))?;
    let found = levels.values.len();
    match found == n * PIXELS {
        true => Ok(levels.values),
        false => Err(format!("{n} pictures have {} grey levels, data has {found}", n * PIXELS)),
    }
}

struct Levels {
    values: Vec<u8>,
    /// Number of pictures.
    n: usize,
    /// How deep the first number lay; so must the others.
    depth: Option<usize>,
}

/// A number or an array, so many brackets deep.
struct Element<'a> {
    levels: &'a mut Levels,
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
        let Self { levels, depth } = self;
        let value = u8::try_from(value)
            .map_err(|_| E::custom(format!("{value} is no grey level, these go from 0 to 255")))?;
        if !matches!(depth, FLAT | NESTED) || *levels.depth.get_or_insert(depth) != depth {
            return Err(E::custom("numbers are nested otherwise than the shape says"));
        }
        if levels.values.len() == levels.n * PIXELS {
            return Err(E::custom(format!("more than {} numbers", levels.n * PIXELS)));
        }
        levels.values.push(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { levels, depth } = self;
        if depth == NESTED {
            return Err(A::Error::custom("arrays are nested deeper than the shape says"));
        }
        let mut length = 0;
        while array.next_element_seed(Element { levels, depth: depth + 1 })?.is_some() {
            length += 1;
        }
        let expected = match levels.depth {
            Some(FLAT) => levels.n * PIXELS,
            _ => [levels.n, 1, SIDE, SIDE][depth],
        };
        match length == expected {
            true => Ok(()),
            false => {
                let message = format!("an array of {length}, where the shape asks for {expected}");
                Err(A::Error::custom(message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn picture() -> (Vec<u8>, String, String) {
        let levels: Vec<u8> = (0..PIXELS).map(|i| (i % 256) as u8).collect();
        let rows: Vec<_> = levels.chunks(SIDE).map(|row| format!("{row:?}")).collect();
        (levels.clone(), format!("{levels:?}"), format!("[[[{}]]]", rows.join(",")))
    }

    #[test]
    fn flat_and_nested_data_are_the_same() {
        let (levels, flat, nested) = picture();
        assert_eq!(parse(&flat, 1).unwrap(), levels);
        assert_eq!(parse(&nested, 1).unwrap(), levels);
        let inside = &nested[1..nested.len() - 1];
        assert_eq!(parse(&format!("[{inside},{inside}]"), 2).unwrap(), levels.repeat(2));
    }

    #[test]
    fn whatever_is_not_grey_levels_of_that_shape_is_refused() {
        let (_, flat, nested) = picture();
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
            assert!(parse(data, 1).is_err(), "{what}");
        }
    }
}
