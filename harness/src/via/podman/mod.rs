//! Containers through Podman's command line, each under the runtime that it is called with; [`words`] turns a request
//! to Docker into one to Podman.

pub mod words;

use std::path::Path;
use std::time::Duration;

use ocidiff_engines::commands::Commands;
use ocidiff_engines::remote::{CallError, Kind, Labels, Output, Thing};
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Fact};
use serde_json::Value;

use super::docker::translate;
use super::express::{Refusal, refuse};
use super::facts;
use super::makes::{Ask, Makes};
use super::profiles::Profiles;
use crate::machine::cgroup::of_container;
use words::Body;

/// The time of creation, which is different each time.
const CREATED: &str = "io.kubernetes.cri-o.Created";

/// Where a Podman without systemd makes cgroups, and in which of them the monitors of containers are.
const PARENT: &str = "/libpod_parent";
const MONITORS: &str = "conmon";
/// The beginning of the names of containers' cgroups.
const CGROUP: &str = "libpod-";

/// The engine.
#[derive(Debug)]
pub struct Podman {
    commands: Commands,
    profiles: Profiles,
    cgroup_parent: Option<String>,
    /// Whether it can raise limits.
    raises_limits: bool,
}

/// A container.
#[derive(Debug)]
pub struct Made {
    id: String,
    runtime: String,
    hostname: String,
}

impl Podman {
    /// Keeps profiles in the folder of the session; `raises_limits` says whether it has CAP_SYS_RESOURCE.
    #[must_use]
    pub fn new(
        commands: Commands,
        folder: &Path,
        cgroup_parent: Option<String>,
        raises_limits: bool,
    ) -> Self {
        Self {
            commands,
            raises_limits,
            profiles: Profiles::new(folder.join("profiles")),
            cgroup_parent,
        }
    }

    fn parent(&self) -> &str {
        self.cgroup_parent.as_deref().unwrap_or(PARENT)
    }

    async fn make(
        &self,
        name: &str,
        runtime: Option<&str>,
        image: &str,
        body: &Body,
    ) -> Result<String, CallError> {
        let mut words = body.words.clone();
        if let Some(parent) = &self.cgroup_parent {
            words.options.push(format!("--cgroup-parent={parent}"));
        }
        if let Some(profile) = &body.profile {
            let file = self.profiles.path(profile);
            let file = file.map_err(|error| CallError::Failed(format!("write a profile: {error}")))?;
            words
                .options
                .push(format!("--security-opt=seccomp={}", file.display()));
        }
        self.commands.create(name, runtime, image, &words).await
    }
}

impl Makes for Podman {
    type Body = Body;
    type Made = Made;

    fn translate(&self, case: &Case, config: &Value, default: &Value) -> Result<Body, Refusal> {
        let body = translate::body(case, config, default)?;
        if !self.raises_limits && body["HostConfig"].get("Ulimits").is_some() {
            return refuse(
                "beside limits of a container Podman raises others, for which CAP_SYS_RESOURCE is missing",
            );
        }
        words::of(&body, config, default)
    }

    async fn import(&self, tar: Vec<u8>, tag: &str, _: Option<i32>) -> Result<String, CallError> {
        self.commands.import(tar, tag).await
    }

    async fn takes(&self, name: String, image: &str, body: &Body) -> Result<(), CallError> {
        let id = self.make(&name, None, image, body).await?;
        self.commands.remove(&id, false).await
    }

    async fn create(&self, ask: Ask<'_, Body>) -> Result<Made, CallError> {
        let id = self
            .make(&ask.name, Some(ask.runtime), ask.image, ask.body)
            .await?;
        Ok(Made {
            id,
            runtime: ask.runtime.to_owned(),
            hostname: ask.body.hostname.clone(),
        })
    }

