//! `cargo xtask bench-peers`: kiln and its peers on one machine, with the same images and the same model.
//!
//! ```text
//! main -> training, end_to_end, time_to_accuracy   programs that `systems` starts in fresh processes
//!      -> inference                                 one `engine` for each system
//!      -> page                                      the results as Markdown
//! ```
//!
//! A system that is missing or fails is listed with the reason. Systems that disagree make the command fail, after the
//! table is written.

mod agreement;
mod arguments;
mod console;
mod end_to_end;
mod engine;
mod history;
mod idx;
mod inference;
mod machine;
mod page;
mod process;
mod python;
mod results;
mod systems;
mod time_to_accuracy;
mod training;

use std::path::Path;

use anyhow::{Context, ensure};
use clap::Parser;
use dataset::Event;
use pipeline::Images;
use run::{Config, DatasetFacts, Needs, RunDirectory, read_json};

use arguments::Args;
use engine::TestImages;
use python::Python;
use results::Results;
use systems::Systems;

/// The allocator of `kiln`, so that Burn and tract are measured as users run them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let run = RunDirectory::find(&args.runs, args.run.as_deref(), Needs::Onnx)?;
    let _lock = run.lock()?;
    let trained_on: DatasetFacts = read_json(&run.dataset())?;
    let (images, config, facts) = load(&run, &trained_on, &args)?;
    let date = machine::today();
    let default_output = || root().join("benches").join("results").join(format!("{date}.md"));
    let output = args.output.clone().unwrap_or_else(default_output);
    create_folder_of(&output)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    idx::write(folder.path(), &images.dataset)?;
    let python = Python::find(root(), args.python.as_deref(), args.offline);
    if let Err(reason) = &python {
        console::notice(&format!("the Python peers are not measured: {reason}"));
    }
    let conditions = machine::conditions(&args, &run, &facts, &python);

    let test = TestImages::new(&images);
    let inference = inference::measure(&run, &trained_on, &test, args.inference_rounds, &python)?;
    let systems = Systems {
        kiln: if args.trains() { systems::build_kiln(root())? } else { Default::default() },
        python: &python,
        folder: folder.path(),
        data: &config.data.data,
        limit: config.data.limit,
    };
    let results = Results {
        date,
        conditions,
        training: training::measure(&systems, args.rounds, args.epochs),
        end_to_end: if args.pipeline { end_to_end::measure(&systems) } else { Vec::new() },
        time_to_accuracy: if args.to_99 { time_to_accuracy::measure(&systems) } else { Vec::new() },
        inference,
    };

    let page = page::markdown(&results);
    run::write_atomically(&output, page.as_bytes())?;
    console::heading(&format!("Table: {}", output.display()));
    page.lines().for_each(console::line);
    ensure!(results.agree(), "some systems compute different results: see {}", output.display());
    Ok(())
}

/// The root of the repository, where the peers' scripts, their Python environment and the results are kept.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// The images that the run was trained on, split as by default, which is how the peers' scripts split them.
fn load(
    run: &RunDirectory,
    trained_on: &DatasetFacts,
    args: &Args,
) -> anyhow::Result<(Images, Config, DatasetFacts)> {
    let mut config = Config::default();
    config.data.data = Config::read(&run.config())?.data.data;
    config.data.limit = args.limit;
    let show = &mut |event: Event| match event {
        Event::Notice(text) | Event::Warning(text) => console::notice(text),
        _ => {}
    };
    let (images, config, facts) = pipeline::load(config, args.offline, show)?;
    ensure!(
        facts.sha256 == trained_on.sha256,
        "{} was trained on other images than '{}' contains now: restore those, or train another run",
        run.path.display(),
        config.data.data
    );
    Ok((images, config, facts))
}

/// Creates the folder of the table now, so that a mistyped path fails before the measurements.
fn create_folder_of(output: &Path) -> anyhow::Result<()> {
    let folder = output.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}: choose another --output", folder.display()))
}
