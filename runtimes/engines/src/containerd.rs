//! The task folders of a containerd: `STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/`, each a bundle.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bundle::{Bundle, folders, id_of, read_regular};
use super::found::UNKNOWN;
use super::{Engine, EngineError, Found, Options, Which, Workload, text};

/// The folder of tasks in a containerd's state folder.
pub(super) const TASKS: &str = "io.containerd.runtime.v2.task";

const NAME: &str = "containerd";
/// What the shim calls if its options name no program.
const SHIMS_OWN: &str = "runc";

/// Where this node's containerd keeps its state. Its socket is there too.
fn state(options: &Options) -> PathBuf {
    match (&options.socket, options.which) {
        (Some(socket), Which::Containerd) => {
            let beside = socket.parent().unwrap_or(Path::new("/"));
            // A containerd that a dockerd started has its state in a separate folder.
            let own = beside.join("daemon");
            if own.is_dir() { own } else { beside.to_owned() }
        }
        _ => options.root.join("run/containerd"),
    }
}

/// Where it listens.
pub(crate) fn socket(options: &Options) -> PathBuf {
    match (&options.socket, options.which) {
        (Some(socket), Which::Containerd) => socket.clone(),
        _ => state(options).join("containerd.sock"),
    }
}

/// The namespace of pods.
const PODS: &str = "k8s.io";

/// Adds what is there, and says whether anything is; pods are skipped if `has_pods` says that they are known.
pub(super) fn look(options: &Options, has_pods: bool, found: &mut Found) -> bool {
    let tasks = state(options).join(TASKS);
    if !tasks.is_dir() {
        return false;
    }
    let known = found.ids();
    if !found.engines.iter().any(|engine| engine.name == NAME) {
        found.engines.push(Engine {
            name: NAME.to_owned(),
            version: UNKNOWN.to_owned(),
            socket: None,
            default_runtime: None,
            runtimes: Vec::new(),
        });
    }
    let mut namespaces = folders(&tasks);
    namespaces.retain(|folder| !(has_pods && folder.ends_with(PODS)));
    for folder in namespaces.iter().flat_map(|namespace| folders(namespace)) {
        let Some(id) = id_of(&folder).filter(|id| !known.contains(*id)) else {
            continue;
        };
        if !found.has_room(NAME) {
            break;
        }
        if let Some(one) = workload(id, &folder) {
            found.workloads.push(one);
        }
    }
    true
}

/// A containerd that was asked for and does not exist.
pub(super) fn absent(options: &Options) -> EngineError {
    EngineError::Absent {
        engine: NAME,
        looked: state(options).join(TASKS).display().to_string(),
        remedy: "start it, or name its socket, which lies in its state folder",
    }
}

/// Whether a bundle is the folder of a containerd's task.
pub(super) fn is_task(bundle: &Path) -> bool {
    bundle.ancestors().nth(2).is_some_and(|all| all.ends_with(TASKS))
}

/// Where a container's bundle may be in a state folder: its namespace is not known.
pub(crate) fn places_of(state: &Path, id: &str) -> Vec<PathBuf> {
    let namespaces = folders(&state.join(TASKS));
    namespaces.iter().map(|namespace| namespace.join(id)).collect()
}

fn workload(id: &str, folder: &Path) -> Option<Workload> {
    // Only its folder is still here.
    let bundle = Bundle::read(folder)?.seen_by(pid(folder));
    Some(Workload {
        name: name(&bundle).unwrap_or_else(|| id.to_owned()),
        id: id.to_owned(),
        engine: NAME.to_owned(),
        image: bundle.annotation("io.kubernetes.cri.image-name"),
        state: life(folder).to_owned(),
        runtime: runtime(folder),
        handler: None,
        config: bundle.config,
        rootfs: bundle.rootfs,
        layers: bundle.layers,
    })
}

/// Kubernetes' name for it: a pod's own container is its `pause`.
fn name(bundle: &Bundle) -> Option<String> {
    let of = |part: &str| bundle.annotation(&format!("io.kubernetes.cri.{part}"));
    let container = match of("container-type").as_deref() {
        Some("sandbox") => "pause".to_owned(),
        _ => of("container-name")?,
    };
    Some(format!(
        "{}/{}/{container}",
        of("sandbox-namespace")?,
        of("sandbox-name")?
    ))
}

/// The program that a task's shim calls, as the shim has noted it; `None` if that cannot be read. The root that the
/// shim gives to the runtime says nothing: it is the same for all runtimes.
pub(super) fn runtime(folder: &Path) -> Option<String> {
    let read = |file: &str, most| read_regular(&folder.join(file), most).ok().flatten();
    let alone = read("runtime", 4096);
    let of_options = || {
        let options: Value = serde_json::from_str(&read("options.json", 64 << 10)?).ok()?;
        options
            .is_object()
            .then(|| options["binary_name"].as_str().unwrap_or_default().to_owned())
    };
    let noted = alone.clone().filter(|program| !program.is_empty());
    let noted = noted.or_else(of_options).or(alone);
    noted.map(|program| text::name(&program).unwrap_or_else(|| SHIMS_OWN.to_owned()))
}

/// Its first process, as recorded by its shim.
fn pid(folder: &Path) -> Option<u32> {
    let pid = read_regular(&folder.join("init.pid"), 64).ok().flatten()?;
    pid.trim().parse().ok()
}

/// Whether the process that its shim recorded still exists.
fn life(folder: &Path) -> &'static str {
    match pid(folder) {
        Some(pid) if Path::new("/proc").join(pid.to_string()).is_dir() => "running",
        Some(_) => "exited",
        None => "unknown",
    }
}
