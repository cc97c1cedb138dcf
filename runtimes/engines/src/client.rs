//! A connection to an API socket: each call has a limit, and its error is one line.

use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerSummary, SystemInfo, SystemVersion};
use bollard::query_parameters::ListContainersOptions;
use ocidiff_cri::client::GREETING;
use tokio::time::{Instant, timeout};

use super::{EngineError, Options, text, transport};

/// A connection, and how long it may be used.
pub(super) struct Client<'a> {
    docker: Docker,
    options: &'a Options,
    deadline: Instant,
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    Late(Duration),
    Said(Error),
}

impl<'a> Client<'a> {
    pub(super) fn new(socket: &Path, options: &'a Options, deadline: Instant) -> Result<Self, Fault> {
        // Bollard's own limit is in whole seconds; ours takes effect first.
        let seconds = options.call_limit.as_secs() + 1;
        let docker = transport::connect(socket, seconds).map_err(Fault::Said)?;
        Ok(Self {
            docker,
            options,
            deadline,
        })
    }

    /// The version, which decides how the rest is asked for, and what the engine knows.
    pub(super) async fn greet(&mut self) -> Result<(SystemVersion, SystemInfo), Fault> {
        let first = self.docker.clone().negotiate_version();
        self.docker = self.within(GREETING, first).await?;
        let version = self.call(self.docker.version()).await?;
        let info = self.call(self.docker.info()).await?;
        Ok((version, info))
    }

    pub(super) async fn list(&self) -> Result<Vec<ContainerSummary>, Fault> {
        let all = ListContainersOptions {
            all: true,
            ..ListContainersOptions::default()
        };
        self.call(self.docker.list_containers(Some(all))).await
    }

    pub(super) async fn inspect(&self, id: &str) -> Result<ContainerInspectResponse, Fault> {
        self.call(self.docker.inspect_container(id, None)).await
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
        self.within(self.options.call_limit, call).await
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        within(limit.min(self.options.call_limit).min(left), call).await
    }
}

/// A call with a limit.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(Fault::Said),
        Err(_) => Err(Fault::Late(limit)),
    }
}

impl Fault {
    /// The error of an engine that could not be asked because of it.
    pub(crate) fn of_engine(&self, socket: &Path) -> EngineError {
        let path = socket.to_owned();
        match self {
            Self::Late(limit) => EngineError::Silent { path, limit: *limit },
            Self::Said(_) => EngineError::Socket {
                path,
                why: self.to_string(),
            },
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Said(Error::DockerResponseServerError { status_code: 404, .. })
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = match self {
            Self::Late(limit) => {
                return write!(f, "it does not answer within {} s", limit.as_secs_f32());
            }
            Self::Said(Error::RequestTimeoutError) => return f.write_str("it does not answer in time"),
            Self::Said(Error::IOError { err }) => return f.write_str(&refusal(err)),
            Self::Said(error) => error,
        };
        // The last error in the chain is the most specific.
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let cause = text::line(&cause.to_string());
        match error {
            Error::DockerResponseServerError { .. } => f.write_str(&cause),
            _ => write!(f, "it does not answer as an engine does: {cause}"),
        }
    }
}

/// Why a socket cannot be used, and what to do.
fn refusal(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::ConnectionRefused => {
            "no engine listens there: start it, or name another socket".to_owned()
        }
        io::ErrorKind::PermissionDenied => "it is not for this user: run ocidiff as root".to_owned(),
        _ => text::line(&err.to_string()),
    }
}
