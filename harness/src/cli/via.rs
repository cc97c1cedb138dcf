//! `ocidiff run --via docker`, and `ocidiff clean --via docker`: the engine does the running.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ocidiff_model::known::Machine;
use ocidiff_model::{ExitStatus, IgnoreList};
use ocidiff_runtimes::engines::{Options, Which};
use ocidiff_runtimes::via::Remote;
use ocidiff_runtimes::{Manifest, Runtime, registered};

use super::args::RunArgs;
use super::ending::Until;
use super::run::{Teller, run_all, start_event};
use super::{output, signals};
use crate::bundle::Builder;
use crate::cells::participants::{Contender, contenders};
use crate::cells::session::Session;
use crate::cells::threads;
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::judge::confirm::{Judge, Origin};
use crate::judge::fixed::Newest;
use crate::machine::root;
use crate::run::schedule::Schedule;
use crate::run::suite;
use crate::via::{Via, clean, labels};

/// Which engine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ViaArgs {
    /// Let this engine make the containers, with each runtime that is registered with it
    #[arg(long, value_name = "ENGINE")]
    pub(crate) via: Option<ViaEngine>,
    /// The engine's API socket; the default is DOCKER_HOST, then the usual places
    #[arg(long, value_name = "PATH", requires = "via")]
    pub(crate) socket: Option<PathBuf>,
    /// The --exec-root of a dockerd that you started yourself
    #[arg(long, value_name = "DIR", requires = "via")]
    pub(crate) exec_root: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaEngine {
    /// Docker
    Docker,
}

impl ViaArgs {
    async fn connect(&self, run: &str) -> Result<Remote, Error> {
        let options = Options {
            which: Which::Docker,
            socket: self.socket.clone(),
            docker_host: std::env::var("DOCKER_HOST").ok(),
            exec_root: self.exec_root.clone(),
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
}

/// Runs the cases through the engine.
pub(crate) fn run(
    args: &RunArgs,
    corpus: Corpus,
    entries: Vec<Entry>,
    ignore: Option<IgnoreList>,
) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let mut teller = Teller::new(args, entries.len(), ignore.clone())?;
    let ran = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let session = Session::start().map_err(Error::broken)?;
        let remote = args.via.connect(session.name()).await?;
        let contenders = participants(&remote, &args.with.runtimes, args.with.reference.as_deref())?;
        let left = clean::stale(&remote).await.map_err(Error::broken)?;
        tell_cleaned(&left, false);
        let builder = Builder::new(session.folder(), suite::store()?);
        builder.probe().map_err(Error::broken)?;
        let machine = Machine {
            via: Some(format!("{} {}", remote.name, remote.version)),
            ..abilities.machine.clone()
        };
        let judge = Judge {
            corpus: Arc::new(corpus),
            machine: machine.clone(),
            tells_gone: false,
            origin: Origin::Control,
            repeat: u32::from(args.repeat),
            newest: Newest::default(),
        };
        let via = Arc::new(Via::new(
            remote,
            contenders,
            judge,
            builder,
            session,
            stop.watch(),
        ));
        let schedule = Schedule {
            engine: Arc::clone(&via),
            abilities: &abilities,
            width: args.with.jobs(),
            stop: stop.clone(),
            bundle: None,
        };
        let start = start_event(via.participants(), &machine, "none", entries.len(), ignore);
        let ran = run_all(schedule, start, entries, Until::of(args, 0), &mut teller).await;
        // Whatever came of it: nothing stays in the engine.
        via.close()
            .await
            .map_err(|why| Error::broken(format!("failed to remove what was made in the engine: {why}")))?;
        ran
    });
    teller.close(ran?)
}

/// The runtimes that the engine has registered and a manifest knows, or those of them that are named; the reference first.
fn participants(
    remote: &Remote,
    named: &[String],
    reference: Option<&str>,
) -> Result<Vec<(Contender, String)>, Error> {
    let (manifests, ask) = (suite::manifests()?, suite::asker()?);
    let all: Vec<&str> = remote.runtimes.iter().map(|one| one.name.as_str()).collect();
    if let Some(unknown) = named.iter().find(|name| !all.contains(&name.as_str())) {
        return Err(Error::usage(format!(
            "{} has no runtime `{unknown}`: it has {}",
            remote.name,
            all.join(", ")
        )));
    }
    let mut chosen: Vec<(Runtime, String)> = Vec::new();
    for manifest in &manifests {
        for one in remote
            .runtimes
            .iter()
            .filter(|one| is_called(manifest, &one.name))
        {
            if !named.is_empty() && !named.contains(&one.name) {
                continue;
            }
            let Some(program) = &one.program else {
                output::complain(&format!(
                    "{}: {} does not name its program: left out",
                    one.name, remote.name
                ));
                continue;
            };
            match registered(manifest, program, &suite::store()?, &ask) {
                // Two names for one program.
                Ok(runtime) if chosen.iter().any(|(other, _)| other.path == runtime.path) => {}
                Ok(runtime) => chosen.push((runtime, one.name.clone())),
                Err(error) => output::complain(&format!("{}: failed to {error}: left out", one.name)),
            }
        }
    }
    if !named.is_empty() {
        chosen.sort_by_key(|(_, name)| named.iter().position(|other| other == name));
    }
    if chosen.len() < 2 {
        return Err(Error::usage(format!(
            "comparing takes two runtimes that ocidiff knows, and {} has {} registered: start its daemon with \
             --add-runtime NAME=/path/to/binary, NAME being that of a manifest ({})",
            remote.name,
            all.join(", "),
            manifests
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )));
    }
    let names: Vec<(PathBuf, String)> = chosen
        .iter()
        .map(|(runtime, name)| (runtime.path.clone(), name.clone()))
        .collect();
    let runtimes = chosen.into_iter().map(|(runtime, _)| runtime).collect();
    let contenders = contenders(runtimes, reference).map_err(Error::usage)?;
    let with_name = |contender: Contender| {
        let (_, name) = names.iter().find(|(path, _)| *path == contender.runtime.path)?;
        Some((contender, name.clone()))
    };
    Ok(contenders.into_iter().filter_map(with_name).collect())
}

/// `NAME`, or `NAME` and what tells versions apart: `NAME-1.2`, `NAME@1.2`.
fn is_called(manifest: &Manifest, name: &str) -> bool {
    let rest = name.strip_prefix(manifest.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '@']))
}

/// Removes what killed runs left in the engine.
pub(crate) fn clean(args: &ViaArgs) -> Result<ExitStatus, Error> {
    threads::tokio()?.block_on(async {
        let remote = args.connect("").await?;
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
