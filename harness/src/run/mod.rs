//! What every command that runs cases needs: which runtimes take part, which cases run, in which order, and until when.
//!
//! | module | what it does |
//! |---|---|
//! | [`mutants`] | real runtimes with one fault each: which case catches it |
//! | [`plan`] | which cases run, by patterns |
//! | [`preflight`] | what the machine lacks, and whether each runtime starts anything |
//! | [`readback`] | loads a seccomp profile under each runtime, reads back what is in force |
//! | [`runner`] | what runs one case: cells, or an engine |
//! | [`schedule`] | many cases, a few at a time |
//! | [`stop`] | asks everything that is under way to end |
//! | [`suite`] | the corpus, the runtimes, a session |

pub mod mutants;
pub mod plan;
pub mod preflight;
pub mod readback;
pub mod runner;
pub mod schedule;
pub mod stop;
pub mod suite;
