//! What the machine is and can do, read from its kernel.
//!
//! | module | what it does |
//! |---|---|
//! | [`cgroup`] | the cgroups of a run |
//! | `names` | names for numbers of the kernel |
//! | [`root`] | whether the program is root |
//! | `sysctl` | sysctls that belong to namespaces |

pub mod cgroup;
pub(crate) mod names;
pub mod root;
pub(crate) mod sysctl;
