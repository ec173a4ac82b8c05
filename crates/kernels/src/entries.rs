//! The outputs of one image that have a gradient, listed place by place and channel by channel.
//!
//! The lists are built with bit masks and conditional increments, without branches, which no CPU would predict.

use std::ops::Range;

use crate::conv_relu_pool::NO_WINNER;
use crate::shape::Shape;

/// An output with a gradient.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    /// In the list of a place, the output's channel; in the list of a channel, where its window begins in the image.
    pub(crate) at: u32,
    /// The gradient.
    pub(crate) dy: f32,
}

/// Channels that are handled at once, one bit each.
const CHUNK: usize = u64::BITS as usize;

/// The lists of all places, a place being a row and a column of the convolution's output.
pub(crate) struct Places {
    channels: usize,
    /// `[rows, columns]`: where each place's entries begin and end.
    ranges: Vec<[u32; 2]>,
    /// Likewise of the channels that [`Self::narrow`] chose last.
    part: Vec<[u32; 2]>,
    entries: Vec<Entry>,
    /// For each chunk of a cell's channels, those whose winner is at the first place, at the second, and so on.
    winners: Vec<[u64; 4]>,
}

impl Places {
    pub(crate) fn new(shape: Shape) -> Self {
        let places = shape.output() / shape.channels_out;
        Self {
            channels: shape.channels_out,
            ranges: vec![[0; 2]; places],
            part: Vec::with_capacity(places),
            entries: Vec::with_capacity(shape.output()),
            winners: Vec::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, place: usize) -> &[Entry] {
        let [start, end] = self.ranges[place];
        &self.entries[start as usize..end as usize]
    }

    /// Chooses channels for [`Self::part_at`]: all that lie below `end` and were not chosen since `start` was 0.
    pub(crate) fn narrow(&mut self, Range { start, end }: Range<usize>) {
        if start == 0 {
            self.part.clear();
            self.part.extend(self.ranges.iter().map(|&[first, _]| [first; 2]));
        }
        for (part, &[_, last]) in self.part.iter_mut().zip(&self.ranges) {
            let rest = &self.entries[part[1] as usize..last as usize];
            let n = if end < self.channels {
                rest.iter().take_while(|entry| (entry.at as usize) < end).count()
            } else {
                rest.len()
            };
            *part = [part[1], part[1] + n as u32];
        }
    }

    /// The entries of a place in the channels that were chosen.
    #[inline(always)]
    pub(crate) fn part_at(&self, place: usize) -> &[Entry] {
        let [start, end] = self.part[place];
        &self.entries[start as usize..end as usize]
    }

    /// Lists the outputs that are not 0 and have a gradient: `y` and `dy` are `[rows, columns, channels_out]`.
    #[inline(always)]
    pub(crate) fn list(&mut self, shape: Shape, y: &[f32], dy: &[f32]) {
        let co = shape.channels_out;
        self.entries.resize(shape.output(), Entry::default());
        let mut end = 0;
        for (place, (y, dy)) in y.chunks_exact(co).zip(dy.chunks_exact(co)).enumerate() {
            let start = end;
            for (o, (&y, &dy)) in y.iter().zip(dy).enumerate() {
                // Always written, and overwritten by the next one where it does not count.
                self.entries[end] = Entry { at: o as u32, dy };
                end += usize::from((y != 0.0) & (dy != 0.0));
            }
            self.ranges[place] = [start as u32, end as u32];
        }
    }

    /// Lists the winners that have a gradient: `winners` and `dy` are `[pooled rows, pooled columns, channels_out]`.
    #[inline(always)]
    pub(crate) fn list_winners(&mut self, shape: Shape, winners: &[u8], dy: &[f32]) {
        let co = shape.channels_out;
        let ([_, columns], [_, width]) = (shape.pooled_sides(), shape.output_sides());
        self.entries.clear();
        for (cell, (winners, dy)) in winners.chunks_exact(co).zip(dy.chunks_exact(co)).enumerate() {
            let chunks = winners.chunks(CHUNK).zip(dy.chunks(CHUNK));
            self.winners.clear();
            self.winners.extend(chunks.map(|(winners, dy)| by_place(winners, dy)));
            let corner = cell / columns * 2 * width + cell % columns * 2;
            for k in 0..4 {
                let start = self.entries.len() as u32;
                for (chunk, winners) in self.winners.iter().enumerate() {
                    let mut live = winners[k];
                    while live != 0 {
                        let o = chunk * CHUNK + live.trailing_zeros() as usize;
                        self.entries.push(Entry { at: o as u32, dy: dy[o] });
                        live &= live - 1;
                    }
                }
                self.ranges[corner + k / 2 * width + k % 2] = [start, self.entries.len() as u32];
            }
        }
    }
}

/// Which of up to 64 winners with a gradient are at each of the four places, one bit each.
#[inline(always)]
fn by_place(winners: &[u8], dy: &[f32]) -> [u64; 4] {
    let mut places = [NO_WINNER; CHUNK];
    for ((place, &winner), &dy) in places.iter_mut().zip(winners).zip(dy) {
        *place = if dy == 0.0 { NO_WINNER } else { winner.min(NO_WINNER) };
    }
    let (eights, _) = places.as_chunks::<8>();
    std::array::from_fn(|k| {
        let bits = eights.iter().map(|&eight| equal_bytes(u64::from_le_bytes(eight), k as u64));
        bits.rev().fold(0, |mask, bits| (mask << 8) | bits)
    })
}

/// Which of eight bytes, all below 128, are `value`, one bit each.
#[inline(always)]
fn equal_bytes(eight: u64, value: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Adding 127 sets the upper bit of a byte unless the byte is 0, and never carries into the next.
    let differs = (eight ^ (ONES * value)) + ONES * 127;
    // Gathers the upper bits in the uppermost byte.
    (((!differs >> 7) & ONES).wrapping_mul(0x0102_0408_1020_4080)) >> 56
}

/// The lists of all channels, over some rows of places.
pub(crate) struct Channels {
    /// Entries that a channel has room for.
    slots: usize,
    /// `[channels_out, slots]`
    entries: Vec<Entry>,
    counts: Vec<u32>,
}

impl Channels {
    /// Room for `slots` entries of each channel.
    pub(crate) fn new(shape: Shape, slots: usize) -> Self {
        Self {
            slots,
            entries: vec![Entry::default(); shape.channels_out * slots],
            counts: vec![0; shape.channels_out],
        }
    }

    /// Lists the entries of the places in `rows`, and adds them to the gradient `db` of the biases.
    ///
    /// In the image, rows are `row` numbers apart and pixels `pixel` numbers.
    #[inline(always)]
    pub(crate) fn list(
        &mut self,
        shape: Shape,
        rows: Range<usize>,
        [row, pixel]: [usize; 2],
        places: &Places,
        db: &mut [f32],
    ) {
        let [_, width] = shape.output_sides();
        self.counts.fill(0);
        for y in rows {
            for column in 0..width {
                let at = (y * row + column * pixel) as u32;
                for &Entry { at: o, dy } in places.at(y * width + column) {
                    let o = o as usize;
                    let count = &mut self.counts[o];
                    self.entries[o * self.slots + *count as usize] = Entry { at, dy };
                    *count += 1;
                    db[o] += dy;
                }
            }
        }
    }

    /// The list of channel `o`.
    #[inline(always)]
    pub(crate) fn at(&self, o: usize) -> &[Entry] {
        &self.entries[o * self.slots..][..self.counts[o] as usize]
    }
}
