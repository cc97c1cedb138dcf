//! Which API sockets exist.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::{EngineError, Found, Options, Which, bundle, text};

const DOCKER: [&str; 2] = ["run/docker.sock", "var/run/docker.sock"];
const PODMAN: &str = "run/podman/podman.sock";
/// Podman without root has a service for each user.
const USERS: &str = "run/user";

const NOT_HERE: &str = "only an engine on this node can be checked: run ocidiff on the engine's node, or name a socket as unix:///PATH";

/// A socket to ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// It was asked for: if it does not answer, that is an error and not a note.
    pub(super) by_name: bool,
}

/// The sockets to ask: the one that is named, or those in the usual places.
pub(crate) fn targets(options: &Options, found: &mut Found) -> Result<Vec<Target>, EngineError> {
    let which = options.which;
    if !(which.asks(Which::Docker) || which.asks(Which::Podman)) {
        return Ok(Vec::new());
    }
    if let Some(path) = &options.socket {
        return Ok(vec![by_name(path.clone())]);
    }
    let mut all = Vec::new();
    if let Some(host) = options.docker_host.as_deref().filter(|host| !host.is_empty())
        && which.asks(Which::Docker)
    {
        match host.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') => all.push(by_name(PathBuf::from(path))),
            _ => {
                let error = EngineError::Host {
                    host: text::line(host),
                    why: NOT_HERE,
                };
                if which == Which::Docker {
                    return Err(error);
                }
                found.notes.push(format!("failed to {error}"));
            }
        }
        if which == Which::Docker {
            return Ok(all);
        }
    }
    let usual = usual(options).into_iter().filter(|path| is_socket(path));
    all.extend(usual.map(|path| Target { path, by_name: false }));
    // It comes from an environment variable: under Auto it does not end the check.
    all.iter_mut().for_each(|target| target.by_name = false);
    Ok(once(all))
}

/// An engine with an API that was asked for and does not exist.
pub(crate) fn absent(options: &Options) -> EngineError {
    let engine = if options.which == Which::Podman {
        "podman"
    } else {
        "docker"
    };
    let looked: Vec<String> = usual(options)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    EngineError::Absent {
        engine,
        looked: looked.join(" nor "),
        remedy: "start its service, or name its socket",
    }
}

fn usual(options: &Options) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = Vec::new();
    if options.which.asks(Which::Docker) {
        places.extend(DOCKER.map(|place| options.root.join(place)));
    }
    if options.which.asks(Which::Podman) {
        places.push(options.root.join(PODMAN));
        let users = bundle::folders(&options.root.join(USERS));
        places.extend(users.iter().map(|user| user.join("podman/podman.sock")));
    }
    places
}

fn by_name(path: PathBuf) -> Target {
    Target { path, by_name: true }
}

pub(super) fn is_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|told| told.file_type().is_socket())
}

/// /var/run is a link to /run, and Docker's socket may be one to Podman's.
fn once(all: Vec<Target>) -> Vec<Target> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for target in all {
        let real = fs::canonicalize(&target.path).unwrap_or_else(|_| target.path.clone());
        if !seen.contains(&real) {
            seen.push(real);
            kept.push(target);
        }
    }
    kept
}
