//! Clients that close their sending half after a complete request (`nc -N`, `shutdown(SHUT_WR)`) and wait for the reply.
//!
//! hyper takes the end of a client's data for the end of the client, or, with `half_close`, no longer notices that
//! clients disconnect. TCP does not tell the two apart, but time does: here the end is hidden while a complete request
//! is being answered, at most for [`PATIENCE`]. A client that is gone costs that much computation.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client that has closed its sending half is taken to be waiting for a reply.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether a connection's request has come completely and is being answered.
#[derive(Default)]
pub(super) struct Progress(AtomicBool);

impl Progress {
    fn request_is_complete(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The reply is ready to be written.
    pub(super) fn answered(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_answering(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of a request, which tells when it has come to its end.
pub(super) struct TrackedBody {
    body: Incoming,
    progress: Arc<Progress>,
}

impl TrackedBody {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        if body.is_end_stream() {
            progress.request_is_complete();
        }
        Self { body, progress }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.progress.request_is_complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that hides the end of its client's data while a reply is computed or written.
pub(super) struct HalfClosable<S> {
    stream: S,
    progress: Arc<Progress>,
    /// Whether the client has yet to read what was written before.
    is_writing: bool,
    /// Set at the end of the client's data, until that is no longer hidden.
    end: Option<Pin<Box<Sleep>>>,
}

impl<S> HalfClosable<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress, is_writing: false, end: None }
    }

    fn wrote<T>(&mut self, written: Poll<T>) -> Poll<T> {
        self.is_writing = written.is_pending();
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HalfClosable<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        if self.end.is_none() {
            let n_before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            if buffer.filled().len() > n_before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            self.end = Some(Box::pin(sleep(PATIENCE)));
            // hyper reads on before it lets the request's handler see the end of its body: it is asked again after that.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_hidden = self.is_writing || self.progress.is_answering();
        if let Some(end) = self.end.as_mut().filter(|_| is_hidden) {
            ready!(end.as_mut().poll(context));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HalfClosable<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.wrote(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        bytes: &[io::IoSlice],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
