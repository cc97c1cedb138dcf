//! The engines of `--via`: each one that is asked for is greeted here, and nothing else depends on which it is.

use std::path::Path;
use std::time::Duration;

use ocidiff_cri::Error as CriError;
use ocidiff_engines::commands::Commands;
use ocidiff_engines::remote::{Labels, Registered, Remote};
use ocidiff_engines::{EngineError, Options, Which};

use crate::cells::session::Session;
use crate::cli::via_args::{ViaArgs, ViaEngine};
use crate::error::Error;
use crate::run::suite;
use crate::via::makes::Makes;
use crate::via::podman::Podman;
use crate::via::pods::Pods;

/// How long a call of an engine may take.
const CALL: Duration = Duration::from_secs(60);

/// An engine that answers.
pub(super) struct Connected<M> {
    pub(super) maker: M,
    /// What people call it: `docker`.
    pub(super) name: String,
    /// With its version, as in records and known files.
    pub(super) said: String,
    pub(super) runtimes: Runtimes,
}

/// Under which runtimes an engine makes containers.
pub(super) enum Runtimes {
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
        let remote = remote.map_err(|error| unanswered(&error))?;
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
        let commands = commands.map_err(|error| unanswered(&error))?;
        let raises_limits = suite::abilities()?.has("CAP_SYS_RESOURCE");
        Ok(Connected {
            name: "podman".to_owned(),
            said: format!("podman {}", commands.version),
            runtimes: Runtimes::Any,
            maker: Podman::new(commands, folder, self.cgroup_parent.clone(), raises_limits),
        })
    }

    async fn cri(&self, labels: Labels, folder: &Path) -> Result<Connected<Pods>, Error> {
        let socket = match self.socket() {
            Some(socket) => socket,
            None => ocidiff_cri::node::usual_socket().map_err(|error| no_pods(&error))?,
        };
        let pods = Pods::connect(&socket, CALL, labels, folder, self.cgroup_parent.clone()).await;
        let pods = pods.map_err(|error| no_pods(&error))?;
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

/// What is done with an engine, whichever it is.
pub(super) trait Task {
    /// What comes of it.
    type Outcome;

    /// Does it.
    async fn with<M: Makes>(self, engine: Connected<M>) -> Result<Self::Outcome, Error>;
}

impl ViaArgs {
    /// The session of a run through the engine.
    pub(super) fn session(&self) -> Result<Session, Error> {
        let session = match self.via {
            Some(ViaEngine::Cri) => Session::start_beside_engine(),
            Some(ViaEngine::Docker | ViaEngine::Podman) | None => Session::start(),
        };
        session.map_err(Error::broken)
    }

    /// Greets the engine that is asked for, Docker if none is, and does something with it; `folder` takes its files.
    pub(super) async fn hand_to<T: Task>(
        &self,
        task: T,
        labels: Labels,
        folder: &Path,
    ) -> Result<T::Outcome, Error> {
        match self.via {
            Some(ViaEngine::Cri) => task.with(self.cri(labels, folder).await?).await,
            Some(ViaEngine::Podman) => task.with(self.podman(labels, folder).await?).await,
            Some(ViaEngine::Docker) | None => task.with(self.docker(labels).await?).await,
        }
    }
}

/// An engine that is there and does not answer is a failure of the machine; to name one that is not there is a mistake.
fn unanswered(error: &EngineError) -> Error {
    let said = format!("failed to {error}");
    match error {
        EngineError::Silent { .. } => Error::broken(said),
        EngineError::Absent { .. }
        | EngineError::Socket { .. }
        | EngineError::Endpoint(_)
        | EngineError::Host { .. } => Error::usage(said),
    }
}

fn no_pods(error: &CriError) -> Error {
    let said = format!("failed to use CRI: {error}");
    match error {
        CriError::Silent { .. } | CriError::Late { .. } => Error::broken(said),
        _ => Error::usage(said),
    }
}
