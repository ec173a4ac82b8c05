//! The checks, one file each, in the order of the requirements in `docs/serving.md`.

mod batching;
mod deadlines;
mod disconnects;
mod drawings;
mod endurance;
mod faults;
mod fuzz;
mod fuzz_in_process;
mod latency;
mod memory;
mod metrics;
mod overload;
mod parity;
mod probe;
mod reload;
mod shutdown;
mod slow_clients;
mod throughput;

use crate::results::Results;
use crate::setup::Setup;

/// Measures something and compares it with its limits.
pub(crate) struct Check {
    /// Number of the requirement in `docs/serving.md`.
    pub(crate) requirement: u8,
    /// Its name for `--only`.
    pub(crate) name: &'static str,
    /// What it shows, in a line.
    pub(crate) summary: &'static str,
    pub(crate) run: fn(&Setup, &mut Results) -> anyhow::Result<()>,
}

const fn check(
    requirement: u8,
    name: &'static str,
    run: fn(&Setup, &mut Results) -> anyhow::Result<()>,
    summary: &'static str,
) -> Check {
    Check { requirement, name, summary, run }
}

/// All checks, in the order in which they run.
#[rustfmt::skip]
pub(crate) const CHECKS: [Check; 17] = [
    check(1, "parity", parity::check, "answers over HTTP equal those in process, bit by bit"),
    check(3, "fuzz", fuzz::check, "damaged requests cause no crash, hang or 5xx"),
    check(4, "memory", memory::check, "requests that ask for much memory do not get it"),
    check(5, "throughput", throughput::check, "images per second over HTTP, compared with in process"),
    check(6, "latency", latency::check, "latency percentiles below capacity"),
    check(7, "batching", batching::check, "callers whose images share a batch get their own answers"),
    check(7, "batching-gain", batching::gain, "throughput with and without micro-batching"),
    check(8, "overload", overload::check, "three times the load that the server can serve"),
    check(9, "deadlines", deadlines::check, "a reply or a refusal by the deadline"),
    check(10, "disconnects", disconnects::check, "nothing is computed for clients that have disconnected"),
    check(11, "slow-clients", slow_clients::check, "slow and idle clients do not slow others down"),
    check(12, "shutdown", shutdown::check, "a graceful shutdown answers every accepted request"),
    check(13, "reload", reload::check, "models are replaced without a failed request"),
    check(14, "metrics", metrics::check, "metrics count exactly and cost little"),
    check(15, "faults", faults::check, "start-up, memory, and faults of the environment"),
    check(15, "endurance", endurance::check, "a mix of everything for an hour (see --minutes)"),
    check(16, "drawings", drawings::check, "accuracy on enlarged, shifted, scaled and thickened digits"),
];
