//! Labels beside the ends of lines, moved apart where they would overlap.

/// The smallest distance of two labels, in units.
const LABEL_LINE: i32 = 38;

/// Heights near the given ones, which ascend, at least a line apart, and within `top` and `bottom` if there is room for
/// all.
pub(super) fn spread(heights: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut heights = heights.to_vec();
    let mut lowest = top;
    for height in &mut heights {
        *height = (*height).max(lowest);
        lowest = *height + LABEL_LINE;
    }
    let mut highest = bottom;
    for height in heights.iter_mut().rev() {
        *height = (*height).min(highest);
        highest = *height - LABEL_LINE;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_and_stay_beside_the_lines() {
        assert_eq!(spread(&[100, 300], 70, 700), [100, 300]);
        assert_eq!(spread(&[100, 100, 110], 70, 700), [100, 138, 176]);
        assert_eq!(spread(&[690, 695, 700], 70, 700), [624, 662, 700]);
    }
}
