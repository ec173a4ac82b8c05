//! `serve-lite serve`: the model over HTTP.

use std::path::PathBuf;
use std::process::ExitCode;

use serve_lite::{Ended, ServeOptions};

const EXAMPLES: &str = "\
Examples:
  serve-lite serve model.onnx                            then open http://127.0.0.1:8000/ and draw
  curl -s --data-binary @seven.png 127.0.0.1:8000/v1/predict
  curl -s 127.0.0.1:8000/v2/models/mnist                 what the model takes and gives
  serve-lite serve model.onnx --host 0.0.0.0 --token-file token --log-format json
  serve-lite serve model.onnx --drain-delay 5            behind a balancer: leave its list first

The protocol is the Open Inference Protocol (KServe V2) with Triton's binary tensors, so that
tritonclient works as it is. Metrics are at /metrics. A new model file that is moved to the old one's
place is taken up while requests go on; SIGHUP does the same. SIGTERM and Ctrl-C answer what was
accepted, then end; a second one ends at once.";

/// Answer over HTTP, with a page to draw on
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The ONNX model
    model: PathBuf,
    #[command(flatten)]
    options: ServeOptions,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    settle_allocator();
    let _log = serve_lite::log_to_stderr(&args.options);
    let ended = serve_lite::serve(&args.model, &args.options, &mut anstream::stdout())?;
    Ok(if ended == Ended::Stopped { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Keeps glibc's allocator from holding on to what bursts of requests leave behind.
///
/// By default it opens up to eight arenas a core, each of which keeps its own free memory: one serves all threads as
/// quickly, as they allocate little beside what they compute. The sizes from which memory is handed back at once it moves
/// by itself, which ends at the largest block it has seen, a model's weights. Here they lie above what a batch of pictures
/// takes and gives back all the time (at 1 MiB much of the throughput was lost to the kernel), and below the weights
/// that a reload leaves.
fn settle_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` stores a number, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 32 << 20);
    }
}
