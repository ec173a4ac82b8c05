//! What every page is built of: the document, sections, tables and text.

use std::slice;

use crate::drawing::{PALETTE, clean, escape};

/// Forbids the page to load or run anything, so that markup in a run's names has no effect.
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
<footer>Made by kiln {version}. The plots are also beside this page as PNG and SVG files.</footer>
</body>
</html>
"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The palette as variables, and rules by which an inline plot takes its colours from them.
pub(crate) fn style() -> String {
    let [mut light, mut dark, mut plots] = [const { String::new() }; 3];
    for (name, on_paper, on_dark) in PALETTE {
        let on_paper = on_paper.hex();
        light += &format!(" --{name}: {on_paper};");
        dark += &format!(" --{name}: {};", on_dark.hex());
        for paint in ["fill", "stroke"] {
            plots +=
                &format!("figure svg [{paint}=\"{on_paper}\"] {{ {paint}: var(--{name}); }}\n");
        }
    }
    // Screens only: a printer would waste its ink.
    format!(
        ":root {{ color-scheme: light dark;{light} }}\n\
         @media screen and (prefers-color-scheme: dark) {{ :root {{{dark} }} }}\n\
         {plots}{}{}{}",
        include_str!("page.css"),
        cards(".cards", "44rem"),
        cards(".wide", "68rem")
    )
}

/// Rules by which each row of a table becomes a card in a window of at most this width.
fn cards(table: &str, widest: &str) -> String {
    let rules = include_str!("cards.css").replace("TABLE", table);
    format!("@media screen and (max-width: {widest}) {{\n{rules}}}\n")
}

/// A section of the page under its heading; all is HTML.
pub(crate) fn section(id: &str, heading: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n\
         <h2 id=\"{id}-h\">{heading}</h2>\n{content}\n</section>\n"
    )
}

/// The warning that data are synthetic.
pub(crate) fn banner(text: &str) -> String {
    format!("<div class=\"banner\" role=\"note\"><strong>Synthetic data</strong>{text}</div>\n")
}

/// The most characters in a row of a table that a tablet shows as one.
const WIDE: usize = 80;

/// A table whose first column names the rows; all is HTML. Where there is no room for it, each row becomes a card whose
/// cells name their columns.
pub(crate) fn table(caption: &str, columns: &[impl AsRef<str>], rows: &[Vec<String>]) -> String {
    let caption = match caption {
        "" => String::new(),
        text => format!("<caption><span>{text}</span></caption>\n"),
    };
    let names: Vec<_> = columns.iter().map(AsRef::as_ref).collect();
    let heads: String = names.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let longest: Vec<_> =
        names.iter().enumerate().map(|(position, name)| longest(position, name, rows)).collect();
    let row = longest.iter().map(|(_, cell)| cell + 2).sum::<usize>();
    let class = if row > WIDE { "cards wide" } else { "cards" };
    let word = longest[1..].iter().map(|(word, _)| *word).max().unwrap_or(0);
    let rows: String = rows.iter().map(|row| table_row(&row[0], &row[1..], &names[1..])).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"{class}\" style=\"--word:{word}\">\n\
         {caption}<thead><tr>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>"
    )
}

/// The longest word and the longest whole cell of a column, in characters. Cells with elements in them wrap.
fn longest(position: usize, name: &str, rows: &[Vec<String>]) -> (usize, usize) {
    let words = |text: &str| {
        text.split([' ', '-'])
            .flat_map(|text| text.split(BREAK))
            .map(|word| word.chars().count())
            .max()
    };
    let cells = rows.iter().filter_map(|row| row.get(position));
    let cells: Vec<_> = cells.filter(|cell| !cell.replace(BREAK, "").contains('<')).collect();
    let word = cells.iter().filter_map(|cell| words(cell)).chain(words(name)).max().unwrap_or(0);
    let cell = cells.iter().map(|cell| cell.replace(BREAK, "").chars().count()).max();
    (word, cell.unwrap_or(0).max(words(name).unwrap_or(0)))
}

/// A table of names and values; the values are HTML.
pub(crate) fn facts(rows: &[(impl AsRef<str>, String)]) -> String {
    let rows =
        rows.iter().map(|(name, value)| table_row(name.as_ref(), slice::from_ref(value), &[]));
    let rows: String = rows.collect();
    format!("<table class=\"facts\"><tbody>\n{rows}</tbody></table>")
}

/// A row; its cells carry the names of their columns, where there are any.
fn table_row(name: &str, cells: &[String], columns: &[&str]) -> String {
    let cell = |(position, cell): (usize, &String)| match columns.get(position) {
        Some(column) => {
            format!("<td data-column=\"{}\">{cell}</td>", column.replace(BREAK, ""))
        }
        None => format!("<td>{cell}</td>"),
    };
    let cells: String = cells.iter().enumerate().map(cell).collect();
    format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")
}

/// Where a browser may break a line.
const BREAK: &str = "<wbr>";

/// A name or a path as HTML, which breaks where its parts meet rather than within a word.
pub(crate) fn breakable(name: &str) -> String {
    ['/', '_'].iter().fold(text(name), |html, &end| html.replace(end, &format!("{end}{BREAK}")))
}

/// Text from outside as HTML.
pub(crate) fn text(text: &str) -> String {
    escape(&clean(text))
}
