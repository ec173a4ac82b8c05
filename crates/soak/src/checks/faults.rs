//! Requirement 15: start-up and footprint, and faults of the environment that the server must survive.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serve_client::{Reply, ServerProcess};

use crate::client::{Client, hold};
use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::{median, quantile};

/// Files that a server may open where they are scarce.
const FEW_FILES: usize = 64;
/// Clock ticks a second in `/proc`, a constant of Linux.
const TICKS: f64 = 100.0;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    footprint(setup, results)?;
    port_in_use(setup, results)?;
    log_cannot_be_written(setup, results)?;
    out_of_files(setup, results)?;
    suspended(setup, results)
}

/// Time to start, memory, and size of the program.
fn footprint(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    let n = setup.number(10, 3);
    for _ in 0..n {
        let server = setup.start(&[])?;
        times.push(server.ready_after.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(300));
        memory.push(server.resident_mib());
    }
    let name = format!("ready after, median of {n} starts");
    results.note(&name, format!("{:.0} ms", median(&times)));
    results.at_most("ready after, slowest", 300.0, "ms", quantile(&times, 1.0));
    results.at_most("resident memory when idle", 40.0, "MiB", quantile(&memory, 1.0));
    let stripped = setup.folder.path().join("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(&setup.server).status();
    let (name, file) = match strip.is_ok_and(|status| status.success()) {
        true => ("the program, stripped", &stripped),
        false => ("the program, with its symbols", &setup.server),
    };
    let size = std::fs::metadata(file)?.len() as f64 / f64::from(1 << 20);
    results.at_most(name, 20.0, "MiB", size);
    Ok(())
}

fn port_in_use(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let first = setup.start(&[])?;
    let port = first.address.port().to_string();
    // A server that starts nevertheless is ended by timeout, with status 124.
    let mut command = setup.serve_command(&["timeout", "5"], &setup.model);
    let output = command.args(["--port", &port]).stdin(Stdio::null()).output()?;
    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let failed = output.status.code().is_some_and(|code| code != 0 && code != 124);
    let holds = failed && error.contains(&port) && error.contains("in use");
    results.require("a port in use", "an error that names it", error, holds);
    Ok(())
}

/// Standard error closed, or on a full disk, with a line for every request.
fn log_cannot_be_written(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    for (name, redirection) in [("closed", "2>&-"), ("on a full disk", "2>/dev/full")] {
        let shell = ["sh", "-c", &format!("exec \"$0\" \"$@\" {redirection}")];
        let mut server = setup.start_with(&shell, &setup.model, &["--log-level", "debug"])?;
        let load = setup.load(server.address, None, Duration::from_secs(60));
        let tally = setup.run(Load { count: 2_000, ..load });
        let row = |what: &str| format!("{what} with standard error {name}");
        results.all_of(&row("requests answered"), 2_000, tally.count(200));
        results.no_errors(&row("errors"), &tally);
        results.still_running(&row("the server"), &mut server);
    }
    Ok(())
}

/// More connections than files that may be open.
fn out_of_files(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let limit = format!("--nofile={FEW_FILES}:{FEW_FILES}");
    let mut server = setup.start_with(&["prlimit", &limit], &setup.model, &[])?;
    let n = 4 * FEW_FILES;
    let (answered, busy, recovers) = setup.block_on(async {
        let (held, replies) = hold(server.address, n, Duration::from_millis(20)).await;
        let is_ok =
            |reply: &&Result<Reply, _>| reply.as_ref().is_ok_and(|reply| reply.status == 200);
        let answered = replies.iter().filter(is_ok).count();
        let before = cpu_seconds(&server);
        let start = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let busy = (cpu_seconds(&server) - before) / start.elapsed().as_secs_f64();
        drop(held);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut client = Client::new(server.address, Duration::from_secs(2));
        (answered, busy, client.status("/v2/health/ready").await == Ok(200))
    });
    let lines = server.log().lines().count();
    results.at_most("lines of the log about it", 3.0, "", lines as f64);
    let name = format!("{n} connections with {FEW_FILES} files");
    results.note(&name, format!("{answered} answered while all were open"));
    results.at_most("processor time while out of files", 50.0, "%", 100.0 * busy);
    let measured = if recovers { "answers again" } else { "does not answer" };
    results.require("the server once files are free", "answers again", measured, recovers);
    results.still_running("the server after running out of files", &mut server);
    Ok(())
}

/// Processor time that the server has used, in seconds.
fn cpu_seconds(server: &ServerProcess) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap_or_default();
    // The name, in brackets, may contain spaces; user and system time are fields 14 and 15.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// The whole process is suspended for a while, as on a machine that sleeps.
fn suspended(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let rate = 0.25 * setup.capacity()?;
    let mut server = setup.start(&[])?;
    let time = setup.seconds(10.0, 2.0);
    let load = setup.load(server.address, Some(rate), Duration::from_secs(1));
    let (during, after) = setup.block_on(async {
        let suspend = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            server.signal("STOP")?;
            tokio::time::sleep(time).await;
            server.signal("CONT")
        };
        let (during, suspended) = tokio::join!(load::run(load.clone()), suspend);
        suspended?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        anyhow::Ok((during, load::run(Load { time: Duration::from_secs(3), ..load }).await))
    })?;
    let name = format!("requests during SIGSTOP for {} s", time.as_secs());
    results.note(&name, format!("{} answered, {}", during.count(200), during.errors()));
    results.no_errors("errors from 1 s after SIGCONT", &after);
    results.at_most("p99 from 1 s after SIGCONT, at 0.25 C", 50.0, "ms", after.latency(200, 0.99));
    results.still_running("the server after SIGCONT", &mut server);
    Ok(())
}
