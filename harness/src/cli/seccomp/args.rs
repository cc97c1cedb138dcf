//! The arguments of `ocidiff seccomp`.

use clap::{Args, ValueEnum};

use super::super::help;

#[derive(Debug, Args)]
#[command(after_long_help = help::SECCOMP)]
pub(crate) struct SeccompArgs {
    /// A config.json, its linux.seccomp object, an engine's profile (Docker's default.json,
    /// containers-common's seccomp.json), `-` for stdin, or the name of a profile under cases/profiles
    pub(crate) profile: String,
    /// A runtime: NAME, NAME@VERSION or NAME=/path/to/binary; repeatable; the first is the reference
    #[arg(long = "runtime", value_name = "RUNTIME")]
    pub(crate) runtimes: Vec<String>,
    /// The runtime that the others are compared with
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) reference: Option<String>,
    /// The container's capabilities, for an engine's profile: `CAP_SYS_ADMIN,CAP_CHOWN`, or an empty string
    /// for none; the default is Docker's fourteen
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) caps: Option<Vec<String>>,
    /// The kernel, for an engine's profile: X.Y; the default is this machine's
    #[arg(long, value_name = "X.Y")]
    pub(crate) kernel: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "fix")]
    pub(crate) json: bool,
    /// Print the profile, changed so that all runtimes read it alike, if that can be proven
    #[arg(long, value_name = "HOW")]
    pub(crate) fix: Option<FixArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FixArg {
    /// Calls that the profile does not know get ENOSYS; what was denied on purpose stays denied
    Enosys,
    /// The same as enosys; also, calls that programs are known to make are allowed if older calls of the same
    /// power are, and so are calls that runtimes make themselves once the filter is loaded
    Allow,
}
