//! Requests over a Unix socket, one connection each: an answer ends at a limit, whatever sends it.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{PathAndQuery, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// Larger than the list of 10,000 containers.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// An engine's API at a socket.
pub(crate) fn connect(socket: &Path, seconds: u64) -> Result<Docker, Error> {
    let socket = socket.to_owned();
    let transport = move |request: BollardRequest| {
        let socket = socket.clone();
        async move { send(&socket, request).await }
    };
    Docker::connect_with_custom_transport(transport, Some("http://localhost"), seconds, API_DEFAULT_VERSION)
}

async fn send(socket: &Path, mut request: BollardRequest) -> Result<Response<Incoming>, Error> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(Limited::new(stream))).await?;
    // It ends with the answer's body, or when the answer is no longer wanted.
    tokio::spawn(connection);
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("localhost"));
    Ok(sender.send_request(request).await?)
}

/// A stream that yields this many bytes and no more.
struct Limited {
    stream: UnixStream,
    left: usize,
}

impl Limited {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            left: MOST_BYTES,
        }
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        let Some(left) = self.left.checked_sub(count) else {
            let why = format!("its answer has more than {MOST_BYTES} bytes");
            return Poll::Ready(Err(io::Error::other(why)));
        };
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