    async fn start(&self, made: &Made) -> (Result<(), CallError>, Option<String>) {
        let started = self.commands.start(&made.id, &made.runtime).await;
        let config = self.commands.config(&made.id).await.ok().flatten();
        (started, config.map(|text| steady(&text)))
    }

    async fn wait(&self, made: &Made, limit: Duration) -> Result<Option<i64>, CallError> {
        self.commands.wait(&made.id, limit).await
    }

    async fn output(&self, made: &Made) -> Result<Output, CallError> {
        self.commands.logs(&made.id).await
    }

    async fn told(&self, made: &Made) -> Result<Vec<Fact>, CallError> {
        let mut told = self.commands.inspect(&made.id).await?;
        // Its paths contain the container's id.
        if let Some(log) = told
            .pointer_mut("/HostConfig/LogConfig")
            .and_then(Value::as_object_mut)
        {
            log.remove("Path");
        }
        Ok(facts::of_inspect(&told))
    }

    async fn remove(&self, made: &Made) -> Result<(), CallError> {
        self.commands.remove(&made.id, false).await
    }

    fn ids<'m>(&self, made: &'m Made) -> Vec<(&'m str, &'static str)> {
        vec![(made.id.as_str(), MAIN)]
    }

    fn hostname(&self, made: &Made) -> String {
        made.hostname.clone()
    }

    fn is_shuffled(&self, path: &str) -> bool {
        path.starts_with("proc.env") || path == "mount.inside.mounts"
    }

    fn cgroup_parents(&self) -> Vec<String> {
        vec![format!("{}/{MONITORS}", self.parent())]
    }

    fn cgroup(&self, id: &str) -> Option<String> {
        of_container(self.parent(), &format!("{CGROUP}{id}"))
    }

    fn labels(&self) -> &Labels {
        self.commands.labels()
    }

    async fn things(&self) -> Result<Vec<Thing>, CallError> {
        self.commands.things().await
    }

    async fn remove_thing(&self, thing: &Thing) -> Result<(), CallError> {
        self.commands.remove(&thing.id, thing.kind == Kind::Image).await
    }
}

/// The config without its creation time, and in a fixed order: Podman keeps variables and binds in maps, which are
/// unordered.
fn steady(text: &str) -> String {
    let Ok(mut config) = serde_json::from_str::<Value>(text) else {
        return text.to_owned();
    };
    if let Some(all) = config["annotations"].as_object_mut() {
        all.remove(CREATED);
    }
    let order = |value: &Value| value.to_string();
    if let Some(env) = config.pointer_mut("/process/env").and_then(Value::as_array_mut) {
        env.sort_by_key(order);
    }
    if let Some(mounts) = config["mounts"].as_array_mut() {
        let is_bind = |mount: &&mut Value| mount["type"] == "bind";
        let mut binds: Vec<Value> = mounts.iter_mut().filter(is_bind).map(|one| one.clone()).collect();
        binds.sort_by_key(order);
        let places = mounts.iter_mut().filter(is_bind);
        places.zip(binds).for_each(|(place, bind)| *place = bind);
    }
    config.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_podman_shuffles_has_one_order() {
        let of = |env: [&str; 2], mounts: [&str; 3], time: &str| {
            let kind = |at: &str| if at == "/proc" { "proc" } else { "bind" };
            let mounts = mounts.map(|at| json!({"destination": at, "type": kind(at)}));
            steady(
                &json!({"process": {"env": env}, "mounts": mounts, "annotations": {CREATED: time}})
                    .to_string(),
            )
        };
        assert_eq!(
            of(["A=1", "B=2"], ["/a", "/proc", "/b"], "1"),
            of(["B=2", "A=1"], ["/b", "/proc", "/a"], "2")
        );
        assert_ne!(
            of(["A=1", "B=2"], ["/a", "/proc", "/b"], "1"),
            of(["A=1", "B=2"], ["/proc", "/a", "/b"], "1")
        );
        assert_eq!(steady("not JSON"), "not JSON");
    }
}
