//! The probe as a seccomp agent. Needs no privileges: what comes without a descriptor does not ask for answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::common::{fact, probe};

/// What the agent reports about one connection with this text.
fn heard(name: &str, text: &str) -> Vec<String> {
    let socket = std::env::temp_dir().join(format!("ocidiff-probe-listen-{name}-{}", std::process::id()));
    let mut child = probe()
        .arg("listen")
        .arg(&socket)
        .arg("continue")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the probe starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"))
        .lines()
        .map(|line| line.expect("UTF-8"));
    assert_eq!(lines.next(), Some(fact("listen", "\"listening\"")));
    let mut connection = UnixStream::connect(&socket).expect("it listens");
    connection.write_all(text.as_bytes()).expect("it reads");
    drop(connection);
    let lines = lines.collect();
    let _ = std::fs::remove_file(&socket);
    assert_eq!(child.wait().expect("the probe ends").code(), Some(0));
    lines
}

#[test]
fn the_state_is_told_by_member() {
    assert_eq!(
        heard(
            "state",
            r#"{"ociVersion":"1.0.2","fds":["seccompFd"],"pid":7,"state":{"pid":7,"status":"creating"}}"#
        ),
        [
            fact("listen.closed", "true"),
            fact("listen.descriptors", "[]"),
            fact("listen.ociVersion", "\"1.0.2\""),
            fact("listen.fds", r#"["seccompFd"]"#),
            fact("listen.pid", "\"set\""),
            fact("listen.state.pid", "\"set\""),
            fact("listen.state.status", "\"creating\""),
            fact("listen.pid.is-state.pid", "true"),
            fact("listen.calls", "[]"),
        ]
    );
}

#[test]
fn what_is_no_state_is_told_as_it_is() {
    assert_eq!(
        heard("text", "hello"),
        [
            fact("listen.closed", "true"),
            fact("listen.descriptors", "[]"),
            fact("listen.text", "\"hello\""),
            fact("listen.calls", "[]"),
        ]
    );
}
