//! What a file descriptor of a tracee refers to.

use super::{Caller, Source};
use crate::Pid;

/// A descriptor as `<what it refers to>`; the number where it refers to nothing.
pub(super) fn name(caller: &Caller<'_>, fd: i64) -> String {
    match target(caller.source, fd) {
        Some(target) => format!(
            "<{}>",
            without_pid(&target, &|pid| Some((caller.known)(pid)?.to_string()))
        ),
        None => fd.to_string(),
    }
}

/// What it refers to: a path, or the kind of thing where there is no path.
fn target(source: &dyn Source, fd: i64) -> Option<String> {
    if fd < 0 {
        return None;
    }
    let link = source.descriptor(fd)?;
    let escaped = link.escape_debug().to_string();
    Some(without_number(&escaped))
}

/// `pipe:[4711]` and `socket:[4711]` carry an inode number that differs in each run.
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

/// `/proc/4711/maps` of a known task becomes `/proc/#1/maps`.
fn without_pid(path: &str, known: &dyn Fn(Pid) -> Option<String>) -> String {
    let parts = path
        .strip_prefix("/proc/")
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")));
    let name = parts.and_then(|(pid, rest)| Some((known(pid.parse().ok()?)?, rest)));
    match name {
        Some((name, rest)) => format!("/proc/{name}/{rest}").trim_end_matches('/').to_owned(),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_go() {
        let known = |pid| (pid == 4711).then(|| "#1".to_owned());
        let table = [
            ("/proc/4711/maps", "/proc/#1/maps"),
            ("/proc/4711", "/proc/#1"),
            ("/proc/1/maps", "/proc/1/maps"),
            ("/proc/sys", "/proc/sys"),
            ("/etc", "/etc"),
        ];
        for (path, name) in table {
            assert_eq!(without_pid(path, &known), name);
        }
    }

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
        let caller = Caller {
            source: &crate::ptrace::Live(me),
            known: &|_| None,
        };
        assert_eq!(name(&caller, -1), "-1");
        assert_eq!(name(&caller, 999_999), "999999");
        assert!(name(&caller, 0).starts_with('<') || name(&caller, 0) == "0");
    }
}
