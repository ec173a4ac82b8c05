//! `bench-peers` without any peer: each is listed with the reason, and the rest is measured and compared.

use std::process::Command;

use crate::support::{SMALL, binary, fail, fresh_runs, kiln, succeed};

#[test]
fn missing_peers_are_listed_and_the_rest_is_measured() {
    // A separate run, because it is locked while it is measured.
    let runs = fresh_runs("bench-peers");
    succeed(kiln(&runs).args(["train", "--run", "measured"]).args(SMALL));
    succeed(kiln(&runs).arg("export-onnx"));
    let table = runs.join("peers.md");
    let bench_peers = || {
        let mut command = Command::new(binary("bench-peers"));
        command.arg("--runs").arg(&runs).args([
            "--offline",
            "--python",
            "no-such-python",
            "--output",
        ]);
        command.arg(&table);
        command
    };
    let error = fail(bench_peers().args(["--rounds", "0", "--limit", "200"]));
    assert!(error.contains("256") && error.contains("--limit"), "{error}");
    assert!(!table.exists());

    let rounds = ["--rounds", "1", "--epochs", "1", "--inference-rounds", "1"];
    let printed = succeed(bench_peers().args(rounds).args(["--limit", "256"]));
    let page = std::fs::read_to_string(&table).unwrap();
    assert!(printed.contains("# kiln and its peers"), "{printed}");
    for missing in ["Keras, training", "PyTorch, training", "ONNX Runtime, inference"] {
        assert!(page.contains(&format!("- {missing}: ")), "{missing}\n{page}");
    }
    let row = |name: &str, title: &str| {
        let section = page.split("\n## ").find(|section| section.starts_with(title)).unwrap();
        let row = section.lines().find(|line| line.starts_with(&format!("| {name} |")));
        row.unwrap_or_else(|| panic!("no {name} in {section}")).to_owned()
    };
    for name in ["kiln", "stock Burn"] {
        assert!(row(name, "Training").contains("(epoch 1)"), "{page}");
    }
    for name in ["tract with kiln's kernels", "Burn with kiln's kernels", "stock Burn"] {
        assert!(row(name, "Parity").contains("| 256/256 |"), "{page}");
        let times = row(name, "Inference, 1 thread");
        assert!(times.split('|').skip(2).take(3).all(|t| t.trim().parse::<f64>().unwrap() > 0.0));
    }
}
