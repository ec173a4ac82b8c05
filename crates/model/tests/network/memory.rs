//! The estimate of memory against a case counted by hand, and against numbers that would overflow.

use images::ImageShape;
use model::{NetworkConfig, memory};
use run::NetworkSettings;

fn article(width: usize, hidden: usize) -> NetworkConfig {
    let config = NetworkConfig::article(10, ImageShape::DIGIT, 33.3, 78.6);
    NetworkConfig { settings: NetworkSettings { width, hidden, ..config.settings }, ..config }
}

#[test]
fn it_is_weights_moments_gradients_and_activations() {
    let weights = 1_199_882;
    // The image, two convolutions and two ReLUs, pooling, dropout, flattening, and the dense layers.
    let pooled = 64 * 12 * 12;
    let activations = 784 + 2 * 32 * 26 * 26 + 2 * 64 * 24 * 24 + 3 * pooled + 3 * 128 + 10;
    let largest = 64 * 24 * 24;
    // 128 images are 16 groups, each with the gradients of the second convolution.
    let groups = 16 * (32 * 64 * 9 + 64);
    let step = 4 * weights + 128 * (activations + 2 * largest) + groups;
    assert_eq!(memory(&article(32, 128), 128, 1, false), Ok(4 * step));
    // With large batches in evaluation those are the peak, and with none large, a checkpoint.
    let evaluation = 3 * weights + 512 * 2 * largest;
    assert_eq!(memory(&article(32, 128), 8, 512, false), Ok(4 * evaluation));
    assert_eq!(memory(&article(32, 128), 1, 1, false), Ok(4 * 4 * 3 * weights));
    assert_eq!(memory(&article(32, 128), 1, 1, true), Ok(4 * 4 * 4 * weights));
}

#[test]
fn nothing_is_allocated_for_it_and_nothing_overflows() {
    // 19 GB of weights.
    assert!(memory(&article(1024, 16_384), 65_536, 512, true).unwrap() > 4 * 4 * 4_800_000_000);
    for (width, hidden) in [(1 << 20, 1 << 40), (1, usize::MAX), (1 << 40, 1)] {
        assert!(memory(&article(width, hidden), usize::MAX, 512, true).unwrap() > 1 << 60);
    }
}
