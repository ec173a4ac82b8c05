//! Scales one channel of an image to given sides: the whole of it, the whole with bars, or its middle.

use crate::segment::border;

/// One channel, row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel<'a> {
    pub(crate) width: usize,
    pub(crate) levels: &'a [u8],
}

impl Channel<'_> {
    fn height(&self) -> usize {
        self.levels.len() / self.width
    }
}

/// The levels at `width` x `height` pixels, whatever the sides were.
///
/// Area averages along a side that shrinks, linear interpolation along one that grows.
pub(crate) fn stretch(channel: Channel, width: usize, height: usize) -> Vec<u8> {
    let whole = [[0.0, channel.width as f64], [0.0, channel.height() as f64]];
    resample(channel, whole, width, height)
}

/// The whole image as large as it fits into `width` x `height` pixels, in the middle, between bars of the border's
/// median level.
pub(crate) fn fit(channel: Channel, width: usize, height: usize) -> Vec<u8> {
    let (from_width, from_height) = (channel.width as f64, channel.height() as f64);
    let scale = (width as f64 / from_width).min(height as f64 / from_height);
    let side = |from: f64, most: usize| ((from * scale).round() as usize).clamp(1, most);
    let (inner_width, inner_height) = (side(from_width, width), side(from_height, height));
    let inner = stretch(channel, inner_width, inner_height);
    let mut border = border(channel.levels, channel.width);
    border.sort_unstable();
    let mut levels = vec![border[border.len() / 2]; width * height];
    let (left, top) = ((width - inner_width) / 2, (height - inner_height) / 2);
    for (row, inner) in inner.chunks_exact(inner_width).enumerate() {
        levels[(top + row) * width + left..][..inner_width].copy_from_slice(inner);
    }
    levels
}

/// The largest part in the middle that has the sides' ratio, at `width` x `height` pixels.
pub(crate) fn crop(channel: Channel, width: usize, height: usize) -> Vec<u8> {
    let (from_width, from_height) = (channel.width as f64, channel.height() as f64);
    let scale = (from_width / width as f64).min(from_height / height as f64);
    let middle = |from: f64, length: f64| [(from - length) / 2.0, (from + length) / 2.0];
    let columns = middle(from_width, scale * width as f64);
    let rows = middle(from_height, scale * height as f64);
    resample(channel, [columns, rows], width, height)
}

/// Part of an image, `[left, right]` and `[top, bottom]` in pixels, at other sides.
fn resample(
    channel: Channel,
    [columns, rows]: [[f64; 2]; 2],
    width: usize,
    height: usize,
) -> Vec<u8> {
    let is_whole = columns == [0.0, width as f64] && rows == [0.0, height as f64];
    if is_whole && (channel.width, channel.height()) == (width, height) {
        return channel.levels.to_vec();
    }
    let columns = weights(columns, channel.width, width);
    let mut narrow = vec![0.0; channel.height() * width];
    for (source, row) in
        channel.levels.chunks_exact(channel.width).zip(narrow.chunks_exact_mut(width))
    {
        for (level, taps) in row.iter_mut().zip(&columns) {
            *level = taps.iter().map(|&(x, weight)| weight * f64::from(source[x])).sum();
        }
    }
    let level = |taps: &[(usize, f64)], x: usize| {
        taps.iter().map(|&(y, weight)| weight * narrow[y * width + x]).sum::<f64>().round() as u8
    };
    let rows = weights(rows, channel.height(), height);
    rows.iter().flat_map(|taps| (0..width).map(move |x| level(taps, x))).collect()
}

/// For each of `to` cells over the range `[first, last]` of `from` source cells those that it takes, with weights that
/// sum to 1.
fn weights([first, last]: [f64; 2], from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let scale = (last - first) / to as f64;
    let cell = |index: usize| -> Vec<(usize, f64)> {
        if scale <= 1.0 {
            let middle = first + (index as f64 + 0.5) * scale - 0.5;
            let middle = middle.clamp(0.0, (from - 1) as f64);
            let low = middle as usize;
            let above = middle - low as f64;
            return vec![(low, 1.0 - above), ((low + 1).min(from - 1), above)];
        }
        let (start, end) = (first + index as f64 * scale, first + (index + 1) as f64 * scale);
        let overlap = |source: usize| end.min((source + 1) as f64) - start.max(source as f64);
        let sources = start as usize..(end.ceil() as usize).min(from);
        sources.map(|source| (source, overlap(source) / scale)).collect()
    };
    (0..to).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_for_any_ratio() {
        for (from, to) in [(1, 28), (27, 28), (29, 28), (112, 28), (1000, 28), (50, 7)] {
            for part in [[0.0, from as f64], [from as f64 * 0.2, from as f64 * 0.7]] {
                for taps in weights(part, from, to) {
                    let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
                    assert!((sum - 1.0).abs() < 1e-9, "{from} to {to}: {sum}");
                    assert!(taps.iter().all(|&(source, weight)| source < from && weight >= 0.0));
                }
            }
        }
    }

    #[test]
    fn enlarged_pixels_shrink_to_themselves() {
        let small: Vec<u8> = (0..35).map(|index| (index * 7) as u8).collect();
        let large: Vec<u8> =
            (0..35 * 16).map(|index| small[index / 20 / 4 * 5 + index % 20 / 4]).collect();
        assert_eq!(stretch(Channel { width: 20, levels: &large }, 5, 7), small);
    }

    #[test]
    fn an_image_of_the_right_size_is_kept() {
        let image = Channel { width: 3, levels: &[1, 2, 3, 4, 5, 6] };
        assert_eq!([stretch, fit, crop].map(|how| how(image, 3, 2)), [[1, 2, 3, 4, 5, 6]; 3]);
        assert_eq!(stretch(Channel { width: 2, levels: &[0, 100] }, 4, 1), [0, 25, 75, 100]);
    }

    #[test]
    fn a_wide_image_gets_bars_or_loses_its_sides() {
        // Four columns of two rows.
        let image = Channel { width: 4, levels: &[10, 20, 30, 40, 10, 20, 30, 40] };
        assert_eq!(stretch(image, 2, 2), [15, 35, 15, 35]);
        assert_eq!(fit(image, 4, 4)[..8], [30, 30, 30, 30, 10, 20, 30, 40]);
        assert_eq!(crop(image, 2, 2), [20, 30, 20, 30]);
        assert_eq!(crop(Channel { width: 1, levels: &[1, 2, 3] }, 2, 2), [2; 4]);
    }
}
