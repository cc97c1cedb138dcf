//! Pods and containers: the calls, with explanations of their failures.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tonic::metadata::MetadataMap;

use crate::client::Client;
use crate::error::Error;
use crate::messages::{
    ContainerConfig, ContainerState, ContainerStatus, ContainerStatusRequest, CreateContainerRequest,
    ExecSyncRequest, ExecSyncResponse, LinuxContainerResources, PodSandboxConfig, PodSandboxStatusRequest,
    RemoveContainerRequest, RemovePodSandboxRequest, RunPodSandboxRequest, StartContainerRequest,
    StopContainerRequest, StopPodSandboxRequest, UpdateContainerResourcesRequest,
};

/// How often to ask whether a container has ended.
const TICK: Duration = Duration::from_millis(20);

/// How containerd and CRI-O say that they do not know a handler.
const HANDLER: [&str; 2] = ["no runtime for", "failed to find runtime handler"];
/// How they say that the image of the pod's own container does not exist.
const SANDBOX_IMAGE: [&str; 3] = ["get sandbox image", "pause image", "infra image"];

/// What is known about a container.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// The protocol's own part.
    pub status: ContainerStatus,
    /// The config.json that its runtime was given, if the plugin returns it.
    pub config: Option<String>,
    /// What manages its root, if the plugin reports that.
    pub snapshotter: Option<String>,
}

impl Client {
    /// Starts a pod under a handler; returns its id.
    ///
    /// # Errors
    /// See [`Error`]; the handler or the pod's own image does not exist.
    pub async fn run_pod(&self, config: PodSandboxConfig, handler: &str) -> Result<String, Error> {
        let request = RunPodSandboxRequest {
            config: Some(config),
            runtime_handler: handler.to_owned(),
        };
        let answer = self.call(request).await.map_err(|error| match error {
            Error::Refused { why, .. } if has_any(&why, &HANDLER) => Error::Handler {
                handler: handler.to_owned(),
                why,
            },
            Error::Refused { why, .. } if has_any(&why, &SANDBOX_IMAGE) => Error::SandboxImage(why),
            other => other,
        })?;
        id(answer.pod_sandbox_id, "RunPodSandbox")
    }

    /// Stops a pod and removes it with all of its containers; it is not an error if it is already gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove_pod(&self, pod: &str) -> Result<(), Error> {
        let pod_sandbox_id = pod.to_owned();
        gone(
            self.call(StopPodSandboxRequest {
                pod_sandbox_id: pod_sandbox_id.clone(),
            })
            .await,
        )?;
        gone(self.call(RemovePodSandboxRequest { pod_sandbox_id }).await)
    }

    /// The parent of a pod's cgroups that was asked for, if any was and the plugin returns it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cgroup_parent(&self, pod: &str) -> Result<Option<String>, Error> {
        let request = PodSandboxStatusRequest {
            pod_sandbox_id: pod.to_owned(),
            verbose: true,
        };
        let answer = self.call(request).await?;
        let info = info(&answer.info);
        let parent = info["config"]["linux"]["cgroup_parent"].as_str();
        Ok(parent.filter(|parent| !parent.is_empty()).map(str::to_owned))
    }

    /// Creates a container in a pod; returns its id.
    ///
    /// # Errors
    /// See [`Error`]; the image does not exist.
    pub async fn create(
        &self,
        pod: &str,
        config: ContainerConfig,
        sandbox: PodSandboxConfig,
    ) -> Result<String, Error> {
        let image = config.image.as_ref().map(|image| image.image.clone());
        let image = image.unwrap_or_default();
        let request = CreateContainerRequest {
            pod_sandbox_id: pod.to_owned(),
            config: Some(config),
            sandbox_config: Some(sandbox),
        };
        let answer = self.call(request).await.map_err(|error| match error {
            Error::Refused { why, .. } if why.contains("image") && why.contains("not found") => {
                Error::Image { image, why }
            }
            other => other,
        })?;
        id(answer.container_id, "CreateContainer")
    }

    /// Starts a container.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(&self, container: &str) -> Result<(), Error> {
        let container_id = container.to_owned();
        self.call(StartContainerRequest { container_id }).await.map(drop)
    }

    /// Sends a container its stop signal, and KILL after this much time; without a time, KILL at once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stop(&self, container: &str, grace: Duration) -> Result<(), Error> {
        let stop = StopContainerRequest {
            container_id: container.to_owned(),
            timeout: i64::try_from(grace.as_secs()).unwrap_or(i64::MAX),
        };
        let limit = self.limit() + grace;
        self.call_within(stop, limit, MetadataMap::new()).await.map(drop)
    }

    /// Changes the limits of a container.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update(&self, container: &str, limits: LinuxContainerResources) -> Result<(), Error> {
        let request = UpdateContainerResourcesRequest {
            container_id: container.to_owned(),
            linux: Some(limits),
            ..UpdateContainerResourcesRequest::default()
        };
        self.call(request).await.map(drop)
    }

    /// Stops a container, giving it this much time to end by itself, and removes it; it is not an error if it is
    /// already gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove(&self, container: &str, grace: Duration) -> Result<(), Error> {
        gone(self.stop(container, grace).await)?;
        let container_id = container.to_owned();
        gone(self.call(RemoveContainerRequest { container_id }).await)
    }

    /// What is known about a container, with the config.json that its runtime was given: containerd puts it under
    /// `runtimeSpec`, CRI-O too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn told(&self, container: &str) -> Result<Told, Error> {
        let request = ContainerStatusRequest {
            container_id: container.to_owned(),
            verbose: true,
        };
        let answer = self.call(request).await?;
        let status = answer.status.ok_or(Error::Lacks {
            call: "ContainerStatus",
            what: "status",
        })?;
        let info = info(&answer.info);
        let config = Some(&info["runtimeSpec"]).filter(|spec| spec.is_object());
        Ok(Told {
            status,
            config: config.map(ToString::to_string),
            snapshotter: info["snapshotter"].as_str().map(str::to_owned),
        })
    }

    /// Waits until a container has ended; `None` if it does not end within the limit.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn wait(&self, container: &str, limit: Duration) -> Result<Option<ContainerStatus>, Error> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let request = ContainerStatusRequest {
                container_id: container.to_owned(),
                verbose: false,
            };
            let status = self.call(request).await?.status.unwrap_or_default();
            if status.state() == ContainerState::ContainerExited {
                return Ok(Some(status));
            }
            if tokio::time::Instant::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Runs a program in a container, and waits for it this long.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn exec(
        &self,
        container: &str,
        cmd: Vec<String>,
        limit: Duration,
    ) -> Result<ExecSyncResponse, Error> {
        let request = ExecSyncRequest {
            container_id: container.to_owned(),
            cmd,
            timeout: i64::try_from(limit.as_secs().max(1)).unwrap_or(i64::MAX),
        };
        self.call_within(request, limit + self.limit(), MetadataMap::new())
            .await
    }
}

fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

fn gone<A>(answer: Result<A, Error>) -> Result<(), Error> {
    match answer {
        Err(error) if !error.is_gone() => Err(error),
        _ => Ok(()),
    }
}

/// What a plugin adds to an answer that was asked to be verbose.
fn info(all: &BTreeMap<String, String>) -> Value {
    let text = all.get("info").map(String::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// Ids become parts of paths.
fn id(text: String, call: &'static str) -> Result<String, Error> {
    let is_good =
        !text.is_empty() && text.len() <= 128 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if is_good {
        Ok(text)
    } else {
        Err(Error::Lacks { call, what: "id" })
    }
}
