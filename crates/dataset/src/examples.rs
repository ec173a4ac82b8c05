//! Pictures and their labels, each as one run of bytes.

use crate::PIXELS;

/// Pictures with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// `n * 784` grey levels: one picture after the other, each row by row, ink is white (255).
    pub pixels: Vec<u8>,
    /// `n` class indices, from 0.
    pub labels: Vec<u8>,
}

impl Examples {
    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no picture.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The 784 grey levels of one picture.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * PIXELS..][..PIXELS]
    }

    /// Copies the pictures at `indices`, in that order, into buffers that are cleared first: how a
    /// shuffled batch is made without allocating.
    ///
    /// `pixels` becomes `indices.len() * 784` grey levels, `labels` as many class indices as there
    /// are `indices`.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn gather(&self, indices: &[u32], pixels: &mut Vec<u8>, labels: &mut Vec<u8>) {
        pixels.clear();
        labels.clear();
        pixels.reserve(indices.len() * PIXELS);
        for &index in indices {
            pixels.extend_from_slice(self.image(index as usize));
        }
        labels.extend(indices.iter().map(|&index| self.labels[index as usize]));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn gather_fills_the_buffers_in_the_order_of_the_indices() {
        let pixels = (0..4).flat_map(|level| [level; PIXELS]).collect();
        let examples = Examples { pixels, labels: vec![9, 8, 7, 6] };
        let (mut pixels, mut labels) = (vec![1; 5], vec![1; 5]);
        examples.gather(&[3, 0, 3], &mut pixels, &mut labels);
        assert_eq!(labels, [6, 9, 6]);
        assert_eq!(pixels, [[3; PIXELS], [0; PIXELS], [3; PIXELS]].concat());
        assert_eq!((examples.len(), examples.is_empty()), (4, false));
        assert_eq!(examples.image(2), [2; PIXELS]);
    }
}
