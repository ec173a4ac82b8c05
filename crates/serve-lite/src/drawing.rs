//! Draws an image with the characters of a terminal, two rows of pixels a line.

use std::io::{self, Write};

/// ECMA-48 "select graphic rendition": back to the default colours.
const RESET: &str = "\x1b[0m";
/// From background to full ink.
const ASCII_SHADES: &[u8] = b" .:-=+*#%@";
/// The first of the 24 greys in the 256-colour palette, which go from near black to near white.
const FIRST_GREY: usize = 232;
const N_GREYS: usize = 24;

/// The characters that an image is drawn with; each covers two pixels, one above the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shades {
    /// Half blocks in 24 greys: for a terminal with UTF-8 and colours.
    HalfBlocks,
    /// Ten ASCII characters, from blank for the background to `@` for full ink: for any other output.
    Ascii,
}

/// Draws rows of `width` pixels; several channels are drawn below one another.
pub(crate) fn draw(
    out: &mut dyn Write,
    shades: Shades,
    pixels: &[u8],
    width: usize,
) -> io::Result<()> {
    // An odd last row is drawn above background.
    let background = vec![0; width];
    for rows in pixels.chunks(2 * width) {
        let (upper, lower) = rows.split_at(width);
        let lower = if lower.is_empty() { &background } else { lower };
        let pairs = upper.iter().copied().zip(lower.iter().copied());
        match shades {
            Shades::HalfBlocks => half_blocks(out, pairs)?,
            Shades::Ascii => ascii(out, pairs)?,
        }
    }
    Ok(())
}

/// The upper half of a block in the upper pixel's grey, on the lower pixel's grey.
fn half_blocks(out: &mut dyn Write, pairs: impl Iterator<Item = (u8, u8)>) -> io::Result<()> {
    let grey = |level: u8| FIRST_GREY + usize::from(level) * (N_GREYS - 1) / usize::from(u8::MAX);
    for (upper, lower) in pairs {
        write!(out, "\x1b[38;5;{};48;5;{}m▀", grey(upper), grey(lower))?;
    }
    writeln!(out, "{RESET}")
}

fn ascii(out: &mut dyn Write, pairs: impl Iterator<Item = (u8, u8)>) -> io::Result<()> {
    let steps = ASCII_SHADES.len() - 1;
    let shade = |(upper, lower): (u8, u8)| {
        let ink = usize::from(upper) + usize::from(lower);
        // Rounded up, so that the faintest ink is visible.
        ASCII_SHADES[(ink * steps).div_ceil(2 * usize::from(u8::MAX))]
    };
    let mut line: Vec<u8> = pairs.map(shade).collect();
    line.push(b'\n');
    out.write_all(&line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn drawn(shades: Shades, pixels: &[u8], width: usize) -> String {
        let mut out = Vec::new();
        draw(&mut out, shades, pixels, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_image_is_drawn_in_half_as_many_lines_with_its_ink_in_place() {
        let mut one_dot = vec![0; 28 * 28];
        one_dot[2 * 28 + 5] = 255;
        let text = drawn(Shades::Ascii, &one_dot, 28);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 14);
        assert!(lines.iter().all(|line| line.len() == 28));
        assert_eq!(lines[1].trim_end(), "     +");
        assert!(lines[0].trim().is_empty());
        let text = drawn(Shades::HalfBlocks, &one_dot, 28);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 14);
        assert!(lines.iter().all(|line| line.matches('▀').count() == 28));
        assert_eq!(text.matches("38;5;255;48;5;232").count(), 1);
    }

    #[test]
    fn full_ink_and_background_are_the_ends_of_the_ascii_shades() {
        assert_eq!(drawn(Shades::Ascii, &[255, 0, 255, 0], 2), "@ \n");
    }

    #[test]
    fn an_odd_last_row_is_drawn_too() {
        assert_eq!(drawn(Shades::Ascii, &[255; 3], 1), "@\n+\n");
    }
}
