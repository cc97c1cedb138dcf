//! Trees are copied entry by entry, through open folders: changing the tree meanwhile cannot lead out of it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, SeekFrom, Stat};
use rustix::io::Errno;

use crate::limit::{Hint, raised};
use crate::{Root, at};

/// Entries of a tree.
const ENTRIES: u64 = 500_000;
/// Bytes of a tree's files, holes left out.
const BYTES: u64 = 8 << 30;

/// How many bytes are copied between two checks whether to go on.
const CHUNK: u64 = 4 << 20;

/// Says whether to give up.
pub type Stopped = Arc<dyn Fn() -> bool + Send + Sync>;

/// How much may still be copied.
pub struct Budget {
    entries: u64,
    bytes: u64,
    stopped: Option<Stopped>,
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries, {} bytes", self.entries, self.bytes)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            entries: raised(ENTRIES),
            bytes: raised(BYTES),
            stopped: None,
        }
    }
}

impl Budget {
    /// Takes room for an entry with this many bytes.
    ///
    /// # Errors
    /// There is none left.
    pub fn take(&mut self, bytes: u64) -> io::Result<()> {
        self.entry()?;
        self.bytes(bytes)
    }

    /// The same, but given up as soon as that is asked for: a large tree takes its time.
    #[must_use]
    pub fn until(stopped: Stopped) -> Self {
        Self {
            stopped: Some(stopped),
            ..Self::default()
        }
    }

    fn go_on(&self) -> io::Result<()> {
        match &self.stopped {
            Some(stopped) if stopped() => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }

    fn entry(&mut self) -> io::Result<()> {
        self.go_on()?;
        self.entries = self.entries.checked_sub(1).ok_or_else(|| {
            io::Error::other(format!("it has more than {} entries; {Hint}", raised(ENTRIES)))
        })?;
        Ok(())
    }

    fn bytes(&mut self, count: u64) -> io::Result<()> {
        self.bytes = self.bytes.checked_sub(count).ok_or_else(|| {
            io::Error::other(format!(
                "its files have more than {} MiB; {Hint}",
                raised(BYTES) >> 20
            ))
        })?;
        Ok(())
    }
}

/// Copies a tree with modes, owners, links and devices over another. What it says about layers below it, as in
/// overlays, is carried out: a whiteout removes, an opaque folder hides.
///
/// # Errors
/// What the system answers, with the entry's path; the tree is larger than the budget.
pub fn copy_tree(from: &Root, to: &Path, budget: &mut Budget) -> io::Result<()> {
    folder(from.top(), Root::make(to)?.top(), at::DEPTH, budget)
}

fn folder(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: usize, budget: &mut Budget) -> io::Result<()> {
    if depth == 0 {
        return Err(at::too_deep());
    }
    if is_opaque(from) {
        at::empty(to)?;
    }
    for name in at::names(from)? {
        let name = OsStr::from_bytes(&name);
        let Some(found) = at::look(from, name)? else {
            continue;
        };
        budget.entry()?;
        entry(from, to, name, &found, depth, budget).map_err(|error| below(name, &error))?;
    }
    let own = rustix::fs::fstat(from)?;
    at::settle(to, own.st_uid, own.st_gid, own.st_mode)
}

fn below(name: &OsStr, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{}/{error}", name.display()).replace("/:", ":"),
    )
}

fn entry(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    name: &OsStr,
    found: &Stat,
    depth: usize,
    budget: &mut Budget,
) -> io::Result<()> {
    let kind = FileType::from_raw_mode(found.st_mode);
    if kind == FileType::Directory {
        let (inner, outer) = (at::open_folder(from, name)?, at::folder(to, name)?);
        return folder(inner.as_fd(), outer.as_fd(), depth - 1, budget);
    }
    // A lower layer may have had it.
    at::remove(to, name)?;
    match kind {
        FileType::Socket => Ok(()),
        FileType::CharacterDevice if found.st_rdev == 0 => Ok(()),
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new())?;
            at::symlink(to, name, Path::new(OsStr::from_bytes(target.as_bytes())))?;
            at::own(to, name, found.st_uid, found.st_gid)
        }
        FileType::RegularFile => {
            let mut file = at::file(to, name)?;
            content(from, name, &mut file, budget)?;
            at::settle(&file, found.st_uid, found.st_gid, found.st_mode)
        }
        _ => {
            at::node(to, name, kind, found.st_rdev)?;
            at::own(to, name, found.st_uid, found.st_gid)?;
            at::mode(to, name, found.st_mode & 0o7777)
        }
    }
}

/// Copies what a file has, with its holes: a file of a terabyte may have nothing in it.
fn content(from: BorrowedFd<'_>, name: &OsStr, to: &mut File, budget: &mut Budget) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut from = File::from(rustix::fs::openat(from, name, flags, Mode::empty())?);
    let told = from.metadata()?;
    if !told.is_file() {
        return Err(io::Error::other("it is no longer a file"));
    }
    let mut at = 0;
    while let Some((start, end)) = data(&from, at, told.len())? {
        budget.bytes(end - start)?;
        rustix::fs::seek(&from, SeekFrom::Start(start))?;
        rustix::fs::seek(&*to, SeekFrom::Start(start))?;
        let mut left = end - start;
        while left > 0 {
            budget.go_on()?;
            let copied = io::copy(&mut (&mut from).take(left.min(CHUNK)), to)?;
            // It was truncated meanwhile.
            left = if copied == 0 { 0 } else { left - copied };
        }
        at = end;
    }
    to.set_len(told.len())
}

