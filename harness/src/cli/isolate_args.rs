//! What can be typed about a virtual machine around a run.

use clap::{Args, ValueEnum};

/// Where cells are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct IsolateArgs {
    /// Run everything in a virtual machine that has nothing from this one except the runtimes and what is
    /// run; it is emulated, and 20 to 50 times slower
    #[arg(long, value_name = "HOW", conflicts_with_all = ["via", "records", "changed", "outside_root"])]
    pub(crate) isolate: Option<IsolateArg>,
    /// The virtual machine's kernel, by its series (see `ocidiff kernels`); the default is the newest one
    /// that is installed
    #[arg(long, value_name = "SERIES", requires = "isolate")]
    pub(crate) kernel: Option<String>,
    /// The virtual machine's cgroup version
    #[arg(long, value_name = "VERSION", requires = "isolate", default_value = "v2")]
    pub(crate) cgroup: CgroupArg,
    /// How many processors the virtual machine has
    #[arg(long, value_name = "N", requires = "isolate", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) cpus: u16,
    /// Let the virtual machine use /dev/kvm: it is then as fast as this one, but no longer emulated
    #[arg(long, requires = "isolate")]
    pub(crate) kvm: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolateArg {
    /// A virtual machine under qemu
    Vm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CgroupArg {
    /// One hierarchy for each controller
    V1,
    /// One hierarchy
    #[default]
    V2,
}
