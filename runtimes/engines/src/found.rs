//! What is reported: engines, containers, and why something is missing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ocidiff_confine::limit::Hint;
use ocidiff_confine::raised;

/// More containers than any node has.
const MOST_CONTAINERS: usize = 10_000;
/// The size of all their configs together.
const MOST_BYTES: u64 = 48 << 20;

/// Used if the version is not known.
pub(crate) const UNKNOWN: &str = "unknown";

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The engines that exist.
    pub engines: Vec<Engine>,
    /// Their containers.
    pub workloads: Vec<Workload>,
    /// What could not be examined and why, one line each.
    pub notes: Vec<String>,
    /// Names that were asked for but belong to no container.
    pub missing: Vec<Missing>,
}

/// A name that was asked for but belongs to no container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name.
    pub name: String,
    /// Names of containers that can be meant: those of which it is a part, or else all.
    pub others: Vec<String>,
}

impl Missing {
    pub(super) fn new(name: &str, workloads: &[Workload]) -> Self {
        let all = || workloads.iter().map(|one| one.name.clone());
        let of_part: Vec<String> = all()
            .filter(|one| one.split('/').any(|part| part == name))
            .collect();
        Self {
            name: name.to_owned(),
            others: if of_part.is_empty() {
                all().collect()
            } else {
                of_part
            },
        }
    }
}

/// An engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// docker, podman, containerd or crio.
    pub name: String,
    /// Its version as it reports it; `unknown` if it was not asked.
    pub version: String,
    /// Its API socket, if it was asked.
    pub socket: Option<PathBuf>,
    /// The runtime of containers that do not name one.
    pub default_runtime: Option<String>,
    /// Runtimes that it knows, as `name=path` if the path is reported.
    pub runtimes: Vec<String>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What people call it; under Kubernetes `namespace/pod/container`.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The engine's name.
    pub engine: String,
    /// The image, as it was asked for.
    pub image: Option<String>,
    /// running, exited, created, paused, ...; `unknown` if it is not known.
    pub state: String,
    /// The runtime that runs it: the one that is reported for it, or else its engine's default; `None` if it is not
    /// known.
    pub runtime: Option<String>,
    /// In a pod, the runtime handler: what its RuntimeClass names, or the node's default.
    pub handler: Option<String>,
    /// What the engine gave to the runtime, or one line that says why that cannot be read.
    pub config: Result<Config, String>,
    /// The root file system, if it is visible from here.
    pub rootfs: Option<PathBuf>,
    /// The folders that its overlay consists of, the uppermost first; the first is the container's own.
    pub layers: Vec<PathBuf>,
}

/// A config.json.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its text, which is JSON.
    pub text: String,
    /// Where it is.
    pub path: PathBuf,
}

/// An engine that was asked for by name, and that does not exist or does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// There is no trace of it on this node.
    #[error("find {engine} on this node: there is no {looked}; {remedy}")]
    Absent {
        /// What was asked for.
        engine: &'static str,
        /// Where it would be.
        looked: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The socket does not answer as an engine would.
    #[error("ask the engine at {path}: {why}", path = path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// One line.
        why: String,
    },
    /// Something accepts a connection there, and says nothing.
    #[error(
        "ask the engine at {path}: it accepts connections, and does not answer within {} s: restart it, or name \
         another socket with --socket",
        .limit.as_secs_f32(), path = path.display()
    )]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The variable for CRI names something else than a socket on this node.
    #[error("use CRI: {0}")]
    Endpoint(String),
    /// The host is not this node.
    #[error("use DOCKER_HOST={host}: {why}")]
    Host {
        /// What was given.
        host: String,
        /// One line.
        why: &'static str,
    },
}

impl Found {
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.workloads.iter().map(|one| one.id.clone()).collect()
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&mut self, engine: &str) -> bool {
        let text = |one: &Workload| one.config.as_ref().map_or(0, |config| config.text.len() as u64);
        let bytes: u64 = self.workloads.iter().map(text).sum();
        let room = self.workloads.len() < MOST_CONTAINERS && bytes < raised(MOST_BYTES);
        if !room {
            let most = raised(MOST_BYTES) >> 20;
            let note = format!(
                "{engine}: more than {MOST_CONTAINERS} containers, or than {most} MiB of configs: the rest is left out; {Hint}"
            );
            if self.notes.last() != Some(&note) {
                self.notes.push(note);
            }
        }
        room
    }
}
