//! `bench-peers` where no peer is at hand: every gap has its name, and what is there is measured and compared.

use crate::support::{SMALL, fail, fresh_runs, succeed, xtask};

#[test]
fn peers_that_are_missing_are_gaps_and_the_rest_is_measured() {
    // A run of its own, as it is locked while it is measured.
    let runs = fresh_runs("bench-peers");
    succeed(xtask(&runs).args(["train", "--run", "measured"]).args(SMALL));
    succeed(xtask(&runs).arg("export-onnx"));
    let table = runs.join("peers.md");
    let bench = || {
        let mut command = xtask(&runs);
        command.args(["bench-peers", "--offline", "--python", "no-such-python", "--output"]);
        command.arg(&table);
        command
    };
    let said = fail(bench().args(["--rounds", "0", "--limit", "200"]));
    assert!(said.contains("256") && said.contains("--limit"), "{said}");
    assert!(!table.exists());

    let rounds = ["--rounds", "1", "--epochs", "1", "--inference-rounds", "1"];
    let said = succeed(bench().args(rounds).args(["--limit", "256"]));
    let text = std::fs::read_to_string(&table).unwrap();
    assert!(said.contains("# kiln and its peers"), "{said}");
    for gap in ["Keras, training", "PyTorch, training", "ONNX Runtime, inference"] {
        assert!(text.contains(&format!("- {gap}: ")), "{gap}\n{text}");
    }
    let row = |name: &str, heading: &str| {
        let section = text.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
        let row = section.lines().find(|line| line.starts_with(&format!("| {name} |")));
        row.unwrap_or_else(|| panic!("no {name} in {section}")).to_owned()
    };
    for name in ["kiln", "Burn as it comes"] {
        assert!(row(name, "Training").contains("(epoch 1)"), "{text}");
    }
    for name in ["tract with kiln's kernels", "Burn with kiln's kernels", "Burn as it comes"] {
        assert!(row(name, "Same answers").contains("| 256/256 |"), "{text}");
        let times = row(name, "Inference, 1 thread");
        assert!(times.split('|').skip(2).take(3).all(|t| t.trim().parse::<f64>().unwrap() > 0.0));
    }
}
