//! `ocidiff run --via docker|cri`, and `ocidiff clean --via docker|cri`: the engine does the running.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ocidiff_model::{ExitStatus, IgnoreList};
use ocidiff_runtimes::engines::{Options, Which};
use ocidiff_runtimes::via::{Labels, Registered, Remote};
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
use crate::run::stop::Stop;
use crate::run::suite;
use crate::via::pods::Pods;
use crate::via::{Makes, Via, clean, labels};

/// Which engine.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ViaArgs {
    /// Let this engine make the containers, with each runtime that is registered with it
    #[arg(long, value_name = "ENGINE")]
    pub(crate) via: Option<ViaEngine>,
    /// The engine's socket; the default is DOCKER_HOST, or CONTAINER_RUNTIME_ENDPOINT for CRI, then the
    /// usual places
    #[arg(long, value_name = "PATH", requires = "via")]
    pub(crate) socket: Option<PathBuf>,
    /// The --exec-root of a dockerd that you started yourself
    #[arg(long, value_name = "DIR", requires = "via")]
    pub(crate) exec_root: Option<PathBuf>,
    /// The parent of the pods' cgroups; the default is the engine's own
    #[arg(long, value_name = "PATH", requires = "via")]
    pub(crate) cgroup_parent: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViaEngine {
    /// Docker, by its API
    Docker,
    /// The node's CRI runtime, by the kubelet's protocol: pods under each runtime handler of containerd
    Cri,
}

/// How long a call of an engine may take.
const CALL: Duration = Duration::from_secs(60);

/// An engine that answers.
struct Connected<M> {
    maker: M,
    /// What people call it: `docker`.
    name: String,
    /// With its version, as records and known files have it.
    said: String,
    runtimes: Vec<Registered>,
    /// How one more is registered.
    remedy: &'static str,
}

impl ViaArgs {
    async fn docker(&self, labels: Labels) -> Result<Connected<Remote>, Error> {
        let options = Options {
            which: Which::Docker,
            socket: self.socket.clone(),
            docker_host: std::env::var("DOCKER_HOST").ok(),
            exec_root: self.exec_root.clone(),
            call_limit: CALL,
            ..Options::default()
        };
        let remote = Remote::connect(&options, labels).await;
        let remote = remote.map_err(|error| Error::usage(format!("failed to {error}")))?;
        if remote.name != "docker" {
            return Err(Error::usage(format!(
                "{} runs every container under the same runtime: `--via` takes docker",
                remote.name
            )));
        }
        Ok(Connected {
            name: remote.name.clone(),
            said: format!("{} {}", remote.name, remote.version),
            runtimes: remote.runtimes.clone(),
            remedy: "start its daemon with --add-runtime NAME=/path/to/binary",
            maker: remote,
        })
    }

    async fn cri(&self, labels: Labels, folder: &Path) -> Result<Connected<Pods>, Error> {
        let socket = self
            .socket
            .clone()
            .unwrap_or_else(ocidiff_cri::node::usual_socket);
        let pods = Pods::connect(&socket, CALL, labels, folder, self.cgroup_parent.clone()).await;
        let pods = pods.map_err(|error| Error::usage(format!("failed to use CRI: {error}")))?;
        if pods.name() != "containerd" {
            return Err(Error::usage(format!(
                "{} has no call that takes an image without a registry: `--via cri` takes containerd",
                pods.name()
            )));
        }
        let runtimes = pods.node.handlers.iter().map(|one| Registered {
            name: one.name.clone(),
            program: one.program.clone(),
        });
        Ok(Connected {
            name: pods.name().to_owned(),
            said: format!("cri {}", pods.said()),
            runtimes: runtimes.collect(),
            remedy: "add [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.NAME] to its config.toml, with \
                     BinaryName below its options",
            maker: pods,
        })
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
        let session = Session::start().map_err(Error::broken)?;
        let labels = labels(session.name()).map_err(Error::broken)?;
        let asked = Asked {
            args,
            corpus,
            entries,
            ignore,
            stop: &signalled.stop,
        };
        match args.via.via {
            Some(ViaEngine::Cri) => {
                let engine = args.via.cri(labels, session.folder()).await?;
                through(asked, engine, session, &mut teller).await
            }
            _ => {
                let engine = args.via.docker(labels).await?;
                through(asked, engine, session, &mut teller).await
            }
        }
    });
    teller.close(ran?)
}

/// What is to be run.
struct Asked<'a> {
    args: &'a RunArgs,
    corpus: Corpus,
    entries: Vec<Entry>,
    ignore: Option<IgnoreList>,
    stop: &'a Stop,
}

async fn through<M: Makes>(
    asked: Asked<'_>,
    engine: Connected<M>,
    session: Session,
    teller: &mut Teller,
) -> Result<ExitStatus, Error> {
    let (args, stop) = (asked.args, asked.stop);
    let mut abilities = suite::abilities()?;
    let contenders = participants(&engine, &args.with.runtimes, args.with.reference.as_deref())?;
    let left = clean::stale(&engine.maker).await.map_err(Error::broken)?;
    tell_cleaned(&left, false);
    let builder = Builder::new(session.folder(), suite::store()?);
    builder.probe().map_err(Error::broken)?;
    abilities.machine.via = Some(engine.said);
    let judge = Judge {
        corpus: Arc::new(asked.corpus),
        machine: abilities.machine.clone(),
        tells_gone: false,
        origin: Origin::Control,
        repeat: u32::from(args.repeat),
        newest: Newest::default(),
    };
    let via = Via::new(engine.maker, contenders, judge, builder, session, stop.watch());
    let via = Arc::new(via);
    let schedule = Schedule {
        engine: Arc::clone(&via),
        abilities: &abilities,
        width: usize::from(args.with.jobs),
        stop: stop.clone(),
        bundle: None,
    };
    let count = asked.entries.len();
    let start = start_event(
        via.participants(),
        &abilities.machine,
        "none",
        count,
        asked.ignore,
    );
    let ran = run_all(schedule, start, asked.entries, Until::of(args, 0), teller).await;
    // Whatever came of it: nothing stays in the engine.
    via.close()
        .await
        .map_err(|why| Error::broken(format!("failed to remove what was made in the engine: {why}")))?;
    ran
}

/// The runtimes that the engine has registered and a manifest knows, or those of them that are named; the reference first.
fn participants<M>(
    remote: &Connected<M>,
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
            "comparing takes two runtimes that ocidiff knows, and {} has {} registered: {}, NAME being that of a \
             manifest ({})",
            remote.name,
            all.join(", "),
            remote.remedy,
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
        let labels = labels("").map_err(Error::broken)?;
        let cleaned = match args.via {
            Some(ViaEngine::Cri) => clean::stale(&args.cri(labels, Path::new("")).await?.maker).await,
            _ => clean::stale(&args.docker(labels).await?.maker).await,
        };
        let cleaned = cleaned.map_err(Error::broken)?;
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
