//! `serve-lite serve`: answers requests over HTTP.

use std::path::PathBuf;
use std::process::ExitCode;

use serve_lite::{ServeOptions, Shutdown};

const EXAMPLES: &str = "\
Examples:
  serve-lite serve model.onnx                            then open http://127.0.0.1:8000/ and draw
  curl -s --data-binary @seven.png 127.0.0.1:8000/v1/predict
  curl -s 127.0.0.1:8000/v2/models/mnist                 the model's inputs and outputs
  serve-lite serve model.onnx --host 0.0.0.0 --token-file token --log-format json
  serve-lite serve model.onnx --drain-delay 5            behind a load balancer

The protocol is the Open Inference Protocol (KServe V2) with Triton's binary tensors; tritonclient
works unchanged. Metrics are at /metrics. When the model file is replaced, the new model is loaded
while requests continue; SIGHUP also reloads it. SIGTERM and Ctrl-C answer the accepted requests,
then end the server; a second signal ends it at once.";

/// Answer requests over HTTP, with a page to draw on
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The ONNX model
    model: PathBuf,
    #[command(flatten)]
    options: ServeOptions,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    limit_allocator();
    let _log = serve_lite::log_to_stderr(&args.options);
    let shutdown = serve_lite::serve(&args.model, &args.options, &mut anstream::stdout())?;
    Ok(if shutdown == Shutdown::Forced { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Makes glibc's allocator return the memory that bursts of requests and reloads leave behind.
///
/// By default it opens up to eight arenas per core, each with its own free memory. One is as fast here, as threads
/// allocate little compared to what they compute. By default it also raises the block size from which it returns memory
/// at once, up to the largest block freed so far: a model's weights. The fixed sizes here are above the blocks of a
/// batch, which are allocated and freed all the time (at 1 MiB much of the throughput was lost to the kernel), and
/// below the weights that a reload frees.
fn limit_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` stores a number, and no other thread is running yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 4 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 32 << 20);
    }
}
