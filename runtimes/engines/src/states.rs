//! The state folders of runc and crun, which name the bundle of each container: for what no engine reported.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bundle::{Bundle, folders, id_of, read_regular};
use super::{Found, Options, Workload, containerd};

/// Folders whose folders are containers.
const HOMES: [&str; 4] = ["run/runc", "run/runc-ctrs", "run/crun", "run/containerd/runc"];
/// Larger than a state.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Adds containers that have not been reported yet.
pub(super) fn look(options: &Options, found: &mut Found) {
    for home in HOMES {
        let mut all = folders(&options.root.join(home));
        // One folder per namespace.
        let below: Vec<PathBuf> = all.iter().flat_map(|folder| folders(folder)).collect();
        all.extend(below);
        for folder in all {
            let known = found.ids();
            let Some(id) = id_of(&folder).filter(|id| !known.contains(*id)) else {
                continue;
            };
            let Some(state) = State::read(&folder) else {
                continue;
            };
            if !found.has_room(home) {
                return;
            }
            found.workloads.push(workload(id, home, &state));
        }
    }
}

fn workload(id: &str, home: &str, state: &State) -> Workload {
    let folder = &state.bundle;
    let bundle = Bundle::read(folder)
        .unwrap_or_else(|| Bundle::without(format!("there is no config.json in {}", folder.display())));
    // A containerd has one root for all runtimes, and which versions of them it calls only its shims say.
    let is_task = home.contains("containerd") || containerd::is_task(folder);
    let runtime = match is_task {
        true => containerd::runtime(folder),
        false => state.writer.map(str::to_owned),
    };
    Workload {
        name: id.to_owned(),
        id: id.to_owned(),
        engine: format!("/{home}"),
        image: None,
        state: "unknown".to_owned(),
        runtime,
        handler: None,
        config: bundle.config,
        rootfs: bundle.rootfs,
        layers: bundle.layers,
    }
}

/// What a runtime has noted about a container.
struct State {
    /// Where its bundle is.
    bundle: PathBuf,
    /// Which runtime writes such a state, if only one does.
    writer: Option<&'static str>,
}

impl State {
    fn read(folder: &Path) -> Option<Self> {
        let read = |file: &str| -> Option<Value> {
            let text = read_regular(&folder.join(file), MOST_BYTES).ok().flatten()?;
            serde_json::from_str(&text).ok()
        };
        let state = read("state.json").unwrap_or_default();
        let labels = state["config"]["labels"].as_array().into_iter().flatten();
        let of_labels = labels
            .filter_map(Value::as_str)
            .find_map(|label| label.strip_prefix("bundle="));
        let (bundle, writer) = match (of_labels, state["bundle"].as_str()) {
            (Some(bundle), _) => (PathBuf::from(bundle), Some("runc")),
            (None, Some(bundle)) => (PathBuf::from(bundle), None),
            (None, None) => (PathBuf::from(read("status")?["bundle"].as_str()?), Some("crun")),
        };
        bundle.is_absolute().then_some(Self { bundle, writer })
    }
}
