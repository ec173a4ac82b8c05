//! `cargo xtask soak`: what `serve-lite serve` promises, measured on the real program.
//!
//! Every check starts servers of its own as child processes, sends traffic to 127.0.0.1 alone, and
//! says of every figure what it must be. The numbers in front are those of the requirements in
//! `docs/serving.md`.

mod batching;
mod bench;
mod deadlines;
mod drain;
mod equal;
mod faults;
mod findings;
mod fuzz;
mod gone;
mod handler;
mod http;
mod load;
mod long;
mod memory;
mod mutate;
mod overload;
mod pictures;
mod random;
mod reload;
mod requests;
mod scrape;
mod series;
mod server;
mod slow;
mod tails;
mod throughput;
mod variants;
mod warp;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;

use crate::console;
use bench::Bench;
use findings::Findings;

/// Which promises to measure, and how long.
#[derive(clap::Args, Debug)]
pub(crate) struct SoakArgs {
    /// Name of the run whose model and pictures are used [default: the latest]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// The checks to run, by name and separated by commas [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Short forms, seconds each: whether it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Minutes of the long mixed load
    #[arg(long, value_name = "M", default_value_t = 60.0)]
    minutes: f64,
    /// Let server and client share all cores, in place of one core each
    #[arg(long)]
    shared_cores: bool,
    /// The server to measure [default: serve-lite beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Where to write the table as Markdown [default: nowhere]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A check: the number of its requirement, its name, and what runs it.
type Check = (u8, &'static str, fn(&Bench, &mut Findings) -> anyhow::Result<()>);

const CHECKS: [Check; 17] = [
    (1, "equal", equal::check),
    (3, "fuzz", fuzz::check),
    (4, "memory", memory::check),
    (5, "throughput", throughput::check),
    (6, "tails", tails::check),
    (7, "batching", batching::check),
    (7, "batching-pays", batching::pays),
    (8, "overload", overload::check),
    (9, "deadlines", deadlines::check),
    (10, "gone", gone::check),
    (11, "slow", slow::check),
    (12, "drain", drain::check),
    (13, "reload", reload::check),
    (14, "metrics", series::check),
    (15, "faults", faults::check),
    (15, "long", long::check),
    (16, "pictures", pictures::check),
];

pub(crate) fn run(runs: &Path, args: &SoakArgs) -> anyhow::Result<ExitCode> {
    let names = CHECKS.map(|(_, name, _)| name);
    if let Some(unknown) = args.only.iter().find(|only| !names.contains(&only.as_str())) {
        bail!("there is no check '{unknown}': choose from {}", names.join(", "));
    }
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    server::end_with_interrupt()?;
    let bench = Bench::new(runs, args)?;
    let mut findings = Findings::new(args.quick);
    for (number, name, check) in CHECKS.into_iter().filter(|(_, name, _)| wanted(name)) {
        console::heading(&format!("{name}: requirement {number}"));
        findings.begin(number, name);
        if let Err(error) = check(&bench, &mut findings) {
            findings.hold("the check itself", "runs to its end", format!("{error:#}"), false);
        }
    }
    if let Some(output) = &args.output {
        let text = findings.markdown(&bench.facts());
        run::write_atomically(output, text.as_bytes())?;
        console::heading(&format!("Table: {}", output.display()));
    }
    let (n_failed, n) = findings.failed();
    console::heading(&format!("{} of {n} figures are as they must be", n - n_failed));
    Ok(if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
