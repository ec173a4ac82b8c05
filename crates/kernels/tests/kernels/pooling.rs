//! Convolution with ReLU and max-pooling, forward and backward.

use kernels::{
    ConvBackward, Filters, Isa, NO_WINNER, Order, Shape, conv_relu_pool, conv_relu_pool_backward,
    reference,
};
use proptest::prelude::*;

use crate::compare::*;
use crate::sample::*;

/// Roundings of a number as large as the layer's sum of absolute products can be, each input as large as any.
///
/// On the way to a tile's last output Winograd's sums pass through numbers that are up to 29.3^2 times as large (29.3:
/// the largest entry of `|A^T| |B^T| 1 |G|`, once for each direction); this is one rounding of such a number. There are
/// more roundings, of either sign and mostly of far smaller numbers: random layers of one channel come to a tenth of
/// this, of 70 channels to a hundredth. One wrong product of the 630 would be 26,000.
const WINOGRAD_ROUNDINGS: usize = 860;
/// Roundings besides those of the sum itself: the product before its addition where the two are not one.
const MORE_ROUNDINGS: usize = 2;

/// What the formula gives for one image, in the reference's order of cells: the output before pooling, the place of
/// each cell's maximum in it.
struct Exact {
    y: Vec<f64>,
    places: Vec<usize>,
}

impl Exact {
    fn new(shape: Shape, weights: &[f32], bias: &[f32], x: &[f32]) -> Self {
        let y = reference::conv_relu(shape, &wide(weights), &wide(bias), &wide(x));
        let places = reference::max_pool(shape, &y);
        Self { y, places }
    }
}

/// The index of a place in the output before pooling.
fn place(shape: Shape, cell: usize, o: usize, winner: u8) -> usize {
    let [_, width] = shape.output_sides();
    let [_, columns] = shape.pooled_sides();
    let winner = usize::from(winner);
    let (row, column) = (cell / columns * 2 + winner / 2, cell % columns * 2 + winner % 2);
    (row * width + column) * shape.channels_out + o
}

fn check_forward(case: Case, numbers: Numbers) {
    let Case { shape, n, seed } = case;
    let Convolution { weights, bias, x } = Convolution::new(case, numbers, &mut Random(seed));
    let images = x.chunks_exact(shape.input());
    let exact: Vec<Exact> = images.map(|x| Exact::new(shape, &weights, &bias, x)).collect();
    // Real numbers are below 1, so this is an image whose every input is as large as any.
    let loudest = vec![1.0; shape.input()];
    let sizes = reference::conv_relu(shape, &sizes(&weights), &sizes(&bias), &loudest);
    let roundings = if numbers == Numbers::Whole { 0 } else { WINOGRAD_ROUNDINGS };
    let co = shape.channels_out;
    for isa in Isa::available() {
        let filters = Filters::new(isa, shape, &weights, &bias);
        assert_eq!(filters.shape(), shape);
        let mut y = vec![f32::NAN; n * shape.pooled()];
        let mut winners = vec![u8::MAX; n * shape.pooled()];
        conv_relu_pool(&filters, &x, Order::First, &mut y, Some(&mut winners));
        for (image, exact) in exact.iter().enumerate() {
            let cells = shape.pooled() / co;
            for (at, &highest) in exact.places.iter().enumerate() {
                let (cell, o) = (at / co, at % co);
                let y = y[image * shape.pooled() + o * cells + cell];
                let winner = winners[image * shape.pooled() + at];
                let what = format!("image {image}, cell {cell}, channel {o}, {isa}, {case:?}");
                assert_near(&[y], &[exact.y[highest]], &[sizes[o]], roundings, &what);
                assert_eq!(winner == NO_WINNER, y == 0.0, "{what}");
                if winner == NO_WINNER {
                    continue;
                }
                // Where two places are as good as equal, rounding may choose either.
                let won = place(shape, cell, o, winner);
                assert_near(&[y], &[exact.y[won]], &[sizes[o]], roundings, &what);
                assert!(numbers == Numbers::Real || won == highest, "{winner}, {what}");
            }
        }
        let mut without = vec![f32::NAN; y.len()];
        conv_relu_pool(&filters, &x, Order::First, &mut without, None);
        assert_eq!(bits(&without), bits(&y), "{isa}, {case:?}");
        let mut last = vec![f32::NAN; y.len()];
        conv_relu_pool(&filters, &x, Order::Last, &mut last, None);
        assert_eq!(bits(&last), bits(&channels_last(shape, &y)), "{isa}, {case:?}");
    }
}

