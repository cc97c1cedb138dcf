//! Open descriptors.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::io;
use crate::parse::number;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, Errno, fs};

/// Those that were open when the program started: the descriptor that lists them is gone when they are examined.
pub(super) fn descriptors(_: &Words, report: &mut Report) {
    let open: Vec<(i32, i32)> = candidates()
        .into_iter()
        .filter_map(|fd| fs::fcntl(fd, libc::F_GETFD).ok().map(|flags| (fd, flags)))
        .collect();
    report.fact(
        "fds",
        open.iter().map(|(fd, _)| fd.to_string()).collect::<Vec<_>>(),
    );
    for (fd, flags) in open {
        report.fact(format!("fd.{fd}"), describe(fd, flags));
    }
}

fn candidates() -> Vec<i32> {
    let Ok(names) = fs::list("/proc/self/fd") else {
        return (0..256).collect();
    };
    let mut fds: Vec<i32> = names
        .iter()
        .filter_map(|name| i32::try_from(number::count(name)?).ok())
        .collect();
    fds.sort_unstable();
    fds
}

/// `/dev/null rdonly`, `pipe wronly append cloexec`.
fn describe(fd: i32, descriptor_flags: i32) -> sys::Result<Vec<u8>> {
    let mut text = target(fd)?;
    let flags = fs::fcntl(fd, libc::F_GETFL)?;
    let mut word = |word: &str| {
        text.push(b' ');
        text.extend_from_slice(word.as_bytes());
    };
    word(match flags & libc::O_ACCMODE {
        _ if flags & libc::O_PATH != 0 => "path",
        libc::O_RDONLY => "rdonly",
        libc::O_WRONLY => "wronly",
        _ => "rdwr",
    });
    for (flag, name) in [
        (libc::O_APPEND, "append"),
        (libc::O_NONBLOCK, "nonblock"),
        (libc::O_DIRECTORY, "directory"),
    ] {
        if flags & flag != 0 {
            word(name);
        }
    }
    if descriptor_flags & libc::FD_CLOEXEC != 0 {
        word("cloexec");
    }
    Ok(text)
}

/// What is open, without the inode by which pipes and sockets are named; its type if there is no /proc.
pub(crate) fn target(fd: i32) -> sys::Result<Vec<u8>> {
    match fs::read_link(format!("/proc/self/fd/{fd}")) {
        Ok(path) => {
            let kind = [&b"pipe"[..], b"socket"].into_iter().find(|kind| {
                path.strip_prefix(*kind)
                    .is_some_and(|rest| rest.starts_with(b":["))
            });
            Ok(kind.map_or(path.clone(), <[u8]>::to_vec))
        }
        Err(Errno(_)) => fs::stat_fd(fd).map(|stat| io::describe(&stat).into_bytes()),
    }
}

/// What the three standard descriptors are, whatever they are called here.
pub(super) fn stdio(_: &Words, report: &mut Report) {
    for fd in 0..3 {
        report.fact(
            format!("stdio.{fd}"),
            fs::stat_fd(fd).map(|stat| io::describe(&stat) + &terminal(fd)),
        );
    }
}

/// ` tty 80x24` for a terminal.
fn terminal(fd: i32) -> String {
    let mut bytes = [0; 40];
    match fs::ioctl(fd, libc::TIOCGWINSZ, &mut bytes) {
        Ok(()) => {
            let [rows_low, rows_high, columns_low, columns_high, ..] = bytes;
            let rows = u16::from_le_bytes([rows_low, rows_high]);
            let columns = u16::from_le_bytes([columns_low, columns_high]);
            format!(" tty {columns}x{rows}")
        }
        Err(_) => String::new(),
    }
}
