//! Cgroups of containers that an engine has removed, which a runtime that failed left behind.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Layout, is_plain, subtree};

/// The cgroup of a container with this id, below this parent; `None` if that is not an id.
pub(crate) fn of_container(parent: &str, id: &str) -> Option<String> {
    let is_id = !id.is_empty() && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    is_id.then(|| format!("{parent}/{id}"))
}

/// Removes the cgroups with these paths in every hierarchy, and what is below them, as far as nothing is in them.
/// Returns the paths of which something is still there.
pub(crate) fn remove_left(layout: &Layout, paths: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    for path in paths {
        let relative = Path::new(path.trim_start_matches('/'));
        // What an engine reports is not trusted: no path leads out of a hierarchy, or is one.
        if !is_plain(relative) {
            continue;
        }
        let dirs = layout.hierarchies.iter().map(|one| one.dir.join(relative));
        let dirs: Vec<PathBuf> = dirs.filter(|dir| dir.is_dir()).collect();
        for dir in &dirs {
            // Only an empty one can be removed.
            subtree(dir)
                .iter()
                .rev()
                .for_each(|one| drop(fs::remove_dir(one)));
        }
        if dirs.iter().any(|dir| dir.exists()) {
            kept.push(path.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{Hierarchy, Kind};
    use super::*;

    #[test]
    fn only_what_is_named_and_empty_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        let hierarchies = ["a", "b"].map(|name| Hierarchy {
            kind: Kind::V2,
            dir: at(name),
        });
        let layout = Layout {
            hierarchies: hierarchies.into(),
            unified: true,
        };
        let all = [
            "a/pods/one/below/deep",
            "b/pods/one",
            "a/pods/two",
            "a/pods/theirs",
            "a/one",
            "outside/one",
        ];
        for path in all {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        // To a test, a file is what a process is to a cgroup.
        fs::write(at("a/pods/two/process"), "").expect("a file");
        let paths = [
            "/pods/one",
            "/pods/two",
            "/pods/three",
            "/../outside/one",
            "/",
            "",
        ]
        .map(str::to_owned);
        assert_eq!(remove_left(&layout, &paths), ["/pods/two"]);
        let left = all.map(|path| at(path).exists());
        assert_eq!(left, [false, false, true, true, true, true]);
        assert!(at("a/pods").exists() && at("b/pods").exists());
        assert_eq!(of_container("/pods", "0f-1").as_deref(), Some("/pods/0f-1"));
        assert_eq!(
            ["", "..", "a/b"].map(|id| of_container("/pods", id)),
            [None, None, None]
        );
    }
}
