//! The rules of ARCHITECTURE.md that a machine can check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::succeed;

#[test]
fn what_serves_and_what_reads_data_never_depends_on_burn() {
    for package in
        ["images", "dataset", "run", "kernels", "serve-lite", "report", "serve-client", "soak"]
    {
        let burn: Vec<_> =
            tree(package).into_iter().filter(|name| name.starts_with("burn")).collect();
        assert!(burn.is_empty(), "{package} depends on {burn:?}");
    }
    assert!(tree("train").contains("burn"), "the check above looks at nothing");
}

#[test]
fn serve_lite_without_its_server_is_a_library_without_the_server_s_packages() {
    let library = tree_with("serve-lite", &["--no-default-features"]);
    let whole = tree("serve-lite");
    for package in ["anstream", "axum", "clap", "hyper", "prometheus", "tokio", "tracing"] {
        assert!(
            package == "anyhow" || !library.contains(package),
            "the library depends on {package}"
        );
        assert!(whole.contains(package), "the check above looks at nothing: {package}");
    }
    assert!(library.contains("tract-core") && library.len() < whole.len());
}

#[test]
fn of_the_products_crates_only_serve_lite_depends_on_tract() {
    for package in
        ["images", "dataset", "run", "kernels", "model", "train", "export", "report", "reimport"]
    {
        let tract: Vec<_> =
            tree(package).into_iter().filter(|name| name.starts_with("tract")).collect();
        assert!(tract.is_empty(), "{package} depends on {tract:?}");
    }
    assert!(tree("serve-lite").contains("tract-core"), "the check above looks at nothing");
}

#[test]
fn nothing_depends_on_xtask() {
    let manifests = files(Path::new(env!("CARGO_MANIFEST_DIR")), "toml");
    for manifest in manifests.iter().filter(|path| !path.ends_with("xtask/Cargo.toml")) {
        let text = std::fs::read_to_string(manifest).unwrap();
        let depends =
            text.lines().any(|line| line.starts_with("xtask.") || line.starts_with("xtask ="));
        assert!(!depends, "{}", manifest.display());
    }
}

