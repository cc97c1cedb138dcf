//! ocidiff: a differential conformance test suite for OCI runtimes.
//!
//! The pipeline, one module a step:
//!
//! ```text
//! corpus -> plan -> bundle -> launch (cell) -> normalise -> compare -> judge -> reports
//! ```
//!
//! | module             | what it does                                                     |
//! |--------------------|------------------------------------------------------------------|
//! | [`corpus`]         | loads and checks cases, known files, recipes, profiles           |
//! | [`plan`]           | which cases run: patterns and needs                              |
//! | [`preflight`]      | what the machine lacks, and whether each runtime starts anything |
//! | [`bundle`]         | builds a case's bundle, the same bytes for every runtime         |
//! | [`participants`]   | who takes part, and the calls that each wants                    |
//! | [`bisect`]         | between which two versions a behaviour changed                   |
//! | [`session`]        | what a run makes on the machine, and how it is found again       |
//! | [`cgroup`]         | the cgroups of a run                                             |
//! | [`launch`], `hear` | starts a cell and listens to it                                  |
//! | [`ask`]            | asks a program for its version, in a cell                        |
//! | `slot`             | places to run in: a thread in cgroups of its own                 |
//! | `wall`             | the machine's devices and sysctls, barred to a slot's cgroups    |
//! | [`cell`]           | runs one case under one runtime, contained                       |
//! | [`normalise`]      | takes away what differs from run to run                          |
//! | [`secrets`]        | takes the values of a stranger's environment out of records      |
//! | [`filters`]        | decides seccomp filters: against the profile, against each other |
//! | [`readback`]       | loads a seccomp profile under each runtime, reads back what is in force |
//! | [`compare`]        | which facts are compared, and who agrees                         |
//! | [`judge`](mod@judge) | what is new, known, gone, a violation                          |
//! | [`confirm`]        | runs what is new again, and gives the verdict                    |
//! | [`findings`]       | which findings concern somebody, which cases show one; lint       |
//! | [`failing`]        | steps that fail under every runtime                              |
//! | [`hangs`]          | which runtime does not come back, and is given up                |
//! | [`repeat`]         | several runs of a case, put together                             |
//! | [`carry`]          | results of an earlier run that cannot have changed               |
//! | [`unseen`]         | what a case watches and no run has shown                         |
//! | [`engine`]         | all of that for one case                                         |
//! | [`via`]            | the same through a container engine, in place of cells           |
//! | [`schedule`]       | many cases, a few at a time                                       |
//! | [`stop`]           | asks everything that is under way to end                         |
//! | [`suite`]          | what everything that runs cases needs; also for `cargo test`     |
//! | [`accept`]         | writes known files, and keeps what people wrote                  |
//! | [`repro`]          | a folder that shows a case without ocidiff                       |
//! | [`check`]          | will workloads survive a change of runtime?                     |
//! | [`capture`]        | a container of somebody's as a case                              |
//! | [`mutants`]        | real runtimes with one fault each, which the corpus must find    |
//! | [`cli`]            | the program's commands                                           |

pub mod accept;
pub mod ask;
pub mod bisect;
pub mod bundle;
pub mod capture;
pub mod carry;
pub mod cell;
pub mod cgroup;
pub mod check;
pub mod cli;
pub mod compare;
pub mod confirm;
pub mod corpus;
pub mod engine;
pub mod error;
pub mod failing;
pub mod filters;
pub mod findings;
pub mod hangs;
mod hear;
pub mod judge;
pub mod launch;
pub mod mutants;
pub mod normalise;
pub mod participants;
pub mod plan;
pub mod preflight;
pub mod readback;
pub mod recognise;
pub mod repeat;
pub mod repro;
pub mod schedule;
pub mod secrets;
pub mod session;
mod slot;
pub mod stop;
pub mod suite;
pub mod unseen;
pub mod via;
mod wall;
