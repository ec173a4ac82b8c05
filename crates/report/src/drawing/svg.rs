//! A drawing as SVG.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::canvas::{Canvas, DASHES, Point, Shape};
use super::palette::{Colour, PAPER};
use super::text::{Align, FAMILIES, Style, clean, escape};

/// The drawing as an `<svg>` element on paper. `alt` says what it shows, for readers who do not see it.
pub(crate) fn svg(canvas: &Canvas, attributes: &str, alt: &str) -> String {
    let Canvas { width, height, shapes } = canvas;
    let mut svg = format!(
        "<svg{attributes} viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" \
         font-family=\"{FAMILIES}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
        escape(&clean(alt)),
        PAPER.hex()
    );
    write_shapes(&mut svg, shapes);
    svg + "</svg>\n"
}

fn write_shapes(svg: &mut String, shapes: &[Shape]) {
    for shape in shapes {
        // Writing to a string cannot fail.
        let _ = match shape {
            Shape::Rect { at: (x, y), size: (width, height), colour } => writeln!(
                svg,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{height}"{}/>"#,
                paint("fill", *colour)
            ),
            Shape::Circle { centre: (x, y), radius, colour } => {
                writeln!(
                    svg,
                    r#"<circle cx="{x}" cy="{y}" r="{radius}"{}/>"#,
                    paint("fill", *colour)
                )
            }
            Shape::Polygon { corners, colour } => {
                writeln!(svg, r#"<polygon points="{}"{}/>"#, list(corners), paint("fill", *colour))
            }
            Shape::Line { points, width, dashed, colour } => {
                let (dash, gap) = DASHES;
                let dashes = if *dashed {
                    format!(r#" stroke-dasharray="{dash} {gap}""#)
                } else {
                    String::new()
                };
                writeln!(
                    svg,
                    r#"<polyline points="{}" fill="none"{} stroke-width="{width}"{dashes}/>"#,
                    list(points),
                    paint("stroke", *colour)
                )
            }
            Shape::Text { text, at, style } => writeln!(svg, "{}", text_element(text, *at, *style)),
            Shape::Image { bitmap, at: (x, y), size: (width, height) } => {
                // A bitmap that no PNG can hold is left out; nothing draws one.
                let png = STANDARD.encode(bitmap.png().unwrap_or_default());
                writeln!(
                    svg,
                    "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                     preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
                     href=\"data:image/png;base64,{png}\"/>"
                )
            }
            Shape::Group { shapes, offset: (x, y) } => {
                let _ = writeln!(svg, r#"<g transform="translate({x} {y})">"#);
                write_shapes(svg, shapes);
                writeln!(svg, "</g>")
            }
        };
    }
}

fn text_element(text: &str, (x, y): Point, style: Style) -> String {
    let weight = if style.bold { r#" font-weight="bold""# } else { "" };
    let anchor = match style.align {
        Align::Start => "",
        Align::Middle => r#" text-anchor="middle""#,
        Align::End => r#" text-anchor="end""#,
    };
    let turn =
        if style.upwards { format!(r#" transform="rotate(-90 {x} {y})""#) } else { String::new() };
    format!(
        r#"<text x="{x}" y="{}" font-size="{}"{weight}{anchor}{}{turn}>{}</text>"#,
        y + style.drop(),
        style.size,
        paint("fill", style.colour),
        escape(&clean(text))
    )
}

/// The attributes that paint with a colour.
fn paint(property: &str, colour: Colour) -> String {
    let hex = colour.hex();
    match colour.opacity {
        1.0 => format!(r#" {property}="{hex}""#),
        opacity => format!(r#" {property}="{hex}" {property}-opacity="{opacity}""#),
    }
}

fn list(points: &[Point]) -> String {
    let points: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    points.join(" ")
}
