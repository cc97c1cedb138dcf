//! Cgroups that an engine makes as parents of its containers' cgroups, and leaves behind: those that were not there
//! before a run go with it, and those that are still in use then are noted for `ocidiff clean`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use ocidiff_confine::{raised, read_text};

use super::{Layout, subtree};

/// The file in a session's folder that lists them, for who cleans up after a killed run.
const NOTE: &str = "cgroup-parents";
/// The largest such file that is read.
const MOST_BYTES: u64 = 64 << 10;
/// How often, and how long after, one that is still in use is tried again: a container's own may be about to go.
const ATTEMPTS: u32 = 20;
const TICK: Duration = Duration::from_millis(25);

/// The length of the ids that engines give to containers.
const ID: usize = 64;
/// How many processes or cgroups a message names.
const NAMED: usize = 8;

/// The first line of that file for cgroups that were asked for.
const ASKED: &str = "asked";

/// Cgroups that were not there before a run.
#[derive(Debug, Default)]
pub(crate) struct Parents {
    /// Parents first.
    dirs: Vec<PathBuf>,
    /// Whether they are only this run's, by the user's choice. In an engine's own there can be anybody's containers:
    /// such a parent stays, and there is nothing to say about it.
    are_asked: bool,
}

impl Parents {
    /// Those of a run whose containers are below cgroups of these names, noted in the session's folder.
    pub(crate) fn before(
        layout: &Layout,
        names: &[String],
        are_asked: bool,
        session: &Path,
    ) -> io::Result<Self> {
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
        let all = Self {
            dirs: fresh,
            are_asked,
        };
        all.note(session)?;
        Ok(all)
    }

    /// Notes them in a session's folder, and removes all else from it: an engine that does not answer can still have
    /// containers in them.
    pub(crate) fn leave(&self, session: &Path) -> io::Result<()> {
        for entry in fs::read_dir(session)?.flatten() {
            let path = entry.path();
            let removed = match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed?;
        }
        self.note(session)
    }

    fn note(&self, session: &Path) -> io::Result<()> {
        let asked = self.are_asked.then(|| ASKED.to_owned());
        let dirs = self.dirs.iter().map(|dir| dir.display().to_string());
        let lines = asked.into_iter().chain(dirs).map(|line| line + "\n");
        fs::write(session.join(NOTE), lines.collect::<String>())
    }

    /// Those that a killed run has noted in its session's folder.
    pub(crate) fn noted(layout: &Layout, session: &Path) -> Self {
        let text = read_text(&session.join(NOTE), raised(MOST_BYTES)).unwrap_or_default();
        let is_ours = |dir: &PathBuf| {
            let mut hierarchies = layout.hierarchies.iter();
            let rest = hierarchies.find_map(|hierarchy| dir.strip_prefix(&hierarchy.dir).ok());
            rest.is_some_and(is_plain)
        };
        Self {
            dirs: text.lines().map(PathBuf::from).filter(is_ours).collect(),
            are_asked: text.lines().next() == Some(ASKED),
        }
    }

    /// Removes those in which nothing is, besides what containers left that an engine may have forgotten. The others
    /// stay in this list if they were asked for; returns whether there are none.
    pub(crate) fn remove(&mut self) -> bool {
        let mut attempts = ATTEMPTS;
        for dir in self.dirs.iter().rev() {
            let containers = subtree(dir)
                .into_iter()
                .filter(|one| is_below_container(one, dir));
            // Only an empty one can be removed.
            containers.rev().for_each(|one| drop(fs::remove_dir(one)));
            while fs::remove_dir(dir).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
                && attempts > 0
            {
                attempts -= 1;
                std::thread::sleep(TICK);
            }
        }
        self.dirs.retain(|dir| self.are_asked && dir.exists());
        self.dirs.is_empty()
    }

    /// What to say about those that are still in use: what is in them, and what to do.
    pub(crate) fn told(&self, layout: &Layout) -> Vec<String> {
        let mut inside: BTreeMap<&Path, Inside> = BTreeMap::new();
        for dir in &self.dirs {
            let mut hierarchies = layout.hierarchies.iter();
            let Some(name) = hierarchies.find_map(|hierarchy| dir.strip_prefix(&hierarchy.dir).ok()) else {
                continue;
            };
            inside.entry(name).or_default().add(dir);
        }
        // What is in one of them is in its parents too.
        let is_last = |name: &Path| {
            !inside
                .keys()
                .any(|other| *other != name && other.starts_with(name))
        };
        let last = inside.iter().filter(|(name, _)| is_last(name));
        last.map(|(name, inside)| format!("the cgroup /{}, which a run made: {inside}", name.display()))
            .collect()
    }
}

