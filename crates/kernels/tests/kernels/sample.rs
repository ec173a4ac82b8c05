//! Random layers: of whole numbers, whose sums are exact in any order, and of others, whose sums round.

use kernels::{Shape, gradients_go_by_tiles};
use proptest::prelude::*;

/// Multiples of this are whole numbers after Winograd's transform of a filter, which divides by 24 in both directions.
const WINOGRAD: f32 = 576.0;
/// Taps of a filter of whole numbers that are not 0. For inputs of at most 1 Winograd's sums have magnitudes up to
/// 576 * 29.3^2 a tap (29.3: largest entry of `|A^T| |B^T| 1 |G|`), and 33 of those stay below 2^24.
const LIVE_TAPS: usize = 33;
/// Products of one test case: more would take the reference too long.
const PRODUCTS: usize = 1_500_000;

/// Cases of a property: `most`, or fewer where `PROPTEST_CASES` is lower.
pub(crate) fn config(most: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: most.min(default.cases), failure_persistence: None, ..default }
}

/// SplitMix64: proptest shrinks the seed's layer, not its numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// -1, 0 or 1.
    pub(crate) fn wholes(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.below(3) as f32 - 1.0).collect()
    }

    /// From -1 to 1, a third of them 0, as after ReLU.
    pub(crate) fn reals(&mut self, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| match self.below(3) {
                0 => 0.0,
                _ => self.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0,
            })
            .collect()
    }

    pub(crate) fn numbers(&mut self, numbers: Numbers, n: usize) -> Vec<f32> {
        match numbers {
            Numbers::Whole => self.wholes(n),
            Numbers::Real => self.reals(n),
        }
    }

    /// Puts one to three numbers that are not finite at random places.
    pub(crate) fn spoil(&mut self, values: &mut [f32]) {
        for _ in 0..self.below(3) + 1 {
            if !values.is_empty() {
                let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][self.below(3)];
                values[self.below(values.len())] = special;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// A kernel has to give what the formula gives, to the last bit.
    Whole,
    /// A kernel may round.
    Real,
}

/// `n` images for a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) shape: Shape,
    pub(crate) n: usize,
    pub(crate) seed: u64,
}

/// Sides from the least to several tiles, channels on both sides of several vectors, batches of up to three groups.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let channels = || prop_oneof![1usize..=9, 1usize..=70];
    let side = || prop_oneof![3usize..=8, 3usize..=19];
    let n = prop_oneof![Just(0usize), Just(1), 2usize..=20, 2usize..=20];
    (channels(), channels(), side(), side(), n, any::<u64>()).prop_map(
        |(channels_in, channels_out, height, width, n, seed)| {
            let shape = Shape { channels_in, channels_out, height, width };
            let most = PRODUCTS / (shape.output() * channels_in * 9);
            Case { shape, n: n.min(most.max(1)), seed }
        },
    )
}

/// Those whose gradients are summed directly.
pub(crate) fn direct() -> impl Strategy<Value = Case> {
    case().prop_filter("its gradients go by tiles", |case| !gradients_go_by_tiles(case.shape))
}

/// A convolution and its input.
pub(crate) struct Convolution {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) x: Vec<f32>,
}

impl Convolution {
    pub(crate) fn new(case: Case, numbers: Numbers, random: &mut Random) -> Self {
        let shape = case.shape;
        let mut weights = vec![0.0; shape.weights()];
        let mut bias = random.numbers(numbers, shape.channels_out);
        match numbers {
            Numbers::Whole => {
                for filter in weights.chunks_exact_mut(9 * shape.channels_in) {
                    for _ in 0..LIVE_TAPS {
                        let sign = random.below(2) as f32 * 2.0 - 1.0;
                        filter[random.below(9 * shape.channels_in)] = sign * WINOGRAD;
                    }
                }
                // Of the weights' size, so that some sums are exactly 0.
                bias.iter_mut().for_each(|bias| *bias *= WINOGRAD);
            }
            Numbers::Real => weights = random.reals(shape.weights()),
        }
        Self { weights, bias, x: random.numbers(numbers, case.n * shape.input()) }
    }
}
