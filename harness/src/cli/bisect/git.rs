//! The commits of a checkout: `git bisect run`, with the user's build and the script of `repro`.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use clap::Args;
use ocidiff_model::ExitStatus as Status;
use ocidiff_reports::safe;
use rustix::process::{Pid, Signal, kill_process_group};

use super::super::args::WithArgs;
use super::super::repro::write_folder;
use super::super::{files, output, signals};
use super::Subject;
use crate::cells::participants::contenders;
use crate::cells::session::Aside;
use crate::corpus::Corpus;
use crate::error::Error;
use crate::run::stop::Stop;
use crate::run::suite;

/// A checkout and how it is built.
#[derive(Debug, Args)]
pub(super) struct GitArgs {
    /// A clean checkout of the runtime: `git bisect` goes through its commits, and then the checkout is put
    /// back where it was
    #[arg(long, value_name = "DIR", requires_all = ["build", "old", "new"])]
    git: Option<PathBuf>,
    /// The shell command that builds the runtime, run in the checkout as you
    #[arg(long, value_name = "CMD", requires = "git")]
    build: Option<String>,
    /// The program that the command builds, as a path below the checkout; the default is the runtime's name
    #[arg(long, value_name = "PATH", requires = "git")]
    program: Option<PathBuf>,
    /// The earlier commit or tag
    #[arg(long, value_name = "COMMIT", requires = "git")]
    old: Option<String>,
    /// The later commit or tag, which behaves differently
    #[arg(long, value_name = "COMMIT", requires = "git")]
    new: Option<String>,
}

/// How often to look at a command.
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that was asked for.
pub(super) struct Asked {
    checkout: PathBuf,
    build: String,
    program: Option<PathBuf>,
    old: String,
    new: String,
}

impl GitArgs {
    pub(super) fn asked(&self) -> Result<Option<Asked>, Error> {
        let (Some(git), Some(build), Some(old), Some(new)) = (&self.git, &self.build, &self.old, &self.new)
        else {
            return Ok(None);
        };
        if [old, new]
            .iter()
            .any(|commit| commit.is_empty() || commit.starts_with('-'))
        {
            return Err(Error::usage("--old and --new take a commit or a tag"));
        }
        let checkout = git.canonicalize().map_err(|error| {
            Error::usage(format!(
                "failed to find the checkout {}: {error}",
                safe(&git.to_string_lossy())
            ))
        })?;
        Ok(Some(Asked {
            checkout,
            build: build.clone(),
            program: self.program.clone(),
            old: old.clone(),
            new: new.clone(),
        }))
    }
}

/// Makes git find the commit.
pub(super) fn bisect(
    asked: &Asked,
    subjects: &[Subject<'_>],
    corpus: &Corpus,
    with: &WithArgs,
) -> Result<Status, Error> {
    let [named] = &with.runtimes[..] else {
        return Err(Error::usage(
            "--git takes one --runtime, the one that the checkout is of, such as crun",
        ));
    };
    let subject = subjects
        .first()
        .ok_or_else(|| Error::usage("there is nothing to run"))?;
    let store = suite::store()?;
    let runtime = suite::runtimes(std::slice::from_ref(named), &store)?.remove(0);
    let name = runtime.name().to_owned();
    let contender = contenders(vec![runtime], None).map_err(Error::usage)?.remove(0);
    asked.clean()?;
    let folder = Aside::make();
    let folder = folder.map_err(|error| Error::broken(format!("failed to make a folder: {error}")))?;
    let repro = folder.path().join("repro");
    write_folder(&repro, subject.entry, &contender, corpus, store)?;
    let program = asked.program.clone().unwrap_or_else(|| PathBuf::from(&name));
    let back = asked.head()?;
    let signalled = signals::stop();
    let found = asked.search(folder.path(), &program, &signalled.stop);
    // Whatever the outcome, the checkout ends up where it was.
    let reset = asked
        .quiet(&["bisect", "reset"])
        .and_then(|()| asked.quiet(&["checkout", "-q", &back]));
    if signalled.stop.is_asked() {
        reset?;
        return Err(Error::broken("interrupted; the checkout is as it was"));
    }
    let text = found?;
    reset?;
    output::answer(
        &format!("{}: {}", safe(&subject.entry.case.name), text),
        Status::Ok,
    )
}

/// What `git bisect` does for each commit: build it, and answer. `$3` is the answer of the earlier commit.
///
/// An answer counts once it came twice in a row: git believes each one, and a single call that failed on a busy machine
/// would make it name the wrong commit.
const STEP: &str = r#"#!/bin/sh
# $1: how it is built  $2: the program  $3: what the script of repro answers for the earlier commit
cd "$OCIDIFF_CHECKOUT" || exit 125
sh -c "$1" >"$OCIDIFF_FOLDER/build.log" 2>&1 </dev/null || exit 125
answer= last=
for _ in 1 2 3 4 5 6; do
  "$OCIDIFF_FOLDER/repro/repro.sh" "$OCIDIFF_CHECKOUT/$2" >"$OCIDIFF_FOLDER/repro.log" 2>&1 </dev/null
  answer=$?
  [ "$answer" = "$last" ] && break
  last=$answer answer=125
done
case "$answer" in 0 | 1) ;; *) exit 125 ;; esac
[ -n "$3" ] || exit "$answer"
[ "$answer" = "$3" ]
"#;

