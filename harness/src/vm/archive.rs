//! The archive that a kernel unpacks as its first file system: cpio's format `newc`.
//!
//! It is the whole disk of a machine: no driver, image or daemon is needed, and the machine sees nothing else of
//! this one. Hard links become separate files.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use ocidiff_confine::raised;
use ocidiff_confine::read::open_regular;

/// The most bytes of one archive: it is in the machine's memory twice while it is unpacked.
const MOST_BYTES: u64 = 2 << 30;

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// The header before a name.
#[derive(Default)]
struct Head {
    mode: u32,
    owner: (u32, u32),
    time: u32,
    size: u64,
    device: u64,
}

/// An archive that is being written.
#[derive(Debug)]
pub(super) struct Archive<W> {
    out: W,
    /// Everything in the same tree is below it.
    prefix: PathBuf,
    names: BTreeSet<PathBuf>,
    bytes: u64,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            prefix: PathBuf::new(),
            names: BTreeSet::new(),
            bytes: 0,
            entries: 0,
        }
    }

    /// From here on, names are below a folder of the archive.
    pub(super) fn below(&mut self, prefix: &str) {
        self.prefix = PathBuf::from(prefix);
    }

    /// How much is in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn folder(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let head = Head {
            mode: FOLDER | mode,
            ..Head::default()
        };
        self.entry(path, head, &mut io::empty())
    }

    pub(super) fn text(&mut self, path: &Path, mode: u32, text: &str) -> io::Result<()> {
        let size = text.len() as u64;
        let head = Head {
            mode: FILE | mode,
            size,
            ..Head::default()
        };
        self.entry(path, head, &mut text.as_bytes())
    }

    pub(super) fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        let target = target.as_os_str().as_bytes();
        let head = Head {
            mode: LINK | 0o777,
            size: target.len() as u64,
            ..Head::default()
        };
        self.entry(path, head, &mut &target[..])
    }

    /// A file of this machine, whatever links lead to it.
    pub(super) fn file(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.open(&open_regular(from)?, to)
    }

    /// A file, or a folder with everything in it; links stay links.
    pub(super) fn tree(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let meta = from.symlink_metadata()?;
        let kind = meta.file_type();
        if kind.is_dir() {
            self.entry(to, head(&meta, 0), &mut io::empty())?;
            let mut names = Vec::new();
            for entry in fs::read_dir(from)? {
                names.push(entry?.file_name());
            }
            names.sort();
            return names
                .iter()
                .try_for_each(|name| self.tree(&from.join(name), &to.join(name)));
        }
        if kind.is_symlink() {
            let target = fs::read_link(from)?;
            let target = target.as_os_str().as_bytes();
            return self.entry(to, head(&meta, target.len() as u64), &mut &target[..]);
        }
        if kind.is_file() {
            return self.file(from, to);
        }
        if kind.is_socket() {
            return Ok(());
        }
        self.entry(to, head(&meta, 0), &mut io::empty())
    }

    fn open(&mut self, file: &File, to: &Path) -> io::Result<()> {
        let meta = file.metadata()?;
        self.entry(to, head(&meta, meta.len()), &mut &*file)
    }

    /// Finishes the archive.
    pub(super) fn end(mut self) -> io::Result<W> {
        self.put(b"TRAILER!!!", &Head::default(), &mut io::empty())?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// One entry, after the folders that lead to it; an entry that is already there stays as it is.
    fn entry(&mut self, path: &Path, head: Head, from: &mut dyn Read) -> io::Result<()> {
        let plain: PathBuf = path
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        let path = self.prefix.join(plain);
        let above: Vec<PathBuf> = path.ancestors().skip(1).map(Path::to_owned).collect();
        for folder in above.iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            if self.names.insert(folder.clone()) {
                let head = Head {
                    mode: FOLDER | 0o755,
                    ..Head::default()
                };
                self.put(folder.as_os_str().as_bytes(), &head, &mut io::empty())?;
            }
        }
        if path.as_os_str().is_empty() || !self.names.insert(path.clone()) {
            return Ok(());
        }
        self.put(path.as_os_str().as_bytes(), &head, from)
    }

    fn put(&mut self, name: &[u8], head: &Head, from: &mut dyn Read) -> io::Result<()> {
        let most = raised(MOST_BYTES);
        let size = u32::try_from(head.size).unwrap_or(u32::MAX);
        if self.bytes + head.size > most || size == u32::MAX {
            return Err(io::Error::other(format!(
                "it would hold more than {} MiB; a virtual machine has it in memory",
                most >> 20
            )));
        }
        self.entries += 1;
        let (major, minor) = (rustix::fs::major(head.device), rustix::fs::minor(head.device));
        let fields = [
            self.entries,
            head.mode,
            head.owner.0,
            head.owner.1,
            1,
            head.time,
            size,
            0,
            0,
            major,
            minor,
            u32::try_from(name.len() + 1).unwrap_or(u32::MAX),
            0,
        ];
        let mut line = b"070701".to_vec();
        for field in fields {
            line.extend(format!("{field:08X}").bytes());
        }
        line.extend(name);
        line.push(0);
        line.resize(line.len().next_multiple_of(4), 0);
        self.out.write_all(&line)?;
        let copied = io::copy(&mut from.take(head.size), &mut self.out)?;
        if copied != head.size {
            return Err(io::Error::other(format!(
                "{}: it became shorter while it was read",
                String::from_utf8_lossy(name)
            )));
        }
        let padding = copied.next_multiple_of(4) - copied;
        self.out
            .write_all(&[0; 3][..usize::try_from(padding).unwrap_or(0)])?;
        self.bytes += line.len() as u64 + copied + padding;
        Ok(())
    }
}

