//! The body of a request, bounded in size, in time and in what all requests hold together.

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::Server;
use super::failure::Failure;

/// The most bytes that the bodies of all requests hold at once: 256 MiB, counted in units of
/// [`UNIT`]. Without it, connections times the size of a body would be the bound.
pub(crate) const ALL_BODIES: usize = (256 << 20) / UNIT;
const UNIT: usize = 16 << 10;
/// The most pieces a body may come in, as in Triton: each costs as much as a small request.
const MAX_CHUNKS: usize = 65_536;
/// How much of a body beyond its limit is read and thrown away, in limits, so that a client which is
/// still sending reads the answer rather than a reset.
const DISCARDED: usize = 16;

/// A body, and its share of [`ALL_BODIES`] for as long as it is held.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most `limit` bytes, which it also has at most once unpacked.
pub(crate) async fn read(
    server: &Server,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Received, Failure> {
    let unpack = encoding(headers)?;
    let received = timeout_at(
        Instant::now() + server.options.body_timeout,
        collect(&server.bodies, headers, body, limit),
    );
    let mut received = received.await.map_err(|_| {
        let limit = server.options.body_timeout.as_secs_f64();
        Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {limit} s: send it faster, or less of it"),
        )
    })??;
    if let Some(unpack) = unpack {
        let packed = received.bytes;
        received.bytes = heavy(packed.len(), move || unpacked(unpack, &packed, limit)).await??;
    }
    Ok(received)
}

/// Runs work that may take milliseconds where it keeps no other request waiting, and work on few
/// bytes right here, since handing it over would take longer.
pub(crate) async fn heavy<T: Send + 'static>(
    n_bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if n_bytes <= UNIT {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Failure::lost_thread())
}

async fn collect(
    all: &Arc<Semaphore>,
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Received, Failure> {
    let too_large = || {
        let mebibytes = limit >> 20;
        let message =
            format!("the body has more than {mebibytes} MiB: send fewer pictures at once");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    // A client that asks first, or sends for minutes, is told at once.
    if announced > limit && (headers.contains_key(header::EXPECT) || announced > DISCARDED * limit)
    {
        return Err(too_large());
    }
    let (mut pieces, mut n_chunks, mut length) = (BytesMut::new(), 0, 0);
    let mut share: Option<OwnedSemaphorePermit> = None;
    let mut only = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::bad(format!("the body ended before it was complete, or is malformed: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        (n_chunks, length) = (n_chunks + 1, length + data.len());
        if n_chunks > MAX_CHUNKS {
            let message =
                format!("the body came in more than {MAX_CHUNKS} chunks: send larger ones");
            return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if length > limit {
            (pieces, only, share) = (BytesMut::new(), Bytes::new(), None);
            if length > DISCARDED * limit {
                return Err(too_large());
            }
            continue;
        }
        // Small bodies, nearly all, take no share: the bound on connections is theirs.
        let needed = length / UNIT;
        let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if needed > held {
            let more = Arc::clone(all).try_acquire_many_owned((needed - held) as u32);
            let more = more.map_err(|_| {
                let message = "the server holds as much of requests' bodies as it may: try again";
                Failure::busy(StatusCode::SERVICE_UNAVAILABLE, message)
            })?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
        }
        if n_chunks == 1 {
            only = data;
        } else {
            if n_chunks == 2 {
                pieces.reserve(announced.clamp(length, limit));
                pieces.extend_from_slice(&std::mem::take(&mut only));
            }
            pieces.extend_from_slice(&data);
        }
    }
    if length > limit {
        return Err(too_large());
    }
    let bytes = if n_chunks <= 1 { only } else { pieces.freeze() };
    Ok(Received { bytes, _share: share })
}

#[derive(Clone, Copy)]
enum Encoding {
    Gzip,
    /// "deflate" of HTTP is zlib's format (RFC 9110, section 8.4.1.2).
    Deflate,
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let (first, second) = (encodings.next(), encodings.next());
    let name = first.map(|name| name.as_bytes().to_ascii_lowercase());
    match name.as_deref() {
        _ if second.is_some() => {}
        None | Some(b"" | b"identity") => return Ok(None),
        Some(b"gzip" | b"x-gzip") => return Ok(Some(Encoding::Gzip)),
        Some(b"deflate") => return Ok(Some(Encoding::Deflate)),
        Some(_) => {}
    }
    Err(Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "this Content-Encoding is not understood: send gzip, deflate or none",
    ))
}

fn unpacked(encoding: Encoding, packed: &[u8], limit: usize) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let most = limit as u64 + 1;
    let result = match encoding {
        Encoding::Gzip => MultiGzDecoder::new(packed).take(most).read_to_end(&mut bytes),
        Encoding::Deflate => ZlibDecoder::new(packed).take(most).read_to_end(&mut bytes),
    };
    result.map_err(|error| Failure::bad(format!("the body cannot be unpacked: {error}")))?;
    if bytes.len() > limit {
        let message =
            format!("the body unpacks to more than {} MiB: send fewer pictures", limit >> 20);
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(bytes.into())
}
