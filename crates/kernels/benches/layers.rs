//! How fast the convolutions of the recipe `images` are: every layer's passes for 32x32 colour images on one thread,
//! beside the most multiplications and additions that the core can do.
//!
//! `cargo bench --package kernels` prints the table. Operations are counted by the formula of the convolution, two for
//! each product, whatever the kernel leaves out: a kernel that leaves out enough exceeds the core.

use std::hint::black_box;
use std::time::{Duration, Instant};

use kernels::{ConvBackward, Filters, Isa, NO_WINNER, Order, Shape};
use pulp::{Arch, Simd, WithSimd};

/// Images of a call: those of one thread in a batch, so that weights are transformed as seldom as in training.
const IMAGES: usize = 64;
/// Runs of a pass, of which the median counts.
const RUNS: usize = 9;

/// Channels of input and output, side of the output, and whether it is pooled, as in the recipe.
const LAYERS: [(usize, usize, usize, bool); 6] = [
    (24, 48, 32, true),
    (48, 48, 16, false),
    (48, 96, 16, true),
    (96, 96, 8, false),
    (96, 192, 8, true),
    (192, 192, 4, false),
];

#[allow(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    pool.install(|| {
        let isa = Isa::best();
        let mut operations = 0.0;
        let time = median(|| operations = Arch::new().dispatch(Peak));
        let peak = operations / time.as_secs_f64() / 1e9;
        println!("One thread, {isa}, at most {peak:.1} GFLOP/s\n");
        println!("| layer | pass | microseconds an image | GFLOP/s | share |");
        println!("| --- | --- | --- | --- | --- |");
        for layer in LAYERS {
            measure(isa, layer, peak);
        }
    });
}

/// Prints a line for each pass of a layer.
#[allow(clippy::print_stdout, reason = "a benchmark prints its table")]
fn measure(
    isa: Isa,
    (channels_in, channels_out, side, pooled): (usize, usize, usize, bool),
    peak: f64,
) {
    let shape = Shape { channels_in, channels_out, height: side + 2, width: side + 2 };
    let weights: Vec<f32> = numbers(1).take(shape.weights()).map(|x| x * 0.1).collect();
    let bias: Vec<f32> = numbers(2).take(channels_out).map(|x| x * 0.1).collect();
    let x: Vec<f32> = numbers(3).take(IMAGES * shape.input()).collect();
    let operations = 2.0 * (shape.output() * channels_in * 9) as f64;
    let print = |pass: &str, time: Duration| {
        let seconds = time.as_secs_f64() / IMAGES as f64;
        let speed = operations / seconds / 1e9;
        println!(
            "| {channels_in} to {channels_out}, {side}x{side}{} | {pass} | {:.1} | {speed:.1} | {:.0} % |",
            if pooled { ", pooled" } else { "" },
            seconds * 1e6,
            100.0 * speed / peak,
        );
    };
    let conv = ConvBackward { shape, weights: &weights, x: &x };
    let mut dx = vec![0.0; x.len()];
    if pooled {
        let mut y = vec![0.0; IMAGES * shape.pooled()];
        let mut winners = vec![NO_WINNER; y.len()];
        let forward = || {
            let filters = Filters::new(isa, shape, &weights, &bias);
            kernels::conv_relu_pool(&filters, &x, Order::First, &mut y, Some(&mut winners));
        };
        print("forward", median(forward));
        let dy: Vec<f32> = numbers(4).take(y.len()).collect();
        let backward = |dx: Option<&mut [f32]>| {
            black_box(kernels::conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, dx));
        };
        print("gradient of filters", median(|| backward(None)));
        print("both gradients", median(|| backward(Some(&mut dx))));
    } else {
        let mut y = vec![0.0; IMAGES * shape.output()];
        print("forward", median(|| kernels::conv_relu(isa, shape, &weights, &bias, &x, &mut y)));
        let dy: Vec<f32> = numbers(4).take(y.len()).collect();
        let backward = |dx: Option<&mut [f32]>| {
            black_box(kernels::conv_relu_backward(isa, conv, &y, &dy, dx));
        };
        print("gradient of filters", median(|| backward(None)));
        print("both gradients", median(|| backward(Some(&mut dx))));
    }
}

/// The median time of a pass.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times = [Duration::ZERO; RUNS];
    for time in &mut times {
        let start = Instant::now();
        run();
        *time = start.elapsed();
    }
    times.sort_unstable();
    times[RUNS / 2]
}

/// Numbers between -1 and 1 that look random (a linear congruential generator; constants of Numerical Recipes).
fn numbers(seed: u32) -> impl Iterator<Item = f32> {
    std::iter::successors(Some(seed), |x| {
        Some(x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    })
    .skip(1)
    .map(|x| (x >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

/// Products that depend on nothing in memory, twelve sums at once: an addition takes four cycles, and a core does two
/// in each.
struct Peak;

impl Peak {
    const ROUNDS: usize = 10_000_000;
    const SUMS: usize = 12;
}

impl WithSimd for Peak {
    /// Multiplications and additions.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = black_box(simd.splat_f32s(0.999));
        let mut sums = [simd.splat_f32s(1.0); Self::SUMS];
        for _ in 0..Self::ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, factor);
            }
        }
        black_box(sums);
        (Self::ROUNDS * Self::SUMS * S::F32_LANES * 2) as f64
    }
}
