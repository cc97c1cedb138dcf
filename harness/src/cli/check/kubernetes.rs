//! `ocidiff check --kubernetes`: a manifest that runs `check` once on every node of a cluster, and ends.
//!
//! How a pod sees its node, and why so: the node's `/` is mounted at `/host`, with all mounts below it, and `check --root /host` makes
//! that its own root before it looks at anything (`root`: in a mount namespace of its own, with itself as a copy in a `/tmp` of its
//! own). Then configs, root file systems, runtimes and their libraries have the paths that they have on the node.
//!
//! Not `nsenter` into the mount namespace of the node's first process: an image of one static file has no `nsenter`, the file is not
//! to be seen over there, so that it would have to be written to the node's disk, and whatever is left mounted by a killed check would
//! be left on the node. Not a prefix before every path either: runtimes are linked against the node's libraries, and the paths in a
//! config.json (`root.path`, sources of mounts) are the node's.

use crate::cli::check_args::CheckArgs;
use crate::error::Error;
use ocidiff_runtimes::Selector;

/// The manifest, but for what differs.
const TEMPLATE: &str = include_str!("kubernetes.yaml");

/// The check's own pod, by variables of the manifest's.
const POD: &str = "$(POD_NAMESPACE)/$(POD_NAME)";

/// The manifest for so many nodes.
pub(super) fn manifest(args: &CheckArgs) -> Result<String, Error> {
    // clap asks for both.
    let (Some(nodes), Some(image)) = (args.nodes, &args.job_image) else {
        return Err(Error::usage("--kubernetes needs --nodes and --job-image"));
    };
    let words = ["check", "--root", "/host", "--node", "$(NODE_NAME)", "--pod", POD];
    let mut words = words.map(str::to_owned).to_vec();
    for (option, runtime) in [("--from", args.from.as_ref()), ("--to", Some(&args.to))] {
        let Some(runtime) = runtime else { continue };
        runtime.parse::<Selector>().map_err(Error::usage)?;
        words.extend([option.to_owned(), literal(runtime)]);
    }
    words.extend(["--out", "-", "--exit-zero"].map(str::to_owned));
    let words = serde_json::to_string(&words).map_err(Error::broken)?;
    Ok(TEMPLATE
        .replace("@NODES@", &nodes.to_string())
        .replace("@IMAGE@", &serde_json::to_string(image).map_err(Error::broken)?)
        .replace("@ARGS@", &words))
}

/// Kubernetes puts variables in the place of `$(NAME)`; `$$` is a dollar sign.
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
