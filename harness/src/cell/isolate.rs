//! The containment: what a runtime under test cannot reach.
//!
//! The cell is process 1 of a pid namespace that the harness made for it. Here it takes its own mount, uts, ipc, net
//! and cgroup namespaces, and lays overlays over the machine's files. It gives the runtime a `/run`, a `/dev` and a
//! `/sys` of its own, a `/proc` of the cell, where only the sysctls of the private namespaces can be written, and
//! cgroup mounts that begin at the run's own cgroup. A runtime that kills "every process of its cgroup", removes
//! folders or writes host sysctls has nothing else to reach.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::{self, JoinHandle};

use nix::sched::CloneFlags;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change, mount_remount};

use super::error::{Context, Error};
use super::job::Job;
use super::stand_in::{self, StandIn};
use super::trees::{attach, tree};
use super::unseen::Unseen;
use super::{dev, joined, overlay};
use crate::machine::cgroup::{Hierarchy, Kind, Layout};
use crate::machine::sysctl::NAMESPACED;
use crate::paths;

/// Folders of /proc/sys that belong to the machine alone; `fs` except for its `mqueue`.
const MACHINE_SYSCTLS: [&str; 7] = ["abi", "crypto", "debug", "dev", "sunrpc", "user", "vm"];

/// Takes the calling process, which must be single-threaded but for `joining` and process 1 of its pid namespace, into
/// the cell. Returns what of the machine is not visible in there.
///
/// Root's user keyring stays visible: there is one for each user of a user namespace, and giving the cell its own
/// user namespace would change what runtimes may do and what they show.
pub(crate) fn enter(job: &Job, joining: Joining) -> Result<Vec<Unseen>, Error> {
    let first = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS;
    nix::sched::unshare(first).context("make the cell's namespaces")?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).context("make the cell's mounts private")?;

    let lower = job.lower.iter().map(tree).collect::<Result<Vec<_>, _>>()?;
    let probe = fs::File::open(&job.probe).context(format!("open {}", job.probe.display()))?;
    let cgroups = cgroup_trees(&job.cgroups)?;
    let unseen = overlay::lay_over(job)?;
    let more = network_and_ipc(job);
    if !more.is_empty() {
        nix::sched::unshare(more).context("make the cell's network and ipc namespaces")?;
    }
    dev::mount_queues()?;
    make_folders(job, lower.len())?;
    for (index, tree) in lower.iter().enumerate() {
        attach(tree, &format!("{}/{index}", paths::LOWER))?;
    }
    copy_probe(probe, job)?;
    stand_in::make(&job.stand_ins)?;
    let configs = || job.containers.values();
    mount_proc(
        configs().any(|config| has_own_namespace(config, "user")),
        configs().any(|config| config.contains("\"sysctl\"")),
    )?;
    joining.finish()?;
    nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP).context("make the cell's cgroup namespace")?;
    mount_cgroups(&cgroups, job.cgroups.unified)?;
    joined::make(job)?;
    let name = rustix::system::sethostname(b"cell");
    name.context("set the cell's hostname")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    std::env::set_current_dir("/").context("change to /")?;
    Ok(unseen)
}

/// Hooks run the probe from outside their container: a copy, since other cells share the machine's.
fn copy_probe(mut probe: fs::File, job: &Job) -> Result<(), Error> {
    if !job
        .containers
        .values()
        .any(|config| config.contains(paths::PROBE))
        && !job.stand_ins.iter().any(StandIn::has_probe)
    {
        return Ok(());
    }
    let mut copy = fs::File::create(paths::PROBE).context("make the probe's copy")?;
    io::copy(&mut probe, &mut copy).context("copy the probe")?;
    fs::set_permissions(paths::PROBE, fs::Permissions::from_mode(0o755)).context("let the probe run")
}

