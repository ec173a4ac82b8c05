//! Images that are equal, and images that look the same: candidates by their hashes, then compared.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::scan::Scanned;

/// The most bits in which the hashes of two images that look the same differ. Noise, compression and scaling change those of
/// cells whose neighbour is about as bright.
const MOST_BITS: u32 = 6;
/// A drawing on an even ground sets few bits, so that fewer may differ: one of so many.
const SET: u32 = 4;
/// Of a scene that many images show, such as the frames of a film, each is paired with few others that agree with it in
/// two parts of the hash: all pairs would take unlimited time and memory.
const PARTNERS: usize = 3;
/// With so many that agree with it in two parts an image is compared, in each of its parts: drawings agree in a part by the
/// thousand without looking the same.
const COMPARED: usize = 200;
/// Parts of a hash. Of two that differ in [`MOST_BITS`] two parts at least are equal.
const BANDS: usize = MOST_BITS as usize + 2;

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
    let same = |a: u32, b: u32| {
        let n_differing = (hash(a) ^ hash(b)).count_ones();
        let n_set = (hash(a) | hash(b)).count_ones();
        let [a, b] = [a, b].map(|index| &images[index as usize]);
        n_differing <= MOST_BITS.min(n_set / SET)
            && a.digest != b.digest
            && a.fingerprint.shows_the_same(&b.fingerprint)
    };
    let mut pairs: Vec<[u32; 2]> = Vec::new();
    for first in 0..BANDS {
        for second in first + 1..BANDS {
            // Images whose hashes agree in both parts are side by side.
            let key = |index: u32| [first, second].map(|band| part(hash(index), band));
            let mut keyed: Vec<_> = chosen.iter().map(|&index| (key(index), index)).collect();
            keyed.par_sort_unstable();
            let buckets: Vec<_> = keyed.chunk_by(|a, b| a.0 == b.0).collect();
            let found = buckets.par_iter().flat_map_iter(|bucket| {
                bucket.iter().enumerate().flat_map(move |(at, &(_, a))| {
                    let others = bucket[at + 1..].iter().map(|&(_, b)| b);
                    let is_across =
                        move |&b: &u32| images[b as usize].part != images[a as usize].part;
                    let across = others.clone().filter(is_across).take(COMPARED);
                    let within = others.filter(move |b| !is_across(b)).take(COMPARED);
                    let found = across.filter(move |&b| same(a, b)).take(PARTNERS);
                    let found = found.chain(within.filter(move |&b| same(a, b)).take(PARTNERS));
                    found.map(move |b| [a, b])
                })
            });
            pairs.par_extend(found);
            // A pair may agree in more than two parts.
            pairs.par_sort_unstable();
            pairs.dedup();
        }
    }
    pairs
}

/// Eight bits of a hash: a diagonal of its 8x8 cells, since the cells at the border often say the same of all images.
fn part(hash: u64, band: usize) -> u8 {
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
