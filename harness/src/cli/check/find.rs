//! The workloads that were asked for: bundles, and the containers of this node's engines.

use std::path::{Path, PathBuf};

use ocidiff_engines::remote::{Remote, Waiter};
use ocidiff_engines::{self as engines, Options};
use ocidiff_model::check::{NodeEngine, SetAside, Unchecked};
use ocidiff_reports::first_of;

use serde_json::Value;
use tokio::sync::watch;

use super::super::bundle_folder::name_of;
use super::super::check_args::CheckArgs;
use crate::bundle::given::{GivenError, Reach, config_of, rootfs_of};
use crate::cells::session::Session;
use crate::corpus::files::PROBE;
use crate::error::Error;
use crate::via::clean;
use crate::via::labels;
use crate::workload::{UNCHECKED, Workload};

/// How many containers are proposed for a name that belongs to none.
const NAMED: usize = 6;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Workloads with their configs.
    pub(super) workloads: Vec<Mine>,
    /// Workloads that exist, but cannot be checked.
    pub(super) unchecked: Vec<Unchecked>,
    /// Containers that need not be checked.
    pub(super) set_aside: Vec<SetAside>,
    /// The engines that they belong to.
    pub(super) engines: Vec<NodeEngine>,
    /// What could not be looked at.
    pub(super) notes: Vec<String>,
}

/// A workload and what its engine reports about it.
pub(super) struct Mine {
    pub(super) workload: Workload,
    /// The engine, if it belongs to one.
    pub(super) engine: Option<String>,
    /// The runtime under which it runs, in the engine's words.
    pub(super) under: Option<String>,
    /// The handler under which it runs, if it belongs to a pod.
    pub(super) handler: Option<String>,
    /// Whether it is a pod's own container, in which nothing runs.
    pub(super) pause: bool,
}

/// Whether a workload's files are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// A workload whose rootfs cannot be seen cannot be checked.
    Needed,
    /// Its config is enough.
    Ignored,
}

impl Found {
    /// Whether there is nothing to report.
    pub(super) fn is_empty(&self) -> bool {
        self.workloads.is_empty() && self.unchecked.is_empty() && self.set_aside.is_empty()
    }

    /// The error for that: a check of nothing does not mean that the node is safe.
    pub(super) fn nothing(&self) -> Error {
        let mut what = "no container was found".to_owned();
        if let [first, ..] = &self.engines[..] {
            what = format!("{} has no containers", first.name);
        }
        for note in &self.notes {
            what = format!("{what}; {note}");
        }
        Error::broken(format!(
            "{what}: give --socket PATH, --exec-root DIR or --bundle DIR"
        ))
    }

    /// The error for a target that is not known here, and that no engine has either, as far as they were reached.
    pub(super) fn unknown(&self, error: Error) -> Error {
        match self.unchecked.iter().find(|one| one.uncounted) {
            Some(unreached) => Error::broken(format!(
                "{error}; an engine that may have it was not reached: {}",
                unreached.why
            )),
            None => error,
        }
    }

    pub(super) fn cannot(&mut self, workload: impl Into<String>, why: impl Into<String>) {
        self.unchecked.push(Unchecked {
            workload: workload.into(),
            why: why.into(),
            before: false,
            uncounted: false,
        });
    }

    /// An engine was not reached: how many containers it has is not known.
    fn unreached(&mut self, why: String) {
        self.unchecked.push(Unchecked {
            workload: "the engine's containers".to_owned(),
            why,
            before: false,
            uncounted: true,
        });
    }

    /// Sets a container aside, with others of the same reason.
    pub(super) fn set_aside(&mut self, workload: String, why: &str) {
        match self.set_aside.iter_mut().find(|there| there.why == why) {
            Some(there) => there.workloads.push(workload),
            None => self.set_aside.push(SetAside {
                why: why.to_owned(),
                workloads: vec![workload],
            }),
        }
    }
}

/// A bundle that is not there at all is the user's mistake, as for every command.
pub(super) fn bundles_are_there(args: &CheckArgs) -> Result<(), Error> {
    for folder in &args.bundles {
        if let Err(error @ GivenError::Absent { .. }) = config_of(folder) {
            return Err(Error::usage(error));
        }
    }
    Ok(())
}

