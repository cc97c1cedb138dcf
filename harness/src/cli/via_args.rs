//! What can be typed about a container engine that makes the containers.

use std::path::{Component, Path, PathBuf};

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
    #[arg(long, value_name = "PATH", requires = "via", value_parser = cgroup)]
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

/// The parent of cgroups: a path from the root of the hierarchies, or the name of a slice where systemd makes them.
fn cgroup(text: &str) -> Result<String, String> {
    let path = Path::new(text);
    let is_whole = path.is_absolute()
        && path
            .components()
            .skip(1)
            .all(|part| matches!(part, Component::Normal(_)));
    let is_slice = !text.contains('/') && text.ends_with(".slice");
    match (is_whole && path != Path::new("/")) || is_slice {
        true => Ok(text.to_owned()),
        false => Err("a parent of cgroups is an absolute path without `..`, or a slice".to_owned()),
    }
}

impl ViaArgs {
    /// The same for one engine at a time; more than one is CRI's only.
    ///
    /// # Errors
    /// Several sockets of another engine; an option that it does not have.
    pub(crate) fn each(&self) -> Result<Vec<Self>, Error> {
        if self.cgroup_parent.is_some() && matches!(self.via, Some(ViaEngine::Docker)) {
            return Err(Error::usage(
                "--cgroup-parent is for pods and for podman: dockerd itself has an option of that name",
            ));
        }
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
        // One that is named twice is one node, however it is spelt.
        let real = |socket: &PathBuf| socket.canonicalize().unwrap_or_else(|_| socket.clone());
        let mut sockets: Vec<&PathBuf> = Vec::new();
        for socket in &self.sockets {
            if sockets.iter().all(|other| real(other) != real(socket)) {
                sockets.push(socket);
            }
        }
        Ok(sockets.into_iter().map(of).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_of_cgroups_leads_nowhere_else() {
        for (text, is_good) in [
            ("/pods", true),
            ("/kubepods/besteffort", true),
            ("/kubepods.slice", true),
            ("machine.slice", true),
            ("", false),
            ("/", false),
            ("pods", false),
            ("./pods", false),
            ("/../pods", false),
            ("/pods/../../other", false),
            ("..", false),
            ("../x.slice", false),
        ] {
            assert_eq!(cgroup(text).is_ok(), is_good, "{text:?}");
        }
    }

    #[test]
    fn a_node_is_run_once_however_its_socket_is_spelt() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for name in ["a", "b"] {
            std::fs::write(at(name), "").expect("a file");
        }
        std::os::unix::fs::symlink("a", at("link")).expect("a link");
        let args = ViaArgs {
            via: Some(ViaEngine::Cri),
            sockets: vec![at("a"), at("./a"), at("link"), at("b"), at("none")],
            ..ViaArgs::default()
        };
        let each = args.each().expect("nodes");
        let sockets: Vec<Option<PathBuf>> = each.iter().map(ViaArgs::socket).collect();
        assert_eq!(sockets, [Some(at("a")), Some(at("b")), Some(at("none"))]);
    }
}
