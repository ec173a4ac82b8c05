//! Text in pictures: one typeface, how wide it runs, and how names from users are tamed.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, GlyphId};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};

/// What an SVG asks its reader for. The PNGs hold the first, which travels inside the program.
const FAMILY: &str = "Noto Sans, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif";

/// A font's size in plotters is 1.24 times its em.
pub(crate) const PLOTTERS_SIZE: f64 = 1.24;

/// Another typeface may take the place of ours in an SVG: DejaVu Sans, the widest of the common
/// ones, runs 15 % wider.
const SLACK: f64 = 1.15;

/// No name is drawn longer than this, whatever the room.
const LONGEST_NAME: usize = 200;

/// A weight of the typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// A style for plotters: `size` is the em in picture units.
pub(crate) fn style(
    size: i32,
    weight: Weight,
    colour: RGBColor,
    h: HPos,
    v: VPos,
) -> TextStyle<'static> {
    register();
    let weight = match weight {
        Weight::Regular => FontStyle::Normal,
        Weight::Bold => FontStyle::Bold,
    };
    let font = FontDesc::new(FontFamily::Name(FAMILY), f64::from(size) * PLOTTERS_SIZE, weight);
    let mut style = TextStyle::from(font).pos(Pos::new(h, v));
    style.color = colour.to_backend_color();
    style
}

/// The typeface itself.
pub(crate) fn font(weight: Weight) -> &'static FontRef<'static> {
    static REGULAR: OnceLock<FontRef<'static>> = OnceLock::new();
    static BOLD: OnceLock<FontRef<'static>> = OnceLock::new();
    let (cell, bytes) = match weight {
        Weight::Regular => (&REGULAR, notosans::REGULAR_TTF),
        Weight::Bold => (&BOLD, notosans::BOLD_TTF),
    };
    cell.get_or_init(|| FontRef::try_from_slice(bytes).expect("the program carries a sound font"))
}

/// The glyphs of a line with their distance from its beginning, and the length of the line, all in
/// ems.
pub(crate) fn layout(text: &str, weight: Weight) -> (Vec<(GlyphId, f32)>, f32) {
    let font = font(weight);
    let em = font.units_per_em().unwrap_or(1000.0);
    let (mut glyphs, mut x, mut previous) = (Vec::new(), 0.0, None);
    for character in text.chars() {
        let glyph = font.glyph_id(character);
        x += previous.map_or(0.0, |previous| font.kern_unscaled(previous, glyph)) / em;
        glyphs.push((glyph, x));
        x += font.h_advance_unscaled(glyph) / em;
        previous = Some(glyph);
    }
    (glyphs, x)
}

/// Room that a line needs in picture units, whichever of the typefaces shows it.
pub(crate) fn width(text: &str, size: i32, weight: Weight) -> i32 {
    (f64::from(layout(text, weight).1) * f64::from(size) * SLACK).ceil() as i32
}

/// The text on one line of at most `room` picture units, cut with an ellipsis where it is longer.
pub(crate) fn fit(text: &str, size: i32, weight: Weight, room: i32) -> String {
    let text = clean(text);
    if text.chars().count() <= LONGEST_NAME && width(&text, size, weight) <= room {
        return text;
    }
    let mut cut = String::new();
    for character in text.chars().take(LONGEST_NAME) {
        cut.push(character);
        if width(&format!("{}…", cut.trim_end()), size, weight) > room {
            cut.pop();
            break;
        }
    }
    format!("{}…", cut.trim_end())
}

/// The text broken at spaces into lines of at most `room` picture units.
pub(crate) fn wrap(text: &str, size: i32, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, Weight::Regular) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, size, Weight::Regular, room)),
        }
    }
    lines
}

/// The text without the characters that XML forbids or that turn the direction of what follows.
pub(crate) fn clean(text: &str) -> String {
    let tame = |character: char| match character {
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    };
    text.chars().map(tame).collect()
}

/// A count with a comma between thousands.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun.
pub(crate) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A part of the whole in percent.
pub(crate) fn percent(part: f64, decimals: usize) -> String {
    if part.is_finite() {
        format!("{:.decimals$} %", 100.0 * part)
    } else {
        "not a number".to_owned()
    }
}

/// A loss in nats with four decimals, or in powers of ten where these would not tell it.
pub(crate) fn loss(nats: f64) -> String {
    match nats.abs() {
        _ if !nats.is_finite() => "not finite".to_owned(),
        size if size >= 1e6 || (size > 0.0 && size < 1e-4) => format!("{nats:.2e}"),
        _ => format!("{nats:.4}"),
    }
}

/// A difference with its sign.
pub(crate) fn signed(difference: f64, write: impl Fn(f64) -> String) -> String {
    if !difference.is_finite() {
        return write(difference);
    }
    let sign = if difference < 0.0 { "−" } else { "+" };
    format!("{sign}{}", write(difference.abs()))
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "not measured".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Plotters measures text of its own accord, so it must know the typeface too.
fn register() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        for (style, bytes) in
            [(FontStyle::Normal, notosans::REGULAR_TTF), (FontStyle::Bold, notosans::BOLD_TTF)]
        {
            let known = register_font(FAMILY, style, bytes);
            assert!(known.is_ok(), "the program carries a sound font");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_the_room() {
        let name = "Ünïcödé ".repeat(40);
        for room in [0, 40, 300] {
            let cut = fit(&name, 24, Weight::Bold, room);
            assert!(cut.ends_with('…'), "{cut}");
            assert!(room == 0 || width(&cut, 24, Weight::Bold) <= room, "{cut}");
        }
        assert_eq!(fit("7", 24, Weight::Regular, 300), "7");
    }

    #[test]
    fn control_characters_never_reach_a_picture() {
        assert_eq!(clean("a\u{0}b\nc\u{202E}d é"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d é");
    }

    #[test]
    fn wrapped_lines_keep_every_word_and_fit() {
        let text = "one two three four five six seven eight nine ten";
        let lines = wrap(text, 24, 200);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| width(line, 24, Weight::Regular) <= 200), "{lines:?}");
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(count(10_000), "10,000");
        assert_eq!(count(999), "999");
        assert_eq!(plural(1, "error", "errors"), "1 error");
        assert_eq!(percent(0.99134, 2), "99.13 %");
        assert_eq!(loss(0.02668), "0.0267");
        assert_eq!(loss(1.5e-7), "1.50e-7");
        assert_eq!(loss(f64::NAN), "not finite");
        assert_eq!(signed(-0.02, loss), "−0.0200");
        assert_eq!(signed(0.02, loss), "+0.0200");
    }
}
