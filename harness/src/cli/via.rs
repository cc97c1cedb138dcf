//! `ocidiff run --via docker|podman|cri`, and `ocidiff clean --via docker|podman|cri`: the engine runs the containers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ocidiff_engines::commands::Commands;
use ocidiff_engines::remote::{Labels, Registered, Remote};
use ocidiff_engines::{Options, Which};
use ocidiff_model::{ExitStatus, IgnoreList};

use super::args::RunArgs;
use super::ending::Until;
use super::table::Table;
use super::teller::{Teller, run_all};
use super::via_args::{ViaArgs, ViaEngine};
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
use crate::via::podman::Podman;
use crate::via::pods::Pods;
use crate::via::registered::{self, Choice};
use crate::via::runner::EngineRunner;
use crate::via::{clean, labels};

/// How long a call of an engine may take.
const CALL: Duration = Duration::from_secs(60);

/// An engine that answers.
struct Connected<M> {
    maker: M,
    /// What people call it: `docker`.
    name: String,
    /// With its version, as in records and known files.
    said: String,
    runtimes: Runtimes,
}

/// Under which runtimes an engine makes containers.
enum Runtimes {
    /// Those that are registered with it.
    Registered {
        all: Vec<Registered>,
        /// How to register another one.
        remedy: &'static str,
    },
    /// Any, by its path.
    Any,
}

impl ViaArgs {
    async fn docker(&self, labels: Labels) -> Result<Connected<Remote>, Error> {
        let options = Options {
            which: Which::Docker,
            socket: self.socket(),
            docker_host: std::env::var("DOCKER_HOST").ok(),
            exec_root: self.exec_root.clone(),
            call_limit: CALL,
            ..Options::default()
        };
        let remote = Remote::connect(&options, labels).await;
        let remote = remote.map_err(|error| Error::usage(format!("failed to {error}")))?;
        if remote.name != "docker" {
            return Err(Error::usage(format!(
                "{} runs every container under the same runtime: `--via podman` calls it by its command line",
                remote.name
            )));
        }
        Ok(Connected {
            name: remote.name.clone(),
            said: format!("{} {}", remote.name, remote.version),
            runtimes: Runtimes::Registered {
                all: remote.runtimes.clone(),
                remedy: "start its daemon with --add-runtime NAME=/path/to/binary",
            },
            maker: remote,
        })
    }

    async fn podman(&self, labels: Labels, folder: &Path) -> Result<Connected<Podman>, Error> {
        let given = [
            ("--socket", !self.sockets.is_empty()),
            ("--exec-root", self.exec_root.is_some()),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::usage(format!(
                "{option} is not for podman, which is called by its command line: CONTAINERS_STORAGE_CONF names another storage"
            )));
        }
        let commands = Commands::connect(labels, CALL).await;
        let commands = commands.map_err(|error| Error::usage(format!("failed to {error}")))?;
        Ok(Connected {
            name: "podman".to_owned(),
            said: format!("podman {}", commands.version),
            runtimes: Runtimes::Any,
            maker: Podman::new(commands, folder, self.cgroup_parent.clone()),
        })
    }

    async fn cri(&self, labels: Labels, folder: &Path) -> Result<Connected<Pods>, Error> {
        let socket = self.socket().unwrap_or_else(ocidiff_cri::node::usual_socket);
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
            runtimes: Runtimes::Registered {
                all: runtimes.collect(),
                remedy: "add [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.NAME] to its config.toml, with \
                         BinaryName below its options",
            },
            maker: pods,
        })
    }
}

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
        said.push(args.via.cri(labels, Path::new("")).await?.said);
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
    let session = match via.via {
        Some(ViaEngine::Cri) => Session::start_beside_engine(),
        _ => Session::start(),
    };
    let session = session.map_err(Error::broken)?;
    let labels = labels(session.name()).map_err(Error::broken)?;
    match via.via {
        Some(ViaEngine::Cri) => {
            let engine = via.cri(labels, session.folder()).await?;
            through(asked, engine, session, teller).await
        }
        Some(ViaEngine::Podman) => {
            let engine = via.podman(labels, session.folder()).await?;
            through(asked, engine, session, teller).await
        }
        _ => {
            let engine = via.docker(labels).await?;
            through(asked, engine, session, teller).await
        }
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
    session: Session,
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
    let parents = session.parents(&engine.maker.cgroup_parents());
    let _parents = parents.map_err(Error::broken)?;
    let left = clean::stale(&engine.maker).await.map_err(Error::broken)?;
    tell_cleaned(&left, false);
    let silent = taking_part.without_silent(&engine.maker).await?;
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

/// Removes what killed runs left in the engine, or on each node.
pub(crate) fn clean(args: &ViaArgs) -> Result<ExitStatus, Error> {
    let each = args.each()?;
    threads::tokio()?.block_on(async {
        let mut exit = ExitStatus::Ok;
        for args in each {
            let labels = labels("").map_err(Error::broken)?;
            let cleaned = match args.via {
                Some(ViaEngine::Cri) => clean::stale(&args.cri(labels, Path::new("")).await?.maker).await,
                Some(ViaEngine::Podman) => {
                    clean::stale(&args.podman(labels, Path::new("")).await?.maker).await
                }
                _ => clean::stale(&args.docker(labels).await?.maker).await,
            };
            let cleaned = cleaned.map_err(Error::broken)?;
            tell_cleaned(&cleaned, true);
            if !cleaned.failed.is_empty() {
                exit = ExitStatus::Broken;
            }
        }
        Ok(exit)
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
