//! Files, directories, mounts and descriptors.

use alloc::ffi::CString;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use super::{Errno, Result, call, int, word};

/// Relative to the working directory.
const HERE: usize = libc::AT_FDCWD as isize as usize;

/// A path for the kernel. An impossible one (with a zero byte) counts as one that does not exist.
fn c_path(path: &[u8]) -> Result<CString> {
    CString::new(path).map_err(|_| Errno(libc::ENOENT))
}

/// A call on a path relative to the working directory, with numbers after it.
fn at<const N: usize>(number: i64, path: &[u8], args: [usize; N]) -> Result<usize> {
    let path = c_path(path)?;
    let mut all = [HERE, path.as_ptr() as usize, 0, 0, 0, 0];
    all[2..2 + N].copy_from_slice(&args);
    // SAFETY: used for calls that read the path and take no other pointer.
    unsafe { call(number, all) }
}

/// A descriptor that closes itself.
#[derive(Debug)]
pub struct Fd(pub i32);

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: no pointers; the descriptor is ours.
        let _ = unsafe { call(libc::SYS_close, [word(self.0)]) };
    }
}

/// Opens a file; closed on exec, and never made the controlling terminal.
pub fn open(path: impl AsRef<[u8]>, flags: i32, mode: u32) -> Result<Fd> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NOCTTY;
    at(libc::SYS_openat, path.as_ref(), [word(flags), mode as usize]).map(|fd| Fd(int(fd)))
}

/// Reads once.
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the buffer has the given length.
    unsafe {
        call(
            libc::SYS_read,
            [word(fd), buffer.as_mut_ptr() as usize, buffer.len()],
        )
    }
}

/// Writes once.
pub fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: there are as many bytes as given.
    unsafe { call(libc::SYS_write, [word(fd), bytes.as_ptr() as usize, bytes.len()]) }
}

/// Reads to the end, or to `max`.
pub fn read_all(fd: i32, max: usize) -> Result<Vec<u8>> {
    let mut text = vec![0; 4096.min(max)];
    let mut used = 0;
    loop {
        let count = read(fd, &mut text[used..])?;
        used += count;
        if count == 0 || used == max {
            text.truncate(used);
            return Ok(text);
        }
        if used == text.len() {
            text.resize((used * 2).min(max), 0);
        }
    }
}

/// The text of a file, up to `max`. Opened in such a way that neither a fifo nor a terminal makes it wait.
pub fn read_file(path: impl AsRef<[u8]>, max: usize) -> Result<Vec<u8>> {
    read_all(open(path, libc::O_RDONLY | libc::O_NONBLOCK, 0)?.0, max)
}

/// Where a symbolic link points.
pub fn read_link(path: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    let path = c_path(path.as_ref())?;
    let mut text = vec![0; 4096];
    let args = [
        HERE,
        path.as_ptr() as usize,
        text.as_mut_ptr() as usize,
        text.len(),
    ];
    // SAFETY: a string, and a buffer with the given length.
    let count = unsafe { call(libc::SYS_readlinkat, args) }?;
    text.truncate(count);
    Ok(text)
}

