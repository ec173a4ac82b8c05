//! Has burn-import generate Burn code from the ONNX file that `KILN_REIMPORT_ONNX` names, where it is set.

use std::path::PathBuf;

use burn_import::onnx::{LoadStrategy, ModelGen};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=KILN_REIMPORT_ONNX");
    println!("cargo:rustc-check-cfg=cfg(reimported)");
    let Some(onnx) = std::env::var_os("KILN_REIMPORT_ONNX").map(PathBuf::from) else { return };
    println!("cargo:rerun-if-changed={}", onnx.display());
    // burn-import names its output after the file, and the program below includes it by one name.
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it for build scripts"));
    let input = out.join("reimported.onnx");
    std::fs::copy(&onnx, &input).expect("the file that KILN_REIMPORT_ONNX names must be readable");
    let input = input.to_str().expect("the target directory's path is Unicode");
    ModelGen::new()
        .input(input)
        .out_dir("model")
        .load_strategy(LoadStrategy::Bytes)
        .run_from_script();
    println!("cargo:rustc-cfg=reimported");
}
