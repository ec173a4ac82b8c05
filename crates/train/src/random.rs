//! Random numbers that depend on seed, epoch and step alone, so that no state needs to be saved.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The order in which `epoch` visits the training images: a Fisher-Yates shuffle of `indices`.
///
/// ChaCha8 is specified independently of any library, so the order is the same on every machine.
pub(crate) fn shuffled(indices: &[u32], seed: u64, epoch: usize) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(epoch as u64);
    let mut order = indices.to_vec();
    for last in (1..order.len()).rev() {
        // The modulo favours low indices by less than 2^-32 for any data set that fits in memory.
        let other = random.next_u64() % (last as u64 + 1);
        order.swap(last, other as usize);
    }
    order
}

/// The seed of dropout's random numbers in one step.
pub(crate) fn step_seed(seed: u64, epoch: usize, step: usize) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ DROPOUT);
    random.set_stream(epoch as u64);
    // ChaCha counts 32-bit words, and a step's seed takes two of them.
    random.set_word_pos(2 * step as u128);
    random.next_u64()
}

/// Keeps dropout's stream apart from shuffling's; the value has no other meaning.
const DROPOUT: u64 = 0x6472_6F70_6F75_7431;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_that_changes_with_epoch_and_seed_only() {
        let indices: Vec<u32> = (100..1100).collect();
        let order = shuffled(&indices, 1, 1);
        assert_eq!(order, shuffled(&indices, 1, 1));
        assert_ne!(order, shuffled(&indices, 1, 2));
        assert_ne!(order, shuffled(&indices, 2, 1));
        assert_ne!(order, indices);
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, indices);
    }

    #[test]
    fn every_step_has_a_seed_of_its_own() {
        let mut seeds = std::collections::HashSet::new();
        for epoch in 1..=20 {
            for step in 0..329 {
                assert!(seeds.insert(step_seed(42, epoch, step)), "epoch {epoch}, step {step}");
            }
        }
    }
}
