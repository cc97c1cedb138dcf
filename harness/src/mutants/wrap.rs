//! The wrapper: what the cell calls in place of a mutant. It edits what the real runtime reads, and becomes it (execve
//! in place) wherever nothing is left to do afterwards, so that without a rule there is no visible difference.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, raise};
use ocidiff_model::{Op, StepRecord};
use ocidiff_runtimes::{Call, Runtime};
use serde::{Deserialize, Serialize};

use super::edit::{Edit, edited};
use super::rule::{CallRule, Mutant};
use super::script::{self, CANNOT_EXECUTE, NOT_FOUND};
use crate::cell::job::JobStep;
use crate::cell::job::Lacks;
use crate::paths;

/// The program of process 1, which in a cell is ocidiff, wherever its file is on the machine.
const WRAPPER: &str = "/proc/1/exe";
/// Where configs are kept as they were before the first edit.
const KEPT: &str = "/run/ocidiff/mutant";
/// How much of the real runtime's output is edited; longer output is passed on as it is.
const MAX_OUTPUT: u64 = 4 << 20;
/// The exit status if the wrapper itself fails: none of our runtimes uses it.
const FAILED: u8 = 125;
/// How the wrapper begins to say that it failed.
const SAYS: &str = "ocidiff in place of the runtime: ";

/// What the wrapper is asked for in one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// The step.
    op: Op,
    /// The container's name in the cell.
    container: String,
    /// The file that is edited.
    file: Option<PathBuf>,
    /// Its edits.
    edits: Vec<Edit>,
    /// What else is done.
    rule: CallRule,
    /// Calls that follow, if it went well.
    then: Vec<Vec<String>>,
}

/// Why the wrapper could not do its work.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to run outside of a cell: it is started by ocidiff only")]
    NotInCell,
    #[error("failed to read what to do: {0}")]
    Work(#[from] serde_json::Error),
    #[error("failed to {0}: {1}")]
    Io(String, io::Error),
    #[error(transparent)]
    Script(#[from] script::Error),
}

fn at<'a>(what: impl Into<String> + 'a) -> impl FnOnce(io::Error) -> Error + 'a {
    move |error| Error::Io(what.into(), error)
}

/// A step of the real runtime as one of the mutant: the wrapper is called in its place.
///
/// # Errors
/// The runtime lacks a step that the rule requires after this one.
pub fn wrap(
    mutant: &Mutant,
    runtime: &Runtime,
    mut step: JobStep,
    config_file: &str,
) -> Result<JobStep, Lacks> {
    if step.argv.is_empty() {
        return Ok(step);
    }
    let file = match step.op {
        Op::Create | Op::Run => Some(Path::new(&paths::bundle(&step.container)).join(config_file)),
        _ => step.input.as_ref().map(|(path, _)| path.clone()),
    };
    let rule = mutant.rule.calls.get(&step.op).cloned().unwrap_or_default();
    let then = rule.then.iter().map(|op| {
        let call = rule.fill(Call::new(*op, paths::ROOT).id(&step.container));
        let words = runtime.command(&call).map_err(|error| Lacks(error.to_string()))?;
        Ok(words
            .into_iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect())
    });
    let work = Work {
        op: step.op,
        container: step.container.clone(),
        file,
        edits: mutant.rule.edits(step.op).to_vec(),
        then: then.collect::<Result<_, Lacks>>()?,
        rule,
    };
    let work = serde_json::to_string(&work).map_err(|error| Lacks(error.to_string()))?;
    step.argv
        .splice(0..0, [WRAPPER.to_owned(), "mutant".to_owned(), work]);
    Ok(step)
}

/// The hidden subcommand: does the work around `command`, which is the real runtime's, and ends with the process.
#[must_use]
pub fn main(work: &str, command: &[OsString]) -> u8 {
    match in_cell().and_then(|()| carry_out(&serde_json::from_str(work)?, command)) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("{SAYS}{error}");
            FAILED
        }
    }
}

/// Why the rule of a mutant could not be carried out in a step, if so: what the mutant then shows is not its fault. Of a
/// program that the runtime is called through, only the status of the real runtime's call tells.
#[must_use]
pub fn failure(mutant: &Mutant, step: &StepRecord, real: Option<&StepRecord>) -> Option<String> {
    let words = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    if step.exit == Some(i32::from(FAILED)) && step.text.contains(SAYS) {
        let own = step.text.rsplit_once(SAYS).map_or("", |(_, own)| own);
        return Some(words(own));
    }
    let rule = mutant.rule.calls.get(&step.op)?;
    // env, nice, timeout and the like end with 125 if they fail themselves.
    let statuses = [i32::from(FAILED), CANNOT_EXECUTE, NOT_FOUND];
    let is_of_program = step.exit.is_some_and(|exit| statuses.contains(&exit));
    let is_own = is_of_program && real.is_none_or(|real| real.exit != step.exit);
    (is_own && !rule.through.is_empty()).then(|| format!("`through`: {}", words(&step.text)))
}

