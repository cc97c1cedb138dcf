//! Reads seccomp filters: the classic-BPF programs that decide a container's system calls.
//!
//! No I/O and no unsafe code: the recorder brings the bytes, this crate says what they mean.
//!
//! | module | what it has |
//! |---|---|
//! | [`filter`] | [`Filter`] and [`Instruction`]: bytes in, bytes out, digest |
//! | [`opcode`] | the opcodes that the kernel accepts in a filter, decoded once for all others |
//! | [`check`] | [`Filter::validate`]: what the kernel demands before it takes a filter |
//! | [`evaluate`] | [`Filter::evaluate`]: the answer to one call |
//! | [`action`] | [`Action`]: that answer, with the names that people use |
//! | [`disassemble`] | [`Filter::disassemble`]: a line an instruction, with names for numbers |
//! | [`data`] | [`SeccompData`]: what a filter can see of a call, and architectures by name |

#![forbid(unsafe_code)]

pub mod action;
pub mod check;
pub mod data;
pub mod disassemble;
pub mod evaluate;
pub mod filter;
pub mod opcode;

pub use action::Action;
pub use check::Invalid;
pub use data::SeccompData;
pub use evaluate::EvaluateError;
pub use filter::{Filter, Instruction, NotWhole};
