//! Digests of what runtimes are given, so that a record proves that all were given the same.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use sha2::{Digest, Sha256};

/// How many bytes of a file are read between two checks whether to go on.
const CHUNK: u64 = 4 << 20;

/// SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn of_text(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// SHA-256 over a tree: path, type, mode, owner and content of each entry, sorted by path.
pub(crate) fn of_tree(root: &Path) -> io::Result<String> {
    of_tree_until(root, &|| false)
}

/// The same, but given up as soon as that is asked for.
pub(crate) fn of_tree_until(root: &Path, stopped: &dyn Fn() -> bool) -> io::Result<String> {
    let mut hasher = Sha256::new();
    walk(root, root, &mut hasher, stopped)?;
    Ok(hex(&hasher.finalize()))
}

fn walk(folder: &Path, root: &Path, hasher: &mut Sha256, stopped: &dyn Fn() -> bool) -> io::Result<()> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let metadata = fs::symlink_metadata(&path)?;
        let kind = metadata.file_type();
        let name = path.strip_prefix(root).unwrap_or(&path);
        let (letter, content) = if kind.is_dir() {
            ('d', String::new())
        } else if kind.is_symlink() {
            ('l', fs::read_link(&path)?.to_string_lossy().into_owned())
        } else if kind.is_file() {
            ('f', of_file(&path, stopped)?)
        } else if kind.is_char_device() {
            ('c', metadata.rdev().to_string())
        } else {
            ('o', metadata.rdev().to_string())
        };
        let (mode, uid, gid) = (metadata.mode(), metadata.uid(), metadata.gid());
        // NUL cannot be in a path, so two trees cannot look like one.
        hasher.update(format!(
            "{}\0{letter} {mode:o} {uid} {gid} {content}\0",
            name.display()
        ));
        if kind.is_dir() {
            walk(&path, root, hasher, stopped)?;
        }
    }
    Ok(())
}

/// SHA-256 of a file, however large.
fn of_file(path: &Path, stopped: &dyn Fn() -> bool) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = fs::File::open(path)?;
    while io::copy(&mut (&mut file).take(CHUNK), &mut hasher)? > 0 {
        if stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// Bytes in hexadecimal, as digests and filters are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_tree_s_digest_sees_names_modes_and_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("f");
        fs::write(&file, "a").expect("write");
        let first = of_tree(folder.path()).expect("digest");
        assert_eq!(of_tree(folder.path()).expect("digest"), first);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("mode");
        let mode = of_tree(folder.path()).expect("digest");
        fs::write(&file, "b").expect("write");
        let content = of_tree(folder.path()).expect("digest");
        assert!(first != mode && mode != content && first != content);
    }
}
