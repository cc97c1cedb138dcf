//! Containers made through an engine's API: the few calls that a run of cases needs, and no others.
//!
//! Everything that is made has two labels: which session made it ([`RUN`]), and where a process of that session can be
//! looked for ([`PLACE`]). What does not have our labels is never touched, and nothing is pulled.

mod image;
mod output;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, ListContainersOptions, ListImagesOptions, LogsOptions,
    RemoveContainerOptions, RemoveImageOptions, WaitContainerOptions,
};
use futures_util::{Stream, StreamExt};
use ocidiff_cri::client::GREETING;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::client::{Fault, within};
use crate::places::Places;
use crate::{EngineError, Options, api, sockets, text, transport};

pub use image::Waiter;
pub use output::Output;
pub use watch::ConfigWatch;

/// The label with the session's name.
pub const RUN: &str = "ocidiff.run";
/// The label that says on which machine, and in which pid namespace, the session's process is.
pub const PLACE: &str = "ocidiff.place";
/// The beginning of the names of everything that is made.
pub const PREFIX: &str = "ocidiff-";

/// Longer than any call may take under its own limit.
const SECONDS: u64 = 3600;

/// A runtime as an engine has it registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name in `HostConfig.Runtime`.
    pub name: String,
    /// The program, if the engine reports it.
    pub program: Option<PathBuf>,
}

/// An engine that makes containers.
#[derive(Debug, Clone)]
pub struct Remote {
    docker: Docker,
    /// What it is: `docker`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its runtimes, by name.
    pub runtimes: Vec<Registered>,
    /// The name of the one that it uses if nothing is specified.
    pub default_runtime: Option<String>,
    /// Where it may keep the bundles of running containers.
    places: Places,
    call_limit: Duration,
    labels: Labels,
}

/// The labels of what is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The session's name.
    pub run: String,
    /// Where its process is.
    pub place: String,
}

/// What can be left in an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A container, or a pod with what is in it.
    Container,
    /// An image.
    Image,
    /// What holds the parts of an image that is being imported.
    Import,
}

/// Something in an engine that belongs to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// What it belongs to.
    pub labels: Labels,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The engine answered that it failed.
    #[error("{0}")]
    Refused(String),
    /// The engine answered that it does not take such a request.
    #[error("{0}")]
    Declined(String),
    /// There is no answer, or not one that an engine gives.
    #[error("the engine failed: {0}")]
    Failed(String),
}

impl CallError {
    /// The words of the engine, or what is known if it has none.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Refused(why) | Self::Declined(why) | Self::Failed(why) => why,
        }
    }
}

