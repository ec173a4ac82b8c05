//! Images that are equal, and images that look the same.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::scan::Scanned;

/// The most bits in which the hashes of two images that look the same differ. Noise, compression and scaling change those of
/// cells whose neighbour is about as bright.
const MOST_BITS: u32 = 7;
/// Parts of a hash. Of two that differ in [`MOST_BITS`] one part at least is equal.
const BANDS: u32 = MOST_BITS + 1;

/// Groups of images that are equal once they are prepared; indices ascending.
pub(super) fn exact(images: &[Scanned]) -> Vec<Vec<u32>> {
    let mut groups: HashMap<&[u8], Vec<u32>> = HashMap::new();
    for (index, image) in (0..).zip(images) {
        groups.entry(&image.digest).or_default().push(index);
    }
    let mut groups: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups
}

/// Pairs of images that look the same without being equal; the lower index first. Of equal images the first in each part
/// stands for all.
pub(super) fn near(images: &[Scanned]) -> Vec<[u32; 2]> {
    let mut firsts = BTreeMap::new();
    for (index, image) in (0_u32..).zip(images) {
        firsts.entry((&image.digest, image.part)).or_insert(index);
    }
    let mut chosen: Vec<u32> = firsts.into_values().collect();
    chosen.sort_unstable();
    let hash = |index: u32| images[index as usize].fingerprint.gradients;
    let mut pairs: Vec<[u32; 2]> = Vec::new();
    for band in 0..BANDS {
        // Images whose hashes agree in this part.
        let mut buckets: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
        for &index in &chosen {
            buckets.entry(part(hash(index), band)).or_default().push(index);
        }
        for bucket in buckets.values() {
            let found = bucket.par_iter().enumerate().flat_map_iter(|(at, &a)| {
                bucket[at + 1..].iter().filter_map(move |&b| {
                    let differing = hash(a) ^ hash(b);
                    // A pair is found in the first part in which its hashes agree.
                    let is_first = (0..band).all(|earlier| part(differing, earlier) != 0);
                    let [one, other] = [a, b].map(|index| &images[index as usize]);
                    let same = differing.count_ones() <= MOST_BITS
                        && is_first
                        && one.digest != other.digest
                        && one.fingerprint.shows_the_same(&other.fingerprint);
                    same.then_some([a, b])
                })
            });
            pairs.par_extend(found);
        }
    }
    pairs
}

/// Eight bits of a hash: a diagonal of its 8x8 cells, since the cells at the border often say the same of all images.
fn part(hash: u64, band: u32) -> u8 {
    (0..8).map(|row| ((hash >> (8 * row + (row + band) % 8)) as u8 & 1) << row).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_is_in_one_part() {
        for bit in 0..64 {
            let found = (0..BANDS).filter(|&band| part(1 << bit, band) != 0).count();
            assert_eq!(found, 1, "{bit}");
        }
    }
}
