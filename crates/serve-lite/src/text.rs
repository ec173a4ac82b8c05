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

/// An error and its sources, on one printable line.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line += &format!(": {cause}");
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
}
