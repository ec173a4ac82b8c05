//! `cargo xtask dist`: an archive for those who do not compile.
//!
//! ```text
//! kiln-VERSION-TARGET.tar.gz
//!   kiln-VERSION-TARGET/kiln, serve-lite           static and stripped
//!   kiln-VERSION-TARGET/completions/               of both programs, for bash, zsh and fish
//!   kiln-VERSION-TARGET/README.md, LICENSE-*
//!   kiln-VERSION-TARGET/SHA256SUMS                 of everything above
//! kiln-VERSION-TARGET.tar.gz.sha256                beside the archive
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::cargo;

/// Links the C library into the program. With `--target` set, build scripts and macros are linked as usual.
const STATIC: &str = "-C target-feature=+crt-static -C relocation-model=static";
const PROGRAMS: [&str; 2] = ["kiln", "serve-lite"];
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];
const TEXTS: [&str; 3] = ["README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Where the archive is written.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder for the archive and its checksum
    #[arg(long, value_name = "DIR", default_value = "target/dist")]
    output: PathBuf,
}

/// A file of the archive.
struct Entry {
    path: String,
    bytes: Vec<u8>,
    executable: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let target = host()?;
    let mut build = cargo::cargo(&["build", "--profile", "dist", "--locked", "--target", &target]);
    build.args(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    build.current_dir(cargo::root()).env("RUSTFLAGS", STATIC);
    ensure!(build.status()?.success(), "the build failed");

    let root = cargo::root();
    let built = cargo::target_folder().join(&target).join("dist");
    let mut entries = Vec::new();
    for program in PROGRAMS {
        let path = built.join(program);
        entries.push(Entry { path: program.to_owned(), bytes: read(&path)?, executable: true });
        for shell in SHELLS {
            let output = Command::new(&path).args(["completions", shell]).output()?;
            ensure!(output.status.success(), "{program} prints no completions for {shell}");
            let path = format!("completions/{program}.{shell}");
            entries.push(Entry { path, bytes: output.stdout, executable: false });
        }
    }
    for text in TEXTS {
        let bytes = read(&root.join(text))?;
        entries.push(Entry { path: text.to_owned(), bytes, executable: false });
    }
    let sums = entries.iter().map(|entry| checksum(&entry.bytes, &entry.path)).collect::<String>();
    entries.push(Entry {
        path: "SHA256SUMS".to_owned(),
        bytes: sums.into_bytes(),
        executable: false,
    });

    let name = format!("kiln-{}-{target}", env!("CARGO_PKG_VERSION"));
    let archive = archive(&name, &entries)?;
    let file = format!("{name}.tar.gz");
    write(&args.output.join(&file), &archive)?;
    let sum = checksum(&archive, &file);
    write(&args.output.join(format!("{file}.sha256")), sum.as_bytes())?;
    anstream::println!(
        "{} ({:.1} MB)",
        args.output.join(file).display(),
        archive.len() as f64 / 1e6
    );
    Ok(ExitCode::SUCCESS)
}

/// A gzipped tar archive with all entries below the folder `name`. Equal entries give equal bytes.
fn archive(name: &str, entries: &[Entry]) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for Entry { path, bytes, executable } in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(if *executable { 0o755 } else { 0o644 });
        archive.append_data(&mut header, format!("{name}/{path}"), bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// A line as `sha256sum --check` reads it.
fn checksum(bytes: &[u8], path: &str) -> String {
    format!("{:x}  {path}\n", Sha256::digest(bytes))
}

/// The target that the compiler builds for, such as `x86_64-unknown-linux-gnu`.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
        .and_then(|()| std::fs::write(path, bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