/// The next stretch of a file that has data, from an offset on.
fn data(file: &File, at: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= length {
        return Ok(None);
    }
    let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // A file system that does not know about holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((at, length))),
        Err(error) => return Err(error.into()),
    };
    let end = rustix::fs::seek(file, SeekFrom::Hole(start))?;
    Ok((start < length).then_some((start, end.clamp(start, length))))
}

/// Whether an overlay shows nothing from the folders below this one.
#[must_use]
pub fn is_opaque(folder: impl AsFd) -> bool {
    let mut value = [0; 8];
    rustix::fs::fgetxattr(folder, c"trusted.overlay.opaque", &mut value)
        .is_ok_and(|length| value[..length] == *b"y")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_copy_is_given_up_when_somebody_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir(&from).expect("a folder");
        fs::write(from.join("f"), "text").expect("a file");
        let from = Root::open(&from).expect("open");
        let mut stopped = Budget::until(Arc::new(|| true));
        let error = copy_tree(&from, &to, &mut stopped).expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        copy_tree(&from, &to, &mut Budget::until(Arc::new(|| false))).expect("a copy");
    }

    fn copy(from: &Path, to: &Path) -> io::Result<()> {
        copy_tree(&Root::open(from)?, to, &mut Budget::default())
    }

    #[test]
    fn a_tree_of_everything_is_copied_as_it_is_and_nothing_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("from/d")).expect("folders");
        fs::create_dir_all(at("host")).expect("a folder");
        fs::write(at("host/secret"), "s").expect("a file");
        fs::write(at("from/d/f"), "hi").expect("a file");
        symlink(at("host/secret"), at("from/link")).expect("a link");
        symlink(at("host"), at("from/folder")).expect("a link");
        let pipe = FileType::Fifo;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("from/pipe"),
            pipe,
            Mode::from_raw_mode(0o640),
            0,
        )
        .expect("a pipe");
        let sparse = File::create(at("from/sparse")).expect("a file");
        sparse.set_len(1 << 40).expect("a hole");
        drop(sparse);
        copy(&at("from"), &at("to")).expect("a copy");
        assert_eq!(fs::read_to_string(at("to/d/f")).expect("a file"), "hi");
        assert!(at("to/link").is_symlink() && at("to/folder").is_symlink());
        assert_eq!(
            at("to/pipe").symlink_metadata().expect("a pipe").mode() & 0o7777,
            0o640
        );
        let sparse = at("to/sparse").metadata().expect("a file");
        assert_eq!((sparse.len(), sparse.blocks()), (1 << 40, 0));
        // Over a tree with a link that leads out, where the new one has a folder.
        symlink(at("host"), at("over")).expect("a link");
        fs::create_dir(at("target")).expect("a folder");
        symlink(at("host"), at("target/d")).expect("a link");
        copy(&at("from"), &at("target")).expect("a copy");
        assert!(!at("host/f").exists() && at("target/d").is_dir());
    }

    #[test]
    fn layers_are_copied_as_an_overlay_shows_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["low/dir", "low/was-dir", "up/dir", "up/was-file"] {
            fs::create_dir_all(at(name)).expect("a folder");
        }
        for name in [
            "low/gone",
            "low/stays",
            "low/was-file",
            "low/dir/x",
            "low/was-dir/x",
            "up/new",
            "up/dir/y",
        ] {
            fs::write(at(name), name).expect("a file");
        }
        for name in ["up/gone", "up/was-dir"] {
            let kind = FileType::CharacterDevice;
            if rustix::fs::mknodat(rustix::fs::CWD, at(name), kind, Mode::empty(), 0).is_err() {
                eprintln!("skipped: needs root");
                return;
            }
        }
        for layer in ["low", "up"] {
            copy(&at(layer), &at("all")).expect("a copy");
        }
        let there = |name: &str| at("all").join(name).exists();
        assert!(there("stays") && there("dir/x") && there("dir/y") && at("all/was-file").is_dir());
        assert!(!there("gone") && !there("was-dir"));
    }

    #[test]
    fn a_tree_without_end_is_not_copied_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("from");
        fs::create_dir(&from).expect("a folder");
        for name in 0..5 {
            fs::write(from.join(name.to_string()), "12345").expect("a file");
        }
        for (entries, bytes, says) in [
            (4, 100, "entries; OCIDIFF_LIMITS"),
            (10, 24, "MiB; OCIDIFF_LIMITS"),
        ] {
            let mut budget = Budget {
                entries,
                bytes,
                stopped: None,
            };
            let from = Root::open(&from).expect("a folder");
            let error = copy_tree(&from, &folder.path().join("to"), &mut budget).expect_err("too much");
            assert!(error.to_string().contains(says), "{error}");
        }
        let mut deep = folder.path().join("deep");
        for _ in 0..=at::DEPTH {
            deep.push("d");
        }
        fs::create_dir_all(deep).expect("folders");
        let error = copy(&folder.path().join("deep"), &folder.path().join("to")).expect_err("too deep");
        assert!(error.to_string().contains("folders in folders"), "{error}");
    }
}
