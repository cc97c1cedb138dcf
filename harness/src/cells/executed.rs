//! What a runtime's program executes beside itself: a result can only be the same again while that is the same.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use object::elf::{self, Dyn64, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{LittleEndian, ReadRef};

/// A program header of what runtimes are built for.
type Segment = elf::ProgramHeader64<LittleEndian>;

/// Where the loader keeps the paths of all libraries that it knows; ldconfig(8).
const LIBRARIES: &str = "/etc/ld.so.cache";
/// How much of it is read.
const MOST: u64 = 16 << 20;
/// Entries of the dynamic section that are read, and bytes of a path.
const ENTRIES: u64 = 1024;
const LONGEST: u64 = 4096;

/// What a program executes beside itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// Libraries: those that the machine's loader knows, and those of these folders.
    Libraries(Vec<PathBuf>),
    /// It cannot be said; why follows the program's name.
    Unknown(&'static str),
}

/// What the program at the path executes beside itself, as far as its file shows.
///
/// # Errors
/// It cannot be read.
pub(super) fn beside(path: &Path) -> io::Result<Beside> {
    let file = File::open(path)?;
    let mut head = [0; 64];
    if file.read_exact_at(&mut head, 0).is_err() || !head.starts_with(b"\x7fELF") {
        return Ok(Beside::Unknown("is not an ELF file"));
    }
    // 64 bits, little-endian: all that runtimes are built for.
    if head[4..6] != [2, 1] {
        return Ok(Beside::Unknown("is an ELF file of a kind that is not read"));
    }
    let folder = path.canonicalize()?;
    let folder = folder.parent().unwrap_or(Path::new("/"));
    let found = of_headers(&ReadCache::new(&file), folder);
    Ok(found.unwrap_or(Beside::Unknown("is an ELF file that cannot be read")))
}

