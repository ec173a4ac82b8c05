//! Reads image files in parallel, and tells how far it is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};

use rayon::prelude::*;

use crate::event::Event;
use crate::progress::{INTERVAL, Progress};

/// What `read` gives for each of `items`, which it does in parallel, in their order. `on_event` hears how many are done.
///
/// Memory: the results; `read` runs once a thread.
pub(crate) fn in_parallel<I: Send, T: Send>(
    items: impl IndexedParallelIterator<Item = I>,
    read: impl Fn(I) -> T + Sync,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Vec<T> {
    let done = AtomicUsize::new(0);
    let mut progress = Progress::new(items.len());
    let results = std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let (done, read) = (&done, &read);
        // The callback is not for several threads, so the work is done in another.
        let work = scope.spawn(move || {
            let count = |item| {
                let result = read(item);
                done.fetch_add(1, Ordering::Relaxed);
                result
            };
            let _ = sender.send(items.map(count).collect::<Vec<T>>());
        });
        loop {
            match receiver.recv_timeout(INTERVAL) {
                Ok(results) => return results,
                Err(RecvTimeoutError::Timeout) => {
                    progress.show(done.load(Ordering::Relaxed), on_event);
                }
                // It has panicked.
                Err(RecvTimeoutError::Disconnected) => match work.join() {
                    Ok(()) => return Vec::new(),
                    Err(panic) => std::panic::resume_unwind(panic),
                },
            }
        }
    });
    progress.end(on_event);
    results
}

/// Decodes an image file; the error names it.
pub(crate) fn image(root: &Path, path: &PathBuf) -> images::Result<images::Image> {
    images::read(&root.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_progress_ends_with_all() {
        let mut told = Vec::new();
        let slow = |item: usize| {
            std::thread::sleep(INTERVAL / 4);
            2 * item
        };
        let results = in_parallel((0..64).into_par_iter(), slow, &mut |event| match event {
            Event::Reading { done, total: 64 } => told.push(done),
            event => panic!("{event:?}"),
        });
        assert_eq!(results, (0..64).map(|item| 2 * item).collect::<Vec<_>>());
        assert!(told.len() > 1 && told.is_sorted(), "{told:?}");
        assert_eq!(told.last(), Some(&64));
        let mut silent = |event: Event<'_>| panic!("{event:?}");
        assert_eq!(in_parallel([1].into_par_iter(), |item| item, &mut silent), [1]);
    }
}
