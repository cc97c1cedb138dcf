//! Which engines' containers a command is about, as it can be typed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ocidiff_engines::{Options, Which};

/// Where containers are looked for.
#[derive(Debug, Clone, Args)]
pub(crate) struct FromArgs {
    /// The engine whose containers are meant; auto means every engine on this machine. The default is none if
    /// bundles are given, or else auto
    #[arg(long, value_name = "ENGINE", value_parser = engine())]
    pub(crate) engine: Option<Which>,
    /// The engine's socket; the default is DOCKER_HOST, or CONTAINER_RUNTIME_ENDPOINT for `--engine cri`,
    /// then the usual places
    #[arg(long, value_name = "PATH", value_parser = socket)]
    pub(crate) socket: Option<PathBuf>,
    /// The --exec-root of a dockerd that you started yourself
    #[arg(long, value_name = "DIR")]
    pub(crate) exec_root: Option<PathBuf>,
}

impl FromArgs {
    /// What to ask engines for.
    pub(crate) fn options(&self, names: Vec<String>) -> Options {
        Options {
            which: self.engine.unwrap_or_default(),
            socket: self.socket.clone(),
            docker_host: std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()),
            exec_root: self.exec_root.clone(),
            names,
            ..Options::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    /// The container, by name, by id or by the beginning of its id
    #[arg(value_name = "CONTAINER", required_unless_present = "bundle", conflicts_with = "bundle",
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) container: Option<String>,
    #[command(flatten)]
    pub(crate) from_whom: FromArgs,
    /// An OCI bundle (config.json and rootfs) instead of a container
    #[arg(long, value_name = "DIR", conflicts_with_all = ["engine", "socket", "exec_root"])]
    pub(crate) bundle: Option<PathBuf>,
    /// Take the bundle's rootfs from wherever its root.path leads; without this, only what lies in the
    /// bundle is taken
    #[arg(long, requires = "bundle")]
    pub(crate) outside_root: bool,
    /// Use this recipe from cases/rootfs instead of the container's own rootfs; with `probe` the case runs
    /// anywhere
    #[arg(long, value_name = "NAME")]
    pub(crate) rootfs: Option<String>,
    /// Keep the container's own command, which may hold secrets; without this, the probe takes its place
    #[arg(long)]
    pub(crate) command: bool,
}

/// The path of an engine's socket, written as a path or as a `unix://` URL.
pub(super) fn socket(text: &str) -> Result<PathBuf, String> {
    let path = ocidiff_cri::node::of_endpoint(text);
    path.ok_or_else(|| "a socket is a path on this node, or unix:// and an absolute path".to_owned())
}

/// The words for engines.
fn engine() -> impl TypedValueParser<Value = Which> {
    PossibleValuesParser::new(Which::WORDS.map(|(word, _)| word)).try_map(|word| word.parse::<Which>())
}
