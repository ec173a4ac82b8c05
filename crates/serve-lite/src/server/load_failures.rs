//! Which failed loads are logged: a storm of them is a line and a count, not a line each.

use std::time::{Duration, Instant};

/// The least time between two lines with the same reason. Another reason is news: someone has changed the file.
const INTERVAL: Duration = Duration::from_secs(60);

/// The failed loads since one succeeded.
#[derive(Default)]
pub(super) struct LoadFailures {
    logged: Option<(Instant, String)>,
    n_unlogged: u64,
}

impl LoadFailures {
    /// Counts a failure at `now`. Where it is to be logged: how many before it were not.
    pub(super) fn add(&mut self, reason: &str, now: Instant) -> Option<u64> {
        let is_known =
            |(at, last): &(Instant, String)| last == reason && now.duration_since(*at) < INTERVAL;
        if self.logged.as_ref().is_some_and(is_known) {
            self.n_unlogged += 1;
            return None;
        }
        self.logged = Some((now, reason.to_owned()));
        Some(std::mem::take(&mut self.n_unlogged))
    }

    /// A load succeeded: how many failures before it were not logged.
    pub(super) fn end(&mut self) -> u64 {
        std::mem::take(self).n_unlogged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_line_and_a_count() {
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let mut failures = LoadFailures::default();
        assert_eq!(failures.add("a", start), Some(0));
        for ms in 1..=1000 {
            assert_eq!(failures.add("a", after(ms)), None);
        }
        assert_eq!(failures.add("b", after(1001)), Some(1000), "another reason");
        assert_eq!(failures.add("b", after(61_000)), None);
        assert_eq!(failures.add("b", after(61_002)), Some(1));
        assert_eq!(failures.add("b", after(61_003)), None);
        assert_eq!(failures.end(), 1);
        assert_eq!(failures.add("b", after(61_004)), Some(0), "the first after a success");
    }
}
