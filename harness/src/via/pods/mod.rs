//! Containers through CRI, made the way the kubelet does: each has its own pod under a runtime handler, which is what
//! a RuntimeClass names.
//!
//! Images are imported; nothing is pulled. Everything that is made has labels, and goes with the session.

mod acts;
mod asks;
mod binds;
mod facts;
mod resources;
pub mod translate;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ocidiff_cri::messages as m;
use ocidiff_cri::node::Node;
use ocidiff_cri::{Client, Error, log};
use ocidiff_engines::remote::{CallError, Kind, Labels, Output, PLACE, PREFIX, RUN, Thing};
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Fact};
use serde_json::{Value, json};

use self::translate::{Body, Network};
use super::acts::{Act, Deed, Done, KILL};
use super::express::Refusal;
use super::makes::{Ask, Makes};
use super::profiles::Profiles;
use crate::machine::cgroup::of_container;

/// The beginning of the names of all our images. A name without a domain would refer to Docker Hub.
const IMAGES: &str = "localhost/";
/// The name of pods and of the copies of their files in records.
const POD_ID: &str = "pod";
const BUNDLE: &str = "/bundle";
/// Where the cgroups of pods without a setting are: the plugin's namespace.
const PARENT: &str = "/k8s.io";
/// A container's log, in its pod's folder.
const LOG: &str = "log";

/// The stop signal of images that do not specify one.
const TERM: i32 = 15;

/// A CRI runtime that makes pods.
#[derive(Debug)]
pub struct Pods {
    client: Client,
    /// What it reports about itself.
    pub node: Node,
    labels: Labels,
    network: Network,
    /// The parent of the pods' cgroups, if one was asked for.
    cgroup: Option<String>,
    /// Logs of the pods, each in a folder of its own.
    folder: PathBuf,
    /// Copies of the files of pods that have binds.
    files: PathBuf,
    profiles: Profiles,
}

/// A pod with its container.
#[derive(Debug)]
pub struct Made {
    pod: String,
    container: String,
    logs: PathBuf,
    /// The copy of the files that it binds, if there are any.
    files: PathBuf,
    hostname: String,
    acts: Vec<Act>,
}

impl Pods {
    /// Greets the runtime at a socket; logs and profiles go to a folder, which must be the same folder for the runtime.
    ///
    /// # Errors
    /// There is no runtime, or it does not speak CRI v1.
    pub async fn connect(
        socket: &Path,
        limit: Duration,
        labels: Labels,
        folder: &Path,
        cgroup: Option<String>,
    ) -> Result<Self, Error> {
        let client = Client::connect(socket, limit).await?;
        let node = client.node().await?;
        let network = if node.has_network {
            Network::Pod
        } else {
            Network::Node
        };
        Ok(Self {
            client,
            node,
            labels,
            network,
            cgroup,
            folder: folder.join("pods"),
            files: folder.join("binds"),
            profiles: Profiles::new(folder.join("profiles")),
        })
    }

    /// containerd or cri-o.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.client.name
    }

    /// The same with its version.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{} {}", self.client.name, self.client.version)
    }

    /// The sources of the container's binds, in a copy of its own.
    async fn binds(&self, ask: &Ask<'_, Body>, files: &Path) -> Result<Vec<m::Mount>, CallError> {
        let (binds, bundle, folder) = (ask.body.binds.clone(), ask.bundle.clone(), files.to_owned());
        let placed = tokio::task::spawn_blocking(move || binds::place(&binds, &bundle, &folder)).await;
        let placed = placed.map_err(std::io::Error::other).and_then(|placed| placed);
        let mounts = placed.map_err(|error| CallError::Failed(format!("copy the bundle: {error}")))?;
        match binds::missing(&ask.body.binds, files) {
            Some(path) => Err(CallError::Declined(format!(
                "the plugin makes a folder where {} of the bundle is not there",
                path.display()
            ))),
            None => Ok(mounts),
        }
    }
}

impl Makes for Pods {
    type Body = Body;
    type Made = Made;

    fn translate(&self, case: &Case, config: &Value, default: &Value) -> Result<Body, Refusal> {
        translate::body(case, config, default, self.network)
    }