fn head(meta: &Metadata, size: u64) -> Head {
    Head {
        mode: meta.mode(),
        owner: (meta.uid(), meta.gid()),
        time: u32::try_from(meta.mtime()).unwrap_or(0),
        size,
        device: if meta.file_type().is_file() || meta.file_type().is_dir() {
            0
        } else {
            meta.rdev()
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_is_archived_is_unpacked_the_same() {
        let from = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(from.path().join("a/b")).expect("a folder");
        fs::write(from.path().join("a/b/odd"), "12345").expect("a file");
        fs::write(from.path().join("a/empty"), "").expect("a file");
        fs::set_permissions(from.path().join("a/b/odd"), fs::Permissions::from_mode(0o4751)).expect("a mode");
        symlink("/etc/passwd", from.path().join("a/link")).expect("a link");
        let mut archive = Archive::new(Vec::new());
        archive.below("new");
        archive.tree(from.path(), Path::new("/top")).expect("a tree");
        archive
            .text(Path::new("/top/a/empty"), 0o644, "not this")
            .expect("the first stays");
        archive
            .text(Path::new("../../x"), 0o600, "inside")
            .expect("a text");
        let bytes = archive.end().expect("an archive");

        let to = tempfile::tempdir().expect("a folder");
        let mut cpio = Command::new("busybox")
            .args(["cpio", "-i", "-d"])
            .current_dir(to.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("busybox");
        cpio.stdin
            .take()
            .expect("a pipe")
            .write_all(&bytes)
            .expect("written");
        assert!(cpio.wait().expect("an end").success());
        let at = |path: &str| to.path().join("new").join(path);
        assert_eq!(fs::read_to_string(at("top/a/b/odd")).expect("a file"), "12345");
        let mode = fs::metadata(at("top/a/b/odd"))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o4751);
        assert_eq!(fs::read_to_string(at("top/a/empty")).expect("a file"), "");
        assert_eq!(
            fs::read_link(at("top/a/link")).expect("a link"),
            Path::new("/etc/passwd")
        );
        assert_eq!(fs::read_to_string(at("x")).expect("a file"), "inside");
    }
}
