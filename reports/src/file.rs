//! Files that others may read, or have put something in the way of. They are written completely or not at all, under a
//! name that could not be guessed or taken, and readable only by us unless the file exists and says otherwise.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

/// For what may hold a secret: accessible only to us.
pub const PRIVATE: u32 = 0o600;

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum Target {
    /// A pipe, a device, or the file to which our own stdout goes: written to as it is.
    Stream(File),
    /// A file, or nothing yet; with the attributes of an earlier one.
    File(PathBuf, Option<Metadata>),
}

impl Target {
    /// Follows a link, if its owner could just as well have written the file.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if let Ok(found) = path.symlink_metadata()
            && found.is_symlink()
            && !is_trusted(&found)
        {
            let who = found.uid();
            return Err(io::Error::other(format!(
                "it is a link that user {who} has put there; remove it"
            )));
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let Ok(found) = path.metadata() else {
            return Ok(Self::File(path, None));
        };
        if found.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if !found.is_file() {
            return Ok(Self::Stream(File::options().write(true).open(path)?));
        }
        if is_ours_already(&found) {
            return Ok(Self::Stream(File::options().append(true).open(path)?));
        }
        Ok(Self::File(path, Some(found)))
    }
}

/// Whether a link belongs to us, to root, or to the kernel.
fn is_trusted(link: &Metadata) -> bool {
    link.uid() == 0 || link.uid() == rustix::process::geteuid().as_raw()
}

/// Whether stdout or stderr go to this file: they would continue writing to a file that has lost its name.
fn is_ours_already(found: &Metadata) -> bool {
    let is = |stat: rustix::io::Result<rustix::fs::Stat>| {
        stat.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (found.dev(), found.ino()))
    };
    is(rustix::fs::fstat(io::stdout())) || is(rustix::fs::fstat(io::stderr()))
}

/// The new file gets the attributes of the old one: its mode, and its owner if we may give it away.
pub(crate) fn keep(old: Option<&Metadata>, file: &File) -> io::Result<()> {
    let Some(old) = old else { return Ok(()) };
    // Only root may do that; otherwise it stays ours.
    let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))
}

/// Some file systems find out only now that they are full; some do not support the call.
pub(crate) fn settle(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Writes a file completely or not at all; a new one gets this mode.
///
/// # Errors
/// What the system answers; the name is a link that belongs to another user.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let (path, old) = match Target::of(path)? {
        Target::Stream(mut stream) => return stream.write_all(bytes),
        Target::File(path, old) => (path, old),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut aside = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    aside.write_all(bytes)?;
    keep(old.as_ref(), aside.as_file())?;
    settle(aside.as_file())?;
    aside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Opens a file that no other process writes to as long as we have it open: a new one, or one of ours that was left
/// behind.
pub(crate) fn claim(path: &Path) -> io::Result<File> {
    // Between our opening it and our lock, another process can give it its final name: then it is gone again.
    for _ in 0..100 {
        let Some((file, is_new)) = open_unlinked(path)? else {
            continue;
        };
        match lock(&file) {
            // Without locks, a file that is there may be in use.
            Err(error) if error.kind() == io::ErrorKind::Unsupported && is_new => {}
            done => done?,
        }
        let found = file.metadata()?;
        let named = path.symlink_metadata();
        if !named.is_ok_and(|named| (named.dev(), named.ino()) == (found.dev(), found.ino())) {
            continue;
        }
        if !found.is_file() || found.nlink() != 1 || !is_trusted(&found) {
            let name = path.display();
            return Err(io::Error::other(format!(
                "{name} is in the way, and is not a file of ours; remove it"
            )));
        }
        file.set_len(0)?;
        file.set_permissions(Permissions::from_mode(PRIVATE))?;
        return Ok(file);
    }
    Err(io::Error::other(
        "another process keeps on making and removing it",
    ))
}

/// A new file, or the one that is there, but not the target of a link, and whether it is new; `None` if it was removed
/// in between.
fn open_unlinked(path: &Path) -> io::Result<Option<(File, bool)>> {
    let plain = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options
        .write(true)
        .mode(PRIVATE)
        .custom_flags(plain.bits().cast_signed());
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        done => return done.map(|file| Some((file, true))),
    }
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            let name = path.display();
            Err(io::Error::other(format!(
                "{name} is a link, which is not followed; remove it"
            )))
        }
        done => done.map(|file| Some((file, false))),
    }
}

/// Keeps others from writing to a file, or into a folder, as long as it is open here.
///
/// # Errors
/// Another process has it; the message says which.
pub fn lock(file: &File) -> io::Result<()> {
    flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
        rustix::io::Errno::WOULDBLOCK => {
            let who =
                holder(file).map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("{who} is writing to it; wait until it ends, or name another file"),
            )
        }
        rustix::io::Errno::NOLCK | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP => {
            io::Error::new(io::ErrorKind::Unsupported, "its file system has no locks")
        }
        other => other.into(),
    })
}

/// Which process has the lock, as far as this pid namespace shows.
fn holder(file: &File) -> Option<u32> {
    let inode = format!(":{}", file.metadata().ok()?.ino());
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF`
    let mut pids = locks.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let of_it = words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|id| id.ends_with(&inode));
        words.get(4).filter(|_| of_it)?.parse::<u32>().ok()
    });
    pids.find(|pid| *pid > 0)
}
