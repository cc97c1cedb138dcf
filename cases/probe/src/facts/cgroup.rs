//! Where the process is in the cgroup trees, and what it sees of them.

use alloc::format;
use alloc::vec::Vec;

use super::text;
use crate::json::Value;
use crate::parse::lines;
use crate::report::Report;
use crate::sys::fs;
use crate::sys::words::Words;

const TREE: &str = "/sys/fs/cgroup";

/// `cgroup.memory = /x`, `cgroup.name=systemd = /x`, `cgroup.v2 = /x`; ids of hierarchies are left out.
pub(super) fn membership(_: &Words, report: &mut Report) {
    let table = match text("/proc/self/cgroup") {
        Ok(table) => table,
        Err(errno) => return report.fact("cgroup", Value::Failed(errno)),
    };
    let mut places: Vec<(&[u8], &[u8])> = lines(&table).filter_map(place).collect();
    places.sort_unstable();
    for (controllers, path) in places {
        report.fact([b"cgroup.", controllers].concat(), path);
    }
}

fn place(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = line.splitn(3, |byte| *byte == b':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    Some((
        if controllers.is_empty() {
            b"v2"
        } else {
            controllers
        },
        path,
    ))
}

/// Directories are tested by asking; files are not touched.
pub(super) fn tree(_: &Words, report: &mut Report) {
    report.fact(
        "cgroupfs.type",
        fs::statfs(TREE).map(|found| match found.kind {
            libc::CGROUP2_SUPER_MAGIC => "cgroup2".into(),
            libc::CGROUP_SUPER_MAGIC => "cgroup".into(),
            libc::TMPFS_MAGIC => "tmpfs".into(),
            libc::SYSFS_MAGIC => "sysfs".into(),
            other => format!("{other:#x}"),
        }),
    );
    report.fact("cgroupfs.writable", fs::access(TREE, libc::W_OK));
    let names = fs::list(TREE);
    report.fact("cgroupfs.entries", names.clone());
    for name in names.unwrap_or_default() {
        let path = [TREE.as_bytes(), b"/", &name].concat();
        let is_directory = fs::stat(&path).is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFDIR);
        if is_directory {
            report.fact(
                [b"cgroupfs.", name.as_slice()].concat(),
                fs::access(&path, libc::W_OK),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_are_read_for_both_versions() {
        assert_eq!(
            place(b"4:cpu,cpuacct:/a:b"),
            Some((&b"cpu,cpuacct"[..], &b"/a:b"[..]))
        );
        assert_eq!(place(b"0::/"), Some((&b"v2"[..], &b"/"[..])));
        assert_eq!(place(b"junk"), None);
    }
}
