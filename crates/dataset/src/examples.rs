//! Images with their labels.

use std::fmt;

use images::ImageShape;

/// Images with their labels.
#[derive(Clone, PartialEq, Eq)]
pub struct Examples {
    /// Shape of every image.
    pub shape: ImageShape,
    /// `n * shape.size()` bytes in [0, 255]: one image after the other, each as `[channels, height, width]`.
    pub pixels: Vec<u8>,
    /// `n` class indices, from 0.
    pub labels: Vec<u16>,
}

impl fmt::Debug for Examples {
    /// Their number and shape: the bytes would fill pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} images of {:?}", self.len(), self.shape.dimensions())
    }
}

impl Examples {
    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The `shape.size()` bytes of one image.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.shape.size();
        &self.pixels[index * size..][..size]
    }

    /// Copies the images at `indices`, in that order, into buffers that are cleared first: a shuffled batch without an
    /// allocation.
    ///
    /// `pixels` becomes `indices.len() * shape.size()` bytes, `labels` one class index an image.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn gather(&self, indices: &[u32], pixels: &mut Vec<u8>, labels: &mut Vec<u16>) {
        pixels.clear();
        labels.clear();
        pixels.reserve(indices.len() * self.shape.size());
        for &index in indices {
            pixels.extend_from_slice(self.image(index as usize));
        }
        labels.extend(indices.iter().map(|&index| self.labels[index as usize]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gather_fills_the_buffers_in_the_order_of_the_indices() {
        let shape = ImageShape { channels: 3, height: 2, width: 5 };
        let pixels = (0..4).flat_map(|level| [level; 30]).collect();
        let examples = Examples { shape, pixels, labels: vec![9, 8, 7, 6] };
        let (mut pixels, mut labels) = (vec![1; 5], vec![1; 5]);
        examples.gather(&[3, 0, 3], &mut pixels, &mut labels);
        assert_eq!(labels, [6, 9, 6]);
        assert_eq!(pixels, [[3; 30], [0; 30], [3; 30]].concat());
        assert_eq!((examples.len(), examples.is_empty()), (4, false));
        assert_eq!(examples.image(2), [2; 30]);
    }
}