    fn stop_signal(&self, body: &Body) -> Option<i32> {
        body.acts.iter().find_map(|act| match act.deed {
            Deed::Stop(signal) if signal != TERM && signal != KILL => Some(signal),
            _ => None,
        })
    }

    async fn starts(&self, handler: &str, name: &str) -> Result<(), CallError> {
        let body = Body::default();
        let logs = self.folder.join(name);
        let sandbox = self.sandbox((handler, &body), (name, &logs));
        let pod = self.client.run_pod(sandbox, handler).await.map_err(call_error)?;
        // If it cannot be removed, every case says so; this one goes with the session.
        let _ = self.client.remove_pod(&pod).await;
        Ok(())
    }

    async fn import(&self, tar: Vec<u8>, tag: &str, signal: Option<i32>) -> Result<String, CallError> {
        let Labels { run, place } = &self.labels;
        let name = format!("{IMAGES}{PREFIX}{run}:{tag}");
        let mut own = json!({"Labels": {RUN: run, PLACE: place}});
        if let Some(signal) = signal {
            own["StopSignal"] = signal.to_string().into();
        }
        self.client.import(&name, &tar, &own).await.map_err(call_error)?;
        Ok(name)
    }

    /// The plugin's own checks are made when a container is created, before any runtime is called.
    async fn takes(&self, _: String, _: &str, _: &Body) -> Result<(), CallError> {
        Ok(())
    }

    async fn create(&self, ask: Ask<'_, Body>) -> Result<Made, CallError> {
        let logs = self.folder.join(&ask.name);
        let sandbox = self.sandbox((ask.runtime, ask.body), (&ask.name, &logs));
        let mut config = self.container(&ask, &sandbox)?;
        let files = self.files.join(&ask.name);
        config.mounts = self.binds(&ask, &files).await?;
        let pod = self
            .client
            .run_pod(sandbox.clone(), ask.runtime)
            .await
            .map_err(call_error)?;
        match self.client.create(&pod, config, sandbox).await {
            Ok(container) => Ok(Made {
                pod,
                container,
                logs,
                files,
                acts: ask.body.acts.clone(),
                hostname: match self.network {
                    Network::Pod => ask.body.hostname.clone(),
                    Network::Node => nodes_hostname(),
                },
            }),
            Err(error) => {
                // Its pod is removed, whatever the outcome: the end of the session would remove it too.
                let _ = self.client.remove_pod(&pod).await;
                let _ = std::fs::remove_dir_all(&files);
                Err(call_error(error))
            }
        }
    }

    async fn start(&self, made: &Made) -> (Result<(), CallError>, Option<String>) {
        let told = self.client.told(&made.container).await;
        let config = match told {
            Ok(told) => told.config,
            Err(error) => return (Err(call_error(error)), None),
        };
        let started = self.client.start(&made.container).await;
        (started.map_err(call_error), config)
    }

