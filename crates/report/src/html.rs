//! What every page is built of: the document, sections, tables and text.

use std::fmt::Write;

use crate::error::Result;
use crate::palette::{PALETTE, hex};
use crate::render::{Drawing, escape, svg_element};
use crate::text::clean;

/// Forbids the page to load or run anything: what a run's names might smuggle in stays dead text.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// A whole page; every argument is HTML. `kind` follows the title in the browser's tab.
pub(crate) fn document(title: &str, kind: &str, header: &str, main: &str) -> String {
    let style = style();
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}: {kind}</title>
<style>
{style}</style>
</head>
<body>
<header>
{header}
</header>
<main>
{main}</main>
<footer>Made by kiln {version}. The pictures lie beside this page as PNG and SVG.</footer>
</body>
</html>
"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The palette as variables, and rules by which an inline picture takes its colours from them.
fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut pictures = String::new();
    for ink in PALETTE {
        let (name, on_paper) = (ink.name, hex(ink.light));
        light += &format!(" --{name}: {on_paper};");
        dark += &format!(" --{name}: {};", hex(ink.dark));
        for property in ["fill", "stroke"] {
            pictures += &format!(
                "figure svg [{property}=\"{on_paper}\"] {{ {property}: var(--{name}); }}\n"
            );
        }
    }
    // Only screens are dark: a printer would waste its ink.
    format!(
        ":root {{ color-scheme: light dark;{light} }}\n\
         @media screen and (prefers-color-scheme: dark) {{ :root {{{dark} }} }}\n\
         {pictures}{}",
        include_str!("page.css")
    )
}

/// A part of the page under its heading; all is HTML.
pub(crate) fn section(id: &str, heading: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n\
         <h2 id=\"{id}-h\">{heading}</h2>\n{content}\n</section>\n"
    )
}

/// The warning that data are made up.
pub(crate) fn banner(says: &str) -> String {
    format!("<div class=\"banner\" role=\"note\"><strong>Synthetic data</strong>{says}</div>\n")
}

/// A picture that tells its own title and notes.
pub(crate) fn figure(drawing: &impl Drawing) -> Result<String> {
    let svg = svg_element(drawing)?;
    Ok(format!("<figure class=\"scroll\" tabindex=\"0\">\n{svg}</figure>"))
}

/// A table whose first column names the rows; the cells are HTML.
pub(crate) fn table(caption: &str, columns: &[String], rows: &[Vec<String>]) -> String {
    let mut html = "<div class=\"scroll\" tabindex=\"0\"><table>\n".to_owned();
    if !caption.is_empty() {
        html += &format!("<caption>{caption}</caption>\n");
    }
    let cells = |tag: &str, cells: &[String]| {
        let end = tag.split(' ').next().unwrap_or(tag);
        cells.iter().map(|cell| format!("<{tag}>{cell}</{end}>")).collect::<String>()
    };
    html += &format!("<thead><tr>{}</tr></thead>\n<tbody>\n", cells("th scope=\"col\"", columns));
    for row in rows {
        let (name, values) = row.split_at(row.len().min(1));
        let (name, values) = (cells("th scope=\"row\"", name), cells("td", values));
        html += &format!("<tr>{name}{values}</tr>\n");
    }
    html + "</tbody></table></div>"
}

/// A table of names and values; the values are HTML.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let mut html = "<table class=\"facts\"><tbody>\n".to_owned();
    for (name, value) in rows {
        html += &format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n");
    }
    html + "</tbody></table>"
}

/// Text from outside as HTML.
pub(crate) fn text(text: &str) -> String {
    escape(&clean(text))
}

/// Text of several lines from outside as HTML.
pub(crate) fn text_block(block: &str) -> String {
    block.lines().fold(String::new(), |mut html, line| {
        let _ = writeln!(html, "{}", text(line));
        html
    })
}
