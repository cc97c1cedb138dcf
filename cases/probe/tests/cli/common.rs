//! Runs the probe. `OCIDIFF_PROBE` names another program than the one that cargo built for the tests: the
//! freestanding one, which differs in its start-up, its memory functions and its allocator.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// The program under test.
pub(crate) fn probe() -> Command {
    let program = std::env::var_os("OCIDIFF_PROBE").unwrap_or_else(|| env!("CARGO_BIN_EXE_probe").into());
    Command::new(program)
}

/// Runs it with these words and nothing on stdin.
pub(crate) fn run(words: &[&str]) -> Output {
    probe()
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the probe starts")
}

/// What it printed on stdout, as lines, and its exit status.
pub(crate) fn told(words: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = run(words);
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (lines(&output.stdout), output.status.code())
}

/// The lines of an output, which is UTF-8 whatever the probe saw.
pub(crate) fn lines(output: &[u8]) -> Vec<String> {
    String::from_utf8(output.to_vec())
        .expect("UTF-8")
        .lines()
        .map(String::from)
        .collect()
}

/// The form in which the probe reports a fact.
pub(crate) fn fact(name: impl AsRef<str>, json: impl AsRef<str>) -> String {
    format!(r#"{{"fact":"{}","value":{}}}"#, name.as_ref(), json.as_ref())
}

/// Runs it with a text on stdin.
pub(crate) fn run_with_input(words: &[impl AsRef<OsStr>], input: &[u8]) -> Output {
    let mut child = probe()
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the probe starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("the probe reads");
    child.wait_with_output().expect("the probe ends")
}
