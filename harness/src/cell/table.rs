//! The mount table of the machine, and which of its mounts a path leads to. proc_pid_mountinfo(5).

use std::path::Path;

use super::isolate::unescape;

/// A mount, as a line of mountinfo describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    id: u32,
    parent: u32,
    /// Whether the filesystem is on a block device: those that are not have a number that the kernel invented.
    pub(super) on_block_device: bool,
    /// Where it is mounted.
    pub(super) target: String,
    /// The options of the mount, and those of the filesystem.
    pub(super) options: [String; 2],
    /// The type of the filesystem.
    pub(super) kind: String,
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn parse(line: &str) -> Option<Mount> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut fields = mount.split(' ');
    let id = fields.next()?.parse().ok()?;
    let parent = fields.next()?.parse().ok()?;
    let on_block_device = !fields.next()?.starts_with("0:");
    let target = unescape(fields.nth(1)?);
    let options = fields.next()?.to_owned();
    let mut filesystem = filesystem.split(' ');
    let kind = filesystem.next()?.to_owned();
    let of_filesystem = filesystem.nth(1).unwrap_or_default().to_owned();
    Some(Mount {
        id,
        parent,
        on_block_device,
        target,
        options: [options, of_filesystem],
        kind,
    })
}

impl Mount {
    fn is_strictly_below(&self, other: &Self) -> bool {
        self.target != other.target && Path::new(&self.target).starts_with(&other.target)
    }

    /// Nothing of another mount with the same parent lies over the path to it.
    fn is_reached(&self, all: &[Self]) -> bool {
        !all.iter()
            .any(|other| other.id != self.id && other.parent == self.parent && self.is_strictly_below(other))
    }

    /// Another mount lies right on it.
    fn is_covered(&self, all: &[Self]) -> bool {
        all.iter()
            .any(|other| other.parent == self.id && other.id != self.id && other.target == self.target)
    }
}

/// The mounts that a path leads to, parents first.
pub(super) fn visible(mountinfo: &str) -> Vec<Mount> {
    let all: Vec<Mount> = mountinfo.lines().filter_map(parse).collect();
    // The top one is its own parent, or has one that is outside of our root.
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
            .filter(|mount| mount.parent == current.id && mount.id != current.id && mount.is_reached(&all));
        reached.extend(below);
    }
    let mut found: Vec<Mount> = reached
        .into_iter()
        // The folder that it was mounted on is removed: no path leads there.
        .filter(|mount| !mount.target.ends_with("//deleted") && !mount.is_covered(&all))
        .cloned()
        .collect();
    found.sort_by(|a, b| Path::new(&a.target).cmp(Path::new(&b.target)));
    found
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
