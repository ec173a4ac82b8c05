//! Runs the Burn code that burn-import generated from an exported file: raw images in, probabilities out.
//!
//! Usage: `reimport < pixels > probabilities`, with `n * 784` bytes in and `n * classes` little-endian float32
//! numbers out. Built without `KILN_REIMPORT_ONNX` there is no network in it, and it says so.

#[cfg(reimported)]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
mod reimported {
    include!(concat!(env!("OUT_DIR"), "/model/reimported.rs"));
}

#[cfg(reimported)]
fn main() {
    use burn::tensor::{Bytes, Device, Int, Tensor, TensorData};
    use std::io::{Read, Write};

    let device = Device::flex();
    let weights = std::fs::read(concat!(env!("OUT_DIR"), "/model/reimported.bpk"))
        .expect("burn-import writes the weights beside the code");
    let model = reimported::Model::from_bytes(Bytes::from_bytes_vec(weights), &device);
    let mut pixels = Vec::new();
    std::io::stdin().read_to_end(&mut pixels).expect("standard input must be readable");
    let n = pixels.len() / 784;
    let pixels = Tensor::<4, Int>::from_data(TensorData::new(pixels, [n, 1, 28, 28]), &device);
    let (_logits, probabilities) = model.forward(pixels);
    let probabilities =
        probabilities.into_data().try_into_vec::<f32>().expect("the network computes in f32");
    let bytes: Vec<u8> = probabilities.into_iter().flat_map(f32::to_le_bytes).collect();
    std::io::stdout().write_all(&bytes).expect("standard output must be writable");
}

#[cfg(not(reimported))]
#[allow(clippy::print_stderr)]
fn main() {
    eprintln!("built without KILN_REIMPORT_ONNX: there is no network in this program");
    std::process::exit(1);
}
