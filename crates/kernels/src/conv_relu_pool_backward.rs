//! Gradients of [`conv_relu_pool`](crate::conv_relu_pool): through the winners (the argmax of each cell) alone.
//!
//! At most one of the four outputs of a pooling cell has a gradient, and none where ReLU or dropout set the cell to 0.
//! In the article's network that is about half of the cells, which leaves an eighth of the products. With more channels
//! tiles take less time; see [`tiled_backward`].

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, all_finite, zeros};
use crate::conv_relu_backward::ConvBackward;
use crate::conv_relu_pool::{NO_WINNER, Order};
use crate::entries::{Channels, Places};
use crate::filter_rows::FilterRows;
use crate::gradients;
use crate::group::{GROUP, Gradients, groups, sum};
use crate::isa::Isa;
use crate::reference::{self, wide};
use crate::shape::Shape;
use crate::tiled_backward::{self, Gradient, pooled_gradients_go_by_tiles};
use crate::transpose::{Matrix, transpose};

/// Rows of cells that are processed together: their eight rows of the article's input (27 KB) stay in a first-level
/// cache while every channel reads them.
const STRIP: usize = 3;

/// Gradients of [`conv_relu_pool`](crate::conv_relu_pool) on rayon's threads, from its winners and the gradient `dy` of
/// its output.
///
/// Sums over images are computed in a fixed order, whatever the number of threads.
///
/// # Shapes
/// - `winners`: `[n, pooled rows, pooled columns, channels_out]`
/// - `dy`: in the given order
/// - `dx`: `[n, height, width, channels_in]` where it is wanted; its previous content is overwritten
/// - output: gradients of the weights and of the biases, in the weights' and biases' layouts
///
/// # Panics
/// If the lengths do not match.
#[must_use]
pub fn conv_relu_pool_backward(
    isa: Isa,
    conv: ConvBackward,
    winners: &[u8],
    order: Order,
    dy: &[f32],
    mut dx: Option<&mut [f32]>,
) -> (Vec<f32>, Vec<f32>) {
    let (input, pooled) = (conv.shape.input(), conv.shape.pooled());
    let n = conv.x.len() / input;
    assert_eq!(conv.weights.len(), conv.shape.weights());
    assert_eq!(conv.x.len(), n * input);
    if let Some(dx) = &dx {
        assert_eq!(dx.len(), conv.x.len());
    }
    assert_eq!([winners.len(), dy.len()], [n * pooled; 2]);
    if pooled == 0 {
        if let Some(dx) = dx {
            dx.fill(0.0);
        }
        return (vec![0.0; conv.weights.len()], vec![0.0; conv.shape.channels_out]);
    }
    if pooled_gradients_go_by_tiles(conv.shape)
        && let Some(gradients) = tiled_backward::backward(
            isa,
            conv,
            Gradient::Pooled(winners, order, dy),
            dx.as_deref_mut(),
        )
    {
        return gradients;
    }
    let filters = &FilterRows::new(isa, conv.shape, conv.weights);
    let outputs = winners.par_chunks(GROUP * pooled).zip(dy.par_chunks(GROUP * pooled));
    let dx: Vec<Option<&mut [f32]>> = match dx {
        Some(dx) => dx.chunks_mut(GROUP * input).map(Some).collect(),
        None => (0..n.div_ceil(GROUP)).map(|_| None).collect(),
    };
    let images = groups(conv.x, input).zip(dx);
    let gradients: Vec<Gradients> = images
        .zip(outputs)
        .map(|((x, dx), (winners, dy))| {
            isa.run(Backward {
                isa,
                conv: ConvBackward { x, ..conv },
                filters,
                winners,
                order,
                dy,
                dx,
            })
        })
        .collect();
    match sum(gradients) {
        Some(Gradients { dw, db }) => {
            (gradients::unfilters(conv.shape, &dw, filters.pixel), db.to_vec())
        }
        None => (vec![0.0; conv.weights.len()], vec![0.0; conv.shape.channels_out]),
    }
}

struct Backward<'a> {
    isa: Isa,
    conv: ConvBackward<'a>,
    filters: &'a FilterRows,
    winners: &'a [u8],
    order: Order,
    dy: &'a [f32],
    dx: Option<&'a mut [f32]>,
}

