//! Trains on synthetic digits, then exports and verifies the network. usage: train_and_export RUNS_FOLDER

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::atomic::AtomicBool;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs = std::env::args().nth(1).ok_or("usage: train_and_export RUNS_FOLDER")?;
    let settings = [("data", "synthetic"), ("limit", "1000"), ("epochs", "1")];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = run::Config::default().with(&settings)?;
    let session = pipeline::Session::create(Path::new(&runs), None, config, true, &mut |_| ())?;
    pipeline::train(&session, None, &AtomicBool::new(false), &mut |_| ())?;
    let accuracy = pipeline::evaluate(&session, &mut |_, _| ())?.accuracy;
    let exported = pipeline::export_onnx(&session.run, &session.run.onnx())?;
    pipeline::verify(&session, &mut |_, _| ())?;
    println!("{}: test accuracy {:.1} %", exported.path.display(), accuracy * 100.0);
    Ok(())
}
