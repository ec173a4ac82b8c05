//! Where strokes, polygons and text come to lie.

#![allow(clippy::unwrap_used)]

use plotters::drawing::IntoDrawingArea;
use plotters::element::{PathElement, Polygon};
use plotters::style::Color;

use super::*;
use crate::palette::INK;
use crate::render::Area;
use crate::text::style;

const SIDE: i32 = 200;

/// Left, top, right and bottom of what was drawn, relative to the middle; the ends excluded.
fn ink(draw: impl Fn(&Area<Bitmap>)) -> [i32; 4] {
    let mut buffer = vec![0xFF; (3 * SIDE * SIDE) as usize];
    draw(&Bitmap::new(&mut buffer, (SIDE as u32, SIDE as u32)).into_drawing_area());
    let inked = |&i: &i32| buffer[3 * i as usize] < 0xF0;
    let (x, y): (Vec<i32>, Vec<i32>) =
        (0..SIDE * SIDE).filter(inked).map(|i| (i % SIDE - SIDE / 2, i / SIDE - SIDE / 2)).unzip();
    let range = |v: &[i32]| (*v.iter().min().unwrap(), *v.iter().max().unwrap() + 1);
    let ((left, right), (top, bottom)) = (range(&x), range(&y));
    [left, top, right, bottom]
}

fn text(h: HPos, v: VPos, rotation: FontTransform) -> [i32; 4] {
    let style = style(40, Weight::Regular, INK, h, v).transform(rotation);
    ink(|area| area.draw_text("HHH", &style, (SIDE / 2, SIDE / 2)).unwrap())
}

#[test]
fn text_lies_where_its_anchor_says() {
    let [left, top, right, bottom] = text(HPos::Left, VPos::Top, FontTransform::None);
    assert!((1..8).contains(&left), "the first letter keeps its side bearing: {left}");
    assert!(
        (0..5).contains(&top) && bottom == 31,
        "a capital ends on the baseline: {top} {bottom}"
    );
    let length = right - left;
    assert!((70..100).contains(&length), "{length}");
    let [left, _, right, _] = text(HPos::Right, VPos::Top, FontTransform::None);
    assert!((-8..0).contains(&right) && (right - left - length).abs() <= 1);
    let [left, .., right, _] = text(HPos::Center, VPos::Top, FontTransform::None);
    assert!((left + right).abs() <= 2);
}

#[test]
fn turned_text_runs_upwards() {
    let [left, top, right, bottom] = text(HPos::Left, VPos::Center, FontTransform::Rotate270);
    assert!(bottom <= 0 && top < -70, "{top} {bottom}");
    assert!(left < 0 && right > 0 && right - left < 40, "{left} {right}");
}

#[test]
fn a_polygon_is_filled_whichever_way_its_corners_turn() {
    let middle = SIDE / 2;
    let mut corners =
        vec![(middle, middle - 20), (middle + 20, middle + 10), (middle - 20, middle + 10)];
    for _ in 0..2 {
        let drawn = ink(|area| {
            area.draw(&Polygon::new(corners.clone(), INK.filled())).unwrap();
        });
        assert!(drawn[0] <= -18 && drawn[2] >= 18 && drawn[3] == 10, "{drawn:?}");
        assert!((-20..=-16).contains(&drawn[1]), "{drawn:?}");
        corners.reverse();
    }
}

#[test]
fn a_stroke_is_as_wide_as_asked() {
    let middle = SIDE / 2;
    let line = vec![(middle - 20, middle), (middle + 20, middle)];
    let drawn = ink(|area| {
        let style = Color::stroke_width(&INK, 4);
        area.draw(&PathElement::new(line.clone(), style)).unwrap();
    });
    assert_eq!(drawn[1..], [-2, 22, 2]);
}
