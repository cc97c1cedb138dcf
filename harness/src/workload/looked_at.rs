//! What the probe looks at in place of a workload.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::PROBE;
use super::tree::Tree;
use crate::corpus::spec::without_case;
use crate::paths::plain;

/// The probe's arguments: everything that it sees, and whether masked and read-only paths really are.
pub(super) fn looked_at(all: &Map<String, Value>, layers: &[PathBuf]) -> Value {
    // What only some runtimes read is looked at as well.
    let config = Value::Object(all.clone());
    let config = without_case(&config).unwrap_or(config);
    let mut args = vec![PROBE.to_owned(), "facts".to_owned()];
    // Runtimes begin at the root, whatever the cwd is. What is empty names nothing, and asks nothing of the root.
    let paths = |member: &str| -> Vec<String> {
        let list = config["linux"][member].as_array();
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
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let points = mounts
        .filter_map(|mount| mount["destination"].as_str())
        .filter(|at| at.starts_with('/'));
    // Some can be reached through links of the image: /var/run is one nearly everywhere, and shows only itself.
    let tree = Tree::of(&config, layers);
    let led = |at: &str| tree.point(Path::new(at)).to_string_lossy().into_owned();
    let points: BTreeSet<String> = points.flat_map(|at| [at.to_owned(), led(at)]).collect();
    if !points.is_empty() {
        args.extend(["then".to_owned(), "stat".to_owned()]);
        args.extend(points);
    }
    args.into()
}

/// The config in which masked and read-only paths, and places of mounts, also stand as what the links of the rootfs make
/// of them: there they are seen, and there runtimes look whether they may be.
pub(crate) fn with_links_followed(config: &Value, layers: &[PathBuf]) -> Value {
    let mut followed = config.clone();
    let tree = Tree::of(config, layers);
    let end = |path: &str| {
        tree.point(&Path::new("/").join(path))
            .to_string_lossy()
            .into_owned()
    };
    for at in ["/linux/maskedPaths", "/linux/readonlyPaths"] {
        add(&mut followed, at, |path| {
            let path = path.as_str().filter(|path| !path.is_empty())?;
            Some(end(path).into())
        });
    }
    add(&mut followed, "/mounts", |mount| {
        let place = end(mount["destination"].as_str()?);
        // A path that is only written in another way is not another place.
        let is_other = plain(Path::new(mount["destination"].as_str()?)) != Path::new(&place);
        let mut mount = mount.clone();
        mount["destination"] = place.into();
        is_other.then_some(mount)
    });
    followed
}

/// Adds to a list of a config what its items give and what is not in it.
fn add(config: &mut Value, at: &str, of: impl Fn(&Value) -> Option<Value>) {
    if let Some(list) = config.pointer_mut(at).and_then(Value::as_array_mut) {
        let more: Vec<Value> = list
            .iter()
            .filter_map(of)
            .filter(|one| !list.contains(one))
            .collect();
        list.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_in_lists_of_other_capitals_are_looked_at() {
        let config = json!({"linux": {"MaskedPaths": ["/a"], "READONLYPATHS": ["/b"]},
            "mounts": [{"Destination": "/c"}]});
        let args = looked_at(config.as_object().expect("a map"), &[]);
        let then = json!([
            PROBE, "facts", "then", "peek", "/a", "then", "access", "/b", "w", "then", "stat", "/c"
        ]);
        assert_eq!(args, then);
    }

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
