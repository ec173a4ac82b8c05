//! Reads the body of a request, with limits on its size, its time, and the memory of all bodies.

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::AppState;
use super::failure::Failure;
use crate::text::size_text;

/// The most memory that the bodies of all requests may take: 256 MiB in units of [`BODY_UNIT`]. Without it, the limit
/// would be the number of connections times the size of a body.
pub(super) const MAX_BODY_UNITS: usize = (256 << 20) / BODY_UNIT;
/// The unit in which that memory is counted, in bytes.
pub(super) const BODY_UNIT: usize = 16 << 10;
/// The most chunks of a body, as in Triton: each costs as much as a small request.
const MAX_CHUNKS: usize = 65_536;
/// How much of a body beyond its limit is read and discarded, in multiples of the limit: a client that is still sending
/// then reads the answer instead of a connection reset.
const DISCARDED_LIMITS: usize = 16;

/// The body of a request, with its share of [`MAX_BODY_UNITS`] while it exists.
pub(super) struct RequestBody {
    pub(super) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// The largest body of a route, and what a client with a larger one can do.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// Also after decompression.
    pub(super) n_bytes: usize,
    pub(super) remedy: &'static str,
}

impl Limit {
    fn exceeded(self, body: &str) -> Failure {
        let (limit, remedy) = (size_text(self.n_bytes as u64), self.remedy);
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("{body} has more than {limit}: {remedy}"),
        )
    }
}

/// Reads a body within its limit; one that is compressed must be decompressed by the deadline.
pub(super) async fn read(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    limit: Limit,
    deadline: std::time::Instant,
) -> Result<RequestBody, Failure> {
    let encoding = encoding(headers)?;
    let received = timeout_at(
        Instant::now() + state.options.body_timeout,
        receive(&state.body_memory, headers, body, limit),
    );
    let mut received = received.await.map_err(|_| {
        let limit = state.options.body_timeout.as_secs_f64();
        Failure::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {limit} s: send it faster, or send less"),
        )
    })??;
    if let Some(encoding) = encoding {
        let packed = received.bytes;
        let n_bytes = packed.len();
        let work = move || decompress(encoding, &packed, limit);
        received.bytes = offload(state, n_bytes, deadline, work).await??;
    }
    Ok(received)
}

/// Runs `work` on a blocking thread if it processes many bytes, so that it does not delay other requests. For few bytes
/// it runs directly, because handing it over would take longer.
pub(super) async fn offload<T: Send + 'static>(
    state: &AppState,
    n_bytes: usize,
    deadline: std::time::Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    match n_bytes <= BODY_UNIT {
        true => Ok(work()),
        false => on_blocking_thread(state, deadline, work).await,
    }
}

/// Runs `work` on a blocking thread. If it has not begun by the deadline, or when the client disconnects, it never
/// does.
pub(super) async fn on_blocking_thread<T: Send + 'static>(
    state: &AppState,
    deadline: std::time::Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    // A set, because it cancels what has not begun when it is dropped.
    let mut threads = JoinSet::new();
    threads.spawn_blocking(work);
    match timeout_at(deadline.into(), threads.join_next()).await {
        Ok(Some(Ok(result))) => Ok(result),
        Ok(_) => Err(Failure::lost_thread()),
        Err(_) => {
            let message = "the deadline has passed: try again, or allow more time";
            Err(Failure::busy(state.options.overload_status, message))
        }
    }
}

async fn receive(
    body_memory: &Arc<Semaphore>,
    headers: &HeaderMap,
    mut body: Body,
    allowed: Limit,
) -> Result<RequestBody, Failure> {
    let limit = allowed.n_bytes;
    let too_large = || allowed.exceeded("the body");
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    // A client that waits for permission to send, or that would send for minutes, is refused at once.
    if announced > limit
        && (headers.contains_key(header::EXPECT) || announced > DISCARDED_LIMITS * limit)
    {
        return Err(too_large());
    }
    let (mut chunks, mut n_chunks, mut length) = (BytesMut::new(), 0, 0);
    let mut memory: Option<OwnedSemaphorePermit> = None;
    let mut first_chunk = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::bad(format!("the body ended before it was complete, or is malformed: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        (n_chunks, length) = (n_chunks + 1, length + data.len());
        if n_chunks > MAX_CHUNKS {
            let message = format!("the body has more than {MAX_CHUNKS} chunks: send larger ones");
            return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if length > limit {
            (chunks, first_chunk, memory) = (BytesMut::new(), Bytes::new(), None);
            if length > DISCARDED_LIMITS * limit {
                return Err(too_large());
            }
            continue;
        }
        // Bodies of less than a unit, nearly all, take no share: the limit on connections bounds them.
        let needed = length / BODY_UNIT;
        let held = memory.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if needed > held {
            let more = Arc::clone(body_memory).try_acquire_many_owned((needed - held) as u32);
            let more = more.map_err(|_| {
                let message = "the server's memory for request bodies is full: try again";
                Failure::busy(StatusCode::SERVICE_UNAVAILABLE, message)
            })?;
            match &mut memory {
                Some(memory) => memory.merge(more),
                None => memory = Some(more),
            }
        }
        // A body of one chunk is not copied.
        if n_chunks == 1 {
            first_chunk = data;
        } else {
            if n_chunks == 2 {
                chunks.reserve(announced.clamp(length, limit));
                chunks.extend_from_slice(&std::mem::take(&mut first_chunk));
            }
            chunks.extend_from_slice(&data);
        }
    }
    if length > limit {
        return Err(too_large());
    }
    let bytes = if n_chunks <= 1 { first_chunk } else { chunks.freeze() };
    Ok(RequestBody { bytes, _memory: memory })
}

#[derive(Clone, Copy)]
enum Encoding {
    Gzip,
    /// HTTP's "deflate" is zlib's format (RFC 9110, section 8.4.1.2).
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
        "this Content-Encoding is not supported: send gzip, deflate or none",
    ))
}

fn decompress(encoding: Encoding, packed: &[u8], limit: Limit) -> Result<Bytes, Failure> {
    let mut bytes = Vec::new();
    let most = limit.n_bytes as u64 + 1;
    let result = match encoding {
        Encoding::Gzip => MultiGzDecoder::new(packed).take(most).read_to_end(&mut bytes),
        Encoding::Deflate => ZlibDecoder::new(packed).take(most).read_to_end(&mut bytes),
    };
    result.map_err(|error| Failure::bad(format!("the body cannot be decompressed: {error}")))?;
    if bytes.len() > limit.n_bytes {
        return Err(limit.exceeded("the decompressed body"));
    }
    Ok(bytes.into())
}
