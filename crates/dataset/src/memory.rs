//! Refuses images that do not fit into memory, before anything is allocated.

use images::ImageShape;

use crate::error::{Error, Result};

/// Test images that are split off are copied: a fifth of all.
const SPLIT_OFF: f64 = 1.2;

/// Checks that `n` prepared images of `shape` fit into the memory that is available now; `split_off` where test images are
/// split off.
///
/// # Errors
/// [`Error::Memory`] with both figures.
pub(crate) fn check(n: usize, shape: ImageShape, split_off: bool) -> Result<()> {
    within(n, shape, split_off, run::available_memory())
}

fn within(n: usize, shape: ImageShape, split_off: bool, available: u64) -> Result<()> {
    let bytes = n as f64 * shape.size() as f64;
    let needed = if split_off { bytes * SPLIT_OFF } else { bytes };
    if needed <= available as f64 {
        return Ok(());
    }
    Err(Error::Memory { n, shape, needed: needed as u64, available })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_the_figures() {
        let shape = ImageShape { channels: 3, height: 128, width: 128 };
        within(1_000_000, shape, false, 50_000_000_000).unwrap();
        let error = within(1_000_000, shape, true, 50_000_000_000).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("59.0 GB") && text.contains("50.0 GB"), "{text}");
        assert!(text.contains("1000000 images") && text.contains("--size"), "{text}");
    }
}
