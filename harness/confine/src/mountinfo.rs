//! The kernel's mount table. proc_pid_mountinfo(5).

/// A mount, as a line of the table describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its number.
    pub id: u32,
    /// The number of the mount that it lies on.
    pub parent: u32,
    /// Whether the filesystem is on a block device: others have a number that the kernel made up.
    pub on_block_device: bool,
    /// Which part of the filesystem is mounted.
    pub root: String,
    /// Where.
    pub target: String,
    /// The options of the mount, as the kernel writes them: `rw,nosuid`.
    pub options: String,
    /// Its propagation: `shared:7`, `master:1`, `unbindable`.
    pub propagation: Vec<String>,
    /// The type of the filesystem.
    pub kind: String,
    /// The options of the filesystem, as the kernel writes them: paths in them are still escaped.
    pub of_filesystem: String,
}

/// The mounts of a table, in its order; lines that are not mounts are left out.
#[must_use]
pub fn parse(table: &str) -> Vec<Mount> {
    table.lines().filter_map(line).collect()
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn line(line: &str) -> Option<Mount> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut fields = mount.split(' ');
    let (id, parent) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let on_block_device = !fields.next()?.starts_with("0:");
    let (root, target) = (unescape(fields.next()?), unescape(fields.next()?));
    let options = fields.next()?.to_owned();
    let mut filesystem = filesystem.split(' ');
    Some(Mount {
        id,
        parent,
        on_block_device,
        root,
        target,
        options,
        propagation: fields.map(str::to_owned).collect(),
        kind: filesystem.next()?.to_owned(),
        of_filesystem: filesystem.nth(1).unwrap_or_default().to_owned(),
    })
}

/// An unescaped path: the kernel writes blanks and the like in octal, `\040`.
#[must_use]
pub fn unescape(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_mount() {
        let table = "36 35 98:0 /a /dev/p\\040ts rw,nosuid master:1 shared:7 - devpts source rw,mode=620\ngarbage\n\
                     37 36 0:5 / / ro - tmpfs\n";
        let all = parse(table);
        assert_eq!(all.len(), 2);
        let one = &all[0];
        assert_eq!((one.id, one.parent, one.on_block_device), (36, 35, true));
        assert_eq!((one.root.as_str(), one.target.as_str()), ("/a", "/dev/p ts"));
        assert_eq!(
            (one.options.as_str(), one.of_filesystem.as_str()),
            ("rw,nosuid", "rw,mode=620")
        );
        assert_eq!(
            (one.propagation.join(" ").as_str(), one.kind.as_str()),
            ("master:1 shared:7", "devpts")
        );
        assert_eq!(
            (all[1].of_filesystem.as_str(), all[1].on_block_device),
            ("", false)
        );
    }

    #[test]
    fn paths_are_unescaped() {
        assert_eq!(unescape(r"/a\040b\134c"), r"/a b\c");
        assert_eq!(unescape("/plain"), "/plain");
        assert_eq!(unescape(r"/end\04"), r"/end\04");
        assert_eq!(unescape(r"/\303\244"), "/ä");
    }
}
