//! What the probe sees, compared with what this process knows about itself. Needs no privileges.

use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;

use crate::common::{fact, lines, probe, told};

#[test]
fn arguments_and_environment_are_told_in_order() {
    let output = probe()
        .arg0("a \"name\"")
        .args(["facts", "args", "env"])
        .env_clear()
        .env("B", "2")
        .env("A", std::ffi::OsStr::from_bytes(b"\xff\n"))
        .output()
        .expect("the probe starts");
    let told = lines(&output.stdout);
    assert_eq!(told[0], fact("args", r#"["a \"name\"","facts","args","env"]"#));
    // The standard library sorts what it passes on.
    assert_eq!(told[2], fact("env", "[\"A=\u{fffd}\\n\",\"B=2\"]"));
}

#[test]
fn an_empty_environment_is_an_empty_list() {
    let output = probe()
        .args(["facts", "env"])
        .env_clear()
        .output()
        .expect("the probe starts");
    assert_eq!(lines(&output.stdout), [fact("env", "[]")]);
}

#[test]
fn ids_are_those_of_the_parent() {
    let (told, status) = told(&["facts", "ids"]);
    let status_file = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let field = |name: &str| -> Vec<String> {
        let line = status_file
            .lines()
            .find(|line| line.starts_with(name))
            .expect("the field");
        line.split_whitespace().skip(1).map(String::from).collect()
    };
    for (kind, name) in [("u", "Uid:"), ("g", "Gid:")] {
        for (prefix, id) in ["", "e", "s", "fs"].iter().zip(field(name)) {
            assert!(
                told.contains(&fact(format!("ids.{prefix}{kind}id"), id)),
                "{told:?}"
            );
        }
    }
    assert_eq!(status, Some(0));
}

#[test]
fn descriptors_are_told_but_not_the_probes_own() {
    let file = std::fs::File::open("/dev/null").expect("/dev/null");
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let output = probe()
        .args(["facts", "fds"])
        .stdin(
            std::fs::File::options()
                .append(true)
                .open(path)
                .expect("a second descriptor"),
        )
        .output()
        .expect("the probe starts");
    let told = lines(&output.stdout);
    let inherited: Vec<String> = inherited().iter().map(|fd| format!("\"{fd}\"")).collect();
    assert_eq!(told[0], fact("fds", format!("[{}]", inherited.join(","))));
    assert_eq!(told[1], fact("fd.0", r#""/dev/null wronly append""#));
    assert!(
        told[2].contains(r#""fd.1","value":"pipe wronly"#) || told[2].contains("socket"),
        "{told:?}"
    );
}

/// The standard three, and what was left open by the process that runs the tests.
fn inherited() -> Vec<u32> {
    let closes_on_exec = |fd: &u32| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info
            .lines()
            .find_map(|line| line.strip_prefix("flags:"))
            .unwrap_or("02000000");
        u32::from_str_radix(flags.trim(), 8).is_ok_and(|flags| flags & 0o2000000 != 0)
    };
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc");
    let mut fds: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    fds.retain(|fd| *fd < 3 || !closes_on_exec(fd));
    fds.sort_unstable();
    fds
}

#[test]
fn every_topic_tells_something() {
    let (help, _) = told(&["help"]);
    let topics: Vec<&str> = help
        .iter()
        .skip_while(|line| !line.starts_with("topics"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(topics.len() > 25, "{topics:?}");
    for topic in topics {
        let (lines, status) = told(&["facts", topic]);
        assert!(!lines.is_empty(), "{topic}");
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with(r#"{"fact":""#) && line.ends_with('}')),
            "{lines:?}"
        );
        assert_eq!(status, Some(0), "{topic}");
    }
}

#[test]
fn signals_are_as_they_were_given() {
    // A test program has SIGPIPE ignored, but Command restores it.
    let (told, _) = told(&["facts", "signals"]);
    assert_eq!(told[2], fact("signals.caught", "[]"));
}

#[test]
fn limits_are_soft_and_hard() {
    let (told, _) = told(&["facts", "rlimits"]);
    assert_eq!(told.len(), 16);
    let text = std::fs::read_to_string("/proc/self/limits").expect("/proc");
    let line = text
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("the limit");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert!(
        told.contains(&fact("rlimit.nofile", format!("\"{}:{}\"", words[3], words[4]))),
        "{told:?}"
    );
}