/// Reads the bundles, and asks the engines, until `stop` turns true.
pub(super) async fn find(args: &CheckArgs, files: Files, mut stop: watch::Receiver<bool>) -> Found {
    let mut found = Found::default();
    for folder in &args.bundles {
        match bundle(folder, args) {
            Ok(workload) => found.workloads.push(Mine {
                workload,
                engine: None,
                under: None,
                handler: None,
                pause: false,
            }),
            Err(why) => found.cannot(folder.display().to_string(), why),
        }
    }
    let options = args.from_whom.options(args.containers.clone());
    if !args.images.is_empty() {
        images(&args.images, &options, &mut found, &mut stop).await;
    }
    if wants_containers(args) {
        let told = tokio::select! {
            told = engines::find(&options) => told,
            _ = stop.wait_for(|stop| *stop) => return found,
        };
        match told {
            Ok(told) => containers(told, args.pod.as_deref(), files, &mut found),
            Err(error) => found.unreached(format!("failed to {error}")),
        }
    }
    found
}

/// Makes the engine create a container from each image. What a killed check left there is removed first.
async fn images(images: &[String], options: &Options, found: &mut Found, stop: &mut watch::Receiver<bool>) {
    let engine = match engine(options).await {
        Ok(engine) => engine,
        Err(why) => {
            images.iter().for_each(|image| found.cannot(image, why.clone()));
            return;
        }
    };
    let (remote, _session) = engine;
    if let Ok(cleaned) = clean::stale(&remote).await {
        found.notes.extend(cleaned.failed);
    }
    for image in images {
        let waiter = waiter();
        let looked = tokio::select! {
            looked = remote.look_at_image(image, &waiter) => looked,
            _ = stop.wait_for(|stop| *stop) => {
                // The image of the container that was just created.
                let cleaned = clean::own(&remote, 0, clean::Patience::HURRY).await;
                found.notes.extend(cleaned.err().map(|error| error.to_string()));
                return;
            }
        };
        match looked {
            Ok(one) => container(one, Files::Needed, found),
            Err(error) => found.cannot(image, error.to_string()),
        }
    }
}

/// The engine that makes them, and the session with which they are labelled.
async fn engine(options: &Options) -> Result<(Remote, Session), String> {
    let session = Session::start().map_err(|error| error.to_string())?;
    let labels = labels(session.name()).map_err(|error| error.to_string())?;
    let remote = Remote::connect(options, labels).await;
    Ok((remote.map_err(|error| format!("failed to {error}"))?, session))
}

/// Whether any engine is asked.
pub(super) fn asks_engines(args: &CheckArgs) -> bool {
    !args.images.is_empty() || wants_containers(args)
}

/// Whether the engines' containers are meant: they are named, or nothing else is.
fn wants_containers(args: &CheckArgs) -> bool {
    let others = !args.bundles.is_empty() || !args.images.is_empty();
    let named = !args.containers.is_empty() || (args.images.is_empty() && args.from_whom.socket.is_some());
    named || !others || (args.images.is_empty() && args.from_whom.engine.is_some())
}

/// The process that waits in a container made from an image.
fn waiter() -> Waiter {
    Waiter {
        program: PROBE.to_vec(),
        args: ["wait-signal", "TERM"].map(str::to_owned).to_vec(),
    }
}

/// Takes what the engines reported; `pod` is our own.
fn containers(told: engines::Found, pod: Option<&str>, files: Files, found: &mut Found) {
    found.notes.extend(told.notes);
    found
        .engines
        .extend(told.engines.into_iter().map(|engine| NodeEngine {
            name: engine.name,
            version: engine.version,
            default_runtime: engine.default_runtime,
            runtimes: engine.runtimes,
        }));
    for name in told.missing {
        let why = missing(&name.others);
        found.cannot(name.name, why);
    }
    let ours = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    for one in told.workloads {
        let of_pod = pod.is_some_and(|pod| {
            let below = one.name.strip_prefix(pod);
            below.is_some_and(|below| below.starts_with('/'))
        });
        // An id is long enough to be unique.
        if of_pod || (one.id.len() >= 32 && ours.contains(&one.id)) {
            found.set_aside(one.name, "this check's own");
            continue;
        }
        container(one, files, found);
    }
}

/// What is said about a name that belongs to no container.
fn missing(others: &[String]) -> String {
    let why = "there is no such container";
    match others {
        [] => why.to_owned(),
        some => format!("{why}: there are {}", first_of(some.iter(), NAMED)),
    }
}

