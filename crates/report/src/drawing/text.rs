//! Text in plots: one typeface, its widths, and names from users made safe.

use super::fonts;
use super::palette::{Colour, INK, MUTED};

/// The typefaces that an SVG asks for. PNGs are drawn with the first, which is embedded in the program, and with the
/// system's where it lacks a letter.
pub(crate) const FAMILIES: &str = "Noto Sans, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif";

/// Another typeface may replace ours in an SVG: DejaVu Sans, the widest of the common ones, is 15 % wider.
const SLACK: f64 = 1.15;

/// Names are drawn up to this many characters, whatever the room.
const LONGEST_NAME: usize = 200;

/// Which end of the text lies at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Start,
    Middle,
    End,
}

/// Where the line lies relative to its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Baseline {
    /// The line lies below its position.
    Top,
    /// The middle of the capitals is at its position.
    Middle,
    /// The line stands on its position.
    Bottom,
}

/// How a line of text is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Em in units.
    pub(crate) size: i32,
    pub(crate) bold: bool,
    pub(crate) colour: Colour,
    pub(crate) align: Align,
    pub(crate) baseline: Baseline,
    /// Whether the line runs upwards.
    pub(crate) upwards: bool,
}

/// Plain text, from which the other styles are derived.
pub(crate) const TEXT: Style = Style {
    size: 24,
    bold: false,
    colour: INK,
    align: Align::Start,
    baseline: Baseline::Top,
    upwards: false,
};
/// Important text.
pub(crate) const BOLD_TEXT: Style = Style { bold: true, ..TEXT };
/// Secondary text.
pub(crate) const MUTED_TEXT: Style = Style { colour: MUTED, ..TEXT };

impl Style {
    /// The same style, centred below its position.
    pub(crate) const fn centred(self) -> Self {
        Self { align: Align::Middle, ..self }
    }

    /// The same style, with its middle at the height of its position.
    pub(crate) const fn level(self) -> Self {
        Self { baseline: Baseline::Middle, ..self }
    }

    /// From the position of a line down to its baseline, in units: by 0.76 em, the ascent without accents, by half the
    /// height of a capital, or up by the depth of a descender.
    pub(crate) fn drop(self) -> i32 {
        let ems = match self.baseline {
            Baseline::Top => 0.76,
            Baseline::Middle => 0.36,
            Baseline::Bottom => -0.27,
        };
        (ems * f64::from(self.size)).round() as i32
    }

    /// Length of a line as a PNG shows it, in units.
    pub(crate) fn advance(self, text: &str) -> f64 {
        let ems: f64 = text.chars().map(|character| fonts::advance(character, self.bold)).sum();
        ems * f64::from(self.size)
    }

    /// Units that a line needs, whichever of the typefaces shows it.
    pub(crate) fn width(self, text: &str) -> i32 {
        (self.advance(text) * SLACK).ceil() as i32
    }

    /// The text on one line of at most `room` units, cut with an ellipsis where it is longer.
    pub(crate) fn fit(self, text: &str, room: i32) -> String {
        let text = clean(text);
        if text.chars().count() <= LONGEST_NAME && self.width(&text) <= room {
            return text;
        }
        let mut cut: String = text.chars().take(LONGEST_NAME).collect();
        while self.width(&format!("{}…", cut.trim_end())) > room && cut.pop().is_some() {}
        format!("{}…", cut.trim_end())
    }

    /// The text in the largest letters, from this size down to three quarters of it, that let it keep to `room` units on
    /// one line; cut where the smallest do not.
    pub(crate) fn shrunk(self, text: &str, room: i32) -> (String, Self) {
        let smallest = self.size * 3 / 4;
        let sizes = (smallest..=self.size).rev().map(|size| Self { size, ..self });
        let style = sizes.clone().find(|style| style.width(text) <= room);
        let style = style.unwrap_or(Self { size: smallest, ..self });
        (style.fit(text, room), style)
    }

    /// The text on one line in letters that may be [`shrunk`](Self::shrunk), else on two of the smallest.
    pub(crate) fn in_two_lines(self, text: &str, room: i32) -> Vec<(String, Self)> {
        let (line, style) = self.shrunk(text, room);
        let lines = style.wrap(&clean(text), room);
        match &lines[..] {
            [first, second, rest @ ..] if style.width(&clean(text)) > room => {
                let second = [second.clone()].into_iter().chain(rest.iter().cloned());
                let second = second.collect::<Vec<_>>().join(" ");
                vec![(first.clone(), style), (style.fit(&second, room), style)]
            }
            _ => vec![(line, style)],
        }
    }

    /// The text broken at spaces into lines of at most `room` units.
    pub(crate) fn wrap(self, text: &str, room: i32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(self.fit(word, room)),
            }
        }
        lines
    }
}

/// The text without the characters that XML forbids or that reverse the direction of what follows.
pub(crate) fn clean(text: &str) -> String {
    let replace = |character: char| match character {
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    };
    text.chars().map(replace).collect()
}

/// Text as HTML and XML hold it, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    // The ampersand first: the others bring new ones.
    [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")]
        .iter()
        .fold(text.to_owned(), |escaped, (character, entity)| escaped.replace(*character, entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_the_room() {
        let name = "Ünïcödé ".repeat(40);
        for room in [0, 40, 300] {
            let cut = BOLD_TEXT.fit(&name, room);
            assert!(cut.ends_with('…'), "{cut}");
            assert!(room == 0 || BOLD_TEXT.width(&cut) <= room, "{cut}");
        }
        assert_eq!(TEXT.fit("7", 300), "7");
        let (whole, style) = TEXT.shrunk("a name of some length", 250);
        let [(first, _), (second, _)] =
            &TEXT.in_two_lines("a rather long name of a class", 200)[..]
        else {
            panic!("a name of two lines");
        };
        assert_eq!(format!("{first} {second}"), "a rather long name of a class");
        assert_eq!((whole.as_str(), style.size < TEXT.size), ("a name of some length", true));
    }

    #[test]
    fn control_characters_never_reach_a_plot() {
        assert_eq!(clean("a\u{0}b\nc\u{202E}d é"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d é");
    }

    #[test]
    fn wrapped_lines_keep_every_word_and_fit() {
        let text = "one two three four five six seven eight nine ten";
        let lines = TEXT.wrap(text, 200);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| TEXT.width(line) <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }
}
