//! Dropout with random numbers that depend on key and place alone.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::isa::Isa;

/// Counters of Philox that are processed at once in vectors.
const COUNTERS: usize = 16;
/// Random numbers of 16 bits from them: each gives four words of 32 bits.
const NUMBERS: usize = 8 * COUNTERS;
/// Numbers of a task.
const CHUNK: usize = 128 * NUMBERS;
/// Rounds of Philox. Ten is what its authors recommend; seven pass their tests.
const ROUNDS: usize = 10;

/// Sets each number to 0 with probability `rate`, in [0, 1), and divides the others by `1 - rate`, in place and on
/// rayon's threads.
///
/// Which numbers depends on `key` and their index alone, so the backward pass is the same call on the gradient. The
/// rate is rounded to a multiple of 2^-16.
///
/// Random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
pub fn dropout(isa: Isa, key: u64, rate: f64, values: &mut [f32]) {
    // A number is dropped where its random number below 2^16 is less than this.
    let threshold = (rate * 65_536.0).round() as u32;
    let scale = (1.0 / (1.0 - rate)) as f32;
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(task, values)| {
        let counter = (task * CHUNK / NUMBERS * COUNTERS) as u64;
        isa.run(Drop { key, counter, threshold, scale, values });
    });
}

struct Drop<'a> {
    key: u64,
    counter: u64,
    threshold: u32,
    scale: f32,
    values: &'a mut [f32],
}

impl WithSimd for Drop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { key, mut counter, threshold, scale, values } = self;
        for values in values.chunks_mut(NUMBERS) {
            let words = philox(key, counter);
            counter += COUNTERS as u64;
            let (lower, upper) = values.split_at_mut(values.len().min(NUMBERS / 2));
            for (half, shift) in [(lower, 0), (upper, 16)] {
                for (value, word) in half.iter_mut().zip(words.as_flattened()) {
                    let random = (word >> shift) & 0xFFFF;
                    // A product, not a selection: NaN and infinity become NaN, as in Burn.
                    *value *= if random < threshold { 0.0 } else { scale };
                }
            }
        }
    }
}

/// Philox4x32-10 of 16 counters from `first` on: the first words of all, then the second, third and fourth.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "a lane is an index into four arrays at once")]
fn philox(key: u64, first: u64) -> [[u32; COUNTERS]; 4] {
    let mut words = [[0_u32; COUNTERS]; 4];
    for lane in 0..COUNTERS {
        let counter = first + lane as u64;
        words[0][lane] = counter as u32;
        words[1][lane] = (counter >> 32) as u32;
    }
    let (mut key_0, mut key_1) = (key as u32, (key >> 32) as u32);
    for _ in 0..ROUNDS {
        for lane in 0..COUNTERS {
            let product_0 = u64::from(words[0][lane]) * 0xD251_1F53;
            let product_1 = u64::from(words[2][lane]) * 0xCD9E_8D57;
            words[0][lane] = (product_1 >> 32) as u32 ^ words[1][lane] ^ key_0;
            words[1][lane] = product_1 as u32;
            words[2][lane] = (product_0 >> 32) as u32 ^ words[3][lane] ^ key_1;
            words[3][lane] = product_0 as u32;
        }
        key_0 = key_0.wrapping_add(0x9E37_79B9);
        key_1 = key_1.wrapping_add(0xBB67_AE85);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the authors' library Random123, file `kat_vectors`: philox4x32 10.
    #[test]
    fn philox_gives_the_published_numbers() {
        let words = |key, counter| philox(key, counter).map(|words| words[0]);
        assert_eq!(words(0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let second = philox(0, u64::MAX - 1).map(|words| words[1]);
        assert_eq!(second, words(0, u64::MAX));
    }
}
