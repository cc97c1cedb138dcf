//! Reads seccomp filters: the classic-BPF programs that decide a container's system calls.
//!
//! No I/O and no unsafe code: the recorder supplies the bytes, this crate says what they mean.
//!
//! | module | what it has |
//! |---|---|
//! | [`filter`] | [`Filter`] and [`Instruction`]: bytes in, bytes out, digest |
//! | [`opcode`] | the opcodes that the kernel accepts in a filter, decoded once for all others |
//! | [`check`] | [`Filter::validate`]: what the kernel demands before it accepts a filter |
//! | [`evaluate`] | [`Filter::evaluate`]: the answer to one call |
//! | [`decide`] | [`Decider`]: the answers to all calls, exactly; classes of calls |
//! | [`profile`] | [`Profile`]: `linux.seccomp`, engines' files, and what they mean according to the spec |
//! | [`explain`] | why filters differ, and what that affects |
//! | [`cure`] | changes a profile so that all runtimes read it alike |
//! | [`action`] | [`Action`]: that answer, with its common names |
//! | [`disassemble`] | [`Filter::disassemble`]: one line per instruction, with names for numbers |
//! | [`syscall`] | names and numbers of calls |
//! | [`data`] | [`SeccompData`]: what a filter can see of a call, and architectures by name |

#![forbid(unsafe_code)]

pub mod action;
pub mod check;
pub mod cure;
pub mod data;
pub mod decide;
pub mod disassemble;
pub mod evaluate;
pub mod explain;
pub mod filter;
pub mod opcode;
pub mod profile;
pub mod syscall;

pub use action::Action;
pub use check::Invalid;
pub use data::SeccompData;
pub use decide::{DecideError, Decider, Decision};
pub use evaluate::EvaluateError;
pub use filter::{Filter, Instruction, NotWhole};
pub use profile::Profile;
