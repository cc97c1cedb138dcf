//! Small actions on files.

use alloc::format;
use alloc::vec::Vec;

use super::{at_most, count, mode, required, utf8};
use crate::facts;
use crate::json::Value;
use crate::outcome::{Outcome, Stop};
use crate::parse::{number, trimmed};
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, fs};

/// How much `read` reads unless specified.
const MAX_READ: u64 = 4096;

pub(super) fn open(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 3)?;
    let path = required(args, 0, "PATH")?;
    let flags = open_flags(args.get(1).copied().unwrap_or(b"r"))?;
    let mode = mode(args, 2, 0o644)?;
    report.outcome("open", path, fs::open(path, flags, mode).map(drop));
    Ok(())
}

/// Whether these are flags of `open`.
pub(crate) fn check_flags(text: &[u8]) -> Outcome {
    open_flags(text).map(drop)
}

fn open_flags(text: &[u8]) -> Result<i32, Stop> {
    text.split(|byte| *byte == b',').try_fold(0, |flags, word| {
        Ok(flags
            | match word {
                b"r" => libc::O_RDONLY,
                b"w" => libc::O_WRONLY,
                b"rw" => libc::O_RDWR,
                b"append" => libc::O_APPEND,
                b"creat" => libc::O_CREAT,
                b"excl" => libc::O_EXCL,
                b"trunc" => libc::O_TRUNC,
                b"nonblock" => libc::O_NONBLOCK,
                b"dir" => libc::O_DIRECTORY,
                b"nofollow" => libc::O_NOFOLLOW,
                b"path" => libc::O_PATH,
                _ => return Err(Stop::wrong(format!("{} is no flag of open", word.escape_ascii()))),
            })
    })
}

pub(super) fn read(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let path = required(args, 0, "PATH")?;
    let max = args.get(1).map_or(Ok(MAX_READ), |text| count(text))?;
    let text = fs::open(path, libc::O_RDONLY, 0).and_then(|file| fs::read_all(file.0, max as usize));
    report.outcome("read", path, text);
    Ok(())
}

pub(super) fn write(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let (path, text) = (required(args, 0, "PATH")?, required(args, 1, "TEXT")?);
    report.outcome("write", path, write_to(path, text, libc::O_WRONLY, 0));
    Ok(())
}

pub(super) fn put(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 3)?;
    let (path, text) = (required(args, 0, "PATH")?, required(args, 1, "TEXT")?);
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
    report.outcome("put", path, write_to(path, text, flags, mode(args, 2, 0o644)?));
    Ok(())
}

/// A single write: files of the kernel take a value in one piece.
fn write_to(path: &[u8], text: &[u8], flags: i32, mode: u32) -> sys::Result<usize> {
    fs::write(fs::open(path, flags, mode)?.0, text)
}

/// Reports something about each path.
fn each(name: &str, args: &[&[u8]], report: &mut Report, look: impl Fn(&[u8]) -> Value) -> Outcome {
    required(args, 0, "PATH")?;
    for path in args {
        report.outcome(name, path, look(path));
    }
    Ok(())
}

pub(super) fn peek(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    each("peek", args, report, |path| facts::peek(path))
}

pub(super) fn stat(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    each("stat", args, report, facts::node)
}

pub(super) fn statfs(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    each("statfs", args, report, |path| {
        fs::statfs(path)
            .map(|found| format!("{:#x} flags {:#x}", found.kind, found.flags))
            .into()
    })
}

pub(super) fn access(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let path = required(args, 0, "PATH")?;
    let wanted = args
        .get(1)
        .copied()
        .unwrap_or_default()
        .iter()
        .try_fold(libc::F_OK, |mode, letter| {
            Ok(mode
                | match letter {
                    b'r' => libc::R_OK,
                    b'w' => libc::W_OK,
                    b'x' => libc::X_OK,
                    _ => return Err(Stop::wrong("the mode is of the letters r, w and x")),
                })
        })?;
    report.outcome("access", path, fs::access(path, wanted));
    Ok(())
}

