//! Gradients by Winograd's tiles: near the formula's, the same on any number of threads, and the formula's own where a
//! number is not finite.

use kernels::{
    ConvBackward, Isa, NO_WINNER, Order, Shape, conv_relu_backward, conv_relu_pool_backward,
    gradients_go_by_tiles, pooled_gradients_go_by_tiles, reference,
};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::compare::*;
use crate::pooling::{channels_last, unpooled};
use crate::sample::*;

/// Roundings of a number as large as a sum can be whose every factor is as large as any.
///
/// On the way to a filter's gradient the sums pass through numbers up to 13.3^2 times as large (the largest entry of
/// `|G^T| (|A| 1 * |B^T| 1)`, 53.3, over the four outputs of a tile's row), on the way to an input's up to 12.5^2
/// (`|B| (|A| 1 * |G| 1)`, 37.5, over three). This is one rounding of the former. There are more, mostly of far smaller
/// numbers: random layers come to a twentieth of this.
const ROUNDINGS: usize = 178;

/// A layer, its input, and the gradient of its output.
struct Layer {
    shape: Shape,
    weights: Vec<f32>,
    x: Vec<f32>,
    outputs: Outputs,
}

enum Outputs {
    Relu { y: Vec<f32>, dy: Vec<f32> },
    Pooled { winners: Vec<u8>, dy: Vec<f32> },
}

impl Layer {
    fn new(Case { mut shape, n, seed }: Case, pooled: bool) -> Self {
        if pooled {
            shape.channels_in = shape.channels_in.max(48);
            assert!(pooled_gradients_go_by_tiles(shape));
        }
        let random = &mut Random(seed);
        let (weights, x) = (random.reals(shape.weights()), random.reals(n * shape.input()));
        let outputs = if pooled {
            let winners = (0..n * shape.pooled()).map(|_| match random.below(12) {
                0 => NO_WINNER,
                place => (place % 4) as u8,
            });
            let winners = winners.collect();
            Outputs::Pooled { winners, dy: random.reals(n * shape.pooled()) }
        } else {
            let (y, dy) = (random.wholes(n * shape.output()), random.reals(n * shape.output()));
            Outputs::Relu { y, dy }
        };
        Self { shape, weights, x, outputs }
    }

    /// `dx`, `dw` and `db`.
    fn gradients(&self, isa: Isa) -> [Vec<f32>; 3] {
        let Self { shape, weights, x, outputs } = self;
        let conv = ConvBackward { shape: *shape, weights, x };
        let mut dx = vec![f32::NAN; x.len()];
        let (dw, db) = match outputs {
            Outputs::Relu { y, dy } => conv_relu_backward(isa, conv, y, dy, Some(&mut dx)),
            Outputs::Pooled { winners, dy } => {
                conv_relu_pool_backward(isa, conv, winners, Order::First, dy, Some(&mut dx))
            }
        };
        [dx, dw, db]
    }

    /// `dx`, `dw` and `db` by the formula, of the numbers or of their magnitudes.
    fn exact(&self, of: fn(&[f32]) -> Vec<f64>) -> [Vec<f64>; 3] {
        let Self { shape, weights, x, outputs } = self;
        let mut sum = [vec![], vec![0.0; weights.len()], vec![0.0; shape.channels_out]];
        for (image, x) in x.chunks_exact(shape.input()).enumerate() {
            let part = |size: usize| image * size..(image + 1) * size;
            let (live, dy) = match outputs {
                Outputs::Relu { y, dy } => {
                    (of(&y[part(shape.output())]), of(&dy[part(shape.output())]))
                }
                Outputs::Pooled { winners, dy } => {
                    let dy = of(&dy[part(shape.pooled())]);
                    let dy = unpooled(*shape, &winners[part(shape.pooled())], &dy);
                    (vec![1.0; shape.output()], dy)
                }
            };
            let each = reference::conv_relu_backward(*shape, &of(weights), &of(x), &live, &dy);
            sum[0].extend(each.dx);
            sum[1].iter_mut().zip(each.dw).for_each(|(sum, dw)| *sum += dw);
            sum[2].iter_mut().zip(each.db).for_each(|(sum, db)| *sum += db);
        }
        sum
    }

