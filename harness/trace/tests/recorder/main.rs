//! The recorder, checked against programs that themselves say what it must have seen.
//!
//! One binary in three roles, distinguished by its first argument:
//!
//! - the tests (`trials.rs`, each for every backend of `backend.rs`, and `run.rs` with what they share);
//! - `--init WAY PROGRAM` (`init.rs`): takes the place of a runtime's init. It waits to be started, and then
//!   becomes the program;
//! - `--program NAME` (`programs/`): small programs like those in strace's own tests. Each prints a line
//!   `call ...` for every call that the record must show, and `saw ...` for what it observed itself.
//!
//! What a program prints is compared with the record; what it saw, with what it sees without a recorder.

mod agree;
mod backend;
mod init;
mod programs;
mod raw;
mod run;
#[path = "../../../tests/it/support/skip.rs"]
mod skip;
mod trials;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [_, "--init", way, program] => {
            backend::enrol();
            init::stand(way, program)
        }
        [_, "--program", name] => programs::run(name),
        _ => {
            let arguments = libtest_mimic::Arguments::from_args();
            libtest_mimic::run(&arguments, trials::all()).exit_code()
        }
    }
}
