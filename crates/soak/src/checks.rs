//! The checks, one file each, in the order of the requirements in `docs/serving.md`.

mod batching;
mod deadlines;
mod disconnects;
mod drawings;
mod endurance;
mod faults;
mod fuzz;
mod latency;
mod loads;
mod memory;
mod metrics;
mod overload;
mod parity;
mod photographs;
mod reload;
mod shutdown;
mod slow_clients;
mod throughput;

use crate::results::Results;
use crate::setup::Setup;

/// Measures something and compares it with its limits.
type Run = fn(&Setup, &mut Results) -> anyhow::Result<()>;

/// All checks, in the order in which they run: number of the requirement in `docs/serving.md`, name for `--only`, the
/// check, and what it shows.
#[rustfmt::skip]
pub(crate) const CHECKS: [(u8, &str, Run, &str); 19] = [
    (1, "parity", parity::check, "answers over HTTP equal those in process, bit by bit"),
    (3, "fuzz", fuzz::check, "damaged requests cause no crash, hang or 5xx"),
    (4, "memory", memory::check, "requests that ask for much memory do not get it"),
    (5, "throughput", throughput::check, "images per second over HTTP, compared with in process"),
    (6, "latency", latency::check, "latency percentiles below capacity"),
    (7, "batching", batching::check, "callers whose images share a batch get their own answers"),
    (7, "batching-gain", batching::gain, "throughput with and without micro-batching"),
    (8, "overload", overload::check, "three times the load that the server can serve"),
    (9, "deadlines", deadlines::check, "a reply or a refusal by the deadline"),
    (10, "disconnects", disconnects::check, "nothing is computed for clients that have disconnected"),
    (11, "slow-clients", slow_clients::check, "slow and idle clients do not slow others down"),
    (12, "shutdown", shutdown::check, "a graceful shutdown answers every accepted request"),
    (13, "reload", reload::check, "models are replaced without a failed request"),
    (13, "loads", loads::check, "any number of requests to load the model delay no prediction"),
    (14, "metrics", metrics::check, "metrics count exactly and cost little"),
    (15, "faults", faults::check, "start-up, memory, and faults of the environment"),
    (15, "endurance", endurance::check, "a mix of everything for an hour (see --minutes)"),
    (16, "drawings", drawings::check, "accuracy on enlarged, shifted, scaled and thickened digits"),
    (17, "photographs", photographs::check, "digits on real paper, blank paper, several digits"),
];