pub(super) fn list(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let path = required(args, 0, "DIR")?;
    report.outcome("list", path, fs::list(path));
    Ok(())
}

pub(super) fn mkdir(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let path = required(args, 0, "PATH")?;
    report.outcome("mkdir", path, fs::mkdir(path, mode(args, 1, 0o755)?));
    Ok(())
}

pub(super) fn rmdir(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let path = required(args, 0, "PATH")?;
    report.outcome("rmdir", path, fs::remove(path, true));
    Ok(())
}

pub(super) fn unlink(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let path = required(args, 0, "PATH")?;
    report.outcome("unlink", path, fs::remove(path, false));
    Ok(())
}

pub(super) fn rename(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let (from, to) = (required(args, 0, "FROM")?, required(args, 1, "TO")?);
    report.outcome("rename", from, fs::rename(from, to));
    Ok(())
}

pub(super) fn symlink(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let (target, path) = (required(args, 0, "TARGET")?, required(args, 1, "PATH")?);
    report.outcome("symlink", path, fs::symlink(target, path));
    Ok(())
}

pub(super) fn chmod(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let path = required(args, 0, "PATH")?;
    required(args, 1, "MODE")?;
    report.outcome("chmod", path, fs::chmod(path, mode(args, 1, 0)?));
    Ok(())
}

pub(super) fn chown(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let path = required(args, 0, "PATH")?;
    let owner = required(args, 1, "UID:GID")?;
    let ids: Option<Vec<u32>> = owner
        .split(|byte| *byte == b':')
        .map(|id| u32::try_from(number::count(id)?).ok())
        .collect();
    let Some([uid, gid]) = ids.as_deref() else {
        return Err(Stop::wrong("the owner is UID:GID, in numbers"));
    };
    report.outcome("chown", path, fs::chown(path, *uid, *gid));
    Ok(())
}

pub(super) fn chdir(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let path = required(args, 0, "PATH")?;
    report.outcome("chdir", path, fs::chdir(path));
    Ok(())
}

pub(super) fn mknod(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 5)?;
    let path = required(args, 0, "PATH")?;
    let kind = match required(args, 1, "the type")? {
        b"c" => libc::S_IFCHR,
        b"b" => libc::S_IFBLK,
        b"p" => libc::S_IFIFO,
        _ => return Err(Stop::wrong("the type is c, b or p")),
    };
    let part = |index| {
        args.get(index)
            .map_or(Ok(0), |text: &&[u8]| count(text))
            .map(|number| number as u32)
    };
    let device = libc::makedev(part(2)?, part(3)?);
    report.outcome(
        "mknod",
        path,
        fs::mknod(path, kind | mode(args, 4, 0o644)?, device),
    );
    Ok(())
}

pub(super) fn mount(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 5)?;
    let (source, target) = (required(args, 0, "SOURCE")?, required(args, 1, "TARGET")?);
    let kind = required(args, 2, "TYPE")?;
    let flags = args.get(3).map_or(Ok(0), |text| count(text))?;
    let data = args.get(4).copied().unwrap_or_default();
    report.outcome("mount", target, fs::mount(source, target, kind, flags, data));
    Ok(())
}

pub(super) fn unmount(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let target = required(args, 0, "TARGET")?;
    report.outcome("umount", target, fs::unmount(target));
    Ok(())
}

/// A name with dots, or, where a part of it holds a dot, with slashes.
pub(super) fn sysctl(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    required(args, 0, "NAME")?;
    for name in args {
        let name = utf8(name)?;
        let path = if name.contains('/') {
            name.into()
        } else {
            name.replace('.', "/")
        };
        let text = fs::read_file(format!("/proc/sys/{path}"), MAX_READ as usize);
        report.outcome(
            "sysctl",
            name.as_bytes(),
            text.map(|text| trimmed(&text).to_vec()),
        );
    }
    Ok(())
}
