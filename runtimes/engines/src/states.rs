//! The state folders of runc and crun, which name the bundle of each container: for what no engine reported.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bundle::{Bundle, folders, id_of, read_regular};
use super::{Found, Options, Workload};

/// Folders whose folders are containers.
const HOMES: [(&str, &str); 4] = [
    ("run/runc", "runc"),
    ("run/runc-ctrs", "runc"),
    ("run/crun", "crun"),
    ("run/containerd/runc", "runc"),
];
/// Larger than a state.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Adds containers that have not been reported yet.
pub(super) fn look(options: &Options, found: &mut Found) {
    for (home, runtime) in HOMES {
        let mut all = folders(&options.root.join(home));
        // One folder per namespace.
        let below: Vec<PathBuf> = all.iter().flat_map(|folder| folders(folder)).collect();
        all.extend(below);
        for folder in all {
            let known = found.ids();
            let Some(id) = id_of(&folder).filter(|id| !known.contains(*id)) else {
                continue;
            };
            let Some(bundle) = bundle(&folder) else { continue };
            if !found.has_room(runtime) {
                return;
            }
            found.workloads.push(workload(id, runtime, &bundle));
        }
    }
}

fn workload(id: &str, runtime: &str, folder: &Path) -> Workload {
    let bundle = Bundle::read(folder)
        .unwrap_or_else(|| Bundle::without(format!("there is no config.json in {}", folder.display())));
    Workload {
        name: id.to_owned(),
        id: id.to_owned(),
        engine: runtime.to_owned(),
        image: None,
        state: "unknown".to_owned(),
        runtime: Some(runtime.to_owned()),
        handler: None,
        config: bundle.config,
        rootfs: bundle.rootfs,
        layers: bundle.layers,
    }
}

/// Where the state says that the bundle is.
fn bundle(folder: &Path) -> Option<PathBuf> {
    let read = |file: &str| -> Option<Value> {
        let text = read_regular(&folder.join(file), MOST_BYTES).ok().flatten()?;
        serde_json::from_str(&text).ok()
    };
    let of_labels = |state: Value| {
        let labels = state["config"]["labels"].as_array()?.iter();
        let mut texts = labels.filter_map(Value::as_str);
        texts.find_map(|label| label.strip_prefix("bundle=").map(PathBuf::from))
    };
    let of_status = |status: Value| Some(PathBuf::from(status["bundle"].as_str()?));
    let found = read("state.json")
        .and_then(of_labels)
        .or_else(|| read("status").and_then(of_status));
    found.filter(|path| path.is_absolute())
}
