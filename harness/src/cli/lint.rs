//! `ocidiff lint`: what is wrong with known files and findings though they load; `--fix` writes the one form.

use std::path::PathBuf;

use clap::Args;
use ocidiff_model::ExitStatus;

use super::{files, output};
use crate::corpus::files::{Sources, read, standard};
use crate::error::Error;
use crate::findings::lint::{Form, Written, form_of, lint as look};
use crate::run::suite;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Rewrite files that are not in the one form; comments at the head of a file are kept, and a file with
    /// comments elsewhere is left alone
    #[arg(long)]
    fix: bool,
    /// Check the findings and known files of this folder, not the checkout's
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

/// Tells everything that is wrong, and mends what can be mended.
pub(crate) fn lint(args: &LintArgs) -> Result<ExitStatus, Error> {
    // What does not load is told first.
    suite::corpus(args.cases.as_deref())?;
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

fn sources(args: &LintArgs) -> Result<Sources, Error> {
    match &args.cases {
        Some(folder) => {
            read(folder).map_err(|error| Error::usage(format!("failed to read the cases: {error}")))
        }
        None => standard("cases").map_err(Error::usage),
    }
}

/// Writes each file that is not in the one form, and says which.
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
