//! The probe as a hook: what the runtime gave it, as one line added to a file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{count, required};
use crate::facts;
use crate::json::{self, Value};
use crate::outcome::{Outcome, Stop};
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, fs, task};

/// The longest state that is kept.
const MAX_STATE: usize = 64 << 10;

/// Other words label the hook: they are in the line with the other arguments.
pub(super) fn run(args: &[&[u8]], words: &Words, report: &mut Report) -> Outcome {
    let file = required(args, 0, "FILE")?;
    let status = exit_status(args)?;
    let written = append(file, line(words).as_bytes());
    report.outcome("hook", file, written);
    report.flush();
    status.map_or(Ok(()), |status| Err(Stop::Exit(status)))
}

fn exit_status(args: &[&[u8]]) -> Result<Option<i32>, Stop> {
    let Some(at) = args.iter().position(|word| *word == b"--exit") else {
        return Ok(None);
    };
    let status = count(required(args, at + 1, "the status after --exit")?)?;
    i32::try_from(status)
        .map(Some)
        .map_err(|_| Stop::wrong("the status after --exit is too large"))
}

/// With a single write, so that lines of hooks that run at the same time do not mix.
fn append(file: &[u8], line: &[u8]) -> sys::Result<usize> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND;
    fs::write(fs::open(file, flags, 0o644)?.0, line)
}

/// Descriptors are examined before any is opened.
fn line(words: &Words) -> String {
    let mut line = String::from("{");
    let descriptors = descriptors();
    let mut tell = |name: &str, value: Value| json::member(&mut line, name.as_bytes(), &value);
    tell("args", words.args().to_vec().into());
    tell("env", words.env().to_vec().into());
    tell("cwd", fs::cwd().into());
    tell("state", fs::read_all(0, MAX_STATE).into());
    tell(
        "umask",
        facts::current_umask().map(|mask| format!("{mask:04o}")).into(),
    );
    tell("uid", task::user_ids().map(|ids| ids[1]).into());
    tell("gid", task::group_ids().map(|ids| ids[1]).into());
    tell("pid", task::id(libc::SYS_getpid).into());
    tell("nspid", facts::namespace_pids().into());
    tell("stdio", descriptors.into());
    match facts::namespace_links() {
        Ok(links) => {
            for (name, link) in links {
                tell(&format!("ns.{}", name.escape_ascii()), link);
            }
        }
        Err(errno) => tell("ns", Value::Failed(errno)),
    }
    line.push_str("}\n");
    line
}

fn descriptors() -> Vec<Vec<u8>> {
    (0..3)
        .map(|fd| facts::target(fd).unwrap_or_else(|errno| errno.name().into_bytes()))
        .collect()
}
