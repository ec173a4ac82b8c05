//! Arguments that several commands share.

use std::path::Path;

use clap::Args;
use pipeline::Session;
use run::{Needs, RunDirectory, count, run_name};

use crate::console;
use crate::progress::Downloads;

/// Which run, and how to compute.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Name of the run [default: the newest that can do what is asked]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    pub(crate) run: Option<String>,
    /// Where the images of the run are now: auto, mnist, synthetic, or a folder [default: where they were]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

/// How to compute; none of it changes a result.
#[derive(Args, Clone, Debug)]
pub(crate) struct MachineArgs {
    /// Threads to compute with; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = count(1..=1024_u16))]
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
    pub(crate) fn open(&self, runs: &Path, needs: Needs) -> anyhow::Result<Session> {
        self.machine.apply()?;
        let downloads = Downloads::new();
        let show = &mut |event: dataset::Event| downloads.show(&event);
        let name = self.run.as_deref();
        let data: Vec<_> = self.data.iter().map(|data| ("data".to_owned(), data.clone())).collect();
        let session = Session::open(runs, name, needs, &data, self.machine.offline, show)?;
        say_which(runs, name, needs, &session.run);
        Ok(session)
    }
}

/// The run that a command works on, without its images.
pub(crate) fn find_run(
    runs: &Path,
    name: Option<&str>,
    needs: Needs,
) -> anyhow::Result<RunDirectory> {
    let run = RunDirectory::find(runs, name, needs)?;
    say_which(runs, name, needs, &run);
    Ok(run)
}

/// Says which run is used where it is not the newest, and why not.
fn say_which(runs: &Path, name: Option<&str>, needs: Needs, run: &RunDirectory) {
    let newest = RunDirectory::open(runs, None).ok().filter(|newest| newest != run);
    let (None, Some(newest)) = (name, newest) else { return };
    let (what, command) = needs.words();
    let why = match newest.has(needs) {
        true => "is in use by another process".to_owned(),
        false => format!("has no {what} yet: `{}` makes it", console::command(command, &newest)),
    };
    console::notice(&format!("this is {}; {}, the newest, {why}", run.name(), newest.name()));
}
