//! What the run changed in the rootfs: the overlay's upper layer. overlayfs(5) of the kernel's documentation.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ocidiff_model::Fact;
use sha2::{Digest, Sha256};

use crate::bundle::hex;

/// Entries that are told; a run that makes more has them counted.
const MOST: usize = 2000;
/// Files larger than this are told by their size only, in bytes.
const LARGEST: u64 = 16 << 20;

/// A fact for each entry of the upper layer, parents first.
pub(crate) fn facts(upper: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    walk(Path::new(upper), "", &mut facts);
    if facts.len() > MOST {
        let count = i64::try_from(facts.len()).unwrap_or(i64::MAX);
        facts.truncate(MOST);
        facts.push(Fact::new("file.count", count));
    }
    facts
}

fn walk(folder: &Path, prefix: &str, facts: &mut Vec<Fact>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = folder.join(&name);
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let shown = format!("{prefix}/{}", name.to_string_lossy());
        facts.push(Fact::new(format!("file.{shown}"), describe(&path, &metadata)));
        if metadata.is_dir() && facts.len() <= MOST {
            walk(&path, &shown, facts);
        }
    }
}

fn describe(path: &Path, metadata: &fs::Metadata) -> String {
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
            content(path, metadata.len())
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

fn content(path: &Path, length: u64) -> String {
    if length == 0 || length > LARGEST {
        return String::new();
    }
    fs::read(path).map_or_else(
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
}