/// The cell was started in network and ipc namespaces of its slot. Making new ones is expensive, and a container
/// that has its own does not reach them. Otherwise the cell gets new ones too.
fn network_and_ipc(job: &Job) -> CloneFlags {
    let all_have = |kind: &str| {
        job.containers
            .values()
            .all(|config| has_own_namespace(config, kind))
    };
    let mut flags = CloneFlags::empty();
    if !all_have("network") {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    if !all_have("ipc") {
        flags |= CloneFlags::CLONE_NEWIPC;
    }
    flags
}

/// Whether the config asks for a new namespace of the kind. Something that is not a config asks for nothing.
fn has_own_namespace(config: &str, kind: &str) -> bool {
    let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
    config["linux"]["namespaces"].as_array().is_some_and(|all| {
        all.iter()
            .any(|one| one["type"] == kind && one.get("path").is_none())
    })
}

/// On cgroup v1 the cell was started in its cgroups; on v2 it joins. The kernel lets whoever moves a process wait for
/// all CPUs (some 10 ms), so a thread does, while the cell is furnished.
#[derive(Debug)]
pub(crate) struct Joining(Option<JoinHandle<Result<(), Error>>>);

impl Joining {
    /// To be called before anything is recorded: the thread is not the runtime's.
    pub(crate) fn start(cgroups: &Layout) -> Result<Self, Error> {
        let is_v2 = |hierarchy: &&Hierarchy| hierarchy.kind == Kind::V2;
        let Some(hierarchy) = cgroups.hierarchies.iter().find(is_v2) else {
            return Ok(Self(None));
        };
        let what = format!("join the cgroup {}", hierarchy.dir.display());
        let procs = fs::OpenOptions::new()
            .write(true)
            .open(hierarchy.dir.join("cgroup.procs"));
        let mut procs = procs.context(what.clone())?;
        // Writing 0 moves the writer's whole process.
        let join = move || procs.write_all(b"0").context(what);
        let thread = thread::Builder::new().spawn(join);
        Ok(Self(Some(thread.context("start a thread that joins a cgroup")?)))
    }

    /// Waits until the cell is there. From here on it is single-threaded again.
    fn finish(self) -> Result<(), Error> {
        let done = self.0.map(JoinHandle::join);
        done.map_or(Ok(()), |done| {
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

fn make_folders(job: &Job, layers: usize) -> Result<(), Error> {
    let mut folders = vec![paths::ROOT, paths::HOOKS, paths::INPUT, paths::PIDS, paths::TMP]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    folders.extend((0..layers).map(|index| format!("{}/{index}", paths::LOWER)));
    folders.push(format!("{}/bin", paths::CELL));
    for name in job.containers.keys() {
        folders.push(paths::upper(name));
        folders.push(format!("{}/{name}/work", paths::LAYERS));
        folders.push(paths::rootfs(name, &job.rootfs));
    }
    for folder in folders {
        fs::create_dir_all(&folder).context(format!("make {folder}"))?;
    }
    Ok(())
}

/// A `/proc` of the cell's pid namespace, whose sysctls are read-only.
///
/// Where a config sets sysctls, those of the private namespaces can be written: some runtimes do it through here.
/// That takes a mount for every other sysctl, and runtimes read the mount table often, so it is not done for all cells.
///
/// Where a config asks for a user namespace, a second, bare `/proc` is kept aside, and a second `/sys`: the kernel
/// lets a user namespace mount proc or sysfs only where a mount without anything on top is visible
/// (`mount_too_revealing` in fs/namespace.c).
fn mount_proc(spare: bool, sysctls: bool) -> Result<(), Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", flags, None).context("mount the cell's /proc")?;
    let spares = [("proc", "/run/ocidiff/proc"), ("sysfs", "/run/ocidiff/sys")];
    for (kind, target) in spares.into_iter().filter(|_| spare) {
        fs::create_dir_all(target).context(format!("make {target}"))?;
        mount(kind, target, kind, flags, None).context(format!("mount {target}"))?;
    }
    bind_read_only("/proc/sysrq-trigger")?;
    if !sysctls {
        return bind_read_only("/proc/sys");
    }
    for name in MACHINE_SYSCTLS {
        bind_read_only(&format!("/proc/sys/{name}"))?;
    }
    // What belongs to the cell's namespaces cannot be bound over: each ipc namespace has files of its own under the
    // same names.
    let own: Vec<_> = NAMESPACED
        .iter()
        .filter_map(|name| name.strip_prefix("kernel/"))
        .collect();
    read_only_but("/proc/sys/kernel", &own)?;
    read_only_but("/proc/sys/fs", &["mqueue"])
}

/// Makes every entry of a folder read-only that is writable at all, except for some.
fn read_only_but(folder: &str, spared: &[&str]) -> Result<(), Error> {
    for entry in fs::read_dir(folder).context(format!("read {folder}"))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let writable = entry
            .metadata()
            .is_ok_and(|metadata| metadata.is_dir() || metadata.permissions().mode() & 0o222 != 0);
        if writable && !spared.contains(&name.as_str()) {
            bind_read_only(&format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

fn bind_read_only(path: &str) -> Result<(), Error> {
    if !Path::new(path).exists() {
        return Ok(());
    }
    mount_bind(path, path).context(format!("bind {path}"))?;
    let flags =
        MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount_remount(path, flags, c"").context(format!("make {path} read-only"))
}

/// A copy of the mount of each of the run's own cgroups, with the folder in which it belongs.
fn cgroup_trees(cgroups: &Layout) -> Result<Vec<(String, OwnedFd)>, Error> {
    let trees = cgroups
        .hierarchies
        .iter()
        .filter_map(|hierarchy| match &hierarchy.kind {
            Kind::V1 { folder, .. } => Some((folder.clone(), &hierarchy.dir)),
            Kind::V2 if cgroups.unified => Some((String::new(), &hierarchy.dir)),
            // On a hybrid machine: crun refuses to run next to a unified tree.
            Kind::V2 => None,
        });
    trees.map(|(folder, dir)| Ok((folder, tree(dir)?))).collect()
}

/// Mounts that begin at the run's own cgroups, which the cgroup namespace shows as the roots of the hierarchies.
/// The machine's own mounts are not there: runtimes look for theirs in the mount table.
fn mount_cgroups(trees: &[(String, OwnedFd)], unified: bool) -> Result<(), Error> {
    const TOP: &str = "/sys/fs/cgroup";
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    if !unified {
        mount("tmpfs", TOP, "tmpfs", flags, Some(c"mode=755"))
            .context("mount a folder for the cell's cgroups")?;
    }
    for (folder, tree) in trees {
        let target = if folder.is_empty() {
            TOP.to_owned()
        } else {
            format!("{TOP}/{folder}")
        };
        fs::create_dir_all(&target).context(format!("make {target}"))?;
        attach(tree, &target)?;
        mount_remount(target.as_str(), MountFlags::BIND | flags, c"")
            .context(format!("restrict {target}"))?;
        for controller in folder.split(',').filter(|name| *name != folder) {
            std::os::unix::fs::symlink(folder, format!("{TOP}/{controller}"))
                .context(format!("link {controller}"))?;
        }
    }
    if unified {
        hand_down_controllers(TOP)
    } else {
        Ok(())
    }
}

/// cgroup v2: a cgroup with processes cannot delegate controllers, so the cell moves into a child of its own.
fn hand_down_controllers(top: &str) -> Result<(), Error> {
    let own = format!("{top}/{}", crate::machine::cgroup::CELL);
    fs::create_dir_all(&own).context(format!("make {own}"))?;
    fs::write(format!("{own}/cgroup.procs"), "0").context(format!("join {own}"))?;
    let controllers =
        fs::read_to_string(format!("{top}/cgroup.controllers")).context("read the controllers")?;
    for controller in controllers.split_whitespace() {
        fs::write(format!("{top}/cgroup.subtree_control"), format!("+{controller}"))
            .context(format!("hand down the controller {controller}"))?;
    }
    Ok(())
}