impl Asked {
    fn git(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.checkout)
            .args(args)
            .stdin(Stdio::null());
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command
    }

    /// What a command of git prints.
    fn says(&self, args: &[&str]) -> Result<String, Error> {
        let ended = self.git(args).output().map_err(|error| no_git(&error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if ended.status.success() {
            return Ok(text(&ended.stdout));
        }
        Err(Error::usage(format!(
            "failed to go through {}: git {} said `{}`",
            safe(&self.checkout.to_string_lossy()),
            safe(&args.join(" ")),
            safe(text(&ended.stderr).lines().next_back().unwrap_or_default())
        )))
    }

    fn quiet(&self, args: &[&str]) -> Result<(), Error> {
        self.says(args).map(drop)
    }

    /// Nothing of the user may be lost.
    fn clean(&self) -> Result<(), Error> {
        let changed = self.says(&["status", "--porcelain", "--untracked-files=no"])?;
        if changed.is_empty() {
            return Ok(());
        }
        Err(Error::usage(format!(
            "{} has changes that are not committed: commit or stash them, since other commits are checked out there",
            safe(&self.checkout.to_string_lossy())
        )))
    }

    /// The branch that is checked out, or the commit.
    fn head(&self) -> Result<String, Error> {
        let branch = self.says(&["symbolic-ref", "--short", "-q", "HEAD"]);
        branch.or_else(|_| self.says(&["rev-parse", "HEAD"]))
    }

    /// Asks the two ends, then lets git ask the commits between them.
    fn search(&self, folder: &Path, program: &Path, stop: &Stop) -> Result<String, Error> {
        let step = folder.join("step");
        files::write(&step, STEP, files::SHARED)?;
        fs::set_permissions(&step, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(|error| files::failed(&step, &error))?;
        let [old, new] = [&self.old, &self.new].map(|commit| {
            let commit = self.says(&["rev-parse", "--verify", &format!("{commit}^{{commit}}")])?;
            self.quiet(&["checkout", "-q", "--detach", &commit])?;
            let answer = self.ask(folder, program, stop)?;
            output::progress(&format!("{}: {}", &commit[..commit.len().min(12)], words(answer)));
            Ok::<_, Error>((commit, answer))
        });
        let ((old, before), (new, after)) = (old?, new?);
        if before == after {
            return Err(Error::usage(format!(
                "{} and {} answer alike ({}): there is nothing to search between them",
                safe(&self.old),
                safe(&self.new),
                words(before)
            )));
        }
        self.quiet(&[
            "bisect",
            "start",
            "--term-old",
            "before",
            "--term-new",
            "after",
            &new,
            &old,
        ])?;
        let mut run = self.git(&["bisect", "run"]);
        run.arg(&step)
            .arg(&self.build)
            .arg(program)
            .arg(before.to_string());
        self.to_its_end(&mut run, folder, stop)
            .map_err(|error| no_git(&error))?;
        let said = fs::read(folder.join("said")).unwrap_or_default();
        let log = self.says(&["bisect", "log"])?;
        told(&String::from_utf8_lossy(&said), &log, [before, after])
    }

    /// Runs a command that may take long, in its own process group; what it starts is ended with it if a signal asks
    /// for that.
    fn to_its_end(&self, command: &mut Command, folder: &Path, stop: &Stop) -> io::Result<ExitStatus> {
        command
            .env("OCIDIFF_CHECKOUT", &self.checkout)
            .env("OCIDIFF_FOLDER", folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("said"))?)
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn()?;
        let group = Pid::from_child(&child);
        let mut asked = false;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if stop.is_asked() && !asked {
                asked = true;
                // It may have ended just now.
                let _ = kill_process_group(group, Signal::TERM);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// What the script answers for the commit that is checked out: 0 as expected, 1 not as expected.
    fn ask(&self, folder: &Path, program: &Path, stop: &Stop) -> Result<i32, Error> {
        let mut step = Command::new(folder.join("step"));
        step.arg(&self.build).arg(program).arg("");
        let ended = self
            .to_its_end(&mut step, folder, stop)
            .map_err(|error| Error::broken(format!("failed to start the build: {error}")))?;
        match ended.code() {
            Some(answer @ (0 | 1)) => Ok(answer),
            _ => {
                let log = |name: &str| {
                    let text = fs::read(folder.join(name)).unwrap_or_default();
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let lines: Vec<&str> = text.trim().lines().collect();
                    lines[lines.len().saturating_sub(3)..].join("; ")
                };
                Err(Error::broken(format!(
                    "failed to get an answer for the commit that is checked out: the build said `{}`, the script `{}`",
                    safe(&log("build.log")),
                    safe(&log("repro.log"))
                )))
            }
        }
    }
}

fn no_git(error: &io::Error) -> Error {
    Error::usage(format!(
        "failed to start git: {error}; `apt-get install git` installs it"
    ))
}

/// An answer in words.
fn words(answer: i32) -> &'static str {
    match answer {
        0 => "as expected",
        1 => "differs from what is expected",
        _ => "cannot tell",
    }
}

/// What git found: the first commit that behaves like the later one.
fn told(said: &str, log: &str, [before, after]: [i32; 2]) -> Result<String, Error> {
    let first = log
        .lines()
        .find_map(|line| line.strip_prefix("# first after commit: "));
    if let Some(first) = first {
        return Ok(format!(
            "{}; from this commit on it is {}:\n  {}\n",
            words(before),
            words(after),
            safe(first)
        ));
    }
    let open: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("# possible first after commit: "))
        .collect();
    if open.is_empty() {
        let last = said.trim().lines().next_back().unwrap_or_default();
        return Err(Error::broken(format!(
            "failed to find the commit: git said `{}`",
            safe(last)
        )));
    }
    let open: Vec<String> = open
        .into_iter()
        .map(|commit| format!("  {}\n", safe(commit)))
        .collect();
    Ok(format!(
        "{}, then {}; the others could not be built or judged, so it is one of\n{}",
        words(before),
        words(after),
        open.concat()
    ))
}
