//! Sets of cells, and the connected groups in them.

/// A set of cells of a plane.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    /// Width, in cells.
    pub(super) width: usize,
    /// Height, in cells.
    pub(super) height: usize,
    /// `width * height` flags, row by row.
    pub(super) cells: Vec<bool>,
}

/// A connected group of cells.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Number of cells.
    pub(super) area: usize,
    /// Sum of the cells' weights.
    pub(super) weight: f32,
    /// Leftmost column, uppermost row.
    pub(super) first: [usize; 2],
    /// Rightmost column, lowest row.
    pub(super) last: [usize; 2],
    /// Indices of its cells.
    pub(super) cells: Vec<usize>,
}

impl Group {
    /// Columns of the bounding box.
    pub(super) fn width(&self) -> usize {
        self.last[0] - self.first[0] + 1
    }

    /// Rows of the bounding box.
    pub(super) fn height(&self) -> usize {
        self.last[1] - self.first[1] + 1
    }

    /// The longer side of the bounding box.
    pub(super) fn size(&self) -> usize {
        self.width().max(self.height())
    }

    /// Cells between the bounding boxes of both, in the direction in which they are farther apart.
    pub(super) fn gap(&self, other: &Self) -> usize {
        let gap = |axis: usize| {
            let (low, high) =
                (self.first[axis].max(other.first[axis]), self.last[axis].min(other.last[axis]));
            low.saturating_sub(high)
        };
        gap(0).max(gap(1))
    }
}

impl Mask {
    /// Every cell within `radius` columns and rows of one in the set.
    pub(super) fn dilated(&self, radius: usize) -> Self {
        let rows = spread(&self.cells, self.width, 1, radius);
        Self { cells: spread(&rows, self.height, self.width, radius), ..*self }
    }

    /// The cells not in the set.
    pub(super) fn inverted(&self) -> Self {
        Self { cells: self.cells.iter().map(|&cell| !cell).collect(), ..*self }
    }

    /// The groups of cells that are connected, diagonals included, if gaps of up to `2 * reach` cells are bridged.
    pub(super) fn groups(&self, reach: usize, weights: &[f32]) -> Vec<Group> {
        let bridged = self.dilated(reach);
        let mut visited = vec![false; self.cells.len()];
        let mut groups = Vec::new();
        let mut stack = Vec::new();
        for start in 0..self.cells.len() {
            if !self.cells[start] || visited[start] {
                continue;
            }
            let mut group = Group {
                area: 0,
                weight: 0.0,
                first: [usize::MAX; 2],
                last: [0; 2],
                cells: Vec::new(),
            };
            visited[start] = true;
            stack.push(start);
            while let Some(index) = stack.pop() {
                let (x, y) = (index % self.width, index / self.width);
                if self.cells[index] {
                    group.area += 1;
                    group.weight += weights[index];
                    group.first = [group.first[0].min(x), group.first[1].min(y)];
                    group.last = [group.last[0].max(x), group.last[1].max(y)];
                    group.cells.push(index);
                }
                for near_y in y.saturating_sub(1)..(y + 2).min(self.height) {
                    for near_x in x.saturating_sub(1)..(x + 2).min(self.width) {
                        let near = near_y * self.width + near_x;
                        if bridged.cells[near] && !visited[near] {
                            visited[near] = true;
                            stack.push(near);
                        }
                    }
                }
            }
            groups.push(group);
        }
        groups
    }
}

/// Spreads flags by `radius` along one axis: `length` cells that are `step` apart, in every line of that axis.
fn spread(cells: &[bool], length: usize, step: usize, radius: usize) -> Vec<bool> {
    let mut spread = cells.to_vec();
    if radius == 0 {
        return spread;
    }
    for line in 0..cells.len() / length {
        let start = if step == 1 { line * length } else { line };
        let mut reached = None;
        for position in 0..length {
            if cells[start + position * step] {
                let from =
                    reached.map_or(0, |reached| reached + 1).max(position.saturating_sub(radius));
                let to = (position + radius).min(length - 1);
                (from..=to).for_each(|p| spread[start + p * step] = true);
                reached = Some(to);
            }
        }
    }
    spread
}