    fn acts<'m>(&self, made: &'m Made) -> &'m [Act] {
        &made.acts
    }

    async fn act(&self, made: &Made, act: &Act) -> Result<Done, CallError> {
        self.does(made, act).await
    }

    async fn wait(&self, made: &Made, limit: Duration) -> Result<Option<i64>, CallError> {
        let ended = self
            .client
            .wait(&made.container, limit)
            .await
            .map_err(call_error)?;
        Ok(ended.map(|status| i64::from(status.exit_code)))
    }

    async fn output(&self, made: &Made) -> Result<Output, CallError> {
        let path = made.logs.join(LOG);
        let read = log::read(&path).map_err(|error| {
            CallError::Failed(format!(
                "its log {} cannot be read ({error}): does it see the same folder? TMPDIR names another",
                path.display()
            ))
        })?;
        Ok(Output {
            stdout: read.stdout,
            stderr: read.stderr,
            lost: [read.lost, read.lost],
        })
    }

    async fn told(&self, made: &Made) -> Result<Vec<Fact>, CallError> {
        let told = self.client.told(&made.container).await.map_err(call_error)?;
        Ok(facts::of_status(&told.status))
    }

    async fn remove(&self, made: &Made) -> Result<(), CallError> {
        let removed = self.client.remove(&made.container, Duration::ZERO).await;
        let is_lost = removed.as_ref().is_err_and(|error| error.refusal().is_none());
        let pod = match is_lost {
            // A runtime that does not answer will not answer the next call either.
            true => Ok(()),
            false => self.client.remove_pod(&made.pod).await,
        };
        let _ = std::fs::remove_dir_all(&made.logs);
        let _ = std::fs::remove_dir_all(&made.files);
        removed.and(pod).map_err(call_error)
    }

    fn ids<'m>(&self, made: &'m Made) -> Vec<(&'m str, &'static str)> {
        let mut ids = vec![(made.container.as_str(), MAIN), (made.pod.as_str(), POD_ID)];
        ids.extend(made.files.to_str().map(|files| (files, BUNDLE)));
        ids
    }

    fn hostname(&self, made: &Made) -> String {
        made.hostname.clone()
    }

    fn cgroup_parents(&self) -> Vec<String> {
        vec![self.cgroup.clone().unwrap_or_else(|| PARENT.to_owned())]
    }

    /// Those of the pod and of its containers, below the parent that the pod itself has: a killed run may have had another
    /// one than is asked for now.
    async fn cgroups(&self, thing: &Thing) -> Vec<String> {
        let parent = self.client.cgroup_parent(&thing.id).await.ok().flatten();
        let parent = parent.or_else(|| self.cgroup_parents().pop()).unwrap_or_default();
        let containers = self.client.containers().await.unwrap_or_default();
        let own = containers
            .into_iter()
            .filter(|one| one.pod_sandbox_id == thing.id);
        let ids = own.map(|one| one.id).chain([thing.id.clone()]);
        ids.filter_map(|id| of_container(&parent, &id)).collect()
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    async fn things(&self) -> Result<Vec<Thing>, CallError> {
        let pods = self.client.pods().await.map_err(call_error)?;
        let own = |pod: m::PodSandbox| {
            let of = |name: &str| pod.labels.get(name).cloned();
            let labels = Labels {
                run: of(RUN)?,
                place: of(PLACE)?,
            };
            Some(Thing {
                id: pod.id,
                kind: Kind::Container,
                labels,
            })
        };
        let mut things: Vec<Thing> = pods.into_iter().filter_map(own).collect();
        let images = self.client.images().await.map_err(call_error)?;
        for name in images {
            if !name.starts_with(&format!("{IMAGES}{PREFIX}")) {
                continue;
            }
            let told = self.client.image_labels(&name).await.map_err(call_error)?;
            let told = told.unwrap_or_default();
            if let (Some(run), Some(place)) = (told[RUN].as_str(), told[PLACE].as_str()) {
                let (run, place) = (run.to_owned(), place.to_owned());
                things.push(Thing {
                    id: name,
                    kind: Kind::Image,
                    labels: Labels { run, place },
                });
            }
        }
        // What exists only for a moment belongs to a run that is alive, or was killed just then.
        for (id, labels) in self.client.leases().await.map_err(call_error)? {
            if let (Some(run), Some(place)) = (labels.get(RUN), labels.get(PLACE)) {
                let (run, place) = (run.clone(), place.clone());
                things.push(Thing {
                    id,
                    kind: Kind::Import,
                    labels: Labels { run, place },
                });
            }
        }
        Ok(things)
    }

    async fn remove_thing(&self, thing: &Thing) -> Result<(), CallError> {
        let removed = match thing.kind {
            Kind::Container => self.client.remove_pod(&thing.id).await,
            Kind::Image => self.client.remove_image(&thing.id).await,
            Kind::Import => self.client.remove_lease(&thing.id).await,
        };
        removed.map_err(call_error)
    }
}

fn nodes_hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn call_error(error: Error) -> CallError {
    let is_invalid = matches!(error, Error::Refused { is_invalid: true, .. });
    match error.refusal() {
        Some(why) if is_invalid => CallError::Declined(why),
        Some(why) => CallError::Refused(why),
        None => CallError::Failed(error.to_string()),
    }
}
