//! `ocidiff check --kubernetes`: a manifest that runs `check` once on every node of a cluster, and ends.
//!
//! How a pod sees its node, and why: the node's `/` is mounted at `/host`, with all mounts below it, and `check --root
//! /host` makes that its own root before it looks at anything (`root`: in a mount namespace of its own, with a copy of
//! itself in a `/tmp` of its own). Then configs, root file systems, runtimes and their libraries have the paths that
//! they have on the node.
//!
//! It does not use `nsenter` into the mount namespace of the node's first process: an image with one static file has no
//! `nsenter`. The file is not visible over there, so it would have to be written to the node's disk, and whatever a
//! killed check leaves mounted would be left on the node. Nor does it put a prefix before every path: runtimes are
//! linked against the node's libraries, and the paths in a config.json (`root.path`, sources of mounts) are the node's.
//!
//! With `--only-read` the pods have nothing of the node but its CRI socket, no capability, and a read-only root:
//! configs come through the protocol, and what findings say about them requires neither runtimes nor files. Access to
//! that socket is still enough to make the node do anything, so this saves privileges of the pod, not trust in its
//! image.

use crate::cli::check_args::CheckArgs;
use crate::error::Error;
use ocidiff_cri::node::SOCKETS;
use ocidiff_runtimes::Selector;

use super::reading;

/// The manifests, except for what differs.
const TEMPLATE: &str = include_str!("kubernetes.yaml");

/// The check's own pod, in terms of variables of the manifest.
const POD: &str = "$(POD_NAMESPACE)/$(POD_NAME)";

/// Which of the two manifests; each has its own lines in the template, which begin with its letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Pods that make containers on the node.
    Whole,
    /// Pods that only ask the node's CRI runtime for configs.
    OnlyRead,
}

impl Kind {
    /// The beginnings of the other one's lines, and of its own.
    fn prefixes(self) -> [&'static str; 2] {
        match self {
            Self::Whole => ["R|", "W|"],
            Self::OnlyRead => ["W|", "R|"],
        }
    }

    fn lines(self) -> String {
        let [others, own] = self.prefixes();
        let lines = TEMPLATE.lines().filter(|line| !line.starts_with(others));
        lines
            .map(|line| format!("{}\n", line.strip_prefix(own).unwrap_or(line)))
            .collect()
    }
}

/// The manifest for this many nodes.
pub(super) fn manifest(args: &CheckArgs) -> Result<String, Error> {
    // clap requires both.
    let (Some(nodes), Some(image)) = (args.nodes, &args.job_image) else {
        return Err(Error::usage("--kubernetes needs --nodes and --job-image"));
    };
    let kind = if args.only_read {
        Kind::OnlyRead
    } else {
        Kind::Whole
    };
    let socket = socket(args)?;
    let mut words = match kind {
        Kind::Whole => vec!["check", "--root", "/host"],
        Kind::OnlyRead => vec!["check", "--only-read", "--engine", "cri", "--socket", &socket],
    };
    words.extend(["--node", "$(NODE_NAME)", "--pod", POD]);
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    if kind == Kind::OnlyRead {
        reading::both(args)?;
    }
    for (option, runtime) in [("--from", args.from.as_ref()), ("--to", Some(&args.to))] {
        let Some(runtime) = runtime else { continue };
        runtime.parse::<Selector>().map_err(Error::usage)?;
        words.extend([option.to_owned(), literal(runtime)]);
    }
    words.extend(["--out", "-", "--exit-zero"].map(str::to_owned));
    let json = |text: &str| serde_json::to_string(text).map_err(Error::broken);
    Ok(kind
        .lines()
        .replace("@NODES@", &nodes.to_string())
        .replace("@IMAGE@", &json(image)?)
        .replace("@SOCKET@", &json(&socket)?)
        .replace("@ARGS@", &serde_json::to_string(&words).map_err(Error::broken)?))
}

/// The node's CRI socket: containerd's, unless another one is named.
fn socket(args: &CheckArgs) -> Result<String, Error> {
    let Some(path) = &args.from_whom.socket else {
        return Ok(SOCKETS[0].to_owned());
    };
    match path.to_str() {
        Some(text) if path.is_absolute() && !text.contains("$(") && !text.contains(char::is_control) => {
            Ok(text.to_owned())
        }
        _ => Err(Error::usage(format!(
            "--socket {}: a node's socket is an absolute path without variables",
            path.display()
        ))),
    }
}

/// Kubernetes replaces `$(NAME)` with variables; `$$` is a dollar sign.
fn literal(text: &str) -> String {
    text.replace("$(", "$$(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_sign_stays_one() {
        assert_eq!(
            literal("crun=/opt/$(NODE_NAME)/crun"),
            "crun=/opt/$$(NODE_NAME)/crun"
        );
    }
}
