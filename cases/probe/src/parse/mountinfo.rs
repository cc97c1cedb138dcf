//! /proc/PID/mountinfo.

use alloc::vec::Vec;

use super::words;

/// One mount, as far as it can be compared: no ids, no device numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where in the file system its root is.
    pub root: Vec<u8>,
    /// Where it is mounted.
    pub point: Vec<u8>,
    /// The mount's own options, sorted, but `rw` or `ro` first.
    pub options: Vec<Vec<u8>>,
    /// `shared`, `slave`, `shared+slave`, `unbindable` or `private`.
    pub propagation: &'static str,
    /// The file system's type.
    pub kind: Vec<u8>,
    /// What was mounted.
    pub source: Vec<u8>,
    /// The file system's options, as it lists them.
    pub super_options: Vec<u8>,
}

impl Mount {
    /// `tmpfs rw,nosuid | rw,mode=755 | private | root=/ | source=tmpfs`
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let options = self.options.join(&b","[..]);
        for part in [
            &self.kind,
            &b" "[..],
            &options,
            b" | ",
            &self.super_options,
            b" | ",
            self.propagation.as_bytes(),
            b" | root=",
            &self.root,
            b" | source=",
            &self.source,
        ] {
            text.extend_from_slice(part);
        }
        text
    }
}

/// Reads one line: `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw`.
pub fn line(line: &[u8]) -> Option<Mount> {
    let mut fields = words(line);
    let root = fields.nth(3)?;
    let point = fields.next()?;
    let options = fields.next()?;
    let tags: Vec<&[u8]> = fields.by_ref().take_while(|word| *word != b"-").collect();
    let kind = fields.next()?;
    let rest: Vec<&[u8]> = fields.collect();
    // If the source is empty, there is no word for it.
    let (source, super_options) = match rest[..] {
        [source, options] => (source, options),
        [options] => (&b""[..], options),
        _ => return None,
    };
    Some(Mount {
        root: unescaped(root),
        point: unescaped(point),
        options: sorted(options),
        propagation: propagation(&tags),
        kind: unescaped(kind),
        source: unescaped(source),
        super_options: unescaped(super_options),
    })
}

fn sorted(options: &[u8]) -> Vec<Vec<u8>> {
    let mut options: Vec<Vec<u8>> = options.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
    options.sort_by_key(|option| (option != b"rw" && option != b"ro", option.clone()));
    options
}

fn propagation(tags: &[&[u8]]) -> &'static str {
    let has = |prefix: &str| tags.iter().any(|tag| tag.starts_with(prefix.as_bytes()));
    match (has("shared:"), has("master:"), has("unbindable")) {
        (true, true, _) => "shared+slave",
        (true, false, _) => "shared",
        (false, true, _) => "slave",
        (false, false, true) => "unbindable",
        (false, false, false) => "private",
    }
}

/// Reverses the kernel's `\040` for a space and the like.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] => {
                plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            [byte, after @ ..] => {
                plain.push(*byte);
                rest = after;
            }
            [] => return plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_told_in_one_line() {
        let mount = line(b"3 1 0:2 / /dev/pts rw,relatime,nosuid,noexec - devpts devpts rw,gid=5,mode=620");
        assert_eq!(
            mount.map(|mount| mount.text()),
            Some(
                b"devpts rw,noexec,nosuid,relatime | rw,gid=5,mode=620 | private | root=/ | source=devpts"
                    .to_vec()
            )
        );
    }

    #[test]
    fn propagation_is_told_without_ids() {
        for (tags, expected) in [
            ("", "private"),
            ("shared:12 ", "shared"),
            ("master:3 propagate_from:2 ", "slave"),
            ("shared:1 master:3 ", "shared+slave"),
            ("unbindable ", "unbindable"),
        ] {
            let text = alloc::format!("3 1 0:2 / /mnt rw {tags}- tmpfs tmpfs rw");
            assert_eq!(
                line(text.as_bytes()).map(|mount| mount.propagation),
                Some(expected)
            );
        }
    }

    #[test]
    fn escapes_and_an_empty_source_are_read() {
        let mount = line(br"3 1 0:2 /a\011b /with\040space ro - tmpfs  rw");
        assert_eq!(
            mount.as_ref().map(|mount| mount.point.as_slice()),
            Some(b"/with space".as_slice())
        );
        assert_eq!(
            mount.as_ref().map(|mount| mount.root.as_slice()),
            Some(b"/a\tb".as_slice())
        );
        assert_eq!(
            mount.map(|mount| (mount.source, mount.super_options)),
            Some((Vec::new(), b"rw".to_vec()))
        );
    }

    #[test]
    fn other_lines_are_none() {
        for text in [
            &b""[..],
            b"1 2 3",
            b"3 1 0:2 / /mnt rw tmpfs",
            b"3 1 0:2 / /mnt rw - tmpfs",
        ] {
            assert_eq!(line(text), None);
        }
    }
}
