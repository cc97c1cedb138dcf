//! Everything behind the `probe` program: what it reads ([`facts`]), what it does ([`actions`]) and how it
//! reports ([`report`]). The program itself (`main.rs`) is only the entry point.
//!
//! No std: see `main.rs`. All calls to the kernel, and all unsafe code, are in [`sys`].

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod actions;
pub mod chain;
pub mod check;
pub mod facts;
pub mod json;
pub mod outcome;
pub mod parse;
pub mod report;
pub mod sys;
pub mod tables;

pub use sys::words::Words;

use alloc::format;
use outcome::Stop;
use report::Report;

/// The status for wrong use.
const WRONG_USE: i32 = 2;

/// Runs the actions that the words ask for, and returns the exit status.
pub fn run(words: &Words) -> i32 {
    let chain = match chain::parse(words.args()) {
        Ok(chain) => chain,
        Err(text) => {
            complain(&format!("{text}; see `probe help`"));
            return WRONG_USE;
        }
    };
    let mut report = Report::new();
    for step in &chain.steps {
        let flow = (step.action.run)(&step.args, words, &mut report);
        report.flush();
        match flow {
            Ok(()) => {}
            Err(Stop::Exit(status)) => return status,
            Err(Stop::WrongUse(text)) => {
                complain(&format!("{}: {text}", step.action.name));
                return WRONG_USE;
            }
        }
    }
    i32::from(chain.strict && report.failed())
}

/// One line on stderr.
pub fn complain(text: &str) {
    sys::write_all(2, format!("probe: {text}\n").as_bytes());
}
