//! Requirement 15: what goes wrong around a server does not bring it down, and what it takes of a
//! machine.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load::{self, Plan};
use super::requests::get;
use super::server::Server;
use crate::bench_peers::median;

/// Files that a server may open where they are few.
const FEW: usize = 64;
/// Clock ticks a second in `/proc`, a constant of Linux.
const TICKS: f64 = 100.0;

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    footprint(bench, findings)?;
    port_in_use(bench, findings)?;
    no_place_for_logs(bench, findings)?;
    out_of_files(bench, findings)?;
    stopped(bench, findings)
}

/// How soon it is ready, and what it takes.
fn footprint(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    let n = bench.number(10, 3);
    for _ in 0..n {
        let server = Server::start(bench, &[])?;
        times.push(server.ready_after.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(300));
        memory.push(server.memory());
    }
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    findings.note(
        &format!("ready after, median of {n} starts"),
        format!("{:.0} ms", median(&times).unwrap_or(f64::NAN)),
    );
    findings.at_most("ready after, slowest", 300.0, "ms", most(&times));
    findings.at_most("resident memory when idle", 40.0, "MiB", most(&memory));
    let stripped = bench.folder.path().join("stripped");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(&bench.server).status();
    let is_stripped = strip.is_ok_and(|status| status.success());
    let file = if is_stripped { &stripped } else { &bench.server };
    let size = std::fs::metadata(file)?.len() as f64 / f64::from(1 << 20);
    let name = if is_stripped { "the program, stripped" } else { "the program, with its symbols" };
    findings.at_most(name, 20.0, "MiB", size);
    Ok(())
}

fn port_in_use(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let port = server.address.port().to_string();
    let mut command = bench.on_server_core(&bench.server);
    command.arg("serve").arg(&bench.model).args(["--port", &port]);
    let start = Instant::now();
    let mut second =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn()?;
    while second.try_wait()?.is_none() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Where it has ended there is nothing to kill.
    let _ = second.kill();
    let output = second.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let holds = output.status.code().is_some_and(|code| code != 0)
        && said.contains(&port)
        && said.contains("in use");
    findings.hold("a port in use", "an error that names it", said, holds);
    Ok(())
}

/// Standard error closed, or on a full disk, with a line for every request.
fn no_place_for_logs(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    for (name, place) in [("closed", "2>&-"), ("on a full disk", "2>/dev/full")] {
        let mut command = bench.on_server_core("sh");
        command.args(["-c", &format!("exec \"$0\" \"$@\" {place}")]).arg(&bench.server);
        command.arg("serve").arg(&bench.model).args(["--port", "0", "--log-level", "debug"]);
        let mut server = Server::spawn(bench, command)?;
        let plan = bench.plan(server.address, None, Duration::from_secs(60));
        let tally = bench.runtime()?.block_on(load::run(Plan { count: 2_000, ..plan }));
        let said = format!("{} of 2000 answered, {}", tally.count(200), tally.trouble());
        let holds = tally.count(200) == 2_000 && tally.errors() == 0 && server.is_alive();
        findings.hold(&format!("standard error {name}"), "2000 of 2000 answered", said, holds);
    }
    Ok(())
}

/// More connections than files that may be open.
fn out_of_files(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut command = bench.on_server_core("prlimit");
    command.arg(format!("--nofile={FEW}:{FEW}")).arg(&bench.server);
    command.arg("serve").arg(&bench.model).args(["--port", "0"]);
    let mut server = Server::spawn(bench, command)?;
    let n = 4 * FEW;
    let (answered, busy, after) = bench.runtime()?.block_on(async {
        let mut held = Vec::new();
        let mut answered = 0;
        for _ in 0..n {
            // The system accepts what the server cannot.
            let Ok(mut connection) = Connection::open(server.address).await else { continue };
            let limit = Duration::from_millis(20);
            let reply = connection.exchange_within(limit, &get("/v2/health/live")).await;
            answered += usize::from(reply.is_ok_and(|reply| reply.status == 200));
            held.push(connection);
        }
        let before = cpu_seconds(&server);
        let start = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let busy = (cpu_seconds(&server) - before) / start.elapsed().as_secs_f64();
        drop(held);
        tokio::time::sleep(Duration::from_secs(2)).await;
        (answered, busy, health(server.address).await)
    });
    findings.note(
        &format!("{n} connections with {FEW} files"),
        format!("{answered} answered while all were held"),
    );
    findings.at_most("processor time while out of files", 50.0, "%", 100.0 * busy);
    let holds = after && server.is_alive();
    let said = if holds { "answers again" } else { "does not answer" };
    findings.hold("the server once files are free", "answers again", said, holds);
    Ok(())
}

async fn health(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    let reply = connection.exchange_within(Duration::from_secs(2), &get("/v2/health/ready")).await;
    reply.is_ok_and(|reply| reply.status == 200)
}

/// Processor time of a process so far.
fn cpu_seconds(server: &Server) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap_or_default();
    // The name, in brackets, may hold spaces; user and system time are fields 14 and 15.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// The whole process stands still for a while, as a machine that sleeps does.
fn stopped(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let rate = 0.25 * bench.capacity()?;
    let mut server = Server::start(bench, &[])?;
    let time = bench.seconds(10.0, 2.0);
    let plan = bench.plan(server.address, Some(rate), Duration::from_secs(1));
    let (during, after) = bench.runtime()?.block_on(async {
        let control = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            server.signal("STOP")?;
            tokio::time::sleep(time).await;
            server.signal("CONT")
        };
        let (during, stopped) = tokio::join!(load::run(plan.clone()), control);
        stopped?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        anyhow::Ok((during, load::run(Plan { time: Duration::from_secs(3), ..plan }).await))
    })?;
    findings.note(
        &format!("requests during SIGSTOP for {} s", time.as_secs()),
        format!("{} answered, {}", during.count(200), during.trouble()),
    );
    findings.none("errors from 1 s after SIGCONT", after.errors(), &after.trouble());
    findings.at_most("p99 then, at 0.25 C", 50.0, "ms", after.latency(200, 0.99));
    findings.alive("the server then", &mut server);
    Ok(())
}
