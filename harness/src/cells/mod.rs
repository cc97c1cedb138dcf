//! Runs cases in cells: a process of the harness, number 1 of a pid namespace, for each runtime.
//!
//! | module | what it does |
//! |---|---|
//! | [`abilities`] | which properties of the machine decide whether a case can run |
//! | [`ask`] | asks a program for its version, in a cell |
//! | [`hangs`] | which runtime hangs, and is given up |
//! | `executed` | what a runtime's program executes beside itself |
//! | [`carry`] | results of an earlier run that cannot have changed |
//! | `hear` | listens to a cell |
//! | [`launch`] | starts a cell in a free slot |
//! | [`order`] | what a cell is asked for, and what it reported |
//! | [`participants`] | which runtimes take part, and the calls that each wants |
//! | [`runner`] | one case: bundle, launch, record, normalise |
//! | [`session`] | what a run makes on the machine, and how it is found again |
//! | `slot` | places to run in: a thread in cgroups of its own |
//! | [`threads`] | the threads that wait for cells |
//! | `wall` | the machine's devices and sysctls, barred to a slot's cgroups |

pub mod abilities;
pub mod ask;
pub mod carry;
mod controllers;
mod executed;
pub mod hangs;
pub(crate) mod hear;
pub mod launch;
pub mod order;
pub mod participants;
mod refusal;
pub mod runner;
pub mod session;
pub(crate) mod slot;
pub mod threads;
pub(crate) mod wall;
