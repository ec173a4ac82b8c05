//! Arguments that several commands share.

use std::path::Path;

use clap::Args;
use pipeline::Session;

use crate::console;

/// Which run, and how to compute.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

/// How to compute; none of it changes a result.
#[derive(Args, Clone, Debug)]
pub(crate) struct MachineArgs {
    /// Threads to compute with; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Never use the network
    #[arg(long)]
    pub(crate) offline: bool,
}

impl MachineArgs {
    /// Sets the number of threads of everything that computes in this process.
    pub(crate) fn apply(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()?;
        }
        Ok(())
    }
}

impl RunArgs {
    /// Opens the run with its images.
    pub(crate) fn open(&self, runs: &Path) -> anyhow::Result<Session> {
        self.machine.apply()?;
        let downloads = console::Downloads::default();
        let show = &mut |event: dataset::Event| downloads.show(&event);
        Ok(Session::open(runs, self.run.as_deref(), &[], self.machine.offline, show)?)
    }
}
