//! The scripts of a rule: what one does is the mutant's fault, but not that a tool of its own fails.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::process::{Command, ExitStatus, Stdio};

use ocidiff_model::{Op, last_words};
use rustix::fs::MemfdFlags;

use crate::paths;

/// How the shell ends if what it is to run is no program, or is not there.
pub(super) const CANNOT_EXECUTE: i32 = 126;
pub(super) const NOT_FOUND: i32 = 127;
/// How the shell's own lines about what it runs begin.
const TRACE: &str = "+ocidiff ";
/// The word by which a script ends the call on purpose.
const EXIT: &str = "exit";
/// How much of what a script prints on stderr is read, in bytes.
const MOST: u64 = 1 << 20;

/// Why a script of a rule is not a fault of the mutant, but of who wrote it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the mutant's script could not be run: {0}")]
    Io(#[from] io::Error),
    #[error("the mutant's script {0}: {1}")]
    Unsound(&'static str, String),
    #[error("the mutant's script failed: {said}; only an `exit` ends a call on purpose: {script}")]
    Failed { said: String, script: String },
}

/// Runs a script of the rule, with what it may need in its environment. A status other than 0 is the mutant's word only
/// where an `exit` that is written out gave it.
pub(super) fn run(op: Op, container: &str, script: &str) -> Result<ExitStatus, Error> {
    let pid = fs::read_to_string(paths::pid_file(container)).unwrap_or_default();
    // Not a pipe: what the script leaves in the background would keep it open.
    let printed =
        File::from(rustix::fs::memfd_create("stderr", MemfdFlags::CLOEXEC).map_err(io::Error::from)?);
    let mut command = Command::new("/bin/sh");
    command.args(["-eu", "-c", &format!("PS4='{TRACE}'; set -x\n{script}")]);
    command
        .env("OP", op.name())
        .env("ID", container)
        .env("PID", pid.trim())
        .env("PID_FILE", paths::pid_file(container))
        .env("BUNDLE", paths::bundle(container))
        .env("ROOT", paths::ROOT)
        .stderr(printed.try_clone()?);
    let status = command.status()?;
    let (said, last) = read(printed)?;
    io::stderr().write_all(said.as_bytes())?;
    match status.code() {
        Some(0) | None => Ok(status),
        Some(CANNOT_EXECUTE | NOT_FOUND) => Err(Error::Unsound(
            "calls what is not a program here",
            script.to_owned(),
        )),
        Some(_) if !is_script(script)? => Err(Error::Unsound("is not a script", script.to_owned())),
        Some(_) if last.split_whitespace().next() == Some(EXIT) => Ok(status),
        Some(code) => {
            let said = match last_words(&said) {
                silent if silent.is_empty() => format!("`{last}` ended with {code}"),
                said => said,
            };
            let script = script.to_owned();
            Err(Error::Failed { said, script })
        }
    }
}

/// What the script printed, and the last command that it ran.
fn read(mut printed: File) -> io::Result<(String, String)> {
    let mut bytes = Vec::new();
    printed.rewind()?;
    printed.take(MOST).read_to_end(&mut bytes)?;
    Ok(told_apart(&String::from_utf8_lossy(&bytes)))
}

/// The shell repeats the first letter of its mark in subshells.
fn told_apart(text: &str) -> (String, String) {
    let first = TRACE.chars().next().unwrap_or_default();
    let mark = TRACE.trim_start_matches(first);
    let command = |line: &str| {
        let rest = line.strip_prefix(first)?.trim_start_matches(first);
        rest.strip_prefix(mark).map(str::to_owned)
    };
    let mut said = String::new();
    let mut last = String::new();
    for line in text.split_inclusive('\n') {
        match command(line) {
            Some(found) => found.trim_end().clone_into(&mut last),
            None => said.push_str(line),
        }
    }
    (said, last)
}

/// Whether the shell can read the script.
fn is_script(script: &str) -> io::Result<bool> {
    let mut command = Command::new("/bin/sh");
    command.args(["-n", "-c", script]).stderr(Stdio::null());
    Ok(command.status()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_prints_is_told_apart_from_what_it_runs() {
        let text = "+ocidiff grep -q x /y\n++ocidiff tail -c 2\nunknown\n+ocidiff exit 1\n+ mine\n";
        let (said, last) = told_apart(text);
        assert_eq!((said.as_str(), last.as_str()), ("unknown\n+ mine\n", "exit 1"));
        assert_eq!(told_apart(""), (String::new(), String::new()));
    }

    #[test]
    fn a_script_ends_a_call_by_an_exit_only() {
        for (script, expected) in [
            ("true", Ok(0)),
            ("exit 3", Ok(3)),
            ("echo no >&2; exit 3", Ok(3)),
            ("test 1 = 2 || { echo no >&2; exit 4; }", Ok(4)),
            ("false | true", Ok(0)),
            ("sed -i s/x/y /nonesuch", Err("the mutant's script failed: sed: ")),
            ("cat < /nonesuch", Err("the mutant's script failed: ")),
            (
                "grep -q x /dev/null; exit 1",
                Err("`grep -q x /dev/null` ended with 1"),
            ),
            ("nosuchprogram", Err("calls what is not a program here")),
            ("if then", Err("is not a script")),
        ] {
            let ran = run(Op::Create, "main", script);
            match (ran, expected) {
                (Ok(status), Ok(code)) => assert_eq!(status.code(), Some(code), "{script}"),
                (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{script}: {error}"),
                (ran, _) => panic!("{script}: {ran:?}"),
            }
        }
    }
}