fn check_backward(case: Case, numbers: Numbers) {
    let Case { shape, n, seed } = case;
    let mut random = Random(seed);
    let Convolution { weights, x, .. } = Convolution::new(case, numbers, &mut random);
    let winners: Vec<u8> = (0..n * shape.pooled()).map(|_| random.below(5) as u8).collect();
    let dy = random.numbers(numbers, n * shape.pooled());
    let live = vec![1.0; shape.output()];
    let formula = |of: fn(&[f32]) -> Vec<f64>| {
        let mut sum = reference::Gradients {
            dx: Vec::new(),
            dw: vec![0.0; shape.weights()],
            db: vec![0.0; shape.channels_out],
        };
        for (image, x) in x.chunks_exact(shape.input()).enumerate() {
            let range = image * shape.pooled()..(image + 1) * shape.pooled();
            let dy = unpooled(shape, &winners[range.clone()], &of(&dy[range]));
            let each = reference::conv_relu_backward(shape, &of(&weights), &of(x), &live, &dy);
            sum.dx.extend(each.dx);
            sum.dw.iter_mut().zip(each.dw).for_each(|(sum, dw)| *sum += dw);
            sum.db.iter_mut().zip(each.db).for_each(|(sum, db)| *sum += db);
        }
        sum
    };
    let (exact, sizes) = (formula(wide), formula(sizes));
    let [of_image, of_filter] = match numbers {
        Numbers::Whole => [0, 0],
        Numbers::Real => [9 * shape.channels_out, n * shape.pooled() / shape.channels_out + n]
            .map(|terms| terms + MORE_ROUNDINGS),
    };
    let conv = ConvBackward { shape, weights: &weights, x: &x };
    for isa in Isa::available() {
        let mut dx = vec![f32::NAN; x.len()];
        let (dw, db) =
            conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, Some(&mut dx));
        let without_dx = conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, None);
        assert_eq!((&dw, &db), (&without_dx.0, &without_dx.1), "{isa}, {case:?}");
        let (dy, mut dx_last) = (channels_last(shape, &dy), vec![f32::NAN; x.len()]);
        let sums =
            conv_relu_pool_backward(isa, conv, &winners, Order::Last, &dy, Some(&mut dx_last));
        assert_eq!((&dx, (&dw, &db)), (&dx_last, (&sums.0, &sums.1)), "{isa}, {case:?}");
        assert_near(&dx, &exact.dx, &sizes.dx, of_image, format_args!("dx, {isa}, {case:?}"));
        assert_near(&dw, &exact.dw, &sizes.dw, of_filter, format_args!("dw, {isa}, {case:?}"));
        assert_near(&db, &exact.db, &sizes.db, of_filter, format_args!("db, {isa}, {case:?}"));
    }
}

/// Pooled outputs with their channels last.
pub(crate) fn channels_last(shape: Shape, y: &[f32]) -> Vec<f32> {
    let (co, cells) = (shape.channels_out, shape.pooled() / shape.channels_out);
    let mut last = Vec::with_capacity(y.len());
    for image in y.chunks_exact(shape.pooled().max(1)) {
        last.extend((0..shape.pooled()).map(|at| image[at % co * cells + at / co]));
    }
    last
}

/// The gradient before pooling of one image: each cell's at its winner's place.
pub(crate) fn unpooled(shape: Shape, winners: &[u8], dy: &[f64]) -> Vec<f64> {
    let (co, cells) = (shape.channels_out, shape.pooled() / shape.channels_out);
    let mut unpooled = vec![0.0; shape.output()];
    for (at, &winner) in winners.iter().enumerate().filter(|(_, winner)| **winner != NO_WINNER) {
        unpooled[place(shape, at / co, at % co, winner)] = dy[at % co * cells + at / co];
    }
    unpooled
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn forward_of_whole_numbers_is_exact_with_ties_won_by_the_first(case in case()) {
        check_forward(case, Numbers::Whole);
    }

    #[test]
    fn forward_rounds_no_more_than_winograd_must(case in case()) {
        check_forward(case, Numbers::Real);
    }

    #[test]
    fn backward_of_whole_numbers_is_exact(case in direct()) {
        check_backward(case, Numbers::Whole);
    }

    #[test]
    fn backward_rounds_no_more_than_its_sums_must(case in direct()) {
        check_backward(case, Numbers::Real);
    }
}

#[test]
fn the_articles_second_layer_is_exact() {
    let shape = Shape { channels_in: 32, channels_out: 64, height: 26, width: 26 };
    check_forward(Case { shape, n: 2, seed: 1 }, Numbers::Whole);
    check_backward(Case { shape, n: 2, seed: 2 }, Numbers::Whole);
}

/// One channel, one cell, whose four outputs are these before bias and ReLU.
fn winner_of(isa: Isa, outputs: [f32; 4], bias: f32) -> (f32, u8) {
    let shape = Shape { channels_in: 1, channels_out: 1, height: 4, width: 4 };
    // The filter's first tap alone: each output is its window's first input.
    let mut weights = [0.0; 9];
    weights[0] = 576.0;
    let mut x = [0.0; 16];
    for (at, output) in [0, 1, 4, 5].into_iter().zip(outputs) {
        x[at] = output / 576.0;
    }
    let (mut y, mut winner) = ([f32::NAN], [u8::MAX]);
    let filters = Filters::new(isa, shape, &weights, &[bias]);
    conv_relu_pool(&filters, &x, Order::First, &mut y, Some(&mut winner));
    (y[0], winner[0])
}

#[test]
fn the_first_of_equals_wins_and_no_place_of_a_cell_of_zero() {
    for isa in Isa::available() {
        for (outputs, bias, expected) in [
            ([1.0, 1.0, 1.0, 1.0], 0.0, (576.0, 0)),
            ([0.0, 2.0, 2.0, 1.0], 0.0, (1152.0, 1)),
            ([-1.0, 0.0, 2.0, 2.0], 0.0, (1152.0, 2)),
            ([-1.0, 0.0, 1.0, 2.0], 0.0, (1152.0, 3)),
            ([-2.0, -2.0, -1.0, -1.0], 2.0, (576.0, 2)),
            ([0.0; 4], 0.0, (0.0, NO_WINNER)),
            ([0.0; 4], 1.0, (576.0, 0)),
            ([-1.0, -2.0, -1.0, -2.0], 1.0, (0.0, NO_WINNER)),
            ([-1.0, -2.0, -3.0, -4.0], 0.0, (0.0, NO_WINNER)),
            ([4.0, 2.0, 3.0, 5.0], -5.0, (0.0, NO_WINNER)),
        ] {
            let outputs = outputs.map(|output: f32| output * 576.0);
            assert_eq!(winner_of(isa, outputs, bias * 576.0), expected, "{isa}, {outputs:?}");
        }
    }
}
