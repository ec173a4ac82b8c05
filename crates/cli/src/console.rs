//! What is printed: a progress bar on a terminal, plain lines elsewhere, errors with their causes.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anstream::eprintln;
use indicatif::{ProgressBar, ProgressStyle};

/// Prints the heading of a stage.
pub(crate) fn heading(text: &str) {
    say(&format!("\x1b[1m{text}\x1b[0m"));
}

/// Prints a line of a stage's results.
pub(crate) fn line(text: &str) {
    say(&format!("  {text}"));
}

/// Prints the files that a stage wrote, one a line.
pub(crate) fn files(files: &[PathBuf]) {
    for file in files {
        line(&file.display().to_string());
    }
}

/// The reader of a pipe, such as `head`, may close it. The results are in the run's files, so a failed write is ignored.
fn say(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints a notice to standard error.
pub(crate) fn notice(text: &str) {
    eprintln!("\x1b[1;33mnotice:\x1b[0m {text}");
}

/// Prints a warning to standard error: it changes what every later figure means.
pub(crate) fn warning(text: &str) {
    eprintln!("\n\x1b[1;31mWARNING\x1b[0m \x1b[1m{text}\x1b[0m\n");
}

/// Prints an error with all of its causes, one a line.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("\x1b[1;31merror:\x1b[0m {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// The progress bar of downloads.
#[derive(Default)]
pub(crate) struct Downloads {
    bar: RefCell<Option<(String, ProgressBar)>>,
}

impl Downloads {
    /// Shows an event of loading.
    pub(crate) fn show(&self, event: &dataset::Event) {
        match event {
            dataset::Event::Notice(text) => {
                self.bar.take();
                notice(text);
            }
            dataset::Event::Warning(text) => {
                self.bar.take();
                warning(text);
            }
            dataset::Event::Downloading { file, received, total } => {
                let mut bar = self.bar.borrow_mut();
                if bar.as_ref().is_none_or(|(name, _)| name != file) {
                    if !std::io::stderr().is_terminal() {
                        eprintln!("downloading {file}");
                    }
                    let style = "{msg} [{bar:30}] {bytes}/{total_bytes}, {eta} left";
                    let new = bar_with(style, total.unwrap_or(0));
                    new.set_message((*file).to_owned());
                    *bar = Some(((*file).to_owned(), new));
                }
                if let Some((_, bar)) = bar.as_ref() {
                    bar.set_position(*received);
                }
            }
            _ => {}
        }
    }
}

/// Training: a progress bar with the epoch's figures on a terminal, and one line an epoch everywhere.
pub(crate) struct Training {
    bar: ProgressBar,
    n_epochs: usize,
}

impl Training {
    pub(crate) fn new(n_epochs: usize) -> Self {
        let style = "  epoch {prefix} [{bar:30}] {pos}/{len}  {msg}  {eta} left";
        Self { bar: bar_with(style, 1), n_epochs }
    }

    pub(crate) fn show(&self, event: &train::Event) {
        match *event {
            train::Event::Step { epoch, step, n_steps, loss, accuracy } => {
                if self.bar.prefix() != format!("{epoch}/{}", self.n_epochs) {
                    self.bar.set_prefix(format!("{epoch}/{}", self.n_epochs));
                    self.bar.reset();
                    self.bar.set_length(n_steps as u64);
                }
                self.bar.set_position(step as u64);
                self.bar.set_message(format!("loss {loss:.4}  accuracy {:.2} %", accuracy * 100.0));
            }
            train::Event::Epoch { metrics: row, best } => self.bar.suspend(|| {
                line(&format!(
                    "epoch {:>2}/{}  loss {:.4}  accuracy {:.2} %{}  {:.1} s  {:.0} images/s{}",
                    row.epoch,
                    self.n_epochs,
                    row.loss,
                    row.accuracy * 100.0,
                    row.val_loss.zip(row.val_accuracy).map_or(
                        String::new(),
                        |(loss, accuracy)| format!(
                            "  validation {loss:.4}  {:.2} %",
                            accuracy * 100.0
                        )
                    ),
                    row.seconds,
                    row.images_per_second,
                    if best { "  lowest" } else { "" }
                ));
            }),
        }
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A progress bar on standard error; indicatif draws none where that is not a terminal.
fn bar_with(template: &str, len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    let bar = ProgressBar::new(len).with_style(style.progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
