//! The bytes of a checkpoint: [`MAGIC`], the SHA-256 of the rest, then a burnpack container with the weights, their
//! moving average where there is one, Adam's moments, the configuration, the facts of the images, the history and the
//! sums of an unfinished epoch.

use std::path::Path;

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, DType, Device};
use burn_pack::{Reader, Tensor as Blob, Writer};
use run::{Config, DatasetFacts, EpochMetrics, write_atomically};
use sha2::{Digest, Sha256};

use crate::checkpoint::{Checkpoint, Epoch};
use crate::error::{Error, Result};

/// Marks a file as a checkpoint; the number after it is that of its layout.
const MAGIC: &[u8; 6] = b"kilnck";
/// The layout that this version writes and reads. 01 was that of networks with a field for every layer, 02 had no facts,
/// 03 one mean for all channels.
const LAYOUT: &[u8] = b"04";
/// Bytes of a SHA-256.
const DIGEST_LENGTH: usize = 32;

type AnyError = Box<dyn std::error::Error>;

/// What a checkpoint says besides its tensors.
pub(crate) struct Header {
    pub(crate) config: Config,
    pub(crate) facts: DatasetFacts,
    pub(crate) history: Vec<EpochMetrics>,
    pub(crate) epoch: Epoch,
}

/// Writes `checkpoint` to `path`, atomically.
pub(crate) fn write(checkpoint: &Checkpoint, path: &Path) -> Result<()> {
    let bytes = pack(checkpoint).map_err(|error| run::Error::Write {
        path: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(write_atomically(path, &bytes)?)
}

/// Reads the checkpoint at `path` onto `device`.
pub(crate) fn read(path: &Path, device: &Device) -> Result<Checkpoint> {
    let damaged = |error: AnyError| damaged(path, &error.to_string());
    let reader = open(path)?;
    unpack(&reader, header(&reader).map_err(damaged)?, device).map_err(damaged)
}

/// Reads what the checkpoint at `path` says besides its tensors.
pub(crate) fn read_header(path: &Path) -> Result<Header> {
    header(&open(path)?).map_err(|error| damaged(path, &error.to_string()))
}

fn damaged(path: &Path, reason: &str) -> Error {
    Error::Damaged { path: path.to_owned(), reason: reason.to_owned() }
}

/// The container at `path`, its digest verified.
fn open(path: &Path) -> Result<Reader> {
    let bytes =
        std::fs::read(path).map_err(|source| run::Error::Read { path: path.to_owned(), source })?;
    let rest = bytes.strip_prefix(MAGIC);
    let rest = rest.ok_or_else(|| damaged(path, "it does not begin as a checkpoint does"))?;
    let earlier = |layout: &[u8]| layout.iter().all(u8::is_ascii_digit) && layout < LAYOUT;
    let Some(rest) = rest.strip_prefix(LAYOUT) else {
        return Err(match rest.get(..LAYOUT.len()) {
            Some(layout) if earlier(layout) => Error::EarlierVersion { path: path.to_owned() },
            _ => damaged(path, "its layout is unknown"),
        });
    };
    let container = verified(rest).map_err(|reason| damaged(path, reason))?;
    Reader::from_bytes(Bytes::from_bytes_vec(container.to_vec()))
        .map_err(|error| damaged(path, &error.to_string()))
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
        .with_metadata("dataset", &serde_json::to_string(&checkpoint.facts)?)
        .with_metadata("history", &serde_json::to_string(&checkpoint.history)?)
        .with_metadata("epoch", &serde_json::to_string(&checkpoint.epoch)?)
        .into_bytes()?;
    let container: &[u8] = &container;
    Ok([MAGIC.as_slice(), LAYOUT, &Sha256::digest(container), container].concat())
}

fn header(reader: &Reader) -> std::result::Result<Header, AnyError> {
    let text =
        |key: &str| reader.metadata().get(key).cloned().ok_or_else(|| format!("it has no {key}"));
    Ok(Header {
        config: Config::from_toml(&text("config")?)?,
        facts: serde_json::from_str(&text("dataset")?)?,
        history: serde_json::from_str(&text("history")?)?,
        epoch: serde_json::from_str(&text("epoch")?)?,
    })
}

fn unpack(
    reader: &Reader,
    header: Header,
    device: &Device,
) -> std::result::Result<Checkpoint, AnyError> {
    let Header { config, facts, history, epoch } = header;
    let bytes = |name| reader.tensor_data(name).map(Bytes::from_bytes_vec);
    let Checkpoint { model, average, optimizer, .. } = Checkpoint::start(&config, &facts, device)?;
    // The record restores the parameters' identities, by which the optimizer then finds its moments.
    let model = model.try_load_record(ModuleRecord::from_bytes(bytes("model")?)?)?;
    let average = match average {
        Some(average) => {
            Some(average.try_load_record(ModuleRecord::from_bytes(bytes("average")?)?)?)
        }
        None => None,
    };
    let optimizer = optimizer.from_bytes(bytes("optimizer")?)?;
    Ok(Checkpoint { model, average, optimizer, config, facts, history, epoch })
}

/// The container after the layout's number, once its digest is verified.
fn verified(rest: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let (digest, container) = rest.split_at_checked(DIGEST_LENGTH).ok_or("it is cut short")?;
    if Sha256::digest(container).as_slice() != digest {
        return Err("its checksum does not match its content");
    }
    Ok(container)
}
