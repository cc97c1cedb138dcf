//! The connection: gRPC over a Unix socket, each call with a time limit and each answer with a size limit.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::calls::{Call, OLD_VERSION};
use crate::containerd::Empty;
use crate::error::{Error, causes, line};
use crate::messages::{VersionRequest, VersionResponse};

/// How long the first call may take, whatever the others may: an engine that works answers it at once.
pub const GREETING: Duration = Duration::from_secs(5);
/// Larger than the list of a full node's containers.
const MOST_BYTES: usize = 32 << 20;

/// A CRI runtime.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    socket: PathBuf,
    limit: Duration,
    /// containerd or cri-o, as it reports.
    pub name: String,
    /// Its version, as it reports.
    pub version: String,
}

impl Client {
    /// Greets the runtime at a socket; `limit` is how long any call may take, and [`GREETING`] the first.
    ///
    /// # Errors
    /// There is no socket, or what is there does not speak CRI v1.
    pub async fn connect(socket: &Path, limit: Duration) -> Result<Self, Error> {
        let first = limit.min(GREETING);
        reach(socket, first).await?;
        let mut new = Self::at(socket, limit);
        let told = new.greet(first).await?;
        new.name = line(&told.runtime_name);
        new.version = line(told.runtime_version.trim_start_matches('v'));
        Ok(new)
    }

    /// The version of a containerd through its own API, whether its CRI plugin is there or not.
    ///
    /// # Errors
    /// See [`Error`]; what listens is not containerd.
    pub async fn containerd_version(socket: &Path, limit: Duration) -> Result<String, Error> {
        let first = limit.min(GREETING);
        reach(socket, first).await?;
        let told = Self::at(socket, first).call(Empty {}).await?;
        Ok(line(told.version.trim_start_matches('v')))
    }

    /// A client that has not been greeted yet.
    fn at(socket: &Path, limit: Duration) -> Self {
        let connector = Connector(socket.to_owned());
        // The name is never looked up: the connector knows where to go.
        let channel = Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector);
        Self {
            channel,
            socket: socket.to_owned(),
            limit,
            name: String::new(),
            version: String::new(),
        }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How long a call may take.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// One call.
    ///
    /// # Errors
    /// The call is refused, or there is no answer in time.
    pub async fn call<C: Call>(&self, request: C) -> Result<C::Answer, Error> {
        self.call_within(request, self.limit, MetadataMap::new()).await
    }

    /// One call with its own limit, and with headers.
    ///
    /// # Errors
    /// The call is refused, or there is no answer in time.
    pub async fn call_within<C: Call>(
        &self,
        request: C,
        limit: Duration,
        headers: MetadataMap,
    ) -> Result<C::Answer, Error> {
        let sent = self.send::<C, C::Answer>(request, C::PATH, headers);
        match timeout(limit, sent).await {
            Err(_) => Err(Error::Late { call: C::NAME, limit }),
            Ok(Err(status)) => Err(Error::of(C::NAME, &status)),
            Ok(Ok(answer)) => Ok(answer),
        }
    }

    /// A caller on the connection, for calls that are more than one request and one answer.
    pub(crate) async fn grpc(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MOST_BYTES);
        let ready = grpc.ready().await;
        ready.map_err(|error| Status::from_error(error.into()))?;
        Ok(grpc)
    }

    async fn send<Q, A>(&self, request: Q, path: &'static str, headers: MetadataMap) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut grpc = self.grpc().await?;
        let mut request = Request::new(request);
        *request.metadata_mut() = headers;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.unary(request, path, ProstCodec::<Q, A>::default()).await?;
        Ok(answer.into_inner())
    }

    /// What answers this correctly, within the limit, is a CRI runtime.
    async fn greet(&self, limit: Duration) -> Result<VersionResponse, Error> {
        let version = |path| {
            let request = VersionRequest {
                version: "v1".to_owned(),
            };
            timeout(limit, self.send(request, path, MetadataMap::new()))
        };
        let late = |_| Error::Silent {
            path: self.socket.clone(),
            limit,
        };
        let status = match version(VersionRequest::PATH).await.map_err(late)? {
            Ok(told) => return Ok(told),
            Err(status) => status,
        };
        let is_unknown = status.code() == Code::Unimplemented && status.message().starts_with("unknown ");
        if !is_unknown {
            return Err(Error::Foreign {
                path: self.socket.clone(),
                why: line(&causes(&status)),
            });
        }
        match version(OLD_VERSION).await.map_err(late)? {
            Ok::<VersionResponse, _>(_) => Err(Error::Old(self.socket.clone())),
            Err(_) => Err(Error::Disabled(self.socket.clone())),
        }
    }
}

/// Whether something accepts a connection: the reasons why not are distinguished here, where they are still numbers.
async fn reach(socket: &Path, limit: Duration) -> Result<(), Error> {
    let path = socket.to_owned();
    match timeout(limit, UnixStream::connect(socket)).await {
        Err(_) => Err(Error::Silent { path, limit }),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Absent(path),
            io::ErrorKind::ConnectionRefused => Error::Deaf(path),
            _ => Error::Closed {
                path,
                why: line(&error.to_string()),
            },
        }),
    }
}

/// Opens the socket, whatever address is requested.
#[derive(Debug, Clone)]
struct Connector(PathBuf);

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move { UnixStream::connect(path).await.map(TokioIo::new) })
    }
}
