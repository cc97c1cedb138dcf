//! What a file descriptor of a tracee refers to.

use std::fs;

use crate::Pid;

/// A descriptor as `<what it refers to>`; the number where it refers to nothing.
pub(super) fn name(tid: Pid, fd: i64) -> String {
    match target(tid, fd) {
        Some(target) => format!("<{target}>"),
        None => fd.to_string(),
    }
}

/// What it refers to: a path, or the kind of a thing that has none.
pub(super) fn target(tid: Pid, fd: i64) -> Option<String> {
    if fd < 0 {
        return None;
    }
    let link = fs::read_link(format!("/proc/{tid}/fd/{fd}")).ok()?;
    let escaped = link.to_string_lossy().escape_debug().to_string();
    Some(without_number(&escaped))
}

/// `pipe:[4711]` and `socket:[4711]` carry an inode number that is another one in each run.
fn without_number(link: &str) -> String {
    match link.split_once(":[") {
        Some((kind, number))
            if number
                .trim_end_matches(']')
                .bytes()
                .all(|byte| byte.is_ascii_digit()) =>
        {
            kind.to_owned()
        }
        _ => link.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go() {
        let table = [
            ("pipe:[4711]", "pipe"),
            ("socket:[1]", "socket"),
            ("mnt:[4026531841]", "mnt"),
            ("anon_inode:[eventfd]", "anon_inode:[eventfd]"),
            ("/a:[b]", "/a:[b]"),
            ("/etc/passwd", "/etc/passwd"),
        ];
        for (link, name) in table {
            assert_eq!(without_number(link), name);
        }
    }

    #[test]
    fn of_this_process() {
        let me = Pid::try_from(std::process::id()).expect("a pid fits");
        assert_eq!(name(me, -1), "-1");
        assert_eq!(name(me, 999_999), "999999");
        assert!(name(me, 0).starts_with('<') || name(me, 0) == "0");
    }
}
