//! A first layer that is computed, not trained: filters that whiten patches of the images.

use dataset::Examples;
use images::ImageShape;
use model::{Network, PATCH_SIDE};

/// Images whose patches are looked at, at most; they are spread over the training part. On CIFAR-10 these are two million
/// patches.
const MOST_IMAGES: usize = 2_000;
/// Added to the variance along a component, so that noise is not amplified where there is hardly any (Jordan 2024).
const EPSILON: f64 = 5e-4;
/// Passes of Jacobi's rotations. They converge quadratically: five or six passes make a matrix of this size diagonal.
const PASSES: usize = 12;

/// `network` with a first convolution that whitens the training images, so that the layers after it learn from numbers
/// that are not correlated: its filters are the principal components of the standardised patches, each divided by the
/// standard deviation along it, and the negatives of these (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds", section 3.2).
pub(crate) fn whitened(network: Network, examples: &Examples, train: &[u32]) -> Network {
    let step = train.len().div_ceil(MOST_IMAGES).max(1);
    let images = train.iter().step_by(step).map(|&index| examples.image(index as usize));
    let mut filters = Vec::new();
    for (variance, component) in principal_components(second_moments(images, &network)) {
        let factor = 1.0 / (variance + EPSILON).sqrt();
        filters.extend(component.into_iter().map(|number| (number * factor) as f32));
    }
    let negatives: Vec<f32> = filters.iter().map(|number| -number).collect();
    filters.extend(negatives);
    network.with_first_filters(&filters)
}

type Matrix = Vec<Vec<f64>>;

/// The mean product of any two numbers of a standardised patch; they are in the order of channel, row and column.
fn second_moments<'a>(images: impl Iterator<Item = &'a [u8]>, network: &Network) -> Matrix {
    let shape = network.shape();
    let len = shape.channels * PATCH_SIDE * PATCH_SIDE;
    let mut sums = vec![vec![0.0; len]; len];
    let mut n_patches = 0.0;
    for image in images {
        for patch in patches(image, network) {
            for (sums, a) in sums.iter_mut().zip(&patch) {
                for (sum, b) in sums.iter_mut().zip(&patch) {
                    *sum += a * b;
                }
            }
            n_patches += 1.0;
        }
    }
    sums.iter_mut().flatten().for_each(|sum| *sum /= n_patches);
    sums
}

/// Every patch that lies within the image.
fn patches<'a>(image: &'a [u8], network: &'a Network) -> impl Iterator<Item = Vec<f64>> + 'a {
    let ImageShape { channels, height, width } = network.shape();
    let (mean, scale) = network.standardisation();
    let corners = (0..=height - PATCH_SIDE)
        .flat_map(move |top| (0..=width - PATCH_SIDE).map(move |left| (top, left)));
    corners.map(move |(top, left)| {
        let rows = (0..channels)
            .flat_map(|channel| (top..top + PATCH_SIDE).map(move |row| (channel, row)));
        rows.flat_map(|(channel, row)| {
            let levels = &image[(channel * height + row) * width + left..][..PATCH_SIDE];
            levels.iter().map(move |&level| (f64::from(level) - mean[channel]) / scale[channel])
        })
        .collect()
    })
}

