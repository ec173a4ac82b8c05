//! Scales an image to given sides.

use crate::decode::Grey;

/// The grey levels at `width` x `height` pixels: area averages along a side that shrinks, linear along one that grows.
pub(crate) fn stretch(grey: &Grey, width: usize, height: usize) -> Vec<u8> {
    if (grey.width, grey.height) == (width, height) {
        return grey.pixels.clone();
    }
    let columns = weights(grey.width, width);
    let mut rows = vec![0.0; grey.height * width];
    for (source, row) in grey.pixels.chunks_exact(grey.width).zip(rows.chunks_exact_mut(width)) {
        for (level, taps) in row.iter_mut().zip(&columns) {
            *level = taps.iter().map(|&(x, weight)| weight * f64::from(source[x])).sum();
        }
    }
    let lines = weights(grey.height, height);
    let level = |taps: &[(usize, f64)], x: usize| {
        taps.iter().map(|&(y, weight)| weight * rows[y * width + x]).sum::<f64>().round() as u8
    };
    lines.iter().flat_map(|taps| (0..width).map(move |x| level(taps, x))).collect()
}

/// For each of `to` cells the source cells of `from` that it takes, with weights that sum to 1.
fn weights(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let scale = from as f64 / to as f64;
    let cell = |index: usize| -> Vec<(usize, f64)> {
        if from <= to {
            let middle = ((index as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
            let low = middle as usize;
            let above = middle - low as f64;
            return vec![(low, 1.0 - above), ((low + 1).min(from - 1), above)];
        }
        let (start, end) = (index as f64 * scale, (index + 1) as f64 * scale);
        let overlap = |source: usize| end.min((source + 1) as f64) - start.max(source as f64);
        let sources = start as usize..(end.ceil() as usize).min(from);
        sources.map(|source| (source, overlap(source) / scale)).collect()
    };
    (0..to).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, pixels: &[u8]) -> Grey {
        Grey { width, height: pixels.len() / width, pixels: pixels.to_vec(), lossy: false }
    }

    #[test]
    fn weights_sum_to_one_for_any_ratio() {
        for (from, to) in [(1, 28), (27, 28), (29, 28), (112, 28), (1000, 28), (50, 7)] {
            for taps in weights(from, to) {
                let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{from} to {to}: {sum}");
                assert!(taps.iter().all(|&(source, weight)| source < from && weight >= 0.0));
            }
        }
    }

    #[test]
    fn enlarged_pixels_shrink_to_themselves() {
        let small: Vec<u8> = (0..35).map(|index| (index * 7) as u8).collect();
        let large: Vec<u8> =
            (0..35 * 16).map(|index| small[index / 20 / 4 * 5 + index % 20 / 4]).collect();
        assert_eq!(stretch(&grey(20, &large), 5, 7), small);
    }

    #[test]
    fn an_image_of_the_right_size_is_kept() {
        assert_eq!(stretch(&grey(3, &[1, 2, 3, 4, 5, 6]), 3, 2), [1, 2, 3, 4, 5, 6]);
        assert_eq!(stretch(&grey(2, &[0, 100]), 4, 1), [0, 25, 75, 100]);
    }
}
