//! ocidiff: a differential conformance test suite for OCI runtimes.
//!
//! The pipeline, from a case file to a verdict:
//!
//! ```text
//! corpus -> run::plan -> bundle -> cells (cell) -> judge -> reports
//! ```
//!
//! Below are the rooms in the order of their floors: each uses those above it only.
//!
//! | room         | what it does                                                            |
//! |--------------|-------------------------------------------------------------------------|
//! | [`error`]    | why a command ended early, and with which exit status                   |
//! | [`digest`]   | digests of what runtimes are given                                      |
//! | [`paths`]    | where things are in a cell                                              |
//! | [`machine`]  | what the machine is and can do: its cgroups, names of its numbers       |
//! | [`cell`]     | inside the containment: runs one case under one runtime                 |
//! | [`corpus`]   | loads and checks cases, known files, findings, recipes, profiles        |
//! | [`bundle`]   | builds a case's bundle, the same bytes for every runtime                |
//! | [`judge`]    | compares, runs what is new again, recognises, and gives the verdict     |
//! | [`secrets`]  | removes the values of a workload's environment from records             |
//! | [`mutants`]  | real runtimes with one fault each, which the corpus must find           |
//! | [`cells`]    | outside of it: starts cells and listens to them                         |
//! | [`run`]      | what every command that runs cases needs; also for `cargo test`         |
//! | [`via`]      | cases through a container engine, in place of cells                     |
//! | [`findings`] | which findings concern a user, which cases show one; lint               |
//! | [`accept`]   | writes known files, and keeps what people wrote                         |
//! | [`repro`]    | a folder that shows a case without ocidiff                              |
//! | [`vm`]       | virtual machines with other kernels, in which the program runs cases    |
//! | [`matrix`]   | runtimes by kernels and cgroups: plans, parts, joined events             |
//! | [`bisect`]   | between which two versions a behaviour changed                           |
//! | [`workload`] | a user's container, and the harmless copy of it that is run             |
//! | [`check`]    | will workloads survive a change of runtime?                             |
//! | [`capture`]  | a user's container as a case                                            |
//! | [`cli`]      | the program's commands                                                  |

pub mod accept;
pub mod bisect;
pub mod bundle;
pub mod capture;

pub mod cell;
pub mod cells;
pub mod check;
pub mod cli;
pub mod corpus;
pub mod digest;
pub mod error;
pub mod findings;
pub mod judge;
pub mod machine;
pub mod matrix;
pub mod mutants;
pub mod paths;
pub mod repro;
pub mod run;
pub mod secrets;
pub mod via;
pub mod vm;
pub mod workload;
