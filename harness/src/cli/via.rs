//! `ocidiff run --via docker`, and `ocidiff clean --via docker`: the engine does the running.

use std::sync::Arc;

use ocidiff_engines::remote::Remote;
use ocidiff_engines::{Options, Which};
use ocidiff_model::{ExitStatus, IgnoreList};

use super::args::{RunArgs, ViaArgs};
use super::ending::Until;
use super::teller::{Teller, run_all};
use super::{output, signals};
use crate::cells::session::Session;
use crate::cells::threads;
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::machine::root;
use crate::run::schedule::Schedule;
use crate::run::suite;
use crate::via::docker::{DockerRunner, clean};
use crate::via::ground::Ground;
use crate::via::{labels, registered};

async fn connect(args: &ViaArgs, run: &str) -> Result<Remote, Error> {
    let options = Options {
        which: Which::Docker,
        socket: args.socket.clone(),
        docker_host: std::env::var("DOCKER_HOST").ok(),
        exec_root: args.exec_root.clone(),
        call_limit: std::time::Duration::from_secs(60),
        ..Options::default()
    };
    let labels = labels(run).map_err(Error::broken)?;
    let remote = Remote::connect(&options, labels).await;
    let remote = remote.map_err(|error| Error::usage(format!("failed to {error}")))?;
    if remote.name != "docker" {
        return Err(Error::usage(format!(
            "{} runs every container under the same runtime: `--via` takes docker",
            remote.name
        )));
    }
    Ok(remote)
}

/// Runs the cases through the engine.
pub(crate) fn run(
    args: &RunArgs,
    corpus: Corpus,
    entries: Vec<Entry>,
    ignore: Option<IgnoreList>,
) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let mut teller = Teller::new(args, entries.len(), ignore)?;
    let ran = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let session = Session::start().map_err(Error::broken)?;
        let remote = connect(&args.via, session.name()).await?;
        let engine = format!("{} {}", remote.name, remote.version);
        let taking_part = registered::choose(
            &remote.name,
            &remote.runtimes,
            &args.with.runtimes,
            args.with.reference.as_deref(),
        )?;
        taking_part.left_out.iter().for_each(|one| output::complain(one));
        let left = clean::stale(&remote).await.map_err(Error::broken)?;
        tell_cleaned(&left, false);
        let repeat = u32::from(args.repeat);
        let ground = Ground::new(corpus, &abilities, &engine, repeat, session, stop.watch())?;
        let schedule = Schedule {
            runner: Arc::new(DockerRunner::new(remote, taking_part.contenders, ground)),
            abilities: &abilities,
            width: usize::from(args.with.jobs),
            stop: stop.clone(),
            bundle: None,
        };
        run_all(schedule, entries, Until::of(args, 0), &mut teller).await
    });
    teller.close(ran?)
}

/// Removes what killed runs left in the engine.
pub(crate) fn clean(args: &ViaArgs) -> Result<ExitStatus, Error> {
    threads::tokio()?.block_on(async {
        let remote = connect(args, "").await?;
        let cleaned = clean::stale(&remote).await.map_err(Error::broken)?;
        tell_cleaned(&cleaned, true);
        Ok(if cleaned.failed.is_empty() {
            ExitStatus::Ok
        } else {
            ExitStatus::Broken
        })
    })
}

fn tell_cleaned(cleaned: &clean::Cleaned, asked: bool) {
    if asked || cleaned.containers + cleaned.images > 0 {
        output::complain(&format!(
            "removed {} containers and {} images of killed runs from the engine",
            cleaned.containers, cleaned.images
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
