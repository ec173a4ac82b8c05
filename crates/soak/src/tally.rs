//! What came of a load: latencies by status, failures, wrong answers.

use std::collections::BTreeMap;
use std::time::Instant;

use serve_client::{Failure, Reply};

use crate::statistics::quantile;

/// What came of a load.
#[derive(Default)]
pub(crate) struct Tally {
    /// Milliseconds from when a request was due until its reply was complete, by status.
    pub(crate) latencies: BTreeMap<u16, Vec<f64>>,
    pub(crate) failures: BTreeMap<Failure, u64>,
    /// Requests sent again, once, because the server was closing the idle connection that they were sent on.
    pub(crate) retried: u64,
    /// Replies that the load's check rejected.
    pub(crate) wrong: u64,
    /// The first unexpected reply, for a message.
    example: Option<String>,
    pub(crate) seconds: f64,
}

impl Tally {
    /// Counts a reply to a request that was due at a time.
    pub(crate) fn add_reply(&mut self, reply: &Reply, due: Instant, is_correct: bool) {
        self.latencies.entry(reply.status).or_default().push(due.elapsed().as_secs_f64() * 1e3);
        self.wrong += u64::from(!is_correct);
        if reply.status != 200 || !is_correct {
            self.example.get_or_insert_with(|| reply.summary());
        }
    }

    /// Counts a request without a reply.
    pub(crate) fn add_failure(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Adds what came of another load, at the same time or later.
    pub(crate) fn add(&mut self, other: Self) {
        for (status, latencies) in other.latencies {
            self.latencies.entry(status).or_default().extend(latencies);
        }
        for (failure, n) in other.failures {
            *self.failures.entry(failure).or_default() += n;
        }
        self.retried += other.retried;
        self.wrong += other.wrong;
        self.seconds += other.seconds;
        self.example = self.example.take().or(other.example);
    }

    /// Replies with a status.
    pub(crate) fn count(&self, status: u16) -> u64 {
        self.latencies.get(&status).map_or(0, |latencies| latencies.len() as u64)
    }

    /// Replies with any status.
    pub(crate) fn n_replies(&self) -> u64 {
        self.latencies.values().map(|latencies| latencies.len() as u64).sum()
    }

    /// Replies with neither of two statuses.
    pub(crate) fn n_others(&self, statuses: [u16; 2]) -> u64 {
        self.n_replies() - statuses.map(|status| self.count(status)).iter().sum::<u64>()
    }

    /// Requests without a reply.
    pub(crate) fn n_failures(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Requests that did not end with 200 and the correct answer.
    pub(crate) fn n_errors(&self) -> u64 {
        self.n_replies() - self.count(200) + self.n_failures() + self.wrong
    }

    /// Replies with 200 a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count(200) as f64 / self.seconds
    }

    /// The latency, in milliseconds, that a fraction of the replies with a status does not exceed; NaN without any.
    pub(crate) fn latency(&self, status: u16, fraction: f64) -> f64 {
        quantile(self.latencies.get(&status).map_or(&[], Vec::as_slice), fraction)
    }

    /// The highest latency of all replies, in milliseconds.
    pub(crate) fn highest_latency(&self) -> f64 {
        self.latencies.values().flatten().copied().fold(0.0, f64::max)
    }

    /// Failures and unexpected statuses, for a message.
    pub(crate) fn errors(&self) -> String {
        let others = self.latencies.iter().filter(|(status, _)| **status != 200);
        let statuses = others.map(|(status, replies)| format!("{} of {status}", replies.len()));
        let failures = self.failures.iter().map(|(failure, n)| format!("{n} {failure}"));
        let wrong = (self.wrong > 0).then(|| format!("{} wrong", self.wrong));
        let retried = (self.retried > 0).then(|| format!("{} retried", self.retried));
        let mut all: Vec<_> = statuses.chain(failures).chain(wrong).chain(retried).collect();
        if self.n_errors() > 0 {
            all.extend(self.example.as_ref().map(|example| format!("for example: {example}")));
        }
        if all.is_empty() { "0 errors".to_owned() } else { all.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_counted_by_status() {
        let mut tally = Tally::default();
        assert!(tally.latency(200, 0.5).is_nan());
        let reply = |status| Reply { status, ..Reply::default() };
        (0..3).for_each(|_| tally.add_reply(&reply(200), Instant::now(), true));
        tally.add_reply(&reply(503), Instant::now(), true);
        tally.add_reply(&reply(200), Instant::now(), false);
        tally.add_failure(Failure::Reset);
        assert_eq!(
            (tally.count(200), tally.count(503), tally.n_replies(), tally.n_failures()),
            (4, 1, 5, 1)
        );
        assert_eq!(tally.n_errors(), 3);
        assert!((0.0..1e3).contains(&tally.latency(200, 0.99)));
        assert_eq!(tally.errors(), "1 of 503, 1 connection reset, 1 wrong, for example: 503 ");
    }
}