/// What is in a cgroup, in any hierarchy.
#[derive(Debug, Default)]
struct Inside {
    processes: BTreeSet<u32>,
    below: BTreeSet<PathBuf>,
}

impl Inside {
    fn add(&mut self, dir: &Path) {
        for one in subtree(dir) {
            let members = fs::read_to_string(one.join("cgroup.procs")).unwrap_or_default();
            self.processes
                .extend(members.lines().filter_map(|line| line.parse::<u32>().ok()));
            self.below.extend(
                one.strip_prefix(dir)
                    .ok()
                    .filter(|rest| is_plain(rest))
                    .map(Path::to_owned),
            );
        }
    }
}

impl std::fmt::Display for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let processes: Vec<String> = self.processes.iter().take(NAMED).map(u32::to_string).collect();
        if !processes.is_empty() {
            let (number, some) = (self.processes.len(), processes.join(" "));
            return write!(
                f,
                "{number} processes are still in it: `ocidiff clean --via ENGINE` removes those of containers that the \
                 engine knows; end the others (kill {some}), and clean again"
            );
        }
        let below: Vec<String> = self
            .below
            .iter()
            .take(NAMED)
            .map(|one| one.display().to_string())
            .collect();
        match below.is_empty() {
            true => f.write_str("it is still in use: clean again"),
            false => write!(
                f,
                "others are below it ({}): remove them, and clean again",
                below.join(", ")
            ),
        }
    }
}

/// Whether a cgroup is a container's, or below one's: its name ends with an id.
fn is_below_container(path: &Path, parent: &Path) -> bool {
    let is_container = |part: Component<'_>| {
        let name = part.as_os_str().as_encoded_bytes();
        let id = name.len().checked_sub(ID).map(|start| &name[start..]);
        id.is_some_and(|id| id.iter().all(u8::is_ascii_hexdigit))
    };
    path.strip_prefix(parent)
        .is_ok_and(|rest| rest.components().any(is_container))
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
        let id = "0f".repeat(ID / 2);
        for path in ["h/old", "session/layers", "outside"] {
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
            let forgotten = format!("h/old/new/deep/libpod-{id}/below");
            for path in [forgotten.as_str(), "h/used/by-others", "h/x.slice"] {
                fs::create_dir_all(at(path)).expect("a folder");
            }
        };
        let is_left = || {
            let all = ["h/old/new", "h/old", "h/used/by-others", "h/x.slice", "outside"];
            all.map(|path| at(path).exists())
        };
        let mut parents = Parents::before(&layout, &names, true, &at("session")).expect("a note");
        made();
        assert!(!parents.remove());
        assert_eq!(is_left(), [false, true, true, true, true]);
        assert_eq!(
            parents.told(&layout),
            [
                "the cgroup /used, which a run made: others are below it (by-others): remove them, and clean again"
            ]
        );
        fs::write(at("h/used/cgroup.procs"), "12\n7\n").expect("a file");
        let told = parents.told(&layout).concat();
        assert!(
            told.contains("2 processes") && told.contains("(kill 7 12)"),
            "{told}"
        );
        // What is still in use stays in the note, and nothing else in the folder.
        parents.leave(&at("session")).expect("a note");
        assert!(!at("session/layers").exists());
        fs::remove_file(at("h/used/cgroup.procs")).expect("no file");
        fs::rename(at("h/used/by-others"), at("h/used").join(&id)).expect("a container");
        assert!(Parents::noted(&layout, &at("session")).remove());
        assert!(!at("h/used").exists());
        // In an engine's own there can be anybody's.
        Parents::before(&layout, &names, false, &at("session")).expect("a note");
        made();
        assert!(Parents::noted(&layout, &at("session")).remove());
        assert_eq!(is_left(), [false, true, true, true, true]);
        fs::remove_dir_all(at("h/used")).expect("a folder");
        // The same by the note, which may say anything.
        Parents::before(&layout, &names, true, &at("session")).expect("a note");
        made();
        let note = fs::read_to_string(at("session").join(NOTE)).expect("a note");
        let note = format!(
            "{note}{0}/outside\n{0}/h/../outside\n{0}/h\n",
            folder.path().display()
        );
        fs::write(at("session").join(NOTE), note).expect("a note");
        assert!(!Parents::noted(&layout, &at("session")).remove());
        assert_eq!(is_left(), [false, true, true, true, true]);
    }
}
