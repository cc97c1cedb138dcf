//! A file in one line.

use alloc::format;
use alloc::string::String;

use crate::tables::names;

/// `file 0644 0:0`, `char 0666 0:0 1:3`. No size or time: those of directories differ by file system.
pub(crate) fn describe(stat: &libc::stat) -> String {
    let kind = names::file_type(stat.st_mode);
    let mode = stat.st_mode & 0o7777;
    let mut text = format!("{kind} {mode:04o} {}:{}", stat.st_uid, stat.st_gid);
    if kind == "char" || kind == "block" {
        text += &format!(" {}:{}", libc::major(stat.st_rdev), libc::minor(stat.st_rdev));
    }
    text
}
