//! Names of sessions: `ocidiff.PID.START.NAMESPACE.NUMBER`, and of their folders, with `.RANDOM` appended. NUMBER
//! distinguishes the sessions of one process.
//!
//! Before there were locks, they had no NAMESPACE and NUMBER; then only a process that sees all pids can determine
//! whether the process is gone.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "ocidiff.";
/// The inode of the machine's own pid namespace; include/linux/proc_ns.h.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// The name of the next session of this process.
pub(super) fn own() -> io::Result<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let pid = std::process::id();
    let start = start_time(pid).ok_or_else(|| io::Error::other("/proc is not mounted"))?;
    Ok(format!("{PREFIX}{pid}.{start}.{}.{number}", pid_namespace()?))
}

fn pid_namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

/// What a cgroup or folder of this name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// It does not belong to a session.
    Nobody,
    /// To a session, which holds it by a lock as long as it is alive.
    Session,
    /// To an older ocidiff, without a lock, whose process is gone.
    Dead,
    /// To an older ocidiff whose process is alive, or may be alive where we cannot see it.
    Unknown,
}

/// What it belongs to; the name of a session's folder has one part more than the session's.
pub(super) fn whose(name: &str, is_folder: bool) -> Whose {
    whose_seen_from(
        name,
        is_folder,
        pid_namespace().ok() == Some(INITIAL_PID_NAMESPACE),
    )
}

fn whose_seen_from(name: &str, is_folder: bool, sees_all: bool) -> Whose {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Whose::Nobody;
    };
    let parts: Vec<&str> = rest.split('.').collect();
    let numbers = parts
        .iter()
        .take_while(|part| part.parse::<u64>().is_ok())
        .count();
    match (parts.len() - usize::from(is_folder), numbers) {
        (4, 4..) => Whose::Session,
        (2, 2..) if !sees_all => Whose::Unknown,
        (2, 2..) if is_of_the_dead(name) => Whose::Dead,
        (2, 2..) => Whose::Unknown,
        _ => Whose::Nobody,
    }
}

/// Whether this is the name of a session whose process is gone, as far as this pid namespace shows.
pub(crate) fn is_of_the_dead(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let mut parts = rest.split('.');
    let (Some(Ok(pid)), Some(Ok(start))) = (
        parts.next().map(str::parse::<u32>),
        parts.next().map(str::parse::<u64>),
    ) else {
        return false;
    };
    start_time(pid) != Some(start)
}

/// Whether the process of a session of this pid namespace is gone: its lock may outlive it by a moment.
pub(super) fn has_ended(name: &str) -> bool {
    let namespace = name.split('.').nth(3).and_then(|part| part.parse::<u64>().ok());
    namespace.is_some() && namespace == pid_namespace().ok() && is_of_the_dead(name)
}

/// When a process was started, in clock ticks since boot: together with the pid this identifies the process for good.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_now_has_a_namespace_in_its_name() {
        let name = own().expect("a name");
        assert_eq!(whose(&name, false), Whose::Session);
        assert_eq!(whose(&format!("{name}.aB3xYz"), true), Whose::Session);
        assert!(!is_of_the_dead(&name));
        assert!(!has_ended(&name));
    }

    #[test]
    fn a_session_has_ended_where_its_process_is_seen_to_be_gone() {
        let name = own().expect("a name");
        let parts: Vec<&str> = name.split('.').collect();
        let later = parts[2].parse::<u64>().expect("its start") + 1;
        assert!(has_ended(&format!(
            "ocidiff.{}.{later}.{}.0.aB3xYz",
            parts[1], parts[3]
        )));
        // Pids of another namespace mean nothing here.
        assert!(!has_ended(&format!("ocidiff.{}.{later}.1.0", parts[1])));
    }

    #[test]
    fn older_names_count_only_where_all_pids_are_seen() {
        let pid = std::process::id();
        let start = start_time(pid).expect("own start");
        for (name, is_folder, sees_all, expected) in [
            (format!("ocidiff.{pid}.{start}"), false, true, Whose::Unknown),
            (format!("ocidiff.{pid}.{start}.abc"), true, true, Whose::Unknown),
            (format!("ocidiff.{pid}.{}", start + 1), false, true, Whose::Dead),
            (
                format!("ocidiff.{pid}.{}.abc", start + 1),
                true,
                true,
                Whose::Dead,
            ),
            (
                format!("ocidiff.{pid}.{}.123456", start + 1),
                true,
                true,
                Whose::Dead,
            ),
            (
                format!("ocidiff.{pid}.{}.abc", start + 1),
                true,
                false,
                Whose::Unknown,
            ),
            (format!("ocidiff.{}.1.abc", u32::MAX), true, true, Whose::Dead),
            ("ocidiff.1.2.3.4.abc".to_owned(), true, true, Whose::Session),
            ("ocidiff".to_owned(), true, true, Whose::Nobody),
            ("ocidiff.x.y".to_owned(), false, true, Whose::Nobody),
            (format!("other.{pid}.1"), false, true, Whose::Nobody),
        ] {
            assert_eq!(whose_seen_from(&name, is_folder, sees_all), expected, "{name}");
        }
    }
}
