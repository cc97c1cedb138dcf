//! What the run changed in the rootfs: the overlay's upper layer. overlayfs(5) of the kernel's documentation.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ocidiff_confine::read_bytes;
use ocidiff_model::Fact;
use sha2::{Digest, Sha256};

use super::few::first;
use crate::digest::hex;

/// Entries that are reported; the rest is counted.
const MOST: usize = 2000;
/// Files larger than this are reported by their size only, in bytes.
const LARGEST: u64 = 16 << 20;
/// So are those that come after this many bytes have been read.
const READ: u64 = 256 << 20;
/// How deep folders may be nested.
const DEPTH: usize = 100;

/// A fact for each entry of the upper layer, parents first.
pub(crate) fn facts(upper: &str) -> Vec<Fact> {
    let mut walk = Walk::default();
    walk.folder(Path::new(upper), "", DEPTH);
    let mut facts = walk.facts;
    if walk.more > 0 {
        let count = i64::try_from(facts.len() + walk.more).unwrap_or(i64::MAX);
        facts.push(Fact::new("file.count", count));
    }
    facts
}

#[derive(Default)]
struct Walk {
    facts: Vec<Fact>,
    /// Entries that are not reported, not counting what is below them.
    more: usize,
    read: u64,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let left = MOST.saturating_sub(self.facts.len());
        let (names, count) = first(entries.flatten().map(|entry| entry.file_name()), left);
        self.more += count - names.len();
        for name in names {
            if self.facts.len() >= MOST {
                self.more += 1;
                continue;
            }
            let path = folder.join(&name);
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            let shown = format!("{prefix}/{}", name.to_string_lossy());
            let described = describe(&path, &metadata, &mut self.read);
            self.facts.push(Fact::new(format!("file.{shown}"), described));
            if metadata.is_dir() && depth > 0 {
                self.folder(&path, &shown, depth - 1);
            }
        }
    }
}

fn describe(path: &Path, metadata: &fs::Metadata, read: &mut u64) -> String {
    let kind = metadata.file_type();
    let mode = metadata.mode() & 0o7777;
    let owner = format!("{mode:04o} {}:{}", metadata.uid(), metadata.gid());
    if kind.is_char_device() && metadata.rdev() == 0 {
        "removed".to_owned()
    } else if kind.is_dir() {
        format!("dir {owner}")
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap_or_default();
        format!(
            "link {}:{} -> {}",
            metadata.uid(),
            metadata.gid(),
            target.to_string_lossy()
        )
    } else if kind.is_file() {
        format!(
            "file {owner} {} bytes{}",
            metadata.len(),
            content(path, metadata.len(), read)
        )
    } else if kind.is_fifo() {
        format!("fifo {owner}")
    } else if kind.is_socket() {
        format!("socket {owner}")
    } else {
        let letter = if kind.is_block_device() { 'b' } else { 'c' };
        let (major, minor) = (
            rustix::fs::major(metadata.rdev()),
            rustix::fs::minor(metadata.rdev()),
        );
        format!("{letter} {major}:{minor} {owner}")
    }
}

/// `read` is what has been read of other files so far.
fn content(path: &Path, length: u64, read: &mut u64) -> String {
    if length == 0 || length > LARGEST || *read + length > READ {
        return String::new();
    }
    *read += length;
    read_bytes(path, LARGEST).map_or_else(
        |_| String::new(),
        |bytes| format!(" sha256:{:.12}", hex(&Sha256::digest(bytes))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_layer_is_told_parents_first() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("d")).expect("make");
        fs::write(folder.path().join("d/f"), "hi").expect("write");
        std::os::unix::fs::symlink("f", folder.path().join("d/l")).expect("link");
        let facts = facts(folder.path().to_str().expect("a name"));
        let paths: Vec<_> = facts.iter().map(|fact| fact.path.as_str()).collect();
        assert_eq!(paths, ["file./d", "file./d/f", "file./d/l"]);
        assert!(
            facts[1].value.line().contains("2 bytes sha256:8f434346648f"),
            "{}",
            facts[1].value
        );
    }

    #[test]
    fn of_a_layer_without_end_the_same_part_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..MOST + 10 {
            fs::write(folder.path().join(format!("{number:05}")), "").expect("write");
        }
        let mut deep = folder.path().join("a");
        for _ in 0..DEPTH + 50 {
            deep.push("d");
        }
        fs::create_dir_all(deep).expect("folders");
        let told = facts(folder.path().to_str().expect("a name"));
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told[MOST - 1].path, "file./01999");
        assert_eq!(told[MOST], Fact::new("file.count", 2011));
        fs::remove_dir_all(folder.path()).expect("removed");
        fs::create_dir_all(folder.path()).expect("a folder");
        for number in 0..40 {
            let file = fs::File::create(folder.path().join(format!("{number:05}"))).expect("a file");
            file.set_len(LARGEST).expect("a hole");
        }
        let told = facts(folder.path().to_str().expect("a name"));
        let with = told
            .iter()
            .filter(|fact| fact.value.line().contains("sha256"))
            .count();
        assert_eq!((with, told.len()), (16, 40));
    }
}
