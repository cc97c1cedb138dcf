//! The program's commands, a file each; `main` is their table of contents.

mod accept;
mod args;
mod beside;
mod capture;
mod check;
mod control;
mod facts;
mod folder;
mod one;
mod output;
mod report;
mod repro;
mod run;
mod runtimes;
mod seccomp;
mod signals;
mod some;
mod via;
mod whom;

use std::process::ExitCode;

use clap::Parser;
use ocidiff_model::ExitStatus;

use crate::error::Error;
use crate::suite;
use args::{Cli, Command, SchemaOf};

/// Reads the command line, does it, and gives the exit status.
#[must_use]
pub fn main() -> ExitCode {
    // clap prints its own errors, and ends with 2.
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(status) => ExitCode::from(status.code()),
        Err(error) => {
            output::complain(&error.to_string());
            ExitCode::from(error.status().code())
        }
    }
}

fn dispatch(command: Command) -> Result<ExitStatus, Error> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::List(args) => one::list(&args),
        Command::Explain(args) => one::explain(&args),
        Command::Show(args) => one::show(&args),
        Command::Accept(args) => accept::accept(&args),
        Command::Repro(args) => repro::repro(&args),
        Command::Control(args) => control::control(&args),
        Command::Report(args) => report::report(&args),
        Command::Schema(args) => schema(args.of),
        Command::Facts(args) => facts::facts(&args),
        Command::Runtimes(args) => runtimes::runtimes(&args),
        Command::Seccomp(args) => seccomp::seccomp(&args),
        Command::Check(args) => check::check(&args),
        Command::Capture(args) => capture::capture(&args),
        Command::Clean(args) => clean(&args),
        Command::Cell => crate::cell::main()
            .map(|()| ExitStatus::Ok)
            .map_err(Error::broken),
    }
}

fn schema(of: SchemaOf) -> Result<ExitStatus, Error> {
    let schema = match of {
        SchemaOf::Case => schemars::schema_for!(ocidiff_model::CaseFile),
        SchemaOf::Known => schemars::schema_for!(ocidiff_model::Known),
        SchemaOf::Rootfs => schemars::schema_for!(crate::corpus::Recipe),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Error::broken)?;
    output::print(&format!("{text}\n"));
    Ok(ExitStatus::Ok)
}

fn clean(args: &via::ViaArgs) -> Result<ExitStatus, Error> {
    suite::need_root()?;
    let local = clean_machine()?;
    match args.via {
        Some(_) => via::clean(args).map(|engine| if local == ExitStatus::Ok { engine } else { local }),
        None => Ok(local),
    }
}

fn clean_machine() -> Result<ExitStatus, Error> {
    let cleaned = crate::session::clean().map_err(Error::broken)?;
    if cleaned.is_empty() {
        output::print("nothing was left\n");
        return Ok(ExitStatus::Ok);
    }
    output::print(&format!(
        "ended {} processes, removed {} cgroups and {} folders\n",
        cleaned.processes,
        cleaned.cgroups,
        cleaned.folders.len()
    ));
    for failed in &cleaned.failed {
        output::complain(&format!("failed to remove {failed}"));
    }
    Ok(if cleaned.failed.is_empty() {
        ExitStatus::Ok
    } else {
        ExitStatus::Broken
    })
}
