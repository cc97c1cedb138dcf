//! Will these workloads survive a change of runtime?
//!
//! | module | what it does |
//! |---|---|
//! | [`features`] | what the runtimes say that they support |
//! | [`from_to`] | from which runtime to which |
//! | [`read`]    | what a config alone shows |
//! | `libc`    | which C library a workload's files have |
//! | [`usual`]   | what engines add to every config by themselves, and what they leave out |
//! | [`shape`] | workloads that differ in nothing that a runtime looks at are checked once |
//! | [`run`](mod@run) | runs the workload's own command, if that is asked for |
//! | `ended` | runs of the probe that show nothing about the workload |
//! | [`look`](mod@look) | runs the probe under both runtimes, and takes what differs each time |
//! | `access` | owner and mode of mount points, judged by what the user can do |
//! | `fact` | a fact that differs |
//! | [`calls`] | calls to which filters give different answers |
//! | `devices` | device rules, entry by entry |
//! | `rules`, `values` | how bad differences are in facts that no case covers |
//! | `remedies` | what of a finding's remedy helps in the direction of the move |
//! | `words` | what a runtime says when it fails |
//! | [`judge`](mod@judge) | how bad it is, why, and what to do |

mod access;
pub mod calls;
mod devices;
mod ended;
mod fact;
pub mod features;
pub mod from_to;
pub mod judge;
pub mod libc;
pub mod look;
pub mod read;
mod remedies;
mod rules;
pub mod run;
pub mod shape;
pub mod usual;
mod values;
mod words;
