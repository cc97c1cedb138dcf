//! What a verdict can depend on in a root file system: the paths that the config names and that runtimes look for, and
//! the folders above them. Two workloads that differ there have two shapes.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use ocidiff_confine::read::open_regular;
use serde_json::{Value, json};

use super::mounts::named;
use super::tree::{Found, Tree};
use crate::digest::of_text;

/// Files whose text runtimes read.
const READ: [&str; 2] = ["/etc/passwd", "/etc/group"];
/// How many bytes of them are read.
const MOST: u64 = 1 << 20;

/// A digest of it.
#[must_use]
pub(crate) fn ground(config: &Value, layers: &[PathBuf]) -> String {
    let Some(all) = config.as_object() else {
        return String::new();
    };
    let nothing = json!({});
    let tree = Tree::of(&nothing, layers);
    let named = named(all);
    let paths: BTreeSet<&Path> = named
        .iter()
        .flat_map(|path| Path::new(path).ancestors())
        .collect();
    let mut lines: Vec<String> = paths.into_iter().map(|path| tree.described(path)).collect();
    lines.extend(READ.iter().map(|path| text(&tree, path)));
    of_text(&lines.join("\n"))
}

fn text(tree: &Tree<'_>, path: &str) -> String {
    let Found::File(place) = tree.find(Path::new(path)) else {
        return String::new();
    };
    let mut text = Vec::new();
    let read = open_regular(&place.real).ok();
    let read = read.and_then(|file| file.take(MOST).read_to_end(&mut text).ok());
    read.map_or_else(String::new, |_| of_text(&String::from_utf8_lossy(&text)))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_the_config_names_matters_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |name: &str| {
            let root = folder.path().join(name);
            fs::create_dir_all(root.join("data")).expect("a folder");
            fs::create_dir_all(root.join("etc")).expect("a folder");
            root
        };
        let config = json!({"process": {"cwd": "/"}, "mounts": [{"destination": "/data", "type": "tmpfs"}]});
        let told = |root: &Path| ground(&config, &[root.to_owned()]);
        let (one, other) = (of("one"), of("other"));
        fs::write(other.join("etc/hosts"), "x").expect("a file");
        assert_eq!(told(&one), told(&other), "/etc/hosts is not named");
        fs::write(other.join("etc/passwd"), "x").expect("a file");
        assert_ne!(told(&one), told(&other), "users");
        let closed = of("closed");
        fs::set_permissions(closed.join("data"), Permissions::from_mode(0o700)).expect("a mode");
        assert_ne!(told(&one), told(&closed), "the mode of a mount point");
        let linked = of("linked");
        fs::remove_dir(linked.join("data")).expect("a folder");
        symlink("etc", linked.join("data")).expect("a link");
        assert_ne!(told(&one), told(&linked), "a link");
    }
}