/// A runtime is only called in a cell.
fn in_cell() -> Result<(), Error> {
    let identity = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let same = identity("/proc/self/exe").is_some_and(|own| identity(WRAPPER) == Some(own));
    // Not the runtime's `--root`, which some runtimes remove themselves.
    let cell = Path::new(paths::BUNDLES).is_dir();
    if same && cell {
        Ok(())
    } else {
        Err(Error::NotInCell)
    }
}

fn carry_out(work: &Work, command: &[OsString]) -> Result<u8, Error> {
    edit_file(work)?;
    let rule = &work.rule;
    if let Some(script) = &rule.before {
        let status = script::run(work.op, &work.container, script)?;
        if !status.success() {
            return Ok(end_as(status));
        }
    }
    if let Some(answer) = &rule.answer {
        print(&mut io::stdout(), answer.stdout.as_bytes())?;
        print(&mut io::stderr(), answer.stderr.as_bytes())?;
        return Ok(answer.exit);
    }
    let words: Vec<&OsStr> = rule
        .through
        .iter()
        .map(OsStr::new)
        .chain(command.iter().map(OsString::as_os_str))
        .collect();
    let (program, args) = words
        .split_first()
        .ok_or_else(|| Error::Io("call the runtime".to_owned(), io::ErrorKind::InvalidInput.into()))?;
    let mut command = Command::new(program);
    command.args(args);
    if !rule.has_after_work() && work.then.is_empty() {
        return Err(at(format!("start {}", program.display()))(command.exec()));
    }
    let status = call(&mut command, rule)?;
    if !status.success() {
        if let Some(script) = &rule.on_failure {
            script::run(work.op, &work.container, script)?;
        }
    } else {
        for words in &work.then {
            call_quietly(words)?;
        }
        if let Some(script) = &rule.after {
            script::run(work.op, &work.container, script)?;
        }
    }
    Ok(rule.exit.unwrap_or_else(|| end_as(status)))
}

/// Applies the edits to the file as the cell wrote it, however often the mutant is called with it.
fn edit_file(work: &Work) -> Result<(), Error> {
    let Some(file) = work.file.as_ref().filter(|_| !work.edits.is_empty()) else {
        return Ok(());
    };
    let kept = Path::new(KEPT).join(work.container.replace('/', "-"));
    let is_config = work.op.makes_container();
    // The real runtime can complain about what cannot be read.
    let source = if is_config && kept.exists() { &kept } else { file };
    let Ok(text) = fs::read_to_string(source) else {
        return Ok(());
    };
    let Some(changed) = edited(&work.edits, &text) else {
        return Ok(());
    };
    if is_config {
        fs::create_dir_all(KEPT).map_err(at(format!("make {KEPT}")))?;
        fs::write(&kept, &text).map_err(at(format!("write {}", kept.display())))?;
    }
    fs::write(file, changed).map_err(at(format!("write {}", file.display())))
}

/// Calls the real runtime, and edits what it prints.
fn call(command: &mut Command, rule: &CallRule) -> Result<ExitStatus, Error> {
    // A fork and not posix_spawn, as in the cell: glibc's would leave two signals ignored.
    command.uid(0).gid(0);
    if rule.output.is_empty() {
        return command.status().map_err(at("call the runtime"));
    }
    command.stdout(Stdio::piped());
    let mut child = command.spawn().map_err(at("call the runtime"))?;
    let mut out = child.stdout.take();
    let mut text = Vec::new();
    if let Some(out) = &mut out {
        out.take(MAX_OUTPUT)
            .read_to_end(&mut text)
            .map_err(at("read what the runtime prints"))?;
    }
    let changed = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| edited(&rule.output, text));
    print(
        &mut io::stdout(),
        changed.map_or(text, String::into_bytes).as_slice(),
    )?;
    if let Some(mut out) = out {
        io::copy(&mut out, &mut io::stdout()).map_err(at("hand on what the runtime prints"))?;
    }
    child.wait().map_err(at("wait for the runtime"))
}

/// A call that follows: its output is discarded.
fn call_quietly(words: &[String]) -> Result<(), Error> {
    let Some((program, args)) = words.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command.args(args).uid(0).gid(0);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
        .status()
        .map(|_| ())
        .map_err(at(format!("call {program}")))
}

fn print(stream: &mut impl Write, text: &[u8]) -> Result<(), Error> {
    let written = stream.write_all(text).and_then(|()| stream.flush());
    written.map_err(at("print"))
}

/// The exit status; if a signal ends the runtime, the wrapper ends with it.
fn end_as(status: ExitStatus) -> u8 {
    if let Some(signal) = status.signal().and_then(|number| Signal::try_from(number).ok()) {
        let _ = raise(signal);
    }
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(FAILED)
}
