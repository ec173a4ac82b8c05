//! What is printed: results on standard output, notices and errors with their causes on standard error.
//!
//! The reader of a pipe, such as `head`, may close it. The results are in the run's files, so a failed write is ignored.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use run::RunDirectory;

/// Columns of a line where there is no terminal to ask.
const COLUMNS: usize = 80;

/// The program as a user calls it: `kiln` or `cargo xtask`.
static PROGRAM: OnceLock<&'static str> = OnceLock::new();

/// Sets the program that hints name.
pub(crate) fn set_program(program: &'static str) {
    PROGRAM.get_or_init(|| program);
}

/// A command for a run as a user types it, with the flags that name the run.
pub(crate) fn command(command: &str, run: &RunDirectory) -> String {
    format!("{} {command} {}", PROGRAM.get().unwrap_or(&"kiln"), run.flags())
}

/// Prints the heading of a stage.
pub(crate) fn heading(text: &str) {
    say(&format!("\x1b[1m{text}\x1b[0m"));
}

/// Prints a line of a stage's results.
pub(crate) fn line(text: &str) {
    say(&format!("  {text}"));
}

/// Prints a line of a table, cut where the terminal ends so that it stays one line.
pub(crate) fn row(text: &str) {
    let columns = if std::io::stdout().is_terminal() { columns() } else { usize::MAX };
    say(&shortened(&format!("  {text}"), columns));
}

/// Prints a sentence, on several lines where it is longer than one.
pub(crate) fn sentence(text: &str) {
    wrapped(text, columns().saturating_sub(2)).iter().for_each(|text| line(text));
}

/// Prints the files that a stage wrote, one a line.
pub(crate) fn files(files: &[PathBuf]) {
    for file in files {
        line(&file.display().to_string());
    }
}

/// Prints the command that usually follows.
pub(crate) fn next(name: &str, run: &RunDirectory) {
    say(&format!("\x1b[2mnext: {}\x1b[0m", command(name, run)));
}

/// Prints a record as JSON. Fails only where it cannot be written as such.
pub(crate) fn json(record: &impl serde::Serialize) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(record)?);
    Ok(())
}

fn say(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints a notice to standard error.
pub(crate) fn notice(text: &str) {
    complain(&format!("\x1b[1;33mnotice:\x1b[0m {text}"));
}

/// Prints a warning to standard error: it changes what every later figure means.
pub(crate) fn warning(text: &str) {
    complain(&format!("\n\x1b[1;31mWARNING\x1b[0m \x1b[1m{text}\x1b[0m\n"));
}

/// Prints an error with all of its causes, one a line.
pub(crate) fn error(error: &anyhow::Error) {
    complain(&format!("\x1b[1;31merror:\x1b[0m {error}"));
    for cause in error.chain().skip(1) {
        complain(&format!("  because: {cause}"));
    }
}

/// Prints a plain line to standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Columns of the terminal that standard output is, or 80.
pub(crate) fn columns() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map_or(COLUMNS, |(width, _)| usize::from(width.0).max(1))
}

/// The first of `texts`, longest first, that fits into `columns` with the two that [`line`] indents by; else the last.
pub(crate) fn fitting(texts: &[String], columns: usize) -> &str {
    let fits = |text: &&String| text.chars().count() + 2 <= columns;
    texts.iter().find(fits).or(texts.last()).map_or("", String::as_str)
}

/// The words of `text` on lines of at most so many columns, a longer word on its own.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                *line += &format!(" {word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text` if it fits into `columns`, else its beginning and an ellipsis.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_by_characters() {
        assert_eq!(shortened("größer", 6), "größer");
        assert_eq!(shortened("größer", 5), "größ…");
        assert_eq!(shortened("a", 0), "…");
        assert_eq!(wrapped("a bc  def ghijkl m", 5), ["a bc", "def", "ghijkl", "m"]);
        let texts = ["a long text".to_owned(), "short".to_owned()];
        assert_eq!(fitting(&texts, 13), "a long text");
        assert_eq!(fitting(&texts, 12), "short");
        assert_eq!(fitting(&texts, 1), "short");
    }
}
