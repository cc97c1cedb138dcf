//! The program: reads the command line, carries it out, and ends with a documented exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ocidiff::cli::main()
}