    /// The largest that sums for `dx`, `dw` and `db` can be.
    fn sizes(&self) -> [f64; 3] {
        let Shape { channels_out, .. } = self.shape;
        let outputs = self.x.len() / self.shape.input() * self.shape.output() / channels_out;
        let cells = match self.outputs {
            Outputs::Relu { .. } => outputs,
            Outputs::Pooled { .. } => outputs.div_ceil(4),
        };
        [9.0 * channels_out as f64, cells as f64, cells as f64]
    }

    fn check(&self, isa: Isa, what: &str) {
        let got = self.gradients(isa);
        if let Outputs::Pooled { winners, dy } = &self.outputs {
            let conv = ConvBackward { shape: self.shape, weights: &self.weights, x: &self.x };
            let (dy, mut dx) = (channels_last(self.shape, dy), vec![f32::NAN; self.x.len()]);
            let (dw, db) =
                conv_relu_pool_backward(isa, conv, winners, Order::Last, &dy, Some(&mut dx));
            assert_eq!(
                [dx, dw, db].map(|of| bits(&of)),
                got.each_ref().map(|of| bits(of)),
                "{what}"
            );
        }
        for ((got, exact), size) in got.iter().zip(self.exact(wide)).zip(self.sizes()) {
            for (&got, &exact) in got.iter().zip(&exact) {
                if exact.is_finite() {
                    assert_near(&[got], &[exact], &[size], ROUNDINGS, what);
                } else {
                    assert_same(&[got], &[exact], what);
                }
            }
        }
    }
}

/// Layers that go by tiles: sides of whole tiles and others, channels of whole vectors and others.
fn tiled() -> impl Strategy<Value = Case> {
    (16usize..=60, 16usize..=40, 6usize..=13, 6usize..=13, 1usize..=12, any::<u64>()).prop_map(
        |(channels_in, channels_out, height, width, n, seed)| {
            let shape = Shape { channels_in, channels_out, height, width };
            assert!(gradients_go_by_tiles(shape));
            Case { shape, n, seed }
        },
    )
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn gradients_are_near_the_formulas(case in tiled(), pooled in any::<bool>()) {
        let layer = Layer::new(case, pooled);
        for isa in Isa::available() {
            layer.check(isa, &format!("{isa}, {case:?}, pooled {pooled}"));
        }
    }

    #[test]
    fn no_bit_depends_on_the_threads(case in tiled(), pooled in any::<bool>()) {
        let layer = Layer::new(case, pooled);
        let on = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| layer.gradients(Isa::best()).map(|gradients| bits(&gradients)))
        };
        prop_assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_number_that_is_not_finite_gives_what_the_formula_gives(
        case in tiled(),
        pooled in any::<bool>(),
        array in 0usize..3,
    ) {
        let mut layer = Layer::new(case, pooled);
        let random = &mut Random(case.seed ^ 1);
        match (array, &mut layer.outputs) {
            (0, _) => random.spoil(&mut layer.weights),
            (1, _) => random.spoil(&mut layer.x),
            (_, Outputs::Relu { dy, .. } | Outputs::Pooled { dy, .. }) => random.spoil(dy),
        }
        layer.check(Isa::best(), &format!("{case:?}, pooled {pooled}, array {array}"));
    }
}

#[test]
fn shapes_with_few_channels_or_less_than_a_tile_do_not_go_by_tiles() {
    let shape = Shape { channels_in: 16, channels_out: 16, height: 6, width: 6 };
    assert!(gradients_go_by_tiles(shape));
    for shape in [
        Shape { channels_in: 15, ..shape },
        Shape { channels_out: 15, ..shape },
        Shape { height: 5, ..shape },
        Shape { width: 5, ..shape },
    ] {
        assert!(!gradients_go_by_tiles(shape), "{shape:?}");
    }
    for channels_in in [47, 48] {
        let shape = Shape { channels_in, ..shape };
        assert_eq!(pooled_gradients_go_by_tiles(shape), channels_in == 48);
    }
}
