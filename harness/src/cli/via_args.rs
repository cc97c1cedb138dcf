//! What can be typed about a container engine that makes the containers.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::Error;

/// Which engine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ViaArgs {
    /// Let this engine make the containers, with each runtime that is registered with it; Podman takes any
    /// runtime
    #[arg(long, value_name = "ENGINE")]
    pub(crate) via: Option<ViaEngine>,
    /// The engine's socket; the default is DOCKER_HOST, or CONTAINER_RUNTIME_ENDPOINT for CRI, then the usual
    /// places. Repeatable for CRI: the nodes are run one after the other
    #[arg(long = "socket", value_name = "PATH", requires = "via", value_parser = super::containers::socket)]
    pub(crate) sockets: Vec<PathBuf>,
    /// The --exec-root of a dockerd that you started yourself
    #[arg(long, value_name = "DIR", requires = "via")]
    pub(crate) exec_root: Option<PathBuf>,
    /// The parent of the cgroups of pods and of Podman's containers; the default is the engine's own
    #[arg(long, value_name = "PATH", requires = "via")]
    pub(crate) cgroup_parent: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaEngine {
    /// Docker, through its API
    Docker,
    /// The Podman on PATH, through its command line, with each runtime that --runtime names
    Podman,
    /// The node's CRI runtime, through the kubelet's protocol: pods under each runtime handler of containerd
    Cri,
}

impl ViaArgs {
    /// The same for one engine at a time; more than one is CRI's only.
    ///
    /// # Errors
    /// Several sockets of another engine.
    pub(crate) fn each(&self) -> Result<Vec<Self>, Error> {
        if self.sockets.len() < 2 {
            return Ok(vec![self.clone()]);
        }
        if self.via != Some(ViaEngine::Cri) {
            return Err(Error::usage(
                "--socket can be repeated with `--via cri` only, which makes one run per engine",
            ));
        }
        let of = |socket: &PathBuf| Self {
            sockets: vec![socket.clone()],
            ..self.clone()
        };
        Ok(self.sockets.iter().map(of).collect())
    }

    /// The socket of [`Self::each`], where one was named.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        self.sockets.first().cloned()
    }

    /// The words that make another command meet the same engine.
    pub(crate) fn again(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if let Some(engine) = self.via.and_then(|engine| engine.to_possible_value()) {
            add("--via", engine.get_name().to_owned());
        }
        for socket in &self.sockets {
            add("--socket", socket.display().to_string());
        }
        if let Some(folder) = &self.exec_root {
            add("--exec-root", folder.display().to_string());
        }
        if let Some(parent) = &self.cgroup_parent {
            add("--cgroup-parent", parent.clone());
        }
        words
    }
}
