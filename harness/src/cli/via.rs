//! `ocidiff run --via docker|podman|cri`, and `ocidiff clean --via docker|podman|cri`: the engine runs the containers.

mod engines;

use std::path::Path;
use std::sync::Arc;

use ocidiff_model::{ExitStatus, IgnoreList};

use self::engines::{Connected, Runtimes, Task};
use super::args::RunArgs;
use super::ending::Until;
use super::table::Table;
use super::teller::{Teller, run_all};
use super::via_args::ViaArgs;
use super::{output, signals};
use crate::cells::session::Session;
use crate::cells::threads;
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::machine::root;
use crate::run::schedule::Schedule;
use crate::run::stop::Stop;
use crate::run::suite;
use crate::via::ground::Ground;
use crate::via::makes::Makes;
use crate::via::registered::{self, Choice};
use crate::via::runner::EngineRunner;
use crate::via::{clean, labels};

/// The fact of a table if nothing else was asked for.
const TABLE: &str = "process.exit";

/// Runs the cases through the engine, or through several nodes, one after the other.
pub(crate) fn run(
    args: &RunArgs,
    corpus: Corpus,
    entries: Vec<Entry>,
    ignore: Option<IgnoreList>,
) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let each = args.via.each()?;
    if each.len() < 2 {
        let mut teller = Teller::new(args, entries.len(), ignore)?;
        let ran = threads::tokio()?.block_on(async {
            let signalled = signals::stop();
            let asked = Asked {
                args,
                corpus,
                entries,
                stop: &signalled.stop,
            };
            by_engine(asked, &mut teller).await
        });
        return teller.close(ran?);
    }
    for (option, given) in [("--json", &args.json), ("--records", &args.records)] {
        if given.is_some() {
            return Err(Error::usage(format!(
                "{option} takes what one node shows: run it for each --socket by itself"
            )));
        }
    }
    let each = each.into_iter().map(|via| RunArgs { via, ..args.clone() });
    nodes(&each.collect::<Vec<_>>(), &corpus, &entries, ignore.as_ref())
}

/// Runs the cases on each node, and returns the worst result.
fn nodes(
    each: &[RunArgs],
    corpus: &Corpus,
    entries: &[Entry],
    ignore: Option<&IgnoreList>,
) -> Result<ExitStatus, Error> {
    let mut table = Some(Table::of(each[0].table.as_deref().unwrap_or(TABLE))?);
    let mut worst = ExitStatus::Ok;
    let runtime = threads::tokio()?;
    let signalled = signals::stop();
    let (names, legend) = runtime.block_on(names(each))?;
    for (args, name) in each.iter().zip(names) {
        if signalled.stop.is_asked() {
            worst = ExitStatus::Broken;
            break;
        }
        let mut teller = Teller::new(args, entries.len(), ignore.cloned())?;
        teller.table = table.take().map(|table| table.at(name));
        let asked = Asked {
            args,
            corpus: corpus.clone(),
            entries: entries.to_vec(),
            stop: &signalled.stop,
        };
        let ran = runtime.block_on(by_engine(asked, &mut teller));
        table = teller.table.take();
        let exit = match ran {
            Ok(exit) => teller.close(exit)?,
            // The others can still be compared.
            Err(error) => {
                output::complain(&error.to_string());
                error.status()
            }
        };
        if exit.code() > worst.code() {
            worst = exit;
        }
    }
    let table = table.map(|table| table.text()).unwrap_or_default();
    output::answer(&format!("\n{table}{legend}"), worst)
}

/// The name of each node in a table: its containerd, or a number if two are alike, which is explained below the table:
/// with its socket, a row would be too wide. A node that does not answer is known before anything runs.
async fn names(each: &[RunArgs]) -> Result<(Vec<String>, String), Error> {
    let mut said = Vec::new();
    for args in each {
        let labels = labels("").map_err(Error::broken)?;
        said.push(args.via.hand_to(Said, labels, Path::new("")).await?);
    }
    let (mut names, mut legend) = (Vec::new(), String::new());
    for (at, (args, one)) in each.iter().zip(&said).enumerate() {
        let short = one.strip_prefix("cri ").unwrap_or(one);
        let is_one_of_two = said.iter().filter(|other| *other == one).count() > 1;
        let Some(socket) = args.via.socket().filter(|_| is_one_of_two) else {
            names.push(short.to_owned());
            continue;
        };
        let name = format!("node {}", at + 1);
        legend += &format!("\n{name}: {short} at {}", socket.display());
        names.push(name);
    }
    if !legend.is_empty() {
        legend.push('\n');
    }
    Ok((names, legend))
}

async fn by_engine(asked: Asked<'_>, teller: &mut Teller) -> Result<ExitStatus, Error> {
    let via = &asked.args.via;
    let session = via.session()?;
    let labels = labels(session.name()).map_err(Error::broken)?;
    let folder = session.folder().to_owned();
    let cases = Cases {
        asked,
        session,
        teller,
    };
    via.hand_to(cases, labels, &folder).await
}

