//! How a batch is distributed over threads, and how their sums are added.

use crate::buffer::Buffer;

/// Images of a group: one thread sums a group's gradients, and the groups are added in order. The sums therefore
/// depend on this number and not on how many threads there are. At 8, a batch of 128 keeps 16 threads busy, and the
/// overhead of a group (clearing and adding its gradients) stays below one per cent.
pub(crate) const GROUP: usize = 8;

/// Gradients of the weights and biases, summed over a group.
pub(crate) struct Gradients {
    pub(crate) dw: Buffer,
    pub(crate) db: Buffer,
}

/// The sum over all groups, in their order; `None` where there are none.
pub(crate) fn sum(groups: Vec<Gradients>) -> Option<Gradients> {
    groups.into_iter().reduce(|mut total, group| {
        let add = |total: &mut Buffer, group: &Buffer| {
            total.iter_mut().zip(group.iter()).for_each(|(total, value)| *total += value);
        };
        add(&mut total.dw, &group.dw);
        add(&mut total.db, &group.db);
        total
    })
}
