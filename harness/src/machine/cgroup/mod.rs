//! The cgroups of a run: a parent made by the harness in every hierarchy of the machine.
//!
//! `HIERARCHY/ocidiff.SESSION/RUN/run`. The runtime sees `run` as the root of everything; what it leaves there is
//! found, and goes away with the run. Bounds are set at `RUN`, which it does not see and so cannot raise. What a
//! killed harness leaves behind is found by the session's name.

use ocidiff_model::CgroupVersion;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ocidiff_confine::mountinfo::{self, Mount};
use serde::{Deserialize, Serialize};

mod left;
mod parents;
mod settings;
mod tree;

pub(crate) use left::{of_container, remove_left};
pub(crate) use parents::{Parents, is_plain};
pub(crate) use settings::settings;
pub(crate) use tree::{remove_below, remove_tree, subtree, thaw};

/// What kind of hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// cgroup v1: the mount's options (`cpu,cpuacct`, `none,name=systemd`) and the folder it is mounted in.
    V1 {
        /// Options of `mount -t cgroup -o`.
        options: String,
        /// Folder under `/sys/fs/cgroup`.
        folder: String,
    },
    /// The unified hierarchy.
    V2,
}

/// One hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// What kind.
    pub kind: Kind,
    /// On the machine: where it is mounted, or the run's own cgroup in it.
    pub dir: PathBuf,
}

/// The hierarchies of a machine, or the run's own cgroups in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Every hierarchy that is mounted.
    pub hierarchies: Vec<Hierarchy>,
    /// Whether the machine is cgroup v2 only.
    pub unified: bool,
}

/// cgroup v2: where the cell's own process sits, under the run's cgroup.
pub(crate) const CELL: &str = "cell";

/// What statfs reports for cgroup and cgroup2 (linux/magic.h).
const MAGIC: [u64; 2] = [0x0027_e0eb, 0x6367_7270];

/// What the runtime sees as the root of everything, under the cgroup that has the bounds.
const RUN: &str = "run";

/// How many processes a run can have: enough for every case, and a bound for a runtime that forks for ever.
const MAX_PIDS: &str = "2048";
/// How much memory a run can have, in bytes.
const MAX_MEMORY: &str = "2147483648";