/// Runs the cases.
struct Cases<'a> {
    asked: Asked<'a>,
    session: Session,
    teller: &'a mut Teller,
}

impl Task for Cases<'_> {
    type Outcome = ExitStatus;

    async fn with<M: Makes>(self, engine: Connected<M>) -> Result<ExitStatus, Error> {
        through(self.asked, engine, self.session, self.teller).await
    }
}

/// What is to be run.
struct Asked<'a> {
    args: &'a RunArgs,
    corpus: Corpus,
    entries: Vec<Entry>,
    stop: &'a Stop,
}

async fn through<M: Makes>(
    asked: Asked<'_>,
    engine: Connected<M>,
    mut session: Session,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let (args, stop) = (asked.args, asked.stop);
    let mut abilities = suite::abilities()?;
    let (named, reference) = (&args.with.runtimes, args.with.reference.as_deref());
    let mut taking_part = match &engine.runtimes {
        Runtimes::Registered { all, remedy } => {
            let choice = Choice {
                engine: &engine.name,
                all,
                named,
                remedy,
            };
            registered::choose(choice, reference)?
        }
        Runtimes::Any => registered::any(named, reference)?,
    };
    let lines = taking_part.left_out.iter().chain(&taking_part.unknown);
    lines.for_each(|one| output::complain(one));
    session
        .hold_parents(&engine.maker.cgroup_parents(), args.via.cgroup_parent.is_some())
        .map_err(Error::broken)?;
    let left = tokio::select! {
        left = clean::stale(&engine.maker) => left.map_err(Error::broken)?,
        () = stop.signalled() => return Err(Error::broken("interrupted")),
    };
    tell_cleaned(&left, false);
    let started = tokio::select! {
        silent = taking_part.without_silent(&engine.maker) => Some(silent),
        () = stop.signalled() => None,
    };
    let Some(silent) = started else {
        let _ = clean::own(&engine.maker, 0, clean::Patience::HURRY).await;
        return Err(Error::broken("interrupted"));
    };
    let silent = silent?;
    silent.sentences.iter().for_each(|one| output::complain(one));
    let repeat = u32::from(args.repeat);
    let ground = Ground::new(
        asked.corpus,
        &abilities,
        &engine.said,
        repeat,
        session,
        stop.watch(),
    )?;
    abilities.machine.via = Some(engine.said);
    let runner = EngineRunner::new(engine.maker, taking_part.contenders, ground);
    runner.expect(silent.unanswered);
    let schedule = Schedule {
        runner: Arc::new(runner),
        abilities: &abilities,
        width: args.with.jobs(),
        stop: stop.clone(),
        bundle: None,
    };
    run_all(
        schedule,
        asked.entries,
        Until::of(args, silent.sentences.len() + taking_part.left_out.len()),
        teller,
    )
    .await
}

/// Removes what killed runs left.
struct Stale;

impl Task for Stale {
    type Outcome = clean::Cleaned;

    async fn with<M: Makes>(self, engine: Connected<M>) -> Result<clean::Cleaned, Error> {
        clean::stale(&engine.maker).await.map_err(Error::broken)
    }
}

/// What an engine calls itself.
struct Said;

impl Task for Said {
    type Outcome = String;

    async fn with<M: Makes>(self, engine: Connected<M>) -> Result<String, Error> {
        Ok(engine.said)
    }
}

/// Removes what killed runs left in the engine, or on each node, and says whether nothing was there.
pub(crate) fn clean(args: &ViaArgs) -> Result<(ExitStatus, bool), Error> {
    let each = args.each()?;
    threads::tokio()?.block_on(async {
        let (mut exit, mut is_clean) = (ExitStatus::Ok, true);
        for args in each {
            let labels = labels("").map_err(Error::broken)?;
            let cleaned = args.hand_to(Stale, labels, Path::new("")).await?;
            tell_cleaned(&cleaned, true);
            is_clean &= cleaned.is_nothing();
            if !cleaned.failed.is_empty() {
                exit = ExitStatus::Broken;
            }
        }
        Ok((exit, is_clean))
    })
}

fn tell_cleaned(cleaned: &clean::Cleaned, asked: bool) {
    let clean::Cleaned {
        containers,
        images,
        imports,
        ..
    } = cleaned;
    if asked || containers + images + imports > 0 {
        let begun = match imports {
            0 => String::new(),
            some => format!(", and {some} imports that had begun,"),
        };
        output::complain(&format!(
            "removed {containers} containers and {images} images{begun} of killed runs from the engine"
        ));
    }
    for failed in &cleaned.failed {
        output::complain(&format!("failed to remove {failed}"));
    }
    if asked {
        for other in &cleaned.others {
            output::complain(&format!(
                "{other} is another machine's, boot's or pid namespace's: left as it is"
            ));
        }
    }
}
