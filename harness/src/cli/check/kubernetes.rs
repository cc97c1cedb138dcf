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

use std::path::Path;

use crate::cli::check_args::CheckArgs;
use crate::error::Error;
use ocidiff_cri::node::SOCKETS;
use ocidiff_engines::Which as Engines;
use ocidiff_runtimes::{Selector, Which};

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
    let engine = engine(args, kind)?;
    let mut words = match kind {
        Kind::Whole => vec!["check", "--root", "/host"],
        Kind::OnlyRead => vec!["check", "--only-read"],
    };
    words.extend(["--node", "$(NODE_NAME)", "--pod", POD]);
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    words.extend(engine.words);
    if kind == Kind::OnlyRead {
        reading::both(args)?;
    }
    for (option, runtime) in [("--from", args.from.as_ref()), ("--to", Some(&args.to))] {
        let Some(runtime) = runtime else { continue };
        let selector: Selector = runtime.parse().map_err(Error::usage)?;
        if let Which::Program(path) = &selector.which
            && !path.is_absolute()
        {
            return Err(Error::usage(format!(
                "{option} {runtime}: with --kubernetes, it is an absolute path on every node"
            )));
        }
        words.extend([option.to_owned(), literal(runtime)]);
    }
    words.extend(tries(args));
    words.extend(["--out", "-", "--exit-zero"].map(str::to_owned));
    let json = |text: &str| serde_json::to_string(text).map_err(Error::broken);
    Ok(kind
        .lines()
        .replace("@NODES@", &nodes.to_string())
        .replace("@IMAGE@", &json(image)?)
        .replace("@SOCKET@", &json(&engine.socket)?)
        .replace(" @ARGS@", &items(&words)?))
}

/// Whose containers the pods check.
struct Engine {
    /// The options that say so.
    words: Vec<String>,
    /// The socket that pods see which see nothing else: containerd's, unless another one is named.
    socket: String,
}

fn engine(args: &CheckArgs, kind: Kind) -> Result<Engine, Error> {
    let from = &args.from_whom;
    let socket = from.socket.as_deref().map(|path| on_node("--socket", path));
    let exec_root = from.exec_root.as_deref().map(|path| on_node("--exec-root", path));
    let (mut socket, exec_root) = (socket.transpose()?, exec_root.transpose()?);
    let mut which = from.engine;
    if kind == Kind::OnlyRead {
        if which.is_some_and(|which| which != Engines::Cri) || exec_root.is_some() {
            return Err(Error::usage(
                "with --only-read, the pods of --kubernetes have nothing but the socket of the node's CRI runtime: leave out \
                 --exec-root, and every --engine but cri",
            ));
        }
        which = Some(Engines::Cri);
        socket.get_or_insert_with(|| SOCKETS[0].to_owned());
    }
    let which = which.and_then(|which| Engines::WORDS.iter().find(|(_, one)| *one == which));
    let given = [
        ("--engine", which.map(|(word, _)| (*word).to_owned())),
        ("--socket", socket.as_deref().map(literal)),
        ("--exec-root", exec_root.as_deref().map(literal)),
    ];
    let given = given
        .into_iter()
        .filter_map(|(option, value)| Some([option.to_owned(), value?]));
    Ok(Engine {
        words: given.flatten().collect(),
        socket: socket.unwrap_or_default(),
    })
}

/// What the pods try, besides the probe.
fn tries(args: &CheckArgs) -> Vec<String> {
    let flags = [("--with-devices", args.with_devices), ("--run", args.run)];
    let flags = flags.into_iter().filter(|(_, given)| *given);
    let mut words: Vec<String> = flags.map(|(option, _)| option.to_owned()).collect();
    if let Some(command) = &args.command {
        words.push("--command".to_owned());
        words.extend(command.iter().map(|word| literal(word)));
        // It takes every word up to this one.
        words.push(";".to_owned());
    }
    words
}

/// A path on every node, as text.
fn on_node(option: &str, path: &Path) -> Result<String, Error> {
    match path.to_str() {
        Some(text) if path.is_absolute() && !text.contains("$(") && !text.contains(char::is_control) => {
            Ok(text.to_owned())
        }
        _ => Err(Error::usage(format!(
            "{option} {}: with --kubernetes, it is an absolute path without variables",
            path.display()
        ))),
    }
}

