//! The lock that a session is held by: flock(2) on its folder and on its cgroups.
//!
//! A name with a pid in it means nothing in another pid namespace, and a folder means nothing in another mount
//! namespace. A lock on the folder itself is the same for every process that can see the folder, and so is a
//! cgroup's. It goes with the process, however that ends. Descriptors are closed at an exec: no cell inherits one.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open};
use rustix::io::Errno;

/// How often a folder is made anew if it was cleaned before it was held.
const ATTEMPTS: usize = 100;

/// A folder that is ours as long as this value lives.
#[derive(Debug)]
pub(crate) struct Hold {
    _folder: OwnedFd,
}

impl Hold {
    /// Holds a folder; `None` where another process holds it, or where it is gone or has been replaced.
    ///
    /// # Errors
    /// It cannot be opened, or cannot be locked at all.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = match open(path, flags, Mode::empty()) {
            Ok(folder) => folder,
            // Gone, or not a folder.
            Err(Errno::NOENT | Errno::NODEV | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // Between the two calls, its former holder may have removed it.
        let ours = fstat(&folder)?;
        let is_there = fs::symlink_metadata(path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (ours.st_dev, ours.st_ino));
        Ok(is_there.then_some(Self { _folder: folder }))
    }

    /// Makes a folder and holds it.
    ///
    /// # Errors
    /// What the kernel answers; another process holds it.
    pub(crate) fn make(path: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            match fs::create_dir(path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(named(path, &error)),
            }
            if let Some(hold) = Self::take(path).map_err(|error| named(path, &error))? {
                return Ok(hold);
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Err(named(path, &io::Error::other("another process holds it")))
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("it");
        assert!(Hold::take(&path).expect("take").is_none(), "it is not there");
        let hold = Hold::make(&path).expect("make");
        assert!(Hold::take(&path).expect("take").is_none(), "it is held");
        drop(hold);
        assert!(Hold::take(&path).expect("take").is_some());
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("link");
        assert!(Hold::take(&link).expect("take").is_none(), "a link is followed");
    }

    /// One thread makes and holds, the other takes and removes what it can, as `clean` does.
    #[test]
    fn what_was_just_made_is_never_cleaned_under_its_maker() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("it");
        std::thread::scope(|scope| {
            // Closed when the maker is done, including by a panic.
            let (going, gone) = std::sync::mpsc::channel::<()>();
            let cleaned = &path;
            scope.spawn(move || {
                // A cleaner that never rests would always be first, and cleaning is not done like that.
                let rest = std::time::Duration::from_micros(50);
                while gone.recv_timeout(rest) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    if let Ok(Some(_hold)) = Hold::take(cleaned) {
                        let _ = fs::remove_dir(cleaned);
                    }
                }
            });
            for _ in 0..2000 {
                let hold = Hold::make(&path).expect("make");
                assert!(path.is_dir(), "it was removed while it was held");
                drop(hold);
            }
            drop(going);
        });
    }
}