impl Layout {
    /// The hierarchies that the machine has.
    ///
    /// # Errors
    /// The mount table cannot be read, or has no cgroup mount.
    pub fn of_machine() -> io::Result<Self> {
        let mounts = "/proc/self/mountinfo";
        let text = fs::read_to_string(mounts).map_err(|error| {
            let why = format!("{mounts}: {error}; mount /proc (mount -t proc proc /proc)");
            io::Error::new(error.kind(), why)
        })?;
        let layout = Self::parse(&text);
        if layout.hierarchies.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no cgroup hierarchy is mounted under /sys/fs/cgroup; mount one there \
                 (mount -t cgroup2 cgroup2 /sys/fs/cgroup)",
            ));
        }
        for Hierarchy { dir, .. } in &layout.hierarchies {
            let told = rustix::fs::statfs(dir.as_path())
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", dir.display())))?;
            // The type's width differs by architecture.
            if !MAGIC.contains(&(told.f_type as u64)) {
                let dir = dir.display();
                return Err(io::Error::other(format!(
                    "another file system covers the cgroups that are mounted at {dir}; unmount it (umount {dir})"
                )));
            }
        }
        Ok(layout)
    }

    fn parse(table: &str) -> Self {
        let hierarchies: Vec<_> = mountinfo::parse(table)
            .into_iter()
            .filter_map(hierarchy)
            .collect();
        let unified = hierarchies.iter().all(|hierarchy| hierarchy.kind == Kind::V2);
        Self { hierarchies, unified }
    }

    /// Which version's controllers are available.
    #[must_use]
    pub fn version(&self) -> CgroupVersion {
        if self.unified {
            CgroupVersion::V2
        } else {
            CgroupVersion::V1
        }
    }

    /// The controllers that a container can use.
    #[must_use]
    pub fn controllers(&self) -> Vec<String> {
        let of = |hierarchy: &Hierarchy| match &hierarchy.kind {
            Kind::V1 { folder, .. } => folder.split(',').map(str::to_owned).collect::<Vec<_>>(),
            Kind::V2 if self.unified => fs::read_to_string(hierarchy.dir.join("cgroup.controllers"))
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            Kind::V2 => Vec::new(),
        };
        self.hierarchies.iter().flat_map(of).collect()
    }

    /// Makes the run's own cgroups, with bounds on processes and memory.
    ///
    /// # Errors
    /// What the kernel answers, with the folder.
    pub fn make(&self, session: &str, run: &str) -> io::Result<Self> {
        let hierarchies = self.hierarchies.iter().map(|hierarchy| {
            let parent = hierarchy.dir.join(session);
            let outer = parent.join(run);
            let dir = outer.join(RUN);
            fs::create_dir_all(&outer).map_err(|error| named(&outer, &error))?;
            if matches!(hierarchy.kind, Kind::V1 { .. }) {
                bound(&outer);
            }
            fs::create_dir_all(&dir).map_err(|error| named(&dir, &error))?;
            match &hierarchy.kind {
                Kind::V1 { folder, .. } if folder == "cpuset" => {
                    copy_cpuset(&hierarchy.dir, &[&parent, &outer, &dir])?;
                }
                Kind::V2 if self.unified => {
                    delegate(&[&hierarchy.dir, &parent, &outer])?;
                    bound(&outer);
                }
                _ => {}
            }
            // The same where the runtime sees it: a runtime that looks for its bounds finds this.
            bound(&dir);
            Ok(Hierarchy {
                kind: hierarchy.kind.clone(),
                dir,
            })
        });
        Ok(Self {
            hierarchies: hierarchies.collect::<io::Result<_>>()?,
            unified: self.unified,
        })
    }

    /// What is wrong, and which bound of the run has been reached at this moment: then it is not the machine's fault.
    pub(crate) fn with_bound(&self, why: String) -> String {
        match self.bound_met() {
            Some(full) => format!("{why}; it has met its cell's bound of {full}"),
            None => why,
        }
    }

    fn bound_met(&self) -> Option<String> {
        let number = |file: PathBuf| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
        let is_met = |name: &str, most: &str| {
            let most = most.parse::<u64>().unwrap_or(u64::MAX);
            let mut all = self.hierarchies.iter().map(|one| number(one.dir.join(name)));
            // Processes that die make room: it is close to the bound most of the time.
            all.any(|now| now.is_some_and(|now| now >= most / 10 * 9))
        };
        // A fork that failed in the run's own cgroup is counted there, however much room there is by now.
        let has_failed = |file: PathBuf| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let times = text
                .trim()
                .strip_prefix("max ")
                .and_then(|times| times.parse::<u64>().ok());
            times.is_some_and(|times| times > 0)
        };
        let mut all = self.hierarchies.iter();
        if all.any(|one| has_failed(one.dir.join("pids.events"))) || is_met("pids.current", MAX_PIDS) {
            return Some(format!("{MAX_PIDS} processes"));
        }
        let memory = ["memory.usage_in_bytes", "memory.current"];
        let is_full = memory.iter().any(|name| is_met(name, MAX_MEMORY));
        is_full.then(|| format!("{MAX_MEMORY} bytes of memory"))
    }

    /// Whether the run's own cgroup is frozen, and with it the cell.
    pub(crate) fn is_frozen(&self) -> bool {
        self.hierarchies.iter().any(|hierarchy| {
            let read = |file: &str| fs::read_to_string(hierarchy.dir.join(file)).unwrap_or_default();
            read("freezer.state").starts_with("FR") || read("cgroup.freeze").starts_with('1')
        })
    }

    /// Thaws the run's cgroups and everything below them.
    pub(crate) fn thaw(&self) {
        self.hierarchies
            .iter()
            .flat_map(|hierarchy| subtree(&hierarchy.dir))
            .for_each(|dir| thaw(&dir));
    }

    /// After a run, when nothing is left below. On cgroup v2 the cell delegated its controllers, and a cgroup
    /// that delegates accepts no processes, so the next cell could not begin there.
    pub(crate) fn take_controllers_back(&self) {
        if !self.unified {
            return;
        }
        for hierarchy in &self.hierarchies {
            let control = hierarchy.dir.join("cgroup.subtree_control");
            let handed = fs::read_to_string(&control).unwrap_or_default();
            for controller in handed.split_whitespace() {
                // A controller that stays keeps the next cell out, which reports it.
                let _ = fs::write(&control, format!("-{controller}"));
            }
        }
    }

    /// Removes the run's cgroups; its processes must have ended. Returns the folders that could not be removed.
    #[must_use]
    pub fn remove(&self) -> Vec<PathBuf> {
        self.hierarchies
            .iter()
            .map(|hierarchy| hierarchy.dir.parent().unwrap_or(&hierarchy.dir))
            .filter(|outer| !remove_tree(outer))
            .map(Path::to_owned)
            .collect()
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Without `cpus` and `mems` no process can join.
fn copy_cpuset(root: &Path, dirs: &[&Path]) -> io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let value = fs::read(root.join(file))?;
        for dir in dirs {
            fs::write(dir.join(file), &value).map_err(|error| named(dir, &error))?;
        }
    }
    Ok(())
}

