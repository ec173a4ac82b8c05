//! Which of the groups in a mask are the digit, and which are specks, rules and borders.

use super::mask::{Group, Mask};

/// Fragments of a stroke are joined across gaps of this fraction of the image's longer side.
const BRIDGE: f32 = 0.01;
/// A group this many times longer than wide may be a rule.
const ELONGATED: usize = 6;
/// A rule is at least this much of the image's side long.
const RULE: f32 = 0.35;
/// A run of ink this much of the image's side long is part of a printed line that crosses the digit.
const RUN: f32 = 0.4;
/// The most cells of a printed line's thickness, as a fraction of the image's side.
const RULE_THICKNESS: f32 = 0.03;
/// An image whose largest group has a smaller fraction of its longer side is blank.
const SPECK_SIZE: f32 = 0.02;
/// A group near the digit with less of its ink is a speck.
const SPECK: f32 = 0.004;
/// What counts as near, as a fraction of the digit's longer side.
const NEAR: f32 = 0.2;
/// A line that a stroke touches goes beyond the rest on both sides by this fraction of the rest's length.
const OVERHANG: f32 = 0.08;
/// What a printed box encloses has at least this fraction of its height.
const ENCLOSED: f32 = 0.3;
/// Groups among which boxes are looked for.
const MAX_BOXES: usize = 32;
/// One cell in so many of the image's longer side belongs to its edge, on each side.
const EDGE: usize = 64;
/// A second digit has at least this much of the first one's height and ink.
const SECOND: [f32; 2] = [0.5, 0.25];

/// The groups that are taken for the digit.
pub(super) struct Found {
    /// Their cells.
    pub(super) mask: Mask,
    /// Whether they lie within the image, and little else was in it.
    pub(super) tidy: bool,
    /// Whether they look like several digits side by side.
    pub(super) several: bool,
    /// Leftmost column and uppermost row, rightmost column and lowest row.
    pub(super) bounds: [[usize; 2]; 2],
}

/// Chooses the digit among the groups of a mask; `weights` are the contrasts of its cells.
pub(super) fn choose(mask: &Mask, weights: &[f32]) -> Option<Found> {
    let longest = mask.width.max(mask.height);
    let mut groups = mask.groups((BRIDGE * longest as f32) as usize, weights);
    groups.sort_by_key(|group| std::cmp::Reverse(group.area));
    // Noise has thousands of groups; a box and what it encloses are among the largest.
    let largest = &groups[..groups.len().min(MAX_BOXES)];
    let boxes: Vec<usize> = (0..largest.len())
        .filter(|&outer| largest.iter().any(|inner| encloses(&largest[outer], inner)))
        .collect();
    boxes.into_iter().rev().for_each(|index| drop(groups.remove(index)));
    let main = groups.iter().max_by(|a, b| rank(mask, a).total_cmp(&rank(mask, b)))?;
    let main_at_edge = at_edge(mask, main);
    let thin = main.width().min(main.height()) as f32 <= RULE_THICKNESS * longest as f32;
    if (SPECK_SIZE * longest as f32) as usize > main.size()
        || (main_at_edge && thin && is_long(mask, main))
    {
        return None;
    }
    let (mut kept, mut several, mut dropped) = (vec![main], false, 0);
    for group in groups.iter().filter(|group| !std::ptr::eq(*group, main)) {
        let near = group.gap(main) as f32 <= NEAR * main.size() as f32;
        let fragment = near && 2 * group.size() < main.size();
        if is_rule(mask, group, main) || (at_edge(mask, group) && !main_at_edge && !fragment) {
            continue;
        }
        several |= group.height() as f32 >= SECOND[0] * main.height() as f32
            && group.weight >= SECOND[1] * main.weight
            && beside(group, main);
        if near && group.weight >= SPECK * main.weight {
            kept.push(group);
        } else {
            dropped += group.area;
        }
    }
    let mut cells = vec![false; mask.cells.len()];
    kept.iter().flat_map(|group| &group.cells).for_each(|&index| cells[index] = true);
    let bound = |of: fn(&Group) -> [usize; 2], choose: fn(usize, usize) -> usize| {
        kept.iter().map(|group| of(group)).reduce(|a, b| [choose(a[0], b[0]), choose(a[1], b[1])])
    };
    let bounds = [bound(|group| group.first, usize::min)?, bound(|group| group.last, usize::max)?];
    let area: usize = kept.iter().map(|group| group.area).sum();
    let tidy = !main_at_edge && 10 * dropped <= 3 * area && 25 * main.size() >= longest;
    Some(Found { mask: Mask { cells, ..*mask }, tidy, several, bounds })
}