fn container(one: engines::Workload, files: Files, found: &mut Found) {
    let config = match one.config {
        Ok(config) => config,
        Err(why) => return found.cannot(one.name, why),
    };
    let (layers, mut without) = rootfs(one.rootfs, one.layers);
    if one.state == "created" {
        // Nothing has run in it.
        without.clear();
    }
    if layers.is_empty() && files == Files::Needed {
        return found.cannot(one.name, "its rootfs cannot be seen from here");
    }
    let pause = is_pause(&one.name, one.image.as_deref(), &config.text);
    found.workloads.push(Mine {
        workload: Workload {
            name: one.name,
            config: config.text,
            layers,
            without,
        },
        engine: Some(one.engine),
        under: one.runtime,
        handler: one.handler,
        pause,
    });
}

/// Whether a container exists to hold a pod's namespaces: Kubernetes' and Podman's ways of saying so.
fn is_pause(name: &str, image: Option<&str>, config: &str) -> bool {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let kind = ["cri.container-type", "cri-o.ContainerType"]
        .map(|name| &config["annotations"][format!("io.kubernetes.{name}")]);
    if kind.into_iter().any(|kind| kind == "sandbox") || name.starts_with("k8s_POD_") {
        return true;
    }
    let image = image
        .and_then(|image| image.rsplit('/').next())
        .unwrap_or_default();
    let image = image.split([':', '@']).next().unwrap_or_default();
    ["pause", "podman-pause"].contains(&image)
}

/// The layers over which to lay the probe. A rootfs that is only mounted elsewhere is put together from its layers,
/// except for the container's own: the kernel warns about an upper folder that is in use twice.
fn rootfs(seen: Option<PathBuf>, layers: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<String>) {
    match seen {
        Some(rootfs) => (vec![rootfs], Vec::new()),
        None => (
            layers.into_iter().skip(1).collect(),
            vec!["without what the container changed in its files".to_owned()],
        ),
    }
}

/// A bundle that an engine made has its rootfs elsewhere; an untrusted one may have it anywhere, which is reported.
fn bundle(folder: &Path, args: &CheckArgs) -> Result<Workload, String> {
    let config = config_of(folder).map_err(|error| error.to_string())?;
    let reach = match (args.outside_root, args.run) {
        (true, _) => Reach::Anywhere,
        // What the command prints is reported.
        (false, true) => Reach::Inside,
        (false, false) => Reach::Absolute,
    };
    let (rootfs, without) = match rootfs_of(folder, &config, reach) {
        Ok(rootfs) if rootfs.outside => {
            let note = format!("its rootfs lies outside of the bundle: {}", rootfs.path.display());
            (rootfs.path, vec![note])
        }
        Ok(rootfs) => {
            let link = rootfs.placed.link.map(|_| {
                format!(
                    "{UNCHECKED}its root.path is a link, which not all runtimes take, and the copy's is not"
                )
            });
            (rootfs.path, link.into_iter().collect())
        }
        // What is wrong with the config comes first.
        Err(GivenError::Gone { path, .. }) => (path, Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    Ok(Workload {
        name: name_of(folder),
        layers: vec![rootfs],
        without,
        config,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_holds_a_pod_together_is_not_a_workload() {
        let sandbox = r#"{"annotations": {"io.kubernetes.cri.container-type": "sandbox"}}"#;
        let crio = r#"{"annotations": {"io.kubernetes.cri-o.ContainerType": "sandbox"}}"#;
        let container = r#"{"annotations": {"io.kubernetes.cri.container-type": "container"}}"#;
        for (name, image, config, expected) in [
            ("a/b/pause", None, sandbox, true),
            ("a/b/pause", None, crio, true),
            ("a/b/web", Some("registry/pauser:1"), container, false),
            ("k8s_POD_web_default_0", None, "{}", true),
            ("0f1e-infra", Some("localhost/podman-pause:5.4.2-0"), "{}", true),
            ("web", Some("registry.k8s.io/pause@sha256:00"), "{}", true),
            ("web", Some("web:1"), "not JSON", false),
        ] {
            assert_eq!(
                is_pause(name, image, config),
                expected,
                "{name} {image:?} {config}"
            );
        }
    }
}
