//! Batches of an epoch, made ahead of the steps that learn from them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use dataset::{Augmentation, Examples, PIXELS, augment};
use run::Config;

/// Batches that wait to be learned from. One would do on average; the second covers a step that is shorter.
const AHEAD: usize = 2;

/// Pictures as they are shown, and their labels.
pub(crate) struct Batch {
    /// `n * 784` grey levels.
    pub(crate) pixels: Vec<u8>,
    /// `n` class indices.
    pub(crate) labels: Vec<u8>,
}

/// The batches of `epoch` from the step `first` on, in the order of `order`.
///
/// A thread of its own makes them while the step before computes, so that augmentation takes a gap in which a core
/// would have waited. It ends with the receiver.
pub(crate) fn batches<'scope>(
    scope: &'scope Scope<'scope, '_>,
    examples: &'scope Examples,
    order: &'scope [u32],
    config: &'scope Config,
    (epoch, first): (usize, usize),
) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel(AHEAD);
    let augmentation = augmentation(config);
    scope.spawn(move || {
        for indices in order.chunks(config.batch_size).skip(first) {
            let batch = batch(examples, indices, &augmentation, (config.seed, epoch));
            // Nobody listens any more once training has been interrupted or has failed.
            if sender.send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}

fn batch(
    examples: &Examples,
    indices: &[u32],
    augmentation: &Augmentation,
    (seed, epoch): (u64, usize),
) -> Batch {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    examples.gather(indices, &mut pixels, &mut labels);
    if !augmentation.is_none() {
        let mut shown = vec![0; pixels.len()];
        let pictures = pixels.chunks_exact(PIXELS).zip(shown.chunks_exact_mut(PIXELS));
        for ((picture, shown), &index) in pictures.zip(indices) {
            augment(augmentation, (seed, epoch, index), picture, shown);
        }
        pixels = shown;
    }
    Batch { pixels, labels }
}

fn augmentation(config: &Config) -> Augmentation {
    let Config { rotation, shift, zoom, elastic, .. } = *config;
    Augmentation { rotation, shift, zoom, elastic }
}
