//! How far the reading of images is, told at most ten times a second.

use std::time::{Duration, Instant};

use crate::event::Event;

/// Time between two events. What takes less is not reported at all.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);

/// How far the reading of images is.
pub(crate) struct Progress {
    total: usize,
    told: Instant,
    any: bool,
}

impl Progress {
    /// Of so many images.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, told: Instant::now(), any: false }
    }

    /// So many are read.
    pub(crate) fn show(&mut self, done: usize, on_event: &mut dyn FnMut(Event<'_>)) {
        if self.told.elapsed() >= INTERVAL && done < self.total {
            on_event(Event::Reading { done, total: self.total });
            self.told = Instant::now();
            self.any = true;
        }
    }

    /// All are read: a front end that has shown progress removes it.
    pub(crate) fn end(self, on_event: &mut dyn FnMut(Event<'_>)) {
        if self.any {
            on_event(Event::Reading { done: self.total, total: self.total });
        }
    }
}