/// The eigenvalues of a symmetric matrix, the largest first, each with its eigenvector of length 1, by cyclic Jacobi rotations (Golub and Van
/// Loan, "Matrix Computations", section 8.5). A library for a matrix of twelve rows would add more to the build than this.
fn principal_components(mut matrix: Matrix) -> Vec<(f64, Vec<f64>)> {
    let n = matrix.len();
    let mut vectors: Matrix =
        (0..n).map(|row| (0..n).map(|column| f64::from(row == column)).collect()).collect();
    for (p, q) in (0..PASSES).flat_map(|_| (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)))) {
        if matrix[p][q] == 0.0 {
            continue;
        }
        let ratio = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
        let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
        let cosine = 1.0 / tangent.hypot(1.0);
        let sine = tangent * cosine;
        let rotated = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
        for row in &mut matrix {
            (row[p], row[q]) = rotated(row[p], row[q]);
        }
        for rows in [&mut matrix, &mut vectors] {
            let (upper, lower) = rows.split_at_mut(q);
            for (a, b) in upper[p].iter_mut().zip(&mut lower[0]) {
                (*a, *b) = rotated(*a, *b);
            }
        }
    }
    let variances = (0..n).map(|row| matrix[row][row]);
    let mut components: Vec<_> = variances.zip(vectors).collect();
    components.sort_by(|a, b| b.0.total_cmp(&a.0));
    components
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;
    use model::NetworkConfig;
    use run::{Architecture, Config, NetworkSettings};

    use super::*;
    use crate::tensors::{pixel_tensor, values};
    use crate::tests::turn;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 9, width: 12 };

    /// Noise in which every pixel resembles its left neighbour and the channel before.
    fn examples(n: usize) -> Examples {
        let noise = |at: usize| ((at as u32).wrapping_mul(2_654_435_761) >> 24) as usize;
        let level = |at: usize| (noise(at) + noise(at + 1) + 2 * noise(at + 108)) / 5;
        let pixels = (0..n * SHAPE.size()).map(|at| level(at) as u8).collect();
        Examples { shape: SHAPE, pixels, labels: vec![0; n] }
    }

    fn network() -> Network {
        let settings = NetworkSettings {
            architecture: Architecture::Blocks,
            whiten: true,
            width: 4,
            ..Config::default().network
        };
        let config = NetworkConfig::article(2, SHAPE, 102.0, 66.0);
        let _turn = turn();
        Network::new(&NetworkConfig { settings, ..config }, 1, &Device::flex()).unwrap()
    }

    #[test]
    fn the_first_convolution_gives_numbers_without_correlation_and_their_negatives() {
        let examples = examples(40);
        let train: Vec<u32> = (0..40).collect();
        let network = whitened(network(), &examples, &train);
        let pixels = pixel_tensor(&examples.pixels, SHAPE, &Device::flex());
        let standardised = (pixels - 102.0) / 66.0;
        let maps = network.first_convolution().unwrap().forward(standardised);
        let [_, n_maps, height, width] = maps.dims();
        assert_eq!((n_maps, height, width), (24, SHAPE.height - 2, SHAPE.width - 2));
        let pixels_of = |map: usize| values(maps.clone().slice([0..40, map..map + 1]));
        let maps: Vec<Vec<f32>> = (0..n_maps).map(pixels_of).collect();
        for (i, a) in maps.iter().enumerate() {
            for (j, b) in maps.iter().enumerate() {
                let products = a.iter().zip(b).map(|(a, b)| f64::from(a * b));
                let mean = products.sum::<f64>() / a.len() as f64;
                let expected = match (i, j) {
                    _ if i == j => 1.0,
                    _ if i.abs_diff(j) == 12 => -1.0,
                    _ => 0.0,
                };
                // Of the patches, those in the first row and column are left out by a 3x3 filter.
                assert!((mean - expected).abs() < 0.12, "{i} {j}: {mean}");
            }
        }
    }

    #[test]
    fn components_of_a_matrix_give_it_back() {
        let n = 12;
        let entry = |i: usize, j: usize| 1.0 / (1.0 + i as f64 + j as f64);
        let matrix: Matrix = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        let components = principal_components(matrix.clone());
        assert!(components.is_sorted_by(|a, b| a.0 >= b.0));
        for i in 0..n {
            for j in 0..n {
                let terms = components.iter().map(|(value, vector)| value * vector[i] * vector[j]);
                assert!((terms.sum::<f64>() - matrix[i][j]).abs() < 1e-12);
                let products = components[i].1.iter().zip(&components[j].1).map(|(a, b)| a * b);
                assert!((products.sum::<f64>() - f64::from(i == j)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn one_flat_image_gives_finite_filters() {
        let examples = Examples { shape: SHAPE, pixels: vec![7; SHAPE.size()], labels: vec![0] };
        let network = whitened(network(), &examples, &[0]);
        let filters = values(network.first_convolution().unwrap().weight.val());
        assert!(filters.iter().all(|number| number.is_finite()));
    }
}
