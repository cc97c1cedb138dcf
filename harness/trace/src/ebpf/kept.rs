//! What was kept from a caller's memory and descriptors, as a source for the decoder.

use super::constants::{self, Constants};
use super::layout::Event;
use crate::decode::Source;

/// Magic numbers of file systems whose files have no path; include/uapi/linux/magic.h.
const PIPEFS: u32 = 0x5049_5045;
const SOCKFS: u32 = 0x534f_434b;
const ANON_INODE: u32 = 0x0904_1934;
const NSFS: u32 = 0x6e73_6673;
const TMPFS: u32 = 0x0102_1994;
const PIDFS: u32 = 0x5049_4446;

/// An event's chunks, and the constants of the program that the caller runs.
pub(super) struct Kept<'event> {
    pub(super) event: &'event Event<'event>,
    pub(super) constants: Option<&'event Constants>,
    /// Whether the caller itself is asked for constants that are not available anywhere else.
    pub(super) live: bool,
}

impl Source for Kept<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        for (begin, is_descriptor, bytes) in self.event.chunks() {
            let Some(skip) = address
                .checked_sub(begin)
                .and_then(|skip| usize::try_from(skip).ok())
            else {
                continue;
            };
            if !is_descriptor && skip < bytes.len() {
                let count = buffer.len().min(bytes.len() - skip);
                buffer[..count].copy_from_slice(&bytes[skip..skip + count]);
                return count;
            }
        }
        match self.constants.map(|constants| constants.read(address, buffer)) {
            Some(count) if count > 0 => count,
            _ if self.live => constants::read_live(self.event.tgid, address, buffer),
            _ => 0,
        }
    }

    fn descriptor(&self, fd: i64) -> Option<String> {
        let names = self
            .event
            .chunks()
            .find(|(at, is_descriptor, _)| *is_descriptor && at.cast_signed() == fd)?;
        link(names.2)
    }
}

/// The text of the link in `/proc/PID/fd`, from a file's names: magic, whether it is unhashed, and then the names
/// from the file up to the root.
fn link(bytes: &[u8]) -> Option<String> {
    let (head, names) = bytes.split_at_checked(8)?;
    let magic = u32::from_ne_bytes(head[..4].try_into().ok()?);
    let is_unhashed = u32::from_ne_bytes(head[4..].try_into().ok()?) != 0;
    let names: Vec<String> = names
        .split(|byte| *byte == 0)
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    let names = names.split_last().map_or(&[][..], |(_, names)| names);
    let last = names.first().map_or("", String::as_str);
    Some(match magic {
        // The numbers are left out of the record anyway.
        PIPEFS => "pipe:[0]".to_owned(),
        SOCKFS => "socket:[0]".to_owned(),
        ANON_INODE => format!("anon_inode:{last}"),
        PIDFS => "anon_inode:[pidfd]".to_owned(),
        NSFS => "ns:[0]".to_owned(),
        _ => {
            let mut path = String::new();
            for name in names.iter().rev().filter(|name| *name != "/") {
                path.push('/');
                path.push_str(name);
            }
            if path.is_empty() {
                path.push('/');
            }
            // A file in memory has no folder, and is never found by its name.
            let in_memory = magic == TMPFS && last.starts_with("memfd:") && names.len() == 1;
            if is_unhashed || in_memory {
                path.push_str(" (deleted)");
            }
            path
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(magic: u32, unhashed: u32, names: &[&str]) -> Vec<u8> {
        let mut bytes = magic.to_ne_bytes().to_vec();
        bytes.extend(unhashed.to_ne_bytes());
        for name in names {
            bytes.extend(name.bytes());
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn files_are_named_as_proc_names_them() {
        let table: [(u32, u32, &[&str], &str); 6] = [
            (0xef53, 0, &["passwd", "etc"], "/etc/passwd"),
            (0xef53, 0, &[], "/"),
            (0xef53, 1, &["x", "tmp"], "/tmp/x (deleted)"),
            (PIPEFS, 1, &["/"], "pipe:[0]"),
            (ANON_INODE, 1, &["[eventfd]"], "anon_inode:[eventfd]"),
            (TMPFS, 0, &["memfd:x"], "/memfd:x (deleted)"),
        ];
        for (magic, unhashed, names, text) in table {
            assert_eq!(link(&file(magic, unhashed, names)).as_deref(), Some(text));
        }
        assert_eq!(link(&[1, 2]), None);
    }
}
