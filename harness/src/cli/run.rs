//! `ocidiff run`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ocidiff_model::step::trial;
use ocidiff_model::{Case, CaseFile, Channel, Event, ExitStatus, Known, Watch};
use ocidiff_reports::events::{self, Recording};
use ocidiff_reports::safe;

use super::args::RunArgs;
use super::bundle_folder::reach;
use super::ending::Until;
use super::teller::{Teller, run_all};
use super::{ignored, output, signals};
use crate::bundle::given::{Reach, config_of, rootfs_of};
use crate::cells::abilities::Abilities;
use crate::cells::carry::Carry;
use crate::cells::runner::CellRunner;
use crate::cells::threads;
use crate::corpus::Entry;
use crate::error::Error;
use crate::machine::root;
use crate::run::plan;
use crate::run::preflight;
use crate::run::schedule::Schedule;
use crate::run::suite::{self, Settings};

/// Runs the cases, reports results as they come, and returns the exit status that the events give.
pub(crate) fn run(args: &RunArgs) -> Result<ExitStatus, Error> {
    if args.via.via.is_some() {
        let corpus = suite::corpus(args.with.cases.as_deref())?;
        let entries = plan::select(&corpus.entries, &args.patterns).map_err(Error::usage)?;
        let entries = entries.into_iter().cloned().collect();
        let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
        return super::via::run(args, corpus, entries, ignore);
    }
    if args.isolate.isolate.is_some() {
        return super::isolate::run(args);
    }
    let (teller, exit) = ran(args, false)?;
    // Only now: printing may have to wait for its reader, and nothing is left to clean up.
    teller.close(exit)
}

/// Runs the cases for another command: progress goes to stderr, and nothing to stdout.
pub(super) fn quietly(args: &RunArgs) -> Result<(Vec<Event>, ExitStatus), Error> {
    let (mut teller, exit) = ran(args, true)?;
    Ok((teller.end()?, exit))
}

fn ran(args: &RunArgs, quiet: bool) -> Result<(Teller, ExitStatus), Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let entries: Vec<Entry> = match &args.bundle {
        Some(folder) => vec![bundle_entry(folder, reach(args.outside_root), args.hooks)?],
        None => plan::select(&corpus.entries, &args.patterns)
            .map_err(Error::usage)?
            .into_iter()
            .cloned()
            .collect(),
    };
    let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
    root::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&args.with.runtimes, &store)?;
    suite::need_two(&runtimes)?;
    if args.with.runtimes.is_empty() {
        suite::missing()?.iter().for_each(|line| output::complain(line));
    }
    let mut teller = Teller::new(args, entries.len(), ignore)?;
    teller.quiet = quiet;
    let ran = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let settings = Settings {
            repeat: u32::from(args.repeat),
            keep_hooks: args.hooks,
            ..args.with.settings()?
        };
        let mut runner = suite::runner(corpus, runtimes, &settings, &abilities, stop.watch())?;
        abilities
            .unpinned
            .iter()
            .for_each(|one| output::complain(&one.told()));
        runner.show_env = args.show_env;
        runner.builder.reach = reach(args.outside_root);
        if let (true, Some(took)) = (args.with.verbose, runner.launcher.loading()) {
            let millis = took.as_secs_f64() * 1e3;
            output::complain(&format!(
                "the recorder's programs were loaded and attached in {millis:.1} ms"
            ));
        }
        let left_out = preflight::plain(&mut runner).await?;
        left_out.iter().for_each(|sentence| output::complain(sentence));
        if args.changed.is_some() || args.json.is_some() {
            let (carry, anew) = carry(args, &runner, &abilities, &settings.program, &mut teller.earlier)?;
            (runner.carry, teller.anew) = (carry, anew);
        }
        let schedule = Schedule {
            runner: Arc::new(runner),
            abilities: &abilities,
            width: args.with.jobs(),
            stop: stop.clone(),
            bundle: args.bundle.clone(),
        };
        run_all(schedule, entries, Until::of(args, left_out.len()), &mut teller).await
    });
    Ok((teller, ran?))
}

/// The keys of this run's results, and the results of an earlier one; or why there can be none.
fn carry(
    args: &RunArgs,
    runner: &CellRunner,
    abilities: &Abilities,
    program: &Path,
    earlier: &mut Vec<Event>,
) -> Result<(Option<Carry>, Option<String>), Error> {
    let failed = |error| Error::broken(format!("failed to read the programs of this run: {error}"));
    let base = runner.depends_on(abilities, program).map_err(failed)?;
    let mut carry = Carry::new(base);
    if let Some(file) = &args.changed {
        let shown = safe(&file.to_string_lossy());
        let read = events::read_file(file)
            .map_err(|error| Error::usage(format!("failed to read the events of {shown}: {error}")))?;
        match read {
            Recording::Run(recorded) => {
                earlier.clone_from(&recorded.events);
                carry.take(recorded.events);
            }
            Recording::Checks(_) => {
                return Err(Error::usage(format!(
                    "{shown}: the events of a check, and --changed takes those of a run"
                )));
            }
        }
    }
    match runner.is_of_unknown().map_err(failed)? {
        None => Ok((Some(carry), None)),
        unknown => Ok((None, unknown.filter(|_| args.changed.is_some()))),
    }
}

/// The user's bundle as a case: everything that a workload could see is watched.
fn bundle_entry(folder: &Path, reach: Reach, hooks: bool) -> Result<Entry, Error> {
    let config = config_of(folder).map_err(Error::usage)?;
    rootfs_of(folder, &config, reach).map_err(Error::usage)?;
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let hooks = super::hooks::told(folder, hooks);
    if let Some(line) = &hooks {
        output::complain(line);
    }
    let hooks = hooks.map_or_else(String::new, |line| format!("; {line}"));
    let body: CaseFile = serde_json::from_value(serde_json::json!({
        "summary": format!("the bundle {}{hooks}", folder.display()),
        "steps": trial(5),
    }))
    .map_err(Error::broken)?;
    let everything = [
        (Channel::Lifecycle, vec!["*"]),
        (Channel::Proc, vec!["init"]),
        (Channel::Mount, vec!["*"]),
        (Channel::Cgroup, vec!["*"]),
        (Channel::File, vec!["*"]),
        (Channel::Hook, vec!["*"]),
    ];
    let watch = everything.map(|(channel, all)| {
        let paths = all.into_iter().map(str::to_owned).collect();
        (channel, Watch::Paths(paths))
    });
    let body = CaseFile {
        watch: BTreeMap::from(watch),
        ..body
    };
    let case = Case {
        name: format!("bundle/{}", name.unwrap_or_else(|| "given".to_owned())),
        source: folder.join("config.json").to_string_lossy().into_owned(),
        member: None,
        body,
    };
    Ok(Entry {
        case,
        known: Known::default(),
    })
}
