//! A `/dev` of the cell's own, with what a runtime needs and what a config asks for.
//!
//! Runtimes open `/dev/null` and terminals, and in a user namespace they bind-mount the default devices from here.
//! Nothing else of the machine is there: no disk, no kernel log, no console.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, mount};
use serde_json::Value;

use super::error::{Context, Error};
use super::job::Job;
use super::unseen::Unseen;

/// Name, major and minor of the devices that every cell has, all with mode 0666.
const NODES: [(&str, u32, u32); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    // The machine's console is in use by people; a runtime that wants one finds a device that accepts everything.
    ("console", 1, 3),
];

const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// How many of the machine's nodes a config can bring in, together with the folders that it names.
const MOST: usize = 512;

/// Makes it at `target`. Returns what a config asks for and the cell does not have.
pub(super) fn make(target: &str, job: &Job) -> Result<Vec<Unseen>, Error> {
    let flags = MountFlags::NOSUID;
    mount("tmpfs", target, "tmpfs", flags, Some(c"mode=755,size=16m")).context("mount the cell's /dev")?;
    for (name, major, minor) in NODES {
        let path = format!("{target}/{name}");
        node(
            &path,
            FileType::CharacterDevice,
            rustix::fs::makedev(major, minor),
            0o666,
            (0, 0),
        )
        .context(format!("make /dev/{name}"))?;
    }
    for (name, to) in LINKS {
        symlink(to, format!("{target}/{name}")).context(format!("make /dev/{name}"))?;
    }
    let flags = flags | MountFlags::NOEXEC;
    let [pts, shm, mqueue] = ["pts", "shm", "mqueue"].map(|name| format!("{target}/{name}"));
    for folder in [&pts, &shm, &mqueue] {
        fs::create_dir(folder).context(format!("make {folder}"))?;
    }
    let options = c"newinstance,ptmxmode=0666,mode=0620";
    mount("devpts", pts, "devpts", flags, Some(options)).context("mount the cell's /dev/pts")?;
    mount(
        "tmpfs",
        shm,
        "tmpfs",
        flags | MountFlags::NODEV,
        Some(c"mode=1777,size=64m"),
    )
    .context("mount the cell's /dev/shm")?;
    let mut asked = Asked {
        target,
        left: MOST,
        unseen: Vec::new(),
    };
    for path in job.containers.values().flat_map(|config| named(config)) {
        asked.bring(Path::new(&path), 0);
    }
    Ok(asked.unseen)
}

/// The queues of the cell's own ipc namespace.
pub(super) fn mount_queues() -> Result<(), Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("mqueue", "/dev/mqueue", "mqueue", flags, None).context("mount the cell's /dev/mqueue")
}

fn node(path: &str, kind: FileType, device: u64, mode: u32, owner: (u32, u32)) -> std::io::Result<()> {
    mknodat(CWD, path, kind, Mode::from_raw_mode(mode), device)?;
    std::os::unix::fs::chown(path, Some(owner.0), Some(owner.1))?;
    // Set again, because mknod applies the umask.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The paths below `/dev` that a config names: devices, and sources of mounts.
fn named(config: &str) -> Vec<String> {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let of = |list: &Value, member: &str| -> Vec<String> {
        let entries = list.as_array().into_iter().flatten();
        let paths = entries.filter_map(|entry| entry[member].as_str());
        paths.map(str::to_owned).collect()
    };
    let mut found = of(&config["linux"]["devices"], "path");
    found.extend(of(&config["mounts"], "source"));
    found.retain(|path| is_plain(Path::new(path)));
    found
}

/// `/dev/...` without `..` or other ways out.
fn is_plain(path: &Path) -> bool {
    path.starts_with("/dev")
        && path != Path::new("/dev")
        && path
            .components()
            .skip(1)
            .all(|part| matches!(part, Component::Normal(_)))
}

struct Asked<'a> {
    target: &'a str,
    left: usize,
    unseen: Vec<Unseen>,
}

impl Asked<'_> {
    /// Makes one of the machine's nodes in the cell's `/dev`, or everything that a folder holds.
    fn bring(&mut self, path: &Path, depth: usize) {
        let Ok(below) = path.strip_prefix("/dev") else {
            return;
        };
        let own = Path::new(self.target).join(below);
        // What is not on the machine is not here either.
        let Ok(seen) = fs::symlink_metadata(path) else {
            return;
        };
        if self.left == 0 || depth > 4 || (fs::symlink_metadata(&own).is_ok() && !seen.is_dir()) {
            return;
        }
        self.left -= 1;
        if let Err(why) = self.make(path, &own, &seen, depth) {
            let path = path.to_string_lossy().into_owned();
            self.unseen.push(Unseen::new(path, why));
        }
    }

    fn make(&mut self, path: &Path, own: &Path, seen: &fs::Metadata, depth: usize) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let kind = seen.file_type();
        if let Some(folder) = own.parent() {
            fs::create_dir_all(folder).map_err(text)?;
        }
        let of = |kind| {
            let owner = (seen.uid(), seen.gid());
            node(
                &own.to_string_lossy(),
                kind,
                seen.rdev(),
                seen.mode() & 0o7777,
                owner,
            )
            .map_err(text)
        };
        if kind.is_char_device() {
            of(FileType::CharacterDevice)
        } else if kind.is_block_device() {
            of(FileType::BlockDevice)
        } else if kind.is_symlink() {
            let to = fs::read_link(path).map_err(text)?;
            symlink(&to, own).map_err(text)?;
            let leads_to = path.parent().unwrap_or(path).join(to);
            if is_plain(&leads_to) {
                self.bring(&leads_to, depth + 1);
            }
            Ok(())
        } else if kind.is_dir() {
            fs::create_dir_all(own).map_err(text)?;
            let entries = fs::read_dir(path).map_err(text)?;
            // The cell has its own version of what is mounted in /dev.
            if matches!(path.to_str(), Some("/dev/pts" | "/dev/shm" | "/dev/mqueue")) {
                return Ok(());
            }
            entries
                .flatten()
                .for_each(|entry| self.bring(&entry.path(), depth + 1));
            Ok(())
        } else {
            fs::write(own, "").map_err(text)?;
            Err("an empty file stands for it, since it is not a device".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn only_plain_paths_below_dev_are_asked_for() {
        let config = r#"{"mounts": [{"source": "/dev/net/tun"}, {"source": "/dev"}, {"source": "/dev/../etc"},
            {"source": "/devices"}, {}, 3, {"source": 4}], "linux": {"devices": [{"path": "/dev/fuse"}]}}"#;
        assert_eq!(named(config), ["/dev/fuse", "/dev/net/tun"]);
        assert!(named("not json").is_empty());
    }
}
