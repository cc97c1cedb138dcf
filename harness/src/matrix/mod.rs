//! Many runs as one: runtimes and versions by kernels and cgroups. Planning is pure; the code that runs the cells is
//! elsewhere.
//!
//! | module | what it does |
//! |---|---|
//! | `file` | reads `matrix.yaml` |
//! | `names` | whether the runtimes and kernels that it names exist |
//! | `plan` | the cells of a plan, and the cases of each |
//! | `depends` | why a case depends on the machine |
//! | `shard` | a part of a plan, by time |
//! | `join` | the events of one cell's parts as those of one run |
//! | `ci` | a plan in the form that a CI service or a cluster takes |

pub mod ci;
mod depends;
mod file;
mod join;
mod names;
mod plan;
mod shard;
#[cfg(test)]
mod tests;

pub use depends::depends;
pub use file::{Axis, MatrixError, MatrixFile};
pub use join::join;
pub use names::Names;
pub use plan::{Cell, Plan, plan};
pub use shard::{Shard, Times};
