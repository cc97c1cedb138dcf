//! A folder as a root: a path in it is resolved as by a process that has the folder as its root. Wherever links
//! lead, and even if they are changed meanwhile, nothing outside is reached: openat2(2), `RESOLVE_IN_ROOT`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::at;

/// How often a path is tried if others change it meanwhile.
const TRIES: usize = 100;

/// A folder, open.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// The folder; it and those above it are made, with mode 0755, if they are not there.
    ///
    /// # Errors
    /// What the system answers.
    pub fn make(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let root = Self::open(path)?;
        if at::names(root.top())?.is_empty() {
            // Whatever the umask.
            rustix::fs::fchmod(&root.0, Mode::from_raw_mode(0o755))?;
        }
        Ok(root)
    }

    /// The folder, which must be there.
    ///
    /// # Errors
    /// What the system answers.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// A folder below it, by a path without links.
    pub(crate) fn without_links(&self, path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        Ok(Self(openat2(
            &self.0,
            Path::new(".").join(path),
            flags,
            Mode::empty(),
            resolve,
        )?))
    }

    /// The folder itself.
    #[must_use]
    pub fn top(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// The folder that a path leads to; missing parts are made.
    ///
    /// # Errors
    /// What the system answers; the path has a `..`, or leads through something that is not a folder.
    pub fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let parts = parts(path)?;
        let mut here = PathBuf::from(".");
        let mut open = self.enter(&here)?;
        for part in parts {
            here.push(part);
            open = match self.enter(&here) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.missing(&open, part, &here)?,
                found => found?,
            };
        }
        Ok(open)
    }

    fn missing(&self, above: &OwnedFd, name: &OsStr, here: &Path) -> io::Result<OwnedFd> {
        if at::look(above.as_fd(), name)?.is_some() {
            let why = format!("{} is a link that leads nowhere", here.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
        }
        at::folder(above.as_fd(), name)
    }

    /// Where an entry is to be made: its folder, which is made if it is missing, and its name.
    ///
    /// # Errors
    /// As [`Root::folder`]; the path has no name.
    pub fn place(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let (above, name) = split(path)?;
        Ok((self.folder(above)?, name))
    }

    /// Removes what a path leads to, with everything below it; does nothing if it is not there.
    ///
    /// # Errors
    /// What the system answers.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let (above, name) = split(path)?;
        parts(above)?;
        match self.enter(&Path::new(".").join(above.strip_prefix("/").unwrap_or(above))) {
            Ok(folder) => at::remove(folder.as_fd(), &name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A folder that is there, by a path below the root.
    fn enter(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.resolve(path, flags)
    }

    /// Opens a file that is there, for reading; does not wait for anything.
    ///
    /// # Errors
    /// What the system answers.
    pub fn open_file(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        self.resolve(path, flags)
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..TRIES {
            match openat2(&self.0, path, flags, Mode::empty(), resolve) {
                // A folder of the path was moved: the kernel cannot know where it would have led.
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS) => {
                    return Err(io::Error::other(
                        "the kernel has no openat2 (Linux 5.6): nothing is written",
                    ));
                }
                opened => return Ok(opened?),
            }
        }
        Err(Errno::AGAIN.into())
    }
}

/// The names of a path, one after the other.
fn parts(path: &Path) -> io::Result<Vec<&OsStr>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path has a `..`"));
            }
        }
    }
    Ok(parts)
}

fn split(path: &Path) -> io::Result<(&Path, OsString)> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, "the path has no name");
    let name = path.file_name().ok_or_else(bad)?.to_owned();
    Ok((path.parent().ok_or_else(bad)?, name))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_lead_nowhere_but_below_the_root() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().join("host");
        fs::create_dir(&host).expect("a folder");
        let top = folder.path().join("root");
        let root = Root::make(&top).expect("a root");
        fs::create_dir(top.join("real")).expect("a folder");
        for (link, target) in [
            ("absolute", host.to_str().expect("a name")),
            ("climbs", "../host"),
            ("climbs-far", "../../../../../../../../tmp"),
            ("proc", "/proc/self/cwd"),
            ("loop", "loop"),
            ("good", "real"),
            ("good-absolute", "/real"),
        ] {
            symlink(target, top.join(link)).expect("a link");
        }
        for bad in ["absolute", "climbs", "climbs-far", "proc", "loop"] {
            assert!(root.place(&Path::new(bad).join("x")).is_err(), "{bad}");
            assert!(root.place(&Path::new(bad).join("deep/x")).is_err(), "{bad}");
        }
        assert!(root.place(Path::new("real/../../host/x")).is_err());
        assert!(root.place(Path::new("/")).is_err());
        for good in ["good/a", "/good-absolute/b", "new/deep/c"] {
            let (above, name) = root.place(Path::new(good)).expect(good);
            at::file(above.as_fd(), &name).expect(good);
        }
        assert!(
            top.join("real/a").is_file() && top.join("real/b").is_file() && top.join("new/deep/c").is_file()
        );
        assert_eq!(
            fs::read_dir(&host).expect("a folder").count(),
            0,
            "nothing outside"
        );
    }

    #[test]
    fn what_is_there_is_replaced_and_never_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let canary = folder.path().join("canary");
        fs::write(&canary, "safe").expect("a file");
        let root = Root::make(&folder.path().join("root")).expect("a root");
        let at_root = |name: &str| folder.path().join("root").join(name);
        symlink(&canary, at_root("link")).expect("a link");
        fs::hard_link(&canary, at_root("hard")).expect("a link");
        for name in ["link", "hard"] {
            let mut file = at::file(root.top(), OsStr::new(name)).expect(name);
            io::Write::write_all(&mut file, b"evil").expect("a write");
            at::settle(&file, 0, 0, 0o644).expect("a mode");
        }
        symlink(&canary, at_root("again")).expect("a link");
        at::folder(root.top(), OsStr::new("again")).expect("a folder in the place of a link");
        symlink(&canary, at_root("mode")).expect("a link");
        at::mode(root.top(), OsStr::new("mode"), 0o777).expect("no mode");
        assert_eq!(fs::read_to_string(&canary).expect("a file"), "safe");
        assert_eq!(canary.metadata().expect("a file").mode() & 0o777, 0o644);
        assert!(at_root("again").is_dir());
    }

    #[test]
    fn removing_follows_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().join("host");
        fs::create_dir_all(host.join("share")).expect("a folder");
        let top = folder.path().join("root");
        let root = Root::make(&top).expect("a root");
        symlink(&host, top.join("usr")).expect("a link");
        root.remove(Path::new("usr/share")).expect("nothing to do");
        fs::create_dir_all(top.join("a/b")).expect("folders");
        symlink(&host, top.join("a/b/link")).expect("a link");
        root.remove(Path::new("a")).expect("removed");
        assert!(host.join("share").is_dir() && !top.join("a").exists());
        root.remove(Path::new("usr")).expect("removed");
        assert!(host.is_dir() && !top.join("usr").is_symlink());
        let mode = top.metadata().expect("a root").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
