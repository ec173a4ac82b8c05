//! The gradient of a convolution's filters and biases, for [`conv_relu_backward`](crate::conv_relu_backward()).

use pulp::{Simd, WithSimd};

use crate::buffer::{load, store, vectors, vectors_mut, zeros};
use crate::group::Gradients;
use crate::shape::Shape;

/// Output channels as vectors: each input is read once for many of them.
pub(crate) struct OfFilters<'a> {
    pub(crate) shape: Shape,
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
    pub(crate) dy: &'a [f32],
}

impl WithSimd for OfFilters<'_> {
    type Output = Gradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        if S::REGISTER_COUNT >= 32 {
            of_filters::<S, 2, 8>(simd, self)
        } else {
            of_filters::<S, 2, 4>(simd, self)
        }
    }
}

/// `dw` is `[9, channels_in, padded]` and `db` `[padded]`.
///
/// At once are summed `COLUMNS` vectors of output channels for one tap and `CHANNELS` input channels, and where there
/// are fewer, for one input channel and all nine taps.
#[inline(always)]
fn of_filters<S: Simd, const COLUMNS: usize, const CHANNELS: usize>(
    simd: S,
    op: OfFilters,
) -> Gradients {
    let OfFilters { shape, x, y, dy } = op;
    let ci = shape.channels_in;
    let padded = shape.channels_out.next_multiple_of(COLUMNS * S::F32_LANES);
    let [rows, columns] = shape.output_sides();
    let mut gradients = Gradients { dw: zeros(9 * ci * padded), db: zeros(padded) };
    let mut masked = zeros(rows * columns * padded);
    let outputs = y.chunks_exact(shape.output()).zip(dy.chunks_exact(shape.output()));
    for (x, (y, dy)) in x.chunks_exact(shape.input()).zip(outputs) {
        mask(simd, shape, y, dy, &mut masked, padded);
        of_biases(simd, &masked, &mut gradients.db);
        let image = Image { shape, x, masked: &masked, padded };
        if ci < CHANNELS {
            for o in (0..padded).step_by(COLUMNS * S::F32_LANES) {
                for i in 0..ci {
                    image.all_taps::<S, COLUMNS>(simd, o, i, &mut gradients.dw);
                }
            }
            continue;
        }
        let whole = ci - ci % CHANNELS;
        for o in (0..padded).step_by(COLUMNS * S::F32_LANES) {
            for tap in 0..9 {
                for i in (0..whole).step_by(CHANNELS) {
                    image.one_tap::<S, COLUMNS, CHANNELS>(simd, o, tap, i, &mut gradients.dw);
                }
                for i in whole..ci {
                    image.one_tap::<S, COLUMNS, 1>(simd, o, tap, i, &mut gradients.dw);
                }
            }
        }
    }
    gradients
}

/// Adds an image's sums to the gradient of the biases.
#[inline(always)]
pub(crate) fn of_biases<S: Simd>(simd: S, masked: &[f32], db: &mut [f32]) {
    let mut sums = zeros(db.len());
    for pixel in masked.chunks_exact(db.len()) {
        add(simd, &mut sums, vectors(simd, pixel));
    }
    add(simd, db, vectors(simd, &sums));
}

/// One image, and the gradient before ReLU of its outputs.
struct Image<'a> {
    shape: Shape,
    x: &'a [f32],
    /// `[rows, columns, padded]`
    masked: &'a [f32],
    padded: usize,
}

impl Image<'_> {
    /// Adds the sums over all pixels of one input channel, for all taps and the output channels from `o` on.
    #[inline(always)]
    fn all_taps<S: Simd, const COLUMNS: usize>(&self, simd: S, o: usize, i: usize, dw: &mut [f32]) {
        let Self { shape: Shape { channels_in: ci, width, .. }, x, masked, padded } = *self;
        let (block, [_, columns]) = (COLUMNS * S::F32_LANES, self.shape.output_sides());
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; 9];
        for (row, line) in masked.chunks_exact(columns * padded).enumerate() {
            let window = &x[row * width * ci..][..3 * width * ci];
            for (column, dy) in line.chunks_exact(padded).enumerate() {
                let dy = vectors(simd, &dy[o..][..block]);
                for (tap, sums) in sums.iter_mut().enumerate() {
                    let at = (tap / 3 * width + column + tap % 3) * ci + i;
                    let x = simd.splat_f32s(window[at]);
                    for (sum, &dy) in sums.iter_mut().zip(dy) {
                        *sum = simd.mul_add_f32s(x, dy, *sum);
                    }
                }
            }
        }
        for (tap, sums) in sums.iter().enumerate() {
            add(simd, &mut dw[(tap * ci + i) * padded + o..][..block], sums);
        }
    }

    /// Adds the sums over all pixels of `N` input channels from `i` on, for one tap and the output channels from `o`
    /// on.
    #[inline(always)]
    fn one_tap<S: Simd, const COLUMNS: usize, const N: usize>(
        &self,
        simd: S,
        o: usize,
        tap: usize,
        i: usize,
        dw: &mut [f32],
    ) {
        let Self { shape: Shape { channels_in: ci, width, .. }, x, masked, padded } = *self;
        let (block, [_, columns]) = (COLUMNS * S::F32_LANES, self.shape.output_sides());
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; N];
        for (row, line) in masked.chunks_exact(columns * padded).enumerate() {
            let x = &x[((row + tap / 3) * width + tap % 3) * ci..][..columns * ci];
            for (dy, x) in line.chunks_exact(padded).zip(x.chunks_exact(ci)) {
                let dy = vectors(simd, &dy[o..][..block]);
                for (sums, &x) in sums.iter_mut().zip(&x[i..][..N]) {
                    let x = simd.splat_f32s(x);
                    for (sum, &dy) in sums.iter_mut().zip(dy) {
                        *sum = simd.mul_add_f32s(x, dy, *sum);
                    }
                }
            }
        }
        for (number, sums) in sums.iter().enumerate() {
            add(simd, &mut dw[(tap * ci + i + number) * padded + o..][..block], sums);
        }
    }
}

#[inline(always)]
fn add<S: Simd>(simd: S, to: &mut [f32], values: &[S::f32s]) {
    for (to, &value) in vectors_mut(simd, to).iter_mut().zip(values) {
        *to = simd.add_f32s(*to, value);
    }
}

/// `dy` where `y` is not 0, else 0; pixels `padded` numbers apart.
#[inline(always)]
pub(crate) fn mask<S: Simd>(
    simd: S,
    shape: Shape,
    y: &[f32],
    dy: &[f32],
    masked: &mut [f32],
    padded: usize,
) {
    let co = shape.channels_out;
    if padded == co {
        let zero = simd.splat_f32s(0.0);
        for at in (0..y.len()).step_by(S::F32_LANES) {
            let dead = simd.equal_f32s(load(simd, y, at), zero);
            store(simd, masked, at, simd.select_f32s(dead, zero, load(simd, dy, at)));
        }
        return;
    }
    let pixels = y.chunks_exact(co).zip(dy.chunks_exact(co));
    for (masked, (y, dy)) in masked.chunks_exact_mut(padded).zip(pixels) {
        for (masked, (&y, &dy)) in masked.iter_mut().zip(y.iter().zip(dy)) {
            *masked = if y == 0.0 { 0.0 } else { dy };
        }
    }
}
