//! How a batch is distributed over threads, and how their sums are added.

use rayon::iter::MaxLen;
use rayon::prelude::*;
use rayon::slice::Chunks;

use crate::buffer::Buffer;

/// Images of a group: one thread sums a group's gradients, and the groups are added in order. The sums therefore
/// depend on this number and not on how many threads there are. At 8, a batch of 128 keeps 16 threads busy, and the
/// overhead of a group (clearing and adding its gradients) stays below one per cent.
pub(crate) const GROUP: usize = 8;

/// The groups of images of `size` numbers each, handed out one by one: rayon would leave half of them to a thread that
/// the system has interrupted.
pub(crate) fn groups(images: &[f32], size: usize) -> MaxLen<Chunks<'_, f32>> {
    images.par_chunks(GROUP * size).with_max_len(1)
}

/// Gradients of the weights and biases, summed over a group.
pub(crate) struct Gradients {
    pub(crate) dw: Buffer,
    pub(crate) db: Buffer,
}

/// The sum over all groups, in their order, on rayon's threads; `None` where there are none.
pub(crate) fn sum(groups: Vec<Gradients>) -> Option<Gradients> {
    /// Numbers of a task: half of a first-level cache.
    const CHUNK: usize = 1 << 12;
    let mut groups = groups.into_iter();
    let mut total = groups.next()?;
    let rest: Vec<_> = groups.collect();
    let add = |total: &mut [f32], group: &[f32]| {
        total.iter_mut().zip(group).for_each(|(total, value)| *total += value);
    };
    total.dw.par_chunks_mut(CHUNK).enumerate().for_each(|(at, total)| {
        rest.iter().for_each(|group| add(total, &group.dw[at * CHUNK..][..total.len()]));
    });
    rest.iter().for_each(|group| add(&mut total.db, &group.db));
    Some(total)
}
