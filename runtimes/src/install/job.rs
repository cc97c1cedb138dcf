//! A long command of an install: its output goes to a log and, line by line, to the watcher.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::spawn;
use rustix::pipe::{PipeFlags, pipe_with};

/// How many of the last lines an error shows.
const TAIL: usize = 8;

/// Why a command of an install failed.
#[derive(Debug, thiserror::Error)]
#[error("run `{command}`: it {how}\n{tail}\n(all of it: {log})", log = log.display())]
pub struct JobError {
    /// The command as it would be typed.
    pub command: String,
    /// How it ended.
    pub how: String,
    /// The last lines of its output.
    pub tail: String,
    /// All of its output.
    pub log: PathBuf,
}

/// Runs a command to its end, however long it takes.
pub(crate) fn run(command: &mut Command, log: &Path, watch: &mut dyn FnMut(&str)) -> Result<(), JobError> {
    let mut tail = Vec::new();
    let how = match stream(command, log, watch, &mut tail) {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("ended with {status}"),
        Err(err) => format!("did not run: {err}"),
    };
    let tail = tail
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n");
    Err(JobError {
        command: told(command),
        how,
        tail,
        log: log.to_owned(),
    })
}

fn stream(
    command: &mut Command,
    log: &Path,
    watch: &mut dyn FnMut(&str),
    tail: &mut Vec<String>,
) -> std::io::Result<std::process::ExitStatus> {
    let mut log = File::options().create(true).append(true).open(log)?;
    writeln!(log, "$ {}", told(command))?;
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    command.stdout(write.try_clone()?).stderr(write);
    let spawned = spawn(command);
    // The command holds the pipe's other end too: if it kept it, the output would never end.
    command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = spawned?;
    let mut reader = BufReader::new(File::from(read));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        log.write_all(&line)?;
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        watch(&text);
        if tail.len() == TAIL {
            tail.remove(0);
        }
        tail.push(text);
        line.clear();
    }
    child.wait()
}

/// A command as it would be typed.
pub(crate) fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
