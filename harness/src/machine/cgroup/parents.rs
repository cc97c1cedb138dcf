//! Cgroups that an engine makes as parents of its containers' cgroups, and leaves behind: those that were not there
//! before a run go with it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use ocidiff_confine::{raised, read_text};

use super::Layout;

/// The file in a session's folder that lists them, for who cleans up after a killed run.
const NOTE: &str = "cgroup-parents";
/// The largest such file that is read.
const MOST_BYTES: u64 = 64 << 10;
/// How often, and how long after, one that is still in use is tried again: a container's own may be about to go.
const ATTEMPTS: u32 = 20;
const TICK: Duration = Duration::from_millis(25);

/// Cgroups that were not there before a run, parents first; dropping this removes those of them in which nothing is.
#[derive(Debug, Default)]
pub(crate) struct Parents(Vec<PathBuf>);

impl Parents {
    /// Those of a run whose containers are below cgroups of these names, noted in the session's folder.
    pub(crate) fn before(layout: &Layout, names: &[String], session: &Path) -> io::Result<Self> {
        let each = |name: &String| chain(name);
        let mut all: Vec<PathBuf> = names.iter().flat_map(each).collect();
        all.sort();
        all.dedup();
        let fresh: Vec<PathBuf> = layout
            .hierarchies
            .iter()
            .flat_map(|hierarchy| all.iter().map(|name| hierarchy.dir.join(name)))
            .filter(|dir| !dir.exists())
            .collect();
        let lines: String = fresh.iter().map(|dir| format!("{}\n", dir.display())).collect();
        fs::write(session.join(NOTE), lines)?;
        Ok(Self(fresh))
    }

    /// Those that a killed run has noted in its session's folder.
    pub(crate) fn noted(layout: &Layout, session: &Path) -> Self {
        let text = read_text(&session.join(NOTE), raised(MOST_BYTES)).unwrap_or_default();
        let is_ours = |dir: &PathBuf| {
            let mut hierarchies = layout.hierarchies.iter();
            let rest = hierarchies.find_map(|hierarchy| dir.strip_prefix(&hierarchy.dir).ok());
            rest.is_some_and(is_plain)
        };
        Self(text.lines().map(PathBuf::from).filter(is_ours).collect())
    }
}

impl Drop for Parents {
    fn drop(&mut self) {
        let mut attempts = ATTEMPTS;
        for dir in self.0.iter().rev() {
            // Only an empty one can be removed.
            while fs::remove_dir(dir).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
                && attempts > 0
            {
                attempts -= 1;
                std::thread::sleep(TICK);
            }
        }
    }
}

/// A cgroup's parents and itself, relative to a hierarchy; none if systemd manages it.
fn chain(name: &str) -> Vec<PathBuf> {
    let path = Path::new(name.trim_start_matches('/'));
    if !is_plain(path) || name.ends_with(".slice") {
        return Vec::new();
    }
    let all = path.ancestors().filter(|one| !one.as_os_str().is_empty());
    all.map(Path::to_owned).collect()
}

/// Whether a path names something below the folder that it is joined to.
pub(crate) fn is_plain(path: &Path) -> bool {
    let mut parts = path.components();
    path.components().next().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::super::{Hierarchy, Kind};
    use super::*;

    #[test]
    fn only_what_was_not_there_and_is_empty_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["h/old", "session", "outside"] {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        let layout = Layout {
            hierarchies: vec![Hierarchy {
                kind: Kind::V2,
                dir: at("h"),
            }],
            unified: true,
        };
        let names = ["/old/new/deep", "/used", "../outside", "x.slice"].map(str::to_owned);
        let made = || {
            for path in ["h/old/new/deep", "h/used/by-others", "h/x.slice"] {
                fs::create_dir_all(at(path)).expect("a folder");
            }
        };
        let is_left = || {
            let all = ["h/old/new", "h/old", "h/used/by-others", "h/x.slice", "outside"];
            all.map(|path| at(path).exists())
        };
        let parents = Parents::before(&layout, &names, &at("session")).expect("a note");
        made();
        drop(parents);
        assert_eq!(is_left(), [false, true, true, true, true]);
        // The same by the note, which may say anything.
        made();
        let note = fs::read_to_string(at("session").join(NOTE)).expect("a note");
        let note = format!(
            "{note}{0}/outside\n{0}/h/../outside\n{0}/h\n",
            folder.path().display()
        );
        fs::write(at("session").join(NOTE), note).expect("a note");
        drop(Parents::noted(&layout, &at("session")));
        assert_eq!(is_left(), [false, true, true, true, true]);
    }
}
