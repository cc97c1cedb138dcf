//! A node that runs containers of every kind, with a real Docker of the test's own.

use std::fs;

use serde_json::{Value, json};

use super::dockerd::{Dockerd, private, sleeper};
use super::kinds::kinds;
use super::needs;

/// A running container of each kind, one that has ended, and one that was not started.
pub(crate) struct Node {
    pub(crate) dockerd: Dockerd,
    /// Those that run.
    pub(crate) names: Vec<&'static str>,
}

impl Node {
    /// Starts them, with secrets in all places that can hold some; `None` if the machine lacks what that takes.
    pub(crate) fn new() -> Option<Self> {
        let paths = ["runc", "crun", "youki"].map(needs::runtime);
        let [Some(_), Some(crun), Some(youki)] = &paths else {
            return None;
        };
        let dockerd = Dockerd::start(&[("crun", crun), ("youki", youki)])?;
        dockerd.box_image()?;
        fs::write(dockerd.scratch().join("secret"), "hunter2").expect("a file");
        let mut node = Self {
            names: Vec::new(),
            dockerd,
        };
        let kinds = kinds(&node.dockerd.scratch());
        if kinds.iter().all(|(name, _)| *name != "privileged") {
            needs::skips::skipped("a privileged container needs every capability");
        }
        for (name, host) in kinds {
            node.add(name, sleeper(host));
        }
        if private::is_on_path("docker-init") {
            node.add("init", sleeper(json!({"Init": true})));
        } else {
            needs::skip("docker-init", false);
        }
        let mut user = sleeper(json!({}));
        user["User"] = "app:more".into();
        user["Cmd"] = json!(["/bin/sh", "-c", "sleep 1000; true ${container} hunter2"]);
        node.add("user", user);
        node.dockerd.create("created", sleeper(json!({})));
        let ended = node.dockerd.run("ended", json!({}));
        node.dockerd.post(&format!("/containers/{ended}/kill"));
        node.dockerd.post(&format!("/containers/{ended}/wait"));
        Some(node)
    }

    fn add(&mut self, name: &'static str, mut config: Value) {
        config["Env"] = json!(["PASSWORD=hunter2"]);
        config["Labels"] = json!({"token": "hunter2"});
        let id = self.dockerd.create(name, config);
        self.dockerd.post(&format!("/containers/{id}/start"));
        self.names.push(name);
    }
}
