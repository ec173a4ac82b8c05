//! What every page is built of: the document, sections, tables and text.

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
fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut plots = String::new();
    for (name, on_paper, on_dark) in PALETTE {
        let on_paper = on_paper.hex();
        light += &format!(" --{name}: {on_paper};");
        dark += &format!(" --{name}: {};", on_dark.hex());
        for property in ["fill", "stroke"] {
            plots += &format!(
                "figure svg [{property}=\"{on_paper}\"] {{ {property}: var(--{name}); }}\n"
            );
        }
    }
    // Screens only: a printer would waste its ink.
    format!(
        ":root {{ color-scheme: light dark;{light} }}\n\
         @media screen and (prefers-color-scheme: dark) {{ :root {{{dark} }} }}\n\
         {plots}{}",
        include_str!("page.css")
    )
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

/// A table whose first column names the rows; all is HTML.
pub(crate) fn table(caption: &str, columns: &[impl AsRef<str>], rows: &[Vec<String>]) -> String {
    let mut html = "<div class=\"scroll\" tabindex=\"0\"><table>\n".to_owned();
    if !caption.is_empty() {
        html += &format!("<caption>{caption}</caption>\n");
    }
    let heads = columns.iter().map(|column| format!("<th scope=\"col\">{}</th>", column.as_ref()));
    html += &format!("<thead><tr>{}</tr></thead>\n<tbody>\n", heads.collect::<String>());
    for row in rows {
        let cell = |(position, cell): (usize, &String)| match position {
            0 => format!("<th scope=\"row\">{cell}</th>"),
            _ => format!("<td>{cell}</td>"),
        };
        let cells: String = row.iter().enumerate().map(cell).collect();
        html += &format!("<tr>{cells}</tr>\n");
    }
    html + "</tbody></table></div>"
}

/// A table of names and values; the values are HTML.
pub(crate) fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<table class=\"facts\"><tbody>\n{rows}</tbody></table>")
}

/// Text from outside as HTML.
pub(crate) fn text(text: &str) -> String {
    escape(&clean(text))
}
