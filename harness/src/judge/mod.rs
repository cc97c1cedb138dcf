//! Judges a case: what differs, whether it shows each time, what is known of it, and the verdict.
//!
//! | module | what it does |
//! |---|---|
//! | [`changes`] | what a changed profile does to calls, by filters of before and after |
//! | [`compare`] | which facts are compared, and who agrees with whom |
//! | [`confirm`] | runs what is new again, and gives the verdict |
//! | [`failing`] | steps that fail under every runtime |
//! | [`filters`] | decides seccomp filters: against the profile, against each other |
//! | [`finished`] | a case that has its verdict, or is not judged |
//! | [`fixed`] | what shows no more in versions that nobody had looked at |
//! | [`ignore`] | findings that somebody does not want to hear of for a while |
//! | [`named`] | findings that a known file names must be recognised, and show |
//! | [`normalise`] | takes away what differs from run to run |
//! | [`recognise`] | which findings account for a difference |
//! | [`repeat`] | several runs of a case, put together |
//! | [`unseen`] | what a case watches and no run has shown |
//! | [`verdict`] | what is new, known, gone, a violation |

pub mod changes;
pub mod compare;
pub mod confirm;
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