/// The names in a directory except `.` and `..`, sorted.
pub fn list(path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
    let directory = open(path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?;
    let mut names = Vec::new();
    let mut buffer = vec![0; 8192];
    loop {
        let args = [word(directory.0), buffer.as_mut_ptr() as usize, buffer.len()];
        // SAFETY: a buffer with the given length.
        let count = unsafe { call(libc::SYS_getdents64, args) }?;
        if count == 0 {
            names.sort();
            return Ok(names);
        }
        let mut rest = &buffer[..count];
        // An entry: inode and offset (8 bytes each), its length (2), type (1), name, zero bytes.
        while let [
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            low,
            high,
            _,
            name @ ..,
        ] = rest
        {
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

/// What stat reports about a path; about the link itself if it is one.
pub fn stat(path: impl AsRef<[u8]>) -> Result<libc::stat> {
    stat_at(HERE, path.as_ref(), libc::AT_SYMLINK_NOFOLLOW)
}

/// What stat reports about a descriptor.
pub fn stat_fd(fd: i32) -> Result<libc::stat> {
    stat_at(word(fd), b"", libc::AT_EMPTY_PATH)
}

fn stat_at(directory: usize, path: &[u8], flags: i32) -> Result<libc::stat> {
    let path = c_path(path)?;
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    let args = [
        directory,
        path.as_ptr() as usize,
        stat.as_mut_ptr() as usize,
        word(flags),
    ];
    // SAFETY: a string, and a structure of the kernel's layout on x86_64, which is plain numbers.
    unsafe { call(libc::SYS_newfstatat, args).map(|_| stat.assume_init()) }
}

/// What is reported about a file system.
#[derive(Debug, Clone, Copy)]
pub struct FileSystem {
    /// Its type's magic number.
    pub kind: i64,
    /// The mount's flags, `ST_*`.
    pub flags: i64,
}

/// What statfs reports about the file system at a path.
pub fn statfs(path: impl AsRef<[u8]>) -> Result<FileSystem> {
    let path = c_path(path.as_ref())?;
    // The kernel's structure, fifteen words: libc's does not name the flags.
    let mut words = [0_i64; 15];
    // SAFETY: a string, and a structure as long as the kernel's.
    unsafe {
        call(
            libc::SYS_statfs,
            [path.as_ptr() as usize, words.as_mut_ptr() as usize],
        )
    }?;
    Ok(FileSystem {
        kind: words[0],
        flags: words[10],
    })
}

/// Whether a path could be read, written or executed (`R_OK`, `W_OK`, `X_OK`), without trying.
pub fn access(path: impl AsRef<[u8]>, mode: i32) -> Result<()> {
    at(libc::SYS_faccessat, path.as_ref(), [word(mode)]).map(drop)
}

/// The working directory.
pub fn cwd() -> Result<Vec<u8>> {
    let mut text = vec![0; 4096];
    // SAFETY: a buffer with the given length.
    let count = unsafe { call(libc::SYS_getcwd, [text.as_mut_ptr() as usize, text.len()]) }?;
    text.truncate(count.saturating_sub(1));
    Ok(text)
}

/// Changes the working directory.
pub fn chdir(path: &[u8]) -> Result<()> {
    let path = c_path(path)?;
    // SAFETY: a string.
    unsafe { call(libc::SYS_chdir, [path.as_ptr() as usize]) }.map(drop)
}

/// Makes a directory.
pub fn mkdir(path: &[u8], mode: u32) -> Result<()> {
    at(libc::SYS_mkdirat, path, [mode as usize]).map(drop)
}

/// Removes a file, or an empty directory.
pub fn remove(path: &[u8], directory: bool) -> Result<()> {
    at(
        libc::SYS_unlinkat,
        path,
        [if directory { word(libc::AT_REMOVEDIR) } else { 0 }],
    )
    .map(drop)
}

/// Changes the mode, of the target in the case of a link.
pub fn chmod(path: &[u8], mode: u32) -> Result<()> {
    at(libc::SYS_fchmodat, path, [mode as usize]).map(drop)
}

/// Changes the owner, of the link itself in the case of a link.
pub fn chown(path: &[u8], uid: u32, gid: u32) -> Result<()> {
    at(
        libc::SYS_fchownat,
        path,
        [uid as usize, gid as usize, word(libc::AT_SYMLINK_NOFOLLOW)],
    )
    .map(drop)
}

/// Makes a node: the mode holds the type.
pub fn mknod(path: &[u8], mode: u32, device: u64) -> Result<()> {
    at(libc::SYS_mknodat, path, [mode as usize, device as usize]).map(drop)
}

/// Makes a symbolic link.
pub fn symlink(target: &[u8], path: &[u8]) -> Result<()> {
    let (target, path) = (c_path(target)?, c_path(path)?);
    // SAFETY: two strings.
    unsafe {
        call(
            libc::SYS_symlinkat,
            [target.as_ptr() as usize, HERE, path.as_ptr() as usize],
        )
    }
    .map(drop)
}

/// Renames.
pub fn rename(from: &[u8], to: &[u8]) -> Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    let args = [HERE, from.as_ptr() as usize, HERE, to.as_ptr() as usize];
    // SAFETY: two strings.
    unsafe { call(libc::SYS_renameat2, args) }.map(drop)
}

/// Mounts.
pub fn mount(source: &[u8], target: &[u8], kind: &[u8], flags: u64, data: &[u8]) -> Result<()> {
    let (source, target, kind, data) = (c_path(source)?, c_path(target)?, c_path(kind)?, c_path(data)?);
    let [source, target, kind, data] = [&source, &target, &kind, &data].map(|text| text.as_ptr() as usize);
    // SAFETY: four strings.
    unsafe { call(libc::SYS_mount, [source, target, kind, flags as usize, data]) }.map(drop)
}

/// Unmounts.
pub fn unmount(target: &[u8]) -> Result<()> {
    let target = c_path(target)?;
    // SAFETY: a string.
    unsafe { call(libc::SYS_umount2, [target.as_ptr() as usize]) }.map(drop)
}

/// A query to fcntl that takes no argument.
pub fn fcntl(fd: i32, command: i32) -> Result<i32> {
    // SAFETY: no pointers.
    unsafe { call(libc::SYS_fcntl, [word(fd), word(command)]) }.map(int)
}

/// An ioctl on a structure given as bytes, which must be at least as long as the kernel's.
pub fn ioctl<const N: usize>(fd: i32, request: u64, bytes: &mut [u8; N]) -> Result<()> {
    const { assert!(N >= 40, "the longest structure asked for is ifreq") };
    // SAFETY: only called from facts, with requests whose structure is at most 40 bytes long.
    unsafe {
        call(
            libc::SYS_ioctl,
            [word(fd), request as usize, bytes.as_mut_ptr() as usize],
        )
    }
    .map(drop)
}

/// A socket for asking about interfaces.
pub fn socket(family: i32) -> Result<Fd> {
    let args = [word(family), word(libc::SOCK_DGRAM | libc::SOCK_CLOEXEC), 0];
    // SAFETY: no pointers.
    unsafe { call(libc::SYS_socket, args) }.map(|fd| Fd(int(fd)))
}
