//! What the probe looks at in place of a workload.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::PROBE;
use super::tree::Tree;
use crate::paths::plain;

/// The probe's arguments: everything that it sees, and whether masked and read-only paths really are.
pub(super) fn looked_at(all: &Map<String, Value>, layers: &[PathBuf]) -> Value {
    let mut args = vec![PROBE.to_owned(), "facts".to_owned()];
    // Runtimes begin at the root, whatever the cwd is. What is empty names nothing, and asks nothing of the root.
    let paths = |member: &str| -> Vec<String> {
        let list = all.get("linux").and_then(|linux| linux[member].as_array());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        let plainly = |path: &str| match path.starts_with('/') {
            true => path.to_owned(),
            false => plain(&Path::new("/").join(path)).to_string_lossy().into_owned(),
        };
        let texts = texts.filter(|path| !path.is_empty()).map(plainly);
        let mut seen = BTreeSet::new();
        texts.filter(|path| seen.insert(plain(Path::new(path)))).collect()
    };
    let masked = paths("maskedPaths");
    if !masked.is_empty() {
        args.extend(["then".to_owned(), "peek".to_owned()]);
        args.extend(masked);
    }
    for path in paths("readonlyPaths") {
        args.extend(["then".to_owned(), "access".to_owned(), path, "w".to_owned()]);
    }
    let mounts = all.get("mounts").and_then(Value::as_array).into_iter().flatten();
    let points = mounts
        .filter_map(|mount| mount["destination"].as_str())
        .filter(|at| at.starts_with('/'));
    // Some can be reached through links of the image: /var/run is one nearly everywhere, and shows only itself.
    let tree = Tree::of(&Value::Object(all.clone()), layers);
    let led = |at: &str| tree.point(Path::new(at)).to_string_lossy().into_owned();
    let points: BTreeSet<String> = points.flat_map(|at| [at.to_owned(), led(at)]).collect();
    if !points.is_empty() {
        args.extend(["then".to_owned(), "stat".to_owned()]);
        args.extend(points);
    }
    args.into()
}
