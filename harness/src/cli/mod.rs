//! The program's commands, one file each; `main` is their table of contents.

mod accept;
mod args;
mod bisect;
mod bundle_folder;
mod capture;
mod carried;
mod changes;
mod check;
mod check_args;
mod commands;
mod containers;
mod control;
mod ending;
mod explain;
mod facts;
mod files;
mod findings;
mod help;
mod hooks;
mod ignored;
mod image_name;
mod inspect;
mod isolate;
mod isolate_args;
mod kernels;
mod lint;
mod matrix;
mod mutants;
mod nights;
mod nodes;
mod output;
mod reader;
mod records;
mod report;
mod repro;
mod run;
mod runtimes;
mod seccomp;
mod side_by_side;
mod signals;
mod table;
mod teller;
mod upstream;
mod via;
mod via_args;

use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;
use ocidiff_model::ExitStatus;

use crate::error::Error;
use crate::machine::root;
use crate::run::preflight;
use args::SchemaOf;
use commands::{Cli, Command};

/// Reads the command line, carries it out, and returns the exit status.
#[must_use]
pub fn main() -> ExitCode {
    output::tell_panics();
    let done = catch_unwind(|| {
        if is_cell() {
            return crate::cell::main()
                .map(|()| ExitStatus::Ok)
                .map_err(Error::broken);
        }
        match Cli::try_parse() {
            Ok(cli) => dispatch(cli.command),
            Err(error) => output::usage(error),
        }
    });
    let status = match done {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            if !matches!(error, Error::Unread) {
                output::complain(&error.to_string());
            }
            error.status()
        }
        Err(_) => ExitStatus::Broken,
    };
    ExitCode::from(status.code())
}

/// Whether the harness started this as process 1 of a cell. It does so for every run, and to put all commands with their
/// options together, only to find the one word, is a hundredth of what a run takes. A cell is ended by who started it,
/// so it does not listen to signals either.
fn is_cell() -> bool {
    std::env::args_os().skip(1).eq([crate::cell::COMMAND])
}

fn dispatch(command: Command) -> Result<ExitStatus, Error> {
    ocidiff_confine::limit::asked().map_err(|error| {
        let why = ocidiff_reports::safe(&error.to_string());
        Error::usage(format!("failed to {why}"))
    })?;
    if runs_containers(&command)
        && let Some(low) = preflight::low(0)
    {
        return Err(Error::broken(low));
    }
    signals::listen()?;
    match command {
        Command::Run(args) => run::run(&args),
        Command::Bisect(args) => bisect::bisect(&args),
        Command::Changes(args) => changes::changes(&args),
        Command::List(args) => inspect::list(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Show(args) => inspect::show(&args),
        Command::Accept(args) => accept::accept(&args),
        Command::Repro(args) => repro::repro(&args),
        Command::Control(args) => control::control(&args),
        Command::Mutants(args) => mutants::mutants(&args),
        Command::Report(args) => report::report(&args),
        Command::Trend(args) => nights::trend(&args),
        Command::Schema(args) => schema(args.of),
        Command::Facts(args) => facts::facts(&args),
        Command::Findings(args) => findings::findings(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Upstream(args) => upstream::upstream(&args),
        Command::Runtimes(args) => runtimes::runtimes(&args),
        Command::Matrix(args) => matrix::matrix(&args),
        Command::Kernels(args) => kernels::kernels(&args),
        Command::Seccomp(args) => seccomp::seccomp(&args),
        Command::Check(args) => check::check(&args),
        Command::Capture(args) => capture::capture(&args),
        Command::Clean(args) => clean(&args),
        // The exit status comes from a runtime.
        Command::Mutant { work, command } => {
            std::process::exit(crate::mutants::wrap::main(&work, &command).into())
        }
    }
}

/// Whether limits that are too low must be reported before anything is read.
fn runs_containers(command: &Command) -> bool {
    if let Command::Explain(args) = command {
        return args.run;
    }
    matches!(
        command,
        Command::Run(_)
            | Command::Bisect(_)
            | Command::Changes(_)
            | Command::Show(_)
            | Command::Accept(_)
            | Command::Repro(_)
            | Command::Control(_)
            | Command::Mutants(_)
            | Command::Seccomp(_)
            | Command::Check(_)
    )
}

fn schema(of: SchemaOf) -> Result<ExitStatus, Error> {
    let schema = match of {
        SchemaOf::Case => schemars::schema_for!(ocidiff_model::CaseFile),
        SchemaOf::Known => schemars::schema_for!(ocidiff_model::known::KnownFile),
        SchemaOf::Finding => schemars::schema_for!(ocidiff_model::Finding),
        SchemaOf::Ignore => schemars::schema_for!(Vec<ocidiff_model::ignore::Ignore>),
        SchemaOf::Rootfs => schemars::schema_for!(crate::corpus::Recipe),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Error::broken)?;
    output::answer(&format!("{text}\n"), ExitStatus::Ok)
}

fn clean(args: &via_args::ViaArgs) -> Result<ExitStatus, Error> {
    root::need_root()?;
    // First, so that nothing is in the cgroups that it made. A failure of one part must not prevent the other.
    let engine = args.via.map(|_| via::clean(args));
    // Only whoever has looked everywhere can say so.
    let is_clean = engine
        .as_ref()
        .is_none_or(|engine| matches!(engine, Ok((_, true))));
    let local = clean_machine(is_clean);
    match engine {
        Some(engine) => engine
            .and_then(|(engine, _)| local.map(|local| if local == ExitStatus::Ok { engine } else { local })),
        None => local,
    }
}

/// Removes what killed runs left on the machine; says if nothing was there, and `is_clean` that nothing was elsewhere.
fn clean_machine(is_clean: bool) -> Result<ExitStatus, Error> {
    let cleaned = crate::cells::session::clean().map_err(Error::broken)?;
    if cleaned.is_empty() {
        let text = if is_clean { "nothing was left\n" } else { "" };
        return output::answer(text, ExitStatus::Ok);
    }
    for failed in &cleaned.failed {
        output::complain(&format!("failed to remove {failed}"));
    }
    let told = format!(
        "ended {} processes, removed {} cgroups and {} folders\n",
        cleaned.processes,
        cleaned.cgroups,
        cleaned.folders.len()
    );
    let status = if cleaned.failed.is_empty() {
        ExitStatus::Ok
    } else {
        ExitStatus::Broken
    };
    output::answer(&told, status)
}
