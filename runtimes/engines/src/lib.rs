//! The containers of this node, as its engines describe them to a runtime.
//!
//! | module | where it looks |
//! |---|---|
//! | `sockets` | which API sockets exist |
//! | `api` | Docker's API, which Podman speaks too; only calls that read |
//! | `client` | one connection to it, with limits |
//! | `places` | where the engine behind it keeps its bundles |
//! | `transport` | its bytes: answers are limited in size |
//! | `containerd` | the task folders of containerd |
//! | `pods` | CRI, which the kubelet speaks: pods of containerd and CRI-O |
//! | `storage` | the folders of containers/storage: CRI-O's and Podman's |
//! | `states` | the state folders of runc and crun, for what no engine reported |
//! | `bundle` | a folder with a config.json: read with a limit, its rootfs, its overlay |
//! | `elsewhere` | a rootfs that is mounted in another namespace |
//! | `mounts` | which mounts are overlays, and of which folders |
//! | `versions` | versions of engines that were found by their folders |
//! | `text` | text from elsewhere, on one line |
//! | [`remote`] | containers that are made through an engine's API |
//! | [`commands`] | containers that are made through Podman's command line |
//!
//! Except in [`remote`] and [`commands`], nothing is changed and nothing is started. What engines and files say is not
//! trusted: it is limited in size, and in time.

pub(crate) mod api;
pub(crate) mod bundle;
pub(crate) mod client;
pub mod commands;
pub(crate) mod containerd;
mod elsewhere;
mod found;
mod mounts;
pub(crate) mod places;
mod pods;
pub mod remote;
pub(crate) mod sockets;
mod states;
mod storage;
pub(crate) mod text;
pub(crate) mod transport;
mod versions;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

pub use found::{Config, Engine, EngineError, Found, Missing, Workload};

/// Which engine's containers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those of every engine that exists.
    #[default]
    Auto,
    /// Docker's.
    Docker,
    /// Podman's.
    Podman,
    /// Those of a containerd, whatever drives it.
    Containerd,
    /// CRI-O's.
    Crio,
    /// Those of the node's pods, through the protocol of the kubelet.
    Cri,
    /// No containers.
    None,
}

impl Which {
    /// Every word for it, with what it means.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("docker", Self::Docker),
        ("podman", Self::Podman),
        ("containerd", Self::Containerd),
        ("crio", Self::Crio),
        ("cri", Self::Cri),
        ("none", Self::None),
    ];

    /// Whether an engine is among those that are asked for.
    fn asks(self, engine: Self) -> bool {
        self == Self::Auto || self == engine
    }
}

/// A word that is not an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no engine is called `{0}`; there are auto, docker, podman, containerd, crio, cri and none")]
pub struct WhichError(String);

impl FromStr for Which {
    type Err = WhichError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::WORDS.iter().find(|(name, _)| *name == word);
        found
            .map(|(_, which)| *which)
            .ok_or_else(|| WhichError(text::line(word)))
    }
}

/// Where to look, for what, and for how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which containers.
    pub which: Which,
    /// An API socket, instead of the usual ones; for containerd, its own socket. Under [`Which::Auto`], only this one
    /// is asked.
    pub socket: Option<PathBuf>,
    /// The value of DOCKER_HOST; only `unix://` can be on this node.
    pub docker_host: Option<String>,
    /// Where a private dockerd keeps its runtime state: its `--exec-root`.
    pub exec_root: Option<PathBuf>,
    /// The machine's files: all usual places are searched under it.
    pub root: PathBuf,
    /// Only these containers, by name, by id or by at least four characters of it.
    pub names: Vec<String>,
    /// How long one call of an API may take.
    pub call_limit: Duration,
    /// How long all calls of one engine may take.
    pub engine_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            which: Which::Auto,
            socket: None,
            docker_host: None,
            exec_root: None,
            root: PathBuf::from("/"),
            names: Vec::new(),
            call_limit: Duration::from_secs(5),
            engine_limit: Duration::from_secs(60),
        }
    }
}

/// Finds the containers of this node.
///
/// # Errors
///
/// What was asked for by name does not exist or does not answer; under [`Which::Auto`] that is a note.
pub async fn find(options: &Options) -> Result<Found, EngineError> {
    let mut found = Found::default();
    if options.which == Which::None {
        found.missing = options.names.iter().map(|name| Missing::new(name, &[])).collect();
        return Ok(found);
    }
    let (mut asked, mut refused) = (false, None);
    for target in sockets::targets(options, &mut found)? {
        // All calls of an engine share one limit.
        let deadline = Instant::now() + options.engine_limit;
        let path = target.path;
        match api::ask(&path, options, deadline, &mut found).await {
            Ok(()) => asked = true,
            Err(fault) if target.by_name => return Err(fault.of_engine(&path)),
            Err(fault) => {
                found.notes.push(format!("{}: {fault}", path.display()));
                refused = Some(fault.of_engine(&path));
            }
        }
    }
    let by_protocol = pods::look(options, &mut found).await?;
    let there = asked | by_protocol | folders(options, by_protocol, &mut found);
    if !there && options.which != Which::Auto {
        return Err(refused.unwrap_or_else(|| absent(options)));
    }
    versions::ask(options, &mut found.engines).await;
    choose(&options.names, &mut found);
    Ok(found)
}

/// Adds what engines left in folders, except for what their APIs have already reported, and says whether an engine was
/// found that was asked for. There are no pods to add if their runtime has reported them all.
fn folders(options: &Options, has_pods: bool, found: &mut Found) -> bool {
    let which = options.which;
    if which == Which::Auto && options.socket.is_some() {
        return true;
    }
    let mut there = which.asks(Which::Containerd) && containerd::look(options, has_pods, found);
    if which.asks(Which::Crio) || which.asks(Which::Podman) {
        there |= storage::look(options, found);
    }
    if which == Which::Auto {
        states::look(options, found);
    }
    there
}

/// What to say about an engine that was asked for and does not exist.
fn absent(options: &Options) -> EngineError {
    match options.which {
        Which::Containerd => containerd::absent(options),
        Which::Crio => storage::absent(options),
        Which::Cri => pods::absent(),
        _ => sockets::absent(options),
    }
}

/// Keeps what was asked for.
fn choose(names: &[String], found: &mut Found) {
    if names.is_empty() {
        return;
    }
    let fits = |one: &Workload, name: &str| {
        one.name == name || one.id == name || (name.len() >= 4 && one.id.starts_with(name))
    };
    let missing = names
        .iter()
        .filter(|name| !found.workloads.iter().any(|one| fits(one, name)));
    found.missing = missing.map(|name| Missing::new(name, &found.workloads)).collect();
    found
        .workloads
        .retain(|one| names.iter().any(|name| fits(one, name)));
}
