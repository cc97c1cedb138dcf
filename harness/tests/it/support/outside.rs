//! What is outside a cell and must not change: sysctls, a process, files, mounts, cgroups.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::beside::Beside;

/// Sysctls that count something or give a different answer each time; reading each twice does not find those
/// that rarely change.
const RESTLESS: [&str; 9] = [
    "fs/dentry-state",
    "fs/file-nr",
    "fs/inode-nr",
    "fs/inode-state",
    "fs/aio-nr",
    // Counts everything that is synced.
    "fs/quota/",
    "kernel/ns_last_pid",
    "kernel/pty/nr",
    "kernel/random",
];

const KSM: &str = "/sys/kernel/mm/ksm/sleep_millisecs";

/// A snapshot of everything; dropping it removes what the test put there, and restores sysctls.
pub(crate) struct Outside {
    sysctls: BTreeMap<String, String>,
    mounts: String,
    hostname: String,
    process: Child,
    folders: Vec<TempDir>,
    beside: Beside,
}

impl Outside {
    /// Puts out canaries and takes a snapshot. From here on, the calling thread is in a private mount namespace.
    pub(crate) fn watch() -> Self {
        let beside = Beside::mount();
        let home = std::env::var_os("HOME").map_or_else(|| "/root".into(), PathBuf::from);
        let homes = ["/tmp".into(), "/var/tmp".into(), "/run".into(), home];
        let folders = homes.map(|home| canary(&home)).into();
        let process = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn();
        let first = sysctls();
        let second = sysctls();
        let steady = first
            .into_iter()
            .filter(|(name, value)| second.get(name) == Some(value));
        Self {
            sysctls: steady.collect(),
            mounts: mounts(),
            hostname: hostname(),
            process: process.expect("a canary process"),
            folders,
            beside,
        }
    }

    /// The folders of the canary files, in which a runtime might remove them.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        let beside = self.beside.folders().iter().map(PathBuf::as_path);
        self.folders.iter().map(TempDir::path).chain(beside)
    }

    /// Where something listens.
    pub(crate) fn ears(&self) -> impl Iterator<Item = &Path> {
        self.beside.ears()
    }

    /// The canary process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What has changed, one line each.
    pub(crate) fn changes(&mut self) -> Vec<String> {
        let mut changes = Vec::new();
        let now = sysctls();
        for (name, before) in &self.sysctls {
            match now.get(name) {
                Some(after) if after != before => {
                    changes.push(format!(
                        "sysctl {name}: {} became {}",
                        before.trim(),
                        after.trim()
                    ));
                }
                _ => {}
            }
        }
        for (what, before, after) in [
            ("mounts", &self.mounts, mounts()),
            ("hostname", &self.hostname, hostname()),
        ] {
            if *before != after {
                changes.push(format!("{what}:\n{before}\nbecame\n{after}"));
            }
        }
        // Hierarchies made by others come and go.
        if own("cgroup").contains("attacked") {
            changes.push("there is a new cgroup hierarchy".to_owned());
        }
        if !matches!(self.process.try_wait(), Ok(None)) {
            changes.push("the canary process is gone".to_owned());
        }
        let homes = ["/dev/shm", "/sys/fs/cgroup", "/tmp", "/run", "/mnt"].map(Path::new);
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        let homes = homes
            .map(Path::to_owned)
            .into_iter()
            .chain(hierarchies.map(|entry| entry.path()));
        for path in homes
            .map(|home| home.join("ocidiff-attacked"))
            .filter(|path| path.exists())
        {
            changes.push(format!("{} is there", path.display()));
        }
        for ear in self.beside.heard() {
            changes.push(format!("{}: somebody spoke to it", ear.display()));
        }
        for folder in self.folders() {
            let entries = fs::read_dir(folder).map_or(0, Iterator::count);
            let canary = folder.join("canary");
            let mode = fs::metadata(&canary).map_or(0, |seen| seen.permissions().mode());
            if fs::read_to_string(canary).ok().as_deref() != Some("sings")
                || mode & 0o7777 != 0o644
                || entries != 1
            {
                changes.push(format!("{}: the canary is not as it was", folder.display()));
            }
        }
        changes
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let now = sysctls();
        for (name, before) in &self.sysctls {
            if now.get(name).is_some_and(|after| after != before) {
                let path = Path::new("/proc/sys").join(name);
                let _ = fs::OpenOptions::new()
                    .write(true)
                    .open(path)
                    .and_then(|mut file| file.write_all(before.as_bytes()));
            }
        }
    }
}

fn canary(home: &Path) -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("ocidiff-canary.")
        .tempdir_in(home);
    let folder = folder.unwrap_or_else(|error| panic!("{}: {error}", home.display()));
    fs::write(folder.path().join("canary"), "sings").expect("a canary");
    folder
}

/// Every sysctl that can be read and written. Those of the network are many and different on each test
/// machine; only the machine's own namespace is examined, since we are in it.
fn sysctls() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for top in ["vm", "fs", "kernel", "net/ipv4", "net/core"] {
        walk(&Path::new("/proc/sys").join(top), &mut found);
    }
    // A file of sysfs, which an attack writes.
    let text = read(Path::new(KSM)).unwrap_or_default();
    found.insert(KSM.to_owned(), text);
    found
}

fn walk(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path
            .strip_prefix("/proc/sys")
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        // Interfaces come and go with other containers.
        if RESTLESS.iter().any(|restless| name.starts_with(restless))
            || name.contains("/conf/")
            || name.contains("/neigh/")
        {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else if let Some(text) = read(&path) {
            found.insert(name, text);
        }
    }
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path)
        .ok()?
        .take(65536)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

/// The mounts of the test's own thread, and those of the whole machine.
fn mounts() -> String {
    own("mountinfo") + &fs::read_to_string("/proc/thread-self/mountinfo").expect("/proc/thread-self")
}

fn own(file: &str) -> String {
    fs::read_to_string(format!("/proc/self/{file}")).expect("/proc/self")
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
}
