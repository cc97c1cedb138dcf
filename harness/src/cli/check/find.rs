//! The workloads that were asked for: bundles, and the containers of this node's engines.

use std::path::{Path, PathBuf};

use ocidiff_engines::Options;
use ocidiff_engines::remote::{Remote, Waiter};
use ocidiff_model::check::{NodeEngine, Unchecked};

use tokio::sync::watch;

use super::super::bundle_folder::name_of;
use super::super::check_args::CheckArgs;
use crate::bundle::given::{GivenError, Reach, config_of, rootfs_of};
use crate::cells::session::Session;
use crate::corpus::files::PROBE;
use crate::error::Error;
use crate::via::docker::clean;
use crate::via::labels;
use crate::workload::Workload;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Workloads with their configs.
    pub(super) workloads: Vec<Workload>,
    /// Workloads that are there, but cannot be checked.
    pub(super) unchecked: Vec<Unchecked>,
    /// Whose they are.
    pub(super) engines: Vec<NodeEngine>,
    /// Which container runs under which runtime, in the engine's words.
    pub(super) under: Vec<(String, String)>,
    /// What could not be looked at.
    pub(super) notes: Vec<String>,
}

impl Found {
    /// Whether there is nothing to tell of.
    pub(super) fn is_empty(&self) -> bool {
        self.workloads.is_empty() && self.unchecked.is_empty()
    }

    /// The error for that: a check of nothing is no safe node.
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

    fn cannot(&mut self, workload: impl Into<String>, why: impl Into<String>) {
        self.unchecked.push(Unchecked {
            workload: workload.into(),
            why: why.into(),
        });
    }
}

/// Reads the bundles, and asks the engines, until `stop` turns true.
pub(super) async fn find(args: &CheckArgs, mut stop: watch::Receiver<bool>) -> Found {
    let mut found = Found::default();
    for folder in &args.bundles {
        match bundle(folder, args) {
            Ok(workload) => found.workloads.push(workload),
            Err(why) => found.cannot(folder.display().to_string(), why),
        }
    }
    let options = args.from_whom.options(args.containers.clone());
    if !args.images.is_empty() {
        images(&args.images, &options, &mut found, &mut stop).await;
    }
    if wants_containers(args) {
        let told = tokio::select! {
            told = ocidiff_engines::find(&options) => told,
            _ = stop.wait_for(|stop| *stop) => return found,
        };
        match told {
            Ok(told) => containers(told, &mut found),
            Err(error) => found.cannot("the engine's containers", error.to_string()),
        }
    }
    found
}

/// Has the engine make a container of each image. What a killed check left there goes first.
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
                // The container that it was just made into.
                let cleaned = clean::own(&remote).await;
                found.notes.extend(cleaned.err().map(|error| error.to_string()));
                return;
            }
        };
        match looked {
            Ok(one) => container(one, found),
            Err(error) => found.cannot(image, error.to_string()),
        }
    }
}

/// The engine that makes them, and the session that they are labelled with.
async fn engine(options: &Options) -> Result<(Remote, Session), String> {
    let session = Session::start().map_err(|error| error.to_string())?;
    let labels = labels(session.name()).map_err(|error| error.to_string())?;
    let remote = Remote::connect(options, labels).await;
    Ok((remote.map_err(|error| error.to_string())?, session))
}

/// Whether the engines' containers are meant: they are named, or nothing else is.
fn wants_containers(args: &CheckArgs) -> bool {
    let others = !args.bundles.is_empty() || !args.images.is_empty();
    let named = !args.containers.is_empty() || (args.images.is_empty() && args.from_whom.socket.is_some());
    named || !others || (args.images.is_empty() && args.from_whom.engine.is_some())
}

/// What waits in a container that is made of an image.
fn waiter() -> Waiter {
    Waiter {
        program: PROBE.to_vec(),
        args: ["wait-signal", "TERM"].map(str::to_owned).to_vec(),
    }
}

/// Takes what the engines told.
fn containers(told: ocidiff_engines::Found, found: &mut Found) {
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
        found.cannot(name, "there is no such container");
    }
    for one in told.workloads {
        container(one, found);
    }
}

fn container(one: ocidiff_engines::Workload, found: &mut Found) {
    let config = match one.config {
        Ok(config) => config,
        Err(why) => return found.cannot(one.name, why),
    };
    let (layers, mut without) = rootfs(one.rootfs, one.layers);
    if one.state == "created" {
        // Nothing has run in it.
        without.clear();
    }
    if layers.is_empty() {
        return found.cannot(one.name, "its rootfs cannot be seen from here");
    }
    if let Some(runtime) = one.runtime {
        found.under.push((one.name.clone(), runtime));
    }
    found.workloads.push(Workload {
        name: one.name,
        config: config.text,
        layers,
        without,
    });
}

/// The layers to lay the probe over. A rootfs that is mounted elsewhere only is put together from its layers, but for the
/// container's own: the kernel warns of an upper folder that is in use twice.
fn rootfs(seen: Option<PathBuf>, layers: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<String>) {
    match seen {
        Some(rootfs) => (vec![rootfs], Vec::new()),
        None => (
            layers.into_iter().skip(1).collect(),
            vec!["without what the container changed in its files".to_owned()],
        ),
    }
}

/// A bundle that an engine made has its rootfs elsewhere; a stranger's may have it anywhere, which is said.
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
        Ok(rootfs) => (rootfs.path, Vec::new()),
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