impl Remote {
    /// Greets the engine whose socket is named, or is in a usual place.
    ///
    /// # Errors
    /// There is no engine, or it does not answer.
    pub async fn connect(options: &Options, labels: Labels) -> Result<Self, EngineError> {
        let targets = sockets::targets(options, &mut crate::Found::default())?;
        let path = targets.into_iter().next().map(|target| target.path);
        let path = path.ok_or_else(|| sockets::absent(options))?;
        let failed = |fault: Fault| fault.of_engine(&path);
        let limit = options.call_limit;
        let docker = transport::connect(&path, SECONDS).map_err(|error| failed(Fault::Said(error)))?;
        let negotiated = within(limit.min(GREETING), docker.negotiate_version()).await;
        let docker = negotiated.map_err(failed)?;
        let version = within(limit, docker.version()).await.map_err(failed)?;
        let info = within(limit, docker.info()).await.map_err(failed)?;
        let told = api::engine(&path, &version, &info);
        let runtimes = info.runtimes.iter().flatten().map(|(name, runtime)| Registered {
            name: name.clone(),
            program: runtime
                .path
                .as_deref()
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        });
        let mut runtimes: Vec<Registered> = runtimes.collect();
        runtimes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            docker,
            places: Places::new(&path, told.name == "podman", &info, options),
            name: told.name,
            version: told.version,
            runtimes,
            default_runtime: told.default_runtime,
            call_limit: limit,
            labels,
        })
    }

    /// Makes an image from a rootfs; returns its id.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn import(&self, tar: Vec<u8>, tag: &str) -> Result<String, CallError> {
        let Labels { run, place } = &self.labels;
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(format!("{PREFIX}{run}")),
            tag: Some(tag.to_owned()),
            changes: vec![format!("LABEL {RUN}={run} {PLACE}={place}")],
            ..CreateImageOptions::default()
        };
        let body = bollard::body_full(tar.into());
        let told = self
            .last(self.docker.create_image(Some(options), Some(body), None))
            .await?;
        let id = told
            .and_then(|told| told.status)
            .filter(|id| id.starts_with("sha256:"));
        id.ok_or_else(|| CallError::Failed("it does not say which image it made".to_owned()))
    }

    /// Creates a container from a body for the API; returns its id.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create(&self, name: &str, body: Value) -> Result<String, CallError> {
        let read = serde_json::from_value::<ContainerCreateBody>(body);
        let mut body = read.map_err(|error| CallError::Declined(error.to_string()))?;
        let labels = [(RUN, &self.labels.run), (PLACE, &self.labels.place)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.clone()));
        body.labels = Some(labels.into());
        let options = CreateContainerOptions {
            name: Some(format!("{PREFIX}{}-{name}", self.labels.run)),
            ..CreateContainerOptions::default()
        };
        let made = self
            .call(self.docker.create_container(Some(options), body))
            .await?;
        Some(made.id)
            .filter(|id| text::is_id(id))
            .ok_or_else(|| CallError::Failed("it gives no id".to_owned()))
    }

    /// Starts a container, and reads its config.json while that exists.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start(&self, id: &str) -> (Result<(), CallError>, Option<String>) {
        let watch = ConfigWatch::begin(self.places.states(), id);
        let started = self.call(self.docker.start_container(id, None)).await;
        let config = tokio::task::spawn_blocking(move || watch.end()).await;
        (started, config.ok().flatten())
    }

    /// Waits until a container has ended; `None` if it does not end within the limit.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn wait(&self, id: &str, limit: Duration) -> Result<Option<i64>, CallError> {
        let options = WaitContainerOptions {
            condition: "not-running".to_owned(),
        };
        let mut answers = self.docker.wait_container(id, Some(options));
        match timeout(limit, answers.next()).await {
            Err(_) => Ok(None),
            Ok(Some(Ok(answer))) => Ok(Some(answer.status_code)),
            Ok(Some(Err(Error::DockerContainerWaitError { code, .. }))) => Ok(Some(code)),
            Ok(Some(Err(error))) => Err(call_error(Fault::Said(error))),
            Ok(None) => Err(CallError::Failed("it ends a wait without an answer".to_owned())),
        }
    }

    /// What a container that has ended printed.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn logs(&self, id: &str) -> Result<Output, CallError> {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            ..LogsOptions::default()
        };
        let mut output = Output::default();
        let mut parts = self.docker.logs(id, Some(options));
        let deadline = Instant::now() + self.call_limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, parts.next()).await {
                Err(_) => return Err(call_error(Fault::Late(self.call_limit))),
                Ok(None) => return Ok(output),
                Ok(Some(part)) => output.add(part.map_err(|error| call_error(Fault::Said(error)))?),
            }
        }
    }

    /// What the engine reports about a container.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect(&self, id: &str) -> Result<Value, CallError> {
        let told = self.call(self.docker.inspect_container(id, None)).await?;
        serde_json::to_value(told).map_err(|error| CallError::Failed(error.to_string()))
    }

    /// Removes something, running or not; it is not an error if it is already gone.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove(&self, id: &str, is_image: bool) -> Result<(), CallError> {
        let removed = if is_image {
            let options = RemoveImageOptions {
                force: true,
                ..RemoveImageOptions::default()
            };
            let call = self.docker.remove_image(id, Some(options), None);
            within(self.call_limit, call).await.map(|_| ())
        } else {
            let options = RemoveContainerOptions {
                force: true,
                v: true,
                ..RemoveContainerOptions::default()
            };
            within(self.call_limit, self.docker.remove_container(id, Some(options))).await
        };
        match removed {
            Err(fault) if !fault.is_not_found() => Err(call_error(fault)),
            _ => Ok(()),
        }
    }

    /// Everything that has our labels, containers first: images cannot be removed before them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn things(&self) -> Result<Vec<Thing>, CallError> {
        let filters = Some([("label".to_owned(), vec![RUN.to_owned()])].into());
        let containers = ListContainersOptions {
            all: true,
            filters: filters.clone(),
            ..ListContainersOptions::default()
        };
        let images = ListImagesOptions {
            filters,
            ..ListImagesOptions::default()
        };
        let containers = self.call(self.docker.list_containers(Some(containers))).await?;
        let images = self.call(self.docker.list_images(Some(images))).await?;
        let containers = containers
            .into_iter()
            .filter_map(|one| Some((one.id?, one.labels?, Kind::Container)));
        let images = images.into_iter().map(|one| (one.id, one.labels, Kind::Image));
        let things = containers.chain(images).filter_map(|(id, labels, kind)| {
            let of = |name: &str| labels.get(name).cloned();
            let labels = Labels {
                // An engine whose filter does nothing must not cause another container to be lost.
                run: of(RUN)?,
                place: of(PLACE)?,
            };
            Some(Thing { id, kind, labels })
        });
        Ok(things.collect())
    }

    /// The labels of what is made.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, CallError> {
        within(self.call_limit, call).await.map_err(call_error)
    }

    async fn last<T>(&self, stream: impl Stream<Item = Result<T, Error>>) -> Result<Option<T>, CallError> {
        let mut stream = std::pin::pin!(stream);
        let mut last = None;
        while let Some(next) = within(self.call_limit, async { Ok(stream.next().await) })
            .await
            .map_err(call_error)?
        {
            last = Some(next.map_err(|error| call_error(Fault::Said(error)))?);
        }
        Ok(last)
    }
}

/// A bad parameter, or one that is against a rule of the engine's; 404, 409 and the like are about what is there.
const DECLINED: [u16; 3] = [400, 403, 422];

fn call_error(fault: Fault) -> CallError {
    match fault {
        Fault::Said(Error::DockerResponseServerError { message, status_code }) => {
            let why = message.trim().to_owned();
            if DECLINED.contains(&status_code) {
                CallError::Declined(why)
            } else {
                CallError::Refused(why)
            }
        }
        other => CallError::Failed(other.to_string()),
    }
}