/// A line for each file that a program may execute beside itself, with when and how it was last written.
///
/// # Errors
/// The loader's list or a folder cannot be read.
pub(super) fn libraries(folders: &[PathBuf]) -> io::Result<String> {
    let mut paths = known_to_the_loader()?;
    for folder in folders {
        match fs::read_dir(folder) {
            Ok(entries) => paths.extend(entries.flatten().map(|entry| entry.path())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    paths.sort();
    let lines = paths.iter().map(|path| match fs::metadata(path) {
        Ok(found) => format!(
            "{path:?} {} {} {} {}.{}",
            found.dev(),
            found.ino(),
            found.size(),
            found.ctime(),
            found.ctime_nsec()
        ),
        Err(_) => format!("{path:?} is not there"),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Every library in the loader's list; none where it keeps none, as musl's does not.
fn known_to_the_loader() -> io::Result<Vec<PathBuf>> {
    let mut cache = Vec::new();
    match File::open(LIBRARIES) {
        Ok(file) => file.take(MOST).read_to_end(&mut cache)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let words = cache
        .split(|byte| *byte == 0)
        .filter(|word| word.starts_with(b"/"));
    Ok(words.map(path_of).collect())
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// Nothing where the headers, or what they lead to, cannot be read.
fn of_headers<'d>(data: impl ReadRef<'d>, folder: &Path) -> Option<Beside> {
    let header = FileHeader64::parse(data).ok()?;
    let headers = header.program_headers(LittleEndian, data).ok()?;
    let is_dynamic = |header: &&Segment| header.p_type(LittleEndian) == elf::PT_DYNAMIC;
    let Some(dynamic) = headers.iter().find(is_dynamic) else {
        return Some(Beside::Nothing);
    };
    let tags = tags(dynamic, data)?;
    if !tags.iter().any(|(tag, _)| *tag == elf::DT_NEEDED) {
        return Some(Beside::Nothing);
    }
    let mut folders = Vec::new();
    for (_, at) in tags
        .iter()
        .filter(|(tag, _)| [elf::DT_RPATH, elf::DT_RUNPATH].contains(tag))
    {
        let (_, strings) = tags.iter().find(|(tag, _)| *tag == elf::DT_STRTAB)?;
        let from = place(headers, strings.checked_add(*at)?)?;
        let end = from.checked_add(LONGEST)?.min(data.len().ok()?);
        let path = data.read_bytes_at_until(from..end, 0).ok()?;
        let path = std::str::from_utf8(path).ok()?.replace("${ORIGIN}", "$ORIGIN");
        folders.extend(path.split(':').map(|part| match part.strip_prefix("$ORIGIN") {
            Some(rest) => folder.join(rest.trim_start_matches('/')),
            None => PathBuf::from(part),
        }));
    }
    Some(Beside::Libraries(folders))
}

/// The entries of the dynamic section up to its end; a length is whatever the file says, so not all need be read.
fn tags<'d>(dynamic: &Segment, data: impl ReadRef<'d>) -> Option<Vec<(u32, u64)>> {
    let count = (dynamic.p_filesz(LittleEndian) / size_of::<Dyn64<LittleEndian>>() as u64).min(ENTRIES);
    let entries: &[Dyn64<LittleEndian>] = data
        .read_slice_at(dynamic.p_offset(LittleEndian), count.try_into().ok()?)
        .ok()?;
    let tags = entries.iter().filter_map(|entry| {
        // No tag that is looked for has more bits.
        Some((entry.tag32(LittleEndian)?, entry.d_val(LittleEndian)))
    });
    Some(tags.take_while(|(tag, _)| *tag != elf::DT_NULL).collect())
}

/// Where in the file an address is.
fn place(headers: &[Segment], address: u64) -> Option<u64> {
    let loaded = headers
        .iter()
        .filter(|header| header.p_type(LittleEndian) == elf::PT_LOAD);
    let mut all = loaded.map(|header| {
        let at = address.checked_sub(header.p_vaddr(LittleEndian))?;
        let is_inside = at < header.p_filesz(LittleEndian);
        is_inside.then(|| header.p_offset(LittleEndian).checked_add(at))?
    });
    all.find_map(|at| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is loaded at 0x1000, with a header for that and one for the dynamic section, these tags in it,
    /// and a path behind them at 500.
    fn program(tags: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 2 * 56];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        (bytes[32], bytes[54], bytes[56]) = (64, 56, 2);
        (bytes[64], bytes[64 + 17], bytes[64 + 33]) = (1, 0x10, 0x10);
        let at = 64 + 56;
        (bytes[at], bytes[at + 8]) = (2, 64 + 2 * 56);
        bytes[at + 32] = u8::try_from(tags.len() * 16).expect("few");
        for tag in tags {
            let value: u64 = match *tag {
                5 => 0x1000,
                15 | 29 => 500,
                _ => 0,
            };
            bytes.extend(tag.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(500, 0);
        bytes.extend(b"$ORIGIN/../lib:/opt/lib\0");
        bytes
    }

    #[test]
    fn what_is_executed_beside_a_program() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path().canonicalize().expect("a path");
        let path = folder.join("program");
        let mut narrow = program(&[]);
        narrow[4] = 1;
        let mut cut = program(&[1, 0]);
        cut.truncate(64 + 2 * 56 + 8);
        let unknown = Beside::Unknown;
        let own = || Beside::Libraries(vec![folder.join("../lib"), "/opt/lib".into()]);
        for (what, bytes, expected) in [
            ("a script", b"#!/bin/sh\n".to_vec(), unknown("is not an ELF file")),
            ("nothing", Vec::new(), unknown("is not an ELF file")),
            (
                "32 bits",
                narrow,
                unknown("is an ELF file of a kind that is not read"),
            ),
            ("cut", cut, unknown("is an ELF file that cannot be read")),
            ("static", program(&[]), Beside::Nothing),
            ("static, position-independent", program(&[5, 0]), Beside::Nothing),
            ("dynamic", program(&[1, 5, 0]), Beside::Libraries(Vec::new())),
            (
                "behind the end",
                program(&[1, 5, 0, 29]),
                Beside::Libraries(Vec::new()),
            ),
            ("with a path", program(&[1, 29, 5, 0]), own()),
            ("with an old path", program(&[15, 1, 5, 0]), own()),
            (
                "a path without texts",
                program(&[1, 29, 0]),
                unknown("is an ELF file that cannot be read"),
            ),
        ] {
            fs::write(&path, bytes).expect("written");
            assert_eq!(beside(&path).expect(what), expected, "{what}");
        }
    }

    #[test]
    fn a_library_that_is_written_again_is_another() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folders = [scratch.path().to_owned(), scratch.path().join("none")];
        let library = scratch.path().join("libx.so");
        fs::write(&library, "one").expect("written");
        let first = libraries(&folders).expect("read");
        assert_eq!(first, libraries(&folders).expect("read"));
        fs::write(&library, "three").expect("written");
        assert_ne!(first, libraries(&folders).expect("read"));
    }
}
