//! `ocidiff seccomp`: what runtimes really make of a profile, call by call.

pub(crate) mod args;
mod fix;
mod given;
mod spelling;

use ocidiff_model::filter::{ProfileLoaded, ProfileReport};
use ocidiff_model::{ExitStatus, RuntimeId};
use ocidiff_reports::{safe_json, terminal};
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::profile::Source;
use serde_json::Value;

use super::{output, signals};
use crate::cells::runner::{CellRunner, Recorder};
use crate::cells::threads;
use crate::error::Error;
use crate::judge::filters::{Filters, Undecided};
use crate::machine::root;
use crate::run::preflight;
use crate::run::readback::{Loaded, ReadBack, read_back};
use crate::run::suite::{self, Settings};
use args::{FixArg, SeccompArgs};
use fix::Answer;
use given::Given;

/// Loads, compares and explains; or cures.
pub(crate) fn seccomp(args: &SeccompArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::shared()?;
    let abilities = suite::abilities()?;
    let given = given::read(args, &corpus, abilities.machine.kernel.as_str())?;
    if args.caps.is_some() && given.source != Source::Engine {
        output::complain("--caps is for an engine's profile; this one is resolved already");
    }
    for line in spelling::unknown_names(&given.profile) {
        output::complain(&line);
    }
    root::need_root()?;
    let runtimes = suite::runtimes(&args.runtimes, &suite::store()?)?;
    let settings = Settings {
        program: suite::program()?,
        reference: args.reference.clone(),
        jobs: runtimes.len().clamp(1, 8),
        // Which of a runtime's own calls were refused is seen only by the recorder.
        recorder: Recorder::Auto,
        keep_setup: true,
        repeat: 1,
        limit_scale: 1,
        control: false,
        keep_hooks: false,
    };
    let answer = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let mut runner = suite::runner(corpus, runtimes, &settings, &abilities, signalled.stop.watch())?;
        let who: Vec<RuntimeId> = runner.contenders.iter().map(|one| one.id.clone()).collect();
        for line in given.said_by_annotations(&runner.corpus, &runner.machine, &who) {
            output::complain(&line);
        }
        let mut made = read_back(&runner, &given.value).await?;
        if made.iter().any(|one| !matches!(one.loaded, Loaded::Filters(_))) {
            // Some runtime does not load it: is it the profile, or does nothing start here?
            let left_out = preflight::plain(&mut runner).await?;
            left_out.iter().for_each(|sentence| output::complain(sentence));
            let takes_part = |one: &ReadBack| runner.contenders.iter().any(|other| other.id == one.runtime);
            made.retain(takes_part);
        }
        let mut filters = decided(&given, &made)?;
        match args.fix {
            None => tell(args, &given, &made, &mut filters),
            Some(how) => fix(&runner, &given, &made, &mut filters, how).await,
        }
    });
    let (text, found) = answer?;
    output::answer(&text, found)
}

/// Whether the cure of a config's profile does what it is for under all of the runner's runtimes.
pub(super) async fn helps(runner: &CellRunner, seccomp: &Value, how: FixArg) -> Result<bool, Error> {
    let Ok(profile) = serde_json::from_value::<Profile>(seccomp.clone()) else {
        return Ok(false);
    };
    let made = read_back(runner, seccomp).await?;
    let given = Given {
        name: "the container's profile".to_owned(),
        profile,
        value: seccomp.clone(),
        source: Source::Object,
        annotations: Value::Null,
    };
    let mut filters = decided(&given, &made)?;
    let proven = fix::prove(runner, &given.profile, &made, &mut filters, how).await?;
    Ok(matches!(proven.answer, Answer::Cured(_)))
}

/// The filters of all runtimes that have any.
fn decided(given: &Given, made: &[ReadBack]) -> Result<Filters, Error> {
    let wrong = |error: Undecided| Error::usage(format!("{}: failed to {error}", given.name));
    let mut filters = Filters::of_profile(given.profile.clone()).map_err(wrong)?;
    for one in made {
        if let Loaded::Filters(list) = &one.loaded {
            filters.add(&one.runtime.label, list).map_err(wrong)?;
        }
    }
    Ok(filters)
}

/// What is found, as text and as a status.
fn tell(
    args: &SeccompArgs,
    given: &Given,
    made: &[ReadBack],
    filters: &mut Filters,
) -> Result<(String, ExitStatus), Error> {
    let report = report(given, made, filters).map_err(Error::broken)?;
    let text = if args.json {
        let text = serde_json::to_string_pretty(&report).map_err(Error::broken)?;
        format!("{}\n", safe_json(&text))
    } else {
        terminal::profile(&report, &output::style())
    };
    let refused = report
        .runtimes
        .iter()
        .filter(|one| one.why_none.is_some())
        .count();
    let found = match (report.rows.is_empty(), refused) {
        // All of them refuse it: in that they agree.
        (true, refused) if refused == 0 || refused == made.len() => ExitStatus::Ok,
        _ => ExitStatus::Differs,
    };
    Ok((text, found))
}

fn report(given: &Given, made: &[ReadBack], filters: &mut Filters) -> Result<ProfileReport, Undecided> {
    let mut runtimes = Vec::new();
    for one in made {
        let label = &one.runtime.label;
        let (instructions, why_none) = match &one.loaded {
            Loaded::Filters(list) => (list.iter().map(|filter| filter.instructions).collect(), None),
            Loaded::Refused(said) => (Vec::new(), Some(format!("refused it: {said}"))),
            Loaded::Nothing => (Vec::new(), Some("loaded no filter".to_owned())),
            Loaded::NotBegun(said) => (
                Vec::new(),
                Some(format!("the workload did not begin under this profile: {said}")),
            ),
        };
        runtimes.push(ProfileLoaded {
            runtime: one.runtime.clone(),
            instructions,
            why_none,
            departures: filters.departures(label)?,
        });
    }
    Ok(ProfileReport {
        profile: given.name.clone(),
        runtimes,
        rows: filters.differences()?,
    })
}

async fn fix(
    runner: &CellRunner,
    given: &Given,
    made: &[ReadBack],
    filters: &mut Filters,
    how: FixArg,
) -> Result<(String, ExitStatus), Error> {
    let proven = fix::prove(runner, &given.profile, made, filters, how).await?;
    for line in &proven.told {
        output::complain(line);
    }
    if given.source == Source::Engine {
        output::complain("this is the profile as resolved for the container's capabilities: see --caps");
    }
    let profile = match proven.answer {
        Answer::Cured(profile) | Answer::NoNeed(profile) => profile,
        Answer::NoCure(why) => {
            output::complain(&format!("no cure: {why}; nothing is printed"));
            return Ok((String::new(), ExitStatus::Differs));
        }
    };
    let text = serde_json::to_string_pretty(&profile).map_err(Error::broken)?;
    Ok((format!("{}\n", safe_json(&text)), ExitStatus::Ok))
}
