//! Winograd's convolution F(4x4, 3x3): sixteen outputs by 36 products in place of 144.
//!
//! A tile of 4x4 outputs is `A^T [ (G g G^T) * (B^T d B) ] A` for a 3x3 filter `g` and the 6x6 inputs `d` that it
//! reads, `*` element by element (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section
//! 4.3, whose matrices these are; interpolation points 0, 1, -1, 2, -2 and infinity). Summed over input channels the
//! products are 36 small matrix multiplications. Every number here is a vector with one filter or one channel a lane.
//!
//! Gradients take the same way back. With `U = A y A^T` of a tile's output gradient `y`, that of the filter is
//! `G^T [ U * (B^T d B) ] G`, and that of the tile's inputs `B [ U * (G g G^T) ] B^T`.

use pulp::Simd;

/// Rows and columns of a tile's input.
pub(crate) const SIDE: usize = 6;
/// Products of a tile.
pub(crate) const PRODUCTS: usize = SIDE * SIDE;
/// Rows and columns of a tile's output.
pub(crate) const TILE: usize = 4;

/// Six values of one column. A macro, since the compiler need not inline a closure, which would then lack the vector
/// instructions.
macro_rules! column {
    ($value:ident, $j:literal) => {
        [$value(0, $j), $value(1, $j), $value(2, $j), $value(3, $j), $value(4, $j), $value(5, $j)]
    };
}

/// `G g G^T`: a filter, row by row, into the products' domain.
#[inline(always)]
pub(crate) fn filter<S: Simd>(simd: S, g: [[S::f32s; 3]; 3]) -> [[S::f32s; SIDE]; SIDE] {
    let zero = simd.splat_f32s(0.0);
    let mut columns = [[zero; SIDE]; 3];
    for j in 0..3 {
        columns[j] = filter_line(simd, [g[0][j], g[1][j], g[2][j]]);
    }
    let mut u = [[zero; SIDE]; SIDE];
    for i in 0..SIDE {
        u[i] = filter_line(simd, [columns[0][i], columns[1][i], columns[2][i]]);
    }
    u
}

/// `B^T d B`: a tile's input, `d(row, column)`, into the products' domain.
#[inline(always)]
pub(crate) fn input<S: Simd>(
    simd: S,
    d: impl Fn(usize, usize) -> S::f32s,
) -> [[S::f32s; SIDE]; SIDE] {
    let c = [
        input_line(simd, column!(d, 0)),
        input_line(simd, column!(d, 1)),
        input_line(simd, column!(d, 2)),
        input_line(simd, column!(d, 3)),
        input_line(simd, column!(d, 4)),
        input_line(simd, column!(d, 5)),
    ];
    [
        input_line(simd, [c[0][0], c[1][0], c[2][0], c[3][0], c[4][0], c[5][0]]),
        input_line(simd, [c[0][1], c[1][1], c[2][1], c[3][1], c[4][1], c[5][1]]),
        input_line(simd, [c[0][2], c[1][2], c[2][2], c[3][2], c[4][2], c[5][2]]),
        input_line(simd, [c[0][3], c[1][3], c[2][3], c[3][3], c[4][3], c[5][3]]),
        input_line(simd, [c[0][4], c[1][4], c[2][4], c[3][4], c[4][4], c[5][4]]),
        input_line(simd, [c[0][5], c[1][5], c[2][5], c[3][5], c[4][5], c[5][5]]),
    ]
}

/// `A^T m A`: a tile's products `m(row, column)`, summed over input channels, into its output.
#[inline(always)]
pub(crate) fn output<S: Simd>(
    simd: S,
    m: impl Fn(usize, usize) -> S::f32s,
) -> [[S::f32s; TILE]; TILE] {
    let c = [
        output_line(simd, column!(m, 0)),
        output_line(simd, column!(m, 1)),
        output_line(simd, column!(m, 2)),
        output_line(simd, column!(m, 3)),
        output_line(simd, column!(m, 4)),
        output_line(simd, column!(m, 5)),
    ];
    [
        output_line(simd, [c[0][0], c[1][0], c[2][0], c[3][0], c[4][0], c[5][0]]),
        output_line(simd, [c[0][1], c[1][1], c[2][1], c[3][1], c[4][1], c[5][1]]),
        output_line(simd, [c[0][2], c[1][2], c[2][2], c[3][2], c[4][2], c[5][2]]),
        output_line(simd, [c[0][3], c[1][3], c[2][3], c[3][3], c[4][3], c[5][3]]),
    ]
}