/// Kubernetes replaces `$(NAME)` with variables, and `$$` with a dollar sign, whatever follows.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// A list with each word on a line of its own: one line would be as long as the command.
fn items(words: &[String]) -> Result<String, Error> {
    let items = words.iter().map(|word| {
        let word = serde_json::to_string(word).map_err(Error::broken)?;
        Ok(format!("\n            - {word}"))
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    fn printed(more: &[&str]) -> Result<String, String> {
        let command = CheckArgs::augment_args(clap::Command::new("check"));
        let job = [
            "check",
            "--to",
            "crun@1.28",
            "--kubernetes",
            "--nodes",
            "2",
            "--job-image",
            "x",
        ];
        let matches = command.try_get_matches_from(job.iter().chain(more));
        let matches = matches.map_err(|error| error.to_string())?;
        let args = CheckArgs::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        manifest(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn no_option_is_dropped() {
        // An option with its value, and whether the pods get it.
        const REFUSED: bool = false;
        const PASSED: bool = true;
        let all: [(&[&str], bool); 25] = [
            (&["--from", "runc@1.1.5"], PASSED),
            (&["--engine", "docker"], PASSED),
            (
                &["--engine", "podman", "--socket", "/run/podman/podman.sock"],
                PASSED,
            ),
            (&["--exec-root", "/x"], PASSED),
            (&["--with-devices"], PASSED),
            (&["--run"], PASSED),
            (&["--run", "--command", "/bin/a", "-b"], PASSED),
            (
                &["--only-read", "--from", "runc@1.1.5", "--engine", "cri"],
                PASSED,
            ),
            (
                &[
                    "--only-read",
                    "--from",
                    "runc@1.1.5",
                    "--socket",
                    "/run/crio/crio.sock",
                ],
                PASSED,
            ),
            (
                &["--only-read", "--from", "runc@1.1.5", "--engine", "docker"],
                REFUSED,
            ),
            (&["--bundle", "b", "--outside-root"], REFUSED),
            (&["--outside-root"], REFUSED),
            (&["--from", "runc=/opt/runc"], PASSED),
            (&["--from", "runc=./runc"], REFUSED),
            (&["--container", "web"], REFUSED),
            (&["--image", "web"], REFUSED),
            (&["--ignore", "f"], REFUSED),
            (&["--baseline", "f"], REFUSED),
            (&["--all-versions"], REFUSED),
            (&["--format", "json"], REFUSED),
            (&["--out", "f"], REFUSED),
            (&["--root", "/host"], REFUSED),
            (&["--node", "n", "--pod", "p"], REFUSED),
            (&["--fail-on", "breaks"], REFUSED),
            (&["--exit-zero"], REFUSED),
        ];
        for (words, expected) in all {
            let printed = printed(words);
            let args = printed.as_ref().ok().map(|text| {
                let after = text.lines().skip_while(|line| line.trim() != "args:").skip(1);
                let items = after.map_while(|line| line.trim().strip_prefix("- "));
                items.collect::<Vec<_>>()
            });
            let has_all = args.as_ref().is_some_and(|args| {
                words
                    .iter()
                    .all(|word| args.contains(&format!("\"{word}\"").as_str()))
            });
            assert_eq!(has_all, expected, "{words:?}: {args:?}");
            assert_eq!(printed.is_ok(), expected, "{words:?}: {printed:?}");
        }
        let own = ["to", "kubernetes", "nodes", "job-image"];
        let command = CheckArgs::augment_args(clap::Command::new("check"));
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            let typed = format!("--{option}");
            let is_tried = all.iter().any(|(words, _)| words.contains(&typed.as_str()));
            assert!(
                is_tried || own.contains(&option),
                "{typed}: passed to the pods, or refused?"
            );
        }
    }

    /// What a kubelet makes of an argument, without any variable.
    fn expanded(text: &str) -> String {
        let mut letters = text.chars().peekable();
        let mut out = String::new();
        while let Some(letter) = letters.next() {
            if letter == '$' {
                letters.next_if_eq(&'$');
            }
            out.push(letter);
        }
        out
    }

    #[test]
    fn a_dollar_sign_stays_one() {
        for (text, written) in [
            ("crun=/opt/$(NODE_NAME)/crun", "crun=/opt/$$(NODE_NAME)/crun"),
            ("echo $$", "echo $$$$"),
            ("$$(HOME)", "$$$$(HOME)"),
            ("$HOME costs 5$", "$$HOME costs 5$$"),
            ("plain", "plain"),
        ] {
            assert_eq!(literal(text), written, "{text}");
            assert_eq!(expanded(written), text, "{written}");
        }
    }
}
