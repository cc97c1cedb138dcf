//! Whether the kernel can execute a file, as far as its first bytes show.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ocidiff_confine::read::open_regular;

/// How much of a file is read: the kernel itself looks at 256 bytes, headers of programs come after that.
const HEAD: usize = 4096;
/// The longest line with an interpreter.
const LINE: usize = 256;
/// Where the kernel lists other handlers that execute files.
const OTHERS: &str = "/proc/sys/fs/binfmt_misc";
/// The type of a program header that names the loader.
const PT_INTERP: u64 = 3;

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
    let line = &line[..line.len().min(LINE)];
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
fn is_native(machine: u64) -> bool {
    match std::env::consts::ARCH {
        "x86_64" => [3, 62].contains(&machine),
        "aarch64" => [40, 183].contains(&machine),
        _ => true,
    }
}

fn elf(head: &[u8], file: &File) -> Format {
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let part = head.get(at..at + bytes)?;
        Some(part.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let wide = head.get(4) == Some(&2);
    // Where the two classes have their members, and how large these are.
    let (phoff, word, phentsize, phnum) = if wide { (32, 8, 54, 56) } else { (28, 4, 42, 44) };
    let (kind, machine) = (number(16, 2), number(18, 2));
    let known = kind.is_some_and(|kind| [2, 3].contains(&kind)) && machine.is_some_and(is_native);
    let table = (number(phoff, word), number(phentsize, 2), number(phnum, 2));
    let (true, (Some(start), Some(size), Some(count @ 1..))) = (known, table) else {
        return Format::Foreign;
    };
    let (offset, length) = if wide { (8, 32) } else { (4, 16) };
    for entry in 0..count {
        let Some(at) = place(start, entry, size) else {
            return Format::Unknown;
        };
        let (Some(kind), Some(from), Some(bytes)) = (
            number(at, 4),
            number(at + offset, word),
            number(at + length, word),
        ) else {
            return Format::Unknown;
        };
        if kind == PT_INTERP {
            return loader(file, from, bytes);
        }
    }
    Format::Itself
}

fn place(start: u64, entry: u64, size: u64) -> Option<usize> {
    let at = start.checked_add(entry.checked_mul(size)?)?;
    usize::try_from(at).ok().filter(|at| *at < HEAD)
}

fn loader(file: &File, from: u64, bytes: u64) -> Format {
    let mut name = vec![0; usize::try_from(bytes).unwrap_or(HEAD).min(HEAD)];
    if file.read_exact_at(&mut name, from).is_err() {
        return Format::Foreign;
    }
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    match std::str::from_utf8(name) {
        Ok(name) if name.starts_with('/') => Format::By(name.into()),
        _ => Format::Unknown,
    }
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
    }
}