/// `A y A^T`: the gradient of a tile's output, `y(row, column)`, into the products' domain.
#[inline(always)]
pub(crate) fn output_gradient<S: Simd>(
    simd: S,
    y: impl Fn(usize, usize) -> S::f32s,
) -> [[S::f32s; SIDE]; SIDE] {
    let c = [
        output_gradient_line(simd, [y(0, 0), y(1, 0), y(2, 0), y(3, 0)]),
        output_gradient_line(simd, [y(0, 1), y(1, 1), y(2, 1), y(3, 1)]),
        output_gradient_line(simd, [y(0, 2), y(1, 2), y(2, 2), y(3, 2)]),
        output_gradient_line(simd, [y(0, 3), y(1, 3), y(2, 3), y(3, 3)]),
    ];
    [
        output_gradient_line(simd, [c[0][0], c[1][0], c[2][0], c[3][0]]),
        output_gradient_line(simd, [c[0][1], c[1][1], c[2][1], c[3][1]]),
        output_gradient_line(simd, [c[0][2], c[1][2], c[2][2], c[3][2]]),
        output_gradient_line(simd, [c[0][3], c[1][3], c[2][3], c[3][3]]),
        output_gradient_line(simd, [c[0][4], c[1][4], c[2][4], c[3][4]]),
        output_gradient_line(simd, [c[0][5], c[1][5], c[2][5], c[3][5]]),
    ]
}

/// `G^T m G`: products `m(row, column)`, summed over tiles, into the gradient of a filter.
#[inline(always)]
pub(crate) fn filter_gradient<S: Simd>(
    simd: S,
    m: impl Fn(usize, usize) -> S::f32s,
) -> [[S::f32s; 3]; 3] {
    let c = [
        filter_gradient_line(simd, column!(m, 0)),
        filter_gradient_line(simd, column!(m, 1)),
        filter_gradient_line(simd, column!(m, 2)),
        filter_gradient_line(simd, column!(m, 3)),
        filter_gradient_line(simd, column!(m, 4)),
        filter_gradient_line(simd, column!(m, 5)),
    ];
    [
        filter_gradient_line(simd, [c[0][0], c[1][0], c[2][0], c[3][0], c[4][0], c[5][0]]),
        filter_gradient_line(simd, [c[0][1], c[1][1], c[2][1], c[3][1], c[4][1], c[5][1]]),
        filter_gradient_line(simd, [c[0][2], c[1][2], c[2][2], c[3][2], c[4][2], c[5][2]]),
    ]
}

/// `B m B^T`: products `m(row, column)`, summed over output channels, into the gradient of a tile's input.
#[inline(always)]
pub(crate) fn input_gradient<S: Simd>(
    simd: S,
    m: impl Fn(usize, usize) -> S::f32s,
) -> [[S::f32s; SIDE]; SIDE] {
    let c = [
        input_gradient_line(simd, column!(m, 0)),
        input_gradient_line(simd, column!(m, 1)),
        input_gradient_line(simd, column!(m, 2)),
        input_gradient_line(simd, column!(m, 3)),
        input_gradient_line(simd, column!(m, 4)),
        input_gradient_line(simd, column!(m, 5)),
    ];
    [
        input_gradient_line(simd, [c[0][0], c[1][0], c[2][0], c[3][0], c[4][0], c[5][0]]),
        input_gradient_line(simd, [c[0][1], c[1][1], c[2][1], c[3][1], c[4][1], c[5][1]]),
        input_gradient_line(simd, [c[0][2], c[1][2], c[2][2], c[3][2], c[4][2], c[5][2]]),
        input_gradient_line(simd, [c[0][3], c[1][3], c[2][3], c[3][3], c[4][3], c[5][3]]),
        input_gradient_line(simd, [c[0][4], c[1][4], c[2][4], c[3][4], c[4][4], c[5][4]]),
        input_gradient_line(simd, [c[0][5], c[1][5], c[2][5], c[3][5], c[4][5], c[5][5]]),
    ]
}

/// `G g` for one column.
#[inline(always)]
fn filter_line<S: Simd>(s: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; SIDE] {
    let times = |factor: f32, x| s.mul_f32s(s.splat_f32s(factor), x);
    let ends = s.add_f32s(g0, g2);
    let near = s.mul_add_f32s(s.splat_f32s(4.0), g2, g0);
    let twice = times(2.0, g1);
    [
        times(1.0 / 4.0, g0),
        times(-1.0 / 6.0, s.add_f32s(ends, g1)),
        times(-1.0 / 6.0, s.sub_f32s(ends, g1)),
        times(1.0 / 24.0, s.add_f32s(near, twice)),
        times(1.0 / 24.0, s.sub_f32s(near, twice)),
        g2,
    ]
}

