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

/// The config in which masked and read-only paths also stand as what the links of the rootfs make of them.
pub(crate) fn with_links_followed(config: &Value, layers: &[PathBuf]) -> Value {
    let mut followed = config.clone();
    let tree = Tree::of(config, layers);
    for member in ["maskedPaths", "readonlyPaths"] {
        let list = followed.get_mut("linux").and_then(|linux| linux.get_mut(member));
        let Some(list) = list.and_then(Value::as_array_mut) else {
            continue;
        };
        let texts = list
            .iter()
            .filter_map(Value::as_str)
            .filter(|path| !path.is_empty());
        let ends = texts.map(|path| {
            tree.point(&Path::new("/").join(path))
                .to_string_lossy()
                .into_owned()
        });
        let ends: Vec<Value> = ends.map(Value::from).collect();
        list.extend(
            ends.into_iter()
                .filter(|end| !list.contains(end))
                .collect::<Vec<_>>(),
        );
    }
    followed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masked_and_read_only_paths_are_also_where_links_lead() {
        let rootfs = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(rootfs.path().join("data")).expect("a folder");
        for (name, to) in [("absolute", "/data"), ("relative", "./data")] {
            std::os::unix::fs::symlink(to, rootfs.path().join(name)).expect("a link");
        }
        let layers = [rootfs.path().to_owned()];
        for (member, path, all) in [
            ("maskedPaths", "/absolute", json!(["/absolute", "/data"])),
            ("readonlyPaths", "relative/x", json!(["relative/x", "/data/x"])),
            ("maskedPaths", "/data", json!(["/data"])),
            ("maskedPaths", "", json!([""])),
        ] {
            let config = json!({"linux": {member: [path]}});
            assert_eq!(
                with_links_followed(&config, &layers)["linux"][member],
                all,
                "{path}"
            );
        }
    }
}
