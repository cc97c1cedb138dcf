//! The vocabulary of ocidiff: one word for one thing, no I/O.
//!
//! | module          | what is inside                                                        |
//! |-----------------|-----------------------------------------------------------------------|
//! | [`case`]        | a case as it is written: the bundle, the steps, what to watch         |
//! | [`caller`]      | what calls the runtime, if a case is about that                       |
//! | [`rootfs`]      | a recipe's name, or folders of the machine                            |
//! | [`family`]      | one file that stands for several cases                                |
//! | [`members`]     | the cases of a file: itself, or each member of its family             |
//! | [`step`]        | one call of the lifecycle                                             |
//! | [`life`]        | a container that is made again, and the names of its facts then        |
//! | [`merge`]       | how a case's `config` is laid over the default one                    |
//! | [`diff`]        | the inverse of that: what a case must say to get a given config       |
//! | [`fact`]        | one observation: a dotted path and a value, and the channel it is of  |
//! | [`facts`]       | the table of facts: which exist, and what is known about each         |
//! | [`names`]       | small lists of names that cases use                                   |
//! | [`near`]        | the name that was meant                                               |
//! | [`record`]      | all that was observed of one case under one runtime                   |
//! | [`check`]       | which workloads would behave differently under another runtime        |
//! | [`compared`]    | which facts a case compares                                            |
//! | [`difference`]  | a fact on which runtimes disagree                                     |
//! | [`filter`]      | calls that seccomp filters do not answer alike                         |
//! | [`finding`]     | a root cause, written once                                            |
//! | [`impact`]      | how much something matters                                            |
//! | [`known`]       | a difference that is written down: the findings that make it          |
//! | [`machine`]     | the machine, as far as anything that is known depends on it           |
//! | [`version`]     | versions, and what lies between them                                  |
//! | [`range`]       | a range of versions as it is written                                  |
//! | [`date`]        | days, as they are written                                             |
//! | [`pattern`]     | a condition over a config.json                                        |
//! | [`requirement`] | a clause of the runtime-spec                                          |
//! | [`verdict`]     | what is said about a case, and the exit status of a run               |
//! | [`ignore`]      | findings that should not be reported for a while                      |
//! | [`event`]       | what a run reports, as JSON lines; every report is made from them     |

pub mod caller;
pub mod case;
pub mod check;
pub mod compared;
pub mod date;
pub mod diff;
pub mod difference;
pub mod event;
pub mod fact;
pub mod facts;
pub mod family;
pub mod filter;
pub mod finding;
pub mod ignore;
pub mod impact;
pub mod known;
pub mod life;
pub mod machine;
pub mod members;
pub mod merge;
pub mod names;
pub mod near;
pub mod pattern;
pub mod range;
mod read;
pub mod record;
pub mod requirement;
pub mod rootfs;
pub mod step;
mod text;
pub mod verdict;
pub mod version;

pub use caller::Caller;
pub use case::{Case, CaseFile, Expectation, FileSpec, Needs, Watch};
pub use difference::{Difference, Group};
pub use event::Event;
pub use fact::{Channel, Fact, Value};
pub use filter::FilterRow;
pub use finding::{Catalogue, Finding, FindingId};
pub use ignore::IgnoreList;
pub use impact::Impact;
pub use known::{Known, KnownEntry};
pub use machine::{CgroupVersion, Machine};
pub use pattern::Pattern;
pub use range::Range;
pub use record::{Record, RuntimeId, StepRecord};
pub use requirement::{Level, Requirement};
pub use rootfs::{Folders, Rootfs};
pub use step::{Op, Step, StepOptions};
pub use text::last_words;
pub use verdict::{Counts, ExitStatus, Verdict};
