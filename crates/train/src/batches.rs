//! Batches of an epoch, prepared ahead of the steps that learn from them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use dataset::{Examples, augment};
use run::Config;

/// Batches that wait to be learned from. One would do on average; the second bridges a step that is shorter.
const AHEAD: usize = 2;

/// Augmented images and their labels.
pub(crate) struct Batch {
    /// `n * shape.size()` levels.
    pub(crate) pixels: Vec<u8>,
    /// `n` class indices.
    pub(crate) labels: Vec<u16>,
}

/// The batches of `epoch` from the step `first` on, in the order of `order`.
///
/// A thread of its own prepares them, so that augmentation uses a core that would otherwise wait during a step. It ends
/// when the receiver is dropped.
pub(crate) fn batches<'scope>(
    scope: &'scope Scope<'scope, '_>,
    examples: &'scope Examples,
    order: &'scope [u32],
    config: &'scope Config,
    (epoch, first): (usize, usize),
) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        for indices in order.chunks(config.training.batch_size).skip(first) {
            // There is no receiver once training was interrupted or has failed.
            if sender.send(batch(examples, indices, config, epoch)).is_err() {
                return;
            }
        }
    });
    receiver
}

fn batch(examples: &Examples, indices: &[u32], config: &Config, epoch: usize) -> Batch {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    examples.gather(indices, &mut pixels, &mut labels);
    if !config.augmentation.is_none() {
        let (shape, size) = (examples.shape, examples.shape.size());
        let mut augmented = vec![0; pixels.len()];
        let images = pixels.chunks_exact(size).zip(augmented.chunks_exact_mut(size));
        for ((from, to), &index) in images.zip(indices) {
            let draw = (config.training.seed, epoch, index);
            augment(&config.augmentation, draw, shape, from, to);
        }
        pixels = augmented;
    }
    Batch { pixels, labels }
}
