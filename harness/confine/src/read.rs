//! Files of others: regular ones only, up to a size. A pipe would block, and a device never ends.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};

use crate::Root;
use crate::limit::Hint;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's error.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is something other than a regular file.
    #[error("it is {0}, not a regular file")]
    Kind(&'static str),
    /// It is larger than what may be read.
    #[error("it has {size} bytes, and at most {most} are read; {Hint}")]
    Large {
        /// Its size; or what was read, if it does not have one.
        size: u64,
        /// The limit.
        most: u64,
    },
    /// Its bytes are not text.
    #[error("it is not UTF-8")]
    NotText(Box<std::string::FromUtf8Error>),
}

impl ReadError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        matches!(self, Self::Io(error) if absent.contains(&error.kind()))
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other.to_string()),
        }
    }
}

/// Opens a regular file without waiting for anything.
///
/// # Errors
/// It is not there, or not a regular file.
pub fn open_regular(path: &Path) -> Result<File, ReadError> {
    regular(
        open(path, flags(), Mode::empty())
            .map_err(io::Error::from)?
            .into(),
    )
}

/// Opens a regular file, or a pipe that has a writer: a pipe without one is empty.
///
/// # Errors
/// It is not there, or something else.
pub fn open_stream(path: &Path) -> Result<File, ReadError> {
    let file = File::from(open(path, flags(), Mode::empty()).map_err(io::Error::from)?);
    if !file.metadata()?.file_type().is_fifo() {
        return regular(file);
    }
    rustix::fs::fcntl_setfl(&file, OFlags::empty()).map_err(io::Error::from)?;
    Ok(file)
}

/// Opens a regular file of a folder; a link that leaves the folder is refused.
///
/// # Errors
/// As [`open_regular`]; the path leaves the folder.
pub fn open_below(folder: &Path, path: &Path) -> Result<File, ReadError> {
    let top = open(
        folder,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let top = top.map_err(io::Error::from)?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match openat2(&top, path, flags(), Mode::empty(), resolve) {
        Ok(file) => regular(file.into()),
        Err(rustix::io::Errno::XDEV) => Err(io::Error::other("it leads out of its folder").into()),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

/// The folder that a path below `folder` leads to, and its path without links; `None` if it leaves the folder.
///
/// # Errors
/// It is not there, or not a folder.
pub fn folder_below(folder: &Path, path: &Path) -> io::Result<Option<(Root, PathBuf)>> {
    let top = folder.canonicalize()?;
    let found = top.join(path).canonicalize()?;
    let Ok(below) = found.strip_prefix(&top) else {
        return Ok(None);
    };
    // There are no links in it, unless one has just been put there.
    let open = Root::open(&top)?.without_links(below)?;
    Ok(Some((open, found)))
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY
}

fn regular(file: File) -> Result<File, ReadError> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    Err(ReadError::Kind(match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }))
}

/// The bytes of a regular file.
///
/// # Errors
/// See [`ReadError`].
pub fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    bytes_of(open_regular(path)?, most)
}

/// The text of a regular file.
///
/// # Errors
/// See [`ReadError`].
pub fn read_text(path: &Path, most: u64) -> Result<String, ReadError> {
    text_of(read_bytes(path, most)?)
}

/// The text of a regular file of a folder.
///
/// # Errors
/// See [`ReadError`] and [`open_below`].
pub fn read_text_below(folder: &Path, path: &Path, most: u64) -> Result<String, ReadError> {
    text_of(bytes_of(open_below(folder, path)?, most)?)
}

/// The bytes of an open file; its size is checked first, so that a large file is not read in vain.
///
/// # Errors
/// See [`ReadError`].
pub fn bytes_of(file: File, most: u64) -> Result<Vec<u8>, ReadError> {
    let size = file.metadata()?.len();
    if size > most {
        return Err(ReadError::Large { size, most });
    }
    capped(file, most)
}

/// Everything that a reader returns, if that is not too much.
///
/// # Errors
/// See [`ReadError`].
pub fn capped(reader: impl Read, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let size = bytes.len() as u64;
    if size > most {
        return Err(ReadError::Large { size, most });
    }
    Ok(bytes)
}

/// Bytes as text.
///
/// # Errors
/// They are not UTF-8.
pub fn text_of(bytes: Vec<u8>) -> Result<String, ReadError> {
    String::from_utf8(bytes).map_err(|error| ReadError::NotText(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_regular_files_up_to_a_size_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("good"), "12345").expect("a file");
        fs::write(at("bytes"), b"\xff").expect("a file");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, mode, 0)
            .expect("a pipe");
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        assert_eq!(read_text(&at("good"), 5).expect("text"), "12345");
        for (path, says) in [
            (
                at("good"),
                "it has 5 bytes, and at most 4 are read; OCIDIFF_LIMITS=N",
            ),
            (at("bytes"), "not UTF-8"),
            (at("pipe"), "a pipe, not a regular file"),
            (folder.path().to_owned(), "a folder"),
            (PathBuf::from("/dev/zero"), "a device"),
            (PathBuf::from("/proc/self/status"), "at most 4"),
        ] {
            let error = read_text(&path, 4).expect_err("refused").to_string();
            assert!(error.contains(says), "{}: {error}", path.display());
        }
        assert!(read_text(&at("socket"), 4).is_err());
        assert!(read_text(&at("missing"), 4).is_err_and(|error| error.is_absent()));
    }

    #[test]
    fn a_link_out_of_a_folder_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("bundle/inside")).expect("folders");
        fs::write(at("secret"), "s").expect("a file");
        fs::write(at("bundle/inside/f"), "f").expect("a file");
        for (link, target) in [
            ("up", "../secret"),
            ("far", "/etc/hostname"),
            ("near", "inside/f"),
            ("out", ".."),
            ("in", "inside"),
        ] {
            symlink(target, at("bundle").join(link)).expect("a link");
        }
        let read = |name: &str| read_text_below(&at("bundle"), Path::new(name), 10);
        assert_eq!(read("near").expect("text"), "f");
        for name in ["up", "far", "../secret"] {
            let error = read(name).expect_err(name).to_string();
            assert!(error.contains("leads out"), "{name}: {error}");
        }
        let folder_of = |name: &str| folder_below(&at("bundle"), Path::new(name));
        assert!(folder_of("in").expect("a folder").is_some());
        assert!(folder_of("out").expect("a folder").is_none());
        assert!(folder_of("/").expect("a folder").is_none());
        assert!(folder_of("near").is_err() && folder_of("missing").is_err());
    }
}
