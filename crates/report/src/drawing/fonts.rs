//! Where the letters of PNGs come from: the embedded typeface, else any font of the system that has the letter.
//!
//! Names of classes may be in any script. A browser finds fonts for the text of an SVG by itself; here `fontdb` lists the
//! system's, and the first with an outline of a character is taken. Letters are neither joined nor stacked, as Arabic
//! and Thai would need. What no font has, such as an emoji where all fonts of emoji hold bitmaps, is drawn as a box and
//! named in the file's note.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use fontdb::{Database, Source, Weight};
use ttf_parser::{Face, GlyphId, OutlineBuilder};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

static REGULAR: LazyLock<Face<'static>> = LazyLock::new(|| parse(notosans::REGULAR_TTF));
static BOLD: LazyLock<Face<'static>> = LazyLock::new(|| parse(notosans::BOLD_TTF));

/// Advance of a box for a missing letter, in em: that of an ideograph or an emoji.
const BOX: f64 = 1.0;

/// A letter of a font.
#[derive(Clone, Copy)]
pub(crate) struct Glyph {
    pub(crate) face: &'static Face<'static>,
    pub(crate) id: GlyphId,
}

impl Glyph {
    /// From the start of this letter to that of the next, in em.
    pub(crate) fn advance(self) -> f64 {
        let units = self.face.glyph_hor_advance(self.id).unwrap_or_default();
        f64::from(units) / f64::from(self.face.units_per_em())
    }
}

/// The characters of a line from left to right: right-to-left scripts are reversed, as browsers do in a left-to-right
/// paragraph. Characters that show nothing are left out.
pub(crate) fn in_visual_order(text: &str) -> Vec<char> {
    let ordered = BidiInfo::new(text, Some(Level::ltr()));
    let lines =
        ordered.paragraphs.iter().map(|line| ordered.reorder_line(line, line.range.clone()));
    let line: String = lines.collect();
    line.chars().filter(|&character| !is_invisible(character)).collect()
}

/// A name that what follows does not join: after a right-to-left name, a list would run from right to left too.
pub(crate) fn closed(name: &str) -> String {
    let is_rtl = |character| matches!(bidi_class(character), BidiClass::R | BidiClass::AL);
    let mark = if name.chars().any(is_rtl) { "\u{200E}" } else { "" };
    format!("{name}{mark}")
}

/// The letter of a character, `None` where no font has it.
pub(crate) fn glyph(character: char, bold: bool) -> Option<Glyph> {
    let face: &Face = if bold { &BOLD } else { &REGULAR };
    match face.glyph_index(character) {
        Some(id) => Some(Glyph { face, id }),
        None => of_system(character),
    }
}

/// Whether a character can only be drawn as a box.
pub(crate) fn is_missing(character: char) -> bool {
    !is_invisible(character) && glyph(character, false).is_none()
}

/// Width of a character, in em.
pub(crate) fn advance(character: char, bold: bool) -> f64 {
    if is_invisible(character) {
        return 0.0;
    }
    glyph(character, bold).map_or(BOX, Glyph::advance)
}

/// Marks that choose a form or join characters and show nothing themselves.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}')
}

/// The letter in the first font of the system that has an outline of it. Fonts whose letters are used stay in memory.
fn of_system(character: char) -> Option<Glyph> {
    static KNOWN: LazyLock<Mutex<HashMap<char, Option<Glyph>>>> = LazyLock::new(Mutex::default);
    static FONTS: LazyLock<Vec<(PathBuf, u32)>> = LazyLock::new(fonts);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(character).or_insert_with(|| {
        FONTS.iter().find_map(|(path, index)| {
            let bytes = std::fs::read(path).ok()?;
            let has_outline = |face: &Face| {
                let id = face.glyph_index(character)?;
                let seen = face.outline_glyph(id, &mut Nothing).is_some();
                (seen || character.is_whitespace()).then_some(id)
            };
            let id = has_outline(&Face::parse(&bytes, *index).ok()?)?;
            let face = Face::parse(Box::leak(bytes.into_boxed_slice()), *index).ok()?;
            Some(Glyph { face: Box::leak(Box::new(face)), id })
        })
    })
}

/// The upright fonts of the system, each a file and an index in it: sans serif first, then regular ones, then by name.
fn fonts() -> Vec<(PathBuf, u32)> {
    let mut database = Database::new();
    database.load_system_fonts();
    let mut fonts: Vec<_> = database
        .faces()
        .filter(|face| face.style == fontdb::Style::Normal)
        .filter_map(|face| match &face.source {
            Source::File(path) => Some((path.clone(), face)),
            _ => None,
        })
        .collect();
    fonts.sort_by_key(|(path, face)| {
        let is_sans = face.post_script_name.contains("Sans");
        let from_regular = face.weight.0.abs_diff(Weight::NORMAL.0);
        (!is_sans, face.monospaced, from_regular, face.post_script_name.clone(), path.clone())
    });
    fonts.into_iter().map(|(path, face)| (path, face.index)).collect()
}

struct Nothing;

impl OutlineBuilder for Nothing {
    fn move_to(&mut self, _: f32, _: f32) {}
    fn line_to(&mut self, _: f32, _: f32) {}
    fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
    fn close(&mut self) {}
}

fn parse(bytes: &'static [u8]) -> Face<'static> {
    Face::parse(bytes, 0).expect("the embedded font is well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_typeface_comes_first() {
        let glyph = glyph('a', false).unwrap_or_else(|| panic!("no letter a"));
        assert!(std::ptr::eq(glyph.face, &raw const *REGULAR));
        assert!(advance('a', true) > 0.4 && advance('i', false) < 0.4);
    }

    #[test]
    fn what_no_font_has_is_a_box() {
        // A private-use character of the last plane.
        assert!(is_missing('\u{10FFFD}'));
        assert_eq!(advance('\u{10FFFD}', false), BOX);
        assert!(!is_missing('\u{FE0F}') && advance('\u{200D}', false) == 0.0);
    }

    #[test]
    fn right_to_left_scripts_are_drawn_from_right_to_left() {
        let drawn: String = in_visual_order("true \u{5D0}\u{5D1}\u{5D2}").into_iter().collect();
        assert_eq!(drawn, "true \u{5D2}\u{5D1}\u{5D0}");
        let pair = ["\u{5D0}\u{5D1}", "\u{5D2}"].map(closed).join(" / ");
        let drawn: String = in_visual_order(&pair).into_iter().collect();
        assert_eq!(drawn, "\u{5D1}\u{5D0} / \u{5D2}", "the first stays the first");
        assert_eq!(closed("7"), "7");
    }
}