#[test]
fn library_crates_never_print_exit_or_panic_on_purpose() {
    let is_binary = |file: &PathBuf| {
        file.ends_with("main.rs") || ["commands", "cli", "soak"].iter().any(|f| in_folder(file, f))
    };
    let is_test = |file: &PathBuf| file.ends_with("tests.rs");
    for file in sources("crates")
        .into_iter()
        .filter(|file| in_folder(file, "src") && !is_binary(file) && !is_test(file))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in
            ["println!", "process::exit", "panic!(", "todo!(", "unimplemented!(", ".unwrap()"]
        {
            let found = code
                .lines()
                .find(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            assert!(found.is_none(), "{}: {found:?}", file.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_readable() {
    for file in sources(".") {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} has no module documentation", file.display());
        assert!(text.lines().count() <= 500, "{} is too long", file.display());
    }
}

#[test]
fn names_of_artefacts_stand_in_one_file() {
    let names = [
        "\"config.toml\"",
        "\"metrics.csv\"",
        "\"evaluation.json\"",
        "\"model.onnx\"",
        "\"predictions.csv\"",
    ];
    for file in
        sources("crates").into_iter().chain(sources("xtask")).filter(|file| in_folder(file, "src"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for name in names {
            let here = file.ends_with("run/src/directory.rs");
            assert_eq!(code.contains(name), here, "{name} in {}", file.display());
        }
    }
}

#[test]
fn the_shape_of_an_image_is_written_where_digits_are_made_and_nowhere_else() {
    // MNIST's source, the digits that kiln draws, the digit preparation, and the recipe for such images; the tests' own
    // drawings; and where serving reads models that do not say how their images were prepared.
    let may_name_it = [
        "images/src/digit.rs",
        "images/src/drawings.rs",
        "images/src/lib.rs",
        "images/src/prepare.rs",
        "images/src/shape.rs",
        "dataset/src/idx.rs",
        "dataset/src/mnist_files.rs",
        "dataset/src/preparation.rs",
        "dataset/src/synthetic.rs",
        "pipeline/src/recipe.rs",
        "serve-lite/src/contract.rs",
    ];
    let development = ["soak", "serve-client"];
    let files = sources("crates").into_iter().chain(sources("xtask")).chain(sources("benches"));
    for file in files.filter(|file| in_folder(file, "src")) {
        let is_glyphs = file.ends_with("dataset/src/glyphs.rs");
        let is_test = file.ends_with("tests.rs") || development.iter().any(|d| in_folder(&file, d));
        if is_glyphs || is_test {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code = code.collect::<Vec<_>>().join("\n");
        let words: Vec<_> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let allowed = may_name_it.iter().any(|allowed| file.ends_with(allowed));
        let names = words.iter().any(|word| ["28", "784", "DIGIT"].contains(word))
            || code.contains("images::SIDE");
        assert!(allowed || !names, "{} assumes 28x28 pixels", file.display());
    }
}

#[test]
fn the_files_that_the_documents_name_exist() {
    let folders = ["crates/", "tests/", "src/", "xtask/", "benches/", "recipes/", "docs/"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = files(&root.join("docs"), "md");
    documents.extend(["README.md", "ARCHITECTURE.md"].map(|name| root.join(name)));
    let mut n_named = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        // Every second part lies between backticks.
        for name in text.split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| name.starts_with(folder));
            if is_path && !name.contains(|c: char| c.is_whitespace() || c == '<' || c == '*') {
                assert!(root.join(name).exists(), "{} names {name}", document.display());
                n_named += 1;
            }
        }
    }
    assert!(n_named > 30, "the check above looks at little: {n_named}");
}

#[test]
fn every_dependency_has_its_reason_in_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let is_outside = |line: &&str| {
        line.contains(" = ") && !line.contains("path = ") && !line.starts_with([' ', '#'])
    };
    let names: Vec<_> =
        section.lines().filter(is_outside).map(|line| line.split(" = ").next().unwrap()).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(architecture.contains(name), "ARCHITECTURE.md has no reason for {name}");
    }
}

#[test]
fn licences_of_all_dependencies_are_permissive() {
    let permissive = [
        "MIT",
        "MIT-0",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
        "0BSD",
        "BSL-1.0",
        "Unicode-3.0",
        "CDLA-Permissive-2.0",
        "NCSA",
    ];
    let args =
        ["metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"];
    let text =
        succeed(Command::new(env!("CARGO")).args(args).current_dir(env!("CARGO_MANIFEST_DIR")));
    let metadata: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ids = |node: &serde_json::Value| node["id"].as_str().unwrap().to_owned();
    let used: BTreeSet<_> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(ids).collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| used.contains(package["id"].as_str().unwrap()))
    {
        let licence = package["license"].as_str().unwrap_or("");
        // An expression holds where one alternative of each of its parts does; exceptions only widen a licence.
        let allowed =
            |alternative: &str| permissive.contains(&alternative.trim_matches(['(', ')', ' ']));
        let holds = |part: &str| {
            part.replace('/', " OR ")
                .split(" OR ")
                .any(|l| allowed(l.split(" WITH ").next().unwrap()))
        };
        // Burn brings these: three under the MPL, whose terms end at their own files, and one whose licence, Apache-2.0,
        // is stated only in its file.
        if ["buildid", "colored", "option-ext", "cfg_block"]
            .contains(&package["name"].as_str().unwrap())
        {
            continue;
        }
        assert!(licence.split(" AND ").all(holds), "{}: {licence}", package["name"]);
    }
}

/// Names of all packages in the normal dependency tree of `package`.
fn tree(package: &str) -> BTreeSet<String> {
    tree_with(package, &[])
}

/// [`tree`] with further arguments of `cargo tree`.
fn tree_with(package: &str, more: &[&str]) -> BTreeSet<String> {
    let args =
        ["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let mut command = Command::new(env!("CARGO"));
    let text = succeed(command.args(args).args(more).current_dir(env!("CARGO_MANIFEST_DIR")));
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn in_folder(file: &Path, name: &str) -> bool {
    file.components().any(|part| part.as_os_str() == name)
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "rs");
    assert!(!files.is_empty());
    files
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}
