//! Which mounts of the machine's table a path can reach.

use std::path::Path;

use ocidiff_confine::mountinfo::{self, Mount};
use rustix::mount::MountFlags;

fn is_strictly_below(mount: &Mount, other: &Mount) -> bool {
    mount.target != other.target && Path::new(&mount.target).starts_with(&other.target)
}

/// No other mount with the same parent covers the path to it.
fn is_reached(mount: &Mount, all: &[Mount]) -> bool {
    !all.iter()
        .any(|other| other.id != mount.id && other.parent == mount.parent && is_strictly_below(mount, other))
}

/// Another mount lies directly on it.
fn is_covered(mount: &Mount, all: &[Mount]) -> bool {
    all.iter()
        .any(|other| other.parent == mount.id && other.id != mount.id && other.target == mount.target)
}

/// The mounts that a path can reach, parents first.
pub(super) fn visible(table: &str) -> Vec<Mount> {
    let all = mountinfo::parse(table);
    // The top one is its own parent, or its parent is outside our root.
    let is_top = |mount: &Mount| {
        !all.iter()
            .any(|other| other.id != mount.id && other.id == mount.parent)
    };
    let mut reached: Vec<&Mount> = all.iter().filter(|mount| is_top(mount)).collect();
    let mut next = 0;
    while let Some(current) = reached.get(next).copied() {
        next += 1;
        let below = all
            .iter()
            .filter(|mount| mount.parent == current.id && mount.id != current.id && is_reached(mount, &all));
        reached.extend(below);
    }
    let mut found: Vec<Mount> = reached
        .into_iter()
        // The folder that it was mounted on has been removed: no path leads there.
        .filter(|mount| !mount.target.ends_with("//deleted") && !is_covered(mount, &all))
        .cloned()
        .collect();
    found.sort_by(|a, b| Path::new(&a.target).cmp(Path::new(&b.target)));
    found
}

/// The flags of a mount; what it forbids is forbidden in the cell too.
pub(super) fn flags(mount: &Mount) -> MountFlags {
    let of_filesystem = mount.of_filesystem.split(',').filter(|option| *option == "ro");
    let all = mount.options.split(',').chain(of_filesystem);
    all.fold(MountFlags::empty(), |flags, option| {
        flags
            | match option {
                "ro" => MountFlags::RDONLY,
                "nosuid" => MountFlags::NOSUID,
                "nodev" => MountFlags::NODEV,
                "noexec" => MountFlags::NOEXEC,
                "noatime" => MountFlags::NOATIME,
                "nodiratime" => MountFlags::NODIRATIME,
                "relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::visible;

    fn targets(mountinfo: &str) -> Vec<(String, String)> {
        visible(mountinfo)
            .into_iter()
            .map(|mount| (mount.target, mount.kind))
            .collect()
    }

    #[test]
    fn what_lies_under_another_mount_is_not_seen() {
        let table = "\
            20 1 254:0 / / rw - ext4 /dev/vda rw\n\
            21 20 0:6 / /dev rw - devtmpfs devtmpfs rw\n\
            22 21 0:24 / /dev/pts rw - devpts devpts rw\n\
            23 22 0:26 / /dev/pts rw - devpts second rw\n\
            24 20 0:40 / /a/b rw - tmpfs hidden rw\n\
            25 20 0:41 / /a rw - ext4 over rw\n\
            26 25 0:42 / /a/b\\040c rw - tmpfs nested rw\n\
            27 20 0:43 / /a-b rw - tmpfs beside rw\n\
            28 25 0:44 / /a/gone//deleted rw - tmpfs gone rw\n";
        let expected = [
            ("/", "ext4"),
            ("/a", "ext4"),
            ("/a/b c", "tmpfs"),
            ("/a-b", "tmpfs"),
            ("/dev", "devtmpfs"),
            ("/dev/pts", "devpts"),
        ];
        let expected = expected.map(|(target, kind)| (target.to_owned(), kind.to_owned()));
        assert_eq!(targets(table), expected);
    }

    #[test]
    fn a_root_that_lies_on_another() {
        let table = "\
            1 1 0:2 / / rw - rootfs rootfs rw\n\
            20 1 254:0 / / rw - ext4 /dev/vda rw\n\
            21 1 0:5 / /old rw - tmpfs hidden rw\n\
            22 20 0:6 / /data ro - xfs /dev/vdb rw\n";
        let found = targets(table);
        assert!(
            found.contains(&("/data".to_owned(), "xfs".to_owned())),
            "{found:?}"
        );
        assert!(!found.iter().any(|(target, _)| target == "/old"), "{found:?}");
    }
}
