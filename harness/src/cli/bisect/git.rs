//! The commits of a checkout: `git bisect run`, with the user's build and the script of `repro`.

mod search;

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;
use ocidiff_model::ExitStatus as Status;
use ocidiff_reports::{first_of, hanging, safe};

use super::super::args::WithArgs;
use super::super::repro::write_folder;
use super::super::{output, signals};
use super::Subject;
use super::told::INDENT;
use crate::cells::participants::contenders;
use crate::cells::session::Aside;
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::findings::written_of;
use crate::repro::{self, Question};
use crate::run::suite;
use search::Search;

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
    subject: &Subject<'_>,
    corpus: &Corpus,
    with: &WithArgs,
) -> Result<Status, Error> {
    let [named] = &with.runtimes[..] else {
        return Err(Error::usage(
            "--git takes one --runtime, the one that the checkout is of, such as crun",
        ));
    };
    let (entry, question) = asks(subject)?;
    let finding = match question {
        Question::Finding(id, _) if repro::is_by_value(entry, &suite::abilities()?.machine, question) => {
            Some(id)
        }
        _ => None,
    };
    let store = suite::store()?;
    let runtime = suite::runtimes(std::slice::from_ref(named), &store)?.remove(0);
    let name = runtime.name().to_owned();
    let contender = contenders(vec![runtime], None).map_err(Error::usage)?.remove(0);
    asked.clean()?;
    let ends = asked.ends()?;
    let folder = Aside::make();
    let folder = folder.map_err(|error| Error::broken(format!("failed to make a folder: {error}")))?;
    let repro = folder.path().join("repro");
    write_folder(&repro, (entry, question), &contender, corpus, store)?;
    let program = asked.program.clone().unwrap_or_else(|| PathBuf::from(&name));
    let back = asked.head()?;
    let signalled = signals::stop();
    let search = Search {
        asked,
        finding,
        folder: folder.path(),
        program: &program,
        stop: &signalled.stop,
    };
    let found = search.run(ends);
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
    let text = format!("{}: {}", safe(&entry.case.name), text);
    let lines: String = text.lines().map(|line| hanging(line, INDENT)).collect();
    output::answer(&lines, Status::Ok)
}

/// The case whose script can answer, and what it is asked. A script sees little: what it cannot see is said before
/// anything is built.
fn asks<'c>(subject: &Subject<'c>) -> Result<(&'c Entry, Question<'c>), Error> {
    let machine = suite::abilities()?.machine;
    match subject {
        Subject::Case(entry) => {
            let asked = (*entry, Question::Expected);
            repro::sees(entry, &machine, Question::Expected)
                .then_some(asked)
                .ok_or_else(|| {
                    Error::usage(format!(
                        "failed to search commits: the script of `repro` can see nothing that is expected of {}; without \
                         --git, versions are compared in full",
                        safe(&entry.case.name)
                    ))
                })
        }
        Subject::Finding(id, finding, entries) => {
            let question = Question::Finding(id, finding);
            let entry = entries
                .iter()
                .find(|entry| repro::sees(entry, &machine, question));
            let entry = entry.ok_or_else(|| {
                let facts = entries.iter().flat_map(|entry| written_of(&entry.known, id));
                let mut facts: Vec<&str> = facts.map(|(known, _)| known.fact.as_str()).collect();
                facts.sort_unstable();
                facts.dedup();
                Error::usage(format!(
                    "failed to search commits for {id}: the script of `repro` does not see {}, where it shows; without \
                     --git, versions are compared in full",
                    first_of(facts, 3)
                ))
            })?;
            Ok((*entry, question))
        }
    }
}

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

    /// The two commits, before anything is built.
    fn ends(&self) -> Result<[String; 2], Error> {
        let commit = |option: &str, typed: &str| {
            let commit = self.says(&["rev-parse", "--verify", &format!("{typed}^{{commit}}")]);
            commit.map_err(|_| {
                Error::usage(format!(
                    "failed to find the commit `{}` of {option} in {}",
                    safe(typed),
                    safe(&self.checkout.to_string_lossy())
                ))
            })
        };
        Ok([commit("--old", &self.old)?, commit("--new", &self.new)?])
    }
}

fn no_git(error: &io::Error) -> Error {
    Error::usage(format!(
        "failed to start git: {error}; `apt-get install git` installs it"
    ))
}
