//! A sheet of paper within the image: on a desk, or in a scanner's border.

use super::mask::Mask;

/// The least part of the image that a sheet covers.
const MIN_COVERED: f32 = 0.2;
/// The least overlap of the sheet and the quadrilateral between its corners, as a fraction of what either covers. An
/// ellipse and its inscribed rectangle overlap in 0.64.
const MIN_OVERLAP: f32 = 0.88;
/// The most of a sheet that its ink covers.
const MAX_INK: f32 = 0.4;

/// Four-cornered groups with a lower ratio of their sides may be a stroke: a one.
const MIN_RATIO: f32 = 0.4;

/// A four-cornered group.
pub(super) struct Sheet {
    /// Its cells, the ink on it included.
    pub(super) mask: Mask,
    /// Whether it may be a stroke.
    pub(super) elongated: bool,
}

/// The sheet's cells, the ink on it included; `None` if the set's largest group is not four-cornered and wide.
pub(super) fn find(mask: &Mask) -> Option<Sheet> {
    let Mask { width, height, .. } = *mask;
    let weights = vec![0.0; mask.cells.len()];
    let largest = mask.groups(0, &weights).into_iter().max_by_key(|group| group.area)?;
    let mut outside = Mask { cells: vec![true; mask.cells.len()], ..*mask };
    largest.cells.iter().for_each(|&index| outside.cells[index] = false);
    // Holes are the groups of the rest that do not reach the image's edge.
    for hole in outside.clone().groups(0, &weights) {
        let inner = hole.first.iter().all(|&first| first > 0);
        if inner && hole.last[0] < width - 1 && hole.last[1] < height - 1 {
            hole.cells.iter().for_each(|&index| outside.cells[index] = false);
        }
    }
    let sheet = outside.inverted();
    let area = sheet.cells.iter().filter(|&&cell| cell).count() as f32;
    let wide = area >= MIN_COVERED * sheet.cells.len() as f32;
    let blank = 1.0 - largest.area as f32 / area;
    // A strip along the image's edge is a part of the desk.
    let corners = [0, width - 1, (height - 1) * width, height * width - 1];
    let strip =
        blank == 0.0 && corners.into_iter().filter(|&corner| sheet.cells[corner]).count() > 1;
    if !wide || strip || blank > MAX_INK {
        return None;
    }
    let elongated = sides_of_quadrilateral(&sheet)? < MIN_RATIO;
    Some(Sheet { mask: sheet, elongated })
}

/// The shorter side by the longer one, if the set agrees with the quadrilateral between its extreme cells along the
/// diagonals, or along the sides.
fn sides_of_quadrilateral(sheet: &Mask) -> Option<f32> {
    let place = |index: usize| [(index % sheet.width) as f32, (index / sheet.width) as f32];
    let inside: Vec<_> =
        (0..sheet.cells.len()).filter(|&index| sheet.cells[index]).map(place).collect();
    let extreme = |along: [f32; 2]| {
        let score = |place: &[f32; 2]| place[0] * along[0] + place[1] * along[1];
        inside.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or_default()
    };
    let overlap = |corners: [[f32; 2]; 4]| {
        // Clockwise in rows that go down: a cell is inside if it is on the right of every side, or within one cell.
        let within = |[x, y]: [f32; 2]| {
            (0..4).all(|i| {
                let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % 4]);
                let length = (bx - ax).hypot(by - ay).max(1.0);
                ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length >= -1.0
            })
        };
        let cells = sheet.cells.iter().enumerate();
        let (both, either) = cells.fold((0_u32, 0_u32), |(both, either), (index, &cell)| {
            let quadrilateral = within(place(index));
            (both + u32::from(cell && quadrilateral), either + u32::from(cell || quadrilateral))
        });
        both as f32 / either as f32
    };
    let diagonals = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
    let sides = [[0.1, -1.0], [1.0, 0.1], [-0.1, 1.0], [-1.0, -0.1]];
    let fitted = [diagonals, sides].map(|directions| directions.map(extreme));
    let corners = fitted.into_iter().find(|&corners| overlap(corners) >= MIN_OVERLAP)?;
    let lengths = [0, 1, 2, 3].map(|i| {
        let ([ax, ay], [bx, by]) = (corners[i], corners[(i + 1) % 4]);
        (bx - ax).hypot(by - ay)
    });
    Some(lengths.into_iter().fold(f32::MAX, f32::min) / lengths.into_iter().fold(1.0, f32::max))
}