/// Whether a digit found without printed lines is the better one although the other is tidy: a line went through it
/// that goes beyond it on both sides, as no stroke of a digit does.
pub(super) fn was_ruled(with: &Found, without: &Found) -> bool {
    without.tidy
        && [0, 1].into_iter().any(|axis| {
            let ([left, right], [first, last]) = (
                [with.bounds[0][axis], with.bounds[1][axis]],
                [without.bounds[0][axis], without.bounds[1][axis]],
            );
            let overhang = OVERHANG * (last - first) as f32;
            first as f32 - left as f32 > overhang && right as f32 - last as f32 > overhang
        })
}

/// Whether a group is a box, printed around another group.
fn encloses(outer: &Group, inner: &Group) -> bool {
    let within = (0..2)
        .all(|axis| outer.first[axis] < inner.first[axis] && inner.last[axis] < outer.last[axis]);
    within
        && inner.height() as f32 >= ENCLOSED * outer.height() as f32
        && 4 * outer.area < outer.width() * outer.height()
}

/// What makes a group the digit: its ink, unless it has the shape or the place of something else.
fn rank(mask: &Mask, group: &Group) -> f32 {
    let penalty = |applies: bool| if applies { 0.02 } else { 1.0 };
    group.weight * penalty(at_edge(mask, group)) * penalty(is_long(mask, group))
}

/// Whether a group reaches the image's edge, as far as smoothing and thresholds let it.
fn at_edge(mask: &Mask, group: &Group) -> bool {
    let margin = mask.width.max(mask.height) / EDGE;
    group.first.iter().any(|&first| first <= margin)
        || group.last[0] + 1 + margin >= mask.width
        || group.last[1] + 1 + margin >= mask.height
}

/// Whether a group is thin and crosses much of the image.
fn is_long(mask: &Mask, group: &Group) -> bool {
    let (width, height) = (group.width(), group.height());
    (width >= ELONGATED * height && width as f32 >= RULE * mask.width as f32)
        || (height >= ELONGATED * width && height as f32 >= RULE * mask.height as f32)
}

/// Whether a group is a straight line: one below the digit and as long, or one that is longer.
fn is_rule(mask: &Mask, group: &Group, main: &Group) -> bool {
    let (horizontal, below) = (group.width() > group.height(), group.first[1] > main.last[1]);
    let [length, other] =
        if horizontal { [group.width(), main.width()] } else { [group.height(), main.height()] };
    is_long(mask, group)
        && (if horizontal && below { length >= other } else { 5 * length >= 6 * other })
}

/// Whether two groups share less than a third of the narrower one's columns.
fn beside(a: &Group, b: &Group) -> bool {
    let shared = (a.last[0].min(b.last[0]) + 1).saturating_sub(a.first[0].max(b.first[0]));
    3 * shared < a.width().min(b.width())
}

/// The mask without printed lines: long horizontal and vertical runs, except where a stroke crosses them.
pub(super) fn without_rules(mask: &Mask) -> Mask {
    let mut cells = mask.cells.clone();
    erase(mask, &mut cells, [mask.width, mask.height], |along, across| across * mask.width + along);
    erase(mask, &mut cells, [mask.height, mask.width], |along, across| along * mask.width + across);
    Mask { cells, ..*mask }
}

/// Erases lines along one axis; `sides` are the image's along it and across, `index` gives the cell at both.
fn erase(
    mask: &Mask,
    cells: &mut [bool],
    [length, breadth]: [usize; 2],
    index: impl Fn(usize, usize) -> usize,
) {
    let least = ((RUN * length as f32) as usize).max(2);
    let thickest = ((RULE_THICKNESS * length.max(breadth) as f32) as usize).max(1);
    // A line that is not quite parallel to the image's edge steps from row to row: runs may do so too.
    let thick = |along: usize, across: usize| {
        (across.saturating_sub(1)..(across + 2).min(breadth))
            .any(|near| mask.cells[index(along, near)])
    };
    for across in 0..breadth {
        let mut start = 0;
        while start < length {
            let end = (start..length).find(|&along| !thick(along, across)).unwrap_or(length);
            if end - start >= least {
                for along in start..end {
                    let row = (across.saturating_sub(1)..(across + 2).min(breadth))
                        .find(|&near| mask.cells[index(along, near)]);
                    let Some(row) = row else { continue };
                    let top = (0..row)
                        .rev()
                        .find(|&near| !mask.cells[index(along, near)])
                        .map_or(0, |near| near + 1);
                    let bottom = (row..breadth)
                        .find(|&near| !mask.cells[index(along, near)])
                        .unwrap_or(breadth);
                    if bottom - top <= thickest {
                        (top..bottom).for_each(|near| cells[index(along, near)] = false);
                    }
                }
            }
            start = end + 1;
        }
    }
}
