//! Entries of a folder that is open. A name is one entry: links are not followed, wherever they lead.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

/// How deep folders may be nested. More would take more descriptors than a process has.
pub const DEPTH: usize = 200;

/// What an entry is; `None` if it is not there.
///
/// # Errors
/// What the system answers.
pub fn look(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A new, empty file; what was there and is not a folder is gone. Not opened for writing: it may share its inode.
///
/// # Errors
/// What the system answers; a folder is there.
pub fn file(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<File> {
    unlink(folder, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o600))?;
    Ok(file.into())
}

/// The folder of that name, made if it is not there; what was there and is not a folder is gone.
///
/// # Errors
/// What the system answers.
pub fn folder(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => {
            let made = open_folder(folder, name)?;
            // Whatever the umask.
            rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
            return Ok(made);
        }
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    match open_folder(folder, name) {
        Err(error) if error.raw_os_error() == Some(Errno::NOTDIR.raw_os_error()) || is_loop(&error) => {
            unlink(folder, name)?;
            rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o755))?;
            open_folder(folder, name)
        }
        opened => opened,
    }
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// The folder of that name, which must be there.
///
/// # Errors
/// What the system answers; it is something else.
pub fn open_folder(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

/// A symbolic link, in place of what was there.
///
/// # Errors
/// What the system answers; a folder is there.
pub fn symlink(folder: BorrowedFd<'_>, name: &OsStr, target: &Path) -> io::Result<()> {
    unlink(folder, name)?;
    Ok(rustix::fs::symlinkat(target, folder, name)?)
}

/// A pipe or a device, in place of what was there.
///
/// # Errors
/// What the system answers; a folder is there.
pub fn node(folder: BorrowedFd<'_>, name: &OsStr, kind: FileType, device: u64) -> io::Result<()> {
    unlink(folder, name)?;
    Ok(rustix::fs::mknodat(
        folder,
        name,
        kind,
        Mode::from_raw_mode(0o600),
        device,
    )?)
}

/// Another name for one of our files, in place of what was there.
///
/// # Errors
/// What the system answers; a folder is there.
pub fn hard_link(folder: BorrowedFd<'_>, name: &OsStr, file: &Path) -> io::Result<()> {
    unlink(folder, name)?;
    Ok(rustix::fs::linkat(
        rustix::fs::CWD,
        file,
        folder,
        name,
        AtFlags::empty(),
    )?)
}

/// Another name for an entry, in the same or in another folder, in place of what was there. For a link, the name
/// is for the link itself.
///
/// # Errors
/// What the system answers; a folder is there.
pub fn hard_link_at(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    from: BorrowedFd<'_>,
    entry: &OsStr,
) -> io::Result<()> {
    unlink(folder, name)?;
    Ok(rustix::fs::linkat(from, entry, folder, name, AtFlags::empty())?)
}

/// Sets the owner of an entry; for a link, of the link itself.
///
/// # Errors
/// What the system answers.
pub fn own(folder: BorrowedFd<'_>, name: &OsStr, uid: u32, gid: u32) -> io::Result<()> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    Ok(rustix::fs::chownat(
        folder,
        name,
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        flags,
    )?)
}

/// Sets the mode of an entry that is not a link: a link's mode would be its target's, so nothing is done for links.
///
/// # Errors
/// What the system answers.
pub fn mode(folder: BorrowedFd<'_>, name: &OsStr, mode: u32) -> io::Result<()> {
    // Before Linux 6.6 there is no fchmodat that spares links: an O_PATH descriptor cannot be led astray.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entry = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&entry)?.st_mode) == FileType::Symlink {
        return Ok(());
    }
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", entry.as_raw_fd());
    Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode))?)
}

/// Sets owner and mode of what is open, in this order, since a change of owner takes the set-id bits away.
///
/// # Errors
/// What the system answers.
pub fn settle(open: impl AsFd, uid: u32, gid: u32, mode: u32) -> io::Result<()> {
    rustix::fs::fchown(&open, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    Ok(rustix::fs::fchmod(&open, Mode::from_raw_mode(mode & 0o7777))?)
}

/// Removes an entry that is not a folder, if it is there.
///
/// # Errors
/// What the system answers; the entry is a folder.
fn unlink(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes an entry and what is below it, if it is there.
///
/// # Errors
/// What the system answers; folders are nested too deeply.
pub fn remove(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    remove_to(folder, name, DEPTH)
}

fn remove_to(folder: BorrowedFd<'_>, name: &OsStr, depth: usize) -> io::Result<()> {
    match look(folder, name)? {
        None => return Ok(()),
        Some(found) if FileType::from_raw_mode(found.st_mode) != FileType::Directory => {
            return unlink(folder, name);
        }
        Some(_) if depth == 0 => return Err(too_deep()),
        Some(_) => {}
    }
    let inside = open_folder(folder, name)?;
    for entry in names(inside.as_fd())? {
        remove_to(inside.as_fd(), OsStr::from_bytes(&entry), depth - 1)?;
    }
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// Empties a folder.
///
/// # Errors
/// As [`remove`].
pub fn empty(folder: BorrowedFd<'_>) -> io::Result<()> {
    names(folder)?
        .iter()
        .try_for_each(|entry| remove(folder, OsStr::from_bytes(entry)))
}

pub(crate) fn too_deep() -> io::Error {
    io::Error::other(format!("there are more than {DEPTH} folders in folders"))
}

/// The names in a folder, in no particular order.
///
/// # Errors
/// What the system answers.
pub fn names(folder: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}
