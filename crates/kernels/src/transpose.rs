//! Transposition of a matrix.

use crate::isa::Isa;

/// Side of the blocks that are transposed in vector registers.
const BLOCK: usize = 8;

/// A matrix inside a larger one: `rows` times `columns` numbers, the rows `stride` numbers apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
}

/// Writes the columns of `from` as the rows of `to`, which are `to_stride` numbers apart.
pub(crate) fn transpose(isa: Isa, matrix: Matrix, from: &[f32], to: &mut [f32], to_stride: usize) {
    let Matrix { rows, columns, stride } = matrix;
    let (whole_rows, whole_columns) =
        if isa.has_avx2() { (rows - rows % BLOCK, columns - columns % BLOCK) } else { (0, 0) };
    #[cfg(target_arch = "x86_64")]
    if whole_rows > 0 && whole_columns > 0 {
        let whole = Matrix { rows: whole_rows, columns: whole_columns, stride };
        // SAFETY: the CPU has AVX2, hence AVX: `isa` says so, which exists for what was detected alone.
        unsafe { blocks(whole, from, to, to_stride) };
    }
    let mut copy = |row: usize, column: usize| {
        to[column * to_stride + row] = from[row * stride + column];
    };
    for row in 0..rows {
        let done = if row < whole_rows { whole_columns } else { 0 };
        (done..columns).for_each(|column| copy(row, column));
    }
}

/// [`transpose`] for sides that are multiples of 8: unpack pairs, then quadruples, then halves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
fn blocks(matrix: Matrix, from: &[f32], to: &mut [f32], to_stride: usize) {
    use std::arch::x86_64::*;
    for row in (0..matrix.rows).step_by(BLOCK) {
        for column in (0..matrix.columns).step_by(BLOCK) {
            let r: [__m256; BLOCK] = std::array::from_fn(|i| {
                let at = (row + i) * matrix.stride + column;
                // SAFETY: the slice has the eight numbers that are read, and no alignment is required.
                unsafe { _mm256_loadu_ps(from[at..][..BLOCK].as_ptr()) }
            });
            let low = |i| _mm256_unpacklo_ps(r[i], r[i + 1]);
            let high = |i| _mm256_unpackhi_ps(r[i], r[i + 1]);
            let pairs = [low(0), high(0), low(2), high(2), low(4), high(4), low(6), high(6)];
            let quadruples: [__m256; BLOCK] = std::array::from_fn(|i| {
                let (a, b) = (pairs[i / 4 * 4 + i % 4 / 2], pairs[i / 4 * 4 + i % 4 / 2 + 2]);
                if i % 2 == 0 {
                    _mm256_shuffle_ps::<0b01_00_01_00>(a, b)
                } else {
                    _mm256_shuffle_ps::<0b11_10_11_10>(a, b)
                }
            });
            for i in 0..BLOCK {
                let (a, b) = (quadruples[i % 4], quadruples[i % 4 + 4]);
                let turned = if i < 4 {
                    _mm256_permute2f128_ps::<0x20>(a, b)
                } else {
                    _mm256_permute2f128_ps::<0x31>(a, b)
                };
                let at = (column + i) * to_stride + row;
                // SAFETY: the slice has room for the eight numbers, and no alignment is required.
                unsafe { _mm256_storeu_ps(to[at..][..BLOCK].as_mut_ptr(), turned) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_becomes_a_row() {
        for isa in Isa::available() {
            for (rows, columns) in [(1, 1), (8, 8), (16, 24), (13, 9), (7, 40), (33, 17)] {
                let (stride, to_stride) = (columns + 3, rows + 2);
                let from: Vec<f32> = (0..rows * stride).map(|i| i as f32).collect();
                let mut to = vec![-1.0; columns * to_stride];
                transpose(isa, Matrix { rows, columns, stride }, &from, &mut to, to_stride);
                for row in 0..rows {
                    for column in 0..columns {
                        let (a, b) = (to[column * to_stride + row], from[row * stride + column]);
                        assert_eq!(a, b, "{isa}, {rows}x{columns}");
                    }
                }
                assert!((0..columns).all(|c| to[c * to_stride + rows..][..2] == [-1.0; 2]));
            }
        }
    }
}
