//! Text for terminals, logs and messages.

use std::error::Error;

use images::ImageShape;

/// The text with every control character replaced, so that the name of a file or a class cannot control the terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A shape as messages show it, channels first: `1x28x28`.
#[must_use]
pub fn shape_text(shape: ImageShape) -> String {
    let ImageShape { channels, height, width } = shape;
    format!("{channels}x{height}x{width}")
}

/// The beginning of a text for a message: a file or a request can hold megabytes in one name.
pub(crate) fn shortened(text: &str, n_bytes: usize) -> String {
    match text.len() <= n_bytes {
        true => text.to_owned(),
        false => format!("{}...", &text[..text.floor_char_boundary(n_bytes)]),
    }
}

/// A limit on bytes in the largest unit of which it is a multiple: `256 MiB`, `4 KiB`.
pub(crate) fn size_text(n_bytes: u64) -> String {
    match n_bytes {
        n if n.is_multiple_of(1 << 20) && n > 0 => format!("{} MiB", n >> 20),
        n if n.is_multiple_of(1 << 10) && n > 0 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

/// An error and its sources, on one printable line; a source whose text its effect already quotes is left out.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line += &format!(": {text}");
        }
        source = cause.source();
    }
    printable(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\x1b[31m\r\u{9b}"), "a\u{fffd}[31m\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_limit_is_never_called_zero_and_a_long_text_is_cut_between_characters() {
        let sizes = [256 << 20, 4096, 1000, 0].map(size_text);
        assert_eq!(sizes, ["256 MiB", "4 KiB", "1000 bytes", "0 bytes"]);
        assert_eq!([shortened("a\u{e4}b", 4), shortened("a\u{e4}b", 2)], ["a\u{e4}b", "a..."]);
    }
}
