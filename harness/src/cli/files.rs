//! Files that commands write: completely or not at all.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ocidiff_model::Record;
use ocidiff_reports::file::{self, lock, write_whole};
use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use crate::error::Error;

/// The mode of a new file that may hold a secret.
pub(crate) const PRIVATE: u32 = file::PRIVATE;
/// The mode of a new file of the corpus.
pub(crate) const SHARED: u32 = 0o644;

/// Writes a file completely or not at all.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    write_whole(path, text.as_bytes(), mode).map_err(|error| failed(path, &error))
}

/// An unsuitable place can be fixed by naming another; the rest is the machine's fault.
pub(crate) fn failed(path: &Path, error: &io::Error) -> Error {
    let told = format!("failed to write {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::FileTooLarge
        | io::ErrorKind::BrokenPipe => Error::broken(told),
        _ if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Error::broken(told),
        _ => Error::usage(told),
    }
}

/// The folder of `--records`: no other program writes to it, and links in it are not followed.
#[derive(Debug)]
pub(crate) struct Records {
    path: PathBuf,
    folder: File,
}

impl Records {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            let flags = OFlags::DIRECTORY.bits().cast_signed();
            let folder = File::options().read(true).custom_flags(flags).open(path)?;
            lock(&folder)?;
            Ok(folder)
        };
        let folder = open().map_err(|error: io::Error| failed(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// Writes `CASE/RUNTIME.json`.
    pub(crate) fn write(&self, record: &Record) -> Result<(), Error> {
        let name = format!("{}.json", component(&record.runtime.label));
        let text = serde_json::to_string_pretty(record).map_err(Error::broken)?;
        let write = || {
            let folder = self.folder_of(&record.case)?;
            // By its descriptor: whatever its name leads to by now.
            let path = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
            // What is there is replaced, even if it is a link.
            write_in(Path::new(&path), text.as_bytes())
        };
        write().map_err(|error: io::Error| {
            let path = self.path.join(&record.case).join(&name);
            Error::broken(format!("failed to write {}: {error}", path.display()))
        })
    }

    fn folder_of(&self, case: &str) -> io::Result<File> {
        let mut folder = self.folder.try_clone()?;
        for part in case.split('/').map(component) {
            match mkdirat(&folder, &part, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
            folder = openat(&folder, &part, flags, Mode::empty())?.into();
        }
        Ok(folder)
    }
}

/// A file in an open folder: links are not followed.
fn write_in(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut aside = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut aside, bytes)?;
    if let Ok(old) = path.symlink_metadata()
        && old.is_file()
    {
        aside.as_file().set_permissions(old.permissions())?;
    }
    aside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A name as one part of a path.
fn component(name: &str) -> String {
    match name {
        "" | "." | ".." => "_".to_owned(),
        name => name.replace(['/', '\0'], "_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_stays_where_it_is() {
        for (name, expected) in [
            ("runc@1.2", "runc@1.2"),
            ("..", "_"),
            ("a/../b", "a_.._b"),
            ("", "_"),
        ] {
            assert_eq!(component(name), expected);
        }
    }
}