impl WithSimd for Backward<'_> {
    type Output = Gradients;

    /// `dw` is `[channels_out, 9, pixel]` and `db` `[channels_out]`.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        let Self { isa, conv, filters, winners, order, dy, dx } = self;
        let (shape, pixel) = (conv.shape, filters.pixel);
        let (ci, co) = (shape.channels_in, shape.channels_out);
        let cells = shape.pooled() / co;
        let mut gradients = Gradients { dw: zeros(co * 9 * pixel), db: zeros(co) };
        let mut lists = Lists::new(shape);
        let plane = if pixel == ci { 0 } else { shape.height * shape.width * pixel };
        let (mut padded_x, mut padded_dx) = (zeros(plane), zeros(plane));
        let images = conv.x.chunks_exact(shape.input());
        let mut dx = dx.map(|dx| dx.chunks_exact_mut(shape.input()));
        let outputs = winners.chunks_exact(shape.pooled()).zip(dy.chunks_exact(shape.pooled()));
        for (x, (winners, dy)) in images.zip(outputs) {
            let dx = dx.as_mut().and_then(Iterator::next);
            if !filters.finite || !all_finite(simd, x) {
                let conv = ConvBackward { x, ..conv };
                by_formula(conv, winners, (order, dy), dx, pixel, &mut gradients);
                continue;
            }
            let dy = match order {
                Order::First => {
                    let matrix = Matrix { rows: co, columns: cells, stride: cells };
                    transpose(isa, matrix, dy, &mut lists.dy, co);
                    &lists.dy[..]
                }
                Order::Last => dy,
            };
            lists.places.list_winners(shape, winners, dy);
            if pixel == ci {
                image(simd, shape, filters, x, &mut lists, dx, &mut gradients);
            } else {
                gradients::pad(ci, x, pixel, &mut padded_x);
                let wanted = dx.is_some().then_some(&mut *padded_dx);
                image(simd, shape, filters, &padded_x, &mut lists, wanted, &mut gradients);
                if let Some(dx) = dx {
                    gradients::unpad(ci, &padded_dx, pixel, dx);
                }
            }
        }
        gradients
    }
}

/// The outputs of one image that have a gradient.
struct Lists {
    /// The gradient of the output as the winners lie, `[cells, channels_out]`.
    dy: Buffer,
    places: Places,
    /// Of a strip.
    channels: Channels,
}

impl Lists {
    fn new(shape: Shape) -> Self {
        let [_, columns] = shape.pooled_sides();
        Self {
            dy: zeros(shape.pooled()),
            places: Places::new(shape),
            channels: Channels::new(shape, STRIP * columns),
        }
    }
}

/// Adds the gradients of the filters and writes that of the image where it is wanted, both with pixels of `filters.pixel` numbers.
#[inline(always)]
fn image<S: Simd>(
    simd: S,
    shape: Shape,
    filters: &FilterRows,
    x: &[f32],
    Lists { places, channels, .. }: &mut Lists,
    dx: Option<&mut [f32]>,
    gradients: &mut Gradients,
) {
    let pixel = filters.pixel;
    let strides = [shape.width * pixel, pixel];
    let [rows, _] = shape.pooled_sides();
    for top in (0..rows).step_by(STRIP) {
        let strip = top * 2..(top + STRIP).min(rows) * 2;
        channels.list(shape, strip, strides, places, &mut gradients.db);
        for (o, dw) in gradients.dw.chunks_exact_mut(9 * pixel).enumerate() {
            gradients::of_filter(simd, channels.at(o), x, strides, dw);
        }
    }
    if let Some(dx) = dx {
        dx.fill(0.0);
        gradients::of_image(simd, shape, places, &filters.filters, pixel, dx);
    }
}

/// One image by the formula: with an input or weight that is not finite, not even products with a gradient of 0 may be
/// skipped.
fn by_formula(
    conv: ConvBackward,
    winners: &[u8],
    (order, dy): (Order, &[f32]),
    dx: Option<&mut [f32]>,
    pixel: usize,
    gradients: &mut Gradients,
) {
    let ConvBackward { shape, weights, x } = conv;
    let co = shape.channels_out;
    let [rows, columns] = shape.pooled_sides();
    let [_, width] = shape.output_sides();
    let mut unpooled = vec![0.0; shape.output()];
    for (at, &winner) in winners.iter().enumerate().filter(|(_, winner)| **winner < NO_WINNER) {
        let (cell, o, winner) = (at / co, at % co, usize::from(winner));
        let place = (cell / columns * 2 + winner / 2) * width + cell % columns * 2 + winner % 2;
        unpooled[place * co + o] = f64::from(dy[order.at([rows * columns, co], cell, o)]);
    }
    let live = vec![1.0; shape.output()];
    let exact = reference::conv_relu_backward(shape, &wide(weights), &wide(x), &live, &unpooled);
    if let Some(dx) = dx {
        dx.iter_mut().zip(exact.dx).for_each(|(dx, exact)| *dx = exact as f32);
    }
    gradients.db.iter_mut().zip(exact.db).for_each(|(db, exact)| *db += exact as f32);
    let dw: Vec<f32> = exact.dw.iter().map(|&exact| exact as f32).collect();
    let dw = gradients::filters(shape, &dw, pixel);
    gradients.dw.iter_mut().zip(dw.iter()).for_each(|(dw, exact)| *dw += exact);
}
