//! `ocidiff lint`: what is wrong with known files and findings that load; `--fix` writes the standard form.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use ocidiff_model::{Event, ExitStatus};
use ocidiff_reports::events::Recording;

use super::{files, output, report};
use crate::cells::session::Aside;
use crate::corpus::files::standard;
use crate::corpus::folder::read;
use crate::corpus::source::Sources;
use crate::error::Error;
use crate::findings::lint::{Form, Written, form_of, lint as look, recognition};
use crate::machine::root;
use crate::run::suite;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Rewrite files that are not in canonical form; comments at the head of a file are kept, and a file with
    /// comments elsewhere is left alone
    #[arg(long)]
    fix: bool,
    /// Check the findings and known files in this folder instead of the checkout's
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Leave each case's known file out, and report how many causes are found through the findings' `shows`
    /// alone: the right one, another one, or none
    #[arg(long, conflicts_with = "fix")]
    recognition: bool,
    /// Take the run from this file of events (run --json FILE); without this, the cases are run first, which
    /// needs root
    #[arg(long, value_name = "FILE", requires = "recognition")]
    events: Option<PathBuf>,
}

/// Reports everything that is wrong, and fixes what can be fixed.
pub(crate) fn lint(args: &LintArgs) -> Result<ExitStatus, Error> {
    // What does not load is reported first.
    let corpus = suite::corpus(args.cases.as_deref())?;
    if args.recognition {
        let rows = recognition::rows(&corpus, &events(args)?);
        return output::answer(
            &format!(
                "{}\n",
                ocidiff_reports::safe_lines(&recognition::table(&rows)).trim_end()
            ),
            ExitStatus::Ok,
        );
    }
    let mut out = output::Aside::default();
    if args.fix {
        for line in fix(&sources(args)?)? {
            out.print(&line);
        }
    }
    let found = look(&sources(args)?);
    for one in &found {
        out.print(&format!("{one}\n"));
    }
    let status = match found.len() {
        0 => {
            out.print("nothing is wrong\n");
            ExitStatus::Ok
        }
        1 => {
            out.print("\n1 thing is wrong\n");
            ExitStatus::Differs
        }
        number => {
            out.print(&format!("\n{number} things are wrong\n"));
            ExitStatus::Differs
        }
    };
    out.end(status)
}

/// The events of the run that was given, or of one that is made now.
fn events(args: &LintArgs) -> Result<Vec<Event>, Error> {
    let read = |file: &Path| match report::read(file)? {
        Recording::Run(recorded) => Ok(recorded.events),
        Recording::Checks(_) => Err(Error::usage(format!(
            "{}: the events of a check, not of a run",
            file.display()
        ))),
    };
    if let Some(file) = &args.events {
        return read(file);
    }
    root::need_root()?;
    let folder = Aside::make().map_err(Error::broken)?;
    let file = folder.path().join("events");
    let mut run = Command::new(std::env::current_exe().map_err(Error::broken)?);
    run.args(["run", "--json"]).arg(&file).stdout(Stdio::null());
    if let Some(cases) = &args.cases {
        run.arg("--cases").arg(cases);
    }
    // Its exit status says what differs, which is not the question, as long as it got that far.
    run.status().map_err(Error::broken)?;
    if !file.exists() {
        return Err(Error::broken("the cases were not run: see above"));
    }
    read(&file)
}

fn sources(args: &LintArgs) -> Result<Sources, Error> {
    match &args.cases {
        Some(folder) => {
            read(folder).map_err(|error| Error::usage(format!("failed to read the cases: {error}")))
        }
        None => standard("cases").map_err(Error::usage),
    }
}

/// Writes each file that is not in the standard form, and says which.
fn fix(sources: &Sources) -> Result<Vec<String>, Error> {
    let mut told = Vec::new();
    for (name, source) in sources {
        let Some(written) = Written::of(name, source) else {
            continue;
        };
        let Form::Other(new) = form_of(&source.text, &written) else {
            continue;
        };
        let Some(path) = &source.path else {
            return Err(Error::usage(
                "what is built in cannot be written: run it in a checkout, or give --cases",
            ));
        };
        files::write(path, &new, files::SHARED)?;
        told.push(format!("wrote {}\n", ocidiff_reports::safe(&source.shown)));
    }
    Ok(told)
}