/// `B^T d` for one column.
#[inline(always)]
fn input_line<S: Simd>(s: S, d: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    let [two, four, five] = [s.splat_f32s(2.0), s.splat_f32s(4.0), s.splat_f32s(5.0)];
    // -factor * x + y
    let less = |factor, x, y| s.negate_mul_add_f32s(factor, x, y);
    let [even, odd] = [less(four, d[2], d[4]), less(four, d[1], d[3])];
    let [even_far, odd_far] = [s.sub_f32s(d[4], d[2]), s.sub_f32s(d[3], d[1])];
    [
        s.mul_add_f32s(four, d[0], less(five, d[2], d[4])),
        s.add_f32s(even, odd),
        s.sub_f32s(even, odd),
        s.mul_add_f32s(two, odd_far, even_far),
        less(two, odd_far, even_far),
        s.mul_add_f32s(four, d[1], less(five, d[3], d[5])),
    ]
}

/// `A^T m` for one column.
#[inline(always)]
fn output_line<S: Simd>(s: S, m: [S::f32s; SIDE]) -> [S::f32s; TILE] {
    let [two, four, eight] = [s.splat_f32s(2.0), s.splat_f32s(4.0), s.splat_f32s(8.0)];
    let [sum, difference] = [s.add_f32s(m[1], m[2]), s.sub_f32s(m[1], m[2])];
    let [far_sum, far_difference] = [s.add_f32s(m[3], m[4]), s.sub_f32s(m[3], m[4])];
    [
        s.add_f32s(s.add_f32s(m[0], sum), far_sum),
        s.mul_add_f32s(two, far_difference, difference),
        s.mul_add_f32s(four, far_sum, sum),
        s.add_f32s(s.mul_add_f32s(eight, far_difference, difference), m[5]),
    ]
}

/// `A y` for one column.
#[inline(always)]
fn output_gradient_line<S: Simd>(s: S, [y0, y1, y2, y3]: [S::f32s; TILE]) -> [S::f32s; SIDE] {
    let [two, four, eight] = [s.splat_f32s(2.0), s.splat_f32s(4.0), s.splat_f32s(8.0)];
    let [even, odd] = [s.add_f32s(y0, y2), s.add_f32s(y1, y3)];
    let even_far = s.mul_add_f32s(four, y2, y0);
    let odd_far = s.mul_add_f32s(eight, y3, s.mul_f32s(two, y1));
    [
        y0,
        s.add_f32s(even, odd),
        s.sub_f32s(even, odd),
        s.add_f32s(even_far, odd_far),
        s.sub_f32s(even_far, odd_far),
        y3,
    ]
}

/// `G^T m` for one column.
#[inline(always)]
fn filter_gradient_line<S: Simd>(s: S, m: [S::f32s; SIDE]) -> [S::f32s; 3] {
    let times = |factor: f32, x| s.mul_f32s(s.splat_f32s(factor), x);
    let [sum, difference] = [s.add_f32s(m[1], m[2]), s.sub_f32s(m[2], m[1])];
    let [far_sum, far_difference] = [s.add_f32s(m[3], m[4]), s.sub_f32s(m[3], m[4])];
    let sixth = times(-1.0 / 6.0, sum);
    [
        s.add_f32s(
            s.mul_add_f32s(s.splat_f32s(1.0 / 4.0), m[0], sixth),
            times(1.0 / 24.0, far_sum),
        ),
        s.mul_add_f32s(s.splat_f32s(1.0 / 6.0), difference, times(1.0 / 12.0, far_difference)),
        s.add_f32s(s.mul_add_f32s(s.splat_f32s(1.0 / 6.0), far_sum, sixth), m[5]),
    ]
}

/// `B m` for one column.
#[inline(always)]
fn input_gradient_line<S: Simd>(s: S, m: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    let [two, four, five] = [s.splat_f32s(2.0), s.splat_f32s(4.0), s.splat_f32s(5.0)];
    // -factor * x + y
    let less = |factor, x, y| s.negate_mul_add_f32s(factor, x, y);
    let [sum, difference] = [s.add_f32s(m[1], m[2]), s.sub_f32s(m[1], m[2])];
    let [far_sum, far_difference] = [s.add_f32s(m[3], m[4]), s.sub_f32s(m[3], m[4])];
    let twice = s.mul_f32s(two, far_difference);
    [
        s.mul_f32s(four, m[0]),
        less(four, difference, s.sub_f32s(s.mul_f32s(four, m[5]), twice)),
        less(five, m[0], less(four, sum, s.sub_f32s(s.splat_f32s(0.0), far_sum))),
        less(five, m[5], s.add_f32s(difference, twice)),
        s.add_f32s(m[0], s.add_f32s(sum, far_sum)),
        m[5],
    ]
}
