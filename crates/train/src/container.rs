//! The bytes of a checkpoint: [`MAGIC`], the SHA-256 of the rest, then a burnpack container with the weights, their
//! moving average where there is one, Adam's moments, the configuration, the history and the sums of an unfinished
//! epoch.

use std::path::Path;

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, DType, Device};
use burn_pack::{Reader, Tensor as Blob, Writer};
use model::NetworkConfig;
use run::{Config, write_atomically};
use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};

/// Marks a file as a checkpoint; the number after it is that of its layout.
const MAGIC: &[u8; 6] = b"kilnck";
/// The layout that this version writes and reads. 01 was that of networks with a field for every layer.
const LAYOUT: &[u8] = b"02";
/// Bytes of a SHA-256.
const DIGEST_LENGTH: usize = 32;

type AnyError = Box<dyn std::error::Error>;

/// Writes `checkpoint` to `path`, atomically.
pub(crate) fn write(checkpoint: &Checkpoint, path: &Path) -> Result<()> {
    let bytes = pack(checkpoint).map_err(|error| run::Error::Write {
        path: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(write_atomically(path, &bytes)?)
}

/// Reads the checkpoint at `path`, of the network `network`, onto `device`.
pub(crate) fn read(path: &Path, network: &NetworkConfig, device: &Device) -> Result<Checkpoint> {
    let bytes =
        std::fs::read(path).map_err(|source| run::Error::Read { path: path.to_owned(), source })?;
    let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
    let rest = bytes.strip_prefix(MAGIC);
    let rest = rest.ok_or_else(|| damaged("it does not begin as a checkpoint does".to_owned()))?;
    let earlier = |layout: &[u8]| layout.iter().all(u8::is_ascii_digit) && layout < LAYOUT;
    let Some(rest) = rest.strip_prefix(LAYOUT) else {
        return Err(match rest.get(..LAYOUT.len()) {
            Some(layout) if earlier(layout) => Error::EarlierVersion { path: path.to_owned() },
            _ => damaged("its layout is unknown".to_owned()),
        });
    };
    let container = verified(rest).map_err(|reason| damaged(reason.to_owned()))?;
    unpack(container, network, device).map_err(|error| damaged(error.to_string()))
}

fn pack(checkpoint: &Checkpoint) -> std::result::Result<Vec<u8>, AnyError> {
    let blob = |name: &str, bytes: Bytes| {
        Blob::new(name.to_owned(), DType::U8, vec![bytes.len()], None, bytes)
    };
    let model = checkpoint.model.clone().into_record().into_bytes()?;
    let optimizer = checkpoint.optimizer.into_bytes()?;
    let mut blobs = vec![blob("model", model), blob("optimizer", optimizer)];
    if let Some(average) = &checkpoint.average {
        blobs.push(blob("average", average.clone().into_record().into_bytes()?));
    }
    let container = Writer::new(blobs)
        .with_metadata("config", &checkpoint.config.to_toml())
        .with_metadata("history", &serde_json::to_string(&checkpoint.history)?)
        .with_metadata("epoch", &serde_json::to_string(&checkpoint.epoch)?)
        .into_bytes()?;
    let container: &[u8] = &container;
    Ok([MAGIC.as_slice(), LAYOUT, &Sha256::digest(container), container].concat())
}

fn unpack(
    container: &[u8],
    network: &NetworkConfig,
    device: &Device,
) -> std::result::Result<Checkpoint, AnyError> {
    let reader = Reader::from_bytes(Bytes::from_bytes_vec(container.to_vec()))?;
    let text =
        |key: &str| reader.metadata().get(key).cloned().ok_or_else(|| format!("it has no {key}"));
    let config = Config::from_toml(&text("config")?)?;
    let history = serde_json::from_str(&text("history")?)?;
    let epoch = serde_json::from_str(&text("epoch")?)?;
    let bytes = |name| reader.tensor_data(name).map(Bytes::from_bytes_vec);
    let Checkpoint { model, average, optimizer, .. } = Checkpoint::start(&config, network, device)?;
    // The record restores the parameters' identities, by which the optimizer then finds its moments.
    let model = model.try_load_record(ModuleRecord::from_bytes(bytes("model")?)?)?;
    let average = match average {
        Some(average) => {
            Some(average.try_load_record(ModuleRecord::from_bytes(bytes("average")?)?)?)
        }
        None => None,
    };
    let optimizer = optimizer.from_bytes(bytes("optimizer")?)?;
    Ok(Checkpoint { model, average, optimizer, config, history, epoch })
}

/// The container after the layout's number, once its digest is verified.
fn verified(rest: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let (digest, container) = rest.split_at_checked(DIGEST_LENGTH).ok_or("it is cut short")?;
    if Sha256::digest(container).as_slice() != digest {
        return Err("its checksum does not match its content");
    }
    Ok(container)
}
