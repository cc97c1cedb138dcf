//! Judges a case: what differs, whether it shows each time, what is known about it, and the verdict.
//!
//! | module | what it does |
//! |---|---|
//! | [`changes`] | what a changed profile does to calls, by filters from before and after |
//! | [`compare`] | which facts are compared, and which runtimes agree |
//! | [`confirm`] | runs what is new again, and gives the verdict |
//! | [`control`] | a runtime that is compared with itself |
//! | [`failing`] | steps that fail under every runtime |
//! | [`filters`] | decides seccomp filters: against the profile, against each other |
//! | [`finished`] | a case that has its verdict, or is not judged |
//! | [`fixed`] | what no longer shows in versions that had not been examined |
//! | [`ignore`] | findings that should not be reported for a while |
//! | [`named`] | findings that a known file names must be recognised, and show |
//! | [`normalise`] | removes what differs from run to run |
//! | [`recognise`] | which findings account for a difference |
//! | [`repeat`] | combines several runs of a case |
//! | [`unseen`] | what a case watches and no run has shown |
//! | [`verdict`] | what is new, known, gone, a violation |

pub mod changes;
pub mod compare;
pub mod confirm;
pub mod control;
pub mod failing;
pub mod filters;
pub mod finished;
pub mod fixed;
pub mod ignore;
pub(crate) mod named;
pub mod normalise;
pub mod recognise;
pub mod repeat;
pub mod unseen;
pub mod verdict;
