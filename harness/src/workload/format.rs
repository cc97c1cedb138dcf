//! Whether the kernel can execute a file, as far as its first bytes show.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, ReadRef, elf};
use ocidiff_confine::read::open_regular;

/// How much of a file the kernel looks at to tell what it is; the longest line with an interpreter.
const HEAD: usize = 256;
/// The longest name of a loader: the kernel's `PATH_MAX`.
const LONGEST_NAME: u64 = 4096;
/// Where the kernel lists other handlers that execute files.
const OTHERS: &str = "/proc/sys/fs/binfmt_misc";

/// What a file is to the kernel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Executed as it is.
    Itself,
    /// Executed if this is there: a program's loader, a script's interpreter.
    By(PathBuf),
    /// Never executed; a program for another machine.
    Foreign,
    /// Never executed: neither a program nor a script that names its interpreter.
    Nothing,
    /// Not known.
    Unknown,
}

pub(super) fn format(path: &Path) -> Format {
    let read = || {
        let file = open_regular(path).ok()?;
        let mut head = vec![0; HEAD];
        let length = file.read_at(&mut head, 0).ok()?;
        head.truncate(length);
        Some((file, head))
    };
    let Some((file, head)) = read() else {
        return Format::Unknown;
    };
    let format = if head.starts_with(b"\x7fELF") {
        elf(&head, &file)
    } else if let Some(line) = head.strip_prefix(b"#!") {
        script(line)
    } else {
        Format::Nothing
    };
    match format {
        Format::Nothing | Format::Foreign if has_others() => Format::Unknown,
        format => format,
    }
}

fn script(line: &[u8]) -> Format {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let words = String::from_utf8_lossy(line);
    // To the kernel, blanks and tabs separate words: a carriage return is part of the interpreter's name.
    match words.split([' ', '\t']).find(|word| !word.is_empty()) {
        None => Format::Nothing,
        Some(path) if path.starts_with('/') => Format::By(path.into()),
        Some(_) => Format::Unknown,
    }
}

/// Machines whose programs this one executes.
fn is_native(machine: u16) -> bool {
    match std::env::consts::ARCH {
        "x86_64" => [elf::EM_386, elf::EM_X86_64].contains(&machine),
        "aarch64" => [elf::EM_ARM, elf::EM_AARCH64].contains(&machine),
        _ => true,
    }
}

fn elf(head: &[u8], file: &File) -> Format {
    match head.get(4) {
        Some(&elf::ELFCLASS32) => by_headers::<elf::FileHeader32<Endianness>>(file),
        Some(&elf::ELFCLASS64) => by_headers::<elf::FileHeader64<Endianness>>(file),
        _ => Format::Foreign,
    }
}

/// As the kernel goes by them: the kind, the machine, a table of program headers, the loader that one of these names.
fn by_headers<Header: FileHeader<Endian = Endianness>>(file: &File) -> Format {
    let data = &ReadCache::new(file);
    let Ok(header) = Header::parse(data) else {
        return match data.len() {
            Ok(length) if length < size_of::<Header>() as u64 => Format::Foreign,
            // What the library refuses and the kernel does not look at.
            _ => Format::Unknown,
        };
    };
    let Ok(order) = header.endian() else {
        return Format::Foreign;
    };
    let known = [elf::ET_EXEC, elf::ET_DYN].contains(&header.e_type(order));
    let headers = header.program_headers(order, data).unwrap_or_default();
    if !known || !is_native(header.e_machine(order)) || headers.is_empty() {
        return Format::Foreign;
    }
    let Some(entry) = headers.iter().find(|entry| entry.p_type(order) == elf::PT_INTERP) else {
        return Format::Itself;
    };
    let bytes: u64 = entry.p_filesz(order).into();
    // A length that a file may say as it likes: no more is read than the kernel takes.
    if bytes > LONGEST_NAME {
        return Format::Foreign;
    }
    match entry
        .interpreter(order, data)
        .map(|name| name.map(std::str::from_utf8))
    {
        Ok(Some(Ok(name))) if name.starts_with('/') => Format::By(name.into()),
        Err(_) => Format::Foreign,
        _ => Format::Unknown,
    }
}

/// The least memory that a program takes when it is executed, in bytes: what its headers load. `None` if it is not a
/// program.
pub(super) fn loaded(path: &Path) -> Option<u64> {
    let file = open_regular(path).ok()?;
    loads::<elf::FileHeader64<Endianness>>(&file).or_else(|| loads::<elf::FileHeader32<Endianness>>(&file))
}

fn loads<Header: FileHeader<Endian = Endianness>>(file: &File) -> Option<u64> {
    let data = &ReadCache::new(file);
    let header = Header::parse(data).ok()?;
    let order = header.endian().ok()?;
    let headers = header.program_headers(order, data).ok()?;
    let loads = headers.iter().filter(|entry| entry.p_type(order) == elf::PT_LOAD);
    Some(loads.fold(0, |all: u64, entry| {
        all.saturating_add(entry.p_memsz(order).into())
    }))
}

/// Whether the kernel has been told how to execute other files.
fn has_others() -> bool {
    let entries = std::fs::read_dir(OTHERS).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name != "register" && name != "status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_executes_is_told_by_the_first_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let never = |format| if has_others() { Format::Unknown } else { format };
        for (text, is) in [
            (&b"#!/bin/sh -e\nexit"[..], Format::By("/bin/sh".into())),
            (b"#! /usr/bin/env python\n", Format::By("/usr/bin/env".into())),
            (b"#!sh\n", Format::Unknown),
            (b"", never(Format::Nothing)),
            (b"echo hi\n", never(Format::Nothing)),
            (b"#!\n", never(Format::Nothing)),
            (b"\x7fELF", never(Format::Foreign)),
            (
                b"\x7fELF\x02\x01\x01 and words in place of a header, as many as there must be",
                never(Format::Foreign),
            ),
        ] {
            std::fs::write(&path, text).expect("a file");
            assert_eq!(format(&path), is, "{}", String::from_utf8_lossy(text));
        }
        let own = std::env::current_exe().expect("a program");
        assert!(matches!(format(&own), Format::By(loader) if loader.exists()));
        assert_eq!(format(&folder.path().join("none")), Format::Unknown);
        let size = std::fs::metadata(&own).expect("a program").len();
        assert!(loaded(&own).is_some_and(|bytes| (100_000..10 * size).contains(&bytes)));
        assert_eq!(loaded(&folder.path().join("file")), None, "no program");
    }
}