/// Delegates every controller, so that the run's own cgroup has them.
fn delegate(dirs: &[&Path]) -> io::Result<()> {
    for dir in dirs {
        let all = fs::read_to_string(dir.join("cgroup.controllers"))?;
        for controller in all.split_whitespace() {
            // A controller that cannot be delegated is one that cases will find missing.
            let _ = fs::write(dir.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    Ok(())
}

/// Only where the controller is available; a machine without it has no such bound.
fn bound(dir: &Path) {
    for (file, value) in [
        // Older kernels apply a bound to what is below only with this.
        ("memory.use_hierarchy", "1"),
        ("pids.max", MAX_PIDS),
        ("memory.limit_in_bytes", MAX_MEMORY),
        ("memory.max", MAX_MEMORY),
    ] {
        if dir.join(file).exists() {
            let _ = fs::write(dir.join(file), value);
        }
    }
}

/// The hierarchy that is mounted here, if all of it is mounted, and in the expected place.
fn hierarchy(mount: Mount) -> Option<Hierarchy> {
    if mount.root != "/" || !mount.target.starts_with("/sys/fs/cgroup") {
        return None;
    }
    let kind = match mount.kind.as_str() {
        "cgroup2" => Kind::V2,
        "cgroup" => v1(&mount.of_filesystem),
        _ => return None,
    };
    Some(Hierarchy {
        kind,
        dir: mount.target.into(),
    })
}

fn v1(options: &str) -> Kind {
    const NOT_CONTROLLERS: [&str; 5] = ["rw", "ro", "xattr", "clone_children", "noprefix"];
    let names: Vec<_> = options
        .split(',')
        .filter(|option| !NOT_CONTROLLERS.contains(option) && !option.starts_with("release_agent"))
        .collect();
    match names.iter().find_map(|name| name.strip_prefix("name=")) {
        Some(name) => Kind::V1 {
            options: format!("none,name={name}"),
            folder: name.to_owned(),
        },
        None => Kind::V1 {
            options: names.join(","),
            folder: names.join(","),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_machine_is_v1() {
        let layout = Layout::parse(
            "48 47 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct\n\
             56 47 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
             57 47 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             58 47 0:39 / /tmp rw - tmpfs tmpfs rw\n",
        );
        assert_eq!(layout.version(), CgroupVersion::V1);
        assert_eq!(layout.controllers(), ["cpu", "cpuacct", "systemd"]);
        let Kind::V1 { options, folder } = &layout.hierarchies[1].kind else {
            panic!("v1")
        };
        assert_eq!(
            (options.as_str(), folder.as_str()),
            ("none,name=systemd", "systemd")
        );
    }

    #[test]
    fn a_machine_with_only_the_unified_tree_is_v2() {
        let layout =
            Layout::parse("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
        assert_eq!(layout.version(), CgroupVersion::V2);
        assert_eq!(layout.hierarchies.len(), 1);
    }
}
